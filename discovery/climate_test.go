package discovery

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// cooler is an air conditioner with two ranges and everything on; with replaces
// or adds resources.
func cooler(t *testing.T, with, status object) invented {
	t.Helper()
	properties := object{
		"operation":     object{"airConOperationMode": oneWord("rw", "POWER_ON", "POWER_OFF")},
		"airConJobMode": object{"currentJobMode": oneWord("rw", "COOL", "HEAT", "AUTO", "FAN", "AIR_DRY", "ENERGY_SAVING", "AIR_CLEAN")},
		"temperatureInUnits": []object{
			{
				"currentTemperature": numeral("r"), "targetTemperature": numeral("r"),
				"minTargetTemperature": numeral("r"), "maxTargetTemperature": numeral("r"),
				"coolTargetTemperature": ranging("w", 18, 30, 1), "heatTargetTemperature": ranging("w", 16, 28, 1), "unit": "C",
			},
			{
				"currentTemperature": numeral("r"), "targetTemperature": numeral("r"),
				"minTargetTemperature": numeral("r"), "maxTargetTemperature": numeral("r"),
				"coolTargetTemperature": ranging("w", 64, 86, 2), "heatTargetTemperature": ranging("w", 60, 86, 2), "unit": "F",
			},
		},
	}
	now := object{
		"operation":     object{"airConOperationMode": "POWER_ON"},
		"airConJobMode": object{"currentJobMode": "COOL"},
		"temperatureInUnits": []object{
			{"currentTemperature": 25, "targetTemperature": 22, "unit": "C"},
			{"currentTemperature": 77, "targetTemperature": 72, "unit": "F"},
		},
	}
	maps.Copy(properties, with)
	maps.Copy(now, status)
	return made(t, "AIR_CONDITIONER", properties, now)
}

func mode(job string) object { return object{"airConJobMode": object{"currentJobMode": job}} }

// TestFanSource: the finest property that can be set is the fan of the climate
// entity, whatever else can be read; the others that can be set stay selects.
func TestFanSource(t *testing.T) {
	step, detail, strength := ranging("rw", 1, 3, 1), oneWord("rw", "NATURE", "LOW", "MID"), oneWord("rw", "LOW", "MID", "AUTO", "POWER")
	tests := []struct {
		name  string
		flow  object
		modes []any
		own   map[string]Platform // of what is not the fan
	}{
		{"steps", object{"windStep": step, "windStrengthDetail": detail, "windStrength": strength}, []any{"1", "2", "3"},
			map[string]Platform{"wind_strength_detail": Select, "wind_strength": Select}},
		{"steps that can only be read", object{"windStep": ranging("r", 1, 3, 1), "windStrengthDetail": detail}, []any{"nature", "low", "mid"},
			map[string]Platform{"wind_step": Sensor}},
		{"details that can only be read", object{"windStrengthDetail": oneWord("r", "NATURE", "LOW"), "windStrength": strength},
			[]any{"low", "mid", "auto", "power"}, map[string]Platform{"wind_strength_detail": Sensor}},
		{"steps without limits", object{"windStep": numeral("rw"), "windStrength": strength}, []any{"low", "mid", "auto", "power"},
			map[string]Platform{"wind_step": Number}},
		{"steps with a hole", object{"windStep": object{"type": "range", "mode": []string{"r", "w"}, "value": object{
			"r": object{"min": 1, "max": 4, "step": 1}, "w": object{"min": 1, "max": 4, "step": 1, "except": []int{3}}}}},
			[]any{"1", "2", "4"}, nil},
		{"nothing that can be set", object{"windStrength": oneWord("r", "LOW")}, nil, map[string]Platform{"wind_strength": Sensor}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			all := cooler(t, object{"airFlow": test.flow}, nil).announced(t)
			modes, _ := all[climateKey]["fan_modes"].([]any)
			if diff := cmp.Diff(test.modes, modes); diff != "" {
				t.Errorf("fan modes (-want +got):\n%s", diff)
			}
			for key, platform := range test.own {
				if all[key]["platform"] != any(string(platform)) {
					t.Errorf("%s is %v, want a %s", key, all[key], platform)
				}
			}
		})
	}
}

