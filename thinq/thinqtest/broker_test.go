package thinqtest_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// ownCertificate is one that LG never signed.
func ownCertificate(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "AWS IoT Certificate"},
		NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestWhoMayConnect(t *testing.T) {
	for _, tt := range []struct {
		name  string
		o     thinqtest.Options
		spoil func(t *testing.T, c *caller, config *tls.Config) (id string)
		want  string // in the error; empty: may
	}{
		{"the client itself", thinqtest.Options{}, func(*testing.T, *caller, *tls.Config) string { return "test-client" }, ""},
		{"another client id", thinqtest.Options{}, func(*testing.T, *caller, *tls.Config) string { return "other" }, "reason 0x87"},
		{"no certificate", thinqtest.Options{}, func(_ *testing.T, _ *caller, config *tls.Config) string {
			config.Certificates = nil
			return "test-client"
		}, "certificate required"},
		{"another authority", thinqtest.Options{}, func(t *testing.T, _ *caller, config *tls.Config) string {
			own := ownCertificate(t) // sent although the server does not ask for it
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }
			return "test-client"
		}, "unknown certificate authority"},
		{"a revoked certificate", thinqtest.Options{}, func(_ *testing.T, c *caller, _ *tls.Config) string {
			c.s.Revoke("test-client")
			return "test-client"
		}, "bad certificate"},
		{"a client that was deleted", thinqtest.Options{}, func(_ *testing.T, c *caller, _ *tls.Config) string {
			c.must("DELETE", "/client", registration)
			return "test-client"
		}, "bad certificate"},
		{"an expired certificate", thinqtest.Options{CertificateLife: 24 * time.Hour}, func(_ *testing.T, c *caller, _ *tls.Config) string {
			c.s.Advance(25 * time.Hour)
			return "test-client"
		}, "expired certificate"},
		{"with the ALPN of port 443", thinqtest.Options{}, func(_ *testing.T, _ *caller, config *tls.Config) string {
			config.NextProtos = []string{"x-amzn-mqtt-ca"}
			return "test-client"
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.o.Samples = fleet()[:1]
				s, network := newServer(t, tt.o)
				c := newCaller(t, s, network)
				config, topic := c.enrol()
				id := tt.spoil(t, c, config)
				sub, err := connect(t.Context(), network, s, config, id, 0)
				if err != nil || tt.want != "" {
					// With TLS 1.3 the client's side of the handshake is over before
					// the server looks at the certificate.
					if err == nil {
						err = errors.New("let in")
					}
					if !strings.Contains(err.Error()+whyEnded(s, network, config), tt.want) || tt.want == "" {
						t.Fatalf("error %v, want %q", err, tt.want)
					}
					return
				}
				if _, err := sub.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: 1}}}); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if got := s.Connected(); !cmp.Equal(got, []string{"test-client"}) {
					t.Errorf("connected: %v", got)
				}
				sub.Disconnect(&paho.Disconnect{})
			})
		})
	}
}

// Amazon serves many hosts and protocols at one address: who does not say which
// are meant is refused.
func TestAddressedAsAmazonWants(t *testing.T) {
	mqtt := []string{"x-amzn-mqtt-ca"}
	for _, tt := range []struct {
		address, name string
		protocols     []string
		want          bool
	}{
		{"mqtt.test:8883", "mqtt.test", nil, true},
		{"mqtt.test:8883", "mqtt.test", mqtt, true},
		{"mqtt.test:8883", "", nil, false},
		{"mqtt.test:8883", "192.0.2.1", nil, false}, // no name: TLS does not send it
		{"192.0.2.1:8883", "", nil, true},
		{"[2001:db8::1]:8883", "", nil, true},
		{"mqtt.test:443", "mqtt.test", mqtt, true},
		{"mqtt.test:443", "mqtt.test", nil, false},
		{"mqtt.test:443", "mqtt.test", []string{"mqtt"}, false},
		{"mqtt.test:443", "", mqtt, false},
		{"192.0.2.1:443", "", nil, false},
		{"192.0.2.1:443", "", mqtt, true},
	} {
		t.Run(fmt.Sprint(tt.address, " as ", tt.name, tt.protocols), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := &thinqtest.Network{}
				rest, err1 := network.Listen("api.test:443")
				events, err2 := network.Listen(tt.address)
				if err := errors.Join(err1, err2); err != nil {
					t.Fatal(err)
				}
				s, err := thinqtest.NewServer(thinqtest.Options{REST: rest, MQTT: events, Samples: fleet()[:1]})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				config, _ := newCaller(t, s, network).enrol()
				config.ServerName, config.NextProtos, config.InsecureSkipVerify = tt.name, tt.protocols, true
				conn, err := network.Dial(t.Context(), "tcp", s.MQTTAddr)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if err := tls.Client(conn, config).HandshakeContext(t.Context()); (err == nil) != tt.want {
					t.Errorf("handshake: %v", err)
				}
			})
		})
	}
}

