package thinqtest_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

func TestCallbackPong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network, _ := stage(t, thinqtest.Options{})
		conn := socket(t, s, network, accessToken(t, s))
		pongs := make(chan string, 1)
		conn.SetPongHandler(func(data string) error {
			pongs <- data
			return nil
		})
		go conn.ReadMessage()
		conn.WriteControl(websocket.PingMessage, []byte("there?"), time.Now().Add(time.Second))
		select {
		case got := <-pongs:
			if got != "there?" {
				t.Errorf("got %q", got)
			}
		case <-time.After(time.Second):
			t.Error("no pong")
		}
	})
}

func TestCallbackTokenEnd(t *testing.T) {
	for name, end := range map[string]func(s *thinqtest.Server){
		"by itself": func(*thinqtest.Server) { time.Sleep(time.Hour) },
		"ahead":     func(s *thinqtest.Server) { s.Advance(9 * time.Minute) }, // of the clock, at the end of its life
		"revoked":   func(s *thinqtest.Server) { s.RevokeSignIns() },
	} {
		for _, tt := range []struct {
			mode     thinqtest.TokenEnd
			code     int // 0: it stays open
			messages bool
		}{
			{"", 0, true}, {thinqtest.TokenEndKeep, 0, true}, {thinqtest.TokenEndSilent, 0, false},
			{thinqtest.TokenEndClose, websocket.ClosePolicyViolation, false},
		} {
			t.Run(name+" "+string(tt.mode), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, network, c := stage(t, thinqtest.Options{TokenEnd: tt.mode})
					token := accessToken(t, s)
					if name == "ahead" {
						s.Advance(52 * time.Minute)
					}
					l := hear(t, s, network, token)
					stop := make(chan struct{})
					defer close(stop)
					go func() {
						for {
							select {
							case <-time.After(time.Minute):
								l.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
							case <-stop:
								return
							}
						}
					}()
					s.Push("ac", "BEFORE")
					if !strings.Contains(l.next(t), "BEFORE") {
						t.Error("not even before the end")
					}
					end(s)
					s.Push("ac", "AFTER")
					if tt.code != 0 {
						if code, _ := l.end(t); code != tt.code {
							t.Errorf("ended with %d, want %d", code, tt.code)
						}
					} else if !l.open() {
						t.Error("ended")
					}
					if got := len(l.messages) > 0; got != tt.messages {
						t.Errorf("messages after the end: %v", got)
					}
					c.headers["Authorization"] = "Bearer " + token
					if e := c.call("GET", "/users", ""); e.Error.Code != "1302" {
						t.Errorf("the token is good: %+v", e.Error)
					}
				})
			})
		}
	}
	if _, err := thinqtest.NewServer(thinqtest.Options{TokenEnd: "never"}); err == nil {
		t.Error("no complaint about an unknown mode")
	}
}

// TestCallbackSlowReader: it is cut, and nobody else waits for it.
func TestCallbackSlowReader(t *testing.T) {
	for name, tt := range map[string]struct{ size, messages int }{
		"little":  {10, 5000}, // fills what may wait for it
		"a lot":   {100 << 10, 2},
		"in time": {10, 100}, // fits into what the network holds
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, network, _ := stage(t, thinqtest.Options{})
				socket(t, s, network, accessToken(t, s))
				l := hear(t, s, network, accessToken(t, s))
				start := time.Now()
				for i := range tt.messages {
					s.Push("ac", fmt.Sprintf("%d_%s", i, strings.Repeat("X", tt.size)))
					if got := l.next(t); !strings.Contains(got, fmt.Sprintf(`"pushCode":"%d_`, i)) {
						t.Fatalf("message %d: got %.300s", i, got)
					}
				}
				if took := time.Since(start); took > time.Second {
					t.Errorf("the other one waited %v", took)
				}
				time.Sleep(20 * time.Second)
				want := 1
				if name == "in time" {
					want = 2
				}
				if s.Sockets() != want || !l.open() {
					t.Errorf("%d connections are open, want %d", s.Sockets(), want)
				}
			})
		})
	}
}

// TestCallbackLateReader: a reader that was too slow and then reads finds no gap,
// but an end.
func TestCallbackLateReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network, _ := stage(t, thinqtest.Options{})
		conn := socket(t, s, network, accessToken(t, s))
		for i := range 2000 {
			s.Push("ac", fmt.Sprint(i))
			synctest.Wait()
		}
		time.Sleep(5 * time.Second)
		read := func() (string, error) {
			conn.SetReadDeadline(time.Now().Add(time.Minute))
			_, message, err := conn.ReadMessage()
			return string(message), err
		}
		n := 0
		message, err := read()
		for ; err == nil; message, err = read() {
			if !strings.Contains(message, fmt.Sprintf(`"pushCode":"%d"`, n)) {
				t.Fatalf("message %d is %s", n, message)
			}
			n++
		}
		if e, timeout := errors.AsType[net.Error](err); n == 2000 || timeout && e.Timeout() {
			t.Errorf("%d messages, then %v", n, err)
		}
	})
}

// TestCallbackFarewellUnanswered: who was told to go does not count any more.
func TestCallbackFarewellUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network, _ := stage(t, thinqtest.Options{})
		conn := socket(t, s, network, accessToken(t, s))
		time.Sleep(10*time.Minute + time.Millisecond)
		if s.Sockets() != 0 {
			t.Errorf("%d connections are left", s.Sockets())
		}
		time.Sleep(time.Minute)
		if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
			t.Errorf("got %v", err)
		}
	})
}

// TestCallbackClose: the server goes, whether or not anybody reads.
func TestCallbackClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network, _ := stage(t, thinqtest.Options{})
		l := hear(t, s, network, accessToken(t, s))
		socket(t, s, network, accessToken(t, s))
		s.Push("ac", strings.Repeat("X", 100<<10)) // more than the network holds
		l.next(t)
		socket(t, s, network, accessToken(t, s)) // never answers the farewell
		start := time.Now()
		s.Close()
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("closing took %v", took)
		}
		if code, _ := l.end(t); code != websocket.CloseGoingAway {
			t.Errorf("ended with %d", code)
		}
		if s.Sockets() != 0 {
			t.Errorf("%d connections are left", s.Sockets())
		}
	})
}
