package thinq

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// eventLG is LG's side of getting at events: it signs certificates.
type eventLG struct {
	*lg
	t      *testing.T
	key    *ecdsa.PrivateKey
	life   time.Duration // of a certificate
	mqtt   string        // in the route
	fail   func(path string) (status int, body string)
	mangle func(cert string) string
	saved  []Identity
}

func newEventLG(t *testing.T) *eventLG {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &eventLG{t: t, key: key, life: 20 * 365 * 24 * time.Hour, mqtt: "mqtts://broker.example:8883",
		fail: func(string) (int, string) { return 0, "" }, mangle: func(s string) string { return s }}
	s.lg = newLG(t, s.serve)
	return s
}

func (s *eventLG) serve(w http.ResponseWriter, r *http.Request) {
	if status, body := s.fail(r.URL.Path); status != 0 {
		says(status, body)(w, r)
		return
	}
	switch r.URL.Path {
	case "/route":
		says(200, ok(`{"mqttServer":`+quote(s.mqtt)+`}`))(w, r)
	case "/client/certificate":
		calls := s.seen()
		cert := s.mangle(s.sign(calls[len(calls)-1].Body))
		topic := "app/clients/" + r.Header.Get("x-client-id") + "/push"
		says(200, ok(`{"resultCode":"0000","result":{"certificatePem":`+quote(cert)+`,"subscriptions":[`+quote(topic)+`]}}`))(w, r)
	default:
		says(200, ok("null"))(w, r)
	}
}

// sign checks the request as LG's SDK makes it, and signs it.
func (s *eventLG) sign(body string) string {
	var request struct{ CSR string }
	json.Unmarshal([]byte(body), &request)
	der, err := base64.StdEncoding.DecodeString(request.CSR)
	if err != nil {
		s.t.Error(err)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil || csr.CheckSignature() != nil || csr.SignatureAlgorithm != x509.SHA512WithRSA || csr.Subject.String() != "CN=lg_thinq" {
		s.t.Errorf("certificate request %+v: %v", csr, err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now(), NotAfter: time.Now().Add(s.life),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, csr.PublicKey, s.key)
	if err != nil {
		s.t.Error(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
}

func (s *eventLG) options() Options {
	o := s.lg.options()
	o.Save = func(id Identity) error { s.saved = append(s.saved, id); return nil }
	return o
}

// asked lists the calls so far.
func (s *eventLG) asked() (list []string) {
	for _, call := range s.seen() {
		list = append(list, call.Method+" "+call.Path)
	}
	return list
}

func (s *eventLG) certificates() (n int) {
	for _, call := range s.asked() {
		if call == "POST /client/certificate" {
			n++
		}
	}
	return n
}

var fullEnrolment = []string{"GET /route", "POST /client", "POST /client/certificate"}

// until is a subscriber that stays connected.
func until(found func(Endpoint)) Subscriber {
	return func(ctx context.Context, ep Endpoint, _ func([]byte)) error {
		found(ep)
		<-ctx.Done()
		return nil
	}
}

// enrolled is the identity after a first start.
func enrolled(t *testing.T, s *eventLG) *Identity {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	if err := newTestClient(t, s.options()).Events(ctx, until(func(Endpoint) { cancel() }), nil); err != nil {
		t.Fatal(err)
	}
	return new(s.saved[len(s.saved)-1])
}

// A hundred starts register once and ask for one certificate.
func TestF020OneRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newEventLG(t)
		o := s.options()
		o.Budget = NewBudget(0, 0, BudgetState{})
		c := newTestClient(t, o)
		first := s.saved[0].ClientID
		if !strings.HasPrefix(first, "thinq2mqtt-") || len(first) != len("thinq2mqtt-")+36 || !validClientID(first) {
			t.Errorf("client id %q", first)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var ep Endpoint
		got := []Event{}
		err := c.Events(ctx, func(ctx context.Context, at Endpoint, handle func([]byte)) error {
			ep = at
			handle([]byte("nonsense"))
			handle([]byte(`{"pushType":"DEVICE_STATUS","deviceId":"d","report":{"a":{"b":1}}}`))
			cancel()
			return ctx.Err()
		}, func(e Event) { got = append(got, e) })
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fullEnrolment, s.asked()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if len(got) != 1 || got[0].Device != "d" {
			t.Errorf("events %+v", got)
		}
		id := s.saved[len(s.saved)-1]
		if !id.Registered || id.MQTT != "mqtts://broker.example:8883" || id.ClientID != first ||
			!id.Expires.Equal(time.Now().Add(s.life).Truncate(time.Second)) {
			t.Errorf("identity %+v", id)
		}
		if ep.URL.String() != id.MQTT || ep.ClientID != first || !slices.Equal(ep.Topics, []string{"app/clients/" + first + "/push"}) {
			t.Errorf("endpoint %+v", ep)
		}
		if ep.TLS.ServerName != "broker.example" || ep.TLS.MinVersion != 0x0303 || ep.TLS.InsecureSkipVerify || len(ep.TLS.Certificates) != 1 || ep.TLS.NextProtos != nil {
			t.Errorf("TLS %+v", ep.TLS)
		}
		if want := eventRoots(o.Roots); !ep.TLS.RootCAs.Equal(want) || want.Equal(eventRoots(nil)) {
			t.Error("roots of the event broker")
		}

		o.Identity = &id
		for range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			if err := newTestClient(t, o).Events(ctx, until(func(Endpoint) { cancel() }), nil); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(s.asked()); n != 3 {
			t.Errorf("%d calls after a hundred more starts", n)
		}
	})
}

func TestEventsSubscriberGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newEventLG(t)
		o := s.options()
		o.Identity = enrolled(t, s)
		c := newTestClient(t, o)
		gone := errors.New("no such host")
		var hosts []string
		giveUp := func(_ context.Context, ep Endpoint, _ func([]byte)) error {
			hosts = append(hosts, ep.URL.Host)
			return gone
		}
		s.mqtt = "other.example"
		for range 5 {
			if err := c.Events(t.Context(), giveUp, nil); !errors.Is(err, gone) {
				t.Fatal(err)
			}
		}
		s.fail = func(string) (int, string) { return 502, "<html>" }
		for range 3 {
			if err := c.Events(t.Context(), giveUp, nil); !errors.Is(err, gone) {
				t.Fatal(err)
			}
		}
		want := []string{"broker.example:8883", "broker.example:8883", "other.example:8883", "other.example:8883",
			"broker.example:8883", "broker.example:8883", "broker.example:8883", "broker.example:8883"}
		if diff := cmp.Diff(want, hosts); diff != "" {
			t.Errorf("connected to (-want +got):\n%s", diff)
		}
		if err := c.Events(t.Context(), func(context.Context, Endpoint, func([]byte)) error { return nil }, nil); err == nil {
			t.Error("a subscriber that ends by itself is no success")
		}
	})
}

