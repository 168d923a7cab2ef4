package bridge_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// building is many appliances of one kind, all with a meter.
func building(t *testing.T, n int) []thinqtest.Sample {
	t.Helper()
	one := samples("dryer_heat_pump")[0]
	var device struct{ DeviceID string }
	if err := json.Unmarshal(one.Device, &device); err != nil {
		t.Fatal(err)
	}
	all := make([]thinqtest.Sample, n)
	for i := range all {
		all[i] = one
		id := fmt.Sprintf("%04d%s", i, device.DeviceID[4:])
		all[i].Device = bytes.ReplaceAll(one.Device, []byte(device.DeviceID), []byte(id))
	}
	return all
}

// Many meters get no more calls than there are, are read all the same, and leave
// enough for reads of the appliances themselves.
func TestEnergyOfALargeHome(t *testing.T) {
	if testing.Short() {
		t.Skip("fifty appliances")
	}
	t.Parallel()
	const n = 50 // 100 reads an hour, and 50 of energy, are wanted
	withWay(t, personal, thinqtest.Options{CallsPerHour: -1, Samples: building(t, n)}, func(d *daemon) {
		d.after(2 * time.Hour)
		counts := map[string]int{}
		since := len(d.sim.Calls(0))
		for range 4 {
			d.after(time.Hour)
			calls := d.sim.Calls(since)
			since += len(calls)
			if len(calls) > 41 { // an hour here is not the budget's
				d.Errorf("%d calls in an hour", len(calls))
			}
			for _, c := range calls {
				switch {
				case strings.Contains(c.Path, "/energy/"):
					counts["energy"]++
				case isRead(c):
					counts["state"]++
				default:
					counts["other"]++
				}
			}
		}
		if counts["energy"] < 12 || counts["state"] < 2*counts["energy"] {
			d.Errorf("calls of four hours: %v", counts)
		}
	})
}

// The whole of it, against the simulated cloud, with restarts: since the midnight
// of the first start all numbers are the same.
func TestEnergyOfTheSimulatedHome(t *testing.T) {
	if testing.Short() {
		t.Skip("some hours")
	}
	t.Parallel()
	withWay(t, personal, thinqtest.Options{Samples: samples("dryer_heat_pump", "washtower_one_piece"), Seed: 7, LateEnergy: time.Hour}, func(d *daemon) {
		for range 2 {
			d.after(150 * time.Minute)
			d.stop()
			d.start()
		}
		d.after(5 * time.Minute)
		for slug, keys := range map[string][]string{
			"dryer_":     {"energy_usage"},
			"washtower_": {"energy_usage_washer", "energy_usage_dryer"},
		} {
			for _, key := range keys {
				full := d.slugWith(slug, key)
				total, ok := d.value(full, key+"_total").(float64)
				month, _ := d.value(full, key+"_this_month").(float64)
				if !ok || total <= 0 || month != 1000*total {
					d.Errorf("%s: total %v kWh, this month %v Wh", full, total, month)
				}
			}
		}
	})
}

// slugWith is the slug of the device that has a key for this month.
func (d *daemon) slugWith(prefix, key string) string {
	d.Helper()
	for topic, payload := range d.broker.Messages("thinq2mqtt/+") {
		slug := strings.TrimPrefix(topic, "thinq2mqtt/")
		if strings.HasPrefix(slug, prefix) && strings.Contains(string(payload), `"`+key+`_total"`) {
			return slug
		}
	}
	d.Fatalf("nothing shows %s", key)
	return ""
}
