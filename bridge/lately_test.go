package bridge

import (
	"testing"
	"time"
)

// reachable are the commands that the orders of an appliance keep, and those that
// they keep.
func (o *orders) reachable() map[*command]bool {
	all := map[*command]bool{}
	var visit func(some []*command)
	visit = func(some []*command) {
		for _, c := range some {
			if !all[c] {
				all[c] = true
				visit(c.again)
				visit(c.twins)
			}
		}
	}
	visit(o.all())
	visit(o.lately)
	return all
}

// However many orders to be off come one right after another, few of them are kept.
func TestF058S29Off(t *testing.T) {
	const most = lateMost + 3*commandQueue
	for name, gap := range map[string]time.Duration{"each by itself": 20 * time.Millisecond, "at once": 0} {
		for what, now := range map[string]string{"it runs": "POWER_ON", "it is off": "POWER_OFF"} {
			t.Run(name+", "+what, func(t *testing.T) {
				cooling(t, func(h *home) {
					h.cloud.report("ac", `{"operation":{"airConOperationMode":"`+now+`"}}`)
					for i := range 5000 {
						h.set("ac", `{"climate_mode":"off"}`)
						h.after(gap)
						if i%500 == 499 {
							kept := make(chan int, 1)
							h.bridge.asks <- func() { kept <- len(h.bridge.devices["ac"].orders.reachable()) }
							if n := <-kept; n > most {
								h.Fatalf("%d commands are kept after %d", n, i+1)
							}
						}
					}
				})
			})
		}
	}
}
