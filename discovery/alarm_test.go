package discovery

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// TestAlarms: of two words of which one is an alarm the other is none; the class
// is that of the name, of the resource, or of the word.
func TestAlarms(t *testing.T) {
	for _, test := range []struct {
		resource, name, values string
		platform               Platform
		class, on, off         string
	}{
		{"fireDetection", "fireState", `["FIRE","NORMAL"]`, BinarySensor, "smoke", "fire", "normal"},
		{"fireDetection", "currentState", `["NORMAL","DETECTED"]`, BinarySensor, "smoke", "detected", "normal"},
		{"sensor", "state", `["SMOKE","NORMAL"]`, BinarySensor, "smoke", "smoke", "normal"},
		{"sensor", "state", `["fire_detected","normal"]`, BinarySensor, "smoke", "fire_detected", "normal"},
		{"sensor", "state", `["NO_LEAK","LEAK_DETECTED"]`, BinarySensor, "moisture", "leak_detected", "no_leak"},
		{"waterLeak", "state", `["DETECTED","UNDETECTED"]`, BinarySensor, "moisture", "detected", "undetected"},
		{"gasSensor", "alarmState", `["ALARM","NORMAL"]`, BinarySensor, "gas", "alarm", "normal"},
		{"sensor", "gasState", `["DANGER","SAFE"]`, BinarySensor, "gas", "danger", "safe"},
		{"sensor", "motionState", `["NOT_DETECTED","DETECTED"]`, BinarySensor, "motion", "detected", "not_detected"},
		{"sensor", "state", `["SAFE","DANGER"]`, BinarySensor, "problem", "danger", "safe"},
		{"sensor", "state", `["DETECTED","NORMAL"]`, BinarySensor, "problem", "detected", "normal"},
		{"sensor", "state", `["DETECTED","CLEAR"]`, BinarySensor, "", "detected", "clear"},
		{"sensor", "state", `["WARNING","OK"]`, BinarySensor, "problem", "warning", "ok"},
		{"runState", "cockState", `["CLEANING","NORMAL"]`, Sensor, "enum", "", ""},
		{"sensor", "state", `["NORMAL","FIRE","TEST"]`, Sensor, "enum", "", ""},
		{"sensor", "state", `["NORMAL","WARNING","LEAK_DETECTED"]`, Sensor, "enum", "", ""},
		{"doorStatus", "doorState", `["OPEN","CLOSE"]`, BinarySensor, "door", "open", "close"},
		{"smokeSensor", "watchMode", `["ON","OFF"]`, BinarySensor, "", "on", "off"},
	} {
		t.Run(test.resource+"."+test.name+test.values, func(t *testing.T) {
			profile := fmt.Sprintf(`{"property":{%q:{%q:{"type":"enum","mode":["r"],"value":{"r":%s}}}}}`, test.resource, test.name, test.values)
			d, _ := described(t, "NEW", profile, `{}`)
			for _, e := range d.Entities {
				if len(e.Bindings) != 1 || len(e.Bindings[0].Props) != 1 {
					continue
				}
				class, _ := e.Config["device_class"].(string)
				on, _ := e.Config["payload_on"].(string)
				off, _ := e.Config["payload_off"].(string)
				if e.Platform != test.platform || class != test.class || on != test.on || off != test.off {
					t.Errorf("%s %q of %q and %q", e.Platform, class, on, off)
				}
				if alarmed := test.class != "" && test.name != "cockState"; alarmed && e.Config["enabled_by_default"] != nil {
					t.Error("nobody sees the alarm")
				}
			}
		})
	}
}

// TestAlarmOfAnotherWord: a third word is unknown, not calm, and never alarms by
// itself.
func TestAlarmOfAnotherWord(t *testing.T) {
	d, s := described(t, "NEW", `{"property":{"sensor":{"state":{"type":"enum","mode":["r"],"value":{"r":["FIRE","NORMAL"]}}}}}`, `{"sensor":{"state":"NORMAL"}}`)
	odd := thinq.State{{Resource: "sensor", Name: "state"}: "TESTING"}
	devices := follow(s, []*Device{d}, s.state, s.state.Merge(odd), testOptions)
	var message struct{ Components map[string]component }
	if err := json.Unmarshal(devices[0].Announcement(), &message); err != nil {
		t.Fatal(err)
	}
	document := map[string]any{}
	if err := json.Unmarshal(devices[0].Payload(s.state), &document); err != nil {
		t.Fatal(err)
	}
	if got := message.Components["state"].rendered(t, devices[0], document)["value_template"]; got != "None" {
		t.Errorf("Home Assistant is shown %q", got)
	}
}
