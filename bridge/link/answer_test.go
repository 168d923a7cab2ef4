package link_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
)

var nowhere = &url.URL{Scheme: "mqtt", Host: "broker.test"}

// The broker's keepalive is obeyed where it is shorter than ours; where it is
// longer, or none, we ping as often as ever and notice silence as soon.
func TestF033ServerKeepAlive(t *testing.T) {
	for _, c := range []struct {
		name          string
		asked         []byte // property 19 of CONNACK
		every, within time.Duration
	}{
		{"30 s", []byte{19, 0, 30}, 30 * time.Second, 67 * time.Second},
		{"1200 s", []byte{19, 0x04, 0xB0}, time.Minute, 135 * time.Second},
		{"off", []byte{19, 0, 0}, time.Minute, 135 * time.Second},
		{"not said", nil, time.Minute, 135 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var pings atomic.Int32
				lost := make(chan time.Time, 100)
				s := &script{play: func(w wire, _ int) {
					w.accept(c.asked...)
					w.serve(func(kind byte) bool { return kind != packets.PINGREQ || pings.Add(1) <= 20 })
					lost <- time.Now()
				}}
				l, _ := start(t, link.Options{URL: nowhere, Dial: s.Dial, Keepalive: time.Minute})
				<-l.Up()
				time.Sleep(20*c.every + time.Second)
				if n := pings.Load(); n != 20 || l.Status().Connects != 1 {
					t.Errorf("%d pings in 20 times %v, status %+v", n, c.every, l.Status())
				}
				begin := time.Now()
				if took := (<-lost).Sub(begin); took > c.within {
					t.Errorf("silence noticed after %v, want %v", took, c.within)
				}
			})
		})
	}
}

// A broker that never answers SUBSCRIBE is no connection: it is given up, tried
// again with ever longer waits, named, and good when it answers at last.
func TestF036NoSuback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var good, said atomic.Bool
		s := &script{play: func(w wire, _ int) {
			w.accept()
			if good.Load() {
				w.serve(all)
			} else {
				w.serve(func(kind byte) bool { return kind != packets.SUBSCRIBE })
			}
		}}
		log, lines := logged()
		l, stop := start(t, link.Options{URL: nowhere, Dial: s.Dial, Backoff: link.CloudBackoff, Logger: log,
			Subscriptions: []link.Subscription{{Filter: "in"}}})
		for range 2 * 3600 {
			time.Sleep(time.Second)
			now := l.Status()
			if now.Connected {
				t.Fatalf("status %+v without a subscription", now)
			}
			said.Store(said.Load() || strings.Contains(now.Problem, "subscribe: no acknowledgement within 10 s"))
		}
		if n := s.n.Load(); !said.Load() || n < 20 || n > 90 {
			t.Errorf("%d connections in 2 h, cause named: %t", n, said.Load())
		}
		if now := l.Status(); time.Since(now.Since) < 2*time.Hour {
			t.Errorf("down since %v, though it never was up", now.Since)
		}
		select {
		case <-l.Up():
			t.Error("up without a subscription")
		default:
		}
		good.Store(true)
		select {
		case <-l.Up():
		case <-time.After(10 * time.Minute):
			t.Error("not tried again")
		}
		if !l.Status().Connected {
			t.Errorf("status %+v", l.Status())
		}
		_ = stop()
		if n := bytes.Count(lines.Bytes(), []byte("\n")); n > 8 {
			t.Errorf("%d lines in 2 h, want 4 an hour at most:\n%s", n, lines)
		}
	})
}

// The connection is cut between CONNACK and SUBACK, over and over: the link is
// never up in between, and hears its commands after each recovery.
func TestF108KilledBeforeSuback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{})
		var running atomic.Pointer[link.Link]
		cut := &script{play: func(w wire, _ int) {
			w.accept()
			_, _ = w.Read(make([]byte, 100)) // SUBSCRIBE
			if l := running.Load(); l != nil && l.Status().Connected {
				t.Error("connected before the subscription stands")
			}
		}}
		dials := 0
		l, _ := start(t, link.Options{URL: nowhere, SessionExpiry: time.Hour, Subscriptions: []link.Subscription{{Filter: "in"}},
			Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				if dials++; dials%2 == 1 {
					return cut.Dial(ctx, network, addr)
				}
				return b.Dial(ctx, network, addr)
			}})
		running.Store(l)
		for i := range 100 {
			<-l.Up()
			_ = b.Publish("in", fmt.Append(nil, i), false)
			m := <-l.Messages()
			for m.Dup { // not acknowledged when the connection was cut
				m = <-l.Messages()
			}
			if string(m.Payload) != fmt.Sprint(i) {
				t.Fatalf("got %s, want %d", m.Payload, i)
			}
			if i%10 == 9 { // or the broker keeps more than it may have under way
				time.Sleep(time.Second)
			}
			b.Kill()
		}
		if n := cut.n.Load(); n < 100 {
			t.Errorf("cut %d times", n)
		}
	})
}

