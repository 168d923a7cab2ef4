package bridge

import (
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

// givenUp are the ways in which the orders of the appliance "ac" are given up, and
// taken again.
var givenUp = []struct {
	name          string
	leave, resume func(h *home)
	want          string
}{
	{"standby", func(h *home) {
		h.bridge.asks <- func() { h.bridge.stepAside(presence{Instance: "another", Run: "1"}) }
	}, func(h *home) { h.bridge.asks <- h.bridge.act }, ""}, // one that stands by says nothing
	{"disabled", func(h *home) {
		for range panicLimit {
			h.bridge.asks <- func() { h.bridge.guard(h.bridge.devices["ac"], func() { panic("boom") }) }
		}
	}, func(h *home) { h.ignore(false) }, "rejected:disabled"},
	{"ignored", func(h *home) { h.ignore(true) }, func(h *home) { h.ignore(false) }, "rejected:ignored"},
}

func (h *home) ignore(yes bool) {
	o := h.o.Discovery
	o.Settings = func(string, string) discovery.Settings { return discovery.Settings{Ignore: yes} }
	h.bridge.asks <- func() { h.bridge.reconfigure(o, nil) }
}

// inSteps sends a command of several calls, the first of which LG takes 5 s for.
func inSteps(t *testing.T, f func(h *home)) {
	t.Helper()
	cooling(t, func(h *home) {
		h.cloud.report("ac", `{"operation":{"airConOperationMode":"POWER_OFF"}}`)
		h.after(time.Second)
		h.cloud.delay = 5 * time.Second
		h.set("ac", `{"climate_mode":"heat","climate_fan_mode":"low","climate_temperature":25}`)
		h.after(time.Second)
		h.wantControls(1)
		h.cloud.delay = 0 // of other calls
		f(h)
	})
}

// controlled is when a control call was made.
func (c *fakeCloud) controlled(n int) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, call := range c.calls {
		if strings.HasPrefix(call, "control") {
			if n--; n < 0 {
				return c.at[i]
			}
		}
	}
	return time.Time{}
}

// What is still to be called for a command that was given up is not called: not at
// once, and not when the appliance takes commands again.
func TestF060S33GivenUp(t *testing.T) {
	for _, tt := range givenUp {
		for name, waited := range map[string]time.Duration{" while a call is out": 0, " between two calls": 5 * time.Second} {
			t.Run(tt.name+name, func(t *testing.T) {
				inSteps(t, func(h *home) {
					h.after(waited)
					tt.leave(h)
					h.after(2 * time.Hour)
					tt.resume(h)
					h.after(time.Minute)
					h.wantControls(1)
					if got := h.stages("ac"); tt.want != "" && (len(got) != 1 || got[0] != tt.want) {
						t.Errorf("stages = %q, want %s", got, tt.want)
					}
				})
			})
		}
	}
}

// An appliance that takes commands again takes them, one call after the other:
// also when the call of a command that was given up is still out.
func TestF096CallOutWhenGivenUp(t *testing.T) {
	for _, tt := range givenUp {
		t.Run(tt.name, func(t *testing.T) {
			inSteps(t, func(h *home) {
				tt.leave(h)
				tt.resume(h)
				h.after(time.Second)
				h.cloud.report("ac", `{"operation":{"airConOperationMode":"POWER_ON"}}`)
				h.set("ac", `{"wind_strength":"high"}`)
				h.after(time.Minute)
				h.wantControls(2)
				h.set("ac", `{"wind_strength":"mid"}`)
				h.after(time.Minute)
				h.wantControls(3)
				if gap := h.cloud.controlled(1).Sub(h.cloud.controlled(0)); gap < 5*time.Second {
					t.Errorf("the second call followed after %v", gap)
				}
			})
		})
	}
}

// What waits behind the call of a command that was given up lives no longer for it.
func TestF060S33BehindGivenUp(t *testing.T) {
	cooling(t, func(h *home) {
		h.cloud.delay = 15 * time.Second
		h.set("ac", `{"target_temperature":24}`)
		h.after(time.Second)
		h.cloud.delay = 0
		h.ignore(true)
		h.ignore(false)
		h.after(time.Second)
		h.set("ac", `{"wind_strength":"high"}`)
		h.after(time.Minute)
		h.wantStages("ac", "rejected:ignored", "expired:expired")
		h.wantControls(1)
	})
}
