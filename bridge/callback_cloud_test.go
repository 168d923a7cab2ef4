package bridge_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A partnerCloud is the simulated cloud with a partner's user signed in.
type partnerCloud struct {
	*thinqtest.Server
	network *thinqtest.Network
	client  *thinq.Client
	source  *thinq.TokenSource
}

func newPartnerCloud(t *testing.T, api thinq.Surface, o thinqtest.Options) *partnerCloud {
	t.Helper()
	c := &partnerCloud{network: &thinqtest.Network{}}
	var err error
	o.Samples, o.CallsPerHour = samples("air_conditioner_one_setpoint"), -1
	for addr, l := range map[string]*net.Listener{
		"api.test:443": &o.REST, "mqtt.test:8883": &o.MQTT, "emp.test:443": &o.OAuth, "socket.test:443": &o.WebSocket,
	} {
		if *l, err = c.network.Listen(addr); err != nil {
			t.Fatal(err)
		}
	}
	if c.Server, err = thinqtest.NewServer(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	emp := thinq.EMP{ClientID: c.ClientID, ClientSecret: thinq.Secret(c.ClientSecret), URL: c.OAuthURL, Roots: c.Roots(), Dial: c.network.Dial}
	token, err := thinq.ParseToken(c.EMPToken(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c.source = thinq.NewTokenSource(token, emp.Refresh, func(thinq.Token) error { return nil })
	t.Cleanup(c.source.Close)
	c.client, err = thinq.NewClient(thinq.Options{
		Country: "KR", Surface: api, APIURL: c.URL, CallbackURL: c.WebSocketURL, Roots: c.Roots(), Dial: c.network.Dial,
		Service: thinq.Service{ID: c.ServiceID, Key: thinq.Secret(c.ServiceKey)}, Token: c.source.Token, Renew: c.source.Renew,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.client.Close)
	return c
}

// Twelve hours against the simulated cloud, which ends connections and tokens as
// Amazon and LG do: every report comes, in order, over connections that never
// leave a gap, and no call is made with a token that has ended. Each message goes
// to both connections while there are two: it counts once, by its id; those
// without an id may come twice.
func TestCallbackOverSimulatedCloud(t *testing.T) {
	for name, tt := range map[string]struct {
		api thinq.Surface
		o   thinqtest.Options
	}{
		"kept":         {thinq.PartnerV2, thinqtest.Options{TokenEnd: thinqtest.TokenEndKeep}},
		"closed":       {thinq.PartnerV2, thinqtest.Options{TokenEnd: thinqtest.TokenEndClose, FlatCallback: true}},
		"silent":       {thinq.PartnerV1, thinqtest.Options{TokenEnd: thinqtest.TokenEndSilent}},
		"short tokens": {thinq.PartnerV1, thinqtest.Options{TokenEnd: thinqtest.TokenEndClose, TokenLife: 10 * time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { twelveHours(t, newPartnerCloud(t, tt.api, tt.o), !tt.o.FlatCallback) })
		})
	}
}

func twelveHours(t *testing.T, c *partnerCloud, once bool) {
	log := &journal{}
	sub := bridge.Callback(bridge.CallbackOptions{Dial: c.network.Dial, Logger: slog.New(slog.NewTextHandler(log, nil))})
	ups := make(chan thinq.Flow, 1000)
	tell := func(ctx context.Context, ep thinq.Endpoint, handle func([]byte)) error {
		ep.Told = func(now thinq.Flow) { ups <- now }
		return sub(ctx, ep, handle)
	}
	heard := make(chan int, 10000)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- c.client.Events(ctx, tell, func(e thinq.Event) {
			if _, text, found := bytes.Cut(e.Report, []byte(`"currentTemperature":`)); found {
				n, _ := strconv.Atoi(string(text[:bytes.IndexAny(text, ",}")]))
				heard <- n
			}
		})
	}()
	if <-ups != thinq.FreshFlow {
		t.Fatal("not up")
	}
	id := c.Devices()[0].ID
	if err := c.client.SubscribeEvents(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	const reports = 12 * 120
	for n := range reports {
		if err := c.Patch(id, []byte(`{"temperature":{"currentTemperature":`+strconv.Itoa(1000+n)+`}}`)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
	}
	synctest.Wait()
	next := 1000
	for len(heard) > 0 {
		if n := <-heard; n == next {
			next++
		} else if n > next || once {
			t.Fatalf("%d follows %d", n, next-1)
		}
	}
	if next != 1000+reports || len(ups) > 0 {
		t.Errorf("%d of %d reports, %d changes of the connection; log:\n%s", next-1000, reports, len(ups), log)
	}
	for _, call := range c.Calls(0) {
		if call.Status >= 400 || strings.Contains(call.Code, "1103") {
			t.Errorf("%s %s: %d %s", call.Method, call.Path, call.Status, call.Code)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
