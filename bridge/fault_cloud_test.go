package bridge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

func (d *daemon) fault(f thinqtest.Fault) {
	d.Helper()
	if err := d.sim.Fault(f); err != nil {
		d.Fatal(err)
	}
}

// LG refuses certificates: states are had, the cause is told, and LG is not
// asked again and again.
func TestF008CertificateBlocked(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.stop()
		d.dir = d.TempDir()
		d.fault(thinqtest.Fault{Match: thinqtest.Match{Method: "POST", Path: "/client/certificate"}, Code: "1309"})
		before := len(d.sim.Calls(0))
		d.start()
		d.after(2 * time.Hour)
		tries := 0
		for _, call := range d.calls(before) {
			if call == "POST /client/certificate" {
				tries++
			}
		}
		if tries == 0 || tries > 4 {
			d.Errorf("%d tries in two hours", tries)
		}
		if got := d.pushInfo(); got.State != "connecting" || !strings.Contains(got.Text, "permission") {
			d.Errorf("%+v", got)
		}
		d.warm(3)
		d.after(35 * time.Minute)
		if _, slug := d.slugOf(guestRoom); d.value(slug, "target_temperature") != 21.0 || !d.online(guestRoom) || d.cloud().State != "ok" {
			d.Errorf("target_temperature = %v, state %q, though it can be read", d.value(slug, "target_temperature"), d.cloud().State)
		}
	})
}

// Two appliances that LG answers for after 30 s only delay no other.
func TestF010SlowApplianceDelaysNobody(t *testing.T) {
	o := thinqtest.Options{Samples: samples(guestRoom, dishwasher, "humidifier_studio")}
	withWay(t, personal, o, func(d *daemon) {
		d.after(time.Minute)
		if err := d.sim.SetEvents(thinqtest.EventsSilent); err != nil {
			d.Fatal(err)
		}
		for _, name := range []string{dishwasher, "humidifier_studio"} {
			id, slug := d.slugOf(name)
			d.fault(thinqtest.Fault{Match: thinqtest.Match{Device: id}, Delay: thinqtest.Duration(30 * time.Second)})
			d.publish(d.topics.Request("refresh"), slug)
		}
		d.warm(9)
		d.after(100 * time.Millisecond)
		_, slug := d.slugOf(guestRoom)
		d.publish(d.topics.Request("refresh"), slug)
		d.after(3 * time.Second)
		if got := d.value(slug, "target_temperature"); got != 27.0 {
			d.Errorf("target_temperature = %v: it waits for others", got)
		}
	})
}

// Pages of a gateway in the place of answers are one line in the log each way.
func TestF009GatewayPages(t *testing.T) {
	for name, page := range map[string]thinqtest.Fault{
		"500": {Status: 500}, "502 html": {Body: "html"}, "503 empty": {Status: 503, Body: "empty"},
		"200 html": {Body: "login"}, "cut short": {Body: "invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withWay(t, personal, small, func(d *daemon) {
				d.after(time.Minute)
				page.Match.Method = "GET"
				d.told()
				d.fault(page)
				d.after(45 * time.Minute)
				if lines := d.told(); len(lines) != 1 {
					d.Errorf("%d lines: %q", len(lines), lines)
				}
			})
		})
	}
}

// The network to LG swallows everything while the bridge stops: it does, in
// time, and the next start is a good one.
func TestF029StopIntoAHole(t *testing.T) {
	withDaemon(t, small, func(d *daemon) {
		d.after(time.Minute)
		d.lg.Freeze(true)
		begun := time.Now()
		d.stop()
		if took := time.Since(begun); took > 5*time.Second {
			d.Errorf("stopped after %v", took)
		}
		if got := d.retained(d.topics.Bridge("state")); got != `{"state":"offline"}` {
			d.Errorf("bridge/state = %q", got)
		}
		d.lg.Freeze(false)
		d.start()
		d.after(time.Minute)
		if got := d.pushInfo(); got.State != "live" {
			d.Errorf("%+v", got)
		}
	})
}

// The token is revoked while everything runs: LG is let alone, the bridge says
// why, and with another token everything is as before, under the same ids.
func TestF004TokenRevoked(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		_, slug := d.slugOf(guestRoom)
		announced := d.retained(d.topics.Discovery(slug))
		d.sim.Allow(d.sim.Token, thinqtest.Grant{Expires: time.Now()})
		before := len(d.sim.Calls(0))
		d.publish(d.topics.Request("refresh"), slug)
		d.after(10 * time.Minute)
		if calls := d.calls(before); len(calls) == 0 || len(calls) > 2 {
			d.Errorf("calls in ten minutes: %q", calls)
		}
		if got := d.retained(d.topics.Availability(slug)); got != `{"state":"offline"}` {
			d.Errorf("availability = %q", got)
		}
		if got := d.retained(d.topics.Bridge("info")); !strings.Contains(got, `"state":"auth_required"`) || !strings.Contains(got, "token") {
			d.Errorf("bridge/info = %s", got)
		}
		d.sim.Token = "thinqpat_another"
		d.sim.Allow(d.sim.Token, thinqtest.Grant{})
		if err := d.bridge.Retry(d.Context()); err != nil {
			d.Fatal(err)
		}
		d.until(time.Minute, "available", func() bool { return d.retained(d.topics.Availability(slug)) == `{"state":"online"}` })
		if got := d.retained(d.topics.Discovery(slug)); got != announced {
			d.Errorf("announced anew: %s\nbefore: %s", got, announced)
		}
	})
}

