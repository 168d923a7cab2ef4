package discovery

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	robotState = "runState.currentState"
	robotWord  = "operation.cleanOperationMode"
)

// TestVacuumStates: Home Assistant's word for every run state.
func TestVacuumStates(t *testing.T) {
	s := sampleNamed(t, "robot_cleaner_zigzag")
	d := s.describe(testOptions)[0]
	for state, want := range map[any]string{
		"CHARGING": `"docked"`, "HOMING": `"returning"`, "PAUSE": `"paused"`, "WORKING": `"cleaning"`, "MACROSECTOR": `"cleaning"`,
		"ERROR": `"error"`, "MONITORING_MOVING": `"idle"`, "SLEEP": `"idle"`, "SETDATE": `"idle"`, nil: "null",
	} {
		now := at(t, s.state, map[string]any{robotState: state})
		for _, payload := range d.Extra(now) {
			if got := string(payload); got != `{"state":`+want+`}` {
				t.Errorf("%v is %s, want %s", state, got, want)
			}
		}
	}
}

// TestVacuumOrders: LG's word depends on what the robot does, and on what the
// model takes.
func TestVacuumOrders(t *testing.T) {
	all := []string{"START", "RESUME", "PAUSE", "HOMING", "WAKE_UP"}
	tests := []struct {
		words              []string
		state, order, want string
	}{
		{all, "STANDBY", "start", "START"},
		{all, "SLEEP", "start", "WAKE_UP"},
		{all, "PAUSE", "start", "RESUME"},
		{all, "WORKING", "pause", "PAUSE"},
		{all, "WORKING", "stop", "PAUSE"},
		{all, "WORKING", "return_to_base", "HOMING"},
		{all, "WORKING", "resume", "RESUME"},
		{[]string{"START", "PAUSE"}, "PAUSE", "start", "START"},
		{[]string{"START", "PAUSE"}, "SLEEP", "start", "START"},
		{[]string{"RESUME"}, "PAUSE", "start", "RESUME"},
		{[]string{"RESUME"}, "STANDBY", "start", ""},
		{[]string{"START", "PAUSE"}, "WORKING", "return_to_base", ""},
		{all, "WORKING", "locate", ""},
	}
	for _, test := range tests {
		s := oneOff(t, "ROBOT_CLEANER", property(map[string]string{
			robotState: onlyRead(enum("STANDBY", "SLEEP", "PAUSE", "WORKING")), robotWord: onlyWrite(enum(test.words...)),
		}), `{"runState":{"currentState":"`+test.state+`"}}`)
		calls := []string{`{"operation":{"cleanOperationMode":"` + test.want + `"}}`}
		reason := ""
		if test.want == "" {
			calls, reason = nil, "invalid_value"
		}
		t.Run(test.state+"/"+test.order, func(t *testing.T) {
			tell(t, s, []step{{wish: map[string]string{vacuumKey: test.order}, calls: calls, reason: reason}})
		})
		if features := entityOf(s.describe(testOptions)[0], vacuumKey).Config["supported_features"].([]string); slices.Contains(features, "return_home") != slices.Contains(test.words, "HOMING") {
			t.Errorf("%v: features %v", test.words, features)
		}
	}
}

