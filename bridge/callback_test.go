package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// Twelve hours with tokens that live for one, each of Amazon's limits, and an
// event every seven seconds: none is lost, none overtakes another, and nobody is
// told of a gap, whichever of two connections gets the events.
func TestCallbackLosesNothing(t *testing.T) {
	for name, choose := range map[string]func(*called){
		"newest": func(*called) {},
		"oldest": func(c *called) { c.oldest = true },
		"all":    func(c *called) { c.all = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				c := call(t, func(c *called) {
					choose(c)
					hourly(c, begun)
				})
				c.wantUp(t, true)
				const events = 12 * 3600 / 7
				for n := range events {
					time.Sleep(7 * time.Second)
					c.send(websocket.TextMessage, report(n))
				}
				synctest.Wait()
				time.Sleep(5 * time.Second)
				next := 0
				for len(c.heard) > 0 {
					if n := numberOf(t, <-c.heard); n == next {
						next++
					} else if n > next || !c.all {
						t.Fatalf("event %d after %d", n, next-1)
					}
				}
				if next != events || len(c.ups) > 0 {
					t.Errorf("%d of %d events, %d changes of the connection; log:\n%s", next, events, len(c.ups), c.log)
				}
				if _, times := c.seen(); len(times) < 12 || len(times) > 20 {
					t.Errorf("%d connections in twelve hours", len(times))
				}
				if len(c.refused) > 0 {
					t.Errorf("renewals were forced: %q", c.refused)
				}
			})
		})
	}
}

// What the last connection still has to say comes before what the next one says.
func TestCallbackHandsOverInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tell := func(ws *websocket.Conn, first int) {
			for n := range 5 {
				_ = ws.WriteMessage(websocket.TextMessage, report(first+n))
			}
		}
		c := call(t, func(c *called) {
			c.meet = func(ws *websocket.Conn) {
				if len(c.lines) == 2 {
					tell(ws, 5)
					return
				}
				bye := ws.CloseHandler()
				ws.SetCloseHandler(func(code int, text string) error {
					time.Sleep(time.Second)
					tell(ws, 0)
					return bye(code, text)
				})
			}
		})
		c.wantUp(t, true)
		time.Sleep(2 * time.Hour)
		for want := range 10 {
			if n := numberOf(t, <-c.heard); n != want {
				t.Errorf("heard %d in the place of %d", n, want)
			}
		}
		if len(c.ups) > 0 {
			t.Errorf("%d changes of the connection", len(c.ups))
		}
	})
}

// A far side that never says goodbye holds the next connection up for two
// seconds only.
func TestCallbackHandsOverInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var met time.Time
		c := call(t, func(c *called) {
			c.meet = func(ws *websocket.Conn) {
				ws.SetCloseHandler(func(int, string) error {
					time.Sleep(time.Minute)
					return nil
				})
				if len(c.lines) == 2 {
					met = time.Now()
					_ = ws.WriteMessage(websocket.TextMessage, report(1))
				}
			}
		})
		<-c.heard
		if took := time.Since(met); took > 2*time.Second {
			t.Errorf("heard after %v", took)
		}
		c.stop()
		<-c.ended
		time.Sleep(2 * time.Minute) // the far side's patience
	})
}

// hourly makes tokens live for an hour, renewed twelve minutes before the end.
// The server ends a connection with its token, after two hours, and after ten
// idle minutes.
func hourly(c *called, begun time.Time) {
	number := func(at time.Time) int { return int(at.Sub(begun) / (48 * time.Minute)) }
	expiry := func(token string) time.Time {
		n, _ := strconv.Atoi(token)
		return begun.Add(time.Duration(n)*48*time.Minute + time.Hour)
	}
	c.token = func(string) (string, error) { return strconv.Itoa(number(time.Now())), nil }
	c.admit = func(token string) int {
		if time.Now().After(expiry(token)) {
			return http.StatusUnauthorized
		}
		return 0
	}
	c.meet = func(ws *websocket.Conn) {
		c.callbackServer.mu.Lock()
		life := time.Until(expiry(c.tokens[len(c.tokens)-1]))
		c.callbackServer.mu.Unlock()
		end := time.AfterFunc(min(life, 2*time.Hour), func() { _ = ws.Close() })
		idle := time.AfterFunc(10*time.Minute, func() { _ = ws.Close() })
		pong := ws.PingHandler()
		ws.SetPingHandler(func(data string) error {
			idle.Reset(10 * time.Minute)
			return pong(data)
		})
		bye := ws.CloseHandler()
		ws.SetCloseHandler(func(code int, text string) error {
			end.Stop()
			idle.Stop()
			return bye(code, text)
		})
	}
}

