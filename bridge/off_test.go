package bridge_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// Off passes when our own share of calls is used up, so that nothing is read any
// more.
func TestF066S32OffPassesLowBudget(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		id, slug := d.slugOf(guestRoom)
		d.do(d.sim.Patch(id, []byte(`{"operation":{"airConOperationMode":"POWER_ON"}}`)))
		_, other := d.slugOf(dishwasher)
		for range 60 {
			d.publish(d.topics.Get(other), "")
			d.after(2 * time.Second)
		}
		before := len(d.sim.Calls(0))
		d.publish(d.topics.Get(other), "")
		d.after(10 * time.Second)
		if calls := d.calls(before); len(calls) > 0 {
			d.Fatalf("there is something left: %q", calls)
		}
		results := d.results(slug)
		d.publish(d.topics.SetAttr(slug, "air_con_operation_mode"), "power_off")
		d.after(10 * time.Second)
		if sent := d.controls(before); len(sent) != 1 || !strings.Contains(sent[0], "POWER_OFF") {
			d.Errorf("sent: %q", sent)
		}
		if got := statuses(d.T, results); !slices.Equal(got, []string{"accepted", "confirmed"}) {
			d.Errorf("stages = %q", got)
		}
	})
}
