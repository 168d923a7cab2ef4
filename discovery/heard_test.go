package discovery

import (
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// TestLastUpdate: an appliance shows when it last said something new, to the
// minute, and of a tower each half for itself.
func TestLastUpdate(t *testing.T) {
	run := thinq.Path{Part: "washer", Resource: "runState", Name: "currentState"}
	for _, test := range []struct {
		name    string
		before  time.Duration // since it was last heard; 0: never
		changed thinq.State
		shows   time.Duration // after noon
	}{
		{"the first state", 0, thinq.State{run: "RUNNING"}, 0},
		{"news soon after news", 59 * time.Second, thinq.State{run: "RUNNING"}, -59 * time.Second},
		{"news a minute later", time.Minute, thinq.State{run: "RUNNING"}, 0},
		{"a clock that was set back", -time.Hour, thinq.State{run: "RUNNING"}, 0},
		{"a notification", time.Hour, Notice("WASHING_IS_COMPLETE"), 0},
		{"the other half", time.Hour, thinq.State{{Part: "dryer", Resource: "runState", Name: "currentState"}: "RUNNING"}, -time.Hour},
		{"that it cannot be reached", time.Hour, Lost(), -time.Hour},
		{"what the bridge works out", time.Hour, thinq.State{derivedPath("washer", "", "x"): true}, -time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := sampleNamed(t, "washtower_one_piece").describe(testOptions)[0]
			now := thinq.State{}
			if test.before != 0 {
				now[derivedPath("washer", "", "lastUpdate")] = stamp(noon.Add(-test.before))
			}
			derived, _ := d.Advance(now, test.changed, noon)
			now.Merge(derived)
			if got, want := documented(t, d, now, lastUpdateKey), stamp(noon.Add(test.shows)); got != want {
				t.Errorf("shows %s, want %s", got, want)
			}
		})
	}
}

// TestLastUpdateCostsNothing: a report in the same minute works nothing out.
func TestLastUpdateCostsNothing(t *testing.T) {
	d, s := described(t, "NEW", `{"property":{"count":{"turns":{"type":"number","mode":["r"]}}}}`, `{"count":{"turns":7}}`)
	now := s.state
	derived, _ := d.Advance(now, now, noon)
	now.Merge(derived)
	changed := thinq.State{{Resource: "count", Name: "turns"}: 8.0}
	if derived, _ := d.Advance(now, changed, noon.Add(time.Second)); derived != nil {
		t.Errorf("derived %v", derived)
	}
	if n := testing.AllocsPerRun(100, func() { d.Advance(now, changed, noon.Add(time.Second)) }); n > 2 {
		t.Errorf("%v allocations", n)
	}
}
