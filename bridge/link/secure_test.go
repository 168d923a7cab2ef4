package link_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
)

// ours are the lines that a link logs itself. What its library would log is left out:
// nobody knows what of a packet or an address the next version puts into it.
var ours = regexp.MustCompile(`msg=(connected|"connection lost"|"no connection") `)

// Neither the password nor the URL that may hold one is in anything that a link
// says, whatever goes wrong.
func TestS05NothingTellsThePassword(t *testing.T) {
	const user, secret, filed = "canary-user", "canary-p4ss", "canary-f1le"
	refuse := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}
	play := func(answer func(w wire)) func(context.Context, string, string) (net.Conn, error) {
		s := &script{play: func(w wire, _ int) { answer(w) }}
		return s.Dial
	}
	for _, c := range []struct {
		name, scheme string
		dial         func(context.Context, string, string) (net.Conn, error)
	}{
		{"connection refused", "mqtt", refuse},
		{"connection refused, web", "wss", refuse},
		{"bad user name or password", "mqtt", play(func(w wire) { w.connack(0x86) })},
		{"not authorized", "mqtt", play(func(w wire) { w.connack(0x87) })},
		{"3.1.1 only", "mqtt", play(func(w wire) { w.say(0x20, 2, 0, 1) })},
		{"malformed", "mqtt", play(func(w wire) { w.say(0x20, 0xFF, 0xFF, 0xFF, 0xFF) })},
		{"closed at once", "mqtt", play(func(wire) {})},
		{"lost", "mqtt", play(func(w wire) { w.accept(); time.Sleep(time.Second) })},
		{"no TLS there", "mqtts", play(func(w wire) { w.connack(0) })},
		{"no website there", "ws", play(func(w wire) { w.connack(0) })},
		{"mute", "mqtt", play(func(w wire) { _, _ = w.Read(make([]byte, 1)) })},
	} {
		for _, byFile := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, ", by file ", byFile), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var log bytes.Buffer
					o := link.Options{Dial: c.dial, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug - 10})),
						URL: &url.URL{Scheme: c.scheme, Host: "broker.test", User: url.UserPassword(user, secret)}}
					if byFile {
						o.Username, o.Password = user, func() (string, error) { return filed, nil }
					}
					l, stop := start(t, o)
					var said bytes.Buffer
					for range 100 {
						time.Sleep(time.Second)
						_ = json.NewEncoder(&said).Encode(l.Status())
						if err := l.Publish(t.Context(), link.Message{Topic: "a"}); err != nil {
							said.WriteString(err.Error())
						}
					}
					if err := stop(); err != nil {
						said.WriteString(err.Error())
					}
					for line := range strings.Lines(log.String()) {
						if !ours.MatchString(line) {
							t.Errorf("somebody else logs %s", line)
						}
					}
					if log.Len() == 0 {
						t.Error("nothing was logged")
					}
					for _, text := range []string{secret, filed, "@broker.test"} {
						if strings.Contains(log.String()+said.String(), text) {
							t.Errorf("%s is told:\n%s\n%s", text, &log, &said)
						}
					}
				})
			})
		}
	}
}

// A signer makes the certificates of a broker.
type signer struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func newSigner(t *testing.T) signer {
	return sign(t, signer{}, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
}

// sign issues a certificate; without an issuer it signs itself.
func sign(t *testing.T, by signer, c *x509.Certificate) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber, c.Subject = big.NewInt(1), pkix.Name{CommonName: "broker.test"}
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	if by.key == nil {
		by = signer{c, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by.cert, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return signer{c, key}
}

// broken is a broker's certificate, and what it is called when it is not taken.
var broken = []struct {
	name, want string
	change     func(c *x509.Certificate)
	self       bool // signs itself
	max        uint16
}{
	{"good", "", func(*x509.Certificate) {}, false, 0},
	{"TLS 1.2", "", func(*x509.Certificate) {}, false, tls.VersionTLS12},
	{"expired", "has expired or is not yet valid", func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	}, false, 0},
	{"not yet valid", "has expired or is not yet valid", func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	}, false, 0},
	{"wrong name", "not broker.test", func(c *x509.Certificate) { c.DNSNames = []string{"other.test"} }, false, 0},
	{"no name", "legacy Common Name", func(c *x509.Certificate) { c.DNSNames = nil }, false, 0},
	{"signs itself", "unknown authority", func(*x509.Certificate) {}, true, 0},
	{"for clients only", "incompatible key usage", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, false, 0},
	{"TLS 1.1", "protocol version not supported", func(*x509.Certificate) {}, false, tls.VersionTLS11},
}

