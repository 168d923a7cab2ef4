package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
)

// loseCloud has no call get through any more, and one made.
func (h *home) loseCloud() {
	h.Helper()
	h.cloud.fail("*", slices.Repeat([]error{context.DeadlineExceeded}, 500)...)
	h.bridgeRequest("refresh", "")
}

// A cloud out of reach makes everything unavailable after five minutes, with
// its last state kept, and available again afterwards.
func TestCloudUnreachable(t *testing.T) {
	cooling(t, func(h *home) {
		h.loseCloud()
		h.after(4 * time.Minute)
		if h.availability("ac") != online {
			t.Error("unavailable too early")
		}
		h.after(2 * time.Minute)
		if h.availability("ac") != offline || h.state("ac", "target_temperature") != 21.0 {
			t.Errorf("availability = %q, target %v", h.availability("ac"), h.state("ac", "target_temperature"))
		}
		if s, _ := h.bridge.Snapshot(h.Context()); s.Cloud != condUnreachable {
			t.Errorf("cloud = %q", s.Cloud)
		}
		h.cloud.change(func() { clear(h.cloud.faults) })
		h.after(7 * time.Minute)
		if h.availability("ac") != online {
			t.Error("still unavailable")
		}
	})
}

// Without events a cloud that does not answer makes the bridge blind: it is not
// ready, and says why, until it sees again.
func TestBlind(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.o.Subscriber = nil
		h.start()
		for range 100 {
			h.cloud.fail("*", errors.New("dial tcp: connection refused"))
		}
		h.bridgeRequest("refresh", "")
		h.after(time.Second)
		w := h.ask("/readyz?verbose")
		if got := w.Body.String(); w.Code != http.StatusServiceUnavailable || !strings.Contains(got, "[-]bridge waits for cloud: dial tcp: connection refused") || !strings.Contains(got, "[+]bridge broker ok") {
			t.Errorf("%d: %s", w.Code, got)
		}
		if s, _ := h.bridge.Snapshot(h.Context()); s.CloudText != "dial tcp: connection refused" {
			t.Errorf("text = %q", s.CloudText)
		}
		h.cloud.change(func() { clear(h.cloud.faults) })
		h.after(10 * time.Minute)
		if w := h.ask("/readyz?verbose"); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "[-]") {
			t.Errorf("afterwards %d: %s", w.Code, w.Body)
		}
	})
}

// One read that failed, in a home where nothing else happens, is no outage.
func TestF012ShortOutage(t *testing.T) {
	cooling(t, func(h *home) {
		for range 10 {
			h.cloud.fail("state ac", context.DeadlineExceeded)
		}
		h.bridgeRequest("refresh", "")
		h.after(20 * time.Minute)
		if got := h.broker.on(h.topic("ac", "/availability")); slices.Contains(got, offline) {
			t.Errorf("availability = %q", got)
		}
	})
}

// Events prove that the cloud is there, even if calls fail.
func TestEventsKeepAlive(t *testing.T) {
	cooling(t, func(h *home) {
		for range 500 {
			h.cloud.fail("*", context.DeadlineExceeded)
		}
		for i := range 10 {
			h.bridgeRequest("refresh", "")
			h.cloud.report("ac", `{"temperature":{"currentTemperature":`+[]string{"20", "21"}[i%2]+`}}`)
			h.after(time.Minute)
		}
		if h.availability("ac") != online {
			t.Errorf("availability = %q", h.availability("ac"))
		}
	})
}

// An event after an outage proves it too: LG is asked again, before its turn.
func TestEventEndsOutage(t *testing.T) {
	cooling(t, func(h *home) {
		h.loseCloud()
		h.after(2 * time.Hour)
		h.cloud.change(func() { clear(h.cloud.faults) })
		h.cloud.report("ac", `{"temperature":{"currentTemperature":20}}`)
		h.after(time.Second)
		calls := len(h.cloud.made(""))
		h.bridgeRequest("refresh", "")
		h.after(time.Second)
		if h.availability("ac") != online || len(h.cloud.made("")) == calls {
			t.Errorf("availability = %q, %d calls", h.availability("ac"), len(h.cloud.made(""))-calls)
		}
	})
}

