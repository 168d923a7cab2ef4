package bridge

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Twenty set-points in a tenth of a second: the first goes at once, the last
// one wins, and little is sent between.
func TestCommandsMerge(t *testing.T) {
	for _, delay := range []time.Duration{0, 30 * time.Millisecond, 400 * time.Millisecond} {
		t.Run(delay.String(), func(t *testing.T) {
			cooling(t, func(h *home) {
				h.cloud.delay = delay
				h.obedient(200 * time.Millisecond)
				begun := time.Now()
				for i := range 20 {
					h.set("ac", fmt.Sprintf(`{"target_temperature":%d,"transaction":%d}`, 17+i%14, i))
					h.after(5 * time.Millisecond)
				}
				h.set("ac", `{"target_temperature":30,"transaction":"last"}`)
				h.after(20 * time.Second)
				calls := h.cloud.made("control")
				if len(calls) > 4 || len(calls) < 2 {
					t.Fatalf("%d calls: %q", len(calls), calls)
				}
				if !strings.Contains(calls[0], ":17}") || !strings.Contains(calls[len(calls)-1], ":30}") {
					t.Errorf("calls = %q", calls)
				}
				if wait := h.cloud.at[0].Sub(begun); wait > time.Millisecond {
					t.Errorf("the first call waited %v", wait)
				}
				if got := h.state("ac", "target_temperature"); got != 30.0 {
					t.Errorf("target_temperature = %v", got)
				}
				h.wantEachEnded("ac", 21)
			})
		})
	}
}

// wantEachEnded checks that every command ended exactly once.
func (h *home) wantEachEnded(id string, n int) {
	h.Helper()
	ends := map[string]int{}
	for _, r := range h.results(id) {
		if r.Status != accepted {
			ends[string(r.Transaction)]++
		}
	}
	if len(ends) != n {
		h.Errorf("%d commands ended, want %d", len(ends), n)
	}
	for transaction, times := range ends {
		if times != 1 {
			h.Errorf("%s ended %d times", transaction, times)
		}
	}
}

// A slider dragged for ten seconds does not eat the hour's calls.
func TestCommandsArePaced(t *testing.T) {
	cooling(t, func(h *home) {
		h.obedient(100 * time.Millisecond)
		for i := range 200 {
			h.set("ac", fmt.Sprintf(`{"target_temperature":%d}`, 17+i%14))
			h.after(50 * time.Millisecond)
		}
		h.set("ac", `{"target_temperature":29}`)
		h.after(time.Minute)
		if calls := h.cloud.made("control"); len(calls) > 8 || !strings.Contains(calls[len(calls)-1], ":29}") {
			t.Errorf("%d calls: %q", len(calls), calls)
		}
		if got := h.state("ac", "target_temperature"); got != 29.0 {
			t.Errorf("target_temperature = %v", got)
		}
	})
}

// Attributes of one window travel together where LG allows it, and an object
// with several is taken apart into calls in order.
func TestCommandsTravelTogether(t *testing.T) {
	cooling(t, func(h *home) {
		h.obedient(300 * time.Millisecond)
		h.set("ac", `{"target_temperature":25,"transaction":1}`)
		h.after(10 * time.Millisecond)
		h.set("ac", `{"wind_strength":"high","transaction":2}`)
		h.after(10 * time.Millisecond)
		h.set("ac", `{"target_temperature":26,"transaction":3}`)
		h.after(20 * time.Second)
		h.wantEachEnded("ac", 3)
		for _, r := range h.results("ac") {
			if r.Status != accepted && r.Status != confirmed && r.Status != superseded {
				t.Errorf("%s ended as %s: %+v", r.Transaction, r.Status, r.Error)
			}
		}
		if h.state("ac", "target_temperature") != 26.0 || h.state("ac", "wind_strength") != "high" {
			t.Errorf("state: %v, %v", h.state("ac", "target_temperature"), h.state("ac", "wind_strength"))
		}
	})
}

// An appliance takes one command at a time: power first, and the rest when it
// reported that it is on.
func TestCommandStepsInOrder(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.start()
		h.cloud.forget()
		h.obedient(time.Second)
		h.set("ac", `{"air_con_operation_mode":"power_on","target_temperature":25,"current_job_mode":"cool"}`)
		h.after(20 * time.Second)
		calls := h.cloud.made("control")
		if len(calls) < 2 || !strings.Contains(calls[0], "POWER_ON") {
			t.Fatalf("calls = %q", calls)
		}
		for i := 1; i < len(calls); i++ {
			if gap := h.cloud.at[i].Sub(h.cloud.at[i-1]); gap < time.Second {
				t.Errorf("call %d followed after %v", i, gap)
			}
		}
		h.wantStages("ac", "accepted", "confirmed")
	})
}

func TestCommandStepsWithoutReports(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.start()
		h.cloud.forget()
		h.cloud.obey = func(id string, body []byte) { h.cloud.quietly(id, string(body)) }
		h.set("ac", `{"air_con_operation_mode":"power_on","current_job_mode":"cool"}`)
		h.after(time.Minute)
		if len(h.cloud.made("control")) != 2 {
			t.Fatalf("calls = %q", h.cloud.made("control"))
		}
		if gap := h.cloud.at[1].Sub(h.cloud.at[0]); gap != stepWait {
			t.Errorf("the second call followed after %v, want %v", gap, stepWait)
		}
		h.wantStages("ac", "accepted", "confirmed")
	})
}
