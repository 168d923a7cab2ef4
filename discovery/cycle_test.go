package discovery

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A scene is one message of a machine, and what must follow from it.
type scene struct {
	after   time.Duration // since noon
	word    string        // the run state, or a notification; empty: not reported
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
		{"weighing, a push too early, a pause, a push in time, one too late", "INITIAL", []scene{
			{0, "DETECTING", 1, "started", "12:01:00", "1"}, // left from the last wash
			{3 * time.Minute, "WASHING_IS_COMPLETE", -1, "", "12:01:00", "1"},
			{4 * time.Minute, "RUNNING", 50, "", "12:54:00", "50"},
			{5 * time.Minute, "WASHING_IS_COMPLETE", -1, "", "12:54:00", "50"},
			{10 * time.Minute, "PAUSE", 44, "paused", "", "44"},
			{15 * time.Minute, "SPINNING", 44, "resumed", "12:59:00", "44"},
			{58 * time.Minute, "", 1, "", "12:59:00", "1"},
			{59 * time.Minute, "WASHING_IS_COMPLETE", -1, "finished", "12:59:00", "1"},
			{60 * time.Minute, "WASHING_IS_COMPLETE", -1, "", "12:59:00", "1"},
			{61 * time.Minute, "END", 0, "", "", "null"},
			{62 * time.Minute, "WASHING_IS_COMPLETE", -1, "", "", "null"},
			{63 * time.Minute, "POWER_OFF", 0, "", "", "null"},
		}},
		{"the next one after a push that no end followed", "RUNNING", []scene{
			{0, "", 20, "", "12:20:00", "20"},
			{19 * time.Minute, "", 1, "", "12:20:00", "1"},
			{20 * time.Minute, "WASHING_IS_COMPLETE", -1, "finished", "12:20:00", "1"},
			{21 * time.Minute, "", 5, "", "12:26:00", "5"}, // it spins once more
			{26 * time.Minute, "DETECTING", 5, "started", "12:31:00", "5"},
			{28 * time.Minute, "RUNNING", 40, "", "13:08:00", "40"},
			{68 * time.Minute, "END", 0, "finished", "", "null"},
		}},
		{"switched off with a minute to go", "RUNNING", []scene{
			{0, "", 5, "", "12:05:00", "5"},
			{4 * time.Minute, "", 1, "", "12:05:00", "1"},
			{5 * time.Minute, "POWER_OFF", 0, "finished", "", "null"},
		}},
		{"switched off when its time was up, without a word before", "RUNNING", []scene{
			{0, "", 45, "", "12:45:00", "45"},
			{44 * time.Minute, "POWER_OFF", 0, "finished", "", "null"},
		}},
		{"switched off in the middle", "RUNNING", []scene{
			{0, "", 45, "", "12:45:00", "45"},
			{time.Minute, "POWER_OFF", 0, "aborted", "", "null"},
			{2 * time.Minute, "INITIAL", 0, "", "", "null"},
		}},
		{"switched off while it weighs", "INITIAL", []scene{
			{0, "DETECTING", 1, "started", "12:01:00", "1"},
			{3 * time.Minute, "POWER_OFF", 0, "aborted", "", "null"},
		}},
		{"off the network with a minute to go", "RUNNING", []scene{
			{0, "", 5, "", "12:05:00", "5"},
			{4 * time.Minute, "", 1, "", "12:05:00", "1"},
			{7 * time.Minute, "lost", -1, "finished", "12:05:00", "1"},
			{9 * time.Hour, "INITIAL", 0, "", "", "null"},
		}},
		{"off the network in the middle", "RUNNING", []scene{
			{0, "", 45, "", "12:45:00", "45"},
			{time.Minute, "lost", -1, "", "12:45:00", "45"},
			{10 * time.Minute, "", 35, "", "12:45:00", "35"},
			{45 * time.Minute, "END", 0, "finished", "", "null"},
		}},
		{"an error and its end", "RUNNING", []scene{
			{0, "", 45, "", "12:45:00", "45"},
			{time.Minute, "ERROR", -1, "error", "", "null"},
			{2 * time.Minute, "RUNNING", 44, "resumed", "12:46:00", "44"},
		}},
		{"an error, and given up", "RUNNING", []scene{
			{0, "", 45, "", "12:45:00", "45"},
			{time.Minute, "ERROR", -1, "error", "", "null"},
			{2 * time.Minute, "POWER_OFF", 0, "aborted", "", "null"},
		}},
		{"wrinkle care is after the end", "RUNNING", []scene{
			{0, "", 1, "", "12:01:00", "1"},
			{time.Minute, "WRINKLE_CARE", 0, "finished", "", "null"},
			{time.Hour, "END", 0, "", "", "null"},
		}},
		{"cooling before the end and after it", "RUNNING", []scene{
			{0, "COOLING", 5, "", "12:05:00", "5"},
			{5 * time.Minute, "END", 0, "finished", "", "null"},
			{6 * time.Minute, "COOLING", 0, "", "", "null"},
			{16 * time.Minute, "INITIAL", 0, "", "", "null"},
		}},
		{"weighed, then reserved", "INITIAL", []scene{
			{0, "DETECTING", 40, "started", "12:40:00", "40"},
			{time.Minute, "RESERVED", 40, "", "", "40"},
			{time.Hour, "RUNNING", 40, "", "13:40:00", "40"},
			{100 * time.Minute, "END", 0, "finished", "", "null"},
		}},
		{"reserved, and given up", "INITIAL", []scene{
			{0, "RESERVED", 40, "", "", "40"},
			{time.Minute, "INITIAL", 40, "", "", "null"},
		}},
		{"a report that comes after the end", "RUNNING", []scene{
			{0, "", 6, "", "12:06:00", "6"},
			{5 * time.Minute, "SPINNING", 2, "", "12:06:00", "2"},
			{7 * time.Minute, "END", 0, "finished", "", "null"},
			{7*time.Minute + time.Second, "SPINNING", 1, "", "", "null"},
			{7*time.Minute + 2*time.Second, "END", 0, "", "", "null"},
			{8 * time.Minute, "RUNNING", 60, "started", "13:08:00", "60"},
		}},
		{"at once the next", "RUNNING", []scene{
			{0, "", 6, "", "12:06:00", "6"},
			{time.Minute, "END", 0, "finished", "", "null"},
			{time.Minute, "RUNNING", 60, "started", "13:01:00", "60"},
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
	s := sampleNamed(t, "washtower_bottom")
	place := "MAIN"
	now := maps.Clone(s.state)
	maps.DeleteFunc(now, func(p thinq.Path, _ any) bool { return p.Resource == derived || p.Resource == "timer" })
	word := thinq.Path{Resource: "runState", Name: "currentState", Location: place}
	var d *Device
	tell := func(changed thinq.State, at time.Time) []Event {
		d = Describe(s.device, s.profile, now, testOptions)[0] // as after a restart
		derived, events := d.Advance(now, changed, at)
		now.Merge(derived)
		return slices.DeleteFunc(events, func(e Event) bool { return e.Key == "notification" })
	}
	report := func(r thinq.State, at time.Time) []Event { return tell(now.Merge(r), at) }
	if events := report(thinq.State{word: before}, noon); len(events) != 0 {
		t.Fatalf("events %v at the first look", events)
	}
	for i, sc := range scenes {
		said := thinq.State{}
		if sc.left >= 0 {
			said[thinq.Path{Resource: "timer", Name: "remainHour", Location: place}] = float64(int(sc.left) / 60)
			said[thinq.Path{Resource: "timer", Name: "remainMinute", Location: place}] = float64(int(sc.left) % 60)
		}
		at := noon.Add(sc.after)
		var events []Event
		switch {
		case sc.word == "lost":
			events = tell(Lost(), at)
		case completes(sc.word):
			events = tell(Notice(sc.word), at)
		case sc.word != "":
			said[word] = sc.word
			fallthrough
		default:
			events = report(said, at)
		}
		var want []Event
		if sc.event != "" {
			want = []Event{{Key: "cycle", Type: sc.event}}
		}
		if diff := cmp.Diff(want, events); diff != "" && len(want)+len(events) > 0 {
			t.Errorf("scene %d: events (-want +got):\n%s", i, diff)
		}
		if again := report(said, at); len(again) != 0 {
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

// courses are the words of appliances without a washer's times, and the events
// that they make.
func TestCourse(t *testing.T) {
	tests := []struct {
		sample, event string
		words         []string
		want          []string
		running       string // at the end
		phase         string
		finished      string // how many
	}{
		{"robot_cleaner_zigzag", "cycle", []string{"CHARGING", "WORKING", "PAUSE", "WORKING", "HOMING", "CHARGING", "CLEANING_IS_COMPLETED"},
			[]string{"started", "paused", "resumed", "finished"}, "false", "docked", "1"},
		{"robot_cleaner_zigzag", "cycle", []string{"CHARGING", "WORKING", "HOMING", "CLEANING_IS_COMPLETED", "CHARGING", "CLEANING_IS_COMPLETED"},
			[]string{"started", "finished"}, "false", "docked", "1"},
		{"robot_cleaner_zigzag", "cycle", []string{"CHARGING", "WORKING", "PAUSE", "STANDBY"},
			[]string{"started", "paused", "aborted"}, "false", "idle", "0"},
		{"robot_cleaner_zigzag", "cycle", []string{"CHARGING", "WORKING", "HOMING", "WORKING"},
			[]string{"started", "resumed"}, "true", "running", "0"},
		{"oven_double", "upper_cycle", []string{"INITIAL", "PREHEATING", "PREHEATING_IS_DONE", "PREHEATING_IS_COMPLETE", "COOKING_IN_PROGRESS", "DONE", "COOKING_IS_COMPLETE", "COOLING", "INITIAL"},
			[]string{"started", "finished"}, "false", "idle", "1"},
		{"oven_double", "upper_cycle", []string{"INITIAL", "PREHEATING", "PREHEATING_IS_DONE"},
			[]string{"started"}, "false", "ready", "0"},
		{"microwave_over_hob", "cycle", []string{"INITIAL", "COOK", "COOK_COMPLETE", "COOK", "COOK_COMPLETE"},
			[]string{"started", "finished", "started", "finished"}, "false", "finished", "2"},
		{"styler_wardrobe", "cycle", []string{"INITIAL", "PRESTEAM", "STEAM", "DRYING", "END_COOLING", "COMPLETE", "POWER_OFF"},
			[]string{"started", "finished"}, "false", "idle", "1"},
		{"new_shoe_care", "cycle", []string{"INITIAL", "STEAM", "ERROR", "STEAM", "COMPLETE"},
			[]string{"started", "error", "resumed", "finished"}, "false", "finished", "1"},
	}
	for _, test := range tests {
		s := sampleNamed(t, test.sample)
		d := s.describe(testOptions)[0]
		place := strings.TrimSuffix(test.event, "cycle")
		now := maps.Clone(s.state)
		maps.DeleteFunc(now, func(p thinq.Path, _ any) bool { return p.Resource == derived || p.Resource == "timer" })
		word := thinq.Path{Resource: "runState", Name: "currentState", Location: strings.ToUpper(strings.TrimSuffix(place, "_"))}
		var got []string
		for i, name := range test.words {
			changed := Notice(name)
			if _, isWord := phases[name]; isWord {
				changed = now.Merge(thinq.State{word: name})
			}
			derived, events := d.Advance(now, changed, noon.Add(time.Duration(i)*time.Minute))
			now.Merge(derived)
			for _, e := range events {
				if e.Key == test.event {
					got = append(got, e.Type)
				}
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s %v (-want +got):\n%s", test.sample, test.words, diff)
		}
		have := []string{documented(t, d, now, place+"running"), documented(t, d, now, place+"phase"), documented(t, d, now, place+"cycles")}
		if diff := cmp.Diff([]string{test.running, test.phase, test.finished}, have); diff != "" {
			t.Errorf("%s %v, at the end (-want +got):\n%s", test.sample, test.words, diff)
		}
	}
}

// TestNoProgramme: a type nobody knows has programmes only if its words say so.
func TestNoProgramme(t *testing.T) {
	for name, want := range map[string]bool{"new_shoe_care": true, "new_pet_feeder": false} {
		d := sampleNamed(t, name).describe(testOptions)[0]
		has := slices.ContainsFunc(d.Entities, func(e Entity) bool { return e.Key == "cycle" })
		if has != want {
			t.Errorf("%s has a cycle: %v", name, has)
		}
	}
}

// TestLearntLate: a programme that ended while nobody listened ended when it was
// expected to.
func TestLearntLate(t *testing.T) {
	s := sampleNamed(t, "washer_twin")
	d := s.describe(testOptions)[0]
	now := at(t, s.state, map[string]any{"runState.currentState@MAIN": "END"})
	derived, _ := d.Advance(now, now, noon.Add(8*time.Hour))
	now.Merge(derived)
	finish := documented(t, d, s.state, "finish_time")
	if got := documented(t, d, now, "last_finished"); got != finish || got == "<nil>" {
		t.Errorf("last finished %s, want %s", got, finish)
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

// TestPreheated: an oven that is hot waits for the food, until it cooks.
func TestPreheated(t *testing.T) {
	s := sampleNamed(t, "oven_double")
	d := s.describe(testOptions)[0]
	for word, want := range map[string]string{"PREHEATING": "false", "PREHEATING_IS_DONE": "true", "COOKING_IN_PROGRESS": "false"} {
		now := at(t, s.state, map[string]any{"runState.currentState@UPPER": word})
		if got := documented(t, d, now, "upper_preheated"); got != want {
			t.Errorf("%s: preheated %s", word, got)
		}
	}
}
