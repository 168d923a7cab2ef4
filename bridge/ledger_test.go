package bridge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// ghosts are the retained topics, with something in them, that hold a text.
func (d *daemon) ghosts(text string) (all []string) {
	for topic, payload := range d.broker.Messages("#") {
		if strings.Contains(topic, text) && len(payload) > 0 {
			all = append(all, topic)
		}
	}
	return all
}

// Another base topic, prefix or slug leaves nothing of the former ones.
func TestF075NewNames(t *testing.T) {
	tests := map[string]struct {
		change func(d *daemon)
		ghost  string
	}{
		"base":   {func(d *daemon) { d.topics.Base = "elsewhere" }, "thinq2mqtt/"},
		"prefix": {func(d *daemon) { d.topics.Prefix = "other" }, "homeassistant/"},
		"slug":   {func(d *daemon) { d.owner = discovery.Settings{Ignore: true} }, "dish_washer"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			withWay(t, personal, small, func(d *daemon) {
				d.after(3 * time.Minute)
				if len(d.ghosts(tt.ghost)) == 0 {
					d.Fatal("nothing was published")
				}
				d.stop()
				tt.change(d)
				d.start()
				d.after(3 * time.Minute)
				if left := d.ghosts(tt.ghost); len(left) > 0 {
					d.Errorf("still there: %q", left)
				}
			})
		})
	}
}

// An appliance that leaves while the daemon is down leaves nothing behind.
func TestF075RemovedWhileDown(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		id, slug := d.slugOf(dishwasher)
		d.restart(func() {
			if err := d.sim.Remove(id); err != nil {
				d.Fatal(err)
			}
		})
		d.after(45 * time.Minute)
		if left := d.ghosts(slug); len(left) > 0 {
			d.Errorf("still there: %q", left)
		}
	})
}

// What hangs on the base topic of a bridge and is not its own, as after its state
// folder was lost, stays where it is and does not seem to live.
func TestF075FolderLost(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(2 * time.Minute)
		id, slug := d.slugOf(dishwasher)
		before := d.ghosts(slug)
		d.restart(func() {
			d.dir = d.TempDir()
			d.do(d.sim.Remove(id))
		})
		d.after(5 * time.Minute)
		if got := string(d.broker.Messages("#")["thinq2mqtt/"+slug+"/availability"]); got != `{"state":"offline"}` {
			d.Errorf("availability = %s", got)
		}
		if left := d.ghosts(slug); len(left) != len(before) {
			d.Errorf("%q is left of %q", left, before)
		}
	})
}

// neighbour is a daemon of another account, with appliances of its own, at the
// same broker and Home Assistant. It is not started.
func (d *daemon) neighbour(o thinqtest.Options) *daemon {
	d.Helper()
	other := d.second()
	other.lg, other.topics.Base = &thinqtest.Network{}, "second"
	d.do(other.way.open(other.lg, &o))
	var err error
	if other.sim, err = thinqtest.NewServer(o); err != nil {
		d.Fatal(err)
	}
	d.cage.guard("other token", other.sim.Token)
	return other
}

// Two bridges at one broker, each under its own base topic, leave each other's
// topics alone, also when one of them moves, and when it loses an appliance.
func TestF076TwoBridges(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(2 * time.Minute)
		other := d.neighbour(thinqtest.Options{Samples: samples("humidifier_studio")})
		defer other.sim.Close()
		other.start()
		defer func() { other.stop() }()
		d.after(2 * time.Minute)
		theirs := func() []string {
			return slices.Sorted(slices.Values(slices.Concat(d.ghosts("second/"), d.ghosts("humidifier"), d.ghosts(other.store.Instance()))))
		}
		mine, before := d.ghosts("thinq2mqtt/"), theirs()
		if len(mine) == 0 || len(before) < 8 {
			d.Fatalf("topics: %q and %q", mine, before)
		}
		d.stop()
		d.topics.Base = "third"
		d.start()
		id, slug := d.slugOf(dishwasher)
		d.after(10 * time.Minute)
		d.do(d.sim.Remove(id))
		d.after(45 * time.Minute)
		if left := append(d.ghosts("thinq2mqtt/"), d.ghosts(slug)...); len(left) > 0 {
			d.Errorf("still there of the one: %q", left)
		}
		if now := theirs(); !slices.Equal(now, before) {
			d.Errorf("topics of the other one: %q, before %q", now, before)
		}
	})
}

// A bridge that stood by for another one and moves away then does not take that
// one's topics with it.
func TestF076MovesAway(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(3 * time.Minute)
		d.stop()
		other := d.second()
		other.start()
		defer func() { other.stop() }()
		d.after(time.Minute)
		d.start() // stands by
		d.after(3 * time.Minute)
		before := len(d.ghosts("thinq2mqtt/"))
		d.stop()
		d.topics.Base = "elsewhere"
		d.start()
		d.after(5 * time.Minute)
		if got := len(d.ghosts("thinq2mqtt/")); got < before {
			d.Errorf("%d topics of the one at work, %d before", got, before)
		}
	})
}
