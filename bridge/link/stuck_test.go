package link_test

import (
	"bytes"
	"context"
	"errors"
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

// logged keeps the lines that a person sees at the usual level.
func logged() (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return slog.New(slog.NewTextHandler(&b, nil)), &b
}

// A dialler that never comes back does not keep the link from trying, and a
// manager without success is replaced.
func TestF040DiallerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{})
		release := make(chan struct{})
		log, lines := logged()
		l, stop := start(t, link.Options{URL: b.URL(), Logger: log, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			<-release // whatever ctx says
			return b.Dial(ctx, network, addr)
		}})
		time.Sleep(12 * time.Minute)
		if s := l.Status(); s.Anew != 1 || s.Connected || !strings.Contains(s.Problem, "no connection within 10 s") {
			t.Errorf("status %+v, want a new manager", s)
		}
		close(release)
		begin := time.Now()
		<-l.Up()
		if took := time.Since(begin); took > 2*time.Minute {
			t.Errorf("up after %v", took)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if n := strings.Count(lines.String(), "starting over with a new connection manager"); n != 1 {
			t.Errorf("said %d times:\n%s", n, lines)
		}
	})
}

// The library's goroutine stands still, here in a file system that does not
// answer: another one takes its place, and what the first does when it wakes up
// counts no more.
func TestF040ManagerStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{})
		n := count(b)
		release := make(chan struct{})
		var asked atomic.Int32
		l, stop := start(t, link.Options{URL: b.URL(), Dial: n.Dial, Password: func() (string, error) {
			if asked.Add(1) == 1 {
				<-release
			}
			return "x", nil
		}})
		begin := time.Now()
		<-l.Up()
		if took := time.Since(begin); took > 12*time.Minute {
			t.Errorf("up after %v, want 10 min and a little", took)
		}
		close(release)
		time.Sleep(time.Hour)
		if s := l.Status(); !s.Connected || s.Connects != 1 || s.Anew != 1 {
			t.Errorf("status %+v, want one connection that lives", s)
		}
		if _, all := n.worst(); all != 1 {
			t.Errorf("%d connections, want that of the second manager only", all)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// Where every manager stands still, Run says so instead of leaving one behind
// every ten minutes for ever.
func TestF040EveryManagerStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		begin := time.Now()
		l := link.New(link.Options{URL: &url.URL{Scheme: "mqtt", Host: "broker.test"}, ClientID: "link", Password: func() (string, error) {
			<-release
			return "", errors.New("too late")
		}})
		if err := l.Run(t.Context()); !errors.Is(err, link.ErrStuck) {
			t.Errorf("Run: %v, want ErrStuck", err)
		}
		if took := time.Since(begin); took < 30*time.Minute || took > 35*time.Minute {
			t.Errorf("after %v, want half an hour", took)
		}
	})
}

// A broker that is away for a day is one fault: few lines, and no more attempts
// for all the new managers.
func TestF040BrokerAwayForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var attempts counter
		attempts.times = make(chan time.Time, 1<<16)
		attempts.dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
		}
		log, lines := logged()
		l, stop := start(t, link.Options{URL: &url.URL{Scheme: "mqtt", Host: "broker.test"}, Dial: attempts.Dial, Logger: log})
		time.Sleep(24 * time.Hour)
		if s := l.Status(); s.Anew < 100 || time.Since(s.Since) < 24*time.Hour {
			t.Errorf("status %+v", s)
		}
		_ = stop()
		if most, all := attempts.worst(); most > 10 || all < 24*60 {
			t.Errorf("%d attempts in a minute, %d in a day", most, all)
		}
		if n := bytes.Count(lines.Bytes(), []byte("\n")); n > 24*2+2 {
			t.Errorf("%d lines in a day:\n%.2000s", n, lines)
		}
	})
}

// While a refusal keeps us away nothing stands still.
func TestF040RestIsNoStandstill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{play: func(c wire, _ int) { c.connack(0x8A) }}
		l, _ := start(t, link.Options{URL: &url.URL{Scheme: "mqtt", Host: "broker.test"}, Dial: s.Dial})
		time.Sleep(74 * time.Minute) // 5, 10, 20 and 40 minutes
		if got := l.Status(); got.Anew > 2 || got.Resting.IsZero() || s.n.Load() != 4 {
			t.Errorf("%d attempts, status %+v", s.n.Load(), got)
		}
	})
}

// Whoever handles messages may end the link, and even wait for its end.
func TestF043StopInsideAHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		var took time.Duration
		var handled atomic.Int32
		l := link.New(link.Options{URL: b.URL(), ClientID: "link", Dial: b.Dial, Subscriptions: []link.Subscription{{Filter: "in"}},
			Handle: func(link.Message) {
				if handled.Add(1) == 100 {
					begin := time.Now()
					cancel()
					<-ended
					took = time.Since(begin)
				}
			}})
		go func() { ended <- l.Run(ctx); close(ended) }()
		<-l.Up()
		for range 1000 {
			_ = b.Publish("in", []byte("flood"), false)
		}
		<-ended
		synctest.Wait()
		if took == 0 || took > 10*time.Second {
			t.Errorf("ended after %v, want 10 s at most", took)
		}
	})
}

// A flood that nobody takes holds up neither the loss nor the end of a link.
func TestF043StopInAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{})
		l, stop := start(t, link.Options{URL: b.URL(), Dial: b.Dial, Subscriptions: []link.Subscription{{Filter: "in"}}})
		<-l.Up()
		done := make(chan struct{})
		go func() {
			defer close(done)
			for l.Status().Connected {
				_ = b.Publish("in", make([]byte, 1000), false)
				time.Sleep(100 * time.Microsecond)
			}
		}()
		time.Sleep(time.Second)
		begin := time.Now()
		if err := stop(); err != nil || time.Since(begin) > 10*time.Second {
			t.Errorf("%v after %v, want 10 s at most", err, time.Since(begin))
		}
		<-done
	})
}

// A broker that stops reading takes no caller with it: each publication ends in
// its time, what the broker sends is heard, and the link is made anew.
func TestF051BrokerStopsReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{play: func(c wire, n int) {
			c.accept()
			if n > 1 {
				c.serve(all)
				return
			}
			for range 5 {
				time.Sleep(time.Second)
				c.say(0x30, 5, 0, 1, 'a', 0, 'x')
			}
			time.Sleep(time.Minute)
		}}
		l, _ := start(t, link.Options{URL: &url.URL{Scheme: "mqtt", Host: "broker.test"}, Dial: s.Dial})
		<-l.Up()
		type end struct {
			err  error
			took time.Duration
		}
		ends := make(chan end, 20)
		for range cap(ends) {
			go func() {
				begin := time.Now()
				err := l.Publish(t.Context(), link.Message{Topic: "a", Payload: make([]byte, 10_000)})
				ends <- end{err, time.Since(begin)}
			}()
		}
		for range 5 {
			if m := <-l.Messages(); m.Topic != "a" || !l.Status().Connected {
				t.Errorf("%+v, status %+v", m, l.Status())
			}
		}
		for range cap(ends) {
			if e := <-ends; e.err == nil || e.took > 11*time.Second {
				t.Errorf("%v after %v, want an error within 10 s", e.err, e.took)
			}
		}
		<-l.Up()
		if err := l.Publish(t.Context(), link.Message{Topic: "a"}); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute) // the first connection ends
	})
}
