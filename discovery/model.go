package discovery

import (
	"crypto/sha256"
	"encoding/json"
	"maps"
	"weak"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A Model describes all appliances that have one profile. Those that it finds
// alike share their description for as long as one of them is in use, so that a
// building full of equal appliances takes little more memory than one of them.
// A Model is for one goroutine.
type Model struct {
	Profile *thinq.Profile

	known map[digest]weak.Pointer[description]
}

type digest = [sha256.Size]byte

// NewModel is for the appliances of a profile.
func NewModel(p *thinq.Profile) *Model {
	return &Model{Profile: p, known: map[digest]weak.Pointer[description]{}}
}

// Describe is [Describe] with the profile of the model.
func (m *Model) Describe(d thinq.Device, s thinq.State, o Options) []*Device {
	devices := Describe(d, m.Profile, s, o)
	for _, device := range devices {
		m.share(device)
	}
	return devices
}

// share gives a device the description of an earlier one that is alike.
func (m *Model) share(d *Device) {
	maps.DeleteFunc(m.known, func(_ digest, p weak.Pointer[description]) bool { return p.Value() == nil })
	sum := d.sum()
	if twin := m.known[sum].Value(); twin != nil {
		d.description, d.Entities = twin, twin.entities
		return
	}
	m.known[sum] = weak.Make(d.description)
}

// sum is equal for two devices of one profile whose descriptions are: it covers
// everything that Describe takes from the options and the state.
func (d *Device) sum() digest {
	type component struct {
		Key, Name, Gate string
		Platform        Platform
		Config          map[string]any
		Quiet, Instead  []string
		Labels          []label
	}
	all := make([]component, len(d.Entities))
	for i, e := range d.Entities {
		all[i] = component{e.Key, e.Name, e.Gate, e.Platform, e.Config, e.quiet(), e.instead(), e.labels}
	}
	text, err := json.Marshal([]any{d.Type, d.kind, d.Part, d.remarks, d.Settings.RemoteStart, all, d.coverage, d.learnt, d.notices.mine, d.errors.mine})
	if err != nil {
		panic(err) // only strings, numbers and lists of them are in it
	}
	return sha256.Sum256(text)
}
