package bridge

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gorilla/websocket"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// What Amazon's API Gateway does to websockets, and what is done about it.
const (
	linePing   = 5 * time.Minute   // it ends a connection on which nothing is said for 10 min
	linePong   = 10 * time.Second  // for the answer to a ping
	lineLife   = 110 * time.Minute // it ends every connection after 2 h
	lineLimit  = 128 << 10         // bytes of a message
	lineExcess = 1 << 20           // bytes of a message that costs the connection
	lineDial   = 10 * time.Second
	lineDrain  = 2 * time.Second // for the far side to say the last it has to say
	lineGreet  = 64 << 10        // bytes of its answer, with its certificates
	lineSpare  = 16 << 10        // bytes that are kept for the next message
)

// A line is one connection to the callback. Its reader is the one goroutine
// that reads it.
type line struct {
	ws     *websocket.Conn
	token  thinq.Secret
	opened time.Time
	until  time.Time     // when to have another one
	signs  atomic.Int64  // of life that came
	done   chan struct{} // closed when nothing is read any more
	err    error         // why, afterwards
}

// open dials with a token. Neither the token nor the address with it is in the
// error, whatever the far side repeats.
func (c *callback) open(ctx context.Context, ep thinq.Endpoint, token thinq.Secret) (*line, error) {
	var conn *fenced
	stop := func() bool { return true }
	d := websocket.Dialer{
		HandshakeTimeout: lineDial, TLSClientConfig: ep.TLS, Proxy: http.ProxyURL(c.Proxy),
		NetDialContext: func(inner context.Context, network, addr string) (net.Conn, error) {
			raw, err := c.dialer()(inner, network, addr)
			if err != nil {
				return nil, unreached{err}
			}
			stop = context.AfterFunc(ctx, func() { _ = raw.Close() }) // the library waits for the answer regardless
			conn = &fenced{Conn: raw, left: lineGreet}
			return conn, nil
		},
	}
	address := *ep.URL
	address.RawQuery = url.Values{"access_token": {string(token)}}.Encode()
	ws, answer, err := d.DialContext(ctx, address.String(), http.Header{"User-Agent": {cmp.Or(c.Agent, originName)}})
	stop()
	if err != nil {
		return nil, handshakeFault(answer, err)
	}
	conn.lifted = true
	ws.SetReadLimit(lineExcess)
	now := time.Now()
	return &line{ws: ws, token: token, opened: now, until: now.Add(jitter(lineLife, 0.04)), done: make(chan struct{})}, nil
}

func (c *callback) dialer() func(context.Context, string, string) (net.Conn, error) {
	if c.Dial != nil {
		return c.Dial
	}
	return new(net.Dialer).DialContext
}

// read takes one message after the other until the connection ends. Whatever
// comes counts as life, but a message must come as a whole in time.
func (l *line) read(take func(kind int, data []byte)) {
	defer close(l.done)
	l.ws.SetPongHandler(func(string) error { return l.alive() })
	l.ws.SetPingHandler(func(data string) error {
		_ = l.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second)) // else the reader finds out
		return l.alive()
	})
	var buf bytes.Buffer
	l.err = l.alive()
	for l.err == nil {
		var kind int
		if kind, l.err = l.next(&buf); l.err == nil {
			take(kind, bytes.Clone(buf.Bytes())) // events keep parts of it
		}
	}
}

// next is the next message, or its begin if it is too long.
func (l *line) next(buf *bytes.Buffer) (kind int, err error) {
	kind, r, err := l.ws.NextReader()
	if err == nil {
		err = l.alive()
	}
	if err != nil {
		return kind, err
	}
	if buf.Reset(); buf.Cap() > lineSpare {
		*buf = bytes.Buffer{}
	}
	_, err = buf.ReadFrom(io.LimitReader(r, lineLimit+1))
	return kind, err
}

// alive gives the far side time until after the next ping.
func (l *line) alive() error {
	l.signs.Add(1)
	return l.ws.SetReadDeadline(time.Now().Add(linePing + linePong))
}

