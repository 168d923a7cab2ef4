package bridge_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// told is what the log says since the last time.
func (d *daemon) told() []string {
	d.logMu.Lock()
	defer d.logMu.Unlock()
	lines := slices.Collect(strings.Lines(d.log.String()))
	d.log = bytes.Buffer{}
	return lines
}

// until waits for a condition, and tells how long it took.
func (d *daemon) until(limit time.Duration, what string, holds func() bool) time.Duration {
	d.Helper()
	begun := time.Now()
	for !holds() {
		if time.Since(begun) > limit {
			d.Errorf("%s: not within %v", what, limit)
			break
		}
		d.after(limit / 100)
	}
	return time.Since(begun)
}

func (d *daemon) atWork() bool {
	return d.retained(d.topics.Bridge("state")) == `{"state":"online"}`
}

// gauge is the sum of a metric.
func (d *daemon) gauge(name string) (sum float64) {
	d.Helper()
	families, err := d.registry.Gather()
	if err != nil {
		d.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// Two daemons with one identity at LG, each with a broker of its own: they give
// way to each other, both name the cause, and reads go on.
func TestF030TwoDaemonsOneIdentity(t *testing.T) {
	t.Parallel()
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		d.stop()
		twin := d.second()
		if err := os.CopyFS(twin.dir, os.DirFS(d.dir)); err != nil {
			d.Fatal(err)
		}
		twin.listen()
		d.start()
		d.after(time.Minute)
		before := len(d.sim.Calls(0))
		twin.start()
		defer func() {
			twin.stop()
			if err := twin.broker.Close(); err != nil {
				d.Error(err)
			}
		}()
		_, slug := d.slugOf(guestRoom)
		named := map[*daemon]bool{}
		for i := range 20 {
			d.warm(i)
			d.after(time.Minute)
			for _, one := range []*daemon{d, twin} {
				if got := one.pushInfo(); got.State == "duplicate_instance" && strings.Contains(got.Text, "same client id") {
					named[one] = true
				}
			}
		}
		if !named[d] || !named[twin] {
			d.Errorf("the cause is told by the first %v, by the second %v", named[d], named[twin])
		}
		for _, one := range []*daemon{d, twin} {
			if got := one.gauge("thinq2mqtt_push_reconnects_total"); got > 6 {
				d.Errorf("%v connections in 20 min", got)
			}
			one.after(35 * time.Minute)
			if got, want := one.value(slug, "target_temperature"), float64(18+19%10); got != want {
				d.Errorf("target_temperature = %v, want %v", got, want)
			}
		}
		if n := len(d.calls(before)); n > 60 {
			d.Errorf("%d calls of both", n)
		}
	})
}

// Sent away for the third time, the bridge leaves LG's broker alone for half an
// hour, and says why.
func TestF030RestIsKept(t *testing.T) {
	t.Parallel()
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		for range 3 {
			d.until(7*time.Minute, "a connection", func() bool { return len(d.sim.Connected()) == 1 })
			if err := d.sim.BrokerAction("takeover"); err != nil {
				d.Fatal(err)
			}
			d.after(10 * time.Second)
		}
		before := len(d.sim.Calls(0))
		for range 28 {
			if got := d.pushInfo(); len(d.sim.Connected()) > 0 || got.State != "duplicate_instance" {
				d.Fatalf("%q are connected, %+v", d.sim.Connected(), got)
			}
			d.after(time.Minute)
		}
		if calls := d.calls(before); slices.Contains(calls, "GET /route") {
			d.Errorf("calls: %q", calls)
		}
		d.until(10*time.Minute, "another try", func() bool { return d.pushInfo().State == "live" })
		d.after(time.Hour)
		if got := d.pushInfo(); got.State != "live" || got.Text != "" {
			d.Errorf("an hour later %+v", got)
		}
	})
}

