package discovery

import (
	"slices"
	"testing"
	"time"
)

// laundryOf is a washer with a remote flag or without.
func laundryOf(t *testing.T, flag bool) invented {
	t.Helper()
	properties := object{
		"runState":  object{"currentState": oneWord("r", "POWER_OFF", "INITIAL", "RUNNING", "PAUSE", "END")},
		"operation": object{"washerOperationMode": oneWord("w", "START", "STOP", "POWER_OFF")},
		"timer": object{
			"remainHour": numeral("r"), "remainMinute": numeral("r"), "totalHour": numeral("r"), "totalMinute": numeral("r"),
			"relativeHourToStop": ranging("rw", 3, 19, 1), "relativeMinuteToStop": numeral("r"),
		},
	}
	status := object{
		"runState": object{"currentState": "RUNNING"},
		"timer":    object{"remainHour": 0, "remainMinute": 45, "totalHour": 1, "totalMinute": 20, "relativeHourToStop": 0, "relativeMinuteToStop": 0},
	}
	if flag {
		properties["remoteControlEnable"] = object{"remoteControlEnabled": yesNo("r")}
		status["remoteControlEnable"] = object{"remoteControlEnabled": false}
	}
	return made(t, "WASHER", properties, status)
}

func state(word string) object { return object{"runState": object{"currentState": word}} }

// TestRemoteGate: where an appliance has a run state and a remote flag, its list
// of orders and its switch wait for the flag; without the flag they do not. What
// is a number never waits.
func TestRemoteGate(t *testing.T) {
	for _, test := range []struct {
		flag, armed  bool
		word         string
		list, number bool
	}{
		{true, false, "RUNNING", false, true},
		{true, true, "RUNNING", true, true},
		{true, true, "POWER_OFF", false, true},
		{false, false, "RUNNING", true, true},
	} {
		s := laundryOf(t, test.flag)
		s.report(t, state(test.word))
		if test.flag {
			s.report(t, object{"remoteControlEnable": object{"remoteControlEnabled": test.armed}})
		}
		document, all := s.document(t), s.announced(t)
		for key, want := range map[string]bool{"washer_operation_mode": test.list, "relative_hour_to_stop": test.number} {
			if got := isUsable(all[key], document); got != want {
				t.Errorf("%+v: %s usable: %v", test, key, got)
			}
		}
	}
}

// isUsable reports whether all that a component waits for in the document is so.
func isUsable(c component, document object) bool {
	topics, _ := c["availability"].([]any)
	for _, one := range topics {
		topic, _ := one.(object)
		text, _ := topic["value_template"].(string)
		if found := plainTemplate.FindStringSubmatch(text); found != nil && topic["payload_available"] == "True" && document[found[1]] != true {
			return false
		}
	}
	return c != nil
}

// TestTimesWhileOff: what remains and the total are unknown while nothing runs,
// whatever LG has left there.
func TestTimesWhileOff(t *testing.T) {
	for word, want := range map[string][2]any{
		"RUNNING": {45.0, 80.0}, "PAUSE": {45.0, 80.0}, "POWER_OFF": {nil, nil}, "END": {nil, nil},
	} {
		s := laundryOf(t, false)
		s.report(t, state(word))
		document := s.document(t)
		if got := [2]any{document["remaining_minutes"], document["total"]}; got != want {
			t.Errorf("%s: remaining and total are %v, want %v", word, got, want)
		}
		if (document["finish_time"] != nil) != (word == "RUNNING") {
			t.Errorf("%s: finish_time is %v", word, document["finish_time"])
		}
	}
}

