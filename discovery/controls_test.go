package discovery

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// TestControls: a button, the list and the switch are there for use only when
// the appliance would obey.
func TestControls(t *testing.T) {
	tests := []struct {
		sample, place, word string
		armed               bool
		usable              string // of the orders, the list and the switch, sorted
	}{
		{"dryer_heat_pump", "", "INITIAL", true, "list power power_off start"},
		{"dryer_heat_pump", "", "INITIAL", false, "power power_off"},
		{"dryer_heat_pump", "", "RUNNING", true, "list power power_off stop"},
		{"dryer_heat_pump", "", "RUNNING", false, "power power_off"},
		{"dryer_heat_pump", "", "PAUSE", true, "list power power_off start"},
		{"dryer_heat_pump", "", "END", true, "list power power_off start"},
		{"dryer_heat_pump", "", "RESERVED", true, "list power power_off start"},
		{"dryer_heat_pump", "", "ERROR", true, "list power power_off"},
		{"dryer_heat_pump", "", "WRINKLE_CARE", true, "list power power_off"},
		{"dryer_heat_pump", "", "SLEEP", false, "power power_off wake_up"},
		{"dryer_heat_pump", "", "POWER_OFF", true, "power power_on"},
		{"dryer_heat_pump", "", "POWER_OFF", false, "power_on"},
		{"dryer_heat_pump", "", "NEVER_HEARD", true, "list power power_off start stop"},
		{"washcombo_upper", "", "POWER_OFF", true, ""}, // it cannot be switched on from afar
		{"washcombo_upper", "", "ADD_DRAIN", true, "list power power_off start stop"},
		{"washcombo_upper", "", "FIRMWARE", true, "list power power_off"},
		{"oven_double", "upper_", "INITIAL", true, "list preheating start"},
		{"oven_double", "upper_", "PREFERENCE", true, "list preheating start"},
		{"oven_double", "upper_", "COOKING_IN_PROGRESS", true, "list stop"},
		{"oven_double", "upper_", "PREHEATING_IS_DONE", true, "list start stop"},
		{"oven_double", "upper_", "COOKING_IN_PROGRESS", false, ""},
		{"new_shoe_care", "", "DRYING", true, "shoe_care_operation_mode_power_off shoe_care_operation_mode_stop"},
		{"new_shoe_care", "", "INITIAL", true, "shoe_care_operation_mode_power_off shoe_care_operation_mode_start"},
		{"new_shoe_care", "", "POWER_OFF", true, ""},
		{"styler_wardrobe", "", "COMPLETE", true, "list power power_off start"},
	}
	for _, test := range tests {
		s := sampleNamed(t, test.sample)
		d := s.describe(willing())[0]
		now := s.state
		for p := range s.state {
			if locationKey(p.Location) == test.place {
				switch p.Key() {
				case "runState.currentState":
					now = at(t, now, map[string]any{p.String(): test.word})
				case remoteFlag:
					now = at(t, now, map[string]any{p.String(): test.armed})
				}
			}
		}
		if diff := cmp.Diff(test.usable, usable(t, d, now, test.place)); diff != "" {
			t.Errorf("%s, %s, armed %v (-want +got):\n%s", test.sample, test.word, test.armed, diff)
		}
	}
}

// usable are the controls of a place whose gate is open.
func usable(t *testing.T, d *Device, now thinq.State, place string) string {
	t.Helper()
	names := map[string]string{"select": "list"}
	var open []string
	for _, e := range d.Entities {
		if e.Gate == "" || len(e.Bindings[0].Props) == 0 {
			continue
		}
		if p := e.Bindings[0].Props[0].Path; p.Resource != "operation" || locationKey(p.Location) != place {
			continue
		}
		if documented(t, d, now, e.Gate) == "true" {
			open = append(open, or(names[string(e.Platform)], e.Key[len(place):]))
		}
	}
	slices.Sort(open)
	text := fmt.Sprint(open)
	return text[1 : len(text)-1]
}

// TestPower: the switch of what can only be switched off.
func TestPower(t *testing.T) {
	s := sampleNamed(t, "styler_wardrobe")
	d := s.describe(willing())[0]
	state := thinq.Path{Resource: "runState", Name: "currentState"}
	for word, want := range map[any]string{"RUNNING": "power_on", "POWER_OFF": "power_off", nil: "<nil>"} {
		now := at(t, s.state, nil)
		now[state] = word
		if got := documented(t, d, now, "power"); got != want {
			t.Errorf("power of %v = %s, want %s", word, got, want)
		}
	}
	if calls, err := d.Wish(map[string]string{"power": "power_off"}, at(t, s.state, map[string]any{state.String(): "STEAM"})); err != nil || len(calls) != 1 {
		t.Errorf("off: %v, %v", calls, err)
	}
	if calls, err := d.Wish(map[string]string{"power": "power_on"}, at(t, s.state, map[string]any{state.String(): "POWER_OFF"})); err == nil {
		t.Errorf("on: %v", calls)
	} else if got, want := err.Error(), "cannot be switched on from afar"; !strings.Contains(got, want) {
		t.Errorf("on: %s, want %s", got, want)
	}
	if calls, err := d.Wish(map[string]string{"power": "power_on"}, at(t, s.state, map[string]any{state.String(): "STEAM"})); err != nil || calls != nil {
		t.Errorf("on while on: %v, %v", calls, err)
	}
}

// TestReadableOperation: what the operation says of itself counts more than the
// run state, and the list shows it.
func TestReadableOperation(t *testing.T) {
	p, err := thinq.ParseProfile([]byte(`{"property":{
		"runState":{"currentState":{"type":"enum","mode":["r"],"value":{"r":["INITIAL","RUNNING","END"]}}},
		"operation":{"washerOperationMode":{"type":"enum","mode":["r","w"],"value":{"r":["START","STOP","POWER_OFF"],"w":["START","STOP","POWER_OFF"]}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	now := thinq.State{
		{Resource: "runState", Name: "currentState"}:         "RUNNING",
		{Resource: "operation", Name: "washerOperationMode"}: "START",
	}
	d := Describe(thinq.Device{ID: "x", Type: "DEVICE_WASHER"}, p, now, willing())[0]
	var document map[string]any
	if err := json.Unmarshal(d.Payload(now), &document); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"washer_operation_mode": "start", "power": "power_on", "start_available": false, "stop_available": true, "power_available": true}
	for key, v := range want {
		if document[key] != v {
			t.Errorf("%s = %v, want %v", key, document[key], v)
		}
	}
}
