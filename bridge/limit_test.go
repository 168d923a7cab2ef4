package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// A slider of 200 steps in ten seconds makes few calls, and its last value wins.
func TestF066Slider(t *testing.T) {
	for _, latency := range []time.Duration{0, 300 * time.Millisecond} {
		cooling(t, func(h *home) {
			h.cloud.delay = latency
			h.obedient(100 * time.Millisecond)
			begun := time.Now()
			for i := range 200 {
				h.set("ac", fmt.Sprintf(`{"target_temperature":%d}`, 17+i%13))
				h.after(50 * time.Millisecond)
			}
			h.set("ac", `{"target_temperature":30}`)
			h.after(time.Minute)
			calls := h.cloud.made("control")
			if len(calls) > 5 || !strings.Contains(calls[len(calls)-1], ":30}") {
				t.Errorf("%d calls: %q", len(calls), calls)
			}
			if first := h.cloud.at[0].Sub(begun); first > 10*time.Millisecond {
				t.Errorf("the first call came after %v", first)
			}
			if got := h.state("ac", "target_temperature"); got != 30.0 {
				t.Errorf("target_temperature = %v", got)
			}
			h.wantEachEnded("ac", 201)
		})
	}
}

// wild sets an attribute to and fro, as an automation does that runs wild.
func (h *home) wild(id, attr string, n int, pause time.Duration, values ...any) {
	for i := range n {
		h.set(id, fmt.Sprintf(`{%q:%q}`, attr, fmt.Sprint(values[i%len(values)])))
		h.after(pause)
	}
}

