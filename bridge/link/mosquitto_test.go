package link_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest/mosquitto"
)

// until waits for a condition that has no channel.
func until(t *testing.T, l *link.Link, what string, ok func(link.Status) bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !ok(l.Status()); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come: %+v", what, l.Status())
		}
	}
}

func problem(part string) func(link.Status) bool {
	return func(s link.Status) bool { return !s.Connected && strings.Contains(s.Problem, part) }
}

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func TestMosquitto(t *testing.T) {
	s := mosquitto.Start(t, mosquitto.Options{Lines: []string{"max_packet_size 100000"}})
	will := link.Message{Topic: "state", Payload: []byte("offline"), Retain: true}
	l, stop := start(t, link.Options{URL: s.URL, Will: &will, Subscriptions: []link.Subscription{{Filter: "in/#"}}})
	receive(t, l.Up())
	seen := s.Subscribe("#")

	if err := l.Publish(t.Context(), link.Message{Topic: "in/echo", Payload: []byte("x"), Reply: "in/r", Correlation: []byte{0, 1}}); err != nil {
		t.Fatal(err)
	}
	if m := receive(t, l.Messages()); m.Topic != "in/echo" || m.Reply != "in/r" || !bytes.Equal(m.Correlation, []byte{0, 1}) {
		t.Errorf("got %+v", m)
	}
	if got := receive(t, seen); got != "in/echo x" {
		t.Errorf("mosquitto_sub got %q", got)
	}

	if err := l.Publish(t.Context(), link.Message{Topic: "big", Payload: make([]byte, 99_000)}); err != nil {
		t.Errorf("99 kB: %v", err)
	}
	if err := l.Publish(t.Context(), link.Message{Topic: "big", Payload: make([]byte, 100_001)}); !errors.Is(err, link.ErrTooLarge) {
		t.Errorf("100 kB and a byte: %v, want ErrTooLarge", err)
	}
	if got := l.Status().Connects; got != 1 {
		t.Errorf("%d connections, want the first to live", got)
	}

	s.Restart()
	receive(t, l.Up())
	if err := l.Publish(t.Context(), link.Message{Topic: "in/again"}); err != nil {
		t.Error(err)
	}
	if m := receive(t, l.Messages()); m.Topic != "in/again" {
		t.Errorf("after the restart: %+v", m)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestMosquittoPublishesTheWill(t *testing.T) {
	s := mosquitto.Start(t, mosquitto.Options{})
	seen := s.Subscribe("state")
	var conn net.Conn
	will := link.Message{Topic: "state", Payload: []byte("offline"), Retain: true}
	l, _ := start(t, link.Options{URL: s.URL, Will: &will, Dial: keep(&conn)})
	receive(t, l.Up())
	_ = conn.Close()
	if got := receive(t, seen); got != "state offline" {
		t.Errorf("got %q, want the will", got)
	}
}

func TestMosquittoTwoClientsWithOneID(t *testing.T) {
	s := mosquitto.Start(t, mosquitto.Options{})
	one, _ := start(t, link.Options{URL: s.URL})
	receive(t, one.Up())
	two, _ := start(t, link.Options{URL: s.URL})
	receive(t, two.Up())
	until(t, one, "the cause", problem("the same client id")) // which Mosquitto 2.0 does not tell
}

func TestMosquittoRefusesThePassword(t *testing.T) {
	s := mosquitto.Start(t, mosquitto.Options{Users: map[string]string{"me": "right"}})
	l, _ := start(t, link.Options{URL: s.URL, Username: "me", Password: func() (string, error) { return "wrong-secret", nil }})
	until(t, l, "the refusal", problem("not authorized"))
	if p := l.Status().Problem; strings.Contains(p, "secret") {
		t.Errorf("problem %q tells the password", p)
	}
	at := new(*s.URL)
	at.User = url.UserPassword("me", "right")
	l, _ = start(t, link.Options{URL: at})
	receive(t, l.Up())
}

func TestMosquittoDeniesATopic(t *testing.T) {
	s := mosquitto.Start(t, mosquitto.Options{ACL: []string{"topic readwrite mine/#"}})
	l, _ := start(t, link.Options{URL: s.URL})
	receive(t, l.Up())
	if err := l.Publish(t.Context(), link.Message{Topic: "other/x"}); !errors.Is(err, link.ErrRefused) || !strings.Contains(err.Error(), "not authorized") {
		t.Errorf("got %v, want ErrRefused with the reason", err)
	}
	if err := l.Publish(t.Context(), link.Message{Topic: "mine/x"}); err != nil {
		t.Error(err)
	}
}

func TestMosquittoHangs(t *testing.T) {
	s := mosquitto.Start(t, mosquitto.Options{})
	l, stop := start(t, link.Options{URL: s.URL, Keepalive: time.Second})
	receive(t, l.Up())
	s.Pause()
	until(t, l, "silence", problem("nothing heard"))
	s.Continue()
	until(t, l, "the connection", func(s link.Status) bool { return s.Connected })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestClientCertificate(t *testing.T) {
	good, bad := mosquitto.NewAuthority(t), mosquitto.NewAuthority(t)
	s := mosquitto.Start(t, mosquitto.Options{Authority: good, Mutual: true})

	l, _ := start(t, link.Options{URL: s.URL, TLS: good.Client(t, "bridge"), Subscriptions: []link.Subscription{{Filter: "in"}}})
	receive(t, l.Up())
	if err := l.Publish(t.Context(), link.Message{Topic: "in", Payload: bytes.Repeat([]byte("x"), 50_000)}); err != nil {
		t.Fatal(err)
	}
	if m := receive(t, l.Messages()); len(m.Payload) != 50_000 {
		t.Errorf("got %d bytes", len(m.Payload))
	}

	for i := range 20 { // the alert and our first packet cross in different ways
		stranger := bad.Client(t, "stranger")
		stranger.RootCAs = good.Pool()
		l := link.New(link.Options{URL: s.URL, ClientID: fmt.Sprint("stranger", i), TLS: stranger})
		if err := l.Run(t.Context()); !errors.Is(err, link.ErrCertificate) {
			t.Fatalf("Run: %v, want ErrCertificate", err)
		}
	}

	l, _ = start(t, link.Options{URL: s.URL, ClientID: "distrustful", TLS: bad.Client(t, "bridge")})
	until(t, l, "distrust", problem("the broker's certificate is not trusted"))
}

// serve plays a broker that answers every connection with the same bytes.
func serve(t *testing.T, answer []byte, linger bool) *url.URL {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1024))
			_, _ = c.Write(answer)
			if linger {
				_, _ = io.Copy(io.Discard, c)
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = ln.Close()
		<-done
	})
	return &url.URL{Scheme: "mqtt", Host: ln.Addr().String()}
}

