package bridge_test

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// anew is a first start, after what prepare did to the cloud.
func (d *daemon) anew(prepare func()) {
	d.Helper()
	d.stop()
	d.dir = d.TempDir()
	prepare()
	d.start()
}

// lines are those of the log that contain a text.
func (d *daemon) linesOf(text string) (lines []string) {
	d.logMu.Lock()
	defer d.logMu.Unlock()
	for line := range strings.Lines(d.log.String()) {
		if strings.Contains(line, text) {
			lines = append(lines, line)
		}
	}
	return lines
}

// online reports whether an appliance is available.
func (d *daemon) online(name string) bool {
	d.Helper()
	_, slug := d.slugOf(name)
	return d.retained(d.topics.Availability(slug)) == `{"state":"online"}`
}

// "Too many calls" that comes as 401 is no reason to sign in again: nobody asks
// for another token, the state says what it is, and it is over by itself.
func TestF002RateAs401IsNoSignIn(t *testing.T) {
	withDaemon(t, small, func(d *daemon) {
		d.after(2 * time.Minute)
		signIns := func() int {
			return len(slices.DeleteFunc(d.calls(0), func(call string) bool { return !strings.Contains(call, "/emp/") }))
		}
		before := signIns()
		d.fault(thinqtest.Fault{Status: http.StatusUnauthorized, Code: "1314"})
		d.publish(d.topics.Request("refresh"), "")
		d.after(5 * time.Minute)
		for range 3 {
			if got := d.cloud(); got.State != "rate_limited" {
				d.Errorf("state %q: %q", got.State, got.Text)
			}
			d.after(5 * time.Minute)
		}
		if n := signIns() - before; n > 0 {
			d.Errorf("%d renewals of the sign-in", n)
		}
		d.sim.ClearFaults()
		d.after(45 * time.Minute)
		if got := d.cloud(); got.State != "ok" || !d.online(guestRoom) {
			d.Errorf("afterwards %q", got.State)
		}
	})
}

// Every form of Retry-After: no call in the pause, and one to try it after. What
// says nothing sensible counts as not said: LG gets ten minutes.
func TestF003OnePauseOneProbe(t *testing.T) {
	const none, answering = 10 * time.Minute, 200 * time.Millisecond
	o := small
	o.APIDelay = answering
	for text, pause := range map[string]time.Duration{
		"600": 10 * time.Minute, "0": time.Second, "1000000000": 6 * time.Hour, "soon": none, "-5": none, "": none,
		"Sat, 01 Jan 2000 00:45:00 GMT": 45*time.Minute - 2*time.Minute, "Fri, 31 Dec 1999 00:00:00 GMT": none,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			withWay(t, personal, o, func(d *daemon) {
				d.after(2 * time.Minute)
				d.fault(thinqtest.Fault{Status: http.StatusTooManyRequests, RetryText: text})
				before := len(d.sim.Calls(0))
				d.publish(d.topics.Request("refresh"), "")
				d.after(time.Second / 2)
				first := d.sim.Calls(before)
				if len(first) == 0 || len(first) > 2 {
					d.Fatalf("%d calls at first", len(first))
				}
				d.sim.ClearFaults()
				begun, least, most := time.Now(), pause*8/10-time.Second, pause*13/10+3*time.Minute
				if d.after(min(max(least, 0), 90*time.Minute)); pause > 90*time.Minute {
					if n := len(d.sim.Calls(before)) - len(first); n > 0 { // its end is a matter of TestF003RetryAfter
						d.Errorf("%d calls in the pause", n)
					}
					return
				}
				for len(d.sim.Calls(before)) == len(first) && time.Since(begun) < most {
					d.after(time.Second)
				}
				d.after(time.Second)
				all := d.sim.Calls(before)
				if len(all) == len(first) {
					d.Fatalf("no call within %v, the pause is %v", most, pause)
				}
				probe := all[len(first)]
				if after := probe.Time.Sub(begun); after < least {
					d.Errorf("the next call after %v, the pause is %v", after, pause)
				}
				for _, c := range d.sim.Calls(probe.N) {
					if d := c.Time.Sub(probe.Time); d < answering {
						t.Errorf("another call %v after the one to see whether LG takes any", d)
					}
				}
			})
		})
	}
}

// The network has no names for the first ten minutes: that ends nothing, and all
// is well soon after there are some.
func TestF012NoNames(t *testing.T) {
	withDaemon(t, small, func(d *daemon) {
		d.anew(func() { d.lg.Forget("*") })
		d.after(10 * time.Minute)
		if got := d.cloud(); got.State != "unreachable" || len(d.linesOf("no such host")) == 0 {
			d.Errorf("state %q: %q", got.State, got.Text)
		}
		d.lg.Forget()
		d.after(6 * time.Minute) // the longest wait, with its jitter
		if got := d.cloud(); got.State != "ok" || !d.online(guestRoom) || d.pushInfo().State != "live" {
			d.Errorf("state %q, push %+v", got.State, d.pushInfo())
		}
	})
}

