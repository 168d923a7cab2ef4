package discovery

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// heating is a heat pump that heats by the water that leaves it.
func heating(t *testing.T, with, status object) invented {
	t.Helper()
	room := object{"unit": "C"}
	for _, name := range []string{"currentTemperature", "airCurrentTemperature", "inWaterCurrentTemperature", "outWaterCurrentTemperature", "targetTemperature",
		"airHeatMinTemperature", "airHeatMaxTemperature", "airCoolMinTemperature", "airCoolMaxTemperature",
		"waterHeatMinTemperature", "waterHeatMaxTemperature", "waterCoolMinTemperature", "waterCoolMaxTemperature"} {
		room[name] = numeral("r")
	}
	room["airHeatTargetTemperature"], room["airCoolTargetTemperature"] = ranging("w", 16, 30, 1), ranging("w", 18, 30, 1)
	room["waterHeatTargetTemperature"], room["waterCoolTargetTemperature"] = ranging("w", 15, 65, 1), ranging("w", 5, 27, 1)
	properties := object{
		"boilerJobMode": object{"currentJobMode": oneWord("rw", "HEAT", "COOL", "AUTO")},
		"operation": object{
			"boilerOperationMode": oneWord("rw", "POWER_ON", "POWER_OFF"), "hotWaterMode": oneWord("rw", "ON", "OFF"),
			"roomTempMode": oneWord("r", "AIR", "WATER"), "roomWaterMode": oneWord("r", "IN_WATER", "OUT_WATER"),
		},
		"roomTemperatureInUnits": []object{room},
		"hotWaterTemperatureInUnits": []object{{
			"currentTemperature": numeral("r"), "targetTemperature": ranging("rw", 15, 80, 1),
			"minTemperature": numeral("r"), "maxTemperature": numeral("r"), "unit": "C",
		}},
	}
	now := object{
		"boilerJobMode": object{"currentJobMode": "HEAT"},
		"operation":     object{"boilerOperationMode": "POWER_ON", "hotWaterMode": "ON", "roomTempMode": "WATER", "roomWaterMode": "OUT_WATER"},
		"roomTemperatureInUnits": []object{{
			"currentTemperature": 40, "airCurrentTemperature": 21, "inWaterCurrentTemperature": 31, "outWaterCurrentTemperature": 35, "targetTemperature": 38, "unit": "C",
		}},
		"hotWaterTemperatureInUnits": []object{{"currentTemperature": 47, "targetTemperature": 50, "unit": "C"}},
	}
	for key, v := range with {
		properties[key] = v
	}
	for key, v := range status {
		now[key] = v
	}
	return made(t, "SYSTEM_BOILER", properties, now)
}

// TestBoilerSides: what it heats by decides which temperature is shown, which
// property takes the target, and its limits, which are those of water: never
// capped to what a room takes.
func TestBoilerSides(t *testing.T) {
	tests := []struct {
		job, side, water string
		current          float64
		low, high        float64
		property         string
	}{
		{"HEAT", "AIR", "OUT_WATER", 21, 16, 30, "airHeatTargetTemperature"},
		{"COOL", "AIR", "IN_WATER", 21, 18, 30, "airCoolTargetTemperature"},
		{"HEAT", "WATER", "OUT_WATER", 35, 15, 65, "waterHeatTargetTemperature"},
		{"HEAT", "WATER", "IN_WATER", 31, 15, 65, "waterHeatTargetTemperature"},
		{"COOL", "WATER", "IN_WATER", 31, 5, 27, "waterCoolTargetTemperature"},
	}
	for _, test := range tests {
		t.Run(test.job+" "+test.side+" "+test.water, func(t *testing.T) {
			s := heating(t, nil, nil)
			s.report(t, object{"boilerJobMode": object{"currentJobMode": test.job}, "operation": object{"roomTempMode": test.side, "roomWaterMode": test.water}})
			c := s.announced(t)[climateKey]
			if c["min_temp"] != test.low || c["max_temp"] != test.high {
				t.Errorf("from %v to %v", c["min_temp"], c["max_temp"])
			}
			if doc := s.document(t); doc["climate_current_temperature"] != test.current || doc["climate_temperature"] != 38.0 {
				t.Errorf("shows %v and %v", doc["climate_current_temperature"], doc["climate_temperature"])
			}
			want := `{"roomTemperatureInUnits":{"` + test.property + `":25,"unit":"C"}}`
			if test.property > "unit" {
				want = `{"roomTemperatureInUnits":{"unit":"C","` + test.property + `":25}}`
			}
			if got := s.sent(t, map[string]string{"climate_temperature": "25"}); !slices.Equal(got, []string{want}) {
				t.Errorf("sends %s", got)
			}
		})
	}
}

