package thinqtest

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// What Amazon's API Gateway lets a websocket do; see its list of quotas. A
// message may be as large as one of the event broker.
const (
	socketIdle = 10 * time.Minute // without a frame in either direction
	socketLife = 2 * time.Hour
	frameMost  = 32 << 10
)

// A client that does not read is cut when that many messages wait for it, or one
// for that long.
const (
	socketQueue    = 256
	socketPatience = 10 * time.Second
	farewellMost   = time.Second // for the client to say goodbye, too
)

// A TokenEnd is what becomes of an open callback websocket when its access token
// ends. What LG does is not known.
type TokenEnd string

// The possibilities.
const (
	TokenEndKeep   TokenEnd = "keep"   // nothing
	TokenEndClose  TokenEnd = "close"  // it is closed
	TokenEndSilent TokenEnd = "silent" // it stays open, but no message comes any more
)

func (e TokenEnd) check() error {
	switch e {
	case TokenEndKeep, TokenEndClose, TokenEndSilent:
		return nil
	}
	return fmt.Errorf("token end %q is none of keep, close, silent", string(e))
}

// A callback is the websocket side of the cloud. Whoever has an access token of
// EMP's gets every message for the partner, on each of several connections;
// nothing is kept for who is not connected.
type callback struct {
	server *Server

	mu      sync.Mutex
	stopped bool // turning everybody away
	sockets map[*socket]struct{}
}

// A socket is one connection.
type socket struct {
	server *Server
	conn   *websocket.Conn
	token  string
	opened time.Time
	last   atomic.Int64 // when there was a frame, in nanoseconds of the server's clock
	queue  chan []byte
	woken  chan struct{} // the clock or the tokens changed
	ended  chan struct{}
}

func newCallback(s *Server) *callback {
	return &callback{server: s, sockets: map[*socket]struct{}{}}
}

// socketHandler is the callback. Its handshakes are on record and faults strike
// them, like any call.
func (s *Server) socketHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /websocket", s.exchange(s.callback.handshake, func(_ *http.Request, code string) *reply {
		return &reply{status: statusOf(code), code: code, headers: map[string]string{}}
	}))
	return mux
}

func (c *callback) handshake(r *http.Request, _ []byte) *reply {
	token := r.URL.Query().Get("access_token")
	if c.server.empToken(token) != nil {
		return &reply{status: http.StatusUnauthorized, headers: map[string]string{"Content-Type": "application/json"},
			body: []byte(`{"message":"Unauthorized"}`)}
	}
	if !websocket.IsWebSocketUpgrade(r) {
		return &reply{status: http.StatusBadRequest}
	}
	return &reply{status: http.StatusSwitchingProtocols, upgrade: func(w http.ResponseWriter) { c.serve(w, r, token) }}
}

// upgrader makes frames no larger than Amazon's. The page that a browser shows
// may be anybody's.
var upgrader = websocket.Upgrader{WriteBufferSize: frameMost, CheckOrigin: func(*http.Request) bool { return true }}

// serve is a connection's whole life. It is admitted before its client knows, so
// that nothing is lost from then on.
func (c *callback) serve(w http.ResponseWriter, r *http.Request, token string) {
	k := &socket{server: c.server, token: token, opened: c.server.clock.Now(),
		queue: make(chan []byte, socketQueue), woken: make(chan struct{}, 1), ended: make(chan struct{}, 1)}
	k.touch()
	if !c.admit(k) {
		panic(http.ErrAbortHandler)
	}
	c.server.connected()
	defer c.forget(k)
	var err error
	if k.conn, err = upgrader.Upgrade(w, r, nil); err != nil {
		c.server.log.Debug("callback refused a connection", "error", err)
		return
	}
	defer k.conn.Close()
	var writing sync.WaitGroup
	defer writing.Wait()
	gone := make(chan struct{})
	defer close(gone)
	writing.Go(func() {
		k.write(gone)
		c.forget(k)
	})
	k.read()
}

func (c *callback) admit(k *socket) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stopped {
		c.sockets[k] = struct{}{}
	}
	return !c.stopped
}

func (c *callback) forget(k *socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sockets, k)
}

