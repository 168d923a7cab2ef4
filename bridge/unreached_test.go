package bridge_test

import (
	"context"
	"encoding/json"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// An outcome is how a command ended, for a test.
type outcome struct {
	Transaction string
	Status      string
	Error       struct {
		Reason, Message string
		Until           time.Time
	}
	Duration int64 `json:"duration_ms"`
}

// final is the last answer that came to a command.
func final(t *testing.T, results <-chan linktest.Msg) (last outcome, n int) {
	t.Helper()
	for {
		select {
		case m := <-results:
			last = outcome{}
			if err := json.Unmarshal(m.Payload, &last); err != nil {
				t.Fatal(err)
			}
			if last.Status != "accepted" {
				n++
			}
		default:
			return last, n
		}
	}
}

// A start that rests on what is no longer fresh is answered at once as well while LG
// takes no calls, and is not begun when it takes them again.
func TestS37Paused(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		id, slug := d.slugOf(dishwasher)
		d.do(d.sim.Patch(id, []byte(`{"runState":{"currentState":"INITIAL"}}`)))
		results, err := d.broker.Subscribe(d.topics.Result(slug))
		d.do(err)
		d.fault(thinqtest.Fault{Code: "1314", Status: 401})
		d.refresh()
		d.after(time.Minute)
		before := len(d.sim.Calls(0))
		d.publish(d.topics.SetAttr(slug, "start"), "PRESS")
		d.after(100 * time.Millisecond)
		if got, n := final(t, results); n != 1 || got.Error.Reason != "rate_limited" || got.Error.Until.IsZero() {
			d.Errorf("%d results: %+v", n, got)
		}
		d.sim.ClearFaults()
		d.after(time.Hour)
		if calls := d.controls(before); len(calls) > 0 {
			d.Errorf("calls = %q", calls)
		}
	})
}

// In every condition of the account a command is answered at once, with the
// class of what is wrong and when the next try makes sense.
func TestF069AnswerInEveryState(t *testing.T) {
	const attr = "wind_strength"
	tests := []struct {
		name   string
		ail    func(d *daemon)
		reason string
		within time.Duration
		until  bool
		calls  bool // LG is asked
	}{
		{"nobody listens", func(d *daemon) { d.leave() }, "unreachable", time.Second, true, false},
		{"dark", func(d *daemon) { d.leave(); d.after(20 * time.Minute) }, "unreachable", 100 * time.Millisecond, true, false},
		{"too many calls", func(d *daemon) { d.fault(thinqtest.Fault{Code: "1314", Status: 401}) }, "rate_limited", time.Second, true, true},
		{"too many calls, known", func(d *daemon) {
			d.fault(thinqtest.Fault{Code: "1314", Status: 401})
			d.refresh()
			d.after(time.Minute)
		}, "rate_limited", 100 * time.Millisecond, true, false},
		{"token revoked", func(d *daemon) { d.fault(thinqtest.Fault{Code: "1218", Status: 401}) }, "auth_required", time.Second, true, true},
		{"token revoked, known", func(d *daemon) {
			d.fault(thinqtest.Fault{Code: "1218", Status: 401})
			d.refresh()
			d.after(time.Minute)
		}, "auth_required", 100 * time.Millisecond, true, false},
		{"terms", func(d *daemon) {
			d.fault(thinqtest.Fault{Code: "1304", Status: 403})
			d.refresh()
			d.after(time.Minute)
		}, "terms_required", 100 * time.Millisecond, true, false},
		{"blocked", func(d *daemon) { d.fault(thinqtest.Fault{Code: "1309", Status: 403}) }, "blocked", time.Second, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			withWay(t, personal, small, func(d *daemon) {
				d.after(time.Minute)
				_, slug := d.slugOf(guestRoom)
				results := d.results(slug)
				tt.ail(d)
				before := len(d.sim.Calls(0))
				d.publish(d.topics.SetAttr(slug, attr), "high")
				d.after(tt.within)
				got, n := final(t, results)
				if n != 1 || got.Status != "rejected" || got.Error.Reason != tt.reason || got.Error.Message == "" {
					t.Errorf("%d answers, the last %+v", n, got)
				}
				if got.Error.Until.After(time.Now()) != tt.until {
					t.Errorf("until = %v", got.Error.Until)
				}
				if calls := d.controls(before); len(calls) > 0 != tt.calls {
					t.Errorf("calls = %q", calls)
				}
				d.after(2 * time.Minute)
				if _, n := final(t, results); n > 0 {
					t.Errorf("%d more answers", n)
				}
			})
		})
	}
}

// A command that could not get to LG looks whether LG is back: the next one gets
// there.
func TestF069CommandLooksWhetherLGIsBack(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		_, slug := d.slugOf(guestRoom)
		d.leave()
		d.refresh()
		d.after(7 * time.Minute)
		results := d.results(slug)
		d.away.Store(false)
		for _, step := range []struct {
			wait time.Duration
			want string
		}{{time.Second, "rejected"}, {15 * time.Second, "confirmed"}} { // events may not be back yet
			d.publish(d.topics.SetAttr(slug, "air_con_operation_mode"), "power_on")
			d.after(step.wait)
			if got, _ := final(t, results); got.Status != step.want {
				t.Errorf("%+v, want %s", got, step.want)
			}
		}
	})
}

// refresh has the bridge find out what is wrong.
func (d *daemon) refresh() { d.publish(d.topics.Request("refresh"), "") }

// leave makes LG go away.
func (d *daemon) leave() {
	d.away.Store(true)
	d.lg.Cut()
	d.after(time.Second)
}

// dialLG connects to LG, unless it went away.
func (d *daemon) dialLG(ctx context.Context, network, addr string) (net.Conn, error) {
	if d.away.Load() {
		return nil, syscall.ECONNREFUSED
	}
	return d.lg.Dial(ctx, network, addr)
}
