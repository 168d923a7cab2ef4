package discovery

import (
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// What an appliance says against being started from afar stands, for a start and
// nothing else, and only where it says so.
func TestS36Consent(t *testing.T) {
	const remote, door, lock = "remoteControlEnable.remoteControlEnabled", "doorStatus.doorState", "settings.childLock"
	tests := []struct {
		name string
		now  map[string]any
		attr string
		want string // reason; empty: taken
	}{
		{"remote control off", map[string]any{remote: false}, "start", "remote_off"},
		{"remote control on", map[string]any{remote: true}, "start", ""},
		{"remote control unknown", map[string]any{remote: nil}, "start", ""},
		{"door open", map[string]any{door: "OPEN"}, "start", "door_open"},
		{"door unknown", map[string]any{door: nil}, "start", ""},
		{"a word of a door that nobody knows", map[string]any{door: "AJAR"}, "start", ""},
		{"child lock", map[string]any{lock: true}, "start", "child_lock"},
		{"child lock off", map[string]any{lock: false}, "start", ""},
		{"child lock unknown", map[string]any{lock: nil}, "start", ""},
		{"stop, remote control off", map[string]any{remote: false, door: "OPEN", lock: true}, "stop", ""},
		{"off, remote control off", map[string]any{remote: false, door: "OPEN", lock: true}, "power_off", ""},
	}
	p, err := thinq.ParseProfile([]byte(`{"property":{
		"runState":{"currentState":{"type":"enum","mode":["r"],"value":{"r":["INITIAL","RUNNING","POWER_OFF"]}}},
		"remoteControlEnable":{"remoteControlEnabled":{"type":"boolean","mode":["r"],"value":{"r":[true,false]}}},
		"doorStatus":{"doorState":{"type":"enum","mode":["r"],"value":{"r":["OPEN","CLOSE"]}}},
		"settings":{"childLock":{"type":"boolean","mode":["r"],"value":{"r":[true,false]}}},
		"operation":{"dishWasherOperationMode":{"type":"enum","mode":["w"],"value":{"w":["START","STOP","POWER_OFF"]}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	usual := thinq.State{{Resource: "runState", Name: "currentState"}: "INITIAL", {Resource: "remoteControlEnable", Name: "remoteControlEnabled"}: true,
		{Resource: "doorStatus", Name: "doorState"}: "CLOSE", {Resource: "settings", Name: "childLock"}: false}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now := at(t, usual, tt.now)
			d := Describe(thinq.Device{ID: "x", Type: "DEVICE_DISH_WASHER"}, p, now, willing())[0]
			calls, err := d.Wish(map[string]string{tt.attr: "PRESS"}, now)
			got := ""
			if err != nil {
				r := err.(*Rejection)
				if got = r.Reason; !r.Reported || !strings.HasSuffix(r.Message, "then try again.") {
					t.Errorf("%+v", r)
				}
			}
			if got != tt.want || got == "" && len(calls) != 1 {
				t.Errorf("rejected as %q, calls %v", got, calls)
			}
		})
	}
}

// A locked zone is not turned up.
func TestS36LockedZone(t *testing.T) {
	k := kitchenOf(t, "cooktop_induction", willing(), map[string]any{"cookingZone.currentState@LEFT_REAR": "LOCK"})
	if got := k.set("left_rear_power_level=6"); got != "rejected: child_lock <nil>" {
		t.Errorf("up: %s", got)
	}
	if got := k.set("left_rear_power_level=0"); strings.HasPrefix(got, "rejected") {
		t.Errorf("off: %s", got)
	}
}

// Off, stop, pause and less heat are safe, and nothing else is.
func TestS32Safe(t *testing.T) {
	tests := []struct {
		sample     string
		now        map[string]any
		attr       string
		value      string
		safe, ends bool
	}{
		{"air_conditioner_one_setpoint", map[string]any{acPower: "POWER_ON"}, "air_con_operation_mode", "power_off", true, true},
		{"air_conditioner_one_setpoint", map[string]any{acPower: "POWER_ON"}, "climate_mode", "off", true, true},
		{"air_conditioner_one_setpoint", map[string]any{acPower: "POWER_OFF"}, "air_con_operation_mode", "power_on", false, false},
		{"air_conditioner_one_setpoint", map[string]any{acPower: "POWER_ON", acMode: "COOL", target: 25.0}, "target_temperature", "20", false, false},
		{"air_conditioner_one_setpoint", map[string]any{acPower: "POWER_ON", acMode: "HEAT", target: 25.0}, "target_temperature", "20", true, false},
		{"air_conditioner_one_setpoint", map[string]any{acPower: "POWER_ON", acMode: "HEAT", target: 25.0}, "target_temperature", "26", false, false},
		{"dish_washer_integrated", nil, "stop", "PRESS", true, true},
		{"dish_washer_integrated", nil, "power_off", "PRESS", true, true},
		{"dish_washer_integrated", nil, "start", "PRESS", false, false},
		{"cooktop_induction", nil, "left_rear_power_level", "1", true, false},
		{"cooktop_induction", nil, "left_rear_power_level", "6", false, false},
		{"robot_cleaner_zigzag", map[string]any{"runState.currentState": "WORKING"}, "vacuum", "pause", true, true},
		{"robot_cleaner_zigzag", map[string]any{"runState.currentState": "CHARGING"}, "vacuum", "start", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.sample+" "+tt.attr+"="+tt.value, func(t *testing.T) {
			s := sampleNamed(t, tt.sample)
			now := at(t, s.state, tt.now)
			d := Describe(s.device, s.profile, now, willing())[0]
			calls, err := d.Wish(map[string]string{tt.attr: tt.value}, now)
			if err != nil || len(calls) == 0 {
				t.Fatalf("%v, %v", calls, err)
			}
			if safe, ends := d.Safe(calls, now), d.Ends(calls); safe != tt.safe || ends != tt.ends {
				t.Errorf("safe = %v, ends = %v: %v", safe, ends, calls)
			}
		})
	}
}

// What somebody sent is repeated in 64 clean characters at most.
func TestF067Excerpt(t *testing.T) {
	tests := []struct{ text, want string }{
		{"warm", "warm"}, {"a\nb\x1b[0m\x00", "a�b�[0m�"}, {"\xff\xfe", "��"}, {"\u202eevil", "�evil"},
		{strings.Repeat("é", 64), strings.Repeat("é", 64)}, {strings.Repeat("é", 65), strings.Repeat("é", 64) + "…"},
	}
	for _, tt := range tests {
		if got := Excerpt(tt.text); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
}
