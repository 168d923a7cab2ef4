package main

import (
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

func TestLogout(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		api, says string
		fault     thinqtest.Fault
		told      bool
	}{
		{api: "v1", says: `Signed out\. LG knows it\. It counts`, told: true},
		{api: "v1", says: `Signed out\. LG could not be told \(.*remove the service`, fault: thinqtest.Fault{Match: thinqtest.Match{Path: "/user/service"}, Status: 503, Body: "html"}},
		{api: "v2", says: `Signed out\. LG's API has no way to tell it: .*remove the service`},
	} {
		d := newDesk(t, c.api, thinqtest.Options{})
		d.begin("logout")
		d.exits(0, `^Nobody is signed in\.\n$`)
		if err := bridge.HandOver(d.state(), tokenOf(t, d.cloud, "", time.Hour)); err != nil {
			t.Fatal(err)
		}
		if c.fault.Match.Path != "" {
			if err := d.cloud.Fault(c.fault); err != nil {
				t.Fatal(err)
			}
		}
		token := d.stored()
		d.begin("logout")
		d.exits(0, c.says)
		d.wantNothing()
		if strings.Contains(d.out.String(), token.AccessToken) || strings.Contains(d.out.String(), token.RefreshToken) {
			t.Errorf("a token was printed\n%s", d.out)
		}
		d.begin("logout")
		d.exits(0, `^Nobody was signed in\.\n$`)
	}
}

// A token that has run out, or that LG takes no more, is renewed for the
// farewell.
func TestLogoutLate(t *testing.T) {
	t.Parallel()
	for _, life := range []time.Duration{-time.Hour, 30 * time.Minute} {
		d := newDesk(t, "v1", thinqtest.Options{})
		if err := bridge.HandOver(d.state(), tokenOf(t, d.cloud, "over", life)); err != nil {
			t.Fatal(err)
		}
		d.begin("logout")
		d.exits(0, `LG knows it`)
	}
}

func TestLogoutInterrupted(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "v1", thinqtest.Options{})
	if err := d.cloud.Fault(thinqtest.Fault{Match: thinqtest.Match{Path: "/user/service"}, Delay: thinqtest.Duration(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	if err := bridge.HandOver(d.state(), tokenOf(t, d.cloud, "", time.Hour)); err != nil {
		t.Fatal(err)
	}
	d.begin("logout")
	time.AfterFunc(100*time.Millisecond, d.stop)
	d.exits(1, `stopped: the sign-in is kept`)
	if d.stored().AccessToken == "" {
		t.Error("the sign-in is gone")
	}
}
