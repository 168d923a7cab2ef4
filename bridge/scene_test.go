package bridge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A scene or a dashboard sends several things shortly one after another, in
// whatever order. They reach LG in the order that LG needs, each once and after the
// report of the one before, each command is confirmed once, and what LG resets with
// a new mode is set again.
func TestF063Scene(t *testing.T) {
	const (
		livingRoom = "air_conditioner_living_room"
		on         = `{"operation":{"airConOperationMode":"POWER_ON"}}`
		heat       = `{"airConJobMode":{"currentJobMode":"HEAT"}}`
		cool       = `{"temperatureInUnits":{"coolTargetTemperature":24,"unit":"C"}}` // nobody knows that a mode follows
		target     = `{"temperatureInUnits":{"heatTargetTemperature":24,"unit":"C"}}`
		low        = `{"airFlow":{"windStrength":"LOW"}}`
		swing      = `{"windDirection":{"rotateUpDown":true}}`
		reported   = 800 * time.Millisecond
	)
	off := `{"operation":{"airConOperationMode":"POWER_OFF"},"airConJobMode":{"currentJobMode":"COOL"},"airFlow":{"windStrength":"LOW"},` +
		`"windDirection":{"rotateUpDown":false}}`
	cooling := `{"operation":{"airConOperationMode":"POWER_ON"},"airConJobMode":{"currentJobMode":"COOL"},"airFlow":{"windStrength":"LOW"},` +
		`"temperatureInUnits":[{"targetTemperature":24,"unit":"C"}],"windDirection":{"rotateUpDown":false}}`
	tests := []struct {
		name, now string
		gap       time.Duration
		sent      []string // attribute=payload
		want      []string // calls
	}{
		{"a scene", off, time.Millisecond,
			[]string{"climate_power=ON", "climate_mode=heat", "climate_temperature=24", "climate_fan_mode=low", "climate_swing_mode=on"},
			[]string{on, heat, target, swing, low}},
		{"mode, then temperature", cooling, 50 * time.Millisecond,
			[]string{"climate_mode=heat", "climate_temperature=24"}, []string{heat, target}},
		{"temperature, then mode", cooling, 50 * time.Millisecond,
			[]string{"climate_temperature=24", "climate_mode=heat"}, []string{heat, target}},
		{"fan, then mode", cooling, 50 * time.Millisecond,
			[]string{"climate_fan_mode=low", "climate_mode=heat"}, []string{heat, low}},
		{"temperature, then mode, of an appliance that is off", off, 50 * time.Millisecond,
			[]string{"climate_temperature=24", "climate_mode=heat"}, []string{on, cool, heat, target}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			withDaemon(t, thinqtest.Options{Samples: samples(livingRoom), ReportDelay: reported}, func(d *daemon) {
				d.after(time.Minute)
				id, slug := d.slugOf(livingRoom)
				if err := d.sim.Patch(id, []byte(test.now)); err != nil {
					d.Fatal(err)
				}
				d.after(5 * time.Second)
				results := d.results(slug)
				before := len(d.sim.Calls(0))
				for _, message := range test.sent {
					attr, payload, _ := strings.Cut(message, "=")
					d.publish(d.topics.SetAttr(slug, attr), payload)
					d.after(test.gap)
				}
				d.after(30 * time.Second)
				var last time.Time
				for _, c := range d.sim.Calls(before) {
					if isControl(c) && c.Time.Sub(last) < reported {
						d.Errorf("%s comes %v after the one before, which has not been reported", c.Body, c.Time.Sub(last))
					}
					if isControl(c) {
						last = c.Time
					}
				}
				if got := d.controls(before); !slices.Equal(got, test.want) {
					d.Errorf("calls:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
				}
				all := statuses(d.T, results)
				if n := len(slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s != "confirmed" })); n != len(test.sent) {
					d.Errorf("%d of %d confirmed: %q", n, len(test.sent), all)
				}
				for _, message := range test.sent {
					attr, payload, _ := strings.Cut(message, "=")
					if got := d.value(slug, attr); attr != "climate_power" && got != payload && got != any(24.0) {
						d.Errorf("%s shows %v, sent %s", attr, got, payload)
					}
				}
			})
		})
	}
}

