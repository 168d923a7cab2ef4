package bridge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// Each call of a wish follows as soon as the appliance reported the one before,
// also where the target of the job mode can only be written, and the command
// ends with the last report.
func TestStepsFollowReports(t *testing.T) {
	const livingRoom, reports = "air_conditioner_living_room", 500 * time.Millisecond
	o := thinqtest.Options{Samples: samples(livingRoom), ReportDelay: reports}
	withDaemon(t, o, func(d *daemon) {
		d.after(time.Minute)
		id, slug := d.slugOf(livingRoom)
		off := `{"operation":{"airConOperationMode":"POWER_OFF"},"airConJobMode":{"currentJobMode":"FAN"}}`
		if err := d.sim.Patch(id, []byte(off)); err != nil {
			d.Fatal(err)
		}
		d.after(5 * time.Second)
		results := d.results(slug)
		before := len(d.sim.Calls(0))
		d.publish(d.topics.Set(slug), `{"climate_mode":"cool","climate_temperature":25,"climate_fan_mode":"low"}`)
		d.after(4*reports + 100*time.Millisecond)
		if got := statuses(d.T, results); !slices.Equal(got, []string{"accepted", "confirmed"}) {
			d.Errorf("stages = %q", got)
		}
		calls := d.sim.Calls(before)
		if len(calls) != 4 || !strings.Contains(string(calls[2].Body), "coolTargetTemperature") {
			d.Fatalf("calls = %+v", calls)
		}
		for i := 1; i < len(calls); i++ {
			if gap := calls[i].Time.Sub(calls[i-1].Time); gap > reports+50*time.Millisecond {
				d.Errorf("call %d followed after %v", i+1, gap)
			}
		}
		if got := d.value(slug, "climate_temperature"); got != 25.0 {
			d.Errorf("climate_temperature = %v", got)
		}
	})
}
