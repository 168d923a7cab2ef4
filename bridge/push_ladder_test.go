package bridge_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A pushInfo is what bridge/info says of events.
type pushInfo struct {
	State  string   `json:"push_state"`
	Text   string   `json:"push_text"`
	Polled []string `json:"polled"`
}

func (d *daemon) pushInfo() pushInfo {
	d.Helper()
	var info struct{ Cloud pushInfo }
	if err := json.Unmarshal([]byte(d.retained(d.topics.Bridge("info"))), &info); err != nil {
		d.Fatal(err)
	}
	return info.Cloud
}

// warm sets the guest room's target.
func (d *daemon) warm(n int) {
	d.Helper()
	id, _ := d.slugOf(guestRoom)
	if err := d.sim.Patch(id, fmt.Appendf(nil, `{"temperature":{"targetTemperature":%d}}`, 18+n%10)); err != nil {
		d.Fatal(err)
	}
}

// steps are the remedies that the log tells of.
func (d *daemon) steps() (steps []string) {
	d.logMu.Lock()
	defer d.logMu.Unlock()
	for line := range strings.Lines(d.log.String()) {
		if _, step, ok := strings.Cut(line, "step="); ok {
			steps = append(steps, strings.TrimSpace(step))
		}
	}
	return steps
}

// The cloud keeps pinging and delivers nothing: found within two reconcile reads,
// and healed by itself.
func TestF025DeadSubscription(t *testing.T) {
	withDaemon(t, thinqtest.Options{Samples: samples(guestRoom)}, func(d *daemon) {
		d.after(time.Minute)
		if err := d.sim.SetEvents(thinqtest.EventsSilent); err != nil {
			d.Fatal(err)
		}
		for i := range 2 {
			d.warm(i)
			d.after(35 * time.Minute)
		}
		if got := d.pushInfo(); got.State != "suspect" || got.Text == "" {
			d.Errorf("after two reads: %+v", got)
		}
		if err := d.sim.SetEvents(thinqtest.EventsOK); err != nil {
			d.Fatal(err)
		}
		d.warm(5)
		d.after(5 * time.Second)
		if got := d.pushInfo(); got.State != "live" || got.Text != "" {
			d.Errorf("after a report: %+v", got)
		}
	})
}

// Each remedy is tried when those before have not helped, and none after the one
// that has.
func TestF025Ladder(t *testing.T) {
	for _, test := range []struct {
		way   way
		cure  thinqtest.Cure
		hours int
		want  []string
	}{
		{personal, thinqtest.CureSubscribe, 2, []string{"appliance"}},
		{personal, thinqtest.CureConnect, 3, []string{"appliance", "all", "reconnect"}},
		{personal, thinqtest.CureCertificate, 5, []string{"appliance", "all", "reconnect", "certificate"}},
		{ways[1], thinqtest.CureSubscribe, 2, []string{"appliance"}},
		{ways[2], thinqtest.CureSubscribe, 2, []string{"appliance"}},
	} {
		t.Run(test.way.name+"/"+string(test.cure), func(t *testing.T) {
			t.Parallel()
			withWay(t, test.way, thinqtest.Options{Samples: samples(guestRoom)}, func(d *daemon) {
				d.after(time.Minute)
				id, _ := d.slugOf(guestRoom)
				if err := d.sim.Silence(id, test.cure); err != nil {
					d.Fatal(err)
				}
				for i := range test.hours * 6 {
					d.warm(i)
					d.after(10 * time.Minute)
				}
				if got := d.steps(); !slices.Equal(got, test.want) {
					d.Errorf("steps = %q, want %q", got, test.want)
				}
				if got := d.pushInfo(); got.State != "live" {
					d.Errorf("%+v", got)
				}
			})
		})
	}
}

