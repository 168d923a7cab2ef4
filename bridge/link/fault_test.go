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
	"syscall"
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

// A broker that accepts and drops makes us neither spin nor fill the log.
func TestF031AcceptThenDrop(t *testing.T) {
	for _, c := range []struct {
		name    string
		backoff link.Backoff
		ceiling int
		most    int // in three hours
	}{{"local", link.Backoff{}, 10, 600}, {"cloud", link.CloudBackoff, 3, 150}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBroker(t, linktest.Options{})
				n := count(b)
				log, lines := logged()
				l, stop := start(t, link.Options{URL: b.URL(), Dial: n.Dial, Backoff: c.backoff, Logger: log})
				for begin := time.Now(); time.Since(begin) < 3*time.Hour; {
					<-l.Up()
					b.Kill()
				}
				if most, all := n.worst(); most > c.ceiling || all < 30 || all > c.most {
					t.Errorf("%d connections in a minute and %d in 3 h, want %d and %d at most", most, all, c.ceiling, c.most)
				}
				_ = stop()
				if n := bytes.Count(lines.Bytes(), []byte("\n")); n > 3*4 {
					t.Errorf("%d lines in 3 h, want 4 an hour at most:\n%s", n, lines)
				}
			})
		})
	}
}

// A connection that ends again and again may have a twin; a broker that is not
// there in between, or that falls silent, has none to be suspected.
func TestF031TwinIsNotSuspectedOfAll(t *testing.T) {
	for _, c := range []struct {
		name    string
		end     func(b *linktest.Broker, away, deaf *atomic.Bool)
		suspect bool
	}{
		{"hangs up", func(b *linktest.Broker, _, _ *atomic.Bool) { b.Kill() }, true},
		{"restarts", func(b *linktest.Broker, away, _ *atomic.Bool) {
			away.Store(true)
			b.Kill()
		}, false},
		{"falls silent", func(_ *linktest.Broker, _, deaf *atomic.Bool) {
			deaf.Store(true)
			time.Sleep(40 * time.Second)
			deaf.Store(false)
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBroker(t, linktest.Options{})
				var away, deaf atomic.Bool
				log, lines := logged()
				l, stop := start(t, link.Options{URL: b.URL(), Logger: log, Dial: func(ctx context.Context, n, a string) (net.Conn, error) {
					if away.Swap(false) {
						return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
					}
					conn, err := b.Dial(ctx, n, a)
					return hole{conn, &deaf, new(atomic.Bool)}, err
				}})
				for range 5 {
					<-l.Up()
					c.end(b, &away, &deaf)
				}
				<-l.Up()
				_ = stop()
				if got := strings.Contains(lines.String(), "same client id"); got != c.suspect {
					t.Errorf("a twin is suspected: %v, want %v:\n%s", got, c.suspect, lines)
				}
			})
		})
	}
}

// Two clients with one id give way to each other, and both say why.
func TestF030TwinTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{})
		one, two := count(b), count(b)
		a, _ := start(t, link.Options{URL: b.URL(), Dial: one.Dial})
		c, _ := start(t, link.Options{URL: b.URL(), Dial: two.Dial})
		time.Sleep(10 * time.Minute)
		for _, l := range []*link.Link{a, c} {
			if s := l.Status(); !strings.Contains(s.Twin, "another client with the same client id took the connection over") {
				t.Errorf("status %+v, want the twin named", s)
			}
		}
		for _, n := range []*counter{one, two} {
			if _, all := n.worst(); all > 6 {
				t.Errorf("%d connections in 10 min, want 6 at most", all)
			}
		}
	})
}

