package bridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest/mosquitto"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A meter is a cloud with one appliance, whose events come over a real broker.
type meter struct {
	bridge.Cloud // the calls that are not made here
	endpoint     thinq.Endpoint
}

const meterID = "meter-1"

func (m meter) Devices(context.Context) ([]thinq.Device, error) {
	return []thinq.Device{{ID: meterID, Type: "DEVICE_METER", Alias: "Meter", Reportable: true}}, nil
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

func (m meter) Events(ctx context.Context, sub thinq.Subscriber, handle func(thinq.Event)) error {
	return sub(ctx, m.endpoint, func(payload []byte) {
		if e, err := thinq.ParseEvent(payload); err == nil {
			handle(e)
		}
	})
}

// relayRoute runs a whole bridge: LG's event in, Home Assistant's document out.
func relayRoute(b *testing.B, g *mosquitto.Ground) mosquitto.Route {
	b.Helper()
	topics := discovery.Topics{Base: "thinq2mqtt", Prefix: "homeassistant"}
	local := link.New(link.Options{URL: g.Local.URL, ClientID: "bridge", Will: bridge.Will(topics), Subscriptions: bridge.Subscriptions(topics)})
	br := bridge.New(bridge.Options{
		Cloud:         meter{endpoint: thinq.Endpoint{URL: g.Cloud.URL, ClientID: "bridge", Topics: []string{"app/x/push"}, TLS: g.TLS}},
		Subscriber:    bridge.Subscriber(link.Options{}),
		Broker:        local,
		HomeAssistant: true,
		Discovery:     discovery.Options{Topics: topics, Unit: "auto"},
	})
	wires, cut := context.WithCancel(context.Background())
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = local.Run(wires) })
	ended := make(chan error, 1)
	go func() { ended <- br.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
		cut()
		wg.Wait()
	})
	return g.Listen(mosquitto.Route{
		Name: "thinq2mqtt", In: "app/x/push", Out: topics.State(discovery.Slug("DEVICE_METER", meterID)),
		Encode: func(n int) []byte {
			return fmt.Appendf(nil, `{"pushType":"DEVICE_STATUS","serviceId":"s","deviceId":%q,"userList":["u"],"deviceType":"DEVICE_METER","report":{"count":{"turns":%d}}}`, meterID, n+1)
		},
		Decode: func(payload []byte) (int, bool) {
			var doc struct{ Turns int }
			err := json.Unmarshal(payload, &doc)
			return doc.Turns - 1, err == nil
		},
	})
}

// BenchmarkRelay compares the whole bridge, from LG's event to the state
// document, with Mosquitto's own bridge, which only copies:
//
//	go test ./bridge -run '^$' -bench Relay -benchtime 5x
//
// A document that was outdated before it could be sent does not come; that is
// meant to be.
func BenchmarkRelay(b *testing.B) {
	g := mosquitto.NewGround(b)
	routes := []mosquitto.Route{g.Direct(), g.Bridge(), relayRoute(b, g)}
	time.Sleep(time.Second) // let the start settle, which is paced
	for _, load := range []struct{ rate, messages int }{{20, 40}, {1000, 1000}} {
		b.Run(fmt.Sprintf("%dmsg-s", load.rate), func(b *testing.B) {
			m := g.Measure(load.rate, load.messages, routes...)
			for b.Loop() {
				m.Round()
			}
			results := m.Results()
			fmt.Print("\n", mosquitto.Table(results))
			b.ReportMetric(mosquitto.Ratio(results[0], results[1], results[2]), "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}
