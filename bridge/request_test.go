package bridge

import (
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

func TestRequests(t *testing.T) {
	tests := []struct {
		verb, payload string
		want          []string // in the answer
	}{
		{"health_check", `{"transaction":7}`, []string{`"healthy":true`, `"status":"ok"`, `"transaction":7`}},
		{"discover", ``, []string{`"devices":1`, `"status":"ok"`}},
		{"refresh", `{"id":"ac"}`, []string{`"status":"ok"`}},
		{"refresh", `nobody`, []string{`"status":"error"`}},
		{"refresh", `{"device":5,"transaction":"t"}`, []string{`"status":"error"`, `"transaction":"t"`, `device must be a text`}},
		{"refresh", `[1]`, []string{`"status":"error"`, `a JSON object, or nothing, is expected`}},
		{"health_check", `rubbish`, []string{`"status":"error"`, `a JSON object, or nothing, is expected`}},
		{"health_check", `null`, []string{`"status":"ok"`}},
		{"republish", `{}`, []string{`"status":"ok"`}},
		{"device/options", `{"id":"ac"}`, []string{`"optimistic":false`, `"status":"ok"`}},
		{"device/options", `{"id":"ac","options":{"optimistic":true,"name":"Attic"}}`, []string{`"optimistic":true`, `"name":"Attic"`}},
		{"device/options", `{"id":"nobody"}`, []string{`"status":"error"`}},
		{"log_level", `{"level":"debug"}`, []string{`"level":"debug"`}},
		{"log_level", `WARN`, []string{`"level":"warn"`}},
		{"log_level", `info+2`, []string{`"status":"error"`, "debug, info, warn, error"}},
		{"log_level", `loud`, []string{`"status":"error"`}},
		{"diagnose", ``, []string{`"goroutines"`, `"snapshot"`}},
		{"restart", ``, []string{`"status":"ok"`}},
		{"permit_join", ``, []string{`"status":"error"`, "discover"}},
	}
	for _, tt := range tests {
		t.Run(tt.verb+" "+tt.payload, func(t *testing.T) {
			inHome(t, []string{ac}, func(h *home) {
				restarted := false
				h.o.Level, h.o.Restart = new(slog.LevelVar), func() { restarted = true }
				h.start()
				h.bridgeRequest(tt.verb, tt.payload)
				h.after(time.Second)
				got := h.bridgeAnswer(tt.verb)
				for _, want := range tt.want {
					if !strings.Contains(got, want) {
						t.Errorf("answer = %s, want %s", got, want)
					}
				}
				if restarted != (tt.verb == "restart") {
					t.Errorf("restarted = %v", restarted)
				}
			})
		})
	}
}

// Who asks for the list while LG is not asked, or does not give it, hears that
// within a second, and the list is read when it can be.
func TestDiscoverIsAnsweredInTrouble(t *testing.T) {
	tests := []struct {
		name    string
		trouble func(*home)
		want    string
	}{
		{"share used up", func(h *home) { h.bridge.asks <- func() { h.bridge.o.Budget = spent() } }, "the hourly share of calls is used up"},
		{"pause", func(h *home) {
			h.cloud.fail("list", lgError("1314", 401))
			h.bridgeRequest("discover", "")
			h.after(time.Second)
		}, "LG is asked nothing until"},
		{"out of order", func(h *home) { h.cloud.fail("list", lgError("2000", 500)) }, "LG's servers are in trouble"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inHome(t, []string{ac}, func(h *home) {
				h.start()
				tt.trouble(h)
				h.broker.forget()
				h.bridgeRequest("discover", `{"transaction":"t"}`)
				h.after(time.Second)
				if got := h.bridgeAnswer("discover"); !strings.Contains(got, tt.want) || !strings.Contains(got, `"transaction":"t"`) {
					t.Errorf("answer = %s", got)
				}
				h.cloud.forget()
				h.after(61 * time.Minute)
				if len(h.cloud.made("list")) == 0 {
					t.Error("the list was not read afterwards")
				}
				h.bridgeAnswer("discover")
			})
		})
	}
}

// spent is a budget of which the background calls of this hour were made.
func spent() *thinq.Budget {
	var s thinq.BudgetState
	s.Calls[thinq.Background] = slices.Repeat([]time.Time{time.Now()}, 40)
	return thinq.NewBudget(100, 40, s)
}

func (h *home) bridgeAnswer(verb string) string {
	all := h.broker.on(base + "/bridge/response/" + verb)
	if len(all) != 1 {
		h.Fatalf("%d answers to %s", len(all), verb)
	}
	return all[0]
}

