package discovery

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// oneOff is an appliance that no sample is: a type without its prefix, the
// property of a profile, and a state.
func oneOff(t testing.TB, kind, property, state string) sample {
	t.Helper()
	p, err := thinq.ParseProfile([]byte(`{"property":` + property + `}`))
	if err != nil {
		t.Fatal(err)
	}
	now, err := p.Decode([]byte(state))
	if err != nil {
		t.Fatal(err)
	}
	s := sample{kind, thinq.Device{ID: "0001", Type: typePrefix + kind}, p, now}
	for _, d := range s.describe(testOptions) {
		derived, _ := d.Advance(now, now, noon)
		now.Merge(derived)
	}
	return s
}

// enum, ranged, boolean and read are descriptors of a profile.
func enum(options ...string) string {
	list, _ := json.Marshal(options)
	return fmt.Sprintf(`{"type":"enum","mode":["r","w"],"value":{"r":%s,"w":%s}}`, list, list)
}

func ranged(low, high, step float64) string {
	limits := fmt.Sprintf(`{"min":%v,"max":%v,"step":%v}`, low, high, step)
	return fmt.Sprintf(`{"type":"range","mode":["r","w"],"value":{"r":%s,"w":%s}}`, limits, limits)
}

const boolean = `{"type":"boolean","mode":["r","w"],"value":{"r":[false,true],"w":[true,false]}}`

func onlyRead(descriptor string) string {
	return strings.Replace(descriptor, `["r","w"]`, `["r"]`, 1)
}

func onlyWrite(descriptor string) string {
	return strings.Replace(descriptor, `["r","w"]`, `["w"]`, 1)
}

// property writes the property of a profile: from descriptors by resource.name, or
// as it is given under list.
func property(descriptors map[string]string) string {
	if list := descriptors["list"]; list != "" {
		return list
	}
	resources := map[string]map[string]json.RawMessage{}
	for key, d := range descriptors {
		resource, name, _ := strings.Cut(key, ".")
		if resources[resource] == nil {
			resources[resource] = map[string]json.RawMessage{}
		}
		resources[resource][name] = json.RawMessage(d)
	}
	text, _ := json.Marshal(resources)
	return string(text)
}

// A step of a story: the appliance reports, somebody wishes, LG gets calls.
type step struct {
	report map[string]any
	wish   map[string]string
	calls  []string
	shows  map[string]string // attributes of the document after it, where the appliance obeys
	reason string            // of a rejection
}

// tell walks through a story, with everything that the bridge remembers.
func tell(t *testing.T, s sample, story []step) {
	t.Helper()
	for i, step := range story {
		report := at(t, thinq.State{}, step.report)
		advance(s, s.state.Merge(report))
		d := s.describe(testOptions)[0]
		if step.wish != nil {
			calls, err := d.Wish(step.wish, s.state)
			if reason := reasonOf(err); reason != step.reason {
				t.Fatalf("step %d: %v, want %q", i, err, step.reason)
			}
			if diff := cmp.Diff(step.calls, bodies(t, s, calls)); diff != "" {
				t.Errorf("step %d: calls (-want +got):\n%s", i, diff)
			}
			for _, call := range calls {
				before := maps.Clone(s.state)
				obey(t, s.profile, call, s.state)
				advance(s, changes(before, s.state))
			}
		}
		for attr, want := range step.shows {
			if got := documented(t, d, s.state, attr); got != want {
				t.Errorf("step %d: %s is %s, want %s", i, attr, got, want)
			}
		}
	}
}

func reasonOf(err error) string {
	if r, ok := err.(*Rejection); ok {
		return r.Reason
	}
	return ""
}

// advance remembers what the bridge would of a change.
func advance(s sample, changed thinq.State) {
	derived, _ := s.describe(testOptions)[0].Advance(s.state, changed, noon)
	s.state.Merge(derived)
}

func changes(before, after thinq.State) thinq.State {
	changed := thinq.State{}
	for p, v := range after {
		if before[p] != v {
			changed[p] = v
		}
	}
	return changed
}

// entityOf is an entity by its key, nil if there is none.
func entityOf(d *Device, key string) *Entity {
	for i := range d.Entities {
		if d.Entities[i].Key == key && d.Entities[i].Platform != Silent {
			return &d.Entities[i]
		}
	}
	return nil
}

const power = "operation.airPurifierOperationMode"