// TestFanWords: a speed that LG does not list is shown, and Home Assistant's
// usual words are taken where LG has others for them.
func TestFanWords(t *testing.T) {
	s := cooler(t, object{"airFlow": object{"windStrengthDetail": oneWord("rw", "NATURE", "LOW", "MID")}}, nil)
	for payload, want := range map[string]string{"medium": "MID", "mid": "MID", "auto": "NATURE", "nature": "NATURE"} {
		if got := s.sent(t, map[string]string{"climate_fan_mode": payload}); !slices.Equal(got, []string{`{"airFlow":{"windStrengthDetail":"` + want + `"}}`}) {
			t.Errorf("%s sends %s", payload, got)
		}
	}
	s.report(t, object{"airFlow": object{"windStrengthDetail": "HURRICANE"}})
	if got := s.announced(t)[climateKey]["fan_modes"]; !slices.Contains(got.([]any), any("hurricane")) {
		t.Errorf("fan modes = %v", got)
	}
}

func TestSwing(t *testing.T) {
	tests := []struct {
		name  string
		vane  object
		modes []any
		sends string
	}{
		{"booleans", yesNo("rw"), []any{"off", "on"}, `{"windDirection":{"rotateUpDown":true}}`},
		{"words", oneWord("rw", "ON", "OFF"), []any{"off", "on"}, `{"windDirection":{"rotateUpDown":"ON"}}`},
		{"positions", oneWord("rw", "TOP", "MIDDLE", "SWING"), []any{"top", "middle", "swing"}, `{"windDirection":{"rotateUpDown":"SWING"}}`},
		{"only shown", yesNo("r"), nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := cooler(t, object{"windDirection": object{"rotateUpDown": test.vane}}, nil)
			modes, _ := s.announced(t)[climateKey]["swing_modes"].([]any)
			if diff := cmp.Diff(test.modes, modes); diff != "" {
				t.Fatalf("modes (-want +got):\n%s", diff)
			}
			if modes == nil {
				return
			}
			wish := map[string]string{"climate_swing_mode": modes[len(modes)-1].(string)}
			if got := s.sent(t, wish); !slices.Equal(got, []string{test.sends}) {
				t.Errorf("%v sends %s", wish, got)
			}
		})
	}
}

// TestWindKinds: each of the extra winds is a switch of its own.
func TestWindKinds(t *testing.T) {
	kinds := object{}
	for _, name := range []string{"airGuideWind", "swirlWind", "highCeilingWind", "concentrationWind", "autoFitWind", "forestWind", "mannerWind"} {
		kinds[name] = yesNo("rw")
	}
	all := cooler(t, object{"windDirection": kinds}, nil).announced(t)
	for name := range kinds {
		c := all[snake(name)]
		if c["platform"] != "switch" || c["enabled_by_default"] == false {
			t.Errorf("%s is %v", name, c)
		}
	}
}

// TestPresets: a job mode that is no mode of Home Assistant is a preset, and
// leaving it goes back to the mode before.
func TestPresets(t *testing.T) {
	s := cooler(t, nil, nil)
	s.report(t, mode("HEAT"))
	s.report(t, mode("ENERGY_SAVING"))
	doc := s.document(t)
	if doc["climate_mode"] != "cool" || doc["climate_preset_mode"] != "energy_saving" {
		t.Errorf("energy saving shows %v, %v", doc["climate_mode"], doc["climate_preset_mode"])
	}
	if got := s.sent(t, map[string]string{"climate_temperature": "24"}); !slices.Equal(got, []string{`{"temperatureInUnits":{"coolTargetTemperature":24,"unit":"C"}}`}) {
		t.Errorf("a target while saving energy sends %s", got)
	}
	s.report(t, mode("AIR_CLEAN"))
	if doc := s.document(t); doc["climate_mode"] != "fan_only" {
		t.Errorf("cleaning the air shows %v", doc["climate_mode"])
	}
	if got := s.sent(t, map[string]string{"climate_preset_mode": "none"}); !slices.Equal(got, []string{`{"airConJobMode":{"currentJobMode":"HEAT"}}`}) {
		t.Errorf("leaving sends %s", got)
	}
}

