package discovery

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A danger is a command, and whether it needs the owner's leave.
type danger struct {
	name   string
	sample string
	now    map[string]any
	set    string // attr=value
	needs  bool
}

var (
	resting = map[string]any{"runState.currentState": "INITIAL", "remoteControlEnable.remoteControlEnabled": true}
	burning = map[string]any{"cookingZone.currentState@LEFT_REAR": "COOKING_IN_PROGRESS", "power.powerLevel@LEFT_REAR": 5.0, "timer.remainHour@LEFT_REAR": 1.0, "timer.remainMinute@LEFT_REAR": 0.0}
)

const (
	tapJob = "waterHeaterJobMode.currentJobMode"
	dries  = "mode.washerMode@MAIN"
)

var dangers = []danger{
	{"oven: start", "oven_double", nil, "upper_start=PRESS", true},
	{"oven: start by the list", "oven_double", nil, "upper_oven_operation_mode=start", true},
	{"oven: preheat", "oven_double", nil, "upper_preheating=PRESS", true},
	{"oven: stop", "oven_double", nil, "upper_stop=PRESS", false},
	{"cooktop: more", "cooktop_induction", burning, "left_rear_power_level=6", true},
	{"cooktop: longer", "cooktop_induction", burning, "left_rear_remain=70", true},
	{"cooktop: less", "cooktop_induction", burning, "left_rear_power_level=4", false},
	{"cooktop: shorter", "cooktop_induction", burning, "left_rear_remain=59", false},
	{"dryer: start", "dryer_heat_pump", resting, "start=PRESS", true},
	{"dryer: delayed start", "dryer_heat_pump", resting, "relative_hour_to_stop=4", true},
	{"dryer: stop", "dryer_heat_pump", nil, "stop=PRESS", false},
	{"dryer of a tower: start", "washtower_top", resting, "start=PRESS", true},
	{"styler: start", "styler_wardrobe", resting, "start=PRESS", true},
	{"styler: off", "styler_wardrobe", nil, "power_off=PRESS", false},
	{"water heater: boost", "water_heater_attic", map[string]any{tapJob: "AUTO"}, "water_heater_mode=performance", true},
	{"water heater: eco", "water_heater_attic", map[string]any{tapJob: "HEAT_PUMP"}, "water_heater_mode=eco", false},

	// What the owner allows at the appliance, or what does no harm.
	{"washer: start", "washer_twin", resting, "start=PRESS", false},
	{"dishwasher: start", "dish_washer_integrated", resting, "start=PRESS", false},
	{"air conditioner: warmer", "air_conditioner_one_setpoint", map[string]any{acPower: "POWER_ON", acMode: "HEAT", target: 25.0}, "target_temperature=30", false},
	{"refrigerator: warmer", "refrigerator_convertible", nil, "fridge_target_temperature=6", false},
}

// Everything that may do harm needs the owner's leave, and nothing else does.
func TestS31Matrix(t *testing.T) {
	for _, tt := range dangers {
		t.Run(tt.name, func(t *testing.T) {
			s := sampleNamed(t, tt.sample)
			s.state = at(t, s.state, tt.now)
			judged(t, s, tt.set, tt.needs)
		})
	}
}

// judged sends a command without and with the owner's leave.
func judged(t *testing.T, s sample, set string, needs bool) {
	t.Helper()
	attr, value, _ := strings.Cut(set, "=")
	reason := ""
	d := s.describe(testOptions)[0]
	if _, err := d.Wish(map[string]string{attr: value}, s.state); err != nil {
		reason = err.(*Rejection).Reason
	}
	if want := map[bool]string{true: "remote_start"}[needs]; reason != want {
		t.Errorf("without leave: %q, want %q", reason, want)
	}
	d = s.describe(willing())[0]
	calls, err := d.Wish(map[string]string{attr: value}, s.state)
	if err != nil || len(calls) == 0 {
		t.Fatalf("with leave: %v, %v", calls, err)
	}
	if risky, _ := d.Risky(calls, s.state); risky != needs {
		t.Errorf("with leave: risky is %v", risky)
	}
}

