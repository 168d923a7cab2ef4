package bridge_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// Where LG answers nothing at all, the sender is told why, and what to do.
func TestF059NoAnswer(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		_, slug := d.slugOf(guestRoom)
		results := d.results(slug)
		d.fault(thinqtest.Fault{Body: "html"})
		d.publish(d.topics.SetAttr(slug, "air_con_operation_mode"), "power_on")
		d.after(time.Minute)
		got, n := final(t, results)
		if why := got.Error; n != 1 || why.Reason != "no_answer" || !strings.Contains(why.Message, "Look at the appliance") || !strings.Contains(why.Message, "LG's servers are in trouble") {
			t.Errorf("%d results, the last %+v", n, got)
		}
	})
}

// Whatever becomes of LG's answer, the command is made once and ends as the
// appliance shows.
func TestF059UnclearOutcome(t *testing.T) {
	seconds := func(n int) thinqtest.Duration { return thinqtest.Duration(time.Duration(n) * time.Second) }
	tests := []struct {
		name   string
		fault  thinqtest.Fault
		report time.Duration
		want   string
		done   bool
	}{
		{"done, the answer is lost", thinqtest.Fault{Body: "reset", After: true}, 800 * time.Millisecond, "confirmed", true},
		{"not done, the answer is lost", thinqtest.Fault{Body: "reset"}, 800 * time.Millisecond, "unknown", false},
		{"done, no answer in time", thinqtest.Fault{Delay: seconds(30), After: true}, 800 * time.Millisecond, "confirmed", true},
		{"done after 8 s", thinqtest.Fault{Body: "reset", After: true}, 8 * time.Second, "confirmed", true},
		{"2209 and done", thinqtest.Fault{Code: "2209", Status: 400, After: true}, 800 * time.Millisecond, "confirmed", true},
		{"2209 and not done", thinqtest.Fault{Code: "2209", Status: 400}, 800 * time.Millisecond, "unknown", false},
		{"done and never reported", thinqtest.Fault{Body: "reset", After: true}, -1, "confirmed", true},
		{"a gateway's page, done", thinqtest.Fault{Body: "html", After: true}, 800 * time.Millisecond, "confirmed", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := small
			o.ReportDelay = tt.report
			withWay(t, personal, o, func(d *daemon) {
				d.after(time.Minute)
				_, slug := d.slugOf(guestRoom)
				results := d.results(slug)
				tt.fault.Match, tt.fault.Times = thinqtest.Match{Method: "POST"}, 1
				if err := d.sim.Fault(tt.fault); err != nil {
					d.Fatal(err)
				}
				before := len(d.sim.Calls(0))
				d.publish(d.topics.SetAttr(slug, "air_con_operation_mode"), "power_on")
				d.after(2 * time.Minute)
				if got, n := final(t, results); n != 1 || got.Status != tt.want || got.Duration > 12_000 { // 10 s for a report, and a read
					t.Errorf("%d results, the last %+v, want %s", n, got, tt.want)
				} else if why := got.Error.Message; why != "" && tt.fault.Body == "reset" && !strings.Contains(why, "the connection ended before the answer") {
					t.Errorf("told %q", why)
				}
				if calls := d.controls(before); len(calls) != 1 {
					t.Errorf("calls = %q", calls)
				}
				if on := d.value(slug, "air_con_operation_mode") == "power_on"; on != tt.done {
					t.Errorf("shown as on: %v", on)
				}
			})
		})
	}
}

// What was sent while the bridge was away is never carried out.
func TestF060S33SentWhileAway(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		_, slug := d.slugOf(guestRoom)
		before := 0
		d.restart(func() {
			before = len(d.sim.Calls(0))
			for range 50 {
				d.publish(d.topics.SetAttr(slug, "air_con_operation_mode"), "power_on")
				d.after(time.Second)
			}
		})
		d.after(time.Minute)
		if calls := d.controls(before); len(calls) > 0 {
			t.Errorf("calls = %q", calls)
		}
	})
}

// A retained command is never carried out: not one that lies on the broker before
// the start, which is not even asked for, not one that is sent so, of which the
// sender is told how to be rid of it, not after a restart of either.
func TestF061S33Retained(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		_, slug := d.slugOf(guestRoom)
		topic := d.topics.SetAttr(slug, "air_con_operation_mode")
		retain := func() {
			if err := d.broker.Publish(topic, []byte("power_on"), true); err != nil {
				d.Fatal(err)
			}
		}
		results := d.hear(d.topics.Result(slug))
		d.restart(retain)
		if got, n := final(t, results); n != 0 {
			t.Errorf("%d results of what was there before: %+v", n, got)
		}
		retain()
		d.after(time.Second)
		if got, n := final(t, results); n != 1 || got.Error.Reason != "retained" || !strings.Contains(got.Error.Message, "empty retained message") {
			t.Errorf("%d results: %+v", n, got)
		}
		d.local.Cut()
		d.after(time.Minute)
		d.restart(nil)
		if got, n := final(t, results); n != 0 {
			t.Errorf("%d results after a cut and a restart: %+v", n, got)
		}
		if calls := d.controls(0); len(calls) > 0 {
			t.Errorf("calls = %q", calls)
		}
	})
}

