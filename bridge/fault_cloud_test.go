package bridge_test

import (
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
		if _, slug := d.slugOf(guestRoom); d.retained(d.topics.Availability(slug)) != `{"state":"online"}` {
			d.Error("unavailable, though it can be read")
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
	for _, body := range []string{"html", "empty", "invalid"} {
		withWay(t, personal, small, func(d *daemon) {
			d.after(time.Minute)
			d.fault(thinqtest.Fault{Match: thinqtest.Match{Method: "GET"}, Body: body})
			d.after(45 * time.Minute)
			d.logMu.Lock()
			lines := strings.Count(d.log.String(), "does not answer as hoped")
			d.logMu.Unlock()
			if lines != 1 {
				d.Errorf("%s: %d lines", body, lines)
			}
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
		if took := time.Since(begun); took > 10*time.Second {
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
