package bridge_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// In homes of every size somebody asks for more all the time, has a hundred
// commands within minutes, and pulls the plug in the midst of many calls: whatever
// hour one looks at, the share of the background is kept, and no call of it is
// made where those for commands fill the hour.
func TestF001EveryHour(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 10, 30} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			if testing.Short() && n != 10 {
				t.Skip("one home will do")
			}
			withWay(t, personal, thinqtest.Options{Samples: fleet(t, n), CallsPerHour: -1}, func(d *daemon) {
				starts := []time.Time{time.Now()}
				d.after(70 * time.Minute)
				d.insist(time.Hour)
				d.command(n, 100)
				d.insist(20 * time.Minute)
				d.after(70 * time.Minute)
				starts = append(starts, d.unplug())
				d.insist(30 * time.Minute)
				d.checkHours(starts)
			})
		})
	}
}

// A start for which earlier ones have left no calls says why nothing is known, and
// until when.
func TestF096StartWithoutCalls(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		_, slug := d.slugOf(guestRoom)
		told := func() bool { return strings.Contains(strings.Join(d.info().Problems, ""), "share of calls is used up") }
		if told() {
			t.Error("told without a reason")
		}
		for range 25 {
			d.unplug()
		}
		d.after(20 * time.Second)
		if got := d.retained(d.topics.Availability(slug)); !told() || strings.Contains(got, "online") {
			t.Errorf("%s, problems %q", got, d.info().Problems)
		}
		d.after(2 * time.Hour)
		if got := d.retained(d.topics.Availability(slug)); told() || !strings.Contains(got, "online") {
			t.Errorf("later: %s, problems %q", got, d.info().Problems)
		}
	})
}

// Reads that are wished for more often than the budget allows are spread over the
// hour: no time is blind because the one before it has seen too much.
func TestF025ReadsAreSpread(t *testing.T) {
	withWay(t, personal, thinqtest.Options{Samples: fleet(t, 8)}, func(d *daemon) {
		d.anew(func() { d.reconcile = time.Minute })
		last, longest := map[string]time.Time{}, time.Duration(0)
		d.after(70 * time.Minute) // a start has its own calls
		since := len(d.sim.Calls(0))
		d.after(3 * time.Hour)
		for _, c := range d.sim.Calls(since) {
			if at, again := last[c.Path]; again && strings.HasSuffix(c.Path, "/state") {
				longest = max(longest, c.Time.Sub(at))
			}
			last[c.Path] = c.Time
		}
		if longest > 45*time.Minute {
			t.Errorf("an appliance was not read for %v", longest)
		}
	})
}

// insist asks for all states every minute.
func (d *daemon) insist(span time.Duration) {
	d.Helper()
	for range span / time.Minute {
		d.publish(d.topics.Request("refresh"), "")
		d.after(time.Minute)
	}
}

// command sends a number of commands within minutes, to n appliances in turn.
func (d *daemon) command(n, commands int) {
	d.Helper()
	for i := range commands {
		d.publish(d.topics.SetAttr(fleetSlug(i%n), "target_temperature"), fmt.Sprint(18+(i/n)%10))
		d.after(6 * time.Second)
	}
}

// unplug starts the daemon anew, and tells when, on what was on the disk while it
// made calls.
func (d *daemon) unplug() time.Time {
	d.Helper()
	d.publish(d.topics.Request("refresh"), "")
	d.after(20 * time.Second)
	left := d.TempDir()
	if err := os.CopyFS(left, os.DirFS(d.dir)); err != nil {
		d.Fatal(err)
	}
	d.stop()
	d.dir = left
	d.start()
	return time.Now()
}

// checkHours looks at the hour before each call of the background. The calls of a
// start are not of it, and do not count.
func (d *daemon) checkHours(starts []time.Time) {
	d.Helper()
	var all, background []time.Time
	most, commands := 0, 0
	for _, c := range d.sim.Calls(0) {
		switch {
		case isControl(c):
			commands++
		case !starting(c, starts):
			background = append(background, c.Time)
			most = max(most, lately(background, c.Time))
			if lately(all, c.Time) >= 100 {
				d.Errorf("%s %s at %v: %d calls in the hour before", c.Method, c.Path, c.Time, lately(all, c.Time))
			}
		default:
			continue
		}
		all = append(all, c.Time)
	}
	if most > 40 || most < 30 || commands < 25 {
		d.Errorf("%d calls of the background in an hour, %d commands", most, commands)
	}
}

// starting reports whether a call may be one of a start.
func starting(c thinqtest.Call, starts []time.Time) bool {
	for _, at := range starts {
		if d := c.Time.Sub(at); d >= 0 && d < time.Minute {
			return true
		}
	}
	return strings.HasPrefix(c.Path, "/client")
}

// lately counts the times in the hour before another.
func lately(all []time.Time, at time.Time) (n int) {
	for _, t := range all {
		if at.Sub(t) < time.Hour {
			n++
		}
	}
	return n
}