// What an appliance did while LG was out of reach nobody knows until it is heard of
// again, however early others are. With events all the while there is no such doubt.
func TestF012UnheardStaysUnavailable(t *testing.T) {
	for name, events := range map[string]bool{"no events": false, "events": true} {
		t.Run(name, func(t *testing.T) {
			inHome(t, []string{ac, strings.Replace(ac, "ac=", "other=", 1)}, func(h *home) {
				var ep thinq.Endpoint
				h.o.Subscriber = func(ctx context.Context, e thinq.Endpoint, _ func([]byte)) error {
					ep = e
					ep.Told(thinq.FreshFlow)
					<-ctx.Done()
					return nil
				}
				h.start()
				h.after(time.Minute)
				ep.Told(map[bool]thinq.Flow{true: thinq.ResumedFlow}[events])
				h.cloud.fail("state other", slices.Repeat([]error{context.DeadlineExceeded}, 100)...)
				h.loseCloud()
				h.after(6 * time.Minute)
				h.cloud.change(func() { delete(h.cloud.faults, "*") })
				h.after(7 * time.Minute)
				want := map[bool]string{true: online, false: offline}[events]
				if h.availability("ac") != online || h.availability("other") != want {
					t.Errorf("read: %q, not read: %q", h.availability("ac"), h.availability("other"))
				}
				h.cloud.report("other", `{"temperature":{"currentTemperature":20}}`)
				h.after(time.Second)
				if h.availability("other") != online {
					t.Errorf("heard of: %q", h.availability("other"))
				}
			})
		})
	}
}

func TestTokenRefused(t *testing.T) {
	cooling(t, func(h *home) {
		for range 100 {
			h.cloud.fail("*", lgError("1218", 400))
		}
		h.bridgeRequest("refresh", "")
		h.after(10 * time.Minute)
		if calls := h.cloud.made(""); len(calls) > 2 {
			t.Errorf("%d calls with a refused token", len(calls))
		}
		if h.availability("ac") != offline {
			t.Errorf("availability = %q", h.availability("ac"))
		}
		h.set("ac", `{"target_temperature":24}`)
		h.after(time.Second)
		h.wantStages("ac", "rejected:auth_required")
		h.wantControls(0)
		h.cloud.change(func() { clear(h.cloud.faults) })
		if err := h.bridge.Retry(h.Context()); err != nil {
			t.Fatal(err)
		}
		h.after(time.Minute)
		if h.availability("ac") != online {
			t.Error("a new token is not taken up")
		}
	})
}

// No call during a pause, and one probe after it.
func TestF003NoCallInAPause(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.start()
		h.cloud.forget()
		h.cloud.fail("*", &thinq.Error{Code: "1306", Status: 429, RetryAfter: 20 * time.Minute})
		h.bridgeRequest("refresh", "ac")
		h.after(time.Second)
		h.bridgeRequest("refresh", "")
		h.after(19 * time.Minute)
		if calls := h.cloud.made(""); len(calls) != 1 {
			t.Errorf("calls during the pause: %q", calls)
		}
		if h.availability("ac") != online {
			t.Error("a pause makes nothing unavailable")
		}
		h.after(2 * time.Minute)
		if calls := h.cloud.made(""); len(calls) != 3 {
			t.Errorf("calls after the pause: %q", calls)
		}
		events := h.broker.on(base + "/bridge/event")
		if n := count(events, "rate_limited"); n != 1 {
			t.Errorf("said %d times: %q", n, events)
		}
	})
}

func count(all []string, word string) (n int) {
	for _, s := range all {
		if strings.Contains(s, word) {
			n++
		}
	}
	return n
}