// TestFinishTimeStands: the shown end moves only when it is off by more than a
// minute.
func TestFinishTimeStands(t *testing.T) {
	s := meet(t, "WASHER", `{"property":{"runState":{"currentState":{"type":"enum","mode":["r"],"value":{"r":["RUNNING","END"]}}},
		"timer":{"remainHour":{"type":"number","mode":["r"]},"remainMinute":{"type":"number","mode":["r"]}}}}`, `{}`)
	s.reports(`{"runState":{"currentState":"RUNNING"},"timer":{"remainHour":1,"remainMinute":0}}`)
	first := s.shows("finish_time")
	for _, step := range []struct {
		later   time.Duration
		report  string
		removed time.Duration
	}{
		{30 * time.Second, `{"timer":{"remainHour":0,"remainMinute":59}}`, 0},
		{2 * time.Minute, `{"timer":{"remainMinute":59}}`, 0}, // twice is no news
		{3 * time.Minute, `{"timer":{"remainMinute":58}}`, 0},
		{4 * time.Minute, `{"timer":{"remainMinute":60}}`, 4 * time.Minute},
	} {
		s.at = noon.Add(step.later)
		s.reports(step.report)
		want := stamp(noon.Add(time.Hour + step.removed))
		if got := s.shows("finish_time"); got != want {
			t.Errorf("after %v the end is %v, want %s (first %v)", step.later, got, want, first)
		}
	}
}

// TestHeatCoolIsAuto: Home Assistant's word for both is LG's AUTO, whichever of
// them is listed.
func TestHeatCoolIsAuto(t *testing.T) {
	want := []string{`{"airConJobMode":{"currentJobMode":"AUTO"}}`}
	for _, word := range []string{"auto", "heat_cool"} {
		if got := cooler(t, nil, nil).sent(t, map[string]string{"climate_mode": word}); !slices.Equal(got, want) {
			t.Errorf("%s sends %s", word, got)
		}
	}
}

// TestNotificationEvents: each code makes an event, whether the profile lists it
// or not, and of a tower in the half that lists it.
func TestNotificationEvents(t *testing.T) {
	for code, want := range map[string][2]int{
		"WASHING_IS_COMPLETE": {1, 0}, "DRYING_IS_COMPLETE": {0, 1}, "NEVER_HEARD_OF": {1, 1},
	} {
		s := sampleNamed(t, "washtower_one_piece")
		for i, d := range s.describe(testOptions) {
			_, events := d.Advance(s.state, Notice(code), noon)
			count := 0
			for _, e := range events {
				if e.Key == "notification" && e.Code == code {
					count++
				}
			}
			if count != want[i] {
				t.Errorf("%s: %d events of half %d, want %d", code, count, i, want[i])
			}
		}
	}
}

// TestDurations: total, relative and sleep timers are durations in minutes, and
// unknown where LG says zero of what can only be read.
func TestDurations(t *testing.T) {
	s := made(t, "NEW", object{
		"timer":      object{"totalHour": numeral("r"), "totalMinute": numeral("r"), "relativeHourToStart": numeral("r"), "relativeMinuteToStart": numeral("r")},
		"sleepTimer": object{"relativeHourToStop": numeral("r"), "relativeMinuteToStop": numeral("r")},
	}, object{
		"timer":      object{"totalHour": 26, "totalMinute": 5, "relativeHourToStart": 0, "relativeMinuteToStart": 0},
		"sleepTimer": object{"relativeHourToStop": 1, "relativeMinuteToStop": 30},
	})
	document, all := s.document(t), s.announced(t)
	for key, want := range map[string]any{"total": 1565.0, "relative_to_start": nil, "sleep_timer_relative_to_stop": 90.0} {
		c := all[key]
		if c["device_class"] != "duration" || c["unit_of_measurement"] != "min" || document[key] != want {
			t.Errorf("%s is %v of %v", key, document[key], c)
		}
	}
}

// TestSterilizing: one word of three says that it goes on; a fourth says nothing.
func TestSterilizing(t *testing.T) {
	s := made(t, "WATER_PURIFIER", object{"runState": object{"sterilizingState": oneWord("r", "ON", "OFF", "CANCEL")}}, object{})
	for _, test := range []struct{ word, want any }{{nil, nil}, {"ON", true}, {"OFF", false}, {"CANCEL", false}, {"SOON", nil}} {
		s.report(t, object{"runState": object{"sterilizingState": test.word}})
		if got := s.document(t)["sterilizing"]; got != test.want {
			t.Errorf("%v: sterilizing is %v", test.word, got)
		}
	}
}