// TestBoilerLimits: what the appliance reports counts where it is a range, for
// what is announced and for what is taken.
func TestBoilerLimits(t *testing.T) {
	s := heating(t, nil, nil)
	for _, test := range []struct{ low, high, wantLow, wantHigh any }{
		{20, 55, 20.0, 55.0}, {55, 20, 15.0, 65.0}, {0, 0, 15.0, 65.0}, {nil, nil, 15.0, 65.0}, {30, 30, 15.0, 65.0},
	} {
		s.report(t, object{"roomTemperatureInUnits": []object{{"waterHeatMinTemperature": test.low, "waterHeatMaxTemperature": test.high, "unit": "C"}}})
		c := s.announced(t)[climateKey]
		if c["min_temp"] != test.wantLow || c["max_temp"] != test.wantHigh {
			t.Errorf("%v to %v: announced %v to %v", test.low, test.high, c["min_temp"], c["max_temp"])
		}
	}
	s.report(t, object{"roomTemperatureInUnits": []object{{"waterHeatMinTemperature": 20, "waterHeatMaxTemperature": 55, "unit": "C"}}})
	if got := s.sent(t, map[string]string{"climate_temperature": "60"}); got[0] != "60 is not within 20 and 55" {
		t.Errorf("sends %s", got)
	}
}

// TestBoilerAuto: the automatic mode follows the weather, so there is no target.
func TestBoilerAuto(t *testing.T) {
	s := heating(t, nil, nil)
	s.report(t, object{"boilerJobMode": object{"currentJobMode": "AUTO"}})
	if doc := s.document(t); doc["climate_temperature"] != nil || doc["climate_mode"] != "auto" || doc["climate_action"] != nil {
		t.Errorf("shows %v, %v, %v", doc["climate_temperature"], doc["climate_mode"], doc["climate_action"])
	}
	if got := s.sent(t, map[string]string{"climate_temperature": "30"}); got[0] != "no single temperature can be set in the mode auto" {
		t.Errorf("sends %s", got)
	}
}

// TestBoilerReadings: where a reading is missing the general one counts, and the
// difference of the two waters is a sensor.
func TestBoilerReadings(t *testing.T) {
	s := heating(t, nil, object{"roomTemperatureInUnits": []object{{"currentTemperature": 40, "targetTemperature": 38, "unit": "C"}}})
	if got := s.document(t)["climate_current_temperature"]; got != 40.0 {
		t.Errorf("shows %v", got)
	}
	s.report(t, object{"roomTemperatureInUnits": []object{{"inWaterCurrentTemperature": 30.5, "unit": "C"}}})
	if got := s.document(t)["water_temperature_difference"]; got != nil {
		t.Errorf("the difference is %v", got)
	}
	s.report(t, object{"roomTemperatureInUnits": []object{{"outWaterCurrentTemperature": 35, "unit": "C"}}})
	if got := s.document(t)["water_temperature_difference"]; got != 4.5 {
		t.Errorf("the difference is %v", got)
	}
	c := s.announced(t)["water_temperature_difference"]
	if c["device_class"] != nil || c["unit_of_measurement"] != "K" {
		t.Errorf("announced %v", c)
	}
}

// TestHotWater: heated or off, by its own switch or else by that of the boiler.
func TestHotWater(t *testing.T) {
	own := object{"boilerOperationMode": oneWord("rw", "POWER_ON", "POWER_OFF"), "hotWaterMode": oneWord("rw", "ON", "OFF")}
	shown := object{"boilerOperationMode": oneWord("rw", "POWER_ON", "POWER_OFF"), "hotWaterMode": oneWord("r", "ON", "OFF")}
	tests := []struct {
		name      string
		operation object
		now       object
		mode      string
		wish      string
		wants     []string
	}{
		{"its own switch", own, object{"hotWaterMode": "OFF"}, "off", "heat_pump", []string{`{"operation":{"hotWaterMode":"ON"}}`}},
		{"its own switch, off", own, object{"hotWaterMode": "ON"}, "heat_pump", "off", []string{`{"operation":{"hotWaterMode":"OFF"}}`}},
		{"none", shown, object{"boilerOperationMode": "POWER_OFF"}, "off", "heat_pump", []string{`{"operation":{"boilerOperationMode":"POWER_ON"}}`}},
		{"none, off", shown, object{"boilerOperationMode": "POWER_ON"}, "heat_pump", "off", []string{`{"operation":{"boilerOperationMode":"POWER_OFF"}}`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := heating(t, object{"operation": test.operation}, object{"operation": test.now})
			c := s.announced(t)[waterHeaterKey]
			if diff := cmp.Diff([]any{"off", "heat_pump"}, c["modes"]); diff != "" || c["max_temp"] != 80.0 || c["power_command_topic"] == nil {
				t.Errorf("announced %v", c)
			}
			if got := s.document(t)["water_heater_mode"]; got != test.mode {
				t.Errorf("shows %v, want %s", got, test.mode)
			}
			if got := s.sent(t, map[string]string{"water_heater_mode": test.wish}); !slices.Equal(got, test.wants) {
				t.Errorf("sends %s", got)
			}
		})
	}
}

// TestHotWaterLimits: announced again when the appliance reports others.
func TestHotWaterLimits(t *testing.T) {
	s := heating(t, nil, nil)
	before := s.seen(t)
	changed := s.report(t, object{"hotWaterTemperatureInUnits": []object{{"minTemperature": 40, "maxTemperature": 55, "unit": "C"}}})
	if !before.Affected(s.state, changed) {
		t.Error("new limits are no news")
	}
	c := s.announced(t)[waterHeaterKey]
	if c["min_temp"] != 40.0 || c["max_temp"] != 55.0 {
		t.Errorf("from %v to %v", c["min_temp"], c["max_temp"])
	}
	if got := s.sent(t, map[string]string{"water_heater_temperature": "60"}); got[0] != "60 is not within 40 and 55" {
		t.Errorf("sends %s", got)
	}
}
