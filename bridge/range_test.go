package bridge_test

import (
	"slices"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// Home Assistant sends the ends of a range one after the other. What is a range
// in the end is taken, even if its first half alone would be upside down; what
// is none is refused, and spends no call.
func TestRangeInTwoMessages(t *testing.T) {
	const office = "air_conditioner_two_setpoints"
	withDaemon(t, thinqtest.Options{Samples: samples(office), ReportDelay: 200 * time.Millisecond}, func(d *daemon) {
		d.after(time.Minute)
		_, slug := d.slugOf(office)
		results := d.results(slug)
		before := len(d.sim.Calls(0))
		d.publish(d.topics.SetAttr(slug, "climate_temperature_low"), "26.0")
		d.publish(d.topics.SetAttr(slug, "climate_temperature_high"), "28.5")
		d.after(10 * time.Second)
		want := []string{`{"twoSetTemperatureInUnits":{"coolTargetTemperature":28.5,"heatTargetTemperature":26,"unit":"C"}}`}
		if got := d.controls(before); !slices.Equal(got, want) {
			d.Errorf("calls %s, want %s", got, want)
		}
		if got := statuses(d.T, results); !slices.Equal(got, []string{"accepted", "accepted", "confirmed", "confirmed"}) {
			d.Errorf("stages = %q", got)
		}
		before = len(d.sim.Calls(0))
		d.publish(d.topics.SetAttr(slug, "climate_temperature_high"), "20.0")
		d.after(time.Second)
		if got := statuses(d.T, results); !slices.Equal(got, []string{"rejected"}) || len(d.controls(before)) != 0 {
			d.Errorf("stages = %q, calls %s", got, d.controls(before))
		}
	})
}

// What the appliance changes of its limits at run time is announced once, and
// nothing else is.
func TestLimitsAreAnnouncedOnce(t *testing.T) {
	const office = "air_conditioner_two_setpoints"
	withDaemon(t, thinqtest.Options{Samples: samples(office), ReportDelay: 200 * time.Millisecond}, func(d *daemon) {
		d.after(time.Minute)
		id, slug := d.slugOf(office)
		announcements, err := d.broker.Subscribe(d.topics.Discovery(slug))
		if err != nil {
			d.Fatal(err)
		}
		d.after(time.Second)
		for len(announcements) > 0 {
			<-announcements // what was retained
		}
		for _, step := range []struct {
			report string
			want   int
		}{
			{`{"airConJobMode":{"currentJobMode":"COOL"}}`, 1},
			{`{"airConJobMode":{"currentJobMode":"HEAT"}}`, 1},
			{`{"airConJobMode":{"currentJobMode":"COOL"}}`, 1},
			{`{"airConJobMode":{"currentJobMode":"ENERGY_SAVING"}}`, 0},
			{`{"twoSetTemperature":{"twoSetEnabled":false}}`, 1},
			{`{"operation":{"airConOperationMode":"POWER_OFF"}}`, 0},
			{`{"operation":{"airConOperationMode":"POWER_ON"}}`, 0},
			{`{"twoSetTemperature":{"twoSetEnabled":true},"airConJobMode":{"currentJobMode":"AUTO"}}`, 1},
		} {
			if err := d.sim.Patch(id, []byte(step.report)); err != nil {
				d.Fatal(err)
			}
			d.after(10 * time.Second)
			if got := len(announcements); got != step.want {
				d.Errorf("%s: %d announcements, want %d", step.report, got, step.want)
			}
			for len(announcements) > 0 {
				<-announcements
			}
		}
	})
}
