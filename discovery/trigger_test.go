package discovery

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// described describes an appliance of a profile and a state in LG's JSON.
func described(t *testing.T, deviceType, profile, status string) (*Device, sample) {
	t.Helper()
	p, err := thinq.ParseProfile([]byte(profile))
	if err != nil {
		t.Fatal(err)
	}
	state, err := p.Decode([]byte(status))
	if err != nil {
		t.Fatal(err)
	}
	s := sample{device: thinq.Device{ID: "id", Type: typePrefix + deviceType}, profile: p, state: state}
	s.advance(t, state)
	return s.describe(testOptions)[0], s
}

// advance merges what follows from a change, and returns the events.
func (s sample) advance(t *testing.T, changed thinq.State) (events []Event) {
	t.Helper()
	for _, d := range s.describe(testOptions) {
		derived, happened := d.Advance(s.state, changed, noon)
		s.state.Merge(derived)
		events = append(events, happened...)
	}
	return events
}

func announced(t *testing.T, d *Device) map[string]component {
	t.Helper()
	var message struct{ Components map[string]component }
	if err := json.Unmarshal(d.Announcement(), &message); err != nil {
		t.Fatal(err)
	}
	return message.Components
}

// TestTriggers: every type of every event can be picked in an automation, also
// one that LG lists nowhere.
func TestTriggers(t *testing.T) {
	d, s := described(t, "WASHER", `{"notification":{"push":["WASHING_IS_COMPLETE"]},"error":["DOOR_OPEN_ERROR"],"property":{}}`, `{}`)
	want := component{
		"platform": "device_automation", "automation_type": "trigger",
		"type": "notification", "subtype": "Washing is complete",
		"topic":   "thinq2mqtt/" + d.Slug + "/event/notification",
		"payload": "washing_is_complete", "value_template": "{{ value_json.event_type }}",
	}
	if diff := cmp.Diff(want, announced(t, d)["notification-washing_is_complete"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := announced(t, d)["error-door_open_error"]["subtype"]; got != "Door open error" {
		t.Errorf("subtype %v", got)
	}
	s.advance(t, Notice("LINT_IS_EVERYWHERE"))
	learnt := s.describe(testOptions)[0]
	if announced(t, learnt)["notification-lint_is_everywhere"] == nil {
		t.Errorf("no trigger for a code learnt: %s", learnt.Announcement())
	}
	if learnt.Components()["notification-lint_is_everywhere"] != Trigger {
		t.Error("the bridge could not take it back")
	}
}

// TestTriggersAreToldApart: Home Assistant wants every pair of type and
// subtype once in a device, and keys without spaces.
func TestTriggersAreToldApart(t *testing.T) {
	for _, s := range samples(t) {
		for _, d := range s.describe(testOptions) {
			checkTriggers(t, d)
		}
	}
	d, _ := described(t, "NEW", `{"notification":{"push":["A B","A_B","a_b","🧺","🧦","éclair"]},"property":{}}`, `{}`)
	checkTriggers(t, d)
	triggers := 0
	for _, platform := range d.Components() {
		if platform == Trigger {
			triggers++
		}
	}
	if triggers != 5 {
		t.Errorf("%d triggers: %v", triggers, d.Components())
	}
}

func checkTriggers(t *testing.T, d *Device) {
	t.Helper()
	pairs := map[string]bool{}
	for key, c := range announced(t, d) {
		if c["platform"] != string(Trigger) {
			continue
		}
		pair := fmt.Sprint(c["type"], "/", c["subtype"])
		if pairs[pair] || !ValidSlug(key) {
			t.Errorf("%s: trigger %q of %s", d.Slug, key, pair)
		}
		pairs[pair] = true
	}
}
