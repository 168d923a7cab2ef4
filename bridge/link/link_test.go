package link_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
)

// TestMain has every test run where the environment names a proxy that nobody
// wants. The standard library looks there once, so it must be there from the
// beginning.
func TestMain(m *testing.M) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		os.Setenv(name, "http://canary.proxy.test:3128")
	}
	goleak.VerifyTestMain(m)
}

// start runs a link until the test ends; stop ends it earlier.
func start(t *testing.T, o link.Options) (l *link.Link, stop func() error) {
	t.Helper()
	if o.ClientID == "" {
		o.ClientID = "link"
	}
	l = link.New(o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	var stopped bool
	stop = func() error {
		cancel()
		if stopped {
			return nil
		}
		stopped = true
		return <-done
	}
	t.Cleanup(func() { _ = stop() })
	return l, stop
}

func newBroker(t *testing.T, o linktest.Options) *linktest.Broker {
	t.Helper()
	b, err := linktest.NewBroker(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func TestPublishAndReceive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{})
		if err := b.Publish("in/old", []byte("was there"), true); err != nil {
			t.Fatal(err)
		}
		l, _ := start(t, link.Options{URL: b.URL(), Dial: b.Dial, Subscriptions: []link.Subscription{
			{Filter: "in/#", Retained: true}, {Filter: "live/#"},
		}})
		<-l.Up()
		if m := <-l.Messages(); m.Topic != "in/old" || string(m.Payload) != "was there" || !m.Retain {
			t.Errorf("got %+v, want what was retained", m)
		}
		out, err := b.Subscribe("out/#")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			want := link.Message{Topic: "out/x", Payload: fmt.Append(nil, i), Retain: i == 99, Reply: "in/reply", Correlation: []byte{1, byte(i)}}
			if err := l.Publish(t.Context(), want); err != nil {
				t.Fatal(err)
			}
			got := <-out
			if string(got.Payload) != string(want.Payload) || got.Reply != want.Reply || string(got.Correlation) != string(want.Correlation) {
				t.Fatalf("got %+v, want %+v", got, want)
			}
		}
		if got, _ := b.Retained("out/x"); string(got) != "99" {
			t.Errorf("retained %q, want 99", got)
		}
		if err := b.PublishMsg(linktest.Msg{Topic: "live/a", Payload: []byte("1"), Retain: true, Reply: "r", Correlation: []byte("c")}); err != nil {
			t.Fatal(err)
		}
		if m := <-l.Messages(); m.Topic != "live/a" || !m.Retain || m.Reply != "r" || string(m.Correlation) != "c" || m.Received.IsZero() {
			t.Errorf("got %+v, want all of it, with the retain flag as published", m)
		}
		if s := l.Status(); !s.Connected || s.Connects != 1 || s.Problem != "" {
			t.Errorf("status %+v", s)
		}
	})
}

// Whoever connects anew learns whether the broker has kept what came meanwhile.
func TestResumed(t *testing.T) {
	for pause, resumed := range map[time.Duration]bool{time.Minute: true, 3 * time.Minute: false} {
		synctest.Test(t, func(t *testing.T) {
			b := newBroker(t, linktest.Options{})
			o := link.Options{URL: b.URL(), Dial: b.Dial, SessionExpiry: 2 * time.Minute, Subscriptions: []link.Subscription{{Filter: "in"}}}
			l, stop := start(t, o)
			if <-l.Up(); l.Status().Gaps != 1 {
				t.Error("the first session is resumed")
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(pause)
			l, _ = start(t, o)
			if <-l.Up(); l.Status().Gaps == 0 != resumed {
				t.Errorf("resumed after %v: %v", pause, !resumed)
			}
		})
	}
}

func TestSendKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{})
		l, _ := start(t, link.Options{URL: b.URL(), Dial: b.Dial})
		<-l.Up()
		out, _ := b.Subscribe("out")
		var waits []func() error
		for i := range 1000 {
			wait, err := l.Send(t.Context(), link.Message{Topic: "out", Payload: fmt.Append(nil, i)})
			if err != nil {
				t.Fatal(err)
			}
			waits = append(waits, wait)
		}
		for i, wait := range waits {
			if err := wait(); err != nil {
				t.Fatal(err)
			}
			if m := <-out; string(m.Payload) != fmt.Sprint(i) {
				t.Fatalf("message %d is %s", i, m.Payload)
			}
		}
	})
}

