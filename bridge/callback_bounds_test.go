package bridge_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

// What is no event is dropped and counted, and told once; the connection stays.
func TestS27CallbackDropsWhatIsNoEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := call(t, nil)
		c.wantUp(t, true)
		synctest.Wait()
		padded := func(size int) []byte {
			data := report(1)
			return append(data, bytes.Repeat([]byte(" "), size-len(data))...)
		}
		for range 3 {
			c.send(websocket.TextMessage, padded(128<<10+1))
			c.send(websocket.TextMessage, padded(1000<<10))
			c.send(websocket.BinaryMessage, report(2))
			c.send(websocket.TextMessage, []byte("<html>"))
			c.send(websocket.TextMessage, []byte(`{"pushType":"DEVICE_DANCE","deviceId":"d"}`))
		}
		c.send(websocket.TextMessage, padded(128<<10))
		if n := numberOf(t, <-c.heard); n != 1 || len(c.heard) > 0 || len(c.ups) > 0 {
			t.Errorf("heard %d and %d more, %d changes of the connection", n, len(c.heard), len(c.ups))
		}
		if fmt.Sprint(c.dropped) != "map[binary:3 malformed:6 too_large:6]" {
			t.Errorf("dropped %v", c.dropped)
		}
		if log := c.log.String(); strings.Count(log, "level=WARN") != 4 || !strings.Contains(log, "DEVICE_DANCE") {
			t.Errorf("log:\n%s", log)
		}
	})
}

// A message without an end costs no memory and does not pass for life.
func TestS27CallbackEndlessMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := call(t, nil)
		c.wantUp(t, true)
		synctest.Wait()
		c.callbackServer.mu.Lock()
		ws := c.lines[0]
		c.callbackServer.mu.Unlock()
		w, err := ws.NextWriter(websocket.TextMessage)
		begun := time.Now()
		for err == nil && time.Since(begun) < time.Hour && len(c.ups) == 0 {
			_, err = w.Write(make([]byte, 16<<10))
			time.Sleep(time.Second)
		}
		if took := time.Since(begun); took > 2*time.Minute {
			t.Errorf("ended after %v", took)
		}
		c.wantUp(t, false)
		c.wantUp(t, true)
	})
}

const canary = "Canary+of/64.characters=0123456789abcdef0123456789abcdef01234567"

// However the far side behaves, the token is in no log and no error.
func TestS01CallbackTokenIsNowhere(t *testing.T) {
	echo := func(reply string) func(*testing.T, *called) {
		return func(t *testing.T, c *called) { c.server.Handler = raw(reply) }
	}
	for name, prepare := range map[string]func(*testing.T, *called){
		"refused":      func(_ *testing.T, c *called) { c.admit = func(string) int { return http.StatusForbidden } },
		"in trouble":   func(_ *testing.T, c *called) { c.admit = func(string) int { return http.StatusBadGateway } },
		"moved":        echo("HTTP/1.1 302 %s\r\nLocation: %s\r\n\r\n"),
		"status":       echo("HTTP/1.1 500 %s\r\n\r\n%s"),
		"no HTTP":      echo("%s %s\r\n\r\n"),
		"bad header":   echo("HTTP/1.1 101 ok\r\n%s %s\r\n\r\n"),
		"endless":      echo("HTTP/1.1 101 ok\r\nx-a: %s" + strings.Repeat("x", 200<<10) + "%s"),
		"wrong answer": echo("HTTP/1.1 101 ok\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: %s%s\r\n\r\n"),
		"nobody there": func(_ *testing.T, c *called) { _ = c.server.Close() },
		"closed with it": func(_ *testing.T, c *called) {
			c.meet = func(ws *websocket.Conn) {
				_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4000, canary), time.Now().Add(time.Second))
			}
		},
		"sent back": func(_ *testing.T, c *called) {
			c.meet = func(ws *websocket.Conn) {
				_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"pushType":"`+canary+`"}`))
				_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"pushType":"x`+canary+`"}`))
				_ = ws.WriteMessage(websocket.TextMessage, []byte(canary))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := call(t, func(c *called) {
					c.token = func(string) (string, error) { return canary, nil }
					prepare(t, c)
				})
				time.Sleep(10 * time.Minute)
				c.stop()
				text := c.log.String() + fmt.Sprintf("%v %+v", <-c.ended, nil)
				if text == "" {
					t.Error("nothing written")
				}
				for _, part := range []string{canary[:20], url.QueryEscape(canary)[:20], canary[len(canary)-30:]} {
					if strings.Contains(text, part) {
						t.Errorf("%q in\n%s", part, text)
					}
				}
			})
		})
	}
}

// raw answers with the address that was asked for, twice.
func raw(reply string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = fmt.Fprintf(conn, reply, r.RequestURI, canary)
	})
}

// An answer that does not end is not read to the end.
func TestS27CallbackEndlessAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var written int
		closed := make(chan struct{})
		c := call(t, func(c *called) {
			c.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := w.(http.Hijacker).Hijack()
				for n := 0; err == nil; written += n {
					n, err = fmt.Fprintf(conn, "HTTP/1.1 101 ok\r\nx: %s", strings.Repeat("x", 1<<10))
				}
				closed <- struct{}{}
			})
		})
		<-closed
		c.stop()
		if written > 256<<10 {
			t.Errorf("%d KiB were read", written>>10)
		}
	})
}