// A broker that comes ten minutes late finds us within a minute, and a short log.
func TestF039BrokerTenMinutesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{})
		begin := time.Now()
		log, lines := logged()
		l, stop := start(t, link.Options{URL: b.URL(), Logger: log, Dial: func(ctx context.Context, n, a string) (net.Conn, error) {
			if time.Since(begin) < 10*time.Minute {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("connection refused")}
			}
			return b.Dial(ctx, n, a)
		}})
		<-l.Up()
		if took := time.Since(begin); took > 11*time.Minute {
			t.Errorf("up after %v", took)
		}
		_ = stop()
		if n := bytes.Count(lines.Bytes(), []byte("\n")); n > 4 {
			t.Errorf("%d lines:\n%s", n, lines)
		}
	})
}

// A broker with EMQX's rule, 15 connections in a minute lead to a ban of five,
// never bans us, though every connection is cut at once, or we are asked to connect
// anew each second. EMQX itself is not here.
func TestF045NeverBanned(t *testing.T) {
	for name, anew := range map[string]bool{"cut": false, "made anew": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var recent []time.Time
				bans, all := 0, 0
				count := func() {
					mu.Lock()
					defer mu.Unlock()
					recent = append(recent, time.Now())
					for time.Since(recent[0]) > time.Minute {
						recent = recent[1:]
					}
					if len(recent) >= 15 {
						bans++
					}
					all++
				}
				s := &script{play: func(w wire, _ int) {
					count()
					if w.accept(); anew {
						_, _ = io.Copy(io.Discard, w)
					}
				}}
				l, _ := start(t, link.Options{URL: nowhere, Dial: s.Dial})
				for range 3600 {
					time.Sleep(time.Second)
					if anew {
						l.Reappear("", true)
					}
				}
				synctest.Wait()
				mu.Lock()
				defer mu.Unlock()
				if bans > 0 || all < 50 {
					t.Errorf("banned %d times in %d connections", bans, all)
				}
			})
		})
	}
}

// Who is banned all the same stays away, longer each time, and says so.
func TestF045BanDoublesTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		s := &script{play: func(w wire, _ int) {
			at = append(at, time.Now())
			w.connack(0x8A)
		}}
		l, _ := start(t, link.Options{URL: nowhere, Dial: s.Dial})
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		for i, least := range []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 40 * time.Minute, 40 * time.Minute} {
			if wait := at[i+1].Sub(at[i]); wait < least || wait > least+time.Minute {
				t.Errorf("wait %d is %v, want %v", i, wait, least)
			}
		}
		if got := l.Status(); !strings.Contains(got.Problem, "banned by the broker") || got.Resting.Before(time.Now()) {
			t.Errorf("status %+v", got)
		}
	})
}

// A path of IPv6 that lets a connection open and swallows what follows is left
// for IPv4, for good; where there is no IPv4, both are tried again.
func TestHoleInIPv6(t *testing.T) {
	for _, four := range []bool{true, false} {
		t.Run(fmt.Sprint("with IPv4 ", four), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBroker(t, linktest.Options{})
				swallows := &script{play: func(w wire, _ int) { _, _ = w.Read(make([]byte, 1)) }}
				begin := time.Now()
				l, _ := start(t, link.Options{URL: b.URL(), Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
					switch {
					case network == "tcp4" && !four:
						return nil, &net.OpError{Op: "dial", Net: network, Err: &net.AddrError{Err: "no suitable address found", Addr: addr}}
					case network == "tcp4", !four && time.Since(begin) > time.Minute:
						return b.Dial(ctx, network, addr)
					}
					return swallows.Dial(ctx, network, addr)
				}})
				<-l.Up()
				if took := time.Since(begin); took > 2*time.Minute {
					t.Errorf("up after %v", took)
				}
				held := swallows.n.Load()
				for range 5 {
					time.Sleep(5 * time.Minute)
					b.Kill()
					<-l.Up()
				}
				if four && (held != 1 || swallows.n.Load() != 1) {
					t.Errorf("%d attempts into the hole, want 1", swallows.n.Load())
				}
			})
		})
	}
}

// A broker that announces 200 MB after CONNACK costs a whole link less than a
// mebibyte, and is named.
func TestF057HugePacketOnALink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{play: func(w wire, _ int) {
			w.accept()
			w.say(0x30, 0x80, 0xD6, 0xAE, 0x5F)
			_, _ = w.Read(make([]byte, 1))
		}}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		l, _ := start(t, link.Options{URL: nowhere, Dial: s.Dial})
		for !strings.Contains(l.Status().Problem, "more than the 262144 announced") {
			time.Sleep(time.Millisecond)
		}
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
			t.Errorf("%d bytes of memory", grown)
		}
	})
}
