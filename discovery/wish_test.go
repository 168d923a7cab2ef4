package discovery

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest/bounds"
)

// at sets values of a state by their written paths.
func at(t *testing.T, s thinq.State, values map[string]any) thinq.State {
	t.Helper()
	s = maps.Clone(s)
	for text, v := range values {
		p, err := thinq.ParsePath(text)
		if err != nil {
			t.Fatal(err)
		}
		s[p] = v
	}
	return s
}

// bodies are the control calls of a wish as LG gets them, one a line.
func bodies(t *testing.T, s sample, calls []thinq.State) []string {
	t.Helper()
	var all []string
	for _, call := range calls {
		body, err := s.profile.Encode(call)
		if err != nil {
			t.Fatalf("%v: %v", call, err)
		}
		all = append(all, string(body))
	}
	return all
}

const (
	acPower = "operation.airConOperationMode"
	acMode  = "airConJobMode.currentJobMode"
	target  = "temperature.targetTemperature"
)

func TestWish(t *testing.T) {
	tests := []struct {
		name   string
		sample string
		now    map[string]any // beyond the sample's state
		attrs  map[string]string
		want   []string
	}{
		{"a mode wakes the appliance first", "air_conditioner_one_setpoint", map[string]any{acPower: "POWER_OFF", acMode: "FAN"},
			map[string]string{"climate_mode": "cool"}, []string{
				`{"operation":{"airConOperationMode":"POWER_ON"}}`, `{"airConJobMode":{"currentJobMode":"COOL"}}`}},
		{"the mode comes before temperature and fan", "air_conditioner_one_setpoint", map[string]any{acPower: "POWER_OFF", acMode: "FAN", target: 20.0},
			map[string]string{"climate_fan_mode": "low", "climate_temperature": "25.0", "climate_mode": "cool"}, []string{
				`{"operation":{"airConOperationMode":"POWER_ON"}}`, `{"airConJobMode":{"currentJobMode":"COOL"}}`,
				`{"temperature":{"targetTemperature":25}}`, `{"airFlow":{"windStrength":"LOW"}}`}},
		{"on when on is no call", "air_conditioner_one_setpoint", map[string]any{acPower: "POWER_ON"},
			map[string]string{"climate_power": "ON"}, nil},
		{"the last mode is back with the power alone", "air_conditioner_one_setpoint", map[string]any{acPower: "POWER_OFF", acMode: "COOL"},
			map[string]string{"climate_mode": "cool"}, []string{`{"operation":{"airConOperationMode":"POWER_ON"}}`}},
		{"the last preset too", "air_conditioner_two_setpoints", map[string]any{acPower: "POWER_OFF", acMode: "ENERGY_SAVING"},
			map[string]string{"climate_preset_mode": "energy_saving"}, []string{`{"operation":{"airConOperationMode":"POWER_ON"}}`}},
		{"no preset is no reason to turn on", "air_conditioner_two_setpoints", map[string]any{acPower: "POWER_OFF", acMode: "ENERGY_SAVING"},
			map[string]string{"climate_preset_mode": "none"}, nil},
		{"off", "air_conditioner_one_setpoint", map[string]any{acPower: "POWER_ON"},
			map[string]string{"climate_mode": "off"}, []string{`{"operation":{"airConOperationMode":"POWER_OFF"}}`}},
		{"off stays off, whatever else is set with it", "air_conditioner_one_setpoint", map[string]any{acPower: "POWER_ON", acMode: "COOL"},
			map[string]string{"climate_fan_mode": "high", "climate_power": "OFF"}, []string{
				`{"operation":{"airConOperationMode":"POWER_OFF"}}`, `{"airFlow":{"windStrength":"HIGH"}}`}},
		{"a shown target is no call", "air_conditioner_one_setpoint", map[string]any{acPower: "POWER_ON", acMode: "COOL", target: 23.0},
			map[string]string{"climate_temperature": "23.0"}, nil},
		{"two set-points travel together", "air_conditioner_two_setpoints", nil,
			map[string]string{"climate_temperature_low": "18", "climate_temperature_high": "26.2"}, []string{
				`{"twoSetTemperatureInUnits":{"coolTargetTemperature":26,"heatTargetTemperature":18,"unit":"C"}}`}},
		{"one set-point takes the other along", "air_conditioner_two_setpoints", nil,
			map[string]string{"climate_temperature_low": "18"}, []string{
				`{"twoSetTemperatureInUnits":{"coolTargetTemperature":24.5,"heatTargetTemperature":18,"unit":"C"}}`}},
		{"lamp and fan of a hood go in one call", "hood_island", map[string]any{"lamp.lampBrightness": 0.0, "ventilation.fanSpeed": 2.0},
			map[string]string{"lamp_brightness": "1"}, []string{`{"lamp":{"lampBrightness":1},"ventilation":{"fanSpeed":2}}`}},
		{"both of them too", "hood_island", map[string]any{"lamp.lampBrightness": 0.0, "ventilation.fanSpeed": 2.0},
			map[string]string{"lamp_brightness": "1", "fan_speed": "3"}, []string{`{"lamp":{"lampBrightness":1},"ventilation":{"fanSpeed":3}}`}},
		{"a speed wakes a fan", "ceiling_fan_veranda", map[string]any{"operation.ceilingfanOperationMode": "POWER_OFF", "airFlow.windStrength": "LOW"},
			map[string]string{"fan_percentage": "4"}, []string{
				`{"operation":{"ceilingfanOperationMode":"POWER_ON"}}`, `{"airFlow":{"windStrength":"TURBO"}}`}},
		{"no speed is off", "ceiling_fan_veranda", map[string]any{"operation.ceilingfanOperationMode": "POWER_ON"},
			map[string]string{"fan_percentage": "0"}, []string{`{"operation":{"ceilingfanOperationMode":"POWER_OFF"}}`}},
		{"a paused robot resumes", "robot_cleaner_zigzag", map[string]any{"runState.currentState": "PAUSE"},
			map[string]string{"vacuum": "start"}, []string{`{"operation":{"cleanOperationMode":"RESUME"}}`}},
		{"hot water needs no room heating", "system_boiler_monobloc", map[string]any{"operation.boilerOperationMode": "POWER_OFF"},
			map[string]string{"water_heater_temperature": "45"}, []string{`{"hotWaterTemperatureInUnits":{"targetTemperature":45,"unit":"C"}}`}},
		{"a boiler heats by the water that leaves it", "system_boiler_monobloc", map[string]any{
			"operation.boilerOperationMode": "POWER_ON", "boilerJobMode.currentJobMode": "HEAT", "operation.roomTempMode": "WATER"},
			map[string]string{"climate_temperature": "40"}, []string{`{"roomTemperatureInUnits":{"unit":"C","waterHeatTargetTemperature":40}}`}},
		{"a humidifier's target", "humidifier_studio", nil,
			map[string]string{"humidifier_target_humidity": "52"}, []string{`{"humidity":{"targetHumidity":50}}`}},
		{"hours and minutes of a timer", "air_conditioner_living_room", nil,
			map[string]string{"relative_to_start": "150"}, []string{`{"timer":{"relativeHourToStart":2,"relativeMinuteToStart":30}}`}},
		{"no minutes clear a timer by its word", "air_conditioner_living_room", map[string]any{"timer.relativeStartTimer": "SET"},
			map[string]string{"relative_to_start": "0"}, []string{`{"timer":{"relativeStartTimer":"UNSET"}}`}},
		{"no hours too", "air_purifier_levels", map[string]any{"sleepTimer.relativeStopTimer": "SET", "sleepTimer.relativeHourToStop": 3.0},
			map[string]string{"sleep_timer_relative_hour_to_stop": "0"}, []string{`{"sleepTimer":{"relativeStopTimer":"UNSET"}}`}},
		{"a timer that is not set needs no clearing", "dryer_heat_pump", map[string]any{"timer.relativeHourToStop": 0.0},
			map[string]string{"relative_hour_to_stop": "0"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := sampleNamed(t, test.sample)
			calls, err := s.describe(testOptions)[0].Wish(test.attrs, at(t, s.state, test.now))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, bodies(t, s, calls)); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWishRefuses(t *testing.T) {
	tests := []struct{ sample, attr, payload, reason string }{
		{"air_conditioner_one_setpoint", "climate_temperature", "99", "out_of_range"},
		{"air_conditioner_one_setpoint", "climate_temperature", "warm", "invalid_value"},
		{"air_conditioner_one_setpoint", "climate_temperature", "NaN", "invalid_value"},
		{"air_conditioner_one_setpoint", "climate_mode", "dance", "invalid_value"},
		{"air_conditioner_one_setpoint", "climate_current_temperature", "20", "read_only"},
		{"air_conditioner_one_setpoint", "nothing", "1", "unknown_attribute"},
		{"dryer_heat_pump", "relative_hour_to_stop", "0", "out_of_range"},
		{"dryer_heat_pump", "relative_hour_to_stop", "13", "out_of_range"},
		{"air_conditioner_wind_step", "sleep_timer_relative_to_stop", "720", "out_of_range"},
		{"oven_double", "upper_cook_mode", "broil", "invalid_value"},
		{"refrigerator_two_units", "fresh_air_filter", "replace", "invalid_value"},
		{"dryer_heat_pump", "start", "PRESS", "remote_start"},
		{"dryer_heat_pump", "dryer_operation_mode", "start", "remote_start"},
		{"washtower_top", "start", "", "remote_start"},
		{"oven_double", "upper_start", "PRESS", "remote_start"},
		{"oven_double", "upper_preheating", "PRESS", "remote_start"},
		{"oven_double", "upper_oven_operation_mode", "start", "remote_start"},
		{"oven_double", "upper_target_temperature", "285", "out_of_range"},
		{"oven_double", "upper_target", "721", "out_of_range"},
		{"oven_double", "lower_target_temperature", "200", "read_only"},
		{"oven_double", "lower_cook_mode", "roast", "read_only"},
		{"cooktop_induction", "left_rear_power_level", "9", "remote_start"},
	}
	for _, test := range tests {
		t.Run(test.sample+"/"+test.attr+"="+test.payload, func(t *testing.T) {
			s := sampleNamed(t, test.sample)
			now := at(t, s.state, nil)
			for p := range now {
				switch p.Name {
				case "currentJobMode":
					now[p] = "COOL"
				case "relativeHourToStop":
					now[p] = 5.0
				}
			}
			_, err := s.describe(testOptions)[0].Wish(map[string]string{test.attr: test.payload}, now)
			r, ok := errors.AsType[*Rejection](err)
			if !ok {
				t.Fatalf("error %v, want a rejection", err)
			}
			if r.Reason != test.reason || r.Attr != test.attr || r.Message == "" {
				t.Errorf("rejection %+v, want reason %s", r, test.reason)
			}
			if r.Reason != "remote_start" && r.Allowed == nil {
				t.Errorf("rejection %+v does not say what is allowed", r)
			}
		})
	}
}

// TestStopNeedsNoLeave: what ends heat is always allowed.
func TestStopNeedsNoLeave(t *testing.T) {
	s := sampleNamed(t, "dryer_heat_pump")
	calls, err := s.describe(testOptions)[0].Wish(map[string]string{"stop": "PRESS"}, s.state)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(bodies(t, s, calls), "\n"); got != `{"operation":{"dryerOperationMode":"STOP"}}` {
		t.Errorf("calls %s", got)
	}
}

// FuzzWish sends any text to any attribute of any sample: whatever passes can be
// written as a control call.
func FuzzWish(f *testing.F) {
	all := samples(f)
	f.Add(uint(0), uint(0), "21.0")
	f.Add(uint(3), uint(7), "ON")
	f.Add(uint(9), uint(2), "None")
	f.Add(uint(2), uint(1), "24:61")
	f.Add(uint(70), uint(187), "0") // staged
	f.Fuzz(func(t *testing.T, which, attr uint, payload string) {
		defer bounds.Keep(t)()
		s := all[which%uint(len(all))]
		for _, d := range s.describe(willing()) {
			attrs := d.settable()
			if len(attrs) == 0 {
				continue
			}
			calls, err := d.Wish(map[string]string{attrs[attr%uint(len(attrs))]: payload}, s.state)
			if err != nil {
				if _, ok := errors.AsType[*Rejection](err); !ok {
					t.Fatalf("error %v is no rejection", err)
				}
				continue
			}
			for _, call := range calls {
				if Local(call) {
					continue // LG does not see it
				}
				if _, err := s.profile.Encode(call); err != nil {
					t.Errorf("%s = %q: %v: %v", attrs[attr%uint(len(attrs))], payload, call, err)
				}
			}
		}
	})
}