// What finds the buffer full is handed to Overflow with all that an answer needs,
// once each, and holds nothing up.
func TestF041OverflowIsHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{})
		over := make(chan link.Message, 500)
		l, _ := start(t, link.Options{URL: b.URL(), Dial: b.Dial, Buffer: 4, Overflow: func(m link.Message) { over <- m },
			Subscriptions: []link.Subscription{{Filter: "in"}}})
		<-l.Up()
		for i := range 300 {
			if err := b.PublishMsg(linktest.Msg{Topic: "in", Payload: fmt.Append(nil, i), Reply: "r", Correlation: fmt.Append(nil, i)}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if got := l.Status().Dropped; got != 296 || len(over) != 296 {
			t.Errorf("%d counted, %d handed over, want 296", got, len(over))
		}
		for i := range 4 {
			if m := <-l.Messages(); string(m.Payload) != fmt.Sprint(i) {
				t.Errorf("message %d is %s", i, m.Payload)
			}
		}
		for i := 4; len(over) > 0; i++ {
			if m := <-over; string(m.Payload) != fmt.Sprint(i) || m.Reply != "r" || string(m.Correlation) != fmt.Sprint(i) {
				t.Fatalf("handed over %+v, want number %d", m, i)
			}
		}
		begin := time.Now()
		b.Kill()
		<-l.Up()
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("back after %v with a full buffer", took)
		}
	})
}

func TestManySubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{Allow: func(_, topic string, write bool) bool { return write || topic != "in/3" }})
		var subs []link.Subscription
		for i := range 20 {
			subs = append(subs, link.Subscription{Filter: fmt.Sprint("in/", i)})
		}
		l, _ := start(t, link.Options{URL: b.URL(), Dial: b.Dial, Subscriptions: subs})
		for range 3 { // made again after every connection
			<-l.Up()
			if s := l.Status(); !s.Connected || !strings.Contains(s.Problem, "in/3 refused") {
				t.Errorf("status %+v, want the refused filter named", s)
			}
			for i := range 20 {
				_ = b.Publish(fmt.Sprint("in/", i), nil, false)
				if i == 3 {
					continue
				}
				if m := <-l.Messages(); m.Topic != fmt.Sprint("in/", i) {
					t.Fatalf("got %s, want in/%d", m.Topic, i)
				}
			}
			b.Kill()
		}
	})
}

func TestPublishRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{Allow: func(_, topic string, write bool) bool { return topic != "forbidden" }})
		o := link.Options{URL: b.URL(), Dial: b.Dial}
		if err := link.New(o).Publish(t.Context(), link.Message{Topic: "a"}); !errors.Is(err, link.ErrDown) {
			t.Errorf("before the connection: %v, want ErrDown", err)
		}
		l, stop := start(t, o)
		<-l.Up()
		for topic, want := range map[string]error{
			"forbidden": link.ErrRefused, "": link.ErrTopic, "a/#": link.ErrTopic, "a/+": link.ErrTopic,
			"a\x00": link.ErrTopic, "a\xff": link.ErrTopic, strings.Repeat("x", 513): link.ErrTopic, "fine": nil,
		} {
			if err := l.Publish(t.Context(), link.Message{Topic: topic}); !errors.Is(err, want) {
				t.Errorf("%.20q: %v, want %v", topic, err, want)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.Publish(ctx, link.Message{Topic: "a"}); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := l.Publish(t.Context(), link.Message{Topic: "a"}); !errors.Is(err, link.ErrDown) {
			t.Errorf("after the end: %v, want ErrDown", err)
		}
	})
}

