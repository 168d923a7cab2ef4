package bridge_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// listener runs a subscriber against a broker that can be cut off.
type listener struct {
	broker *linktest.Broker
	sub    thinq.Subscriber
	away   atomic.Bool
	faint  atomic.Bool // connections end with the first SUBSCRIBE
	numb   atomic.Bool // no acknowledgement gets through
	closed atomic.Bool // subscriptions are refused
	told   chan thinq.Flow
	heard  chan string
	ended  chan error
}

func listen(t *testing.T) *listener { return listenFrom(t, true) }

// listenFrom begins with a broker that can be reached, or one that cannot.
func listenFrom(t *testing.T, reachable bool) *listener {
	t.Helper()
	l := newListener(t)
	l.away.Store(!reachable)
	l.run(t)
	return l
}

func newListener(t *testing.T) *listener {
	t.Helper()
	l := &listener{told: make(chan thinq.Flow, 100), heard: make(chan string, 100), ended: make(chan error, 1)}
	broker, err := linktest.NewBroker(linktest.Options{Allow: func(string, string, bool) bool { return !l.closed.Load() }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Close() })
	l.broker = broker
	l.sub = bridge.Subscriber(link.Options{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if l.away.Load() {
			return nil, errors.New("no route to host")
		}
		c, err := broker.Dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if l.faint.Load() {
			c = faint{c}
		}
		return numb{c, &l.numb}, nil
	}})
	return l
}

// run runs the subscriber until the test ends or stop is called.
func (l *listener) run(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		ep := thinq.Endpoint{URL: l.broker.URL(), ClientID: "us", Topics: []string{"app/us/push"}, Told: func(now thinq.Flow) { l.told <- now }}
		l.ended <- l.sub(ctx, ep, func(payload []byte) { l.heard <- string(payload) })
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

// A numb connection loses acknowledgements.
type numb struct {
	net.Conn
	now *atomic.Bool
}

func (c numb) Write(p []byte) (int, error) {
	if p[0]>>4 == packets.PUBACK && c.now.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// A faint connection ends when it is asked for subscriptions.
type faint struct{ net.Conn }

func (c faint) Write(p []byte) (int, error) {
	if p[0]>>4 == packets.SUBSCRIBE {
		_ = c.Close()
	}
	return c.Conn.Write(p)
}

// next is what the subscriber tells next.
func (l *listener) next(t *testing.T) thinq.Flow {
	t.Helper()
	select {
	case now := <-l.told:
		return now
	case <-time.After(time.Hour):
		t.Fatal("nothing is told for an hour")
		return thinq.NoFlow
	}
}

// cut ends the connection and keeps it from coming back.
func (l *listener) cut() {
	l.away.Store(true)
	l.broker.Kill()
}

func TestSubscriberHandsOverInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listen(t)
		if <-l.told != thinq.FreshFlow {
			t.Fatal("not up")
		}
		want := []string{"1", "2", "3", "4", "5"}
		for _, payload := range want {
			if err := l.broker.Publish("app/us/push", []byte(payload), false); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for range want {
			got = append(got, <-l.heard)
		}
		if !slices.Equal(got, want) {
			t.Errorf("heard %q", got)
		}
	})
}

// A broker that was never reached, and one that was lost, are given up after
// twelve minutes, not before: then the route is to be asked for again.
func TestSubscriberGivesUp(t *testing.T) {
	for _, once := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			l := listenFrom(t, once)
			if once {
				<-l.told
				l.cut()
			}
			begun := time.Now()
			err := <-l.ended
			if took := time.Since(begun); took < 12*time.Minute || took > 13*time.Minute {
				t.Errorf("connected once %v: given up after %v", once, took)
			}
			if err == nil || !strings.Contains(err.Error(), "no route to host") {
				t.Errorf("connected once %v: %v", once, err)
			}
			if <-l.told != thinq.NoFlow {
				t.Errorf("connected once %v: it ended up", once)
			}
		})
	}
}

func TestSubscriberSurvivesAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listen(t)
		l.next(t)
		for range 4 { // each outage counts alone
			l.cut()
			time.Sleep(4 * time.Minute) // the next attempt may be five minutes later
			if l.next(t) != thinq.NoFlow {
				t.Error("the loss was not told")
			}
			l.away.Store(false)
			if now := l.next(t); now != thinq.ResumedFlow {
				t.Errorf("told %v, though the broker keeps sessions for ten minutes", now)
			}
		}
		select {
		case err := <-l.ended:
			t.Errorf("given up: %v", err)
		default:
		}
	})
}

// A session that a connection began which ended before its subscriptions stood is
// no session of before: nothing was kept, whoever goes on with it.
func TestSubscriberTellsOfTheGapOfAFaintConnection(t *testing.T) {
	for name, another := range map[string]bool{"the same link": false, "another link": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newListener(t)
				l.faint.Store(true)
				stop := l.run(t)
				time.Sleep(time.Minute)
				if another {
					stop()
					<-l.ended
					if l.next(t) != thinq.NoFlow {
						t.Error("it ended up")
					}
				}
				l.faint.Store(false)
				if another {
					l.run(t)
				}
				if now := l.next(t); now != thinq.FreshFlow {
					t.Errorf("told %v, though nothing was kept", now)
				}
				l.broker.Kill()
				now := l.next(t)
				if now == thinq.NoFlow {
					now = l.next(t)
				}
				if now != thinq.ResumedFlow {
					t.Errorf("told %v of a session that was kept", now)
				}
			})
		})
	}
}

// A broker that refuses the subscription is as good as none; one that grants it
// before that is given up has kept nothing.
func TestF036SubscriberRefused(t *testing.T) {
	for _, granted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			l := newListener(t)
			l.closed.Store(true)
			l.run(t)
			time.Sleep(7 * time.Minute)
			l.closed.Store(!granted)
			if granted {
				if now := l.next(t); now != thinq.FreshFlow {
					t.Errorf("told %v", now)
				}
				return
			}
			if l.next(t) != thinq.NoFlow {
				t.Fatal("it was up")
			}
			if err := <-l.ended; err == nil || !strings.Contains(err.Error(), "app/us/push refused: not authorized (0x87)") {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

// A notice of which the acknowledgement was lost is handed over once, also by
// another link; a report may be news, and one that came meanwhile is handed over.
func TestF034SubscriberDropsNoticesSentAgain(t *testing.T) {
	for name, another := range map[string]bool{"the same link": false, "another link": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const done = `{"pushType":"DEVICE_PUSH","deviceId":"d","pushCode":"WASHING_IS_COMPLETE"}`
				const other = `{"pushType":"DEVICE_PUSH","deviceId":"e","pushCode":"WASHING_IS_COMPLETE"}`
				l := newListener(t)
				stop := l.run(t)
				l.next(t)
				publish := func(payload string) {
					if err := l.broker.Publish("app/us/push", []byte(payload), false); err != nil {
						t.Error(err)
					}
				}
				l.numb.Store(true)
				publish(done)
				publish(string(report(1)))
				time.Sleep(time.Second)
				l.numb.Store(false)
				l.away.Store(true)
				if l.broker.Kill(); another {
					stop()
					<-l.ended
				}
				publish(other)
				time.Sleep(time.Second)
				if l.away.Store(false); another {
					l.run(t)
				}
				time.Sleep(5 * time.Minute)
				publish(done)
				synctest.Wait()
				for _, want := range []string{done, string(report(1)), string(report(1)), other, done} {
					select {
					case got := <-l.heard:
						if got != want {
							t.Errorf("heard %s in the place of %s", got, want)
						}
					default:
						t.Errorf("%s was not heard", want)
					}
				}
				if len(l.heard) > 0 {
					t.Errorf("heard %s as well", <-l.heard)
				}
			})
		})
	}
}
