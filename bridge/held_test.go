package bridge_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A held fault lasts for an hour.
type held struct {
	name       string
	begin, end func(*daemon)
	each       time.Duration // how often again; 0: it simply holds
	again      func(*daemon)
	over       string // what is told in the end, with how long it lasted or how often; empty: nothing within the hour
}

var heldFaults = []held{
	{name: "broker away", begin: func(d *daemon) { d.do(d.broker.Close()) }, end: (*daemon).openBroker, over: "msg=connected .*after=1h"},
	{name: "broker frozen", begin: func(d *daemon) { d.local.Freeze(true) }, end: func(d *daemon) { d.local.Freeze(false) }, over: "msg=connected .*after=1h"},
	{name: "broker flaps", each: 30 * time.Second, again: func(d *daemon) { d.local.Cut() }, over: "connected, and stays so"},
	{name: "broker refuses the password", begin: func(d *daemon) { d.do(d.broker.Close()); d.openBrokerFor("somebody else") },
		end: func(d *daemon) { d.do(d.broker.Close()); d.openBroker() }, over: "msg=connected .*after=1h"},
	{name: "broker flaps by going away", each: 30 * time.Second, again: func(d *daemon) { d.emptyBroker(10 * time.Second) }, over: "connected, and stays so"},
	{name: "LG frozen", begin: func(d *daemon) { d.lg.Freeze(true) }, end: func(d *daemon) { d.lg.Freeze(false) }, over: "the account works.*after="},
	{name: "LG flaps", each: 30 * time.Second, again: func(d *daemon) { d.lg.Cut() }},
	lgFault("token refused", thinqtest.Fault{Code: "1103"}),
	lgFault("401 without a code", thinqtest.Fault{Status: 401}),
	lgFault("rate", thinqtest.Fault{Code: "1314"}),
	lgFault("429", thinqtest.Fault{Status: 429}),
	lgFault("terms", thinqtest.Fault{Code: "1304"}).until("the account works.*failures="),
	lgFault("country", thinqtest.Fault{Code: "1307"}),
	lgFault("blocked", thinqtest.Fault{Code: "1309"}).until("the account works.*failures="),
	lgFault("gateway", thinqtest.Fault{Body: "html"}).until("LG's cloud answers again.*after=1h"),
	lgFault("gateway that repeats", thinqtest.Fault{Body: "echo"}).until("LG's cloud answers again.*after=1h"),
	lgFault("LG hangs", thinqtest.Fault{Delay: thinqtest.Duration(time.Hour)}).until("LG's cloud answers again.*after=1h"),
	lgFault("connections reset", thinqtest.Fault{Body: "reset"}).until("LG's cloud answers again.*after=1h"),
	{name: "event broker away", begin: func(d *daemon) { d.do(d.sim.BrokerAction("stop")) }, end: func(d *daemon) { d.do(d.sim.BrokerAction("start")) }, over: "msg=connected .*after="},
	{name: "events thrown out", each: 30 * time.Second, again: func(d *daemon) { d.do(d.sim.BrokerAction("disconnect")) }},
	{name: "events taken over", each: 30 * time.Second, again: func(d *daemon) { d.do(d.sim.BrokerAction("takeover")) }},
	{name: "silent events", begin: func(d *daemon) { d.do(d.sim.SetEvents(thinqtest.EventsSilent)) }, end: func(d *daemon) { d.do(d.sim.SetEvents(thinqtest.EventsOK)) },
		each: 5 * time.Minute, again: (*daemon).turnKnob},
	{name: "certificate refused", begin: (*daemon).withoutCertificate, end: func(d *daemon) { d.sim.ClearFaults() }},
	{name: "disk", begin: (*daemon).breakDisk, end: (*daemon).mendDisk, each: time.Minute, again: (*daemon).turnKnob},
	{name: "one broken appliance", begin: func(d *daemon) {
		d.do(d.sim.Fault(thinqtest.Fault{Match: thinqtest.Match{Device: d.guest()}, Body: "html"}))
	},
		end: func(d *daemon) { d.sim.ClearFaults() }},
	{name: "one busy appliance", begin: func(d *daemon) {
		d.do(d.sim.Fault(thinqtest.Fault{Match: thinqtest.Match{Device: d.guest()}, Code: "2208"}))
	},
		end: func(d *daemon) { d.sim.ClearFaults() }, each: 5 * time.Minute, again: (*daemon).ask},
	{name: "one appliance comes and goes", each: 30 * time.Second, again: func(d *daemon) {
		d.do(d.sim.SetOnline(d.guest(), time.Now().Second() >= 30))
	}, end: func(d *daemon) { d.do(d.sim.SetOnline(d.guest(), true)) }},
	{name: "commands refused", each: 10 * time.Second, again: func(d *daemon) {
		_, slug := d.slugOf(guestRoom)
		d.publish(d.topics.SetAttr(slug, "target_temperature"), "500")
	}},
	{name: "commands for nobody", each: 10 * time.Second, again: func(d *daemon) {
		d.publish(d.topics.SetAttr("oven_00000000", "power"), fmt.Sprint(time.Now().Unix()))
	}},
	{name: "requests that are none", each: 10 * time.Second, again: func(d *daemon) { d.publish(d.topics.Bridge("request/dance"), "{") }},
}