func TestWill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{})
		will := link.Message{Topic: "state", Payload: []byte("offline"), Retain: true}
		l, stop := start(t, link.Options{URL: b.URL(), Dial: b.Dial, Will: &will})
		<-l.Up()
		online := link.Message{Topic: "state", Payload: []byte("online"), Retain: true}
		if err := l.Publish(t.Context(), online); err != nil {
			t.Fatal(err)
		}
		b.Kill()
		<-l.Up()
		if got, _ := b.Retained("state"); string(got) != "offline" {
			t.Errorf("after a cut: %s, want the will", got)
		}
		if err := l.Publish(t.Context(), online); err != nil {
			t.Fatal(err)
		}
		_ = stop()
		synctest.Wait()
		if got, _ := b.Retained("state"); string(got) != "online" {
			t.Errorf("after DISCONNECT: %s, want no will", got)
		}
		if c := b.Clients(); slices.Contains(c, "link") {
			t.Errorf("still connected: %v", c)
		}
	})
}

// A wrong password is named with its user and broker, never itself; what the file
// holds now is tried without a restart.
func TestF056PasswordCorrected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{Username: "me", Password: "right"})
		file := filepath.Join(t.TempDir(), "password")
		write := func(text string) {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("wrong")
		n := count(b)
		l, _ := start(t, link.Options{URL: b.URL(), Dial: n.Dial, Username: "me", Password: func() (string, error) {
			text, err := os.ReadFile(file)
			return string(text), err
		}})
		time.Sleep(8 * time.Minute) // before another manager would be made
		if s := l.Status(); s.Connected || !strings.HasPrefix(s.Problem, "bad user name or password (0x86)") ||
			!strings.HasSuffix(s.Problem, `, for user "me" at broker.test:1883`) || strings.Contains(s.Problem, "wrong") {
			t.Errorf("status %+v, want the refusal in words", s)
		}
		if most, all := n.worst(); most > 2 || all < 8 {
			t.Errorf("%d attempts in a minute, %d in eight, want one in 30 s at most", most, all)
		}
		write("right")
		begin := time.Now()
		<-l.Up()
		if took := time.Since(begin); took > time.Minute {
			t.Errorf("up after %v, want a minute at most", took)
		}
	})
}

// A topic arrives whole or is refused, whatever its length; none is cut.
func TestF049LongTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{})
		l, _ := start(t, link.Options{URL: b.URL(), Dial: b.Dial})
		<-l.Up()
		out, _ := b.Subscribe("#")
		for length := 1; length < 2000; length += 1 + length/100 {
			for _, letter := range []string{"x", "é", "😀"} {
				topic := strings.Repeat(letter, length)
				err := l.Publish(t.Context(), link.Message{Topic: topic})
				if refused := errors.Is(err, link.ErrTopic); refused != (len(topic) > 512) || err != nil && !refused {
					t.Errorf("%d bytes: %v", len(topic), err)
				}
				if err != nil {
					continue
				}
				if m := <-out; m.Topic != topic {
					t.Errorf("%d bytes arrived as %d", len(topic), len(m.Topic))
				}
			}
		}
		if err := l.Publish(t.Context(), link.Message{Topic: strings.Repeat("x", 512)}); err != nil {
			t.Errorf("512 bytes: %v", err)
		}
		if s := l.Status(); s.Connects != 1 {
			t.Errorf("%d connections, want none lost over a topic", s.Connects)
		}
	})
}

func TestDialThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t, linktest.Options{})
		release := make(chan struct{})
		var dials atomic.Int32
		l, _ := start(t, link.Options{URL: b.URL(), Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if dials.Add(1) == 1 {
				<-release // whatever ctx says
			}
			return b.Dial(ctx, network, addr)
		}})
		<-l.Up()
		close(release)
	})
}

// keep gives the connection that was dialled last, to do something to it.
func keep(last *net.Conn) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		*last = c
		return c, err
	}
}
