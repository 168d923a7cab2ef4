package discovery

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTargetWritten: every mode has its own property, the older block counts
// where the newer one has none that can be set, and other modes have no target.
func TestTargetWritten(t *testing.T) {
	older := object{"temperature": object{
		"targetTemperature": ranging("rw", 18, 30, 1), "currentTemperature": numeral("r"), "unit": oneWord("r", "C", "F"),
	}}
	tests := []struct {
		name        string
		with        object
		job         string
		wish, wants string
	}{
		{"cool", nil, "COOL", "24", `{"temperatureInUnits":{"coolTargetTemperature":24,"unit":"C"}}`},
		{"heat", nil, "HEAT", "17", `{"temperatureInUnits":{"heatTargetTemperature":17,"unit":"C"}}`},
		{"beyond what this mode takes", nil, "HEAT", "29", "29 is not within 16 and 28"},
		{"by less than half a step", nil, "HEAT", "28.3", `{"temperatureInUnits":{"heatTargetTemperature":28,"unit":"C"}}`},
		{"no target of its own", nil, "AUTO", "24", "no single temperature can be set in the mode auto"},
		{"the older block has one", older, "AUTO", "24", `{"temperature":{"targetTemperature":24}}`},
		{"but not for a fan", older, "FAN", "24", "no single temperature can be set in the mode fan"},
		{"and not where the newer one can be set", older, "COOL", "24", `{"temperatureInUnits":{"coolTargetTemperature":24,"unit":"C"}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := cooler(t, test.with, object{"temperature": object{"unit": "C"}})
			s.report(t, mode(test.job))
			if got := s.sent(t, map[string]string{"climate_temperature": test.wish}); !slices.Equal(got, []string{test.wants}) {
				t.Errorf("sends %s, want %s", got, test.wants)
			}
		})
	}
}

// TestOlderBlockInAnotherUnit: temperatures of two units are never mixed.
func TestOlderBlockInAnotherUnit(t *testing.T) {
	s := cooler(t, object{"temperature": object{"targetTemperature": ranging("rw", 64, 86, 1), "unit": oneWord("r", "C", "F")}},
		object{"temperature": object{"unit": "F"}})
	s.report(t, mode("AUTO"))
	if got := s.sent(t, map[string]string{"climate_temperature": "24"}); got[0] != "no single temperature can be set in the mode auto" {
		t.Errorf("sends %s", got)
	}
}

// TestReportedLimits: what the appliance reports of its limits counts for what
// can be set too, in steps that LG takes; those of the mode before do not.
func TestReportedLimits(t *testing.T) {
	limited := func(low, high any, unit string) object {
		return object{"temperatureInUnits": []object{{"currentTemperature": 25, "targetTemperature": 22, "minTargetTemperature": low, "maxTargetTemperature": high, "unit": unit}}}
	}
	tests := []struct {
		name      string
		unit      string
		report    object
		low, high any
		wish      map[string]string
		wants     []string
	}{
		{"tighter", "C", limited(20, 26, "C"), 20.0, 26.0, map[string]string{"climate_temperature": "27"}, []string{"27 is not within 20 and 26"}},
		{"wider", "C", limited(10, 40, "C"), 18.0, 30.0, map[string]string{"climate_temperature": "31"}, []string{"31 is not within 18 and 30"}},
		{"one of them", "C", limited(22, nil, "C"), 22.0, 30.0, map[string]string{"climate_temperature": "20"}, []string{"20 is not within 22 and 30"}},
		{"the wrong way round", "C", limited(26, 20, "C"), 18.0, 30.0, map[string]string{"climate_temperature": "19"},
			[]string{`{"temperatureInUnits":{"coolTargetTemperature":19,"unit":"C"}}`}},
		{"zeros", "C", limited(0, 0, "C"), 18.0, 30.0, map[string]string{"climate_temperature": "19"},
			[]string{`{"temperatureInUnits":{"coolTargetTemperature":19,"unit":"C"}}`}},
		{"of the mode before", "C", limited(20, 26, "C"), 20.0, 26.0, map[string]string{"climate_mode": "heat", "climate_temperature": "17"},
			[]string{`{"airConJobMode":{"currentJobMode":"HEAT"}}`, `{"temperatureInUnits":{"heatTargetTemperature":17,"unit":"C"}}`}},
		{"between two steps", "F", limited(65, 81, "F"), 66.0, 80.0, map[string]string{"climate_temperature": "65"},
			[]string{`{"temperatureInUnits":{"coolTargetTemperature":66,"unit":"F"}}`}},
		{"off the grid", "F", nil, 64.0, 86.0, map[string]string{"climate_temperature": "73"},
			[]string{`{"temperatureInUnits":{"coolTargetTemperature":72,"unit":"F"}}`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := cooler(t, nil, test.report)
			s.unit = test.unit
			c := s.announced(t)[climateKey]
			if c["min_temp"] != test.low || c["max_temp"] != test.high {
				t.Errorf("announced %v to %v, want %v to %v", c["min_temp"], c["max_temp"], test.low, test.high)
			}
			if diff := cmp.Diff(test.wants, s.sent(t, test.wish)); diff != "" {
				t.Errorf("sends (-want +got):\n%s", diff)
			}
		})
	}
}

// TestHalfDegrees: steps of a half are kept, and shown.
func TestHalfDegrees(t *testing.T) {
	s := cooler(t, object{"temperatureInUnits": []object{{
		"currentTemperature": numeral("r"), "targetTemperature": numeral("r"), "coolTargetTemperature": ranging("w", 18, 30, 0.5), "unit": "C",
	}}}, nil)
	c := s.announced(t)[climateKey]
	if c["temp_step"] != 0.5 || c["precision"] != 0.5 {
		t.Errorf("step %v, precision %v", c["temp_step"], c["precision"])
	}
	for wish, want := range map[string]string{"22.5": "22.5", "22.7": "22.5", "23.0": "23"} {
		if got := s.sent(t, map[string]string{"climate_temperature": wish}); !slices.Equal(got, []string{`{"temperatureInUnits":{"coolTargetTemperature":` + want + `,"unit":"C"}}`}) {
			t.Errorf("%s sends %s", wish, got)
		}
	}
}

// TestUnitThatCanBeSet: the household's unit counts only where the appliance can
// be set in it.
func TestUnitThatCanBeSet(t *testing.T) {
	only := func(settable string) object {
		var blocks []object
		for _, unit := range []string{"C", "F"} {
			block := object{"currentTemperature": numeral("r"), "targetTemperature": numeral("r"), "unit": unit}
			if settable == unit || settable == "both" {
				block["coolTargetTemperature"] = map[string]object{"C": ranging("w", 18, 30, 1), "F": ranging("w", 64, 86, 2)}[unit]
			}
			blocks = append(blocks, block)
		}
		return object{"temperatureInUnits": blocks}
	}
	tests := []struct{ settable, asked, want string }{
		{"both", "auto", "C"}, {"both", "F", "F"}, {"C", "F", "C"}, {"F", "C", "F"}, {"F", "auto", "F"}, {"", "F", "F"}, {"", "auto", "C"},
	}
	for _, test := range tests {
		s := cooler(t, only(test.settable), nil)
		s.unit = test.asked
		all := s.announced(t)
		if got := all[climateKey]["temperature_unit"]; got != test.want {
			t.Errorf("%s can be set, %s is asked: %v, want %s", test.settable, test.asked, got, test.want)
		}
		if got := all["current_temperature"]["unit_of_measurement"]; got != "°"+test.want {
			t.Errorf("%s can be set, %s is asked: the sensor has %v", test.settable, test.asked, got)
		}
	}
}

// twoPointed has two set-points, 20 and 24.
func twoPointed(t *testing.T, job string) invented {
	t.Helper()
	s := cooler(t, object{
		"twoSetTemperature": object{"twoSetEnabled": yesNo("r")},
		"twoSetTemperatureInUnits": []object{{
			"heatTargetTemperature": ranging("rw", 16, 28, 1), "coolTargetTemperature": ranging("rw", 18, 30, 1), "unit": "C"}},
	}, object{
		"twoSetTemperature":        object{"twoSetEnabled": true},
		"twoSetTemperatureInUnits": []object{{"heatTargetTemperature": 20, "coolTargetTemperature": 24, "unit": "C"}},
	})
	s.report(t, mode(job))
	return s
}

// TestTwoSetpoints: both travel together, the lower is never above the higher,
// and where only one counts the other gives way.
func TestTwoSetpoints(t *testing.T) {
	pair := func(low, high string) []string {
		return []string{`{"twoSetTemperatureInUnits":{"coolTargetTemperature":` + high + `,"heatTargetTemperature":` + low + `,"unit":"C"}}`}
	}
	tests := []struct {
		job   string
		wish  map[string]string
		wants []string
	}{
		{"AUTO", map[string]string{"climate_temperature_low": "21"}, pair("21", "24")},
		{"AUTO", map[string]string{"climate_temperature_low": "25", "climate_temperature_high": "27"}, pair("25", "27")},
		{"AUTO", map[string]string{"climate_temperature_low": "16", "climate_temperature_high": "18"}, pair("16", "18")},
		{"AUTO", map[string]string{"climate_temperature_low": "24"}, pair("24", "24")},
		{"AUTO", map[string]string{"climate_temperature_low": "25"}, []string{
			"the lower temperature, 25, is above the higher one, 24: set both, or the other one first"}},
		{"AUTO", map[string]string{"climate_temperature_high": "19", "climate_temperature_low": "21"}, []string{
			"the lower temperature, 21, is above the higher one, 19: set both, or the other one first"}},
		{"AUTO", map[string]string{"climate_temperature_low": "29"}, []string{"29 is not within 16 and 28"}},
		{"AUTO", map[string]string{"climate_temperature": "22"}, []string{"no single temperature can be set in the mode auto"}},
		{"COOL", map[string]string{"climate_temperature": "19"}, pair("19", "19")},
		{"HEAT", map[string]string{"climate_temperature": "26"}, pair("26", "26")},
		{"HEAT", map[string]string{"climate_temperature": "17"}, pair("17", "24")},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.wants, twoPointed(t, test.job).sent(t, test.wish)); diff != "" {
			t.Errorf("%s %v sends (-want +got):\n%s", test.job, test.wish, diff)
		}
	}
}

// TestOneSetpointAtTheMoment: without the flag there is no range, and the topics
// of it are gone from the announcement.
func TestOneSetpointAtTheMoment(t *testing.T) {
	s := twoPointed(t, "AUTO")
	has := func() map[string]bool {
		c := s.announced(t)[climateKey]
		return map[string]bool{
			"range": c["temperature_low_command_topic"] != nil && c["temperature_high_state_topic"] != nil,
			"none":  c["temperature_low_command_topic"] == nil && c["temperature_low_state_topic"] == nil && c["temperature_high_state_template"] == nil,
			"mode":  slices.Contains(c["modes"].([]any), any("heat_cool")),
		}
	}
	if got := has(); !maps.Equal(got, map[string]bool{"range": true, "none": false, "mode": true}) {
		t.Errorf("with the flag %v", got)
	}
	s.report(t, object{"twoSetTemperature": object{"twoSetEnabled": false}})
	if got := has(); !maps.Equal(got, map[string]bool{"range": false, "none": true, "mode": false}) {
		t.Errorf("without it %v", got)
	}
	if got := s.sent(t, map[string]string{"climate_temperature_low": "21"}); got[0] != "the appliance has one set-point at the moment" {
		t.Errorf("sends %s", got)
	}
}

// TestNoPairInThisMode: what no mode takes is not sent, even where it is so
// already: nobody would see it.
func TestNoPairInThisMode(t *testing.T) {
	for job, want := range map[string]string{"FAN": "no temperature can be set in the mode fan", "AIR_DRY": "no temperature can be set in the mode air_dry"} {
		s := twoPointed(t, job)
		for _, attr := range []string{"climate_temperature_low", "climate_temperature_high"} {
			if got := s.sent(t, map[string]string{attr: "21"}); got[0] != want {
				t.Errorf("%s in %s: %s, want %s", attr, job, got, want)
			}
		}
		if got := s.sent(t, map[string]string{"climate_mode": "heat_cool", "climate_temperature_low": "19", "climate_temperature_high": "25"}); len(got) < 2 {
			t.Errorf("with a mode that takes them: %s", got)
		}
	}
}
