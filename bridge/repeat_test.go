package bridge

import (
	"fmt"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
)

// A start that is sent twice within two seconds is made once, and both are
// answered. One that had no effect may be tried again, and a stop between them
// makes the second another one.
func TestF062TwiceWithinTwoSeconds(t *testing.T) {
	tests := []struct {
		name          string
		gap           time.Duration
		delay         time.Duration // of LG
		refuse        bool          // the first
		stop          bool          // between
		want          int
		first, second string
	}{
		{"1.5 s apart", 1500 * time.Millisecond, 0, false, false, 1, confirmed, confirmed},
		{"at once", 0, 0, false, false, 1, confirmed, confirmed},
		{"while the first is under way", 4 * time.Second, 6 * time.Second, false, false, 1, confirmed, confirmed},
		{"refused while the second is there", time.Second, 6 * time.Second, true, false, 1, "rejected:refused", "rejected:refused"},
		{"3 s apart", 3 * time.Second, 0, false, false, 2, confirmed, confirmed},
		{"the first was refused", time.Second, 0, true, false, 2, "rejected:refused", confirmed},
		{"a stop between", 800 * time.Millisecond, 0, false, true, 2, confirmed, confirmed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rinsing(t, func(h *home) {
				h.cloud.delay = tt.delay
				if tt.refuse {
					h.cloud.fail(started, lgError("2301", 400))
				}
				h.cloud.report("dw", `{"runState":{"currentState":"INITIAL"}}`)
				h.set("dw", `{"start":"PRESS","transaction":1}`)
				h.after(tt.gap)
				if tt.stop {
					h.set("dw", `{"stop":"PRESS","transaction":3}`)
					h.after(tt.gap)
				}
				h.set("dw", `{"start":"PRESS","transaction":2}`)
				h.after(time.Minute)
				if n := len(h.cloud.made(started)); n != tt.want {
					t.Errorf("started %d times, want %d: %q", n, tt.want, h.stages("dw"))
				}
				h.wantEachEnded("dw", len(h.transactions("dw")))
				if first, second := h.ending("dw", "1"), h.ending("dw", "2"); first != tt.first || second != tt.second {
					t.Errorf("told %s and %s, want %s and %s", first, second, tt.first, tt.second)
				}
			})
		})
	}
}

// ending is how a command of an appliance ended, in short.
func (h *home) ending(id, transaction string) (last string) {
	h.Helper()
	stages := h.stages(id)
	for i, r := range h.results(id) {
		if string(r.Transaction) == transaction && r.Status != accepted {
			last = stages[i]
		}
	}
	return last
}

// The connection is cut a hundred times between a command and its
// acknowledgement, in a flood of others: each redelivery is recognised.
func TestF062Redelivered(t *testing.T) {
	rinsing(t, func(h *home) {
		for i := range 100 {
			h.cloud.report("dw", `{"runState":{"currentState":"INITIAL"}}`)
			h.after(3 * time.Second)
			h.cloud.forget()
			m := link.Message{Topic: h.topic("dw", "/set"), Payload: fmt.Appendf(nil, `{"start":"PRESS","transaction":%d}`, i)}
			h.send(m)
			h.after(time.Second)
			for n := range 50 {
				h.send(link.Message{Topic: base + "/nobody/set", Payload: fmt.Appendf(nil, `{"a":"%d %d"}`, i, n)})
			}
			h.after(2 * time.Second)
			m.Dup = true
			h.send(m)
			h.after(time.Second)
			if i < breakerWrites {
				h.wantControls(1)
			}
		}
	})
}

// The memory is bounded, and what it forgets is the oldest.
func TestF062MemoryDoesNotRunOver(t *testing.T) {
	cooling(t, func(h *home) {
		h.obedient(100 * time.Millisecond)
		for i := range 3 * dupMemory {
			h.send(link.Message{Topic: base + "/nobody/set", Payload: fmt.Appendf(nil, `{"a":%d}`, i)})
		}
		m := link.Message{Topic: h.topic("ac", "/set"), Payload: []byte(`{"target_temperature":24}`)}
		h.send(m)
		h.after(5 * time.Second)
		h.cloud.report("ac", `{"temperature":{"targetTemperature":20}}`)
		m.Dup = true
		h.send(m)
		h.after(5 * time.Second)
		h.wantControls(1)
		if n := len(h.bridge.dup.now) + len(h.bridge.dup.before); n > 2*dupMemory {
			t.Errorf("%d names are remembered", n)
		}
	})
}
