package bridge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// controls are the bodies of the control calls since a call.
func (d *daemon) controls(since int) (bodies []string) {
	for _, c := range d.sim.Calls(since) {
		if isControl(c) {
			bodies = append(bodies, string(c.Body))
		}
	}
	return bodies
}

// restart stops the daemon for a moment, in which something may be done.
func (d *daemon) restart(meanwhile func()) {
	d.Helper()
	d.after(time.Minute)
	d.stop()
	if meanwhile != nil {
		meanwhile()
	}
	d.after(time.Second) // for the broker to see that it is gone
	d.start()
	d.after(time.Minute)
}

// What is staged survives a restart, does not reach LG until the start, and is
// in its one call then.
func TestStagedValues(t *testing.T) {
	tests := []struct {
		sample, idle string
		stage        map[string]string
		shown        map[string]any
		start        string
		want         string
	}{
		{"oven_double", `[{"location":{"locationName":"UPPER"},"runState":{"currentState":"INITIAL"}}]`,
			map[string]string{"upper_cook_mode": "roast", "upper_target_temperature": "200", "upper_target": "30"},
			map[string]any{"upper_cook_mode": "roast", "upper_target_temperature": 200.0, "upper_target": 30.0}, "upper_start",
			`{"cook":{"cookMode":"ROAST"},"location":{"locationName":"UPPER"},"operation":{"ovenOperationMode":"START"},` +
				`"temperature":{"targetTemperature":200,"unit":"C"},"timer":{"targetHour":0,"targetMinute":30}}`},
		{"washcombo_upper", `[{"location":{"locationName":"MAIN"},"runState":{"currentState":"INITIAL"}}]`,
			map[string]string{"washer_mode": "dry"}, map[string]any{"washer_mode": "dry"}, "start",
			`{"location":{"locationName":"MAIN"},"mode":{"washerMode":"DRY"},"operation":{"washerOperationMode":"START"}}`},
	}
	for _, test := range tests {
		t.Run(test.sample, func(t *testing.T) {
			withDaemon(t, thinqtest.Options{Samples: samples(test.sample)}, func(d *daemon) {
				d.restart(func() { d.owner.RemoteStart = true })
				id, slug := d.slugOf(test.sample)
				if err := d.sim.Patch(id, []byte(test.idle)); err != nil {
					d.Fatal(err)
				}
				d.after(5 * time.Second)
				before := len(d.sim.Calls(0))
				results := d.results(slug)
				for attr, payload := range test.stage {
					d.publish(d.topics.SetAttr(slug, attr), payload)
					d.after(time.Second)
				}
				for _, status := range statuses(d.T, results) {
					if status != "confirmed" {
						d.Errorf("staging is %s", status)
					}
				}
				d.restart(nil)
				if sent := d.controls(before); len(sent) > 0 {
					d.Errorf("sent before the start: %q", sent)
				}
				for attr, want := range test.shown {
					if got := d.value(slug, attr); got != want {
						d.Errorf("%s = %v after a restart, want %v", attr, got, want)
					}
				}
				d.publish(d.topics.SetAttr(slug, test.start), "PRESS")
				d.after(30 * time.Second)
				if sent := d.controls(before); !slices.Equal(sent, []string{test.want}) {
					d.Errorf("the start sends %q, want %s", sent, test.want)
				}
				if got := statuses(d.T, results); !slices.Equal(got, []string{"accepted", "confirmed"}) {
					d.Errorf("stages of the start: %q", got)
				}
				for attr, want := range test.shown {
					if got := d.value(slug, attr); got != want {
						d.Errorf("%s = %v while it runs, want %v", attr, got, want)
					}
				}
			})
		})
	}
}

// A start that the appliance forbids forgets nothing, says what to do, and does
// not trouble LG.
func TestS36StartRefused(t *testing.T) {
	withDaemon(t, thinqtest.Options{Samples: samples("oven_double")}, func(d *daemon) {
		d.restart(func() { d.owner.RemoteStart = true })
		id, slug := d.slugOf("oven_double")
		idle := `[{"location":{"locationName":"UPPER"},"runState":{"currentState":"INITIAL"},"remoteControlEnable":{"remoteControlEnabled":false}}]`
		if err := d.sim.Patch(id, []byte(idle)); err != nil {
			d.Fatal(err)
		}
		d.after(5 * time.Second)
		results := d.results(slug)
		before := len(d.sim.Calls(0))
		d.publish(d.topics.Set(slug), `{"upper_cook_mode":"roast","upper_start":"PRESS"}`)
		d.after(5 * time.Second)
		var got string
		select {
		case m := <-results:
			got = string(m.Payload)
		default:
		}
		if !strings.Contains(got, `"rejected"`) || !strings.Contains(got, `"remote_off"`) || !strings.Contains(got, "switched off at the appliance") {
			d.Errorf("result = %s", got)
		}
		if calls := d.controls(before); len(calls) > 0 {
			d.Errorf("calls: %q", calls)
		}
		if got := d.value(slug, "upper_cook_mode"); got != "roast" {
			d.Errorf("upper_cook_mode = %v after a refusal", got)
		}
		if got := d.value(slug, "upper_reported_cook_mode"); got != "bake" {
			d.Errorf("upper_reported_cook_mode = %v", got)
		}
	})
}