// Without any observation for three intervals an appliance is unavailable.
func TestStaleAppliance(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.o.Budget = thinq.NewBudget(100, 0, thinq.BudgetState{})
		h.start()
		h.o.Budget = nil
		if h.availability("ac") != online {
			t.Fatalf("availability = %q", h.availability("ac"))
		}
		for range 100 {
			h.cloud.fail("state ac", lgError("2208", 400)) // busy for ever
		}
		h.after(80 * time.Minute)
		if h.availability("ac") != online {
			t.Error("unavailable too early")
		}
		h.after(15 * time.Minute)
		if h.availability("ac") != offline {
			t.Error("still available")
		}
		h.cloud.report("ac", `{"temperature":{"currentTemperature":25}}`)
		h.after(time.Second)
		if h.availability("ac") != online {
			t.Error("a report does not bring it back")
		}
	})
}

func TestReconcile(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.start()
		h.cloud.forget()
		h.after(6 * time.Hour)
		for _, id := range []string{"ac", "dish"} {
			if n := len(h.cloud.made("state " + id)); n < 10 || n > 14 {
				t.Errorf("%d reads of %s in six hours", n, id)
			}
		}
		if h.cloud.peak > flight {
			t.Errorf("%d calls at once", h.cloud.peak)
		}
	})
}

// What was asked for of LG is asked for again before it ends.
func TestRenewal(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.o.Reconcile = 1000 * time.Hour
		h.start()
		h.cloud.forget()
		h.after(72 * time.Hour)
		for _, id := range []string{"ac", "dish"} {
			if n := len(h.cloud.made("event " + id)); n < 6 || n > 8 {
				t.Errorf("%d renewals of %s in three days", n, id)
			}
		}
		if n := len(h.cloud.made("lifecycle")); n < 2 || n > 4 {
			t.Errorf("%d renewals of lifecycle news", n)
		}
	})
}

// What LG answers in words that nobody knows is no observation: it is told, and if
// nothing else comes appliances are unavailable, those that do answer excepted.
func TestF009UnknownAnswers(t *testing.T) {
	for call, want := range map[string]string{"*": offline, "state dish": online} {
		t.Run(call, func(t *testing.T) {
			inHome(t, []string{ac, dish}, func(h *home) {
				h.start()
				h.cloud.fail(call, slices.Repeat([]error{lgError("1299", 400)}, 500)...)
				h.bridgeRequest("refresh", "")
				h.after(10 * time.Minute)
				if got := h.availability("ac"); got != want {
					t.Errorf("availability of another one = %q", got)
				}
				if s, _ := h.bridge.Snapshot(h.Context()); (s.Cloud == condUnreachable && strings.Contains(s.CloudText, "1299")) != (want == offline) {
					t.Errorf("cloud %q, %q", s.Cloud, s.CloudText)
				}
				h.after(3 * time.Hour)
				if got := h.availability("dish"); got != offline {
					t.Errorf("availability = %q", got)
				}
				if s, _ := h.bridge.Snapshot(h.Context()); want == online && !strings.Contains(s.Devices[1].Problem, "1299") {
					t.Errorf("problem %q", s.Devices[1].Problem)
				}
				h.cloud.change(func() { clear(h.cloud.faults) })
				h.after(time.Hour)
				if s, _ := h.bridge.Snapshot(h.Context()); h.availability("ac") != online || h.availability("dish") != online || s.Devices[1].Problem != "" || s.Cloud != condOK {
					t.Errorf("afterwards %s, %s, %+v", h.availability("ac"), h.availability("dish"), s)
				}
			})
		})
	}
}

// A state, or a profile, that makes no sense is a problem until one does.
func TestProblemEnds(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.start()
		for i, answers := range []map[string]json.RawMessage{h.cloud.states, h.cloud.profiles} {
			good := answers["ac"]
			for _, bad := range []bool{true, false} {
				h.cloud.change(func() {
					if answers["ac"] = good; bad {
						answers["ac"] = json.RawMessage(`"maintenance"`)
					}
				})
				if i == 1 {
					h.bridge.asks <- func() { h.bridge.readProfile(h.bridge.devices["ac"], thinq.Background, orderAsked) }
				}
				h.bridgeRequest("refresh", "ac")
				h.after(11 * time.Minute)
				if s, _ := h.bridge.Snapshot(h.Context()); (s.Devices[0].Problem != "") != bad {
					t.Errorf("problem %q, bad %v", s.Devices[0].Problem, bad)
				}
			}
		}
	})
}

