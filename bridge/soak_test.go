package bridge_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

var soakHours = flag.Int("soak", 24, "virtual hours of the soak")

// since measures, second by second, how long something takes to be so.
func (d *daemon) since(most time.Duration, so func() bool) time.Duration {
	begin := time.Now()
	for !so() && time.Since(begin) < most {
		d.after(100 * time.Millisecond)
	}
	return time.Since(begin)
}

// often is how often to do what is done n times, in a short run.
func often(n int) int {
	if testing.Short() {
		return n / 5
	}
	return n
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// close and open again what the daemon's broker listens on, with nothing in it.
func (d *daemon) emptyBroker(away time.Duration) {
	d.Helper()
	if err := d.broker.Close(); err != nil {
		d.Error(err)
	}
	d.after(away)
	l, err := d.local.Listen("broker.test:1883")
	if err != nil {
		d.Fatal(err)
	}
	if d.broker, err = linktest.NewBroker(linktest.Options{Listener: l}); err != nil {
		d.Fatal(err)
	}
}

func TestRecoveryOfTheBroker(t *testing.T) {
	withWay(t, personal, thinqtest.Options{Samples: samples(homes...)}, func(d *daemon) {
		x := newTruth(d)
		var took []time.Duration
		for range often(100) {
			d.after(2 * time.Minute)
			d.emptyBroker(time.Second + rand.N(4*time.Second))
			took = append(took, d.since(time.Minute, func() bool { return d.retained(d.topics.Bridge("state")) != "" }))
			if got := x.wrong(); len(got) > 0 { // what says "online" came last
				d.Error(got)
			}
		}
		if m := median(took); m > 4*time.Second {
			d.Errorf("all topics are right again after %v at the median, %v at worst", m, took[len(took)-1])
		} else {
			d.Logf("all topics are right again after %v at the median, %v at worst", m, took[len(took)-1])
		}
	})
}

// A short outage of everything of LG's: what all the appliances did meanwhile shows
// within half a minute of its end.
func TestRecoveryOfTheCloud(t *testing.T) {
	withDaemon(t, small, func(d *daemon) {
		id, slug := d.slugOf(guestRoom)
		x := newTruth(d)
		var took []time.Duration
		for i := range often(20) {
			d.after(20 * time.Minute)
			if err := d.sim.BrokerAction("stop"); err != nil {
				d.Fatal(err)
			}
			d.lg.Cut()
			d.after(5*time.Second + rand.N(15*time.Second))
			want := float64(17 + i%14)
			if err := d.sim.Patch(id, fmt.Appendf(nil, `{"temperature":{"targetTemperature":%v}}`, want)); err != nil {
				d.Fatal(err)
			}
			if err := d.sim.BrokerAction("start"); err != nil {
				d.Fatal(err)
			}
			took = append(took, d.since(10*time.Minute, func() bool { return d.value(slug, "target_temperature") == want && len(x.wrong()) == 0 }))
		}
		if m := median(took); took[len(took)-1] > 30*time.Second {
			d.Errorf("fresh after %v at the median, %v at worst", m, took[len(took)-1])
		} else {
			d.Logf("fresh after %v at the median, %v at worst", m, took[len(took)-1])
		}
	})
}

// Home Assistant is born again and asks for everything, of a large home.
func TestRecoveryOfHomeAssistant(t *testing.T) {
	withWay(t, personal, thinqtest.Options{}, func(d *daemon) {
		d.after(10 * time.Minute)
		want := len(d.broker.Messages(d.topics.Base + "/+/availability"))
		for range often(20) {
			d.after(time.Minute)
			heard, err := d.broker.Subscribe(d.topics.Base + "/+/availability")
			if err != nil {
				d.Fatal(err)
			}
			for len(heard) > 0 {
				<-heard // what is retained
			}
			d.publish("homeassistant/status", "online")
			took := d.since(time.Minute, func() bool { return len(heard) >= want })
			if took > 10*time.Second {
				d.Errorf("%d of %d appliances are available %v after the birth", len(heard), want, took)
			}
		}
	})
}

// usage is what the process uses when nothing is under way.
type usage struct {
	heap               uint64
	goroutines, opened int
}

func used() (u usage) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u.heap, u.goroutines = m.HeapAlloc, runtime.NumGoroutine()
	if all, err := os.ReadDir("/proc/self/fd"); err == nil {
		u.opened = len(all)
	}
	return u
}

