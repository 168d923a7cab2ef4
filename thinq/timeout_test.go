package thinq

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// hangs are places where a call can get stuck, each a network that does so.
var hangs = map[string]func(t *testing.T, s *lg) dialFunc{
	"connecting": func(*testing.T, *lg) dialFunc {
		return func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
	},
	"handshake": func(t *testing.T, _ *lg) dialFunc {
		return func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			t.Cleanup(func() { far.Close() })
			go bufio.NewReader(far).Peek(1)
			return near, nil
		}
	},
	"answer": func(_ *testing.T, s *lg) dialFunc {
		s.answer = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		return s.pipes.Dial
	},
	"body": func(_ *testing.T, s *lg) dialFunc {
		s.answer = func(w http.ResponseWriter, r *http.Request) {
			for range 60 { // longer than anybody waits
				w.Write([]byte(" "))
				http.NewResponseController(w).Flush()
				sleep(r.Context(), time.Second)
			}
		}
		return s.pipes.Dial
	},
}

// However LG hangs, a call has its end, and says what it waited for.
func TestF010EachCallEnds(t *testing.T) {
	tests := []struct {
		hang    string
		control bool
		want    time.Duration
		cause   string
	}{
		{"connecting", false, 5 * time.Second, "no connection within 5s"},
		{"handshake", false, 5 * time.Second, "TLS handshake timeout"},
		{"answer", false, 10 * time.Second, "timeout awaiting response headers"},
		{"answer", true, 10 * time.Second, "timeout awaiting response headers"},
		{"body", false, 15 * time.Second, "no answer within 15s"},
		{"body", true, 20 * time.Second, "no answer within 20s"},
	}
	for _, tt := range tests {
		t.Run(tt.hang, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newLG(t, nil)
				o := s.options()
				o.Dial = hangs[tt.hang](t, s)
				var call Call
				o.Observe = func(c Call) { call = c }
				c := newTestClient(t, o)
				var err error
				start := time.Now()
				if tt.control {
					err = c.Control(t.Context(), "d", []byte("{}"))
				} else {
					_, err = c.State(t.Context(), "d")
				}
				if took := time.Since(start); took != tt.want || call.Duration != tt.want {
					t.Errorf("took %v (%v), want %v", took, call.Duration, tt.want)
				}
				if err == nil || !strings.Contains(err.Error(), tt.cause) || ClassOf(err) != Busy || call.Code != "timeout" {
					t.Errorf("%v, class %q, code %q; want %s", err, ClassOf(err), call.Code, tt.cause)
				}
			})
		})
	}
}

func TestTokenTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLG(t, nil)
		o := s.options()
		o.Token = func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", context.Cause(ctx)
		}
		start := time.Now()
		_, err := newTestClient(t, o).State(t.Context(), "d")
		if ClassOf(err) != Busy || time.Since(start) != callTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestCancelledCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLG(t, nil)
		o := s.options()
		o.Dial = hangs["answer"](t, s)
		c := newTestClient(t, o)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := c.State(ctx, "d"); ClassOf(err) != Unknown {
			t.Errorf("got %v", err)
		}
		if _, err := c.State(ctx, "d"); ClassOf(err) != Unknown || len(s.seen()) != 1 {
			t.Errorf("got %v after %d calls", err, len(s.seen()))
		}
	})
}

// TestDeadConnection kills the connection of a good call; the next call uses
// another one.
func TestDeadConnection(t *testing.T) {
	s := newLG(t, says(200, ok("{}")))
	var last net.Conn
	o := s.options()
	o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := s.pipes.Dial(ctx, network, addr)
		last = conn
		return conn, err
	}
	c := newTestClient(t, o)
	for range 3 {
		if err := c.Control(t.Context(), "d", []byte("{}")); err != nil {
			if err = c.Control(t.Context(), "d", []byte("{}")); err != nil {
				t.Fatal(err)
			}
		}
		last.Close()
	}
}

// A hole is a connection that can be made to swallow everything.
type hole struct {
	net.Conn
	swallows atomic.Bool
}

func (h *hole) Write(p []byte) (int, error) {
	if h.swallows.Load() {
		return len(p), nil
	}
	return h.Conn.Write(p)
}

// Connections that are dead, but look alive, cost one call its time and the next
// one nothing, though LG would speak HTTP/2.
func TestF011HalfOpenCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		together := make(chan struct{})
		s := newLG(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/route" {
				together <- struct{}{}
			}
			says(200, ok("{}"))(w, r)
		})
		var holes []*hole
		o := s.options()
		o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := s.pipes.Dial(ctx, network, addr)
			holes = append(holes, &hole{Conn: conn})
			return holes[len(holes)-1], err
		}
		c := newTestClient(t, o)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { c.Route(t.Context()) })
			synctest.Wait()
		}
		<-together
		<-together
		wg.Wait()
		if len(holes) != 2 {
			t.Fatalf("%d connections", len(holes))
		}
		for _, h := range holes {
			h.swallows.Store(true)
		}
		start := time.Now()
		if _, err := c.State(t.Context(), "d"); ClassOf(err) != Busy {
			t.Errorf("over a dead connection: %v", err)
		}
		if _, err := c.State(t.Context(), "d"); err != nil || time.Since(start) > 25*time.Second {
			t.Errorf("the next call: %v after %v", err, time.Since(start))
		}
	})
}