func (h *home) lastStage(id string) string {
	all := h.stages(id)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// The same attribute is written thirty times in ten minutes and then not for half
// an hour; others are. It is seen in bridge/info, by the appliance, in a metric,
// in one line of the log, and a restart does not lift it.
func TestF066S35Breaker(t *testing.T) {
	dir := t.TempDir()
	cooling(t, func(h *home) {
		h.stop()
		h.o.Store = openStore(t, dir)
		h.start()
		h.cloud.forget()
		h.obedient(100 * time.Millisecond)
		h.wild("ac", "wind_strength", 60, 10*time.Second, "low", "high")
		h.wantControls(breakerWrites)
		if got := h.lastStage("ac"); got != "rejected:too_many" {
			t.Errorf("stage = %s", got)
		}
		all := h.results("ac")
		if why := all[len(all)-1].Error; why == nil {
			t.Fatal("nothing is refused")
		} else if until := why.Until; until == nil || time.Until(*until) < 20*time.Minute {
			t.Errorf("until = %v", until)
		}
		h.set("ac", `{"target_temperature":24}`)
		h.after(time.Second)
		if got := h.lastStage("ac"); got != confirmed {
			t.Errorf("another attribute: %s", got)
		}
		h.wantBlocked("wind_strength", true)
		if n := len(slices.DeleteFunc(h.broker.on(base+"/bridge/event"), func(s string) bool { return !strings.Contains(s, "commands_blocked") })); n != 1 {
			t.Errorf("%d events", n)
		}

		h.stop()
		h.o.Store.Close()
		h.o.Store = openStore(t, dir)
		h.start()
		h.cloud.forget()
		h.set("ac", `{"wind_strength":"mid"}`)
		h.after(time.Second)
		if got := h.lastStage("ac"); got != "rejected:too_many" {
			t.Errorf("after a restart: %s", got)
		}
		h.wantBlocked("wind_strength", true)
		h.after(breakerPause)
		h.wantBlocked("wind_strength", false)
		h.set("ac", `{"wind_strength":"mid"}`)
		h.after(time.Second)
		if got := h.lastStage("ac"); got != confirmed {
			t.Errorf("half an hour later: %s", got)
		}
		h.stop()
		h.o.Store.Close()
	})
}

func (h *home) wantBlocked(attr string, want bool) {
	h.Helper()
	h.after(11 * time.Second) // the metric
	for what, got := range map[string]bool{
		"bridge/info":    strings.Contains(h.broker.last(base+"/bridge/info"), fmt.Sprintf(`"attribute":%q`, attr)),
		"bridge/devices": strings.Contains(h.broker.last(base+"/bridge/devices"), "came too often: "+attr),
		"the metric":     testutil.ToFloat64(h.bridge.m.blocked.WithLabelValues("")) == 1,
	} {
		if got != want {
			h.Errorf("%s says blocked = %v, want %v", what, got, want)
		}
	}
}

// What was written seldom enough is never blocked, however long it goes on.
func TestF066SteadyUse(t *testing.T) {
	cooling(t, func(h *home) {
		h.obedient(100 * time.Millisecond)
		h.wild("ac", "wind_strength", 200, 22*time.Second, "low", "high")
		h.wantControls(200)
	})
}

// Off passes while its attribute is blocked, and while a flood fills the queue.
func TestF066S32OffPasses(t *testing.T) {
	const off = `control ac {"operation":{"airConOperationMode":"POWER_OFF"}}`
	switchOff := func(h *home) {
		h.Helper()
		before := len(h.cloud.made(off))
		h.set("ac", `{"air_con_operation_mode":"power_off"}`)
		h.after(3 * time.Second)
		if n := len(h.cloud.made(off)); n != before+1 || h.state("ac", "air_con_operation_mode") != "power_off" {
			h.Errorf("%d calls, it is %v", n-before, h.state("ac", "air_con_operation_mode"))
		}
	}
	t.Run("blocked", func(t *testing.T) {
		cooling(t, func(h *home) {
			h.obedient(100 * time.Millisecond)
			h.wild("ac", "air_con_operation_mode", 40, 5*time.Second, "power_off", "power_on")
			h.wantBlocked("air_con_operation_mode", true)
			h.set("ac", `{"air_con_operation_mode":"power_on"}`)
			h.after(time.Second)
			if got := h.lastStage("ac"); got != "rejected:too_many" {
				t.Errorf("on: %s", got)
			}
			h.cloud.report("ac", `{"operation":{"airConOperationMode":"POWER_ON"}}`)
			h.after(time.Second)
			switchOff(h)
		})
	})
	t.Run("flood", func(t *testing.T) {
		cooling(t, func(h *home) {
			h.obedient(100 * time.Millisecond)
			h.cloud.delay = 500 * time.Millisecond
			wishes := []string{`"wind_strength":"high"`, `"target_temperature":24`, `"current_job_mode":"fan"`, `"climate_fan_mode":"mid"`, `"climate_mode":"dry"`}
			for i, wish := range wishes { // pairs first: of two with the same attributes only the newer would wait
				for _, other := range wishes[i+1:] {
					h.set("ac", "{"+wish+","+other+"}")
				}
			}
			h.after(0)
			if got := h.lastStage("ac"); got != "rejected:busy" {
				t.Errorf("the queue is not full: %q", h.stages("ac"))
			}
			switchOff(h)
		})
	})
}

// Off does not wait for a call that hangs until it is too late, however often it is
// asked for, and whether or not the orders that the call was for are still wanted.
func TestF066S32OffBehindHangingCall(t *testing.T) {
	const off = `{"air_con_operation_mode":"power_off"}`
	tests := []struct {
		name   string
		before time.Duration // that the call is out
		times  int           // every 2 s
		again  func(h *home)
		want   time.Duration // after the call began
	}{
		{"right after it", 100 * time.Millisecond, 1, nil, urgentWait},
		{"again and again", 100 * time.Millisecond, 8, nil, urgentWait},
		{"when it has been out for long", 12 * time.Second, 1, nil, 12 * time.Second},
		{"behind a call that was given up", time.Second, 1, func(h *home) { h.ignore(true); h.ignore(false) }, urgentWait},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cooling(t, func(h *home) {
				h.obedient(100 * time.Millisecond)
				h.cloud.delay = 20 * time.Second
				h.set("ac", `{"target_temperature":24}`)
				h.after(tt.before)
				h.cloud.delay = 0
				if tt.again != nil {
					tt.again(h)
					h.after(time.Second)
				}
				for range tt.times {
					h.set("ac", off)
					h.after(2 * time.Second)
				}
				h.after(time.Minute)
				h.wantControls(2)
				if took := h.cloud.controlled(1).Sub(h.cloud.controlled(0)); took != tt.want {
					t.Errorf("sent %v after the call that hangs, want %v", took, tt.want)
				}
				if got := h.state("ac", "air_con_operation_mode"); got != "power_off" {
					t.Errorf("it is %v", got)
				}
				h.wantEachEnded("ac", 1+tt.times)
			})
		})
	}
}

// What is no order to stop or to be off gives up no call.
func TestHangingCallIsNotGivenUp(t *testing.T) {
	cooling(t, func(h *home) {
		h.obedient(100 * time.Millisecond)
		h.cloud.delay = 9 * time.Second
		h.set("ac", `{"target_temperature":24}`)
		h.after(time.Second)
		h.set("ac", `{"wind_strength":"high"}`)
		h.after(time.Minute)
		h.wantStages("ac", accepted, confirmed, accepted, confirmed)
	})
}