// The REST side goes on when events are refused.
func TestPushRefused(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.cloud.refuse = lgError("1309", 403)
		h.start()
		if h.availability("ac") != online {
			t.Errorf("availability = %q", h.availability("ac"))
		}
		s, _ := h.bridge.Snapshot(h.Context())
		if s.Push != pushConnecting || s.Cloud != condOK {
			t.Errorf("push = %q, cloud = %q", s.Push, s.Cloud)
		}
		if calls := h.cloud.made("event"); len(calls) > 0 {
			t.Errorf("subscribed although LG does not know us: %q", calls)
		}
		h.bridge.asks <- func() { h.bridge.o.Budget = spent() }
		h.after(12 * time.Hour)
		if s, _ = h.bridge.Snapshot(h.Context()); len(s.Problems) > 0 {
			t.Errorf("problems %q, half a day after the hour's calls were used up", s.Problems)
		}
	})
}

// Without events there are reads only.
func TestWithoutEvents(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.o.Subscriber = nil
		h.start()
		if got := slices.Sorted(slices.Values(h.cloud.made(""))); !slices.Equal(got, []string{"list", "profile ac", "profile dish", "state ac", "state dish"}) {
			t.Errorf("calls = %q", got)
		}
	})
}

func TestF072Birth(t *testing.T) {
	cooling(t, func(h *home) {
		begun := time.Now()
		h.send(linkMessage("homeassistant/status", "online"))
		h.send(linkMessage("homeassistant/status", "online"))
		h.after(10 * time.Second)
		topics := h.broker.keptTopics()
		for _, topic := range []string{"homeassistant/device/thinq2mqtt_" + h.slug("ac") + "/config", h.topic("ac", ""), h.topic("ac", "/availability"), base + "/bridge/state"} {
			if n := len(slices.DeleteFunc(slices.Clone(topics), func(s string) bool { return s != topic })); n != 1 {
				t.Errorf("%s published %d times", topic, n)
			}
		}
		if wait := h.broker.stamps()[0].Sub(begun); wait < 2*time.Second || wait > 7*time.Second {
			t.Errorf("republished after %v", wait)
		}
	})
}

// A Home Assistant that starts again and again is answered all the same.
func TestF072Flicker(t *testing.T) {
	cooling(t, func(h *home) {
		h.broker.forget()
		for range 20 {
			h.send(linkMessage("homeassistant/status", "online"))
			h.after(time.Second)
		}
		if n := len(h.broker.on(base + "/bridge/state")); n < 2 {
			t.Errorf("answered %d times in 20 s", n)
		}
	})
}

// The birth message in a large home is answered with at most fifty messages a
// second; a connection is not paced, so that all is there within a second.
func TestRepublishIsPaced(t *testing.T) {
	var names []string
	for _, id := range strings.Split("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN", "") {
		names = append(names, id+"=air_conditioner_one_setpoint")
	}
	inHome(t, names, func(h *home) {
		h.start()
		complete := func() {
			h.Helper()
			if n := len(h.broker.stamps()); n < 3*len(names) {
				h.Fatalf("%d messages", n)
			}
			if got := h.broker.keptTopics(); got[len(got)-1] != base+"/bridge/state" {
				h.Errorf("the last message is on %s", got[len(got)-1])
			}
		}
		h.broker.cut()
		h.broker.forget()
		h.broker.connect()
		h.after(time.Second)
		complete()
		h.broker.forget()
		h.send(link.Message{Topic: "homeassistant/status", Payload: []byte("online")})
		h.after(20 * time.Second)
		complete()
		for i, at := range h.broker.stamps() {
			if i >= outboxPace && at.Sub(h.broker.stamps()[i-outboxPace]) < time.Second {
				h.Fatalf("more than %d messages within a second", outboxPace)
			}
		}
	})
}