// What the samples lack: other cookers, a combo that dries, Fahrenheit.
func TestS31MatrixOfOthers(t *testing.T) {
	state := func(word string) object { return object{"currentState": word} }
	worded := func(mode string, words ...string) object { return descriptor("enum", mode, words) }
	cooker := object{
		"runState":    object{"currentState": worded("r", "INITIAL", "COOKING_IN_PROGRESS")},
		"operation":   object{"airFryerOperationMode": worded("w", "START", "STOP")},
		"power":       object{"powerLevel": ranging("rw", 0, 10, 1)},
		"temperature": object{"targetTemperature": ranging("rw", 30, 250, 1), "unit": "C"},
		"timer":       object{"targetHour": ranging("rw", 0, 9, 1), "targetMinute": ranging("rw", 0, 59, 1)},
	}
	cooks := func(word string) object {
		return object{"runState": state(word), "power": object{"powerLevel": 5}, "temperature": object{"targetTemperature": 180, "unit": "C"}, "timer": object{"targetHour": 1, "targetMinute": 0}}
	}
	combo := []object{{"location": object{"locationName": "MAIN"},
		"runState":  object{"currentState": worded("r", "INITIAL", "RUNNING")},
		"operation": object{"washerOperationMode": worded("w", "START", "STOP")},
		"timer":     object{"relativeHourToStop": ranging("rw", 3, 19, 1)},
		"mode":      object{"washerMode": worded("rw", "WASH", "DRY", "WASH_AND_DRY")}}}
	set := func(mode string) []object {
		return []object{{"location": object{"locationName": "MAIN"}, "runState": state("INITIAL"), "mode": object{"washerMode": mode}, "timer": object{"relativeHourToStop": 0}}}
	}
	tank := func(resource, unit string, value any) object {
		return object{resource: []object{{"targetTemperature": value, "unit": unit}}}
	}
	const heated, tapped = "temperatureInUnits", "hotWaterTemperatureInUnits"
	tests := []struct {
		name             string
		kind             string
		property, status any
		set              string
		needs            bool
	}{
		{"air fryer: start", "AIR_FRYER", cooker, cooks("INITIAL"), "air_fryer_operation_mode=start", true},
		{"air fryer: stop", "AIR_FRYER", cooker, cooks("COOKING_IN_PROGRESS"), "air_fryer_operation_mode=stop", false},
		{"range: start", "RANGE", cooker, cooks("INITIAL"), "air_fryer_operation_mode=start", true},
		{"microwave: start", "MICROWAVE_OVEN", cooker, cooks("INITIAL"), "air_fryer_operation_mode=start", true},
		{"microwave: more power", "MICROWAVE_OVEN", cooker, cooks("COOKING_IN_PROGRESS"), "power_level=6", true},
		{"microwave: less power", "MICROWAVE_OVEN", cooker, cooks("COOKING_IN_PROGRESS"), "power_level=4", false},
		{"microwave: more power for later", "MICROWAVE_OVEN", cooker, cooks("INITIAL"), "power_level=6", false},
		{"microwave: longer", "MICROWAVE_OVEN", cooker, cooks("COOKING_IN_PROGRESS"), "target_minute=1", true},
		{"air fryer: hotter", "AIR_FRYER", cooker, cooks("COOKING_IN_PROGRESS"), "target_temperature=181", true},
		{"air fryer: cooler", "AIR_FRYER", cooker, cooks("COOKING_IN_PROGRESS"), "target_temperature=179", false},
		{"combo: start to dry", "WASHCOMBO_MAIN", combo, set("WASH_AND_DRY"), "start=PRESS", true},
		{"combo: start to wash", "WASHCOMBO_MAIN", combo, set("WASH"), "start=PRESS", false},
		{"combo: to dry later", "WASHCOMBO_MAIN", combo, set("DRY"), "relative_hour_to_stop=4", true},
		{"combo: to wash later", "WASHCOMBO_MAIN", combo, set("WASH"), "relative_hour_to_stop=4", false},
		{"water heater: above 60", "WATER_HEATER", tank(heated, "C", ranging("rw", 30, 80, 1)), tank(heated, "C", 50), "target_temperature=61", true},
		{"water heater: 60", "WATER_HEATER", tank(heated, "C", ranging("rw", 30, 80, 1)), tank(heated, "C", 50), "target_temperature=60", false},
		{"water heater: down to 65", "WATER_HEATER", tank(heated, "C", ranging("rw", 30, 80, 1)), tank(heated, "C", 70), "target_temperature=65", false},
		{"water heater: 141 °F", "WATER_HEATER", tank(heated, "F", ranging("rw", 90, 180, 1)), tank(heated, "F", 100), "target_temperature=141", true},
		{"water heater: 140 °F", "WATER_HEATER", tank(heated, "F", ranging("rw", 90, 180, 1)), tank(heated, "F", 100), "target_temperature=140", false},
		{"boiler: above 60", "SYSTEM_BOILER", tank(tapped, "C", ranging("rw", 30, 80, 1)), tank(tapped, "C", 50), "target_temperature=61", true},
		{"boiler: 60", "SYSTEM_BOILER", tank(tapped, "C", ranging("rw", 30, 80, 1)), tank(tapped, "C", 50), "target_temperature=60", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, s := described(t, tt.kind, jsonOf(t, object{"property": tt.property}), jsonOf(t, tt.status))
			judged(t, s, tt.set, tt.needs)
		})
	}
}

