package bridge_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// Half a day with a token that ends every hour and a websocket that ends every
// two: no event is lost, no call is made with a token that is over, no two
// renewals are under way at once, and nobody has to sign in again; also where
// the daemon is restarted in between.
func TestHalfADayOfSignIn(t *testing.T) {
	for _, c := range []struct {
		way     way
		renewal thinqtest.Renewal
		end     thinqtest.TokenEnd
	}{
		{ways[1], thinqtest.RenewalRotate, thinqtest.TokenEndClose},
		{ways[2], thinqtest.RenewalKeep, thinqtest.TokenEndSilent},
		{ways[2], thinqtest.RenewalComma, thinqtest.TokenEndKeep},
	} {
		t.Run(fmt.Sprintf("%s/%s/%s", c.way.surface, c.renewal, c.end), func(t *testing.T) {
			t.Parallel()
			half := 6 * time.Hour
			if testing.Short() {
				half = 2 * time.Hour
			}
			o := thinqtest.Options{
				Samples: samples(guestRoom), Renewal: c.renewal, TokenEnd: c.end, APIDelay: 700 * time.Millisecond, CallsPerHour: -1,
			}
			withWay(t, c.way, o, func(d *daemon) {
				d.after(time.Minute)
				d.live(half)
				d.stop()
				d.start()
				d.after(time.Minute)
				d.live(half)
				d.checkRenewals(2 * half)
			})
		})
	}
}

// live lets an appliance change every few seconds, and wants each change shown
// at once.
func (d *daemon) live(span time.Duration) {
	d.Helper()
	id, slug := d.slugOf(guestRoom)
	for begun, n := time.Now(), 0; time.Since(begun) < span; n++ {
		want := float64(18 + n%12)
		if err := d.sim.Patch(id, fmt.Appendf(nil, `{"temperature":{"targetTemperature":%v}}`, want)); err != nil {
			d.Fatal(err)
		}
		d.after(100 * time.Millisecond)
		if got := d.value(slug, "target_temperature"); got != want {
			d.Fatalf("%v after the beginning: target_temperature = %v, want %v", time.Since(begun), got, want)
		}
		d.after(10900 * time.Millisecond)
	}
}

// checkRenewals looks at what the cloud was asked in some hours.
func (d *daemon) checkRenewals(span time.Duration) {
	d.Helper()
	var last time.Time
	renewals := 0
	for _, c := range d.sim.Calls(0) {
		if c.Code != "" || c.Status == 401 {
			d.Errorf("%s %s %s answered %d %s", c.Time.Format(time.TimeOnly), c.Method, c.Path, c.Status, c.Code)
		}
		if !strings.HasSuffix(c.Path, "/token") {
			continue
		}
		renewals++
		if c.Time.Sub(last) < 40*time.Minute {
			d.Errorf("a renewal %v after the last one", c.Time.Sub(last))
		}
		last = c.Time
	}
	if most := int(span/(48*time.Minute)) + 1; renewals < int(span/time.Hour) || renewals > most {
		d.Errorf("%d renewals in %v", renewals, span)
	}
}

// A sign-in that LG takes back stops everything but the appliances' memory, says
// what to do, and heals with the next sign-in.
func TestSignInTakenBack(t *testing.T) {
	for _, w := range ways[1:] {
		t.Run(w.name, func(t *testing.T) {
			withWay(t, w, small, func(d *daemon) {
				d.after(time.Minute)
				_, slug := d.slugOf(guestRoom)
				d.sim.RevokeSignIns()
				d.after(2 * time.Hour)
				if got := d.cloud(); got.State != "auth_required" || !strings.Contains(got.Text, "thinq2mqtt login") {
					d.Errorf("cloud = %+v", got)
				}
				if got := d.retained(d.topics.Availability(slug)); got != `{"state":"offline"}` {
					d.Errorf("availability = %q", got)
				}
				if got := d.value(slug, "target_temperature"); got == nil {
					d.Error("the state is gone")
				}
				before := len(d.sim.Calls(0))
				d.after(time.Hour)
				if calls := d.calls(before); len(calls) > 1 {
					d.Errorf("calls without a sign-in: %q", calls)
				}
				d.signInAgain()
				d.after(time.Minute)
				if got := d.cloud(); got.State != "ok" || d.retained(d.topics.Availability(slug)) != `{"state":"online"}` {
					d.Errorf("cloud = %+v, availability %s", got, d.retained(d.topics.Availability(slug)))
				}
			})
		})
	}
}

type cloudInfo struct {
	State string
	Text  string
}

// cloud is what bridge/info says of LG's side.
func (d *daemon) cloud() cloudInfo {
	d.Helper()
	var info struct{ Cloud cloudInfo }
	if err := json.Unmarshal([]byte(d.retained(d.topics.Bridge("info"))), &info); err != nil {
		d.Fatal(err)
	}
	return info.Cloud
}

// signInAgain does what the login command does to a daemon that runs.
func (d *daemon) signInAgain() {
	d.Helper()
	token, err := json.Marshal(d.newToken())
	if err != nil {
		d.Fatal(err)
	}
	if err := bridge.HandOver(d.dir, token); err != nil {
		d.Fatal(err)
	}
	if _, changed, err := d.store.TakeOver(); err != nil || !changed {
		d.Fatalf("changed %v, %v", changed, err)
	}
	d.tokens.Replace(d.keptToken())
	if err := d.bridge.Retry(d.Context()); err != nil {
		d.Fatal(err)
	}
}
