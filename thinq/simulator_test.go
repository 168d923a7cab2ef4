package thinq_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// cloud is a simulated cloud without sockets, and a client of it.
type cloud struct {
	*thinqtest.Server
	*thinq.Client
	network *thinqtest.Network
	saved   thinq.Identity
}

func newCloud(t *testing.T, so thinqtest.Options, o thinq.Options) *cloud {
	t.Helper()
	c := &cloud{network: &thinqtest.Network{}}
	var err error
	if so.REST, err = c.network.Listen("api.test:443"); err != nil {
		t.Fatal(err)
	}
	if so.MQTT, err = c.network.Listen("mqtt.test:8883"); err != nil {
		t.Fatal(err)
	}
	if c.Server, err = thinqtest.NewServer(so); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Server.Close)
	o.Country, o.APIURL, o.Roots, o.Dial = "KR", c.URL, c.Roots(), c.network.Dial
	o.Token = func(context.Context) (string, error) { return c.Token, nil }
	o.Save = func(id thinq.Identity) error { c.saved = id; return nil }
	if c.Client, err = thinq.NewClient(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Client.Close)
	return c
}

// subscriber is a plain MQTT 5 client, without reconnecting.
func (c *cloud) subscriber(connected chan<- thinq.Endpoint) thinq.Subscriber {
	return func(ctx context.Context, ep thinq.Endpoint, handle func([]byte)) error {
		raw, err := c.network.Dial(ctx, "tcp", ep.URL.Host)
		if err != nil {
			return err
		}
		conn := tls.Client(raw, ep.TLS)
		defer conn.Close()
		lost := make(chan error, 2)
		client := paho.NewClient(paho.ClientConfig{
			Conn:          conn,
			OnClientError: func(err error) { lost <- err },
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
				handle(p.Packet.Payload)
				return true, nil
			}},
		})
		if _, err := client.Connect(ctx, &paho.Connect{ClientID: ep.ClientID, KeepAlive: 60, CleanStart: true}); err != nil {
			return errors.Join(thinq.ErrCertificate, err) // the simulator refuses nothing else here
		}
		for _, topic := range ep.Topics {
			if _, err := client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: 1}}}); err != nil {
				return err
			}
		}
		connected <- ep
		select {
		case err := <-lost:
			return err
		case <-ctx.Done():
			return client.Disconnect(&paho.Disconnect{})
		}
	}
}

// TestHome lists the simulated home and reads every appliance in it.
func TestHome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, thinqtest.Options{CallsPerHour: -1}, thinq.Options{})
		devices, err := c.Client.Devices(t.Context())
		if err != nil || len(devices) != len(thinqtest.Samples()) {
			t.Fatalf("%d devices, %v", len(devices), err)
		}
		for _, d := range devices {
			if d.ID == "" || !strings.HasPrefix(d.Type, "DEVICE_") || d.Model == "" || d.Alias == "" {
				t.Errorf("device %+v", d)
			}
			raw, err := c.Profile(t.Context(), d.ID)
			if err != nil {
				t.Errorf("%s: %v", d.Alias, err)
				continue
			}
			profile, err := thinq.ParseProfile(raw)
			if err != nil {
				t.Errorf("%s: %v", d.Alias, err)
				continue
			}
			doc, err := c.State(t.Context(), d.ID)
			if err != nil {
				t.Errorf("%s: %v", d.Alias, err)
				continue
			}
			if state, err := profile.Decode(doc); err != nil || len(state) == 0 && len(profile.Properties) > 0 {
				t.Errorf("%s: %d values, %v", d.Alias, len(state), err)
			}
		}
	})
}

