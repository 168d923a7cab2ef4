package bridge

import (
	"fmt"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
)

// Every command that was taken in when the bridge stops is answered once, wherever it
// is: in the link, where the link found no room, or sent while the farewell is on
// its way. So are requests.
func TestF071S33TakenInAtStop(t *testing.T) {
	const n = 20
	tests := map[string]func(h *home, m link.Message){
		"in the link": func(h *home, m link.Message) { h.broker.messages <- m },
		"no room": func(h *home, m link.Message) {
			h.broker.slow = map[string]time.Duration{base + "/bridge/state": time.Second}
			time.AfterFunc(500*time.Millisecond, func() { h.o.Spill.Take(m) })
		},
		"at the farewell": func(h *home, m link.Message) {
			h.broker.slow = map[string]time.Duration{base + "/bridge/state": time.Second}
			time.AfterFunc(500*time.Millisecond, func() { h.broker.messages <- m })
		},
	}
	for name, take := range tests {
		t.Run(name, func(t *testing.T) {
			inHome(t, []string{ac}, func(h *home) {
				h.o.Spill = NewSpill()
				h.start()
				h.broker.forget()
				h.cloud.forget()
				for i := range n {
					take(h, link.Message{Topic: h.topic("ac", "/set"), Received: time.Now(), Payload: fmt.Appendf(nil, `{"target_temperature":%d,"transaction":%d}`, 20+i%5, i)})
				}
				take(h, link.Message{Topic: base + "/bridge/request/refresh", Payload: []byte(`{"transaction":"r"}`)})
				begun := time.Now()
				h.stop()
				if took := time.Since(begun); took > drainCalls+drainFlush {
					t.Errorf("the stop took %v", took)
				}
				h.wantEachEnded("ac", n)
				if got := h.broker.on(base + "/bridge/response/refresh"); len(got) != 1 {
					t.Errorf("answers to the request: %q", got)
				}
				if got := h.broker.last(base + "/bridge/state"); got != offline {
					t.Errorf("bridge/state = %s", got)
				}
			})
		})
	}
}

// What waits to know who is at work is not left without an end, and what is for
// another bridge is left to that.
func TestF071HeldAtStop(t *testing.T) {
	for role, want := range map[role]int{roleAsking: 1, roleAside: 0} {
		cooling(t, func(h *home) {
			h.bridge.asks <- func() {
				h.bridge.stand.role = role
				h.bridge.later.cancel("presence")
			}
			h.set("ac", `{"target_temperature":24}`)
			h.after(time.Millisecond)
			h.wantEachEnded("ac", 0)
			h.stop()
			h.wantEachEnded("ac", want)
			h.wantControls(0)
		})
	}
}