// A twin that never gives way: after the third time we leave it the connection
// for half an hour, say so and until when, and forget it when it is gone.
func TestF030TwinThatFights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := make(chan struct{})
		s := &script{play: func(c wire, _ int) {
			c.accept()
			select {
			case <-gone:
				c.serve(all)
			default:
				c.say(0xE0, 2, 0x8E, 0)
			}
		}}
		l, _ := start(t, link.Options{URL: &url.URL{Scheme: "mqtt", Host: "broker.test"}, Dial: s.Dial, Backoff: link.CloudBackoff})
		time.Sleep(20 * time.Minute)
		if got := l.Status(); s.n.Load() != 3 || !strings.Contains(got.Twin, "3 times") || !strings.Contains(got.Problem, "taken over") || time.Until(got.Resting) < 10*time.Minute {
			t.Errorf("%d connections, status %+v", s.n.Load(), got)
		}
		time.Sleep(3 * time.Hour)
		if n := s.n.Load(); n > 10 {
			t.Errorf("%d connections in three hours", n)
		}
		close(gone)
		for !l.Status().Connected {
			time.Sleep(time.Second)
		}
		if got := l.Status(); got.Twin == "" || !got.Resting.IsZero() {
			t.Errorf("status %+v, want the twin told for a while", got)
		}
		time.Sleep(time.Hour)
		if got := l.Status(); got.Twin != "" {
			t.Errorf("status %+v an hour later", got)
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

// A direction in which nothing gets through any more.
type direction struct {
	name       string
	deaf, mute bool
}

var directions = []direction{{"both ways", true, true}, {"nothing comes", true, false}, {"nothing goes", false, true}}

func TestF032HalfOpenToTheCloud(t *testing.T) {
	for _, d := range directions {
		t.Run(d.name, func(t *testing.T) { halfOpen(t, d, time.Minute, 135*time.Second) })
	}
}

func TestF050HalfOpenInTheHouse(t *testing.T) {
	for _, d := range directions {
		t.Run(d.name, func(t *testing.T) { halfOpen(t, d, 15*time.Second, 35*time.Second) })
	}
}

// halfOpen expects that the loss is noticed in time, that nothing was said to be
// published, and that the link comes back.
func halfOpen(t *testing.T, d direction, keepalive, within time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{})
		var deaf, mute atomic.Bool
		l, _ := start(t, link.Options{URL: b.URL(), Keepalive: keepalive, Dial: func(ctx context.Context, n, a string) (net.Conn, error) {
			conn, err := b.Dial(ctx, n, a)
			return hole{conn, &deaf, &mute}, err
		}})
		<-l.Up()
		time.Sleep(10 * time.Minute)
		if s := l.Status(); s.Connects != 1 {
			t.Fatalf("an idle connection was made anew: %+v", s)
		}
		deaf.Store(d.deaf)
		mute.Store(d.mute)
		begin := time.Now()
		if err := l.Publish(t.Context(), link.Message{Topic: "a"}); err == nil {
			t.Error("published into a hole")
		}
		for l.Status().Connected {
			time.Sleep(time.Second)
		}
		if took := time.Since(begin); took > within {
			t.Errorf("noticed after %v, want %v at most", took, within)
		}
		deaf.Store(false)
		mute.Store(false)
		<-l.Up()
	})
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

// Whoever handles messages is known from the start, not added to a connection:
// after a hundred reconnections each message still comes, and each goes out.
func TestF109HundredReconnects(t *testing.T) {
	for _, handled := range []bool{false, true} {
		t.Run(fmt.Sprint("handler ", handled), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBroker(t, linktest.Options{})
				n := count(b)
				in := make(chan link.Message, 1)
				o := link.Options{URL: b.URL(), Dial: n.Dial, Subscriptions: []link.Subscription{{Filter: "in"}}}
				if handled {
					o.Handle = func(m link.Message) { in <- m }
				}
				l, _ := start(t, o)
				out, _ := b.Subscribe("out")
				for i := range 100 { // lives from 0 to 5 min: four hours
					<-l.Up()
					if err := b.Publish("in", []byte("x"), false); err != nil {
						t.Fatal(err)
					}
					select {
					case <-in:
					case <-l.Messages():
					}
					if err := l.Publish(t.Context(), link.Message{Topic: "out"}); err != nil {
						t.Fatal(err)
					}
					<-out
					time.Sleep(time.Duration(i*37%300) * time.Second)
					b.Kill()
				}
				if most, _ := n.worst(); most > 10 {
					t.Errorf("%d connections in a minute, want 10 at most", most)
				}
			})
		})
	}
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