func lgFault(name string, f thinqtest.Fault) held {
	return held{name: name, begin: func(d *daemon) { d.do(d.sim.Fault(f)) }, end: func(d *daemon) { d.sim.ClearFaults() },
		each: 5 * time.Minute, again: (*daemon).ask}
}

func (h held) until(told string) held {
	h.over = told
	return h
}

// guest is an appliance's id.
func (d *daemon) guest() string {
	id, _ := d.slugOf(guestRoom)
	return id
}

// ask has somebody ask for everything, and want something.
func (d *daemon) ask() {
	d.publish(d.topics.Bridge("request/refresh"), "")
}

// turnKnob changes an appliance.
func (d *daemon) turnKnob() {
	d.do(d.sim.Patch(d.guest(), fmt.Appendf(nil, `{"temperature":{"targetTemperature":%d}}`, 17+time.Now().Minute()%14)))
}

func (d *daemon) openBroker() { d.openBrokerFor(brokerPassword) }

func (d *daemon) openBrokerFor(password string) {
	d.Helper()
	l, err := d.local.Listen("broker.test:1883")
	if err != nil {
		d.Fatal(err)
	}
	if d.broker, err = linktest.NewBroker(linktest.Options{Listener: l, Username: "bridge", Password: password}); err != nil {
		d.Fatal(err)
	}
}

// withoutCertificate starts it anew where LG gives no certificate.
func (d *daemon) withoutCertificate() {
	d.stop()
	d.do(os.Remove(filepath.Join(d.dir, "identity.json")))
	d.do(d.sim.Fault(thinqtest.Fault{Match: thinqtest.Match{Path: "/client/certificate"}, Code: "1309"}))
	d.start()
}

func (d *daemon) breakDisk() { d.do(os.Rename(d.dir, d.dir+".away")) }

func (d *daemon) mendDisk() { d.do(os.Rename(d.dir+".away", d.dir)) }

// A fault that lasts says so when it begins and when it ends, and little between.
func TestF082EveryFaultHeld(t *testing.T) {
	for i, h := range heldFaults {
		if testing.Short() && i%5 != 0 {
			continue
		}
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			withWay(t, personal, thinqtest.Options{Samples: samples(guestRoom, dishwasher)}, func(d *daemon) { d.hold(h) })
		})
	}
}

func (d *daemon) hold(h held) {
	d.after(10 * time.Minute)
	begun := len(d.logged())
	if h.begin != nil {
		h.begin(d)
	}
	d.pass(h, 20*time.Minute)
	first := len(d.logged())
	d.pass(h, time.Hour)
	last := len(d.logged())
	if h.end != nil {
		h.end(d)
	}
	d.after(map[bool]time.Duration{true: 90 * time.Minute, false: 20 * time.Minute}[strings.Contains(h.over, "account") || strings.Contains(h.over, "cloud")]) // which waits for probes
	lines := d.logged()
	if n := first - begun; n > 10 {
		d.Errorf("%d lines at first:\n%s", n, strings.Join(lines[begun:first], ""))
	}
	if n := last - first; n > 4 {
		d.Errorf("%d lines in an hour of a held fault:\n%s", n, strings.Join(lines[first:last], ""))
	}
	if end := strings.Join(lines[last:], ""); !regexp.MustCompile(h.over).MatchString(end) {
		d.Errorf("told at the end:\n%s\nwant %s", end, h.over)
	}
}

// pass lets time go by while a fault goes on.
func (d *daemon) pass(h held, span time.Duration) {
	if h.again == nil {
		d.after(span)
		return
	}
	for end := time.Now().Add(span); time.Now().Before(end); d.after(h.each) {
		h.again(d)
	}
}

// audible lets pass what a log has, and every end of a command.
type audible struct{ slog.Handler }

func (h audible) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelInfo && r.Message != "command" {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (h audible) WithAttrs(attrs []slog.Attr) slog.Handler {
	return audible{h.Handler.WithAttrs(attrs)}
}

// logged are the lines of the log.
func (d *daemon) logged() []string {
	d.logMu.Lock()
	defer d.logMu.Unlock()
	return slices.DeleteFunc(strings.SplitAfter(d.log.String(), "\n"), func(line string) bool {
		return line == "" || strings.Contains(line, "level=DEBUG")
	})
}