// TestBattery: percents come before words, and words make percents.
func TestBattery(t *testing.T) {
	level := onlyRead(enum("MOVELESS", "DOCK_LEVEL", "LOW", "MID", "HIGH", "FULL", "OVER_CHARGE", "WARNING"))
	percent := onlyRead(ranged(0, 100, 1))
	state := onlyRead(enum("CHARGING", "CHARGING_COMPLETE", "WORKING"))
	tests := []struct {
		kind     string
		property map[string]string
		now      map[string]any
		want     map[string]string
		platform Platform // of the percentage of words
	}{
		{"ROBOT_CLEANER", map[string]string{"battery.level": level}, map[string]any{"battery.level": "MOVELESS"},
			map[string]string{"battery_level": "5", "battery_low": "true"}, Sensor},
		{"ROBOT_CLEANER", map[string]string{"battery.level": level}, map[string]any{"battery.level": "DOCK_LEVEL"}, map[string]string{"battery_level": "5"}, Sensor},
		{"ROBOT_CLEANER", map[string]string{"battery.level": level}, map[string]any{"battery.level": "LOW"}, map[string]string{"battery_level": "30"}, Sensor},
		{"ROBOT_CLEANER", map[string]string{"battery.level": level}, map[string]any{"battery.level": "MID"},
			map[string]string{"battery_level": "50", "battery_low": "false"}, Sensor},
		{"ROBOT_CLEANER", map[string]string{"battery.level": level}, map[string]any{"battery.level": "HIGH"}, map[string]string{"battery_level": "90"}, Sensor},
		{"ROBOT_CLEANER", map[string]string{"battery.level": level}, map[string]any{"battery.level": "OVER_CHARGE"}, map[string]string{"battery_level": "100"}, Sensor},
		{"ROBOT_CLEANER", map[string]string{"battery.level": level}, map[string]any{"battery.level": nil},
			map[string]string{"battery_level": "<nil>", "battery_low": "<nil>"}, Sensor},
		{"ROBOT_CLEANER", map[string]string{"battery.level": level, "battery.percent": percent}, map[string]any{"battery.level": "HIGH", "battery.percent": 20.0},
			map[string]string{"percent": "20", "battery_low": "true"}, Silent},
		{"STICK_CLEANER", map[string]string{"battery.level": level, robotState: state}, map[string]any{"battery.level": "WARNING", robotState: "CHARGING"},
			map[string]string{"battery_level": "5", "battery_low": "true", "charging": "true"}, Silent},
		{"STICK_CLEANER", map[string]string{"battery.level": level, robotState: state}, map[string]any{robotState: "CHARGING_COMPLETE"},
			map[string]string{"charging": "false"}, Silent},
		{"STICK_CLEANER", map[string]string{"runState.currentStateDetail": state}, map[string]any{"runState.currentStateDetail": "CHARGING"},
			map[string]string{"charging": "true"}, Silent},
	}
	for _, test := range tests {
		s := oneOff(t, test.kind, property(test.property), `{}`)
		allAccepted(t, s)
		d := s.describe(testOptions)[0]
		for attr, want := range test.want {
			if got := documented(t, d, at(t, s.state, test.now), attr); got != want {
				t.Errorf("%s %v: %s is %s, want %s", test.kind, test.now, attr, got, want)
			}
		}
		var platform Platform
		if e := entityOf(d, batteryLevelKey); e != nil {
			platform = e.Platform
		}
		if diff := cmp.Diff(test.platform, platform); diff != "" {
			t.Errorf("%s %v: %s", test.kind, test.now, diff)
		}
	}
}

// TestFilters: every filter says when it is due, wherever it is.
func TestFilters(t *testing.T) {
	percent := `{"type":"number","mode":["r"]}`
	s := oneOff(t, "REFRIGERATOR", property(map[string]string{
		"filterInfo.filterRemainPercent": percent, "waterFilterInfo.waterFilter2RemainPercent": percent,
		"hepaFilter.remainPercent": percent, "ice.remainPercent": percent,
	}), `{"filterInfo":{"filterRemainPercent":5},"waterFilterInfo":{"waterFilter2RemainPercent":6}}`)
	d := s.describe(testOptions)[0]
	for key, want := range map[string]string{"filter_due": "true", "water_filter_2_due": "false", "hepa_filter_due": "<nil>"} {
		e := entityOf(d, key)
		if e == nil || e.Platform != BinarySensor || e.Config["device_class"] != "problem" {
			t.Fatalf("%s: %+v", key, e)
		}
		if got := documented(t, d, s.state, key); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
	alone := oneOff(t, "NEW", property(map[string]string{"filter.remainPercent": percent}), `{"filter":{"remainPercent":5}}`)
	if got := documented(t, alone.describe(testOptions)[0], alone.state, "filter_due"); got != "true" {
		t.Errorf("the filter that is called no more than that: filter_due is %s", got)
	}
	if entityOf(d, "due") != nil || entityOf(d, "ice_due") != nil {
		t.Error("ice is a filter")
	}
}
