package discovery

import (
	"encoding/json"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest/bounds"
)

// FuzzDescribe: whatever passes for a profile and a state makes messages that
// are JSON, with no entity that lacks what Home Assistant demands of it, and no
// value that it drops.
func FuzzDescribe(f *testing.F) {
	samples := thinqtest.Samples()
	for i, s := range samples {
		f.Add("DEVICE_AIR_CONDITIONER", []byte(s.Profile), []byte(s.Status))
		f.Add("DEVICE_WASHER", []byte(s.Profile), []byte(s.Status))
		neighbour := samples[(i+1)%len(samples)]
		f.Add(appliances[i%len(appliances)].Type, []byte(s.Profile), []byte(neighbour.Status))
	}
	f.Fuzz(func(t *testing.T, deviceType string, profile, status []byte) {
		defer bounds.Keep(t)()
		p, err := thinq.ParseProfile(profile)
		if err != nil {
			return
		}
		s, err := p.Decode(status)
		if err != nil {
			return
		}
		for _, d := range Describe(thinq.Device{ID: "id", Type: deviceType}, p, s, testOptions) {
			derived, _ := d.Advance(s, s, noon)
			s.Merge(derived)
			if !json.Valid(d.Payload(s)) {
				t.Fatalf("%s is no JSON", d.Payload(s))
			}
			checkAnnouncement(t, d.Announcement())
		}
		odd := newHome()
		odd.odd = true
		odd.accepts(t, Describe(thinq.Device{ID: "id", Type: deviceType}, p, s, testOptions), s)
	})
}

// demanded is what Home Assistant refuses a component without.
var demanded = map[Platform][]string{
	Sensor: {"state_topic"}, BinarySensor: {"state_topic"}, EventEntity: {"state_topic", "event_types"},
	Switch: {"command_topic"}, Button: {"command_topic"}, TextEntity: {"command_topic"},
	Select: {"command_topic", "options"}, Number: {"command_topic", "min", "max"}, Climate: {"mode_state_topic"},
	Fan: {"command_topic"}, Humidifier: {"command_topic", "target_humidity_command_topic"}, Light: {"command_topic"},
}

func checkAnnouncement(t *testing.T, message []byte) {
	t.Helper()
	var m struct {
		Components map[string]map[string]any `json:"components"`
	}
	if err := json.Unmarshal(message, &m); err != nil {
		t.Fatal(err)
	}
	for key, c := range m.Components {
		for _, want := range demanded[Platform(c["platform"].(string))] {
			if c[want] == nil {
				t.Errorf("%s lacks %s: %v", key, want, c)
			}
		}
		for _, list := range []string{"options", "event_types"} {
			if words, ok := c[list].([]any); ok && len(words) == 0 {
				t.Errorf("%s has no %s", key, list)
			}
		}
		if low, ok := c["min"].(float64); ok && low >= c["max"].(float64) {
			t.Errorf("%s: %v to %v", key, low, c["max"])
		}
	}
}
