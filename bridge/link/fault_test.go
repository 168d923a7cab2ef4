package link_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
)

// A counter counts the connections made through it, by minute.
type counter struct {
	dial  func(ctx context.Context, network, addr string) (net.Conn, error)
	times chan time.Time
}

func count(b *linktest.Broker) *counter { return &counter{b.Dial, make(chan time.Time, 1<<16)} }

func (c *counter) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c.times <- time.Now()
	return c.dial(ctx, network, addr)
}

// worst is the highest number within any minute, and the number of all.
func (c *counter) worst() (most, all int) {
	var seen []time.Time
	for len(c.times) > 0 {
		seen = append(seen, <-c.times)
	}
	for i, from := range seen {
		n := 0
		for _, t := range seen[i:] {
			if t.Sub(from) < time.Minute {
				n++
			}
		}
		most = max(most, n)
	}
	return most, len(seen)
}

func TestAcceptThenDropDoesNotSpin(t *testing.T) {
	for _, c := range []struct {
		name    string
		backoff link.Backoff
		ceiling int
	}{{"local", link.Backoff{}, 10}, {"cloud", link.CloudBackoff, 3}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBroker(t, linktest.Options{})
				n := count(b)
				l, _ := start(t, link.Options{URL: b.URL(), Dial: n.Dial, Backoff: c.backoff})
				for begin := time.Now(); time.Since(begin) < 3*time.Hour; {
					<-l.Up()
					b.Kill()
				}
				if most, all := n.worst(); most > c.ceiling || all < 30 {
					t.Errorf("%d connections in a minute and %d in 3 h, want %d a minute at most", most, all, c.ceiling)
				}
			})
		})
	}
}

func TestTwoClientsWithOneID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{})
		one, two := count(b), count(b)
		a, _ := start(t, link.Options{URL: b.URL(), Dial: one.Dial})
		c, _ := start(t, link.Options{URL: b.URL(), Dial: two.Dial})
		var named atomic.Bool
		for range 600 { // 10 min
			time.Sleep(time.Second)
			for _, l := range []*link.Link{a, c} {
				if strings.Contains(l.Status().Problem, "another client with the same client id") {
					named.Store(true)
				}
			}
		}
		if !named.Load() {
			t.Error("nobody says that the client id is used twice")
		}
		for _, n := range []*counter{one, two} {
			if _, all := n.worst(); all > 6 {
				t.Errorf("%d connections in 10 min, want 6 at most", all)
			}
		}
	})
}

// A hole is a connection that can stop carrying anything, in either direction.
type hole struct {
	net.Conn
	deaf, mute *atomic.Bool
}

func (h hole) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	for h.deaf.Load() && err == nil {
		n, err = h.Conn.Read(p)
	}
	return n, err
}

func (h hole) Write(p []byte) (int, error) {
	if h.mute.Load() {
		return len(p), nil
	}
	return h.Conn.Write(p)
}

func TestHalfOpenConnection(t *testing.T) {
	for _, c := range []struct {
		name       string
		keepalive  time.Duration
		deaf, mute bool
		within     time.Duration
	}{
		{"local, both ways", 15 * time.Second, true, true, 35 * time.Second},
		{"local, nothing comes", 15 * time.Second, true, false, 35 * time.Second},
		{"local, nothing goes", 15 * time.Second, false, true, 35 * time.Second},
		{"cloud, both ways", time.Minute, true, true, 135 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBroker(t, linktest.Options{})
				var deaf, mute atomic.Bool
				l, _ := start(t, link.Options{URL: b.URL(), Keepalive: c.keepalive, Dial: func(ctx context.Context, n, a string) (net.Conn, error) {
					conn, err := b.Dial(ctx, n, a)
					return hole{conn, &deaf, &mute}, err
				}})
				<-l.Up()
				time.Sleep(10 * time.Minute)
				if s := l.Status(); s.Connects != 1 {
					t.Fatalf("an idle connection was made anew: %+v", s)
				}
				deaf.Store(c.deaf)
				mute.Store(c.mute)
				err := l.Publish(t.Context(), link.Message{Topic: "a"})
				if err == nil {
					t.Error("published into a hole")
				}
				begin := time.Now().Add(-10 * time.Second) // Publish waited for its acknowledgement
				for l.Status().Connected {
					time.Sleep(time.Second)
				}
				if took := time.Since(begin); took > c.within {
					t.Errorf("noticed after %v, want %v at most", took, c.within)
				}
				deaf.Store(false)
				mute.Store(false)
				<-l.Up()
			})
		})
	}
}

func TestLostInFlightIsToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{})
		var mute atomic.Bool
		l, _ := start(t, link.Options{URL: b.URL(), Dial: func(ctx context.Context, n, a string) (net.Conn, error) {
			conn, err := b.Dial(ctx, n, a)
			return hole{conn, new(atomic.Bool), &mute}, err
		}})
		<-l.Up()
		mute.Store(true)
		wait, err := l.Send(t.Context(), link.Message{Topic: "a"})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		b.Kill()
		if err := wait(); !errors.Is(err, link.ErrDown) || time.Since(begin) > time.Second {
			t.Errorf("%v after %v, want ErrDown at once", err, time.Since(begin))
		}
		mute.Store(false)
	})
}

func TestBrokerShutsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{})
		l, _ := start(t, link.Options{URL: b.URL(), Dial: b.Dial})
		<-l.Up()
		_ = b.Close()
		synctest.Wait()
		if s := l.Status(); s.Connected || !strings.Contains(s.Problem, "shutting down") {
			t.Errorf("status %+v, want the broker's reason", s)
		}
	})
}

func TestHoursOfFlapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{})
		n := count(b)
		l, _ := start(t, link.Options{URL: b.URL(), Dial: n.Dial, Subscriptions: []link.Subscription{{Filter: "in"}}})
		for i := range 100 { // lives from 0 to 5 min: four hours
			<-l.Up()
			if err := b.Publish("in", []byte("x"), false); err != nil {
				t.Fatal(err)
			}
			<-l.Messages()
			time.Sleep(time.Duration(i*37%300) * time.Second)
			b.Kill()
		}
		if most, _ := n.worst(); most > 10 {
			t.Errorf("%d connections in a minute, want 10 at most", most)
		}
	})
}

// What the resolver says of a name server that is gone holds another local port
// at every try, and is one fault for all that.
func TestHeldFaultIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port := 40000
		dial := func(context.Context, string, string) (net.Conn, error) {
			port++
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{
				Name: "broker.home", Server: "192.0.2.53:53",
				Err: fmt.Sprintf("read udp 192.0.2.9:%d->192.0.2.53:53: read: connection refused", port),
			}}
		}
		var log bytes.Buffer
		_, stop := start(t, link.Options{
			URL: &url.URL{Scheme: "mqtt", Host: "broker.home"}, Dial: dial, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		time.Sleep(time.Hour)
		stop()
		if port < 40010 {
			t.Errorf("%d tries in an hour", port-40000)
		}
		if n := strings.Count(log.String(), "no connection"); n != 1 || !strings.Contains(log.String(), "broker.home: the name server: connection refused") {
			t.Errorf("logged %d times:\n%s", n, log.String())
		}
	})
}