// TestWakesFirst: whatever is set while it is off, the power comes first, and
// the target after the mode.
func TestWakesFirst(t *testing.T) {
	s := cooler(t, object{
		"airFlow":       object{"windStrength": oneWord("rw", "LOW", "HIGH")},
		"windDirection": object{"rotateUpDown": yesNo("rw")},
	}, object{"operation": object{"airConOperationMode": "POWER_OFF"}})
	on := `{"operation":{"airConOperationMode":"POWER_ON"}}`
	tests := []struct {
		wish map[string]string
		want []string
	}{
		{map[string]string{"climate_temperature": "24"}, []string{on, `{"temperatureInUnits":{"coolTargetTemperature":24,"unit":"C"}}`}},
		{map[string]string{"climate_fan_mode": "low"}, []string{on, `{"airFlow":{"windStrength":"LOW"}}`}},
		{map[string]string{"climate_swing_mode": "on"}, []string{on, `{"windDirection":{"rotateUpDown":true}}`}},
		{map[string]string{"climate_preset_mode": "air_clean"}, []string{on, `{"airConJobMode":{"currentJobMode":"AIR_CLEAN"}}`}},
		{map[string]string{"climate_mode": "heat", "climate_temperature": "21", "climate_fan_mode": "high"}, []string{
			on, `{"airConJobMode":{"currentJobMode":"HEAT"}}`, `{"temperatureInUnits":{"heatTargetTemperature":21,"unit":"C"}}`, `{"airFlow":{"windStrength":"HIGH"}}`}},
		{map[string]string{"climate_mode": "off"}, nil},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, s.sent(t, test.wish)); diff != "" {
			t.Errorf("%v sends (-want +got):\n%s", test.wish, diff)
		}
	}
	if got := s.document(t)["climate_temperature"]; got != 22.0 {
		t.Errorf("while off the target is %v", got)
	}
}

// TestAction: what it probably does, told to Home Assistant only where it is
// wanted.
func TestAction(t *testing.T) {
	pair := object{
		"twoSetTemperature": object{"twoSetEnabled": yesNo("r")},
		"twoSetTemperatureInUnits": []object{{
			"heatTargetTemperature": ranging("rw", 16, 28, 1), "coolTargetTemperature": ranging("rw", 18, 30, 1), "unit": "C"}},
	}
	two := object{
		"twoSetTemperature":        object{"twoSetEnabled": true},
		"twoSetTemperatureInUnits": []object{{"heatTargetTemperature": 20, "coolTargetTemperature": 24, "unit": "C"}},
	}
	tests := []struct {
		job     string
		now     any
		with    object
		current any
		want    any
	}{
		{"COOL", 22, nil, 25, "cooling"},
		{"COOL", 22, nil, 22, "cooling"},
		{"COOL", 22, nil, 21, "idle"},
		{"ENERGY_SAVING", 22, nil, 25, "cooling"},
		{"HEAT", 22, nil, 20, "heating"},
		{"HEAT", 22, nil, 23, "idle"},
		{"FAN", 22, nil, 25, "fan"},
		{"AIR_CLEAN", 22, nil, 25, "fan"},
		{"AIR_DRY", 22, nil, 25, "drying"},
		{"COOL", 22, nil, nil, nil},
		{"AUTO", 22, nil, 25, nil}, // there is no target
		{"AUTO", 22, two, 25, "cooling"},
		{"AUTO", 22, two, 22, "idle"},
		{"AUTO", 22, two, 18, "heating"},
	}
	for _, test := range tests {
		s := cooler(t, pair, test.with)
		s.report(t, mode(test.job))
		s.report(t, object{"temperatureInUnits": []object{{"currentTemperature": test.current, "targetTemperature": test.now, "unit": "C"}}})
		if got := s.document(t)["climate_action"]; got != test.want {
			t.Errorf("%s at %v of %v (%v): %v, want %v", test.job, test.current, test.now, test.with != nil, got, test.want)
		}
	}
	s := cooler(t, nil, object{"operation": object{"airConOperationMode": "POWER_OFF"}})
	if got := s.document(t)["climate_action"]; got != "off" {
		t.Errorf("off: %v", got)
	}
	for _, s.estimate = range []bool{false, true} {
		if _, announced := s.announced(t)[climateKey]["action_topic"]; announced != s.estimate {
			t.Errorf("announced %v, want %v", announced, s.estimate)
		}
	}
}

// TestFilterLeft: hours of life and of use make percents, unless LG has them.
func TestFilterLeft(t *testing.T) {
	hours := object{"filterInfo": object{"filterLifetime": numeral("r"), "usedTime": numeral("r")}}
	tests := []struct{ life, used, want any }{
		{2400, 600, 75.0}, {720, 412, 43.0}, {100, 250, 0.0}, {100, 0, 100.0}, {0, 10, nil}, {nil, 10, nil}, {100, nil, nil},
	}
	for _, test := range tests {
		s := cooler(t, hours, object{"filterInfo": object{"filterLifetime": test.life, "usedTime": test.used}})
		if got := s.document(t)["filter_remain_percent"]; got != test.want {
			t.Errorf("%v of %v: %v, want %v", test.used, test.life, got, test.want)
		}
		s.report(t, object{"filterInfo": object{"filterRemainPercent": 12}})
		if got := s.document(t)["filter_remain_percent"]; got != 12.0 {
			t.Errorf("LG says 12: %v", got)
		}
	}
}