// The broker is ten minutes late: LG's side is at work meanwhile, the log stays
// short, and everything is there soon after the broker.
func TestF039BrokerTenMinutesLate(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.stop()
		if err := d.broker.Close(); err != nil {
			d.Fatal(err)
		}
		d.dir = d.T.TempDir()
		d.told()
		d.start()
		d.after(10 * time.Minute)
		s := d.snapshot()
		if s.Ready || !strings.Contains(strings.Join(s.Awaited, ", "), "broker") || s.Cloud != "ok" || s.Push != "live" || len(s.Devices) != 2 {
			d.Errorf("snapshot: %+v", s)
		}
		d.openBroker()
		d.until(time.Minute, "online", d.atWork)
		if got := d.told(); len(got) >= 10 {
			d.Errorf("%d lines:\n%s", len(got), strings.Join(got, ""))
		}
	})
}

// A restart is heard in the midst of a flood of commands, and a stop ends soon,
// though LG does not answer the call that is under way.
func TestF043StopInAFlood(t *testing.T) {
	t.Parallel()
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		_, slug := d.slugOf(guestRoom)
		before := len(d.sim.Calls(0))
		over := make(chan struct{})
		var flood sync.WaitGroup
		flood.Go(func() {
			for i := 0; ; i++ {
				d.publish(d.topics.SetAttr(slug, "target_temperature"), fmt.Sprint(18+i%10))
				select {
				case <-over:
					return
				case <-time.After(time.Millisecond):
				}
			}
		})
		defer flood.Wait()
		defer close(over)
		d.after(5 * time.Second)
		d.publish(d.topics.Request("restart"), "")
		d.until(10*time.Second, "the restart", func() bool { return d.again.Load() == 1 })
		calls := len(d.controls(before))
		d.fault(thinqtest.Fault{Match: thinqtest.Match{Method: "POST"}, Delay: thinqtest.Duration(time.Hour)})
		d.until(time.Minute, "a call", func() bool { return len(d.controls(before)) > calls })
		begun := time.Now()
		d.stop()
		if took := time.Since(begun); took > 8*time.Second {
			d.Errorf("stopped after %v", took)
		}
		if got := d.retained(d.topics.Bridge("state")); got != `{"state":"offline"}` {
			d.Errorf("bridge/state = %q", got)
		}
		d.start()
	})
}

// A hole can stop carrying anything in one direction.
type hole struct {
	net.Conn
	deaf, mute atomic.Bool
}

func (w *hole) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	for w.deaf.Load() && err == nil {
		n, err = w.Conn.Read(p)
	}
	return n, err
}

func (w *hole) Write(p []byte) (int, error) {
	if w.mute.Load() {
		return len(p), nil
	}
	return w.Conn.Write(p)
}

// The connection to the broker dies in one direction while states change and dishes
// are done: found out within 35 s, and nothing is lost.
func TestF050HalfOpenLocal(t *testing.T) {
	for name, fault := range map[string]func(*hole){
		"nothing comes": func(w *hole) { w.deaf.Store(true) },
		"nothing goes":  func(w *hole) { w.mute.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			withWay(t, personal, small, func(d *daemon) {
				var last atomic.Pointer[hole]
				d.restart(func() {
					d.wire = func(c net.Conn) net.Conn {
						w := &hole{Conn: c}
						last.Store(w)
						return w
					}
				})
				x := newTruth(d)
				id, slug := d.slugOf(dishwasher)
				events := d.hear(d.topics.Event(slug, "notification"))
				for range 5 {
					fault(last.Load())
					connects := d.link.Status().Connects
					d.do(d.sim.Push(id, "CLEANING_IS_COMPLETE"))
					for i := range 10 {
						d.warm(i)
						d.after(3 * time.Second)
					}
					d.until(5*time.Second+time.Second, "another connection", func() bool { return d.link.Status().Connects > connects })
					d.until(5*time.Second, "the truth", func() bool { return len(x.wrong()) == 0 })
					d.until(5*time.Second, "the event", func() bool { return len(events) > 0 })
					for d.after(2 * time.Minute); len(events) > 0; {
						<-events
					}
				}
			})
		})
	}
}