// A scene in which an appliance is off carries the temperature and fan of that
// time along. They do not switch it on again.
func TestSceneThatIsOff(t *testing.T) {
	const livingRoom = "air_conditioner_living_room"
	for _, power := range []string{"POWER_ON", "POWER_OFF"} {
		withDaemon(t, thinqtest.Options{Samples: samples(livingRoom)}, func(d *daemon) {
			d.after(time.Minute)
			id, slug := d.slugOf(livingRoom)
			now := `{"operation":{"airConOperationMode":"` + power + `"},"airConJobMode":{"currentJobMode":"COOL"},"airFlow":{"windStrength":"LOW"}}`
			if err := d.sim.Patch(id, []byte(now)); err != nil {
				d.Fatal(err)
			}
			d.after(5 * time.Second)
			before := len(d.sim.Calls(0))
			for _, m := range [][2]string{{"climate_mode", "off"}, {"climate_temperature", "25"}, {"climate_preset_mode", "none"}, {"climate_fan_mode", "high"}} {
				d.publish(d.topics.SetAttr(slug, m[0]), m[1])
				d.after(10 * time.Millisecond)
			}
			d.after(30 * time.Second)
			if calls := d.controls(before); strings.Contains(strings.Join(calls, ""), "POWER_ON") || d.value(slug, "climate_mode") != "off" {
				d.Errorf("from %s: %v after %s", power, d.value(slug, "climate_mode"), calls)
			}
		})
	}
}

// A mode that somebody sets a moment later resets the fan, as it does on the remote
// control: only what came with the mode is set again, and nothing for the sake of a
// third attribute that had come with the fan.
func TestModeAfterScene(t *testing.T) {
	const livingRoom = "air_conditioner_living_room"
	withWay(t, personal, thinqtest.Options{Samples: samples(livingRoom), ReportDelay: 800 * time.Millisecond}, func(d *daemon) {
		d.after(time.Minute)
		id, slug := d.slugOf(livingRoom)
		d.do(d.sim.Patch(id, []byte(`{"operation":{"airConOperationMode":"POWER_ON"},"airConJobMode":{"currentJobMode":"COOL"},"airFlow":{"windStrength":"LOW"},"windDirection":{"rotateUpDown":false}}`)))
		d.after(5 * time.Second)
		before := len(d.sim.Calls(0))
		d.publish(d.topics.SetAttr(slug, "climate_fan_mode"), "high")
		d.publish(d.topics.SetAttr(slug, "climate_swing_mode"), "on")
		d.after(260 * time.Millisecond)
		d.publish(d.topics.SetAttr(slug, "climate_mode"), "heat")
		d.after(30 * time.Second)
		all := strings.Join(d.controls(before), "\n")
		if n := strings.Count(all, "windStrength"); n != 1 || strings.Count(all, "HEAT") != 1 || strings.Count(all, "rotateUpDown") != 1 {
			d.Errorf("calls:\n%s", all)
		}
	})
}

// Of two attributes that set the same value the newer one counts.
func TestNewestCounts(t *testing.T) {
	const livingRoom = "air_conditioner_living_room"
	for _, test := range []struct{ first, then, want string }{
		{"wind_strength=low", "climate_fan_mode=high", "high"},
		{"climate_fan_mode=high", "wind_strength=low", "low"},
	} {
		withDaemon(t, thinqtest.Options{Samples: samples(livingRoom)}, func(d *daemon) {
			d.after(time.Minute)
			id, slug := d.slugOf(livingRoom)
			if err := d.sim.Patch(id, []byte(`{"operation":{"airConOperationMode":"POWER_ON"},"airFlow":{"windStrength":"MID"}}`)); err != nil {
				d.Fatal(err)
			}
			d.after(5 * time.Second)
			for _, message := range []string{test.first, test.then} {
				attr, payload, _ := strings.Cut(message, "=")
				d.publish(d.topics.SetAttr(slug, attr), payload)
				d.after(10 * time.Millisecond)
			}
			d.after(30 * time.Second)
			if got := d.value(slug, "climate_fan_mode"); got != test.want {
				d.Errorf("%s, then %s: %v", test.first, test.then, got)
			}
		})
	}
}