// TestOdd: whatever a model calls its levels, Home Assistant accepts what is
// announced, and what can be set shows as it was set.
func TestOdd(t *testing.T) {
	onOff := enum("POWER_ON", "POWER_OFF")
	tests := []struct {
		name, kind string
		property   map[string]string
		state      string
		want       map[string]any // of the entity's discovery message; nil: there is no such entity
		key        string
	}{
		{"one speed", "AIR_PURIFIER", map[string]string{power: onOff, "airFlow.windStrength": enum("LOW")}, `{}`,
			map[string]any{"speed_range_max": nil, "preset_modes": nil}, "fan"},
		{"automatic only", "AIR_PURIFIER", map[string]string{power: onOff, "airFlow.windStrength": enum("AUTO")}, `{}`,
			map[string]any{"speed_range_max": nil, "preset_modes": []string{"auto"}}, "fan"},
		{"numbers as words", "AIR_PURIFIER", map[string]string{power: onOff, "airFlow.windStrength": enum("10", "2", "1", "AUTO")},
			`{"operation":{"airPurifierOperationMode":"POWER_ON"},"airFlow":{"windStrength":2}}`,
			map[string]any{"speed_range_max": 3, "preset_modes": []string{"auto"}}, "fan"},
		{"levels with a stem", "AIR_PURIFIER", map[string]string{power: onOff, "airFlow.windStrength": enum("LEVEL_0", "LEVEL_3", "LEVEL_1", "LEVEL_2")}, `{}`,
			map[string]any{"speed_range_max": 3, "preset_modes": nil}, "fan"},
		{"words without an order", "AIR_PURIFIER", map[string]string{power: onOff, "airFlow.windStrength": enum("GENTLE", "STORM")}, `{}`,
			map[string]any{"speed_range_max": nil, "preset_modes": []string{"gentle", "storm"}}, "fan"},
		{"speed can only be read", "AIR_PURIFIER", map[string]string{power: onOff, "airFlow.windStrength": onlyRead(enum("LOW", "HIGH"))}, `{}`, nil, "fan"},
		{"speed can only be written", "AIR_PURIFIER", map[string]string{power: onOff, "airFlow.windStrength": onlyWrite(enum("LOW", "HIGH"))}, `{}`, nil, "fan"},
		{"the fine speed where the coarse one can only be read", "AIR_PURIFIER", map[string]string{
			power: onOff, "airFlow.windStrength": onlyRead(enum("LOW", "HIGH")), "airFlow.windStrengthDetail": enum("HIGH", "LOW_MID", "LOW", "NATURE")}, `{}`,
			map[string]any{"speed_range_max": 3, "preset_modes": []string{"nature"}}, "fan"},
		{"job modes alone", "AIR_PURIFIER", map[string]string{power: onOff, "airPurifierJobMode.currentJobMode": enum("CLEAN", "SLEEP")}, `{}`,
			map[string]any{"speed_range_max": nil, "preset_modes": []string{"clean", "sleep"}}, "fan"},
		{"job modes that can only be read", "AIR_PURIFIER", map[string]string{
			power: onOff, "airFlow.windStrength": enum("LOW", "HIGH"), "airPurifierJobMode.currentJobMode": onlyRead(enum("CLEAN", "SLEEP"))}, `{}`,
			map[string]any{"speed_range_max": 2, "preset_modes": nil}, "fan"},
		{"power alone", "AIR_PURIFIER", map[string]string{power: onOff}, `{}`, nil, "fan"},
		{"no power", "CEILING_FAN", map[string]string{"airFlow.windStrength": enum("LOW", "HIGH")}, `{}`, nil, "fan"},
		{"no power, but a speed that is off", "CEILING_FAN", map[string]string{"airFlow.windStrength": enum("OFF", "LOW", "HIGH", "NATURE")},
			`{"airFlow":{"windStrength":"OFF"}}`,
			map[string]any{"speed_range_max": 2, "preset_modes": []string{"nature"}}, "fan"},
		{"power as a boolean word", "CEILING_FAN", map[string]string{"operation.ceilingfanOperationMode": enum("true", "false"), "airFlow.windStrength": enum("LOW", "HIGH")}, `{}`,
			map[string]any{"speed_range_max": 2}, "fan"},
		{"a range from 1", "HOOD", map[string]string{"ventilation.fanSpeed": ranged(1, 5, 1)}, `{"ventilation":{"fanSpeed":0}}`,
			map[string]any{"speed_range_max": 4}, "fan"},
		{"a range of two", "HOOD", map[string]string{"ventilation.fanSpeed": ranged(0, 1, 1)}, `{"ventilation":{"fanSpeed":0}}`,
			map[string]any{"speed_range_max": nil}, "fan"},
		{"a range in halves", "HOOD", map[string]string{"ventilation.fanSpeed": ranged(0, 2, 0.5)}, `{"ventilation":{"fanSpeed":0.5}}`,
			map[string]any{"speed_range_max": 4}, "fan"},
		{"a huge range", "HOOD", map[string]string{"ventilation.fanSpeed": ranged(0, 100000, 1)}, `{"ventilation":{"fanSpeed":77}}`,
			map[string]any{"speed_range_max": 100}, "fan"},
		{"angles without the stem", "AIR_PURIFIER_FAN", map[string]string{
			"operation.airFanOperationMode": onOff, "airFlow.windStrength": enum("WIND_2", "WIND_10", "WIND_1"), "airFlow.windAngle": enum("140", "OFF", "45")},
			`{"airFlow":{"windAngle":45}}`, map[string]any{"speed_range_max": 3, "payload_oscillation_on": "True"}, "fan"},
		{"angles without off", "AIR_PURIFIER_FAN", map[string]string{
			"operation.airFanOperationMode": onOff, "airFlow.windStrength": enum("LOW", "HIGH"), "airFlow.windAngle": enum("ANGLE_45", "ANGLE_60")}, `{}`,
			map[string]any{"payload_oscillation_on": nil}, "fan"},
		{"a boolean sweep", "CEILING_FAN", map[string]string{
			"operation.ceilingfanOperationMode": onOff, "airFlow.windStrength": enum("LOW", "HIGH"), "windDirection.rotateLeftRight": boolean}, `{}`,
			map[string]any{"payload_oscillation_on": "True"}, "fan"},
		{"the ventilator's words under a new name", "HEAT_RECOVERY_VENTILATOR", map[string]string{
			"ventJobMode.currentJobMode": enum("VENT_AUTO", "VENT_NATURE"), "operation.ventOperationMode": onOff, "airFlow.windStrength": enum("LOW", "HIGH", "AUTO")}, `{}`,
			map[string]any{"speed_range_max": 2, "preset_modes": []string{"auto"}}, "fan"},
		{"new words for the power", "BATH_AIR_SYSTEM", map[string]string{
			"operation.airCleanOperationMode": enum("START", "STOP"), "operation.bathAirOperationMode": onOff, "airFlow.windStrength": enum("LOW", "HIGH")}, `{}`,
			map[string]any{"speed_range_max": 2}, "fan"},
		{"all at one place", "AIR_PURIFIER", map[string]string{"list": `[{"location":{"locationName":"MAIN"},
			"operation":{"airPurifierOperationMode":` + onOff + `},"airFlow":{"windStrength":` + enum("LOW", "HIGH", "AUTO") + `}}]`},
			`[{"location":{"locationName":"MAIN"},"operation":{"airPurifierOperationMode":"POWER_OFF"},"airFlow":{"windStrength":"LOW"}}]`,
			map[string]any{"speed_range_max": 2, "preset_modes": []string{"auto"}}, "fan"},
		{"a shorter list for writing", "AIR_PURIFIER", map[string]string{power: onOff,
			"airFlow.windStrength": `{"type":"enum","mode":["r","w"],"value":{"r":["LOW","MID","HIGH","AUTO"],"w":["LOW","HIGH"]}}`},
			`{"operation":{"airPurifierOperationMode":"POWER_ON"},"airFlow":{"windStrength":"MID"}}`,
			map[string]any{"speed_range_max": 2, "preset_modes": nil}, "fan"},
		{"no list for writing", "AIR_PURIFIER", map[string]string{power: onOff,
			"airFlow.windStrength": `{"type":"enum","mode":["r","w"],"value":{"r":["LOW","MID","HIGH"]}}`}, `{}`, nil, "fan"},
		{"words twice", "CEILING_FAN", map[string]string{"operation.ceilingfanOperationMode": onOff, "airFlow.windStrength": enum("LOW", "LOW", "HIGH", "HIGH")}, `{}`,
			map[string]any{"speed_range_max": 2}, "fan"},
		{"holes in a range", "HOOD", map[string]string{"ventilation.fanSpeed": `{"type":"range","mode":["r","w"],"value":{
			"r":{"min":0,"max":5,"step":1},"w":{"min":0,"max":5,"step":1,"except":[2,4]}}}`}, `{"ventilation":{"fanSpeed":2}}`,
			map[string]any{"speed_range_max": 3}, "fan"},
		{"a number without limits", "HOOD", map[string]string{"ventilation.fanSpeed": `{"type":"number","mode":["r","w"]}`}, `{"ventilation":{"fanSpeed":2}}`, nil, "fan"},
		{"warm air as a boolean", "AIR_PURIFIER_FAN", map[string]string{"airFlow.warmMode": boolean, "airFlow.windTemperature": ranged(16, 30, 1)},
			`{"airFlow":{"warmMode":true}}`, map[string]any{"unit_of_measurement": "°C"}, "wind_temperature"},
		{"warm air without its switch", "AIR_PURIFIER_FAN", map[string]string{"airFlow.windTemperature": ranged(60, 86, 2), "airFlow.unit": `"F"`}, `{}`,
			map[string]any{"unit_of_measurement": "°F", "step": 2.0}, "wind_temperature"},
		{"warm air that can only be read", "AIR_PURIFIER_FAN", map[string]string{"airFlow.warmMode": boolean, "airFlow.windTemperature": onlyRead(ranged(16, 30, 1))}, `{}`,
			map[string]any{"device_class": "temperature"}, "wind_temperature"},
		{"a new kind of oven cleans itself", "SELF_CLEANER", map[string]string{
			"runState.currentState": onlyRead(enum("INITIAL", "CLEANING")), "operation.cleanOperationMode": onlyWrite(enum("START", "STOP"))}, `{}`, nil, "vacuum"},
		{"a new kind of robot", "MOP_ROBOT", map[string]string{
			"runState.currentState": onlyRead(enum("CHARGING", "WORKING")), "operation.cleanOperationMode": onlyWrite(enum("START", "HOMING"))}, `{}`,
			map[string]any{"supported_features": []string{"status", "start", "return_home"}}, "vacuum"},
		{"a new kind of humidifier", "HUMIDIFYING_STYLER", map[string]string{
			"operation.humidifierOperationMode": onOff, "humidity.targetHumidity": ranged(40, 70, 5)}, `{"humidity":{"targetHumidity":90}}`,
			map[string]any{"min_humidity": 40.0, "max_humidity": 90.0}, "humidifier"},
		{"a new kind of hood", "DOWNDRAFT", map[string]string{"ventilation.fanSpeed": ranged(0, 5, 1), "lamp.lampBrightness": ranged(0, 2, 1)}, `{}`,
			map[string]any{"brightness_scale": 2}, "lamp_light"},
		{"a lamp that is never off", "HOOD", map[string]string{"lamp.lampBrightness": ranged(1, 3, 1)}, `{}`, nil, "lamp_light"},
		{"a lamp of words", "HOOD", map[string]string{"lamp.lampBrightness": enum("HIGH", "OFF", "LOW", "MID")}, `{"lamp":{"lampBrightness":"MID"}}`,
			map[string]any{"brightness_scale": 3, "effect_list": nil}, "lamp_light"},
		{"a boolean lamp", "HOOD", map[string]string{"lamp.lampBrightness": boolean}, `{}`, map[string]any{"brightness_scale": nil}, "lamp_light"},
		{"a lamp that can only be read", "HOOD", map[string]string{"lamp.lampBrightness": onlyRead(ranged(0, 3, 1))}, `{}`, nil, "lamp_light"},
		{"percents and more", "WINE_CELLAR", map[string]string{
			"operation.lightBrightness": enum("100%", "35%", "70%", "OFF", "MAIN_ROOM", "AUTO"), "operation.lightStatus": ranged(0, 100, 1)}, `{}`,
			map[string]any{"brightness_scale": 3, "effect_list": []string{"main_room", "auto"}}, "cellar_light"},
		{"percents alone", "WINE_CELLAR", map[string]string{"operation.lightStatus": ranged(0, 100, 1)}, `{"operation":{"lightStatus":37}}`,
			map[string]any{"brightness_scale": 100}, "cellar_light"},
		{"a coloured mood lamp", "HUMIDIFIER", map[string]string{"moodLamp.moodLampState": enum("OFF", "WARM", "COLD")}, `{}`,
			nil, "mood_light"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := oneOff(t, test.kind, property(test.property), test.state)
			allAccepted(t, s)
			allRoundTrips(t, s)
			e := entityOf(s.describe(testOptions)[0], test.key)
			if (e != nil) != (test.want != nil) {
				t.Fatalf("%s: %+v", test.key, e)
			}
			for key, want := range test.want {
				if diff := cmp.Diff(want, e.Config[key]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", key, diff)
				}
			}
		})
	}
}