// LG is away for hours. It is asked now and then, and not by each appliance for
// itself, so that there are calls left to read all of them when it is back.
func TestF012LongOutage(t *testing.T) {
	if testing.Short() {
		t.Skip("shorter outages show the same races")
	}
	withDaemon(t, thinqtest.Options{Samples: thinqtest.Samples()[:10]}, func(d *daemon) {
		d.after(2 * time.Hour)
		d.fault(thinqtest.Fault{Status: http.StatusServiceUnavailable})
		d.do(d.sim.BrokerAction("stop"))
		d.lg.Cut()
		d.after(time.Hour)
		calls := len(d.sim.Calls(0))
		d.after(2 * time.Hour)
		if n := len(d.calls(calls)); n < 10 || n > 50 {
			d.Errorf("%d calls in two hours", n)
		}
		d.warm(7)
		d.sim.ClearFaults()
		d.do(d.sim.BrokerAction("start"))
		called := func() bool { return d.cloud().State == "ok" }
		heard := func() bool { return d.pushInfo().State == "live" }
		d.until(8*time.Minute, "a sign of life", func() bool { return called() || heard() })
		x := newTruth(d)
		// A minute has three attempts to connect, and they may just have been made.
		d.until(70*time.Second, "all the rest", func() bool { return called() && heard() && len(x.wrong()) == 0 })
	})
}

// LG sends us to an event broker that does not exist, while the one we know is
// away: it is tried again, and found when it is back.
func TestF012RouteMoved(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		address := d.sim.MQTTAddr
		d.sim.MQTTAddr = "moved.test:8883"
		d.lg.Forget("moved.test", "mqtt.test")
		d.lg.Cut()
		d.after(time.Hour)
		if !slices.Contains(d.lg.Dialled(), "moved.test:8883") {
			d.Errorf("never tried: %q", d.lg.Dialled())
		}
		d.lg.Forget("moved.test")
		if took := d.since(time.Hour, func() bool { return d.pushInfo().State == "live" }); took > 30*time.Minute {
			d.Errorf("back at %s after %v", address, took)
		}
	})
}

// Nobody is called but LG's two hosts and, for a partner, its sign-in and its
// websocket: no roots, no time, no news come from elsewhere.
func TestF019NoThirdHost(t *testing.T) {
	withDaemon(t, small, func(d *daemon) {
		d.after(70 * time.Minute)
		want := []string{"api.test:443", "mqtt.test:8883"}
		if d.way.signedIn() {
			want = []string{"api.test:443", "emp.test:443", "ws.test:443"}
		}
		got := d.lg.Dialled()
		if slices.Sort(got); !slices.Equal(got, want) {
			d.Errorf("dialled %q, want %q", got, want)
		}
		if local := d.local.Dialled(); !slices.Equal(local, []string{"broker.test:1883"}) {
			d.Errorf("dialled %q in the house", local)
		}
	})
}

// The event broker's certificate is by an authority that nobody was told to
// trust: there are no events, which is said with the cause, and all else works.
func TestF018RegionalAuthority(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.anew(func() {
			o := thinqtest.Options{Samples: samples()}
			for address, door := range map[string]*net.Listener{"other.test:443": &o.REST, "region.test:8883": &o.MQTT} {
				l, err := d.lg.Listen(address)
				if err != nil {
					d.Fatal(err)
				}
				*door = l
			}
			other, err := thinqtest.NewServer(o)
			if err != nil {
				d.Fatal(err)
			}
			d.Cleanup(other.Close)
			d.sim.MQTTAddr = other.MQTTAddr
		})
		d.after(20 * time.Minute)
		if got := d.pushInfo(); got.State != "connecting" || !strings.Contains(got.Text, "not trusted") || !strings.Contains(got.Text, "unknown authority") {
			d.Errorf("push %+v", got)
		}
		if got := d.cloud(); got.State != "ok" || !d.online(guestRoom) {
			d.Errorf("state %q", got.State)
		}
		_, slug := d.slugOf(guestRoom)
		results := d.hear(d.topics.Result(slug))
		d.publish(d.topics.SetAttr(slug, "air_con_operation_mode"), "power_on")
		d.after(10 * time.Second)
		if got := statuses(d.T, results); !slices.Contains(got, "confirmed") {
			d.Errorf("stages of a command: %q", got)
		}
	})
}

