package discovery

import "testing"

// TestLights: what a lamp is told in turn.
func TestLights(t *testing.T) {
	const (
		lamp   = "lamp.lampBrightness"
		fan    = "ventilation.fanSpeed"
		words  = "operation.lightBrightness"
		status = "operation.lightStatus"
	)
	set := func(attr, payload string) map[string]string { return map[string]string{attr: payload} }
	tests := []struct {
		name, sample string
		story        []step
	}{
		{"the fan travels along", "hood_island", []step{
			{report: map[string]any{lamp: 0.0, fan: 2.0}, wish: set("lamp_light_power", "on"),
				calls: []string{`{"lamp":{"lampBrightness":1},"ventilation":{"fanSpeed":2}}`},
				shows: map[string]string{"lamp_light_power": "on", "lamp_light_brightness": "1", "lamp_brightness": "1"}},
			{wish: map[string]string{"lamp_light_power": "on", "lamp_light_brightness": "3"},
				calls: []string{`{"lamp":{"lampBrightness":3},"ventilation":{"fanSpeed":2}}`}},
			{wish: set("lamp_light_power", "off"), calls: []string{`{"lamp":{"lampBrightness":0},"ventilation":{"fanSpeed":2}}`},
				shows: map[string]string{"lamp_light_power": "off", "lamp_light_brightness": "<nil>"}},
			{wish: set("lamp_light_power", "on"), calls: []string{`{"lamp":{"lampBrightness":3},"ventilation":{"fanSpeed":2}}`}},
			{wish: set("lamp_light_brightness", "0"), calls: []string{`{"lamp":{"lampBrightness":0},"ventilation":{"fanSpeed":2}}`}},
			{wish: set("lamp_light_brightness", "4"), reason: "out_of_range"},
		}},
		{"of a microwave, too", "microwave_over_hob", []step{
			{wish: set("lamp_light_brightness", "1"), calls: []string{`{"lamp":{"lampBrightness":1},"ventilation":{"fanSpeed":1}}`}},
		}},
		{"lamp and fan together", "hood_island", []step{
			{report: map[string]any{lamp: 0.0, fan: 0.0}, wish: map[string]string{"lamp_light_brightness": "2", "fan_percentage": "1"},
				calls: []string{`{"lamp":{"lampBrightness":2},"ventilation":{"fanSpeed":1}}`}},
		}},
		{"a mood lamp leaves the humidifier off", "humidifier_studio", []step{
			{report: map[string]any{"operation.humidifierOperationMode": "POWER_OFF"}, wish: set("mood_light_power", "on"),
				calls: []string{`{"moodLamp":{"moodLampState":"ON"}}`}, shows: map[string]string{"mood_lamp_state": "on"}},
		}},
		{"a wine cellar has percents, and follows the room", "wine_cellar_three_zone", []step{
			{wish: set("cellar_light_power", "on"), calls: []string{`{"operation":{"lightBrightness":"30%"}}`}},
			{wish: set("cellar_light_brightness", "2"), calls: []string{`{"operation":{"lightBrightness":"60%"}}`}},
			{wish: set("cellar_light_effect", "auto"), calls: []string{`{"operation":{"lightBrightness":"AUTO"}}`},
				shows: map[string]string{"cellar_light_power": "on", "cellar_light_effect": "auto", "cellar_light_brightness": "<nil>"}},
			{wish: set("cellar_light_effect", "disco"), reason: "invalid_value"},
			{wish: set("cellar_light_power", "off"), calls: []string{`{"operation":{"lightBrightness":"OFF"}}`}},
			{wish: set("cellar_light_power", "on"), calls: []string{`{"operation":{"lightBrightness":"60%"}}`}},
		}},
		{"or numbers alone", "odd", []step{
			{report: map[string]any{status: 70.0}, shows: map[string]string{"cellar_light_brightness": "7"}},
			{report: map[string]any{status: 37.0}, shows: map[string]string{"cellar_light_brightness": "3"}},
			{report: map[string]any{status: 0.0}, wish: set("cellar_light_power", "ON"), calls: []string{`{"operation":{"lightStatus":70}}`}},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.sample != "odd" {
				tell(t, sampleNamed(t, test.sample), test.story)
				return
			}
			tell(t, oneOff(t, "WINE_CELLAR", property(map[string]string{status: ranged(0, 100, 10)}), `{}`), test.story)
		})
	}
}
