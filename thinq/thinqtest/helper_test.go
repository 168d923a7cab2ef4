package thinqtest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "v6GFvkweNo7DK7yD3ylIZ9w52aKBU0eJ7wLXkSR3"

// newServer is a server inside the process, without sockets.
func newServer(t *testing.T, o thinqtest.Options) (*thinqtest.Server, *thinqtest.Network) {
	t.Helper()
	network := &thinqtest.Network{}
	s, err := serverOn(network, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, network
}

func serverOn(network *thinqtest.Network, o thinqtest.Options) (*thinqtest.Server, error) {
	for addr, l := range map[string]*net.Listener{
		"api.test:443": &o.REST, "mqtt.test:8883": &o.MQTT, "emp.test:443": &o.OAuth, "socket.test:443": &o.WebSocket,
	} {
		var err error
		if *l, err = network.Listen(addr); err != nil {
			return nil, err
		}
	}
	if o.CallsPerHour == 0 {
		o.CallsPerHour = -1
	}
	return thinqtest.NewServer(o)
}

// caller speaks REST to a server.
type caller struct {
	t      *testing.T
	s      *thinqtest.Server
	http   *http.Client
	client string
	// headers are those of a partner; nil: the owner's
	headers map[string]string
}

func newCaller(t *testing.T, s *thinqtest.Server, network *thinqtest.Network) *caller {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.Roots()}}
	if network != nil {
		transport.DialContext = network.Dial
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &caller{t: t, s: s, http: &http.Client{Transport: transport}, client: "test-client"}
}

// envelope is LG's answer.
type envelope struct {
	Status    int             `json:"-"`
	MessageID string          `json:"messageId"`
	Timestamp string          `json:"timestamp"`
	Response  json.RawMessage `json:"response"`
	Error     struct{ Code, Message string }
	members   map[string]any
}

// refusal is the error code of an answer, wherever the surface has it.
func (e envelope) refusal() string {
	var answer struct{ Error struct{ Code string } }
	json.Unmarshal(e.Response, &answer)
	return e.Error.Code + answer.Error.Code
}

func (c *caller) request(method, path, body string) *http.Request {
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.s.URL+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	headers := map[string]string{
		"Authorization": "Bearer " + c.s.Token, "x-country": "KR", "x-message-id": "AbCdEfGhIjKlMnOpQrStUv",
		"x-client-id": c.client, "x-api-key": key, "x-service-phase": "OP", "Content-Type": "application/json",
	}
	if c.headers != nil {
		headers = c.headers
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	return r
}

func (c *caller) do(r *http.Request) envelope {
	c.t.Helper()
	res, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	e := envelope{Status: res.StatusCode}
	if err := json.Unmarshal(data, &e); err != nil {
		c.t.Fatalf("%s %s: %v in %q", r.Method, r.URL.Path, err, data)
	}
	json.Unmarshal(data, &e.members)
	return e
}

func (c *caller) call(method, path, body string) envelope {
	c.t.Helper()
	return c.do(c.request(method, path, body))
}

// must is a call that has to succeed.
func (c *caller) must(method, path, body string) json.RawMessage {
	c.t.Helper()
	e := c.call(method, path, body)
	if e.Status != http.StatusOK {
		c.t.Fatalf("%s %s: %d %+v", method, path, e.Status, e.Error)
	}
	return e.Response
}

const registration = `{"type":"MQTT","service-code":"SVC202","device-type":"607","allowExist":true}`

// clientKey is made once: RSA keys take their time.
var clientKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newCSR() []byte {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "lg_thinq"}, SignatureAlgorithm: x509.SHA512WithRSA}, clientKey())
	if err != nil {
		panic(err)
	}
	return der
}

// enrol registers the client and returns how to connect to the event broker,
// and its topic.
func (c *caller) enrol() (*tls.Config, string) {
	c.t.Helper()
	c.must("POST", "/client", registration)
	body, _ := json.Marshal(map[string]string{"service-code": "SVC202", "csr": base64.StdEncoding.EncodeToString(newCSR())})
	var answer struct {
		ResultCode string
		Result     struct {
			CertificatePem string
			Subscriptions  []string
		}
	}
	if err := json.Unmarshal(c.must("POST", "/client/certificate", string(body)), &answer); err != nil {
		c.t.Fatal(err)
	}
	if answer.ResultCode != "0000" || len(answer.Result.Subscriptions) != 1 {
		c.t.Fatalf("certificate answer %+v", answer)
	}
	return certified(c.t, c.s, answer.Result.CertificatePem), answer.Result.Subscriptions[0]
}

func dialTLS(ctx context.Context, network *thinqtest.Network, addr string, config *tls.Config) (*tls.Conn, error) {
	config = config.Clone()
	config.ServerName, _, _ = net.SplitHostPort(addr)
	var conn net.Conn
	var err error
	if network != nil {
		conn, err = network.Dial(ctx, "tcp", addr)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	}
	if err != nil {
		return nil, err
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

func compact(data []byte) string {
	var b bytes.Buffer
	if err := json.Compact(&b, data); err != nil {
		return string(data)
	}
	return b.String()
}

const reportDelay = 800 * time.Millisecond
