package discovery

import "testing"

// TestFanStories: what a fan is told in turn, with what is remembered of it.
func TestFanStories(t *testing.T) {
	const (
		purifier = "operation.airPurifierOperationMode"
		job      = "airPurifierJobMode.currentJobMode"
		speed    = "airFlow.windStrength"
		angle    = "airFlow.windAngle"
		hood     = "ventilation.fanSpeed"
	)
	set := func(attr, payload string) map[string]string { return map[string]string{attr: payload} }
	tests := []struct {
		name, sample string
		story        []step
	}{
		{"a hood turns on at the speed last used", "hood_island", []step{
			{report: map[string]any{hood: 3.0, "lamp.lampBrightness": 2.0}, wish: set("fan_power", "off"),
				calls: []string{`{"lamp":{"lampBrightness":2},"ventilation":{"fanSpeed":0}}`}, shows: map[string]string{"fan_power": "off", "fan_percentage": "0"}},
			{wish: set("fan_power", "on"), calls: []string{`{"lamp":{"lampBrightness":2},"ventilation":{"fanSpeed":3}}`},
				shows: map[string]string{"fan_power": "on", "fan_percentage": "3"}},
			{wish: set("fan_power", "on")},
		}},
		{"on with a speed is one call", "hood_island", []step{
			{report: map[string]any{hood: 0.0, "lamp.lampBrightness": 0.0}, wish: map[string]string{"fan_power": "on", "fan_percentage": "4"},
				calls: []string{`{"lamp":{"lampBrightness":0},"ventilation":{"fanSpeed":4}}`}},
		}},
		{"a lamp that nobody knows counts as off", "hood_island", []step{
			{report: map[string]any{hood: 0.0, "lamp.lampBrightness": nil}, wish: set("fan_percentage", "1"),
				calls: []string{`{"lamp":{"lampBrightness":0},"ventilation":{"fanSpeed":1}}`}},
		}},
		{"a job mode that chooses the speed is left first", "air_purifier_levels", []step{
			{report: map[string]any{job: "SLEEP", speed: "LOW"}, wish: set("fan_percentage", "3"), calls: []string{
				`{"airPurifierJobMode":{"currentJobMode":"CLEAN"}}`, `{"airFlow":{"windStrength":"HIGH"}}`},
				shows: map[string]string{"fan_percentage": "3", "fan_preset_mode": "clean"}},
			{report: map[string]any{job: "AUTO"}, wish: set("fan_percentage", "3"), calls: []string{
				`{"airPurifierJobMode":{"currentJobMode":"CLEAN"}}`, `{"airFlow":{"windStrength":"HIGH"}}`}},
			{report: map[string]any{job: "DUAL_CLEAN"}, wish: set("fan_percentage", "1"), calls: []string{
				`{"airFlow":{"windStrength":"LOW"}}`}, shows: map[string]string{"fan_preset_mode": "dual_clean"}},
		}},
		{"all of it from off", "air_purifier_levels", []step{
			{report: map[string]any{purifier: "POWER_OFF", job: "SLEEP", speed: "LOW"}, wish: set("fan_percentage", "4"), calls: []string{
				`{"operation":{"airPurifierOperationMode":"POWER_ON"}}`,
				`{"airPurifierJobMode":{"currentJobMode":"CLEAN"}}`, `{"airFlow":{"windStrength":"POWER"}}`}},
			{wish: set("fan_percentage", "0"), calls: []string{`{"operation":{"airPurifierOperationMode":"POWER_OFF"}}`},
				shows: map[string]string{"fan_power": "off", "fan_percentage": "0", "fan_preset_mode": "<nil>"}},
			{wish: set("fan_preset_mode", "baby_care"), calls: []string{
				`{"operation":{"airPurifierOperationMode":"POWER_ON"}}`, `{"airPurifierJobMode":{"currentJobMode":"BABY_CARE"}}`}},
		}},
		{"what it was before it went off turns it on", "air_purifier_levels", []step{
			{report: map[string]any{purifier: "POWER_OFF", job: "CLEAN", speed: "LOW"}, wish: set("fan_percentage", "1"), calls: []string{
				`{"operation":{"airPurifierOperationMode":"POWER_ON"}}`, `{"airFlow":{"windStrength":"LOW"}}`}},
			{report: map[string]any{purifier: "POWER_OFF"}, wish: set("fan_preset_mode", "clean"), calls: []string{
				`{"operation":{"airPurifierOperationMode":"POWER_ON"}}`, `{"airPurifierJobMode":{"currentJobMode":"CLEAN"}}`}},
		}},
		{"automatic is the job mode where both have it", "air_purifier_levels", []step{
			{report: map[string]any{job: "CLEAN", speed: "AUTO"}, shows: map[string]string{"fan_preset_mode": "clean", "fan_percentage": "<nil>"}},
			{wish: set("fan_preset_mode", "auto"), calls: []string{`{"airPurifierJobMode":{"currentJobMode":"AUTO"}}`}},
		}},
		{"the speed is no preset any more when a job mode is asked for", "odd", []step{
			{report: map[string]any{speed: "HIGH"}},
			{report: map[string]any{job: "CLEAN", speed: "AUTO"}, shows: map[string]string{"fan_preset_mode": "auto"}},
			{wish: set("fan_preset_mode", "clean"), calls: []string{`{"airFlow":{"windStrength":"HIGH"}}`},
				shows: map[string]string{"fan_preset_mode": "clean", "fan_percentage": "2"}},
			{wish: set("fan_preset_mode", "sleep"), calls: []string{`{"airPurifierJobMode":{"currentJobMode":"SLEEP"}}`},
				shows: map[string]string{"fan_preset_mode": "sleep"}},
			{wish: set("fan_preset_mode", "auto"), calls: []string{
				`{"airPurifierJobMode":{"currentJobMode":"CLEAN"}}`, `{"airFlow":{"windStrength":"AUTO"}}`},
				shows: map[string]string{"fan_preset_mode": "auto"}},
		}},
		{"a fan without a plain job mode takes the first that leaves the speed free", "air_purifier_fan_tower", []step{
			{report: map[string]any{"airFanJobMode.currentJobMode": "AUTO"}, wish: set("fan_percentage", "8"), calls: []string{
				`{"airFanJobMode":{"currentJobMode":"SPACE_CLEAN"}}`, `{"airFlow":{"windStrength":"WIND_8"}}`}},
		}},
		{"it swings again as it did", "air_purifier_fan_tower", []step{
			{report: map[string]any{angle: "ANGLE_140"}, shows: map[string]string{"fan_oscillation": "true"}},
			{wish: set("fan_oscillation", "True")},
			{wish: set("fan_oscillation", "False"), calls: []string{`{"airFlow":{"windAngle":"OFF"}}`}, shows: map[string]string{"fan_oscillation": "false"}},
			{wish: set("fan_oscillation", "True"), calls: []string{`{"airFlow":{"windAngle":"ANGLE_140"}}`}, shows: map[string]string{"wind_angle": "angle_140"}},
			{wish: set("fan_oscillation", "round"), reason: "invalid_value"},
		}},
		{"a ventilator is left to itself", "ventilator_whole_house", []step{
			{wish: set("fan_preset_mode", "auto"), calls: []string{`{"airFlow":{"windStrength":"AUTO"}}`},
				shows: map[string]string{"fan_preset_mode": "auto", "fan_percentage": "<nil>"}},
			{wish: set("fan_percentage", "3"), calls: []string{`{"airFlow":{"windStrength":"HIGH"}}`}},
		}},
		{"warm air has a temperature while it is on", "air_purifier_fan_tower", []step{
			{shows: map[string]string{"wind_temperature_available": "false"}},
			{wish: set("warm_mode", "warm_on"), calls: []string{`{"airFlow":{"warmMode":"WARM_ON"}}`}, shows: map[string]string{"wind_temperature_available": "true"}},
			{wish: set("wind_temperature", "25"), calls: []string{`{"airFlow":{"windTemperature":25}}`}},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.sample != "odd" {
				tell(t, sampleNamed(t, test.sample), test.story)
				return
			}
			tell(t, oneOff(t, "AIR_PURIFIER", property(map[string]string{
				purifier: enum("POWER_ON", "POWER_OFF"), job: enum("CLEAN", "SLEEP"), speed: enum("LOW", "HIGH", "AUTO"),
			}), `{"operation":{"airPurifierOperationMode":"POWER_ON"}}`), test.story)
		})
	}
}