// The mode that waits for the start counts, not the one that is reported.
func TestS31StagedMode(t *testing.T) {
	k := kitchenOf(t, "washcombo_upper", testOptions, map[string]any{dries: "WASH", "runState.currentState@MAIN": "INITIAL", "remoteControlEnable.remoteControlEnabled@MAIN": true})
	k.set("washer_mode=dry")
	if got := k.set("start=PRESS"); !strings.HasPrefix(got, "rejected: remote_start") {
		t.Errorf("start to dry: %s", got)
	}
}

// Of a property that nobody knows, what begins something needs to be named by
// the owner; all else of it does not.
func TestS30InventedProperty(t *testing.T) {
	tests := []struct{ property, value, words, needs string }{
		{"gate.gateState", "OPEN", "OPEN CLOSE", "gate.gateState"},
		{"gate.gateState", "CLOSE", "OPEN CLOSE", ""},
		{"operation.vapor", "HEAT_UP", "HEAT_UP OFF", "operation.vapor"},
		{"operation.lid", "UNLOCK", "LOCK UNLOCK", "operation.lid"},
		{"operation.lid", "LOCK", "LOCK UNLOCK", ""},
		{"operation.brewing", "START", "START STOP", "operation.brewing"},
		{"operation.spout", "DISPENSE_HOT", "DISPENSE_HOT NONE", "operation.spout"},
		{"operation.vigour", "BOOST", "BOOST NORMAL", "operation.vigour"},
		{"operation.tapLockRelease", "ON", "ON OFF", "operation.tapLockRelease"},
		{"operation.tapLockRelease", "OFF", "ON OFF", ""},
		{"operation.lidOperationMode", "OPEN", "OPEN CLOSE", "operation.lidOperationMode"},
		{"operation.colour", "RED", "RED GREEN", ""},
		{"operation.fooOperationMode", "START", "START STOP", ""}, // LG's usual order
		{"airFlow.windStrength", "BOOST", "BOOST LOW", ""},        // a known property
	}
	for _, tt := range tests {
		for _, kind := range []string{"GADGET", "WATER_PURIFIER"} {
			t.Run(kind+" "+tt.property+"="+tt.value, func(t *testing.T) {
				resource, name, _ := strings.Cut(tt.property, ".")
				words := strings.Fields(tt.words)
				_, s := described(t, kind, jsonOf(t, object{"property": object{resource: object{
					name: descriptor("enum", "w", words)}}}), "{}")
				wish := func(o Options) string {
					attr := snake(name)
					if _, err := s.describe(o)[0].Wish(map[string]string{attr: word(tt.value)}, s.state); err != nil {
						return err.(*Rejection).Reason + ": " + err.Error()
					}
					return ""
				}
				got := wish(testOptions)
				if refused := strings.HasPrefix(got, "not_allowed: ") && strings.Contains(got, "allow: ["+tt.needs+"]"); refused != (tt.needs != "") || !refused && got != "" {
					t.Errorf("not named: %q", got)
				}
				o := testOptions
				o.Settings = func(string, string) Settings { return Settings{Allow: []string{tt.property}} }
				if got := wish(o); got != "" {
					t.Errorf("named: %q", got)
				}
			})
		}
	}
}

// Nothing that the tables know has to be named.
func TestS30KnownAppliances(t *testing.T) {
	for _, s := range samples(t) {
		for _, d := range s.describe(testOptions) {
			for _, p := range s.profile.Properties {
				for _, v := range p.Write.Options {
					if r := d.forbidden("", thinq.State{p.Path: v}, s.state); p.Path.Part == d.Part && r != nil && r.Reason == "not_allowed" && p.Path.Name != "selfTest" {
						t.Errorf("%s: %s=%v: %s", s.name, p.Path, v, r.Message)
					}
				}
			}
		}
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