// Without a new token a connection is replaced before Amazon's two hours are
// over, and pings keep it through a quiet time.
func TestCallbackReplacedBeforeTwoHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := call(t, func(c *called) {
			c.meet = func(ws *websocket.Conn) {
				idle := time.AfterFunc(10*time.Minute, func() { _ = ws.Close() })
				pong := ws.PingHandler()
				ws.SetPingHandler(func(data string) error {
					idle.Reset(10 * time.Minute)
					return pong(data)
				})
				t.Cleanup(func() { idle.Stop() })
			}
		})
		time.Sleep(24 * time.Hour)
		_, times := c.seen()
		for i := 1; i < len(times); i++ {
			if life := times[i].Sub(times[i-1]); life < 100*time.Minute || life > 118*time.Minute {
				t.Errorf("replaced after %v", life)
			}
		}
		if len(times) < 12 {
			t.Fatalf("%d connections in a day", len(times))
		}
		shortest, longest := times[1].Sub(times[0]), time.Duration(0)
		for i := 1; i < len(times); i++ {
			shortest, longest = min(shortest, times[i].Sub(times[i-1])), max(longest, times[i].Sub(times[i-1]))
		}
		if longest-shortest < time.Minute {
			t.Errorf("all connections live for %v to %v: there is no jitter", shortest, longest)
		}
		if c.wantUp(t, true); len(c.ups) > 0 {
			t.Errorf("%d gaps; log:\n%s", len(c.ups), c.log)
		}
	})
}

// A refused token is exchanged once.
func TestCallbackRefusedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := call(t, func(c *called) {
			c.token = func(refused string) (string, error) {
				if refused == "old" {
					return "new", nil
				}
				return "old", nil
			}
			c.admit = func(token string) int {
				if token == "old" {
					return http.StatusForbidden
				}
				return 0
			}
		})
		c.wantUp(t, true)
		if tokens, _ := c.seen(); !slices.Equal(tokens, []string{"old", "new"}) {
			t.Errorf("tried %q", tokens)
		}
		if log := c.log.String(); strings.Contains(log, "level=WARN") {
			t.Errorf("log:\n%s", log)
		}
	})
}

func TestCallbackRefusedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := call(t, func(c *called) { c.admit = func(string) int { return http.StatusUnauthorized } })
		err := <-c.ended
		if thinq.ClassOf(err) != thinq.Blocked || !strings.Contains(err.Error(), "401") {
			t.Errorf("%s: %v", thinq.ClassOf(err), err)
		}
		if tokens, _ := c.seen(); len(tokens) != 2 || !slices.Equal(c.refused, []string{"token"}) {
			t.Errorf("tried %q, refused %q", tokens, c.refused)
		}
	})
}

