package discovery

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// heater is a water heater; power is how its power can be used, r or rw.
func heater(t *testing.T, power string, status object) invented {
	t.Helper()
	now := object{
		"waterHeaterJobMode": object{"currentJobMode": "TURBO"},
		"operation":          object{"waterHeaterOperationMode": "POWER_ON"},
		"temperatureInUnits": []object{{"currentTemperature": 45, "targetTemperature": 50, "unit": "C"}},
	}
	maps.Copy(now, status)
	return made(t, "WATER_HEATER", object{
		"waterHeaterJobMode": object{"currentJobMode": oneWord("rw", "HEAT_PUMP", "AUTO", "TURBO", "VACATION")},
		"operation":          object{"waterHeaterOperationMode": oneWord(power, "POWER_ON", "POWER_OFF")},
		"temperatureInUnits": []object{{"currentTemperature": numeral("r"), "targetTemperature": ranging("rw", 35, 60, 1), "unit": "C"}},
	}, now)
}

// TestWaterHeater: job modes under Home Assistant's names, the true words on the
// select, and off by the power where that can be set.
func TestWaterHeater(t *testing.T) {
	job := func(word string) []string {
		return []string{`{"waterHeaterJobMode":{"currentJobMode":"` + word + `"}}`}
	}
	off := object{"operation": object{"waterHeaterOperationMode": "POWER_OFF"}}
	tests := []struct {
		name, power string
		now         object
		shows       string
		wish        map[string]string
		wants       []string
	}{
		{"eco", "r", nil, "performance", map[string]string{"water_heater_mode": "eco"}, job("AUTO")},
		{"heat pump", "r", nil, "performance", map[string]string{"water_heater_mode": "heat_pump"}, job("HEAT_PUMP")},
		{"off is a vacation", "r", nil, "performance", map[string]string{"water_heater_mode": "off"}, job("VACATION")},
		{"a vacation is off", "r", working("VACATION"), "off", map[string]string{"current_job_mode": "auto"}, job("AUTO")},
		{"the power is off", "r", off, "off", map[string]string{"water_heater_mode": "eco"}, job("AUTO")},
		{"off by the power", "rw", nil, "performance", map[string]string{"water_heater_mode": "off"}, []string{`{"operation":{"waterHeaterOperationMode":"POWER_OFF"}}`}},
		{"on by the power first", "rw", off, "off", map[string]string{"water_heater_mode": "eco"},
			append([]string{`{"operation":{"waterHeaterOperationMode":"POWER_ON"}}`}, job("AUTO")...)},
		{"a target needs no power", "rw", off, "off", map[string]string{"water_heater_temperature": "55"}, []string{`{"temperatureInUnits":{"targetTemperature":55,"unit":"C"}}`}},
		{"true words", "r", nil, "performance", map[string]string{"water_heater_mode": "vacation"}, job("VACATION")},
		{"no mode", "r", nil, "performance", map[string]string{"water_heater_mode": "gas"}, []string{`"gas" is not one of eco, heat_pump, off, performance`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := heater(t, test.power, test.now)
			if got := s.document(t)["water_heater_mode"]; got != test.shows {
				t.Errorf("shows %v, want %s", got, test.shows)
			}
			if diff := cmp.Diff(test.wants, s.sent(t, test.wish)); diff != "" {
				t.Errorf("sends (-want +got):\n%s", diff)
			}
			if has := s.announced(t)[waterHeaterKey]["power_command_topic"] != nil; has != (test.power == "rw") {
				t.Errorf("can be switched: %v", has)
			}
		})
	}
}

func working(job string) object { return object{"waterHeaterJobMode": object{"currentJobMode": job}} }

// TestWaterHeaterRows: what is shown beside the water heater.
func TestWaterHeaterRows(t *testing.T) {
	all := heater(t, "r", nil).announced(t)
	for key, platform := range map[string]string{
		waterHeaterKey: "water_heater", "current_job_mode": "select", "water_heater_operation_mode": "binary_sensor",
		"current_temperature": "sensor", "target_temperature": "number", awayKey: "switch",
	} {
		if all[key]["platform"] != platform || all[key]["enabled_by_default"] == false {
			t.Errorf("%s is %v", key, all[key])
		}
	}
}

// TestAway: a switch for the vacation that goes back to the mode before.
func TestAway(t *testing.T) {
	s := heater(t, "r", nil)
	if got := s.sent(t, map[string]string{awayKey: "False"}); got != nil {
		t.Errorf("at home already, sends %s", got)
	}
	if got := s.sent(t, map[string]string{awayKey: "True"}); !slices.Equal(got, []string{`{"waterHeaterJobMode":{"currentJobMode":"VACATION"}}`}) {
		t.Errorf("leaving sends %s", got)
	}
	s.report(t, working("VACATION"))
	if got := s.document(t)[awayKey]; got != true {
		t.Errorf("shows %v", got)
	}
	if got := s.sent(t, map[string]string{awayKey: "False"}); !slices.Equal(got, []string{`{"waterHeaterJobMode":{"currentJobMode":"TURBO"}}`}) {
		t.Errorf("coming back sends %s", got)
	}
}

// TestTankNumber: the number beside a water heater offers what the appliance
// takes now, as the water heater does.
func TestTankNumber(t *testing.T) {
	limits := func(low, high float64) object {
		return object{"hotWaterTemperatureInUnits": []object{{"minTemperature": low, "maxTemperature": high, "unit": "C"}}}
	}
	s := made(t, "SYSTEM_BOILER", object{
		"hotWaterTemperatureInUnits": []object{{
			"currentTemperature": numeral("r"), "targetTemperature": ranging("rw", 35, 60, 1),
			"minTemperature": numeral("r"), "maxTemperature": numeral("r"), "unit": "C"}},
	}, object{"hotWaterTemperatureInUnits": []object{{"currentTemperature": 45, "targetTemperature": 50, "minTemperature": 38, "maxTemperature": 58, "unit": "C"}}})
	want := func(low, high float64) {
		t.Helper()
		c := s.announced(t)
		number, heater := c["target_temperature"], c[waterHeaterKey]
		got := []any{number["min"], number["max"], heater["min_temp"], heater["max_temp"]}
		if diff := cmp.Diff([]any{low, high, low, high}, got); diff != "" {
			t.Errorf("limits (-want +got):\n%s", diff)
		}
	}
	want(38, 58)
	for _, attr := range []string{"target_temperature", "water_heater_temperature"} {
		if got, want := s.sent(t, map[string]string{attr: "60"}), []string{"60 is not within 38 and 58"}; !slices.Equal(got, want) {
			t.Errorf("%s: %s, want %s", attr, got, want)
		}
	}
	s.report(t, limits(40, 55))
	want(40, 55)
}