// TestF097Soak lets the daemon live through days with three faults each, one of them
// held for three hours.
func TestF097Soak(t *testing.T) {
	if testing.Short() {
		t.Skip("a day, and memory that the race detector takes itself")
	}
	withWay(t, personal, thinqtest.Options{Samples: samples(homes...), ClampEvents: true, CallsPerHour: -1}, func(d *daemon) {
		x, random := newTruth(d), rand.New(rand.NewPCG(*firstSeed, 720))
		d.after(12 * time.Hour)
		first, last := d.rest(), usage{}
		for day := range max(1, *soakHours/24) {
			d.dayOfFaults(random)
			if got := x.wrong(); len(got) > 0 {
				d.Errorf("day %d:\n%s", day, strings.Join(got, "\n"))
			}
			last = d.rest()
		}
		slope := (float64(last.heap) - float64(first.heap)) / (1 << 20)
		d.Logf("%d h: heap %+.2f MiB, goroutines %+d, descriptors %+d", *soakHours, slope, last.goroutines-first.goroutines, last.opened-first.opened)
		if slope > 2 || distance(last.goroutines, first.goroutines) > 5 || distance(last.opened, first.opened) > 3 {
			d.Errorf("from %+v to %+v", first, last)
		}
	})
}

func distance(x, y int) int { return max(x-y, y-x) }

// rest is the least that is used within ten minutes, without what the test itself
// remembers: a call now and then keeps its connection, and so three goroutines,
// for a minute or so.
func (d *daemon) rest() usage {
	d.after(5 * time.Minute)
	d.sim.ForgetCalls()
	d.logMu.Lock()
	d.log = bytes.Buffer{}
	d.logMu.Unlock()
	least := used()
	for range 10 {
		d.after(time.Minute)
		u := used()
		least = usage{min(least.heap, u.heap), min(least.goroutines, u.goroutines), min(least.opened, u.opened)}
	}
	return least
}

func (d *daemon) lines() int { return len(d.logged()) }

// A hardship is a fault that is held.
type hardship struct {
	name       string
	begin, end func(*daemon) error
}

var hardships = []hardship{
	{"broker frozen", func(d *daemon) error { d.local.Freeze(true); return nil }, func(d *daemon) error { d.local.Freeze(false); return nil }},
	{"cloud frozen", func(d *daemon) error { d.lg.Freeze(true); return nil }, func(d *daemon) error { d.lg.Freeze(false); return nil }},
	{"gateway", func(d *daemon) error { return d.sim.Fault(thinqtest.Fault{Body: "html"}) }, (*daemon).clearFaults},
	{"gateway that repeats what it was sent", func(d *daemon) error { return d.sim.Fault(thinqtest.Fault{Body: "echo"}) }, (*daemon).clearFaults},
	{"rate", func(d *daemon) error { return d.sim.Fault(thinqtest.Fault{Code: "1314"}) }, (*daemon).clearFaults},
	{"terms", func(d *daemon) error { return d.sim.Fault(thinqtest.Fault{Code: "1304"}) }, (*daemon).clearFaults},
	{"slow", func(d *daemon) error { return d.sim.Fault(thinqtest.Fault{Delay: thinqtest.Duration(time.Hour)}) }, (*daemon).clearFaults},
	{"no events", func(d *daemon) error { return d.sim.BrokerAction("stop") }, func(d *daemon) error { return d.sim.BrokerAction("start") }},
	{"silent events", func(d *daemon) error { return d.sim.SetEvents(thinqtest.EventsSilent) }, func(d *daemon) error { return d.sim.SetEvents(thinqtest.EventsOK) }},
}

func (d *daemon) clearFaults() error {
	d.sim.ClearFaults()
	return nil
}

// dayOfFaults is 24 hours with another token, and three hardships that last for
// three hours each.
func (d *daemon) dayOfFaults(random *rand.Rand) {
	begin := time.Now()
	id, _ := d.slugOf(guestRoom)
	for n := range 3 {
		h := hardships[random.IntN(len(hardships))]
		d.do(h.begin(d))
		d.after(time.Hour)
		before := d.lines()
		d.do(d.sim.Patch(id, fmt.Appendf(nil, `{"temperature":{"targetTemperature":%d}}`, 17+random.IntN(14))))
		d.after(2 * time.Hour)
		if n := d.lines() - before; n > 2*4 {
			d.Errorf("%s: %d lines in two hours of a held fault", h.name, n)
		}
		d.do(h.end(d))
		d.after(2 * time.Hour)
		if n == 1 {
			d.changeToken()
		}
	}
	d.after(time.Until(begin.Add(24 * time.Hour)))
}

func (d *daemon) do(err error) {
	d.Helper()
	if err != nil {
		d.Error(err)
	}
}

// changeToken lets the token end and has the next one from then on.
func (d *daemon) changeToken() {
	old := d.sim.Token
	next := fmt.Sprintf("thinqpat_%064x", time.Now().Unix())
	d.sim.Allow(old, thinqtest.Grant{Expires: time.Now().Add(-time.Minute)})
	d.after(time.Hour)
	d.sim.Token = next
	d.cage.guard("next token", next)
	d.sim.Allow(next, thinqtest.Grant{})
	d.do(d.bridge.Retry(d.Context()))
	d.after(time.Minute)
}