// A connection that lives is kept when its successor is refused, and LG is asked
// neither for connections nor for tokens in a hurry, whoever had the token
// changed.
func TestCallbackKeepsWhatItHas(t *testing.T) {
	for _, renewed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			c := call(t, func(c *called) {
				c.token = func(string) (string, error) {
					if renewed && time.Since(begun) > time.Hour {
						return "another", nil
					}
					return "token", nil
				}
			})
			c.wantUp(t, true)
			c.callbackServer.mu.Lock()
			c.admit = func(string) int { return http.StatusUnauthorized }
			c.callbackServer.mu.Unlock()
			time.Sleep(5 * time.Hour)
			c.send(websocket.TextMessage, report(7))
			synctest.Wait()
			if len(c.heard) != 1 || len(c.ups) > 0 {
				t.Fatalf("heard %d, %d changes; log:\n%s", len(c.heard), len(c.ups), c.log)
			}
			if _, times := c.seen(); len(times) > 2*6*4 || len(times) < 20 || len(c.refused) > 6*4 {
				t.Errorf("renewed: %v, %d attempts, %d forced renewals", renewed, len(times), len(c.refused))
			}
			c.closeAll(websocket.CloseGoingAway, "")
			if err := <-c.ended; thinq.ClassOf(err) != thinq.Blocked {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

// The sign-in's own error ends it, as it is, unless time may heal it.
func TestCallbackWithoutToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		c := call(t, func(c *called) {
			c.token = func(string) (string, error) {
				if time.Since(begun) < 20*time.Minute {
					return "", errors.New("dial tcp: connection refused")
				}
				return "", fmt.Errorf("token: %w", thinq.ErrNoSignIn)
			}
		})
		if err := <-c.ended; !errors.Is(err, thinq.ErrNoSignIn) || time.Since(begun) > 30*time.Minute {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
}

// After a sign-out nothing is read any more, although the far side would go on.
func TestCallbackSignedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := call(t, nil)
		c.wantUp(t, true)
		c.mu.Lock()
		c.token = func(string) (string, error) { return "", fmt.Errorf("token: %w", thinq.ErrNoSignIn) }
		c.mu.Unlock()
		select {
		case err := <-c.ended:
			if !errors.Is(err, thinq.ErrNoSignIn) {
				t.Errorf("ended with %v", err)
			}
			c.wantUp(t, false)
		case <-time.After(time.Minute):
			t.Error("it goes on after a minute")
		}
	})
}

// A far side that is gone without a word is found out soon after a ping.
func TestCallbackHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := call(t, nil)
		c.wantUp(t, true)
		time.Sleep(12 * time.Minute)
		c.network.Freeze(true)
		begun := time.Now()
		c.wantUp(t, false)
		if took := time.Since(begun); took > 5*time.Minute+15*time.Second {
			t.Errorf("found out after %v", took)
		}
		c.network.Freeze(false)
		c.wantUp(t, true)
	})
}

// A far side that is gone without a word may be found out only when its connection
// is replaced, before the next ping: what it did not bring is a gap. One that just
// does not answer the goodbye is there.
func TestCallbackHalfOpenReplaced(t *testing.T) {
	for name, gone := range map[string]bool{"gone": true, "impolite": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				c := call(t, func(c *called) {
					c.token = func(string) (string, error) { return strconv.FormatBool(time.Since(begun) < 4*time.Minute), nil }
					c.meet = func(ws *websocket.Conn) {
						if gone && time.Since(begun) < time.Minute {
							ws.SetPingHandler(func(string) error { return nil })
						}
						ws.SetCloseHandler(func(int, string) error {
							time.Sleep(time.Minute)
							return nil
						})
					}
				})
				c.wantUp(t, true)
				time.Sleep(30 * time.Minute)
				if gone {
					c.wantUp(t, true)
				}
				if _, times := c.seen(); len(times) != 2 || len(c.ups) > 0 {
					t.Errorf("%d connections, %d more changes; log:\n%s", len(times), len(c.ups), c.log)
				}
				c.stop()
				<-c.ended
				time.Sleep(2 * time.Minute) // the far side's patience
			})
		})
	}
}

// Whoever does not answer pings but sends something is alive; afterwards not.
func TestCallbackAnyFrameIsLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := call(t, func(c *called) { c.mute = true })
		c.wantUp(t, true)
		for n := range 20 {
			time.Sleep(4 * time.Minute)
			c.send(websocket.TextMessage, report(n))
		}
		synctest.Wait()
		if len(c.ups) > 0 {
			t.Fatalf("lost; log:\n%s", c.log)
		}
		begun := time.Now()
		c.wantUp(t, false)
		if took := time.Since(begun); took > 5*time.Minute+15*time.Second {
			t.Errorf("found out after %v", took)
		}
	})
}

