package discovery

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// noon is the time of all tests.
var noon = time.Date(2026, 9, 30, 12, 0, 0, 0, time.UTC)

var testOptions = Options{
	Topics: Topics{Base: "thinq2mqtt", Prefix: "homeassistant"}, Language: "en", Unit: "auto",
	Version: "1.0.0", Instance: "thinq2mqtt_bridge",
}

// An appliance is a sample as the bridge would hold it.
type sample struct {
	name    string
	device  thinq.Device
	profile *thinq.Profile
	state   thinq.State
}

// builtIn reads the files once; nobody changes them.
var builtIn = sync.OnceValue(thinqtest.Samples)

func (s sample) describe(o Options) []*Device { return Describe(s.device, s.profile, s.state, o) }

// samples loads every built-in appliance, with the derived values of noon.
func samples(t testing.TB) []sample {
	t.Helper()
	var all []sample
	for _, s := range builtIn() {
		all = append(all, load(t, s))
	}
	return all
}

// sampleNamed loads one built-in appliance.
func sampleNamed(t testing.TB, name string) sample {
	t.Helper()
	for _, s := range builtIn() {
		if s.Name == name {
			return load(t, s)
		}
	}
	t.Fatalf("no sample %s", name)
	return sample{}
}

func load(t testing.TB, s thinqtest.Sample) sample {
	t.Helper()
	var listed struct {
		DeviceID   string `json:"deviceId"`
		DeviceInfo struct {
			DeviceType, ModelName, Alias, GroupID string
		} `json:"deviceInfo"`
	}
	if err := json.Unmarshal(s.Device, &listed); err != nil {
		t.Fatal(err)
	}
	p, err := thinq.ParseProfile(s.Profile)
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	state, err := p.Decode(s.Status)
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	info := listed.DeviceInfo
	loaded := sample{s.Name, thinq.Device{ID: listed.DeviceID, Type: info.DeviceType, Model: info.ModelName, Alias: info.Alias, Group: info.GroupID}, p, state}
	for _, d := range loaded.describe(testOptions) {
		derived, _ := d.Advance(state, state, noon)
		state.Merge(derived)
	}
	return loaded
}
