package bridge_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest/mosquitto"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A relay is a bridge that is measured.
type relay struct {
	Name          string // client id, topic of the events, base of the documents
	Appliances    int
	Cloud, Local  string // URLs
	CA, Cert, Key string // files
}

func (r relay) topics() discovery.Topics {
	return discovery.Topics{Base: r.Name, Prefix: r.Name + "-announcements"}
}

// A meter is a cloud whose appliances count, and whose events come over a real
// broker.
type meter struct {
	bridge.Cloud // the calls that are not made here
	relay
	endpoint thinq.Endpoint
}

func meterID(n int) string { return fmt.Sprint("meter-", n) }

func (m meter) Devices(context.Context) (all []thinq.Device, err error) {
	for n := range m.Appliances {
		all = append(all, thinq.Device{ID: meterID(n), Type: "DEVICE_METER", Alias: fmt.Sprint("Meter ", n), Reportable: true})
	}
	return all, nil
}

func (m meter) Profile(context.Context, string) (json.RawMessage, error) {
	return json.RawMessage(`{"property":{"count":{"turns":{"type":"number","mode":["r"]}}}}`), nil
}

func (m meter) State(context.Context, string) (json.RawMessage, error) {
	return json.RawMessage(`{"count":{"turns":0}}`), nil
}

func (m meter) SubscribeEvents(context.Context, string) error { return nil }
func (m meter) SubscribePush(context.Context, string) error   { return nil }
func (m meter) SubscribeLifecycle(context.Context) error      { return nil }
func (m meter) EventSubscriptions(context.Context) ([]string, error) {
	return nil, nil
}

func (m meter) Events(ctx context.Context, sub thinq.Subscriber, handle func(thinq.Event)) error {
	return sub(ctx, m.endpoint, func(payload []byte) {
		if e, err := thinq.ParseEvent(payload); err == nil {
			handle(e)
		}
	})
}

// serve runs the whole bridge until ctx ends.
func (r relay) serve(ctx context.Context, t testing.TB) {
	cloud, local := parseURL(t, r.Cloud), parseURL(t, r.Local)
	wire := link.New(link.Options{URL: local, ClientID: r.Name, Will: bridge.Will(r.topics()), Subscriptions: bridge.Subscriptions(r.topics())})
	b := bridge.New(bridge.Options{
		Cloud:      meter{relay: r, endpoint: thinq.Endpoint{URL: cloud, ClientID: r.Name, Topics: []string{r.Name}, TLS: r.credentials(t)}},
		Subscriber: bridge.Subscriber(link.Options{}), Broker: wire,
		HomeAssistant: true, Discovery: discovery.Options{Topics: r.topics(), Unit: "auto"},
	})
	wires, cut := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = wire.Run(wires) })
	defer wg.Wait()
	defer cut()
	if err := b.Run(ctx); err != nil {
		t.Error(err)
	}
}

func parseURL(t testing.TB, s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		t.Error(err)
	}
	return u
}

func (r relay) credentials(t testing.TB) *tls.Config {
	pair, err := tls.LoadX509KeyPair(r.Cert, r.Key)
	if err != nil {
		t.Error(err)
	}
	ca, err := os.ReadFile(r.CA)
	if err != nil {
		t.Error(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}
}

// meet tells a relay where the brokers are and gives its route, which is that of
// the last appliance: LG's event in, Home Assistant's document out.
func (r *relay) meet(g *mosquitto.Ground) mosquitto.Route {
	r.Cloud, r.Local = g.Cloud.URL.String(), g.Local.URL.String()
	r.CA, r.Cert, r.Key = g.Files(r.Name)
	id := meterID(r.Appliances - 1)
	return g.Listen(mosquitto.Route{
		Name: r.Name, In: r.Name, Out: r.topics().State(discovery.Slug("DEVICE_METER", id)),
		Encode: func(n int) []byte {
			return fmt.Appendf(nil, `{"pushType":"DEVICE_STATUS","serviceId":"s","deviceId":%q,"userList":["u"],"deviceType":"DEVICE_METER","report":{"count":{"turns":%d}}}`, id, n+1)
		},
		Decode: func(payload []byte) (int, bool) {
			var doc struct{ Turns int }
			err := json.Unmarshal(payload, &doc)
			return doc.Turns - 1, err == nil
		},
	})
}

// start runs a relay until the benchmark ends.
func (r relay) start(b *testing.B, g *mosquitto.Ground) mosquitto.Route {
	b.Helper()
	route := r.meet(g)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { r.serve(ctx, b) })
	b.Cleanup(func() {
		stop()
		wg.Wait()
	})
	return route
}

// relayEnv tells the test binary to be a relay.
const relayEnv = "THINQ2MQTT_TEST_RELAY"

// fork runs a relay in a process of its own, as the yardstick is.
func (r relay) fork(b *testing.B, g *mosquitto.Ground) mosquitto.Route {
	b.Helper()
	route := r.meet(g)
	plan, err := json.Marshal(r)
	if err != nil {
		b.Fatal(err)
	}
	process := exec.Command(os.Args[0], "-test.run", "^TestRelayProcess$")
	process.Env = append(os.Environ(), relayEnv+"="+string(plan))
	process.Stderr = os.Stderr
	leash, err := process.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := process.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = leash.Close()
		if err := process.Wait(); err != nil {
			b.Errorf("%s: %v", r.Name, err)
		}
	})
	return route
}

// TestRelayProcess is the process that fork starts; by itself it is nothing.
func TestRelayProcess(t *testing.T) {
	var r relay
	if err := json.Unmarshal([]byte(os.Getenv(relayEnv)), &r); err != nil {
		t.Skip("for BenchmarkRelay only")
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until whoever measures is done
		stop()
	}()
	r.serve(ctx, t)
}

// BenchmarkRelay compares the whole bridge, from LG's event to the state
// document, with Mosquitto's own bridge, which only copies. It does so for one
// appliance and for three hundred, in this process, and for one in a process of
// its own, where at low rates nobody else keeps the code in the caches:
//
//	go test ./bridge -run '^$' -bench Relay -benchtime 5x
//
// A document that was outdated before it could be sent does not come; that is
// meant to be.
func BenchmarkRelay(b *testing.B) {
	g := mosquitto.NewGround(b)
	routes := []mosquitto.Route{g.Direct(), g.Bridge(),
		relay{Name: "thinq2mqtt", Appliances: 1}.start(b, g),
		relay{Name: "large-home", Appliances: 300}.start(b, g),
		relay{Name: "own-process", Appliances: 1}.fork(b, g),
	}
	for _, load := range []struct{ rate, messages int }{{20, 40}, {1000, 1000}} {
		b.Run(fmt.Sprintf("%dmsg-s", load.rate), func(b *testing.B) {
			m := g.Measure(load.rate, load.messages, routes...)
			time.Sleep(2 * time.Second) // let the start settle
			for b.Loop() {
				m.Round()
			}
			results := m.Results()
			fmt.Print("\n", mosquitto.Table(results))
			for i, unit := range []string{"ratio", "ratio-300", "ratio-process"} {
				b.ReportMetric(mosquitto.Ratio(results[0], results[1], results[2+i]), unit)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