// TestCommandComesBack sends a control call and waits for the appliance's report.
func TestCommandComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var codes []string
		c := newCloud(t, thinqtest.Options{}, thinq.Options{
			Budget:  thinq.NewBudget(100, 40, thinq.BudgetState{}),
			Observe: func(call thinq.Call) { codes = append(codes, call.Endpoint+" "+call.Code) },
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		device := find(t, c, "DEVICE_DEHUMIDIFIER")
		raw, err := c.Profile(ctx, device.ID)
		if err != nil {
			t.Fatal(err)
		}
		profile, err := thinq.ParseProfile(raw)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := c.State(ctx, device.ID)
		if err != nil {
			t.Fatal(err)
		}
		state, err := profile.Decode(doc)
		if err != nil {
			t.Fatal(err)
		}

		connected, events, done := make(chan thinq.Endpoint, 1), make(chan thinq.Event, 10), make(chan error, 1)
		go func() { done <- c.Events(ctx, c.subscriber(connected), func(e thinq.Event) { events <- e }) }()
		ep := await(t, connected)
		if ep.ClientID != c.saved.ClientID || !c.saved.Registered || !slices.Equal(c.Connected(), []string{ep.ClientID}) {
			t.Errorf("connected as %s, registered as %+v, seen as %q", ep.ClientID, c.saved, c.Connected())
		}
		for range 2 {
			if err := errors.Join(c.SubscribeLifecycle(ctx), c.SubscribePush(ctx, device.ID), c.SubscribeEvents(ctx, device.ID)); err != nil {
				t.Fatal(err)
			}
		}

		power := thinq.Path{Resource: "operation", Name: "dehumidifierOperationMode"}
		word := "POWER_ON"
		if state[power] == word {
			word = "POWER_OFF"
		}
		body, err := profile.Encode(thinq.State{power: word})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Control(ctx, device.ID, body); err != nil {
			t.Fatal(err)
		}
		e := await(t, events)
		report, err := profile.Decode(e.Report)
		if changed := state.Merge(report); e.Kind != thinq.Report || e.Device != device.ID || err != nil || changed[power] != word {
			t.Errorf("event %+v, %v, changed %v", e, err, changed)
		}
		cancel()
		if err := await(t, done); err != nil {
			t.Error(err)
		}
		checkCalls(t, c.Calls(0))
		if !slices.Contains(codes, "POST /push/{id}/subscribe 1207") || !slices.Contains(codes, "POST /push/devices 4001") {
			t.Errorf("observed %q", codes)
		}
	})
}

func find(t *testing.T, c *cloud, kind string) thinq.Device {
	t.Helper()
	devices, err := c.Client.Devices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(devices, func(d thinq.Device) bool { return d.Type == kind })
	if i < 0 {
		t.Fatalf("no %s in the home", kind)
	}
	return devices[i]
}

// checkCalls holds what the cloud saw against LG's rules.
func checkCalls(t *testing.T, calls []thinqtest.Call) {
	t.Helper()
	ids := map[string]bool{}
	form := regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)
	for _, call := range calls {
		headers := http.Header{}
		for name, value := range call.Headers {
			headers.Set(name, value)
		}
		id := headers.Get("x-message-id")
		if !form.MatchString(id) || ids[id] {
			t.Errorf("%s %s: message id %q", call.Method, call.Path, id)
		}
		ids[id] = true
		if control := strings.HasSuffix(call.Path, "/control"); (headers.Get("x-conditional-control") == "true") != control {
			t.Errorf("%s %s: headers %v", call.Method, call.Path, headers)
		}
	}
}

// await receives what must come soon: in virtual time a wait has no end of its
// own while anything in the bubble ticks.
func await[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(time.Hour):
		t.Fatal("it did not come within an hour")
	}
	return v
}

// TestRevokedCertificate has the cloud forget the client.
func TestRevokedCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, thinqtest.Options{}, thinq.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		connected, done := make(chan thinq.Endpoint), make(chan error, 1)
		run := func() {
			go func() { done <- c.Events(ctx, c.subscriber(connected), func(thinq.Event) {}) }()
		}
		run()
		first := await(t, connected)
		c.Revoke(first.ClientID)
		if err := c.BrokerAction("disconnect"); err != nil {
			t.Fatal(err)
		}
		if err := await(t, done); err == nil {
			t.Fatal("the subscriber did not give up")
		}
		run()
		second := await(t, connected)
		if second.ClientID != first.ClientID || second.TLS.Certificates[0].Leaf.Equal(first.TLS.Certificates[0].Leaf) {
			t.Error("no new certificate for the same client")
		}
		cancel()
		await(t, done)
	})
}