// The end that every connection has is no news for people.
func TestCallbackGoingAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := call(t, nil)
		c.wantUp(t, true)
		for range 5 {
			time.Sleep(30 * time.Minute)
			begun := time.Now()
			c.closeAll(websocket.CloseGoingAway, "Going away")
			c.wantUp(t, false)
			c.wantUp(t, true)
			if took := time.Since(begun); took > 3*time.Second {
				t.Errorf("up again after %v", took)
			}
		}
		if log := c.log.String(); strings.Contains(log, "level=WARN") {
			t.Errorf("log:\n%s", log)
		}
	})
}

// The end of a connection whose successor is being dialled is a gap: it is told.
func TestCallbackLostWhileReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := call(t, func(c *called) {
			c.admit = func(string) int {
				c.callbackServer.mu.Lock()
				old := slices.Clone(c.lines)
				c.callbackServer.mu.Unlock()
				for _, ws := range old {
					_ = ws.Close()
					time.Sleep(time.Second)
				}
				return 0
			}
		})
		c.wantUp(t, true)
		c.wantUp(t, false)
		c.wantUp(t, true)
		c.send(websocket.TextMessage, report(3))
		if n := numberOf(t, <-c.heard); n != 3 {
			t.Errorf("heard %d", n)
		}
	})
}

// A far side that accepts and drops, and one that is gone, are not bothered more
// than three times a minute, and less and less, but again and again.
func TestCallbackBacksOff(t *testing.T) {
	for name, prepare := range map[string]func(*called){
		"accepts and drops": func(c *called) { c.meet = func(ws *websocket.Conn) { _ = ws.Close() } },
		"says goodbye": func(c *called) {
			c.meet = func(ws *websocket.Conn) {
				_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Now().Add(time.Second))
			}
		},
		"in trouble": func(c *called) { c.admit = func(string) int { return http.StatusTooManyRequests } },
		"new tokens all the time": func(c *called) {
			c.token = func(string) (string, error) { return strconv.FormatInt(time.Now().UnixNano(), 10), nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := call(t, prepare)
				time.Sleep(6 * time.Hour)
				_, times := c.seen()
				for i := 3; i < len(times); i++ {
					if gap := times[i].Sub(times[i-3]); gap < time.Minute {
						t.Errorf("four attempts in %v", gap)
					}
				}
				if len(times) < 6*60/10 || len(times) > 6*60/2+10 {
					t.Errorf("%d attempts in six hours", len(times))
				}
			})
		})
	}
}

// The end is prompt in every phase, and leaves nothing behind (the package's
// tests look for goroutines).
func TestCallbackEnds(t *testing.T) {
	stuck := func(c *called) {
		c.server.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	}
	for name, prepare := range map[string]func(*called){
		"connected": nil,
		"frozen":    func(c *called) { time.AfterFunc(time.Second, func() { c.network.Freeze(true) }) },
		"dialling":  stuck,
		"waiting":   func(c *called) { c.admit = func(string) int { return http.StatusBadGateway } },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := call(t, prepare)
				time.Sleep(5 * time.Second)
				begun := time.Now()
				c.stop()
				if err := <-c.ended; err != nil || time.Since(begun) > time.Second {
					t.Errorf("after %v: %v", time.Since(begun), err)
				}
				for range len(c.ups) - 1 {
					<-c.ups
				}
				if len(c.ups) > 0 && <-c.ups {
					t.Error("it ended up")
				}
			})
		})
	}
}

// From the wire to the handler.
func BenchmarkCallback(b *testing.B) {
	s := newCallbackServer(b)
	heard := make(chan struct{})
	told := make(chan thinq.Flow, 2)
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() {
		ended <- bridge.Callback(bridge.CallbackOptions{Dial: s.network.Dial})(ctx, thinq.Endpoint{
			URL:   &url.URL{Scheme: "ws", Host: callbackHost},
			Token: func(context.Context, string) (string, error) { return "token", nil },
			Told:  func(now thinq.Flow) { told <- now },
		}, func([]byte) { heard <- struct{}{} })
	}()
	<-told
	message, err := websocket.NewPreparedMessage(websocket.TextMessage, report(1))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = s.lines[0].WritePreparedMessage(message)
		<-heard
	}
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
}
