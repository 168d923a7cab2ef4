package discovery

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// timed is an appliance with every kind of timer, described with its state.
func timed(t *testing.T, now thinq.State) *Device {
	t.Helper()
	p, err := thinq.ParseProfile([]byte(`{"property":{
		"timer":{
			"relativeHourToStop":{"type":"number","mode":["r","w"]},"relativeMinuteToStop":{"type":"number","mode":["r","w"]},
			"relativeHourToStart":{"type":"range","mode":["r","w"],"value":{"r":{"min":0,"max":30,"step":1},"w":{"min":1,"max":30,"step":1}}},
			"absoluteHourToStart":{"type":"number","mode":["r","w"]},"absoluteMinuteToStart":{"type":"number","mode":["r","w"]},
			"absoluteHourToStop":{"type":"range","mode":["r","w"],"value":{"r":{"min":0,"max":23,"step":1},"w":{"min":0,"max":23,"step":1}}},
			"absoluteMinuteToStop":{"type":"range","mode":["r","w"],"value":{"r":{"min":0,"max":59,"step":1},"w":{"min":0,"max":59,"step":1}}},
			"absoluteStopTimer":{"type":"enum","mode":["r","w"],"value":{"r":["SET","UNSET"],"w":["UNSET"]}},
			"remainMinute":{"type":"number","mode":["r"]},"remainSecond":{"type":"number","mode":["r"]},
			"runningHour":{"type":"number","mode":["r"]},"runningMinute":{"type":"number","mode":["r"]}},
		"light":{"startHour":{"type":"number","mode":["r"]},"startMinute":{"type":"number","mode":["r"]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	return Describe(thinq.Device{ID: "x", Type: "DEVICE_NEW"}, p, now, testOptions)[0]
}

// TestMoments plays what LG says of timers, one after another, in a household
// nine hours east of Greenwich.
func TestMoments(t *testing.T) {
	seoul := time.FixedZone("KST", 9*3600)
	noon := time.Date(2026, 9, 30, 12, 0, 0, 0, seoul)
	const none = "<nil>"
	tests := []struct {
		name, attr string
		steps      []momentStep
	}{
		{"a delay", "relative_to_stop_at", []momentStep{
			{0, map[string]any{"timer.relativeHourToStop": 3.0, "timer.relativeMinuteToStop": 0.0}, "2026-09-30T06:00:00Z"},
			{30 * time.Second, map[string]any{"timer.relativeHourToStop": 2.0, "timer.relativeMinuteToStop": 59.0}, "2026-09-30T06:00:00Z"},
			{time.Hour, map[string]any{"timer.remainMinute": 5.0}, "2026-09-30T06:00:00Z"}, // nothing new of it
			{time.Hour, map[string]any{"timer.relativeHourToStop": 1.0, "timer.relativeMinuteToStop": 0.0}, "2026-09-30T05:00:00Z"},
			{2 * time.Hour, map[string]any{"timer.relativeHourToStop": 0.0, "timer.relativeMinuteToStop": 0.0}, none},
			{2 * time.Hour, map[string]any{"timer.relativeHourToStop": 40.0, "timer.relativeMinuteToStop": 30.0}, "2026-10-01T21:30:00Z"},
			{3 * time.Hour, map[string]any{"timer.relativeHourToStop": nil, "timer.relativeMinuteToStop": nil}, none},
		}},
		{"a delay in hours", "relative_to_start_at", []momentStep{
			{0, map[string]any{"timer.relativeHourToStart": 26.0}, "2026-10-01T05:00:00Z"},
			{time.Hour, map[string]any{"timer.relativeHourToStart": 0.0}, none},
		}},
		{"a delay in hours, in minutes", "relative_to_start", []momentStep{
			{0, map[string]any{"timer.relativeHourToStart": 26.0}, "1560"},
			{time.Hour, map[string]any{"timer.relativeHourToStart": 0.0}, none},
		}},
		{"a delay that can be set, as what is left", "relative_to_stop_remaining", []momentStep{
			{0, map[string]any{"timer.relativeHourToStop": 3.0, "timer.relativeMinuteToStop": 15.0}, "195"},
			{0, map[string]any{"timer.relativeHourToStop": 0.0, "timer.relativeMinuteToStop": 0.0}, none},
		}},
		{"a clock", "absolute_to_start_at", []momentStep{
			{0, map[string]any{"timer.absoluteHourToStart": 7.0, "timer.absoluteMinuteToStart": 30.0}, "2026-09-30T22:30:00Z"}, // tomorrow there
			{time.Hour, map[string]any{"timer.absoluteHourToStart": 13.0, "timer.absoluteMinuteToStart": 1.0}, "2026-09-30T04:01:00Z"},
			{2 * time.Hour, nil, "2026-10-01T04:01:00Z"}, // nobody says anything
			{2 * time.Hour, map[string]any{"timer.absoluteHourToStart": -1.0, "timer.absoluteMinuteToStart": -1.0}, none},
			{2 * time.Hour, map[string]any{"timer.absoluteHourToStart": 24.0, "timer.absoluteMinuteToStart": 0.0}, none},
			{2 * time.Hour, map[string]any{"timer.absoluteHourToStart": 0.0, "timer.absoluteMinuteToStart": 0.0}, none},
		}},
		{"a clock with a word", "absolute_to_stop_at", []momentStep{
			{0, map[string]any{"timer.absoluteHourToStop": 0.0, "timer.absoluteMinuteToStop": 0.0, "timer.absoluteStopTimer": "UNSET"}, none},
			{0, map[string]any{"timer.absoluteStopTimer": "SET"}, "2026-09-30T15:00:00Z"},
			{0, map[string]any{"timer.absoluteHourToStop": 23.0, "timer.absoluteStopTimer": "UNSET"}, none},
		}},
		{"what is left", "remain_at", []momentStep{
			{0, map[string]any{"timer.remainMinute": 90.0, "timer.remainSecond": 20.0}, "2026-09-30T04:30:20Z"},
			{time.Minute, map[string]any{"timer.remainMinute": 89.0}, "2026-09-30T04:30:20Z"},
			{time.Minute, map[string]any{"timer.remainMinute": 0.0, "timer.remainSecond": 0.0}, none},
		}},
		{"since when", "timer_running_at", []momentStep{
			{0, map[string]any{"timer.runningHour": 1.0, "timer.runningMinute": 10.0}, "2026-09-30T01:50:00Z"},
			{5 * time.Minute, map[string]any{"timer.runningMinute": 15.0}, "2026-09-30T01:50:00Z"},
			{5 * time.Minute, map[string]any{"timer.runningHour": 0.0, "timer.runningMinute": 0.0}, none},
		}},
		{"every day at midnight", "light_start_at", []momentStep{
			{0, map[string]any{"light.startHour": 0.0, "light.startMinute": 0.0}, "2026-09-30T15:00:00Z"},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			now := thinq.State{}
			d := timed(t, now)
			for i, step := range test.steps {
				when := noon.Add(step.after)
				if step.report == nil {
					due := d.Due(now, when)
					if due.IsZero() || due.After(when) {
						t.Errorf("step %d is due at %v", i, due)
					}
					now.Merge(d.Tick(now, when))
				} else {
					said := at(t, thinq.State{}, step.report)
					maps.DeleteFunc(said, func(p thinq.Path, v any) bool { return now[p] == v })
					now.Merge(said)
					derived, _ := d.Advance(now, said, when)
					now.Merge(derived)
				}
				if got := documented(t, d, now, test.attr); got != step.want {
					t.Errorf("step %d: %s, want %s", i, got, step.want)
				}
			}
		})
	}
}

type momentStep struct {
	after  time.Duration // since noon
	report map[string]any
	want   string
}

// TestF091ClockChange: clocks are put forward and back.
func TestF091ClockChange(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	eve := time.Date(2026, 3, 28, 12, 0, 0, 0, berlin)
	if got := stamp(nextTime(7*60, eve)); got != "2026-03-29T05:00:00Z" {
		t.Errorf("the morning after clocks go forward: %s", got)
	}
	eve = time.Date(2026, 10, 24, 12, 0, 0, 0, berlin)
	if got := stamp(nextTime(7*60, eve)); got != "2026-10-25T06:00:00Z" {
		t.Errorf("the morning after clocks go back: %s", got)
	}
	for _, begun := range []time.Time{time.Date(2026, 3, 29, 1, 30, 0, 0, berlin), time.Date(2026, 10, 25, 1, 30, 0, 0, berlin)} {
		washes(t, begun)
	}
}

// washes has an appliance count two hours down, and expects the same end all the
// while.
func washes(t *testing.T, begun time.Time) {
	t.Helper()
	now := thinq.State{}
	d := timed(t, now)
	want := stamp(begun.Add(2 * time.Hour))
	for left := 120.0; left > 0; left-- {
		said := at(t, thinq.State{}, map[string]any{"timer.remainMinute": left, "timer.remainSecond": 0.0})
		now.Merge(said)
		derived, _ := d.Advance(now, said, begun.Add(inMinutes(120-left)))
		now.Merge(derived)
		if end, minutes := documented(t, d, now, "remain_at"), documented(t, d, now, "remain"); end != want || minutes != fmt.Sprint(left) {
			t.Fatalf("%v left: the end is %s, want %s; %s minutes", left, end, want, minutes)
		}
	}
}

// TestClearClock: a time of day is cleared by LG's word, by no time, or not.
func TestClearClock(t *testing.T) {
	d := timed(t, nil)
	hour := thinq.Path{Resource: "timer", Name: "absoluteHourToStart"}
	minute := thinq.Path{Resource: "timer", Name: "absoluteMinuteToStart"}
	word := thinq.Path{Resource: "timer", Name: "absoluteStopTimer"}
	for attrs, want := range map[[2]string]thinq.State{
		{"absolute_to_start", ""}:             {hour: -1.0, minute: -1.0},
		{"absolute_to_start", "07:30"}:        {hour: 7.0, minute: 30.0},
		{"absolute_to_start_cancel", "PRESS"}: {hour: -1.0, minute: -1.0},
		{"absolute_to_stop", ""}:              {word: "UNSET"},
	} {
		calls, err := d.Wish(map[string]string{attrs[0]: attrs[1]}, nil)
		if err != nil {
			t.Errorf("%s: %v", attrs, err)
			continue
		}
		if diff := cmp.Diff([]thinq.State{want}, calls); diff != "" {
			t.Errorf("%s (-want +got):\n%s", attrs, diff)
		}
	}
}