// A login page in the place of LG's answers, an empty object and nothing at all are
// no list of appliances: nothing is removed, nothing becomes unavailable before its
// time, and the page is told as what it may be.
func TestF024LoginPage(t *testing.T) {
	for _, body := range []string{"login", "object", "empty"} {
		withWay(t, personal, small, func(d *daemon) {
			d.after(2 * time.Minute)
			kept := len(d.broker.Messages("homeassistant/device/#"))
			cleared := d.hear("homeassistant/device/#")
			d.fault(thinqtest.Fault{Body: body})
			d.lg.Forget("mqtt.test")
			d.lg.Cut()
			for i := range 4 {
				d.publish(d.topics.Request("discover"), "")
				if d.after(3 * time.Minute); i == 0 && !d.online(guestRoom) {
					d.Errorf("%s: unavailable at once", body)
				}
			}
			text := d.retained(d.topics.Bridge("info"))
			if got := d.cloud(); got.State != "unreachable" {
				d.Errorf("%s: state %q", body, got.State)
			}
			if body == "login" && !strings.Contains(text, "a login page or a proxy is in the way") {
				d.Errorf("bridge/info: %s", text)
			}
			d.after(2 * time.Hour)
			if n := len(d.broker.Messages("homeassistant/device/#")); n != kept || kept == 0 {
				d.Errorf("%s: %d announcements of %d", body, n, kept)
			}
			if n := emptied(cleared); n > 0 {
				d.Errorf("%s: %d announcements removed", body, n)
			}
			d.sim.ClearFaults()
			d.lg.Forget()
			d.after(45 * time.Minute)
			if got := d.cloud(); got.State != "ok" || !d.online(guestRoom) {
				d.Errorf("%s: afterwards %q", body, got.State)
			}
		})
	}
}

// Empty answers to reads, while all else is well, are no news of an appliance:
// it does not stay available on them.
func TestF024EmptyReads(t *testing.T) {
	for _, body := range []string{"object", "empty"} {
		withWay(t, personal, small, func(d *daemon) {
			d.after(2 * time.Minute)
			d.do(d.sim.SetEvents(thinqtest.EventsSilent))
			d.fault(thinqtest.Fault{Match: thinqtest.Match{Path: "/devices/*/state"}, Body: body})
			d.warm(4)
			if d.after(20 * time.Minute); !d.online(guestRoom) {
				d.Errorf("%s: unavailable before its time", body)
			}
			if d.after(2 * time.Hour); d.online(guestRoom) {
				d.Errorf("%s: still available, though nothing was heard of it for two hours", body)
			}
			d.sim.ClearFaults()
			d.after(45 * time.Minute)
			_, slug := d.slugOf(guestRoom)
			if got := d.value(slug, "target_temperature"); got != 22.0 || !d.online(guestRoom) {
				d.Errorf("%s: afterwards target_temperature = %v", body, got)
			}
		})
	}
}

// emptied are the topics that were cleared.
func emptied(messages <-chan linktest.Msg) (n int) {
	for {
		select {
		case m := <-messages:
			if len(m.Payload) == 0 {
				n++
			}
		default:
			return n
		}
	}
}

// LG revokes the client certificate: another one is had, proven, and nothing of
// the former one is kept.
func TestF037RevokedAtLG(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		first := d.store.Identity()
		d.sim.Revoke(first.ClientID)
		d.after(time.Minute)
		if took := d.since(time.Hour, func() bool { return d.pushInfo().State == "live" }); took > 10*time.Minute {
			d.Errorf("another certificate serves after %v", took)
		}
		now := d.store.Identity()
		if now.Certificate == first.Certificate || now.Former != nil || len(now.Issued) != 2 || d.pushInfo().State != "live" {
			d.Errorf("another one: %v, former %v, issued %v, push %+v", now.Certificate != first.Certificate, now.Former, now.Issued, d.pushInfo())
		}
	})
}

// Messages that are no events are counted, told once an hour without a word of
// theirs, and do no harm to the channel.
func TestF084MalformedPush(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		const canary = "canary-in-a-push"
		for i := range 300 {
			d.sim.Tell(d.store.Identity().ClientID, fmt.Appendf(nil, `{"pushType":"%s","n":%d`, canary, i))
			d.after(time.Minute)
		}
		lines := d.linesOf("not understood")
		if len(lines) < 5 || len(lines) > 6 || len(d.linesOf(canary)) > 0 || !strings.Contains(lines[1], "bytes=") || !strings.Contains(lines[1], "count=60") {
			d.Errorf("%d lines: %q", len(lines), lines)
		}
		id, slug := d.slugOf(guestRoom)
		if err := d.sim.Patch(id, []byte(`{"temperature":{"targetTemperature":28}}`)); err != nil {
			d.Fatal(err)
		}
		d.after(5 * time.Second)
		if got := d.value(slug, "target_temperature"); got != 28.0 {
			d.Errorf("target_temperature = %v", got)
		}
	})
}