// Fifty commands are on their way when the bridge is told to stop: each is
// answered, and nothing is sent afterwards.
func TestF071FiftyAtStop(t *testing.T) {
	o := thinqtest.Options{Samples: fleet(t, 10), CallsPerHour: -1}
	withWay(t, personal, o, func(d *daemon) {
		d.after(time.Minute)
		results, err := d.broker.Subscribe("thinq2mqtt/+/result")
		if err != nil {
			d.Fatal(err)
		}
		if err := d.sim.Fault(thinqtest.Fault{Match: thinqtest.Match{Method: "POST"}, Delay: thinqtest.Duration(3 * time.Second)}); err != nil {
			d.Fatal(err)
		}
		attrs := []string{"target_temperature=25", "wind_strength=high", "current_job_mode=heat", "climate_fan_mode=mid", "climate_temperature=26"}
		for i := range 50 {
			attr, value, _ := strings.Cut(attrs[i/10], "=")
			d.publish(d.topics.Set(fleetSlug(i%10)), fmt.Sprintf(`{%q:%q,"transaction":"t%d"}`, attr, value, i))
		}
		d.after(100 * time.Millisecond)
		begun := time.Now()
		d.stop()
		took, at := time.Since(begun), len(d.sim.Calls(0))
		ended := endings(t, results)
		if len(ended) != 50 || took > 10*time.Second {
			t.Errorf("%d commands ended, the stop took %v", len(ended), took)
		}
		for transaction, n := range ended {
			if n != 1 {
				t.Errorf("%s ended %d times", transaction, n)
			}
		}
		d.after(time.Minute)
		if late := d.calls(at); len(late) > 0 {
			t.Errorf("calls afterwards: %q", late)
		}
		d.start()
	})
}

// The same attribute is written as fast as a broker can: few calls reach LG, the
// bridge goes on answering, and what waits is bounded.
func TestF058Flood(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute of a flood")
	}
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		_, slug := d.slugOf(guestRoom)
		before := len(d.sim.Calls(0))
		words := []string{"low", "high", "mid", "slow"}
		for i := range 60_000 {
			d.publish(d.topics.SetAttr(slug, "wind_strength"), words[i%len(words)])
			if i%1000 == 999 {
				d.after(time.Second)
				if s, err := d.bridge.Snapshot(d.Context()); err != nil || !s.Broker.Connected {
					d.Fatalf("%+v, %v", s.Broker, err)
				}
			}
		}
		d.after(time.Minute)
		if calls := d.controls(before); len(calls) > 30+1 { // one switches it on
			t.Errorf("%d calls", len(calls))
		}
		if got := d.retained(d.topics.Bridge("info")); !strings.Contains(got, `"attribute":"wind_strength"`) {
			t.Errorf("bridge/info = %s", got)
		}
	})
}

// Of five hundred commands in one moment, over a link that takes 64, each is
// answered once, though LG hangs and the connection to the broker ends meanwhile;
// that is back at once.
func TestF041EveryCommandAnswered(t *testing.T) {
	o := thinqtest.Options{Samples: fleet(t, 5), CallsPerHour: -1}
	withWay(t, personal, o, func(d *daemon) {
		d.after(time.Minute)
		results, err := d.broker.Subscribe("thinq2mqtt/+/result")
		if err != nil {
			d.Fatal(err)
		}
		if err := d.sim.Fault(thinqtest.Fault{Match: thinqtest.Match{Method: "POST"}, Delay: thinqtest.Duration(time.Minute)}); err != nil {
			d.Fatal(err)
		}
		for i := range 500 {
			d.publish(d.topics.Set(fleetSlug(i%5)), fmt.Sprintf(`{"target_temperature":%d,"transaction":"t%d"}`, 17+i%15, i))
		}
		d.after(time.Second)
		d.local.Cut()
		d.until(5*time.Second, "another connection", func() bool { return d.link.Status().Connects == 2 && d.atWork() })
		d.after(3 * time.Minute)
		ended := endings(t, results)
		if len(ended) != 500 {
			t.Errorf("%d commands ended; %+v", len(ended), d.link.Status())
		}
		for transaction, n := range ended {
			if n != 1 {
				t.Errorf("%s ended %d times", transaction, n)
			}
		}
	})
}

// endings counts how often each transaction ended.
func endings(t *testing.T, results <-chan linktest.Msg) map[string]int {
	t.Helper()
	all := map[string]int{}
	for len(results) > 0 {
		m := <-results
		var r outcome
		if err := json.Unmarshal(m.Payload, &r); err != nil {
			t.Fatal(err)
		}
		if r.Status != "accepted" {
			all[r.Transaction]++
		}
	}
	return all
}
