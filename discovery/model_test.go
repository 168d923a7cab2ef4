package discovery

import (
	"bytes"
	"maps"
	"runtime"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// TestModelIsDescribe: what appliances share does not show. Every sample has a
// neighbour of the same kind, with one of its values changed.
func TestModelIsDescribe(t *testing.T) {
	long(t)
	t.Parallel()
	for _, s := range samples(t) {
		m := NewModel(s.profile)
		kept := m.Describe(s.device, s.state, testOptions)
		neighbour := s.device
		neighbour.ID += "0"
		for _, p := range s.profile.Properties {
			values := mayRead(p)
			for _, v := range []any{values[0], values[len(values)-1]} {
				state := maps.Clone(s.state)
				state[p.Path] = v
				all := m.Describe(neighbour, state, testOptions)
				for i, d := range Describe(neighbour, s.profile, state, testOptions) {
					shared := all[i]
					if !bytes.Equal(shared.Announcement(), d.Announcement()) || !bytes.Equal(shared.Payload(state), d.Payload(state)) {
						t.Errorf("%s: with %s = %v a shared description says\n%s\ninstead of\n%s", s.name, p.Path, v, shared.Announcement(), d.Announcement())
					}
				}
			}
		}
		runtime.KeepAlive(kept)
	}
}

func TestModelShares(t *testing.T) {
	s := sampleNamed(t, "dryer_heat_pump")
	m := NewModel(s.profile)
	describe := func(id string, state thinq.State, o Options) *Device {
		d := s.device
		d.ID = id
		return m.Describe(d, state, o)[0]
	}
	first := describe("a", s.state, testOptions)
	changed := maps.Clone(s.state)
	changed[thinq.Path{Resource: "runState", Name: "currentState"}] = "PAUSE"
	if second := describe("b", changed, testOptions); second.description != first.description || second.Slug == first.Slug {
		t.Errorf("%s and %s do not share what is the same", first.Slug, second.Slug)
	}
	changed[thinq.Path{Resource: "sensor", Name: "wetness"}] = 3.0
	if other := describe("c", changed, testOptions); other.description == first.description {
		t.Error("an appliance with a value of its own shares the description of one without")
	}
	allowed := testOptions
	allowed.Settings = func(_, _ string) Settings { return Settings{RemoteStart: true} }
	if other := describe("d", s.state, allowed); other.description == first.description {
		t.Error("an appliance that may be started shares the description of one that may not")
	}
	runtime.KeepAlive(first)
}

// TestModelForgets: a description that nobody uses is not kept.
func TestModelForgets(t *testing.T) {
	s := sampleNamed(t, "dryer_heat_pump")
	m := NewModel(s.profile)
	m.Describe(s.device, s.state, testOptions)
	runtime.GC()
	for _, p := range m.known {
		if p.Value() != nil {
			t.Error("a description is still there")
		}
	}
}