// A firewall may close the port of the event broker: the other one is tried in
// turn, and kept where it serves. So it is for LG's hosts only, and not where the
// API has an address of the user's own.
func TestEventsOtherPort(t *testing.T) {
	const a, b = "a.iot.eu-west-1.amazonaws.com", "b.iot.eu-west-1.amazonaws.com"
	type round struct {
		named string // by LG
		works string // accepts connections, once each time
		want  []string
	}
	tests := map[string]struct {
		own    bool
		rounds []round
	}{
		"nothing works": {false, []round{{a, "", []string{a + ":8883", a + ":8883", a + ":443", a + ":443", a + ":8883", a + ":8883", a + ":443"}}}},
		"LG names 443":  {false, []round{{a + ":443", "", []string{a + ":443", a + ":443", a + ":8883", a + ":8883", a + ":443"}}}},
		"8883 is closed": {false, []round{
			{a, a + ":443", []string{a + ":8883", a + ":8883", a + ":443", a + ":443", a + ":443", a + ":443", a + ":443"}},
			{a, "", []string{a + ":443", a + ":443", a + ":443", a + ":8883"}},
		}},
		"8883 is closed, and LG moves": {false, []round{
			{a, a + ":443", []string{a + ":8883", a + ":8883", a + ":443", a + ":443"}},
			{b, "", []string{b + ":8883", b + ":8883", b + ":443", b + ":443", a + ":443", a + ":443", b + ":8883", b + ":8883", b + ":443"}},
		}},
		"own API": {true, []round{{a, "", []string{a + ":8883", a + ":8883", a + ":8883", a + ":8883"}}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newEventLG(t)
				c := newTestClient(t, s.options())
				if !tt.own {
					c.o.APIURL = ""
				}
				for _, r := range tt.rounds {
					s.mqtt = r.named
					var hosts []string
					for range r.want {
						err := c.Events(t.Context(), func(_ context.Context, ep Endpoint, _ func([]byte)) error {
							hosts = append(hosts, ep.URL.Host)
							if ep.URL.Host == r.works {
								ep.Told(FreshFlow)
							}
							if alpn := ep.TLS.NextProtos != nil; alpn != (ep.URL.Port() == "443") {
								t.Errorf("%s: ALPN %q", ep.URL, ep.TLS.NextProtos)
							}
							return errors.New("no connection")
						}, nil)
						if err == nil {
							t.Fatal("no error")
						}
					}
					if diff := cmp.Diff(r.want, hosts); diff != "" {
						t.Errorf("LG names %s (-want +got):\n%s", r.named, diff)
					}
				}
				if saved := s.saved[len(s.saved)-1]; saved.MQTT != c.whoami().MQTT {
					t.Errorf("saved %s, present %s", saved.MQTT, c.whoami().MQTT)
				}
			})
		})
	}
}