// whyEnded reads the alert that a refused client gets.
func whyEnded(s *thinqtest.Server, network *thinqtest.Network, config *tls.Config) string {
	conn, err := dialTLS(context.Background(), network, s.MQTTAddr, config)
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(time.Second))
	_, err = conn.Read(make([]byte, 1))
	return err.Error()
}

// TestOffences: what Amazon or LG's policy does not allow.
func TestOffences(t *testing.T) {
	for _, tt := range []struct {
		name    string
		do      func(ctx context.Context, sub *subscriber, topic string) error
		reason  byte // of a DISCONNECT; 0: stays connected
		refused bool
	}{
		{"own topic", func(ctx context.Context, sub *subscriber, topic string) error {
			_, err := sub.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: 0}}})
			return err
		}, 0, false},
		{"foreign topic", func(ctx context.Context, sub *subscriber, topic string) error {
			_, err := sub.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "app/clients/other/push", QoS: 1}}})
			return err
		}, 0, true},
		{"all topics", func(ctx context.Context, sub *subscriber, topic string) error {
			_, err := sub.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "app/clients/#", QoS: 1}}})
			return err
		}, 0, true},
		{"QoS 2", func(ctx context.Context, sub *subscriber, topic string) error {
			_, err := sub.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: 2}}})
			return err
		}, 0x9B, true},
		{"nine topics at once", func(ctx context.Context, sub *subscriber, topic string) error {
			nine := make([]paho.SubscribeOptions, 9)
			for i := range nine {
				nine[i] = paho.SubscribeOptions{Topic: topic, QoS: 1}
			}
			_, err := sub.Subscribe(ctx, &paho.Subscribe{Subscriptions: nine})
			return err
		}, 0x97, true},
		{"publishing", func(ctx context.Context, sub *subscriber, topic string) error {
			_, err := sub.Publish(ctx, &paho.Publish{Topic: topic, QoS: 1, Payload: []byte("{}")})
			return err
		}, 0x87, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, network := newServer(t, thinqtest.Options{Samples: fleet()[:1]})
				c := newCaller(t, s, network)
				config, topic := c.enrol()
				sub := subscribe(t, network, s, config, c.client, "", 0)
				synctest.Wait() // the client's first ping is through
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := tt.do(ctx, sub, topic); (err != nil) != tt.refused {
					t.Errorf("error %v", err)
				}
				synctest.Wait()
				var reason byte
				select {
				case err := <-sub.ended:
					if d, ok := errors.AsType[errDisconnected](err); ok {
						reason = byte(d)
					} else {
						t.Errorf("ended without a reason: %v", err)
					}
				default:
				}
				if reason != tt.reason {
					t.Errorf("disconnected with %#x, want %#x", reason, tt.reason)
				}
			})
		})
	}
}

