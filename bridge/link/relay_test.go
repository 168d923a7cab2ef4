package link_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest/mosquitto"
)

// relay is the least that two links can do: what one receives the other
// publishes, each message after the acknowledgement of the one before.
func relay(t testing.TB, g *mosquitto.Ground, name string, pipelined bool) mosquitto.Route {
	t.Helper()
	r := mosquitto.Route{Name: name, In: name + "/in", Out: name + "/out"}
	in := link.New(link.Options{URL: g.Cloud.URL, ClientID: name, TLS: g.TLS, Backoff: link.CloudBackoff,
		Keepalive: time.Minute, SessionExpiry: time.Hour, Buffer: 1024, Subscriptions: []link.Subscription{{Filter: r.In}}})
	out := link.New(link.Options{URL: g.Local.URL, ClientID: name})
	mosquitto.Run(t, out)
	mosquitto.Run(t, in)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	waits := make(chan func() error, 1024)
	wg.Go(func() {
		for wait := range waits {
			if err := wait(); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		defer close(waits)
		for {
			select {
			case m := <-in.Messages():
				m.Topic = r.Out
				wait, err := out.Send(ctx, m)
				switch {
				case err != nil:
					t.Error(err)
				case pipelined:
					waits <- wait
				default:
					_ = wait()
				}
			case <-ctx.Done():
				return
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return g.Listen(r)
}

// BenchmarkRelay compares two links in a row with Mosquitto's own bridge:
//
//	go test ./bridge/link -run '^$' -bench Relay -benchtime 5x
func BenchmarkRelay(b *testing.B) {
	g := mosquitto.NewGround(b)
	routes := []mosquitto.Route{g.Direct(), g.Bridge(), relay(b, g, "sequential", false), relay(b, g, "pipelined", true)}
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