// Each kind of answer has its class, and harms no later call.
func TestF009ClassOfEachAnswer(t *testing.T) {
	tests := []struct {
		fault thinqtest.Fault
		class thinq.Class
	}{
		{thinqtest.Fault{Status: 401, Code: "1314"}, thinq.Rate},
		{thinqtest.Fault{Status: 429, RetryAfter: thinqtest.Duration(time.Minute)}, thinq.Rate},
		{thinqtest.Fault{Status: 400, Code: "1103"}, thinq.Auth},
		{thinqtest.Fault{Status: 500}, thinq.Busy},
		{thinqtest.Fault{Body: "html"}, thinq.Busy},
		{thinqtest.Fault{Status: 503, Body: "empty"}, thinq.Busy},
		{thinqtest.Fault{Status: 404, Body: "html"}, thinq.Unknown},
		{thinqtest.Fault{Body: "login"}, thinq.Busy}, // 200
		{thinqtest.Fault{Status: 204, Body: "empty"}, ""},
		{thinqtest.Fault{Body: "invalid"}, thinq.Busy},
		{thinqtest.Fault{Body: "reset", Times: 2}, thinq.Busy},
		{thinqtest.Fault{Body: "empty"}, ""},
		{thinqtest.Fault{Delay: thinqtest.Duration(9 * time.Second)}, ""},
		{thinqtest.Fault{Delay: thinqtest.Duration(12 * time.Second)}, thinq.Busy},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			c := newCloud(t, thinqtest.Options{}, thinq.Options{})
			if err := c.Fault(tt.fault); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Client.Devices(t.Context()); thinq.ClassOf(err) != tt.class {
				t.Errorf("%+v: %v", tt.fault, err)
			}
			c.ClearFaults()
			if devices, err := c.Client.Devices(t.Context()); err != nil || len(devices) == 0 {
				t.Errorf("after %+v: %v", tt.fault, err)
			}
		})
	}
}

// TestQuota reads until LG has had enough, and then waits as LG wishes.
func TestQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := thinq.NewBudget(1000, 1000, thinq.BudgetState{})
		c := newCloud(t, thinqtest.Options{CallsPerHour: 60, Samples: thinqtest.Samples()[:1]}, thinq.Options{Budget: budget})
		id := c.Server.Devices()[0].ID
		refused := 0
		for start := time.Now(); time.Since(start) < 3*time.Hour; time.Sleep(30 * time.Second) {
			_, err := c.State(t.Context(), id)
			if e, ok := errors.AsType[*thinq.Error](err); ok && e.Class() == thinq.Rate {
				refused++
			}
		}
		if refused < 1 || refused > 5 {
			t.Errorf("refused %d times in three hours", refused)
		}
	})
}

func TestOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, thinqtest.Options{}, thinq.Options{})
		id := c.Server.Devices()[0].ID
		if err := c.SetOnline(id, false); err != nil {
			t.Fatal(err)
		}
		if _, err := c.State(t.Context(), id); thinq.ClassOf(err) != thinq.Offline {
			t.Error(err)
		}
		if _, err := c.State(t.Context(), "unknown"); thinq.ClassOf(err) != thinq.Gone {
			t.Error(err)
		}
	})
}

func TestMeters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, thinqtest.Options{CallsPerHour: -1}, thinq.Options{})
		now, metered := time.Now(), 0
		for _, sample := range thinqtest.Samples() {
			var device struct{ DeviceID string }
			if err := json.Unmarshal(sample.Device, &device); err != nil {
				t.Fatal(err)
			}
			meters, err := c.EnergyProfile(t.Context(), device.DeviceID)
			if sample.EnergyProfile == nil {
				if thinq.ClassOf(err) != thinq.Unsupported {
					t.Errorf("%s: %v", sample.Name, err)
				}
				continue
			}
			if err != nil || len(meters) == 0 {
				t.Errorf("%s: %v, %v", sample.Name, meters, err)
				continue
			}
			metered++
			usage, err := c.EnergyUsage(t.Context(), device.DeviceID, meters[0], thinq.Daily, now.AddDate(0, 0, -6), now)
			if err != nil || len(usage) == 0 || len(usage) > 7 {
				t.Errorf("%s: %v, %v", sample.Name, usage, err)
			}
		}
		if metered == 0 {
			t.Error("no meter in the home")
		}
	})
}

func TestSubscriptionsAreListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, thinqtest.Options{}, thinq.Options{})
		ctx := t.Context()
		id := find(t, c, "DEVICE_DEHUMIDIFIER").ID
		if err := errors.Join(c.Register(ctx), c.SubscribePush(ctx, id), c.SubscribeEvents(ctx, id), c.SubscribeLifecycle(ctx)); err != nil {
			t.Fatal(err)
		}
		push, err1 := c.PushSubscriptions(ctx)
		events, err2 := c.EventSubscriptions(ctx)
		_, err3 := c.LifecycleSubscriptions(ctx)
		if diff := cmp.Diff([][]string{{id}, {id}}, [][]string{push, events}); diff != "" || errors.Join(err1, err2, err3) != nil {
			t.Errorf("%v (-want +got):\n%s", errors.Join(err1, err2, err3), diff)
		}
		for range 2 {
			if err := errors.Join(c.UnsubscribePush(ctx, id), c.UnsubscribeEvents(ctx, id), c.UnsubscribeLifecycle(ctx)); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Unregister(ctx); err != nil {
			t.Fatal(err)
		}
	})
}