func TestSessions(t *testing.T) {
	connected := func(t *testing.T) (e *episode, again func(expiry uint32) *subscriber) {
		s, network := newServer(t, thinqtest.Options{Samples: fleet()[:1]})
		c := newCaller(t, s, network)
		config, topic := c.enrol()
		e = listenOn(c, s, subscribe(t, network, s, config, c.client, topic, 3600))
		return e, func(expiry uint32) *subscriber { return subscribe(t, network, s, config, c.client, "", expiry) }
	}
	burst := func(e *episode, n int) {
		for i := range n {
			e.s.Push("ac", fmt.Sprint(i))
		}
		synctest.Wait()
	}
	t.Run("kept for an hour, ten messages a second", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e, again := connected(t)
			e.sub.Disconnect(&paho.Disconnect{})
			synctest.Wait()
			burst(e, 100)
			e.s.Advance(59 * time.Minute)
			e.sub = again(3600)
			if !e.sub.ack.SessionPresent {
				t.Error("session lost")
			}
			start := time.Now()
			for i := range 100 {
				if got := e.sub.next(t); !strings.Contains(got, fmt.Sprintf(`"pushCode":"%d"`, i)) {
					t.Fatalf("message %d is %s", i, got)
				}
			}
			if took := time.Since(start); took < 9*time.Second || took > 11*time.Second {
				t.Errorf("100 stored messages took %v", took)
			}
			burst(e, 200) // more than the client takes at a time
			if got := len(e.hear(time.Second)); got != 200 {
				t.Errorf("%d of 200 messages", got)
			}
		})
	})
	t.Run("over after an hour", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e, again := connected(t)
			e.sub.Disconnect(&paho.Disconnect{})
			synctest.Wait()
			burst(e, 3)
			e.s.Advance(time.Hour + time.Second)
			if e.sub = again(3600); e.sub.ack.SessionPresent {
				t.Error("session still there")
			}
			burst(e, 3) // not subscribed any more
			if got := e.hear(time.Minute); got != nil {
				t.Errorf("got %s", got)
			}
		})
	})
	t.Run("clean start", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e, again := connected(t)
			e.sub.Disconnect(&paho.Disconnect{})
			synctest.Wait()
			burst(e, 3)
			if e.sub = again(0); e.sub.ack.SessionPresent {
				t.Error("session still there")
			}
			if got := e.hear(time.Minute); got != nil {
				t.Errorf("got %s", got)
			}
		})
	})
	t.Run("taken over", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e, again := connected(t)
			first := e.sub
			e.sub = again(3600)
			if !e.sub.ack.SessionPresent {
				t.Error("session lost")
			}
			if err := <-first.ended; err != errDisconnected(0x8E) {
				t.Errorf("the first connection ended with %#v", err)
			}
			burst(e, 3)
			if got := e.hear(time.Second); !cmp.Equal(got, []string{"0", "1", "2"}) {
				t.Errorf("got %s", got)
			}
		})
	})
}

func listenOn(c *caller, s *thinqtest.Server, sub *subscriber) *episode {
	c.must("POST", "/push/ac/subscribe", "")
	return &episode{c, s, sub, "ac"}
}

func TestBrokerActions(t *testing.T) {
	for action, reason := range map[string]byte{"disconnect": 0x98, "takeover": 0x8E, "stop": 0x8B} {
		t.Run(action, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := listen(t, "ac", thinqtest.Options{})
				if err := e.s.BrokerAction(action); err != nil {
					t.Fatal(err)
				}
				if err := <-e.sub.ended; err != errDisconnected(reason) {
					t.Errorf("ended with %#v", err)
				}
				synctest.Wait()
				if got := e.s.Connected(); len(got) > 0 {
					t.Errorf("connected: %s", got)
				}
			})
		})
	}
	t.Run("stop and start", func(t *testing.T) {
		s, network := newServer(t, thinqtest.Options{Samples: fleet()[:1]})
		c := newCaller(t, s, network)
		config, topic := c.enrol()
		s.BrokerAction("stop")
		if _, err := connect(t.Context(), network, s, config, c.client, 0); err == nil {
			t.Error("let in while stopped")
		}
		s.BrokerAction("start")
		subscribe(t, network, s, config, c.client, topic, 0)
	})
	s, _ := newServer(t, thinqtest.Options{Samples: fleet()[:1]})
	if s.BrokerAction("explode") == nil {
		t.Error("an unknown action was taken")
	}
}