func TestEventsTriesAgain(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		most   int // calls until it works again, an hour later
	}{
		{"gateway trouble", 502, "<html>", 17},
		{"LG busy", 500, fail(`"2000"`), 17},
		{"too many calls", 401, fail(`"1314"`), 8},
		{"a code nobody knows", 400, fail(`"9876"`), 5},
		{"not LG at all", 200, "<html>log in", 17},
	}
	for _, tt := range tests {
		for _, path := range []string{"/route", "/client", "/client/certificate"} {
			t.Run(tt.name+path, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newEventLG(t)
					start := time.Now()
					s.fail = func(p string) (int, string) {
						if p == path && time.Since(start) < time.Hour {
							return tt.status, tt.body
						}
						return 0, ""
					}
					ctx, cancel := context.WithTimeout(t.Context(), 4*time.Hour)
					defer cancel()
					connected := false
					if err := newTestClient(t, s.options()).Events(ctx, until(func(Endpoint) { connected = true; cancel() }), nil); err != nil || !connected {
						t.Fatalf("%v, connected: %v", err, connected)
					}
					tried := 0
					for _, call := range s.seen() {
						if call.Path == path {
							tried++
						}
					}
					if tried > tt.most+1 || tried < 2 {
						t.Errorf("%d calls of %s", tried, path)
					}
				})
			})
		}
	}
}

func TestEventsWaitsForBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newEventLG(t)
		o := s.options()
		o.Budget = NewBudget(100, 40, BudgetState{Until: time.Now().Add(20 * time.Minute)})
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		if err := newTestClient(t, o).Events(ctx, until(func(Endpoint) { cancel() }), nil); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d < 20*time.Minute || d > 21*time.Minute || len(s.seen()) != 3 {
			t.Errorf("%d calls, connected after %v", len(s.seen()), d)
		}
	})
}

func TestEventsEndsWhenRefused(t *testing.T) {
	for code, class := range map[string]Class{"1103": Auth, "1304": Terms, "1307": Country, "1309": Blocked, "2301": Refused} {
		synctest.Test(t, func(t *testing.T) {
			s := newEventLG(t)
			s.fail = func(string) (int, string) { return 400, fail(`"` + code + `"`) }
			if err := newTestClient(t, s.options()).Events(t.Context(), nil, nil); ClassOf(err) != class || len(s.seen()) != 1 {
				t.Errorf("%s: %v after %d calls", code, err, len(s.seen()))
			}
		})
	}
}