// The broker reads nothing any more: LG's events go on, status and metrics
// answer, and when it reads again everything is right.
func TestF051BrokerStopsReading(t *testing.T) {
	t.Parallel()
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		before := d.gauge("thinq2mqtt_push_messages_total")
		d.local.Freeze(true)
		for i := range 300 {
			d.warm(i)
			d.after(2 * time.Second)
			begun := time.Now()
			s := d.snapshot()
			d.gauge("thinq2mqtt_mqtt_outbox_messages")
			if took := time.Since(begun); took > 100*time.Millisecond {
				d.Fatalf("answered after %v", took)
			}
			if seen := s.Devices[0].LastSeen; seen == nil || time.Since(*seen) > 5*time.Second {
				d.Fatalf("last event handled at %v", seen)
			}
		}
		if got := d.gauge("thinq2mqtt_push_messages_total") - before; got < 300 {
			d.Errorf("%v events handled", got)
		}
		d.local.Freeze(false)
		x := newTruth(d)
		d.until(90*time.Second, "the truth", func() bool { return d.atWork() && len(x.wrong()) == 0 })
	})
}

// However often both connections were made anew, events come and commands go.
func TestF109TwentyReconnects(t *testing.T) {
	t.Parallel()
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		id, slug := d.slugOf(guestRoom)
		if err := d.sim.Patch(id, []byte(`{"operation":{"airConOperationMode":"POWER_ON"}}`)); err != nil {
			d.Fatal(err)
		}
		results := d.results(slug)
		for i := range 20 {
			d.lg.Cut()
			d.local.Cut()
			d.after(6 * time.Minute)
			d.warm(2 * i)
			d.after(3 * time.Second)
			if got, want := d.value(slug, "target_temperature"), float64(18+2*i%10); got != want {
				d.Errorf("after %d: target_temperature = %v by an event, want %v", i+1, got, want)
			}
			d.publish(d.topics.SetAttr(slug, "target_temperature"), fmt.Sprint(18+(2*i+1)%10))
			d.after(3 * time.Second)
			if got := statuses(d.T, results); !slices.Equal(got, []string{"accepted", "confirmed"}) {
				d.Errorf("after %d: a command ends %q", i+1, got)
			}
		}
		if got := d.link.Status().Connects; got < 20 {
			d.Errorf("%d connections to the broker", got)
		}
		if got := d.gauge("thinq2mqtt_push_reconnects_total"); got < 10 { // those that took seconds only do not show
			d.Errorf("%v connections to LG", got)
		}
	})
}

// The network is gone, and comes back with another address: both sides connect
// anew, by themselves.
func TestF103InterfaceChange(t *testing.T) {
	t.Parallel()
	for _, gone := range []time.Duration{5 * time.Second, 5 * time.Minute, 20 * time.Minute, time.Hour, 5 * time.Hour} {
		if testing.Short() && gone > time.Hour {
			continue
		}
		t.Run(gone.String(), func(t *testing.T) {
			withWay(t, personal, small, func(d *daemon) {
				d.after(time.Minute)
				for _, n := range []*thinqtest.Network{d.lg, d.local} {
					n.Freeze(true)
				}
				d.warm(3)
				d.after(gone)
				d.warm(7)
				for _, n := range []*thinqtest.Network{d.lg, d.local} {
					n.Cut() // what was under way has no way back
					n.Freeze(false)
				}
				x := newTruth(d)
				d.until(time.Minute+15*time.Second, "the broker", d.atWork)
				patience := 30 * time.Second
				if gone == 5*time.Minute { // too short for LG to count as out of reach, so that each call waits for itself
					patience = 5*time.Minute + 30*time.Second
				}
				_, slug := d.slugOf(guestRoom)
				d.publish(d.topics.Set(slug), `{"target_temperature":24}`) // refused maybe, but somebody looks
				d.until(patience, "the truth", func() bool {
					return d.cloud().State == "ok" && len(x.wrong()) == 0 && d.pushInfo().State == "live"
				})
				d.warm(1)
				d.after(3 * time.Second)
				if wrong := x.wrong(); len(wrong) > 0 {
					d.Errorf("after another event: %q", wrong)
				}
			})
		})
	}
}