// One appliance of which nothing comes is found out among others that report,
// whose connection is let alone: it is read instead.
func TestF025OneDeadAmongLive(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		id, slug := d.slugOf(guestRoom)
		other, _ := d.slugOf(dishwasher)
		if err := d.sim.Silence(id, thinqtest.CureNone); err != nil {
			d.Fatal(err)
		}
		before := len(d.sim.Calls(0))
		for i := range 5 * 12 {
			d.warm(i)
			if err := d.sim.Patch(other, fmt.Appendf(nil, `{"doorStatus":{"doorState":"%s"}}`, []string{"OPEN", "CLOSE"}[i%2])); err != nil {
				d.Fatal(err)
			}
			d.after(5 * time.Minute)
		}
		if got := d.steps(); !slices.Equal(got, []string{"appliance", "all", "polling"}) {
			d.Errorf("steps = %q", got)
		}
		for _, call := range d.calls(before) {
			if strings.HasPrefix(call, "POST /client") {
				d.Errorf("%s, though others prove the connection", call)
			}
		}
		if got := d.pushInfo(); got.State != "polling" || !slices.Equal(got.Polled, []string{slug}) {
			d.Errorf("%+v", got)
		}
		d.warm(3)
		d.after(6 * time.Minute)
		if got := d.value(slug, "target_temperature"); got != 21.0 {
			d.Errorf("target_temperature = %v six minutes after a change", got)
		}
		if err := d.sim.Silence(id, ""); err != nil {
			d.Fatal(err)
		}
		d.warm(4)
		d.after(5 * time.Second)
		if got := d.pushInfo(); got.State != "live" || len(got.Polled) > 0 {
			d.Errorf("after its own report: %+v", got)
		}
	})
}

// LG ends subscriptions after an hour, whatever was asked for: no gap is longer
// than a minute.
func TestF026HourlyLapses(t *testing.T) {
	for _, w := range []way{personal, ways[2]} {
		t.Run(w.name, func(t *testing.T) {
			o := small
			o.EventLife = time.Hour
			withWay(t, w, o, func(d *daemon) {
				d.after(150 * time.Minute)
				if got := d.sim.LongestLapse(); got == 0 || got > time.Minute {
					d.Errorf("longest gap: %v", got)
				}
				if got := d.pushInfo(); got.State != "live" {
					d.Errorf("%+v", got)
				}
			})
		})
	}
}

// Where there is no list, a lapse is found by reads, and healed at once.
func TestF026LapseWithoutList(t *testing.T) {
	o := small
	o.EventLife = time.Hour
	withWay(t, ways[1], o, func(d *daemon) {
		d.after(61 * time.Minute)
		for i := range 2 {
			d.warm(i)
			d.after(35 * time.Minute)
		}
		d.warm(6)
		d.after(5 * time.Second)
		if _, slug := d.slugOf(guestRoom); d.value(slug, "target_temperature") != 24.0 {
			d.Errorf("target_temperature = %v", d.value(slug, "target_temperature"))
		}
		if got := d.pushInfo(); got.State != "live" {
			d.Errorf("%+v", got)
		}
	})
}

// Over the callback, too, a connection that is made anew helps where asking again
// has not, long before it ends by itself.
func TestF025CallbackIsMadeAnew(t *testing.T) {
	withWay(t, ways[2], thinqtest.Options{Samples: samples(guestRoom), TokenLife: 24 * time.Hour}, func(d *daemon) {
		d.after(time.Minute)
		id, slug := d.slugOf(guestRoom)
		if err := d.sim.Silence(id, thinqtest.CureConnect); err != nil {
			d.Fatal(err)
		}
		for i := range 20 {
			d.warm(i)
			d.publish(d.topics.Request("refresh"), slug)
			d.after(4 * time.Minute)
		}
		if got, want := d.steps(), []string{"appliance", "all", "reconnect"}; !slices.Equal(got, want) {
			d.Errorf("steps = %q, want %q", got, want)
		}
		if got := d.pushInfo(); got.State != "live" {
			d.Errorf("%+v", got)
		}
	})
}