// The event broker is where LG has its own, or, with an API address of the
// user's own, anywhere; but always encrypted, and nothing but host and port.
func TestS12HostRule(t *testing.T) {
	tests := []struct {
		address string
		want    string // of LG's own; empty: refused
		own     bool   // accepted with an API address of the user's own
	}{
		{"mqtts://a1b2.iot.eu-west-1.amazonaws.com:8883", "mqtts://a1b2.iot.eu-west-1.amazonaws.com:8883", true},
		{"a1b2.iot.eu-west-1.amazonaws.com", "mqtts://a1b2.iot.eu-west-1.amazonaws.com:8883", true},
		{"ssl://MQTT.LGTHINQ.com:443/", "mqtts://MQTT.LGTHINQ.com:443", true},
		{"mqtts://localhost:8883", "", true},
		{"mqtts://127.0.0.1:18883", "", true},
		{"mqtts://192.168.1.1:8883", "", true},
		{"mqtts://amazonaws.com:8883", "", true},
		{"mqtts://evilamazonaws.com:8883", "", true},
		{"mqtts://x.amazonaws.com.evil.example:8883", "", true},
		{"mqtts://x.amazonaws.com:22", "", true},
		{"mqtts://x.amazonaws.com@evil.example:8883", "", false},
		{"mqtts://user:pass@x.amazonaws.com:8883", "", false},
		{"mqtts://x.amazonaws.com:8883/path", "", false},
		{"mqtts://x.amazonaws.com:8883?a=b", "", false},
		{"mqtt://x.amazonaws.com:1883", "", false},
		{"https://x.amazonaws.com:8883", "", false},
		{"mqtts://:8883", "", false},
		{"", "", false},
	}
	lgs := newTestClient(t, Options{Country: "US", Token: token("x")})
	own := newTestClient(t, Options{Country: "US", Token: token("x"), APIURL: "https://localhost"})
	for _, tt := range tests {
		u := serverURL(tt.address, "mqtts", "8883")
		got, err := lgs.checkBroker(u)
		if (err == nil) != (tt.want != "") || err == nil && got.String() != tt.want {
			t.Errorf("%q: %v, %v", tt.address, got, err)
		}
		if _, err := own.checkBroker(u); (err == nil) != tt.own {
			t.Errorf("%q with an own API: %v", tt.address, err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s := newEventLG(t)
		s.mqtt = "mqtt://broker.example:1883"
		if err := newTestClient(t, s.options()).Events(t.Context(), nil, nil); err == nil || len(s.seen()) != 1 {
			t.Errorf("%v after %d calls", err, len(s.seen()))
		}
	})
	// Nor is one believed that an earlier run kept, maybe with another address of the API.
	kept := newTestClient(t, Options{Country: "US", Token: token("x"), Identity: &Identity{ClientID: "c", MQTT: "mqtts://broker.example:8883"},
		Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("LG is asked") }})
	if u, err := kept.broker(t.Context()); u != nil || err == nil || !strings.Contains(err.Error(), "LG is asked") {
		t.Errorf("kept: %v, %v", u, err)
	}
	if cfg := lgs.eventTLS(serverURL("x.amazonaws.com:443", "mqtts", "8883"), tls.Certificate{}); !slices.Equal(cfg.NextProtos, []string{"x-amzn-mqtt-ca"}) {
		t.Errorf("ALPN %q on port 443", cfg.NextProtos)
	}
}

func TestAmazonRoots(t *testing.T) {
	var names []string
	for rest := []byte(amazonRoots); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil || cert.CheckSignatureFrom(cert) != nil || !cert.IsCA {
			t.Fatal(err)
		}
		names = append(names, cert.Subject.CommonName)
	}
	if diff := cmp.Diff([]string{"Amazon Root CA 1", "Amazon Root CA 3"}, names); diff != "" {
		t.Error(diff)
	}
}

// A partner's events are had at the callback, which asks nothing of LG's API and
// keeps nothing.
func TestEventsOfAPartner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newEventLG(t)
		o := s.options()
		o.Surface, o.Service, o.CallbackURL = PartnerV1, Service{ID: "id", Key: "key"}, "wss://callback.example/websocket"
		o.Renew = func(_ context.Context, refused string) (string, error) { return "not-" + refused, nil }
		ctx, cancel := context.WithCancel(t.Context())
		var ep Endpoint
		if err := newTestClient(t, o).Events(ctx, until(func(at Endpoint) { ep = at; cancel() }), nil); err != nil {
			t.Fatal(err)
		}
		if ep.URL.String() != o.CallbackURL || len(s.asked()) > 0 {
			t.Errorf("endpoint %+v, calls %q", ep, s.asked())
		}
		for refused, want := range map[string]string{"": canary, "old": "not-old"} {
			if token, err := ep.Token(t.Context(), refused); token != want || err != nil {
				t.Errorf("in the place of %q: %q, %v", refused, token, err)
			}
		}
	})
}

// Messages that are no events are counted each, and told once an hour: how many,
// and length and hash of the last, but nothing of what is in it, at any level.
func TestF084MalformedPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newEventLG(t)
		o := s.options()
		var log bytes.Buffer
		dropped := 0
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		o.Dropped = func(reason string) {
			if reason == "malformed" {
				dropped++
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		err := newTestClient(t, o).Events(ctx, func(ctx context.Context, _ Endpoint, handle func([]byte)) error {
			for ; n < 3*3600; n += 10 {
				for _, text := range odd[:5] {
					handle([]byte(text + "canary-in-a-push"))
				}
				time.Sleep(10 * time.Second)
			}
			cancel()
			return nil
		}, func(e Event) { t.Errorf("an event: %+v", e) })
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if err != nil || len(lines) != 3 || dropped != 5*n/10 || strings.Contains(log.String(), "canary") {
			t.Errorf("%v, %d dropped, told: %q", err, dropped, lines)
		}
		for _, want := range []string{"count=1800", "bytes=16", "sha256="} {
			if !strings.Contains(lines[1], want) {
				t.Errorf("%s lacks %s", lines[1], want)
			}
		}
	})
}