func TestRequestsNotObeyed(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.o.Restart = func() { t.Error("restarted") }
		h.start()
		h.broker.forget()
		h.send(link.Message{Topic: base + "/bridge/request/restart", Payload: []byte("{}"), Retain: true})
		h.send(link.Message{Topic: base + "/bridge/request/explode", Payload: []byte(`{"transaction":"t9"}`)})
		h.send(link.Message{Topic: base + "/bridge/request/explode", Payload: []byte(strings.Repeat("x", 5000))})
		h.send(link.Message{Topic: base + "/bridge/request/restart", Payload: []byte(strings.Repeat("x", 5000))})
		h.after(time.Second)
		if got := h.broker.on(base + "/bridge/response/explode"); len(got) > 0 {
			t.Errorf("a topic of the sender's making: %q", got)
		}
		if got := h.broker.on(base + "/bridge/response/unknown"); len(got) != 2 || !strings.Contains(got[0], "health_check") || !strings.Contains(got[0], "t9") {
			t.Errorf("answer = %q", got)
		}
	})
}

// A name that was set over MQTT outlives a restart and an LG alias.
func TestOptionsAreKept(t *testing.T) {
	dir := t.TempDir()
	inHome(t, []string{ac}, func(h *home) {
		h.o.Store = openStore(t, dir)
		h.start()
		h.bridgeRequest("device/options", `{"id":"ac","options":{"name":"Attic"}}`)
		h.after(time.Second)
		h.stop()
		h.o.Store.Close()
		h.o.Store = openStore(t, dir)
		h.start()
		if !strings.Contains(h.broker.last("homeassistant/device/thinq2mqtt_"+h.slug("ac")+"/config"), `"Attic"`) {
			t.Error("the name is lost")
		}
		h.stop()
		h.o.Store.Close()
	})
}

// A line for everybody is one line, and short.
func TestS40LoggingIsShort(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.o.Log = NewLogHandler()
		h.start()
		huge := "a\n\x1b[2J" + strings.Repeat("ä", 1<<20)
		slog.New(h.o.Log).With("with", huge).Warn("long", "alias", huge, "err", errors.New(huge), "list", []string{huge}, slog.Group("group", "alias", huge))
		h.after(time.Second)
		got := h.broker.on(base + "/bridge/logging")
		if len(got) != 1 || len(got[0]) > 3000 || strings.ContainsAny(got[0], "\n\x1b") || !json.Valid([]byte(got[0])) {
			t.Errorf("%d lines: %.300q", len(got), got)
		}
	})
}

func TestLogging(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.o.Log = NewLogHandler()
		log := slog.New(h.o.Log).With("part", "test")
		log.Warn("before the start", "after", 1500*time.Millisecond)
		h.start()
		log.Info("not for everybody")
		for range 10 {
			log.Error("broken", "n", 1)
		}
		h.after(time.Second)
		got := h.broker.on(base + "/bridge/logging")
		if len(got) != 2 || !strings.Contains(got[0], `"message":"before the start","part":"test","after":"1.5s"`) || !strings.Contains(got[1], `"level":"error"`) {
			t.Errorf("logging = %q", got)
		}
		for range 1000 {
			log.Error("flood", "n", 1)
			log.Error("of lines", "n", 2)
		}
	})
}

func TestSchedule(t *testing.T) {
	now := time.Now()
	var done []string
	s := schedule{}
	add := func(name string, wait time.Duration) {
		s.set(name, now.Add(wait), func() { done = append(done, name) })
	}
	add("b", 2*time.Second)
	add("a", time.Second)
	add("later", time.Hour)
	add("never", time.Second)
	s.cancel("never")
	s.soonest("a", now.Add(time.Minute), func() { t.Error("moved to later") })
	if at, ok := s.next(); !ok || !at.Equal(now.Add(time.Second)) {
		t.Errorf("next = %v, %v", at, ok)
	}
	s.run(now.Add(time.Minute), func(do func()) { do() })
	if !slices.Equal(done, []string{"a", "b"}) || len(s.named) != 1 {
		t.Errorf("done = %q, %d left", done, len(s.named))
	}
}

// Every class has a reaction: one that is missing would be taken for unknown.
func TestPolicyIsComplete(t *testing.T) {
	for class, r := range policy {
		if r.reason != "" && r.message == "" {
			t.Errorf("%s: a rejection without a message", class)
		}
		if r.halt && len(r.waits) == 0 {
			t.Errorf("%s: a halt without an end", class)
		}
	}
	if len(policy) != 14 {
		t.Errorf("%d classes, want 14", len(policy))
	}
}