// Whoever cannot prove to be the broker is not told a single byte, whatever the
// caller's configuration says, over MQTT as over websockets.
func TestS10TLSMatrix(t *testing.T) {
	for _, scheme := range []string{"mqtts", "wss"} {
		for _, c := range broken {
			for _, careless := range []bool{false, true} {
				t.Run(fmt.Sprint(scheme, " ", c.name, ", careless ", careless), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						authority := newSigner(t)
						roots := x509.NewCertPool()
						roots.AddCert(authority.cert)
						cert := &x509.Certificate{DNSNames: []string{"broker.test"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
						c.change(cert)
						by := authority
						if c.self {
							by = signer{}
						}
						got := sign(t, by, cert)
						server := &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: c.max,
							Certificates: []tls.Certificate{{Certificate: [][]byte{got.cert.Raw}, PrivateKey: got.key}}}
						client := &tls.Config{RootCAs: roots}
						if careless {
							client.InsecureSkipVerify, client.MinVersion = true, tls.VersionTLS10
						}
						var told atomic.Int64
						dial := func(context.Context, string, string) (net.Conn, error) {
							ours, theirs := net.Pipe()
							go func() {
								defer theirs.Close()
								n, _ := tls.Server(theirs, server).Read(make([]byte, 100))
								told.Add(int64(n))
							}()
							return ours, nil
						}
						l, _ := start(t, link.Options{URL: &url.URL{Scheme: scheme, Host: "broker.test"}, Dial: dial, TLS: client,
							Username: "me", Password: func() (string, error) { return "x", nil }})
						time.Sleep(time.Minute)
						if c.want == "" {
							if told.Load() == 0 {
								t.Errorf("nothing sent to a good broker: %+v", l.Status())
							}
							return
						}
						if s := l.Status(); told.Load() != 0 || !strings.Contains(s.Problem, c.want) {
							t.Errorf("%d bytes told, problem %q, want %q", told.Load(), s.Problem, c.want)
						}
					})
				})
			}
		}
	}
}

// at is a connection that says it leads to an address.
type at struct {
	net.Conn
	addr net.Addr
}

func (a at) RemoteAddr() net.Addr { return a.addr }

// A password goes unencrypted to this machine, into the house and over a private
// network, but not into the internet, unless it is forced.
func TestS13ClearPassword(t *testing.T) {
	for _, c := range []struct {
		ip, host    string
		inner, warn bool
	}{
		{"127.0.0.1", "", true, false}, {"::1", "", true, false}, {"192.168.1.9", "", true, true}, {"10.0.0.1", "", true, true},
		{"172.17.0.2", "", true, true}, {"172.32.0.2", "", false, true}, {"169.254.3.4", "", true, true}, {"fe80::1", "", true, true},
		{"fd00::5", "", true, true}, {"100.64.0.1", "", true, true}, {"100.128.0.1", "", false, true},
		{"::ffff:192.168.1.9", "", true, true}, {"::ffff:8.8.8.8", "", false, true}, {"8.8.8.8", "", false, true}, {"2001:db8::1", "", false, true},
		{"172.17.0.2", "mosquitto", true, false}, {"8.8.8.8", "mosquitto:1883", true, false}, {"8.8.8.8", "localhost.", true, false},
		{"2001:db8::1", "[2001:db8::1]", false, true}, {"8.8.8.8", "8.8.8.8", false, true},
	} {
		t.Run(c.ip+" "+c.host, func(t *testing.T) {
			for _, how := range []struct {
				name               string
				password, tls, yes bool
			}{{"password", true, false, false}, {"no password", false, false, false}, {"forced", true, false, true}, {"TLS", true, true, false}} {
				synctest.Test(t, func(t *testing.T) {
					var told atomic.Int64
					dial := func(context.Context, string, string) (net.Conn, error) {
						ours, theirs := net.Pipe()
						go func() {
							defer theirs.Close()
							n, _ := theirs.Read(make([]byte, 100))
							told.Add(int64(n))
						}()
						return at{ours, &net.TCPAddr{IP: net.ParseIP(c.ip), Port: 1883}}, nil
					}
					log, lines := logged()
					o := link.Options{URL: &url.URL{Scheme: "mqtt", Host: cmp.Or(c.host, "broker.test")}, Dial: dial, Clear: how.yes, Logger: log}
					if how.password {
						o.Username, o.Password = "me", func() (string, error) { return "x", nil }
					}
					if how.tls {
						o.URL.Scheme = "mqtts"
					}
					l, stop := start(t, o)
					time.Sleep(10 * time.Minute)
					s := l.Status()
					_ = stop()
					want := c.inner || how.name != "password"
					if (told.Load() > 0) != want || !want && !strings.Contains(s.Problem, "use mqtts, or allow it by mqtt.allow_plain") {
						t.Errorf("%s: %d bytes, problem %q", how.name, told.Load(), s.Problem)
					}
					warned := c.warn && want && !how.tls
					if n := strings.Count(lines.String(), "not encrypted"); n != map[bool]int{true: 1}[warned] {
						t.Errorf("%s: warned %d times", how.name, n)
					}
				})
			}
		})
	}
}

// A broker that lets everybody in is named once, however often the connection is
// made; with a password there is nothing to say.
func TestSMQTT2SaidOnce(t *testing.T) {
	for _, c := range []struct {
		name     string
		password func() (string, error)
		want     int
	}{{"without a password", nil, 1}, {"with one", func() (string, error) { return "secret", nil }, 0}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				s := &script{play: func(w wire, _ int) { w.accept(); time.Sleep(time.Second) }}
				_, stop := start(t, link.Options{
					URL: &url.URL{Scheme: "mqtt", Host: "localhost"}, Password: c.password,
					Dial: s.Dial, Logger: slog.New(slog.NewTextHandler(&log, nil)),
				})
				time.Sleep(10 * time.Minute)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if got := strings.Count(log.String(), "asks for no password"); got != c.want {
					t.Errorf("said %d times, want %d:\n%s", got, c.want, &log)
				}
			})
		})
	}
}
