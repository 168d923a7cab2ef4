package bridge_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A callbackServer is the far side of a callback websocket.
type callbackServer struct {
	network thinqtest.Network
	server  http.Server

	mu     sync.Mutex
	lines  []*websocket.Conn
	tokens []string // of all attempts
	times  []time.Time
	admit  func(token string) int // 0, or an HTTP status
	meet   func(*websocket.Conn)  // right after the handshake
	mute   bool                   // does not answer pings
	oldest bool                   // tells the oldest connection alone
	all    bool                   // tells all connections
}

const callbackHost = "callback.test:80"

func newCallbackServer(t testing.TB) *callbackServer {
	t.Helper()
	s := &callbackServer{admit: func(string) int { return 0 }, meet: func(*websocket.Conn) {}}
	l, err := s.network.Listen(callbackHost)
	if err != nil {
		t.Fatal(err)
	}
	s.server.Handler = s
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.server.Serve(l)
	}()
	t.Cleanup(func() {
		s.network.Freeze(false)
		_ = s.server.Close()
		s.network.Cut()
		<-done
	})
	return s
}

func (s *callbackServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("access_token")
	s.mu.Lock()
	s.tokens, s.times = append(s.tokens, token), append(s.times, time.Now())
	admit, meet := s.admit, s.meet
	s.mu.Unlock()
	if status := admit(token); status != 0 {
		http.Error(w, r.RequestURI, status)
		return
	}
	u := websocket.Upgrader{}
	ws, err := u.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.lines = append(s.lines, ws)
	if s.mute {
		ws.SetPingHandler(func(string) error { return nil })
	}
	s.mu.Unlock()
	meet(ws)
	for err == nil {
		_, _, err = ws.ReadMessage()
	}
	_ = ws.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = slices.DeleteFunc(s.lines, func(other *websocket.Conn) bool { return other == ws })
}

// send tells one connection, the newest if nothing else is wanted.
func (s *callbackServer) send(kind int, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to := s.lines
	switch {
	case len(to) == 0 || s.all:
	case s.oldest:
		to = to[:1]
	default:
		to = to[len(to)-1:]
	}
	for _, ws := range to {
		_ = ws.WriteMessage(kind, data)
	}
}

// report is an event with a number.
func report(n int) []byte {
	return []byte(`{"pushType":"DEVICE_STATUS","deviceId":"d","report":{"a":{"n":` + strconv.Itoa(n) + `}}}`)
}

// numberOf is the number of such an event.
func numberOf(t testing.TB, data []byte) int {
	t.Helper()
	e, err := thinq.ParseEvent(data)
	n, bad := strconv.Atoi(strings.Trim(string(e.Report), `{}":an`))
	if err = errors.Join(err, bad); err != nil {
		t.Fatal(err)
	}
	return n
}

// closeAll ends all connections in an orderly way.
func (s *callbackServer) closeAll(code int, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ws := range s.lines {
		_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, text), time.Now().Add(time.Second))
	}
}

func (s *callbackServer) seen() (tokens []string, times []time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tokens), slices.Clone(s.times)
}

// A called is a subscriber at work.
type called struct {
	*callbackServer
	ups   chan bool
	heard chan []byte
	ended chan error
	stop  func()
	log   *journal

	mu      sync.Mutex
	refused []string
	dropped map[string]int
	token   func(refused string) (string, error)
}

// A journal is a log in memory.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

// call runs a subscriber inside of a synctest bubble; prepare may change both
// sides before.
func call(t testing.TB, prepare func(*called)) *called {
	t.Helper()
	c := &called{callbackServer: newCallbackServer(t), ups: make(chan bool, 10000), heard: make(chan []byte, 10000),
		ended: make(chan error, 1), log: &journal{}, dropped: map[string]int{}}
	c.token = func(string) (string, error) { return "token", nil }
	if prepare != nil {
		prepare(c)
	}
	sub := bridge.Callback(bridge.CallbackOptions{Dial: c.network.Dial,
		Logger: slog.New(slog.NewTextHandler(c.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.ended <- sub(ctx, c.endpoint(), func(data []byte) { c.heard <- data })
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return c
}

func (c *called) endpoint() thinq.Endpoint {
	return thinq.Endpoint{
		URL: &url.URL{Scheme: "ws", Host: callbackHost, Path: "/websocket"},
		Token: func(_ context.Context, refused string) (string, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if refused != "" {
				c.refused = append(c.refused, refused)
			}
			return c.token(refused)
		},
		Told: func(now thinq.Flow) { c.ups <- now == thinq.FreshFlow },
		Dropped: func(reason string) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.dropped[reason]++
		},
	}
}

// wantUp waits for what the subscriber tells next.
func (c *called) wantUp(t testing.TB, want bool) {
	t.Helper()
	select {
	case up := <-c.ups:
		if up != want {
			t.Fatalf("up: %v, want %v; log:\n%s", up, want, c.log)
		}
	case <-time.After(3 * time.Hour):
		t.Fatalf("nothing told for three hours; log:\n%s", c.log)
	}
}