func TestStrangeBrokers(t *testing.T) {
	accept := []byte{0x20, 3, 0, 0, 0}
	for _, c := range []struct {
		name   string
		answer []byte
		want   string
	}{
		{"3.1.1 only", []byte{0x20, 2, 0, 1}, "MQTT 3.1.1 only"},
		{"3.1.1 that says yes", []byte{0x20, 2, 0, 0}, "MQTT 3.1.1 only"},
		{"closes", nil, "before an answer"},
		{"unsupported version", []byte{0x20, 3, 0, 0x84, 0}, "does not speak MQTT 5"},
		{"banned", []byte{0x20, 3, 0, 0x8A, 0}, "banned"},
		{"a reason of its own", []byte{0x20, 9, 0, 0x87, 6, 0x1F, 0, 3, 'w', 'h', 'y'}, "not authorized (0x87): why"},
		{"huge packet", append(accept, 0x30, 0xFF, 0xFF, 0xFF, 0x7F), "more than the 262144 announced"},
		{"disconnects", append(accept, 0xE0, 2, 0x98, 0), "administrator"},
		{"disconnects, short", append(accept, 0xE0, 0), "goodbye"},
		{"web server", []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), "not an MQTT broker"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, _ := start(t, link.Options{URL: serve(t, c.answer, len(c.answer) > 0)})
			until(t, l, "the cause", problem(c.want))
			if s := l.Status().Problem; strings.Contains(s, "://") {
				t.Errorf("problem %q names the address once more", s)
			}
		})
	}
}

// TLS at a port that has none is the other way round of the commonest mistake.
func TestNoTLSThere(t *testing.T) {
	for name, answer := range map[string][]byte{"closes": nil, "speaks MQTT": {0x20, 3, 0, 0, 0}, "web server": []byte("HTTP/1.1 400 Bad Request\r\n\r\n")} {
		t.Run(name, func(t *testing.T) {
			at := serve(t, answer, false)
			at.Scheme = "mqtts"
			l, _ := start(t, link.Options{URL: at})
			until(t, l, "the cause", problem("is this a port for TLS"))
		})
	}
}

func TestOptionsThatCannotWork(t *testing.T) {
	for at, want := range map[string]string{"": "empty", "http://x": "scheme", "mqtt:": "empty"} {
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		if err := link.New(link.Options{URL: u}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", at, err, want)
		}
	}
}

// Home Assistant and others use the embedded broker of the demo with clients of
// both versions.
func TestBrokerServesOrdinaryClients(t *testing.T) {
	b := newBroker(t, linktest.Options{Addr: "127.0.0.1:0"})
	for i := range 500 {
		if err := b.Publish(fmt.Sprintf("retained/%03d", i), []byte("x"), true); err != nil {
			t.Fatal(err)
		}
	}
	for _, version := range []string{"mqttv311", "mqttv5"} {
		seen := mosquitto.Subscribe(t, b.URL(), "retained/#", "-V", version)
		got := map[string]bool{}
		for range 500 {
			got[receive(t, seen)] = true
		}
		if len(got) != 500 {
			t.Errorf("%s: %d different retained messages, want 500", version, len(got))
		}
	}
	l, _ := start(t, link.Options{URL: b.URL(), Buffer: 1000, Subscriptions: []link.Subscription{{Filter: "retained/#", Retained: true}}})
	for range 500 {
		receive(t, l.Messages())
	}
}

// What comes while we are away is delivered by a session that outlives the
// connection, and the subscriptions are made again all the same.
func TestMosquittoKeepsTheSession(t *testing.T) {
	s := mosquitto.Start(t, mosquitto.Options{})
	o := link.Options{URL: s.URL, SessionExpiry: time.Hour, Subscriptions: []link.Subscription{{Filter: "in"}}}
	l, stop := start(t, o)
	receive(t, l.Up())
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	other, _ := start(t, link.Options{URL: s.URL, ClientID: "other"})
	receive(t, other.Up())
	if err := other.Publish(t.Context(), link.Message{Topic: "in", Payload: []byte("meanwhile")}); err != nil {
		t.Fatal(err)
	}
	l, _ = start(t, o)
	if m := receive(t, l.Messages()); string(m.Payload) != "meanwhile" {
		t.Errorf("got %+v", m)
	}
	if receive(t, l.Up()); l.Status().Gaps > 0 {
		t.Error("the session was not resumed")
	}
}
