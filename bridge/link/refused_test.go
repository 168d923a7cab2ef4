package link_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
)

// A vital link to which all is refused is not up, and says why. What is granted
// late is told, with the gap before it; a link that is not vital has it in silence.
func TestF036Refused(t *testing.T) {
	for _, c := range []struct {
		name          string
		refused       string // the end of the topics
		vital         bool
		before, after int // how often it is up, until the grant and with it
	}{
		{"all", "", true, 0, 1}, {"some", "a", true, 1, 2},
		{"all, not vital", "", false, 1, 1}, {"some, not vital", "a", false, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var granted atomic.Bool
				b := newBroker(t, linktest.Options{Allow: func(_, topic string, _ bool) bool {
					return granted.Load() || !strings.HasSuffix(topic, c.refused)
				}})
				l, _ := start(t, link.Options{URL: b.URL(), Dial: b.Dial, Vital: c.vital, Subscriptions: []link.Subscription{{Filter: "in/a"}, {Filter: "in/b"}}})
				ups := 0
				for range 20 * 60 {
					time.Sleep(time.Second)
					select {
					case <-l.Up():
						ups++
					default:
					}
					if !granted.Load() && time.Since(l.Status().Since) > 11*time.Minute {
						if s := l.Status(); ups != c.before || s.Connected != (ups > 0) || !strings.Contains(s.Problem, "in/a refused: not authorized (0x87)") {
							t.Errorf("%d times up, status %+v", ups, s)
						}
						granted.Store(true)
					}
				}
				if s := l.Status(); ups != c.after || !s.Connected || s.Connects != 1 || s.Problem != "" || s.Gaps < 2 {
					t.Errorf("%d times up, status %+v", ups, s)
				}
			})
		})
	}
}

// A session that goes on has nothing of a subscription that was refused when it began.
func TestF036GrantedWithTheNextConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var granted atomic.Bool
		b := newBroker(t, linktest.Options{Allow: func(_, topic string, _ bool) bool { return granted.Load() || topic != "in/a" }})
		l, _ := start(t, link.Options{URL: b.URL(), Dial: b.Dial, Vital: true, SessionExpiry: time.Hour,
			Subscriptions: []link.Subscription{{Filter: "in/a"}, {Filter: "in/b"}}})
		for _, gaps := range []int{1, 1, 2, 2} {
			if <-l.Up(); l.Status().Gaps != gaps {
				t.Errorf("%d gaps, want %d", l.Status().Gaps, gaps)
			}
			granted.Store(l.Status().Connects > 1)
			b.Kill()
		}
	})
}

// A certificate to which all topics are forbidden is as good as refused.
func TestF036Forbidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		authority := newSigner(t)
		roots := x509.NewCertPool()
		roots.AddCert(authority.cert)
		got := sign(t, authority, &x509.Certificate{DNSNames: []string{"broker.test"}})
		pair := []tls.Certificate{{Certificate: [][]byte{got.cert.Raw}, PrivateKey: got.key}}
		b := newBroker(t, linktest.Options{TLS: &tls.Config{Certificates: pair}, Allow: func(_, _ string, write bool) bool { return write }})
		l := link.New(link.Options{URL: b.URL(), ClientID: "link", Dial: b.Dial, Vital: true, TLS: &tls.Config{RootCAs: roots, Certificates: pair},
			Subscriptions: []link.Subscription{{Filter: "in"}}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := l.Run(ctx); !errors.Is(err, link.ErrCertificate) || !strings.Contains(err.Error(), "in refused") {
			t.Errorf("Run: %v, want ErrCertificate", err)
		}
	})
}

// A broker that grants less than was asked for is named; the link works all the same.
func TestF055GrantedWithLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{play: func(w wire, _ int) {
			w.accept()
			p, err := packets.ReadPacket(w)
			if err != nil {
				return
			}
			w.say(packets.SUBACK<<4, 5, byte(p.PacketID()>>8), byte(p.PacketID()), 0, 1, 0)
			w.serve(all)
		}}
		log, lines := logged()
		l, stop := start(t, link.Options{URL: nowhere, Dial: s.Dial, Logger: log, Subscriptions: []link.Subscription{{Filter: "in/a"}, {Filter: "in/b"}}})
		<-l.Up()
		time.Sleep(time.Hour)
		const want = "subscription to in/b granted with QoS 0 only: messages may get lost"
		if s := l.Status(); !s.Connected || s.Connects != 1 || s.Problem != want {
			t.Errorf("status %+v", s)
		}
		_ = stop()
		if n := strings.Count(lines.String(), want); n != 1 {
			t.Errorf("said %d times:\n%s", n, lines)
		}
	})
}
