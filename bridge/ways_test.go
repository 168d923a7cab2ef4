package bridge_test

import (
	"context"
	"encoding/json"
	"net"
	"regexp"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A way is one of the ways to an account's appliances.
type way struct {
	name    string
	surface thinq.Surface
	energy  bool          // LG tells what the meters counted
	news    time.Duration // until the bridge knows of an added, removed or renamed appliance
}

var (
	personal = way{"personal token and MQTT", thinq.Personal, true, time.Minute}
	ways     = []way{
		personal,
		// The first partner API has no news: the list of appliances is read now and then.
		{"sign-in, first partner API and websocket", thinq.PartnerV1, false, 40 * time.Minute},
		{"sign-in, second partner API and websocket", thinq.PartnerV2, false, time.Minute},
	}
)

// withDaemon runs a test of the whole daemon, with some of the simulated home,
// once for each way to the appliances.
func withDaemon(t *testing.T, o thinqtest.Options, f func(d *daemon)) {
	t.Helper()
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			withWay(t, w, o, f)
		})
	}
}

// signedIn reports whether the way is one of a user who signs in.
func (w way) signedIn() bool { return w.surface != thinq.Personal }

// open opens the simulated cloud's doors for a way.
func (w way) open(n *thinqtest.Network, o *thinqtest.Options) error {
	doors := map[string]*net.Listener{"api.test:443": &o.REST, "mqtt.test:8883": &o.MQTT}
	if w.signedIn() {
		doors["emp.test:443"], doors["ws.test:443"] = &o.OAuth, &o.WebSocket
	}
	for address, door := range doors {
		l, err := n.Listen(address)
		if err != nil {
			return err
		}
		*door = l
	}
	return nil
}

// connect is LG's side of the daemon.
func (w way) connect(d *daemon, o thinq.Options) (thinq.Options, thinq.Subscriber) {
	if !w.signedIn() {
		o.Token = func(context.Context) (string, error) { return d.sim.Token, nil }
		return o, bridge.Subscriber(link.Options{Dial: d.dialLG, Logger: d.logger()})
	}
	d.signIn()
	d.cage.guard("service key", d.sim.ServiceKey)
	o.Surface, o.CallbackURL = w.surface, d.sim.WebSocketURL
	o.Service = thinq.Service{ID: d.sim.ServiceID, Key: thinq.Secret(d.sim.ServiceKey)}
	o.Token, o.Renew = d.tokens.Token, d.tokens.Renew
	return o, bridge.Callback(bridge.CallbackOptions{Dial: d.dialLG, Logger: d.logger()})
}

// signIn makes the source of tokens out of what is kept, or of a new sign-in.
func (d *daemon) signIn() {
	d.Helper()
	if d.store.Token() == nil {
		if err := d.saveToken(d.newToken()); err != nil {
			d.Fatal(err)
		}
	}
	emp := thinq.EMP{
		ClientID: d.sim.ClientID, ClientSecret: thinq.Secret(d.sim.ClientSecret), RedirectURL: d.sim.RedirectURLs[0], URL: d.sim.OAuthURL, Roots: d.sim.Roots(), Dial: d.dialLG,
	}
	d.tokens = thinq.NewTokenSource(d.keptToken(), emp.Refresh, d.saveToken)
}

// newToken is what a user who signs in gets.
func (d *daemon) newToken() thinq.Token {
	d.Helper()
	token, err := thinq.ParseToken(d.sim.EMPToken(), time.Now())
	if err != nil {
		d.Fatal(err)
	}
	d.guardToken(token)
	return token
}

func (d *daemon) keptToken() (token thinq.Token) {
	d.Helper()
	if err := json.Unmarshal(d.store.Token(), &token); err != nil {
		d.Fatal(err)
	}
	return token
}

func (d *daemon) saveToken(t thinq.Token) error {
	d.guardToken(t)
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return d.store.SaveToken(data)
}

// The three APIs have names of their own for the same calls.
var (
	controlPath = regexp.MustCompile(`/control(/|$)|^/devices/[^/]+$`) // of a POST
	statePath   = regexp.MustCompile(`/state$|/status/|^/devices/[^/]+$`)
)

func isControl(c thinqtest.Call) bool { return c.Method == "POST" && controlPath.MatchString(c.Path) }

func isRead(c thinqtest.Call) bool { return c.Method == "GET" && statePath.MatchString(c.Path) }
