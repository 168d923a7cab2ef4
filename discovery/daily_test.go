package discovery

import (
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// TestPlantLight: a lamp that shines through the night goes on and off though
// nobody reports anything.
func TestPlantLight(t *testing.T) {
	s := sampleNamed(t, "plant_cultivator_two_shelves")
	d := s.describe(testOptions)[0]
	clock := func(hour, minute int) time.Time { return time.Date(2026, 9, 30, hour, minute, 0, 0, time.UTC) }
	tests := []struct {
		start, duration, level float64
		at                     time.Time
		want                   string
		due                    time.Time
	}{
		{6, 14, 80, clock(5, 59), "false", clock(6, 0)},
		{6, 14, 80, clock(6, 0), "true", clock(20, 0)},
		{6, 14, 80, clock(20, 0), "false", clock(30, 0)},
		{20, 10, 80, clock(3, 0), "true", clock(6, 0)},
		{20, 10, 80, clock(6, 0), "false", clock(20, 0)},
		{6, 24, 80, clock(3, 0), "true", clock(6, 0)},
		{6, 14, 0, clock(12, 0), "false", clock(20, 0)},
		{6, 0, 80, clock(12, 0), "false", clock(30, 0)},
		{-1, 14, 80, clock(12, 0), "<nil>", time.Time{}},
	}
	for _, test := range tests {
		report := at(t, thinq.State{}, map[string]any{
			"light.startHour@UPPER": test.start, "light.startMinute@UPPER": 0.0, "light.duration@UPPER": test.duration, "light.brightness@UPPER": test.level,
			"light.duration@LOWER": nil,
		})
		now := at(t, s.state, nil)
		now.Merge(report)
		now.Merge(d.Tick(now, test.at))
		if got := documented(t, d, now, "upper_light_on"); got != test.want {
			t.Errorf("%v: light %s", test, got)
		}
		var lamps description
		lamps.clockworks = d.clockworks
		if got := (&Device{description: &lamps}).Due(now, test.at); !test.due.IsZero() && got.After(test.due) {
			t.Errorf("%v: due %v", test, got)
		}
	}
}

// TestMaturing: the day on which the beer is ready stays, however often the
// appliance says the same.
func TestMaturing(t *testing.T) {
	s := sampleNamed(t, "home_brew_bar")
	d := s.describe(testOptions)[0]
	now := s.state
	tests := []struct {
		day             int
		report          map[string]any
		ready, progress string
	}{
		{0, map[string]any{"timer.elapsedDayState": 3.0, "timer.elapsedDayTotal": 16.0}, "2026-10-13", "19"},
		{1, map[string]any{"recipe.beerRemain": 99.0}, "2026-10-13", "19"},
		{1, map[string]any{"timer.elapsedDayState": 4.0}, "2026-10-13", "25"},
		{5, map[string]any{"timer.elapsedDayTotal": 17.0}, "2026-10-18", "24"},
		{20, map[string]any{"timer.elapsedDayState": 17.0}, "2026-10-20", "100"},
		{20, map[string]any{"timer.elapsedDayTotal": 0.0}, "<nil>", "<nil>"},
	}
	for _, test := range tests {
		said := at(t, thinq.State{}, test.report)
		now.Merge(said)
		derived, _ := d.Advance(now, said, noon.AddDate(0, 0, test.day))
		now.Merge(derived)
		if ready, progress := documented(t, d, now, "ready_date"), documented(t, d, now, "progress"); ready != test.ready || progress != test.progress {
			t.Errorf("day %d, %v: ready %s, %s %%", test.day, test.report, ready, progress)
		}
	}
}