// TestAirClean: the switch shows its state where LG tells it, and the select is
// there beside it for the same words.
func TestAirClean(t *testing.T) {
	for _, words := range [][]any{{"START", "STOP"}, {"ON", "OFF"}} {
		for _, mode := range []string{"w", "rw"} {
			s := cooler(t, object{"operation": object{
				"airConOperationMode": oneWord("rw", "POWER_ON", "POWER_OFF"), "airCleanOperationMode": oneWord(mode, words...),
			}}, nil)
			all := s.announced(t)
			toggle, list := all["air_clean_operation_mode"], all["air_clean"]
			on := strings.ToLower(words[0].(string))
			if toggle["platform"] != "switch" || toggle["payload_on"] != on || list["platform"] != "select" || list["enabled_by_default"] != false {
				t.Errorf("%s %v: %v, %v", mode, words, toggle, list)
			}
			if (toggle["state_topic"] != nil) != (mode == "rw") || (list["state_topic"] != nil) != (mode == "rw") {
				t.Errorf("%s %v: %v, %v", mode, words, toggle, list)
			}
			want := []string{`{"operation":{"airCleanOperationMode":"` + words[0].(string) + `"}}`}
			for _, attr := range []string{"air_clean", "air_clean_operation_mode"} {
				if got := s.sent(t, map[string]string{attr: on}); !slices.Equal(got, want) {
					t.Errorf("%s sends %s", attr, got)
				}
			}
		}
	}
}

// TestRunTimeChanges: what a change at run time alters is announced again once,
// and only the climate entity differs.
func TestRunTimeChanges(t *testing.T) {
	s := cooler(t, object{
		"twoSetTemperature": object{"twoSetEnabled": yesNo("r")},
		"twoSetTemperatureInUnits": []object{{
			"heatTargetTemperature": ranging("rw", 16, 28, 1), "coolTargetTemperature": ranging("rw", 18, 30, 1), "unit": "C"}},
		"airFlow": object{"windStrength": oneWord("rw", "LOW", "HIGH")},
	}, object{
		"twoSetTemperature":        object{"twoSetEnabled": false},
		"twoSetTemperatureInUnits": []object{{"heatTargetTemperature": 20, "coolTargetTemperature": 24, "unit": "C"}},
	})
	limitsNow := func(low, high float64) object {
		return object{"temperatureInUnits": []object{{"minTargetTemperature": low, "maxTargetTemperature": high, "unit": "C"}}}
	}
	steps := []struct {
		report object
		anew   bool
	}{
		{mode("HEAT"), true}, {mode("COOL"), true}, {mode("HEAT"), true},
		{object{"temperatureInUnits": []object{{"currentTemperature": 19, "targetTemperature": 20, "unit": "C"}}}, false},
		{object{"airFlow": object{"windStrength": "LOW"}}, false},
		{limitsNow(18, 26), true}, {limitsNow(18, 26), false},
		{limitsNow(30, 10), true},  // nonsense: the profile counts again
		{limitsNow(10, 40), false}, // wider than the profile
		{object{"twoSetTemperature": object{"twoSetEnabled": true}}, true},
		{object{"twoSetTemperature": object{"twoSetEnabled": true}}, false},
		{mode("AUTO"), true},
		{object{"twoSetTemperature": object{"twoSetEnabled": false}}, true},
		{object{"operation": object{"airConOperationMode": "POWER_OFF"}}, false},
		{object{"operation": object{"airConOperationMode": "POWER_ON"}}, false},
	}
	device := s.seen(t)
	for i, step := range steps {
		before := announced(t, device)
		changed := s.report(t, step.report)
		after := device
		if device.Affected(s.state, changed) {
			after = s.seen(t)
		}
		if anew := string(after.Announcement()) != string(device.Announcement()); anew != step.anew {
			t.Errorf("step %d, %v: announced again %v, want %v", i, step.report, anew, step.anew)
		}
		device = after
		now := announced(t, device)
		delete(before, climateKey)
		delete(now, climateKey)
		if diff := cmp.Diff(before, now); diff != "" {
			t.Errorf("step %d changes others (-before +after):\n%s", i, diff)
		}
		if device.Affected(s.state, thinq.State{}) {
			t.Errorf("step %d: no change is news", i)
		}
	}
}