// ended is closed when the connection ended; never, if there is none.
func (l *line) ended() <-chan struct{} {
	if l == nil {
		return nil
	}
	return l.done
}

func (l *line) ping() {
	if l == nil {
		return
	}
	if l.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(linePong)) != nil {
		l.close()
	}
}

// leave says goodbye and reads what the far side had sent before it heard it,
// for as long as that may take. It tells whether the far side was there at all: a
// way that has forgotten a connection does not say so.
func (l *line) leave(patience time.Duration) (answered bool) {
	before, by := l.signs.Load(), time.Now().Add(time.Second)
	_ = l.ws.WriteControl(websocket.PingMessage, nil, by) // nobody knows whether Amazon answers the goodbye
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = l.ws.WriteControl(websocket.CloseMessage, bye, by) // it is over anyway
	select {
	case <-l.done:
	case <-time.After(patience):
	}
	answered = l.signs.Load() > before
	l.close()
	<-l.done
	end, orderly := errors.AsType[*websocket.CloseError](l.err)
	return answered || orderly && end.Code != websocket.CloseAbnormalClosure
}

func (l *line) close() { _ = l.ws.Close() }

// A fenced connection lets in no more than fits an answer until it is lifted:
// the library sets no limit itself.
type fenced struct {
	net.Conn
	left   int
	lifted bool
}

func (f *fenced) Read(p []byte) (int, error) {
	if f.lifted {
		return f.Conn.Read(p)
	}
	if f.left <= 0 {
		return 0, errTalkative
	}
	n, err := f.Conn.Read(p[:min(len(p), f.left)])
	f.left -= n
	return n, err
}

var (
	errTalkative = errors.New("its answer has no end")
	errStranger  = errors.New("what answers is no websocket: is a proxy in the way?")
)

// unreached marks a fault on the way, before anything was said.
type unreached struct{ error }

func (e unreached) Unwrap() error { return e.error }

// A refusal is an answer of the callback that means the token.
type refusal int

func (e refusal) Error() string {
	return fmt.Sprintf("LG's callback refused the access token (HTTP %d)", int(e))
}

// Class is Blocked: what LG's API thinks of the token is another matter.
func (refusal) Class() thinq.Class { return thinq.Blocked }

// Text is what it means for people.
func (e refusal) Text() string {
	return fmt.Sprintf("LG's callback websocket does not let this account in (HTTP %d). It may serve other countries, or LG has not opened it for the service; the appliances are read now and then.", int(e))
}

// handshakeFault words why there is no websocket. What the far side wrote stays
// out but for the status: it may repeat the address.
func handshakeFault(answer *http.Response, err error) error {
	switch {
	case answer == nil:
		return errors.New(words(err))
	case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden:
		return refusal(answer.StatusCode)
	case answer.StatusCode == http.StatusSwitchingProtocols:
		return errStranger
	}
	return fmt.Errorf("the callback answered HTTP %d", answer.StatusCode)
}

// words say what is wrong without the words of the far side.
func words(err error) string {
	closed, byPeer := errors.AsType[*websocket.CloseError](err)
	late, onTheWay := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, websocket.ErrReadLimit):
		return "a message had no end"
	case byPeer && closed.Code == websocket.CloseAbnormalClosure, errors.Is(err, io.EOF):
		return "the connection was closed without a word"
	case byPeer:
		return fmt.Sprintf("the callback ended the connection (code %d)", closed.Code)
	case onTheWay && late.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case onTheWay, ours(err):
		return err.Error()
	}
	return errStranger.Error()
}

// ours tells whether an error was made on this side, so that nothing is
// repeated in it.
func ours(err error) bool {
	_, way := errors.AsType[unreached](err)
	_, trust := errors.AsType[*tls.CertificateVerificationError](err)
	_, plain := errors.AsType[tls.RecordHeaderError](err)
	_, system := errors.AsType[syscall.Errno](err)
	return way || trust || plain || system || errors.Is(err, errTalkative)
}