// TestWakers: the selects beside a composite turn the appliance on as well, but
// not a light or a timer.
func TestWakers(t *testing.T) {
	tests := []struct{ sample, power, attr, payload, first string }{
		{"air_purifier_levels", "operation.airPurifierOperationMode", "wind_strength", "high", `{"operation":{"airPurifierOperationMode":"POWER_ON"}}`},
		{"air_purifier_levels", "operation.airPurifierOperationMode", "current_job_mode", "sleep", `{"operation":{"airPurifierOperationMode":"POWER_ON"}}`},
		{"ventilator_whole_house", "operation.ventOperationMode", "current_job_mode", "vent_nature", `{"operation":{"ventOperationMode":"POWER_ON"}}`},
		{"humidifier_studio", "operation.humidifierOperationMode", "target_humidity", "60", `{"operation":{"humidifierOperationMode":"POWER_ON"}}`},
		{"humidifier_studio", "operation.humidifierOperationMode", "light", "off", `{"display":{"light":"OFF"}}`},
		{"air_purifier_fan_tower", "operation.airFanOperationMode", "warm_mode", "warm_on", `{"airFlow":{"warmMode":"WARM_ON"}}`},
	}
	for _, test := range tests {
		s := sampleNamed(t, test.sample)
		calls, err := s.describe(testOptions)[0].Wish(map[string]string{test.attr: test.payload}, at(t, s.state, map[string]any{test.power: "POWER_OFF"}))
		if err != nil {
			t.Fatal(err)
		}
		if got := bodies(t, s, calls); got[0] != test.first {
			t.Errorf("%s of %s: %s", test.attr, test.sample, got)
		}
	}
}

// TestFanNumber: the speed as a number is there for those who know it from
// Home Assistant's own integration, but the fan comes first.
func TestFanNumber(t *testing.T) {
	for _, name := range []string{"hood_island", "microwave_over_hob"} {
		e := entityOf(sampleNamed(t, name).describe(testOptions)[0], "fan_speed")
		if e == nil || e.Platform != Number || e.Config["enabled_by_default"] != false {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