// each does something to every connection that must not wait.
func (c *callback) each(do func(*socket)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range c.sockets {
		do(k)
	}
}

// deliver queues a message for everybody. Who is too far behind is cut.
func (c *callback) deliver(payload []byte) {
	if len(payload) > payloadMost {
		c.server.log.Warn("callback message too large", "bytes", len(payload))
		return
	}
	c.each(func(k *socket) {
		select {
		case k.queue <- payload:
		default:
			k.end()
		}
	})
}

// act is [Server.BrokerAction] for the callback. No connection of before is
// there any more when it returns, though each is still about to say goodbye.
func (c *callback) act(action string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if action == "start" {
		c.stopped = false
		return
	}
	c.stopped = c.stopped || action == "stop"
	for k := range c.sockets {
		k.end()
	}
	clear(c.sockets)
}

// Sockets is how many connections the callback websocket has.
func (s *Server) Sockets() int {
	s.callback.mu.Lock()
	defer s.callback.mu.Unlock()
	return len(s.callback.sockets)
}

func (k *socket) touch() { k.last.Store(k.server.clock.Now().UnixNano()) }

// end asks for the end of the connection.
func (k *socket) end() { signal(k.ended) }

// wake makes the connection look at clock and tokens again.
func (k *socket) wake() { signal(k.woken) }

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// read answers pings and ignores everything else until the connection is gone.
func (k *socket) read() {
	pong := k.conn.PingHandler()
	k.conn.SetPingHandler(func(data string) error {
		k.touch()
		return pong(data)
	})
	k.conn.SetPongHandler(func(string) error {
		k.touch()
		return nil
	})
	k.conn.SetReadLimit(payloadMost)
	for {
		_, message, err := k.conn.NextReader()
		if err == nil {
			_, err = io.Copy(io.Discard, message)
		}
		if err != nil {
			return
		}
		k.touch()
	}
}

// write sends what is queued until the connection is gone or has to end.
func (k *socket) write(gone <-chan struct{}) {
	timer := time.NewTimer(socketIdle)
	defer timer.Stop()
	for {
		code, wait := k.due()
		if code != 0 {
			k.farewell(code)
			return
		}
		timer.Reset(wait)
		select {
		case payload := <-k.queue:
			if err := k.send(payload); err != nil {
				k.conn.Close()
				return
			}
		case <-timer.C:
		case <-k.woken:
		case <-k.ended:
			k.farewell(websocket.CloseGoingAway)
			return
		case <-k.server.closing:
			k.farewell(websocket.CloseGoingAway)
			return
		case <-gone:
			return
		}
	}
}

// due is the code with which the connection ends now, or how long it may go on.
func (k *socket) due() (code int, wait time.Duration) {
	now := k.server.clock.Now()
	wait = min(k.opened.Add(socketLife).Sub(now), time.Unix(0, k.last.Load()).Add(socketIdle).Sub(now))
	if wait <= 0 {
		return websocket.CloseGoingAway, 0
	}
	if k.server.o.TokenEnd != TokenEndClose {
		return 0, wait
	}
	left := k.server.accessEnd(k.token).Sub(now)
	if left <= 0 {
		return websocket.ClosePolicyViolation, 0
	}
	return 0, min(wait, left)
}

// accessEnd is when an access token of EMP's is over.
func (s *Server) accessEnd(token string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.emp.access[token]
}

// send writes a message, in frames as Amazon's.
func (k *socket) send(payload []byte) error {
	if k.server.o.TokenEnd == TokenEndSilent && k.server.empToken(k.token) != nil {
		return nil
	}
	k.conn.SetWriteDeadline(time.Now().Add(socketPatience))
	w, err := k.conn.NextWriter(websocket.TextMessage)
	if err != nil {
		return err
	}
	for frame := range slices.Chunk(payload, frameMost) {
		if _, err := w.Write(frame); err != nil {
			return err
		}
	}
	k.touch()
	return w.Close()
}

// farewell says why, and gives the client a moment to answer.
func (k *socket) farewell(code int) {
	until := time.Now().Add(farewellMost)
	k.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), until)
	k.conn.SetReadDeadline(until)
}
