package discovery

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A scene is one report of a machine, and what must follow from it.
type scene struct {
	after   time.Duration // since noon
	word    string        // the run state; empty: not reported
	left    float64       // minutes; negative: not reported
	event   string        // of the cycle
	finish  string        // clock time of the shown end; empty: none
	minutes string        // remaining_minutes of the document
}

func TestCycle(t *testing.T) {
	tests := []struct {
		name   string
		before string
		scenes []scene
	}{
		{"a wash from start to end", "INITIAL", []scene{
			{0, "RUNNING", 60, "started", "13:00:00", "60"},
			{30 * time.Second, "", 60, "", "13:00:00", "60"},
			{2 * time.Minute, "RINSING", 58, "", "13:00:00", "58"},
			{3 * time.Minute, "", 63, "", "13:06:00", "63"},
			{4 * time.Minute, "PAUSE", 62, "paused", "", "62"},
			{20 * time.Minute, "RINSING", 62, "resumed", "13:22:00", "62"},
			{80 * time.Minute, "SPINNING", 1, "", "13:22:00", "1"},
			{81 * time.Minute, "END", 0, "finished", "", "null"},
			{82 * time.Minute, "POWER_OFF", -1, "", "", "null"},
		}},
		{"switched off with a minute to go", "RUNNING", []scene{
			{0, "", 5, "", "12:05:00", "5"},
			{4 * time.Minute, "", 1, "", "12:05:00", "1"},
			{5 * time.Minute, "POWER_OFF", 0, "finished", "", "null"},
		}},
		{"switched off in the middle", "RUNNING", []scene{
			{0, "", 45, "", "12:45:00", "45"},
			{time.Minute, "POWER_OFF", 0, "aborted", "", "null"},
			{2 * time.Minute, "INITIAL", 0, "", "", "null"},
		}},
		{"an error and its end", "RUNNING", []scene{
			{0, "", 45, "", "12:45:00", "45"},
			{time.Minute, "ERROR", -1, "error", "", "null"},
			{2 * time.Minute, "RUNNING", 44, "resumed", "12:46:00", "44"},
		}},
		{"wrinkle care is after the end", "RUNNING", []scene{
			{0, "", 1, "", "12:01:00", "1"},
			{time.Minute, "WRINKLE_CARE", 0, "finished", "", "null"},
			{time.Hour, "END", 0, "", "", "null"},
		}},
		{"a word nobody knows changes nothing", "RUNNING", []scene{
			{0, "", 30, "", "12:30:00", "30"},
			{10 * time.Minute, "BUBBLING", 20, "", "12:30:00", "20"},
			{20 * time.Minute, "END", 0, "finished", "", "null"},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { play(t, test.before, test.scenes) })
	}
}

func play(t *testing.T, before string, scenes []scene) {
	s := sampleNamed(t, "dryer_heat_pump")
	d := s.describe(testOptions)[0]
	word := thinq.Path{Resource: "runState", Name: "currentState"}
	now := maps.Clone(s.state)
	maps.DeleteFunc(now, func(p thinq.Path, _ any) bool { return p.Resource == derived || p.Resource == "timer" })
	advance := func(report thinq.State, at time.Time) []Event {
		changed := now.Merge(report)
		derived, events := d.Advance(now, changed, at)
		now.Merge(derived)
		return events
	}
	if events := advance(thinq.State{word: before}, noon); len(events) != 0 {
		t.Fatalf("events %v at the first look", events)
	}
	for i, sc := range scenes {
		report := thinq.State{}
		if sc.word != "" {
			report[word] = sc.word
		}
		if sc.left >= 0 {
			report[thinq.Path{Resource: "timer", Name: "remainHour"}] = float64(int(sc.left) / 60)
			report[thinq.Path{Resource: "timer", Name: "remainMinute"}] = float64(int(sc.left) % 60)
		}
		at := noon.Add(sc.after)
		var want []Event
		if sc.event != "" {
			want = []Event{{Key: "cycle", Type: sc.event}}
		}
		if diff := cmp.Diff(want, advance(report, at)); diff != "" {
			t.Errorf("scene %d: events (-want +got):\n%s", i, diff)
		}
		if again := advance(report, at); len(again) != 0 {
			t.Errorf("scene %d: the same report again makes %v", i, again)
		}
		finish := "<nil>"
		if sc.finish != "" {
			finish = "2026-09-30T" + sc.finish + "Z"
		}
		if got := documented(t, d, now, "finish_time"); got != finish {
			t.Errorf("scene %d: finish_time %s, want %s", i, got, finish)
		}
		if got := documented(t, d, now, "remaining_minutes"); got != sc.minutes && (got != "<nil>" || sc.minutes != "null") {
			t.Errorf("scene %d: remaining_minutes %s, want %s", i, got, sc.minutes)
		}
	}
}

// TestReserved: the end of a reserved programme is its delayed end.
func TestReserved(t *testing.T) {
	s := sampleNamed(t, "dryer_heat_pump")
	d := s.describe(testOptions)[0]
	now := at(t, s.state, map[string]any{
		"runState.currentState": "RESERVED", "timer.remainHour": 2.0, "timer.remainMinute": 10.0,
		"timer.relativeHourToStop": 5.0, "timer.relativeMinuteToStop": 0.0,
	})
	derived, _ := d.Advance(now, now, noon)
	now.Merge(derived)
	if got := documented(t, d, now, "finish_time"); got != "2026-09-30T17:00:00Z" {
		t.Errorf("finish_time %s", got)
	}
}

// TestOrders: a button is there for use only when the appliance would obey.
func TestOrders(t *testing.T) {
	s := sampleNamed(t, "dryer_heat_pump")
	d := s.describe(willing())[0]
	tests := []struct {
		word        string
		remote      bool
		start, stop string
		power       string
	}{
		{"INITIAL", true, "true", "false", "power_on"},
		{"INITIAL", false, "false", "false", "power_on"},
		{"RUNNING", true, "false", "true", "power_on"},
		{"PAUSE", true, "true", "false", "power_on"},
		{"POWER_OFF", true, "false", "false", "power_off"},
	}
	for _, test := range tests {
		now := at(t, s.state, map[string]any{"runState.currentState": test.word, "remoteControlEnable.remoteControlEnabled": test.remote})
		got := []string{documented(t, d, now, "start_available"), documented(t, d, now, "stop_available"), documented(t, d, now, "power")}
		if diff := cmp.Diff([]string{test.start, test.stop, test.power}, got); diff != "" {
			t.Errorf("%s, remote %v (-want +got):\n%s", test.word, test.remote, diff)
		}
	}
}