// Every phase of the start fails five times, and then the next one does: it
// arrives, without a restart.
func TestF023EveryPhaseRetries(t *testing.T) {
	t.Parallel()
	phases := []string{
		"GET /route", "POST /client", "POST /client/certificate", "GET /devices", "GET /devices/*/profile", "GET /devices/*/state",
		"POST /push/*/subscribe", "POST /event/*/subscribe", "POST /push/devices",
	}
	withWay(t, personal, small, func(d *daemon) {
		d.stop()
		d.dir = d.T.TempDir()
		before := len(d.sim.Calls(0))
		for _, phase := range phases {
			method, path, _ := strings.Cut(phase, " ")
			d.fault(thinqtest.Fault{Match: thinqtest.Match{Method: method, Path: path}, Times: 5, Status: 503})
		}
		if err := d.sim.BrokerAction("stop"); err != nil {
			d.Fatal(err)
		}
		d.start()
		d.after(20 * time.Minute)
		if err := d.sim.BrokerAction("start"); err != nil {
			d.Fatal(err)
		}
		x := newTruth(d)
		d.until(time.Hour, "everything", func() bool { return d.pushInfo().State == "live" && len(x.wrong()) == 0 })
		d.after(time.Hour)
		failed := 0
		for _, c := range d.sim.Calls(before) {
			if c.Status == 503 {
				failed++
			}
		}
		if failed != 5*len(phases) {
			d.Errorf("%d calls failed, want %d: not every phase came", failed, 5*len(phases))
		}
		d.warm(5)
		d.after(5 * time.Second)
		if wrong := x.wrong(); len(wrong) > 0 {
			d.Errorf("after an event: %q", wrong)
		}
	})
}

// An event broker that has kept nothing for us says so, however short the outage
// was: what the appliances did meanwhile is read.
func TestF035NothingKept(t *testing.T) {
	t.Parallel()
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		id, slug := d.slugOf(guestRoom)
		for i := range 3 {
			d.do(d.sim.BrokerAction("stop"))
			d.after(10 * time.Second)
			want := float64(20 + i)
			d.do(d.sim.Patch(id, fmt.Appendf(nil, `{"temperature":{"targetTemperature":%v}}`, want)))
			d.sim.Advance(11 * time.Minute) // in which LG's broker forgets us
			d.do(d.sim.BrokerAction("start"))
			d.until(45*time.Second, "what was set during the outage", func() bool { return d.value(slug, "target_temperature") == want })
		}
	})
}

// LG keeps events for a client that is away. Those of some minutes are taken over,
// and the appliances read when it is back, and when contradictions are over. Those of an hour are not even
// sent: nobody hears now of what was long ago.
func TestF035ReplayedHour(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		away  time.Duration
		notes int // heard afterwards
		reads int // of each appliance: one at once, one when a burst is over
	}{{5 * time.Minute, 1, 2}, {20 * time.Minute, 0, 1}} {
		t.Run(test.away.String(), func(t *testing.T) {
			withWay(t, personal, small, func(d *daemon) {
				d.after(time.Minute)
				id, _ := d.slugOf(dishwasher)
				if err := d.sim.BrokerAction("stop"); err != nil {
					d.Fatal(err)
				}
				d.after(10 * time.Second)
				for i := range 500 {
					d.warm(i)
				}
				if err := d.sim.Push(id, "CLEANING_IS_COMPLETE"); err != nil {
					d.Fatal(err)
				}
				d.after(test.away)
				_, slug := d.slugOf(dishwasher)
				notices := d.hear(d.topics.Event(slug, "notification"))
				before := len(d.sim.Calls(0))
				if err := d.sim.BrokerAction("start"); err != nil {
					d.Fatal(err)
				}
				d.until(6*time.Minute, "live", func() bool { return d.pushInfo().State == "live" })
				d.after(2 * time.Minute)
				if n := len(notices); n != test.notes {
					d.Errorf("%d notifications of before are told", n)
				}
				reads := map[string]int{}
				for _, c := range d.sim.Calls(before) {
					if isRead(c) {
						reads[c.Path]++
					}
				}
				for path, n := range reads {
					if n > test.reads {
						d.Errorf("%s read %d times", path, n)
					}
				}
				if len(reads) != 2 {
					d.Errorf("reads: %v", reads)
				}
				if wrong := newTruth(d).wrong(); len(wrong) > 0 {
					d.Errorf("wrong: %q", wrong)
				}
			})
		})
	}
}
