package link_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
)

// A gate lets websocket clients through to a broker in memory. It cuts its
// messages anywhere, as MQTT 5 section 6 allows.
type gate struct {
	*linktest.Broker
	t *testing.T
}

func (g gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/mqtt" {
		http.NotFound(w, r)
		return
	}
	up := websocket.Upgrader{Subprotocols: []string{"mqtt"}}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	if ws.Subprotocol() != "mqtt" {
		g.t.Error("the client does not ask for the subprotocol mqtt")
	}
	c, err := g.Dial(r.Context(), "", "")
	if err != nil {
		return
	}
	go func() {
		defer c.Close()
		for {
			_, p, err := ws.ReadMessage()
			if err != nil {
				return
			}
			if _, err := c.Write(p); err != nil {
				return
			}
		}
	}()
	for part := make([]byte, 777); ; {
		n, err := c.Read(part)
		if n > 0 && ws.WriteMessage(websocket.BinaryMessage, part[:n]) != nil || err != nil {
			return
		}
	}
}

func TestWebsockets(t *testing.T) {
	b := newBroker(t, linktest.Options{})
	plain, secure := httptest.NewServer(gate{b, t}), httptest.NewTLSServer(gate{b, t})
	trust := x509.NewCertPool()
	trust.AddCert(secure.Certificate())
	for _, c := range []struct {
		server *httptest.Server
		tls    *tls.Config
	}{{plain, nil}, {secure, &tls.Config{RootCAs: trust}}} {
		at, _ := url.Parse(strings.Replace(c.server.URL, "http", "ws", 1))
		t.Run(at.Scheme, func(t *testing.T) {
			l, stop := start(t, link.Options{URL: at, TLS: c.tls, Subscriptions: []link.Subscription{{Filter: "in"}}})
			receive(t, l.Up())
			for _, size := range []int{0, 10, 100_000} {
				if err := l.Publish(t.Context(), link.Message{Topic: "in", Payload: make([]byte, size)}); err != nil {
					t.Fatal(err)
				}
				if m := receive(t, l.Messages()); len(m.Payload) != size {
					t.Errorf("got %d bytes, want %d", len(m.Payload), size)
				}
			}
			b.Kill()
			receive(t, l.Up())
			if err := stop(); err != nil {
				t.Error(err)
			}

			at := new(*at)
			at.Path = "/elsewhere"
			l, _ = start(t, link.Options{URL: at, TLS: c.tls})
			until(t, l, "the cause", problem("web server answered 404"))
		})
		c.server.Close()
	}
}