// TestMQTT311 speaks as LG's own library does: version 3.1.1, keep-alive 6,
// clean session off.
func TestMQTT311(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network := newServer(t, thinqtest.Options{Samples: fleet()[:1]})
		c := newCaller(t, s, network)
		config, topic := c.enrol()
		c.must("POST", "/push/ac/subscribe", "")
		open := func() *tls.Conn {
			conn, err := dialTLS(t.Context(), network, s.MQTTAddr, config)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			send(t, conn, 0x10, append([]byte{0, 4, 'M', 'Q', 'T', 'T', 4, 0, 0, 6}, field(c.client)...))
			return conn
		}
		conn := open()
		expect(t, conn, 0x20, []byte{0, 0})
		send(t, conn, 0x82, append(append([]byte{0, 1}, field(topic)...), 1))
		expect(t, conn, 0x90, []byte{0, 1, 1})

		time.Sleep(20 * time.Second) // beyond 1.5 times what it asked for
		s.Push("ac", "WATER_IS_FULL")
		kind, body := receive(t, conn)
		payload, found := bytes.CutPrefix(body, field(topic))
		if kind != 0x32 || !found || !bytes.Contains(payload, []byte(`"pushCode":"WATER_IS_FULL"`)) {
			t.Fatalf("got %#x %q", kind, body)
		}
		send(t, conn, 0x40, payload[:2])
		send(t, conn, 0xC0, nil)
		expect(t, conn, 0xD0, nil)
		time.Sleep(44 * time.Second) // the floor is 30 s, and half as much again
		send(t, conn, 0xC0, nil)
		expect(t, conn, 0xD0, nil)
		time.Sleep(46 * time.Second)
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("still connected after a silence of 46 s")
		}

		s.Push("ac", "STORED")
		synctest.Wait()
		conn = open()
		expect(t, conn, 0x20, []byte{1, 0}) // session present
		if kind, body := receive(t, conn); kind != 0x32 || !bytes.Contains(body, []byte("STORED")) {
			t.Errorf("got %#x %q", kind, body)
		} else if id, _ := bytes.CutPrefix(body, field(topic)); len(id) > 1 {
			// The server's identifier of a message is no concern of a request's.
			send(t, conn, 0x82, append(append(id[:2:2], field(topic)...), 1))
			expect(t, conn, 0x90, []byte{id[0], id[1], 1})
		}
		other := open()
		expect(t, other, 0x20, []byte{1, 0})
		if rest, err := io.ReadAll(conn); len(rest) > 0 && err == nil {
			t.Errorf("the older connection got %#x: version 3.1.1 has no DISCONNECT from the server", rest)
		}
		send(t, other, 0x82, append(append([]byte{0, 2}, field("#")...), 1))
		if kind, err := other.Read(make([]byte, 1)); err == nil && kind > 0 {
			receive(t, other) // the stored message once more
		}
		if rest, _ := io.ReadAll(other); bytes.Contains(rest, []byte{0x90}) {
			t.Errorf("asking for all topics was answered %#x", rest)
		}
	})
}

func field(s string) []byte { return append([]byte{byte(len(s) >> 8), byte(len(s))}, s...) }

func send(t *testing.T, conn io.Writer, kind byte, body []byte) {
	t.Helper()
	if len(body) > 127 {
		t.Fatal("packet too long for this test")
	}
	if _, err := conn.Write(append([]byte{kind, byte(len(body))}, body...)); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, conn io.Reader) (kind byte, body []byte) {
	t.Helper()
	var b [1]byte
	read := func() byte {
		if _, err := io.ReadFull(conn, b[:]); err != nil {
			t.Fatal(err)
		}
		return b[0]
	}
	kind = read()
	length, shift := 0, 0
	for {
		d := read()
		length |= int(d&0x7F) << shift
		if shift += 7; d < 0x80 {
			break
		}
	}
	body = make([]byte, length)
	if _, err := io.ReadFull(conn, body); err != nil {
		t.Fatal(err)
	}
	return kind, body
}

func expect(t *testing.T, conn io.Reader, kind byte, body []byte) {
	t.Helper()
	if k, b := receive(t, conn); k != kind || !bytes.Equal(b, body) {
		t.Fatalf("got %#x %#x, want %#x %#x", k, b, kind, body)
	}
}
