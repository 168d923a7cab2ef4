package thinqtest_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// listener is a connection to the callback websocket.
type listener struct {
	*websocket.Conn
	messages chan string
	ended    chan error
}

// dialSocket returns the status of a refusal in the error.
func dialSocket(ctx context.Context, s *thinqtest.Server, network *thinqtest.Network, token string) (*websocket.Conn, error) {
	d := websocket.Dialer{TLSClientConfig: &tls.Config{RootCAs: s.Roots()}}
	if network != nil {
		d.NetDialContext = network.Dial
	}
	conn, res, err := d.DialContext(ctx, s.WebSocketURL+"?access_token="+url.QueryEscape(token), nil)
	if res != nil && err != nil {
		err = fmt.Errorf("%d: %w", res.StatusCode, err)
	}
	return conn, err
}

// socket connects, and reads nothing.
func socket(t *testing.T, s *thinqtest.Server, network *thinqtest.Network, token string) *websocket.Conn {
	t.Helper()
	conn, err := dialSocket(t.Context(), s, network, token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// hear connects and reads everything.
func hear(t *testing.T, s *thinqtest.Server, network *thinqtest.Network, token string) *listener {
	t.Helper()
	conn := socket(t, s, network, token)
	l := &listener{Conn: conn, messages: make(chan string, 1000), ended: make(chan error, 1)}
	go func() {
		for {
			kind, message, err := conn.ReadMessage()
			if err != nil {
				l.ended <- err
				return
			}
			if kind != websocket.TextMessage {
				t.Errorf("a frame of kind %d", kind)
			}
			l.messages <- string(message)
		}
	}()
	return l
}

// next is the next message, which has to come within ten seconds.
func (l *listener) next(t *testing.T) string {
	t.Helper()
	select {
	case m := <-l.messages:
		return m
	case <-time.After(10 * time.Second):
		t.Fatal("no message within ten seconds")
	}
	return ""
}

// none waits a while for nothing.
func (l *listener) none(t *testing.T) {
	t.Helper()
	select {
	case m := <-l.messages:
		t.Fatalf("unexpected message %s", m)
	case <-time.After(10 * time.Second):
	}
}

// end is the code with which the server ends the connection, and when.
func (l *listener) end(t *testing.T) (code int, at time.Time) {
	t.Helper()
	select {
	case err := <-l.ended:
		if e, ok := errors.AsType[*websocket.CloseError](err); ok {
			return e.Code, time.Now()
		}
		t.Fatalf("ended without a farewell: %v", err)
	case <-time.After(3 * time.Hour):
		t.Fatal("still open after three hours")
	}
	return 0, time.Time{}
}

// open says whether the connection is.
func (l *listener) open() bool {
	synctest.Wait()
	return len(l.ended) == 0
}

// stage is a server with one partner's subscriptions to everything about one
// appliance.
func stage(t *testing.T, o thinqtest.Options) (*thinqtest.Server, *thinqtest.Network, *caller) {
	t.Helper()
	o.Samples = []thinqtest.Sample{sampleAC()}
	s, network := newServer(t, o)
	c := newPartner(t, s, network)
	c.must("POST", "/v2/devices/event/ac", `{"expire":{"unit":"HOUR","timer":24}}`)
	c.must("POST", "/v2/devices/push/ac", "")
	c.must("POST", "/v2/users/push", "")
	return s, network, c
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// readFrame reads a server's frame of 126 bytes or more, or an empty one.
func readFrame(t *testing.T, r io.Reader) (final bool, payload []byte) {
	t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		t.Fatal(err)
	}
	size := uint64(head[1])
	if extended := map[byte]int{126: 2, 127: 8}[head[1]]; extended > 0 {
		var length [8]byte
		io.ReadFull(r, length[8-extended:])
		size = binary.BigEndian.Uint64(length[:])
	}
	payload = make([]byte, size)
	if _, err := io.ReadFull(r, payload); err != nil {
		t.Fatal(err)
	}
	return head[0]&0x80 != 0, payload
}
