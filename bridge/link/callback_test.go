package link

import (
	"context"
	"net"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
)

// timed fails the test where a callback of the library took more than 5 ms.
func timed(t *testing.T, what string) func() {
	begin := time.Now()
	return func() {
		if took := time.Since(begin); took > 5*time.Millisecond {
			t.Errorf("%s took %v", what, took)
		}
	}
}

// double is what a keeper gives to the library, each callback under a clock.
func double(t *testing.T, k *keeper) autopaho.ClientConfig {
	c := k.config()
	backoff, greet, up, down, fault, hand := c.ReconnectBackoff, c.ConnectPacketBuilder, c.OnConnectionUp, c.OnConnectionDown, c.OnConnectError, k.session.hand
	c.ReconnectBackoff = func(n int) time.Duration { defer timed(t, "backoff")(); return backoff(n) }
	c.ConnectPacketBuilder = func(p *paho.Connect, u *url.URL) (*paho.Connect, error) {
		defer timed(t, "greeting")()
		return greet(p, u)
	}
	c.OnConnectionUp = func(m *autopaho.ConnectionManager, a *paho.Connack) { defer timed(t, "up")(); up(m, a) }
	c.OnConnectionDown = func() bool { defer timed(t, "down")(); return down() }
	c.OnConnectError = func(err error) { defer timed(t, "error")(); fault(err) }
	k.session.hand = func(p *packets.Publish) { defer timed(t, "message")(); hand(p) }
	return c
}

// Callbacks hand over and return, though nobody takes anything from them: neither
// messages nor the signal of a connection, nor even our own goroutine.
func TestF042CallbacksHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := linktest.NewBroker(linktest.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		away := false
		var mu sync.Mutex
		l := New(Options{URL: b.URL(), ClientID: "link", Buffer: 1, Dial: func(ctx context.Context, n, a string) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			if away = !away; away {
				return nil, net.ErrClosed
			}
			return b.Dial(ctx, n, a)
		}})
		l.begin()
		k := newKeeper(l) // never served
		manager, err := autopaho.NewConnection(t.Context(), double(t, k))
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			for k.up.Load() == nil {
				time.Sleep(time.Second)
			}
			_, _ = k.up.Load().subscribe(t.Context(), []Subscription{{Filter: "in"}})
			for range 100 {
				_ = b.Publish("in", []byte("x"), false)
			}
			synctest.Wait()
			b.Kill()
			synctest.Wait()
		}
		if got := l.Status().Dropped; got < 1900 {
			t.Errorf("%d messages found the buffer full, want nearly all", got)
		}
		k.stop(manager)
	})
}
