package thinqtest_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

func TestCallbackHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network, _ := stage(t, thinqtest.Options{})
		revoked := accessToken(t, s)
		s.RevokeSignIns()
		expired := accessToken(t, s)
		s.Advance(time.Hour)
		good := accessToken(t, s)
		for name, tt := range map[string]struct {
			token string
			fault thinqtest.Fault
			want  string // of the error; empty: it opens
		}{
			"good":           {good, thinqtest.Fault{}, ""},
			"slow":           {good, thinqtest.Fault{Delay: thinqtest.Duration(20 * time.Second)}, ""},
			"no token":       {"", thinqtest.Fault{}, "401: "},
			"unknown":        {"x", thinqtest.Fault{}, "401: "},
			"personal token": {s.Token, thinqtest.Fault{}, "401: "},
			"expired":        {expired, thinqtest.Fault{}, "401: "},
			"revoked":        {revoked, thinqtest.Fault{}, "401: "},
			"forbidden":      {good, thinqtest.Fault{Status: 403}, "403: "},
			"gateway":        {good, thinqtest.Fault{Body: "html"}, "502: "},
			"reset":          {good, thinqtest.Fault{Body: "reset"}, "EOF"},
		} {
			tt.fault.Match.Path = "/websocket"
			s.ClearFaults()
			if tt.fault != (thinqtest.Fault{Match: tt.fault.Match}) {
				s.Fault(tt.fault)
			}
			start := time.Now()
			conn, err := dialSocket(t.Context(), s, network, tt.token)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || s.Sockets() != 0 {
					t.Errorf("%s: got %v and %d connections, want %q", name, err, s.Sockets(), tt.want)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if took := time.Since(start); took != time.Duration(tt.fault.Delay) || s.Sockets() != 1 {
				t.Errorf("%s: open after %v, %d connections", name, took, s.Sockets())
			}
			conn.Close()
			if synctest.Wait(); s.Sockets() != 0 {
				t.Errorf("%s: %d connections are left", name, s.Sockets())
			}
		}
	})
}

// TestCallbackRecord: handshakes are on record, and the token is not.
func TestCallbackRecord(t *testing.T) {
	s, network, c := stage(t, thinqtest.Options{})
	token := accessToken(t, s)
	since := len(s.Calls(0))
	hear(t, s, network, token)
	if _, err := dialSocket(t.Context(), s, network, "secret"); err == nil {
		t.Error("opened")
	}
	res, err := c.http.Get("https" + strings.TrimPrefix(s.WebSocketURL, "wss") + "?access_token=" + token)
	if err != nil || res.StatusCode != http.StatusBadRequest {
		t.Errorf("no websocket: %v, %+v", err, res)
	}
	res.Body.Close()
	c.must("GET", "/users", "")
	var got []string
	for _, call := range s.Calls(since) {
		got = append(got, fmt.Sprintf("%s %s %d", call.Method, call.Path, call.Status))
	}
	if want := []string{"GET /websocket 101", "GET /websocket 401", "GET /websocket 400", "GET /users 200"}; !cmp.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	all := string(mustJSON(t, s.Calls(0)))
	for _, secret := range []string{token, "secret", s.ServiceKey} {
		if strings.Contains(all, secret) {
			t.Errorf("the record has %q", secret)
		}
	}
}

func TestCallbackMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network, c := stage(t, thinqtest.Options{})
		first, second := hear(t, s, network, accessToken(t, s)), hear(t, s, network, accessToken(t, s))
		for _, tt := range []struct {
			do   func()
			want string // members of the one message
		}{
			{func() { c.must("POST", "/v2/devices/control/ac", `{"airFlow":{"windStrength":"LOW"}}`) },
				`"event":{"pushType":"DEVICE_STATUS","serviceId":"$","deviceId":"ac","userList":["KR2401010000001"],` +
					`"report":{"airFlow":{"windStrength":"LOW"}},"deviceType":"DEVICE_AIR_CONDITIONER"}`},
			{func() { s.Push("ac", "WATER_IS_FULL") },
				`"push":{"pushType":"DEVICE_PUSH","serviceId":"$","deviceId":"ac","userList":["KR2401010000001"],` +
					`"pushCode":"WATER_IS_FULL","deviceType":"DEVICE_AIR_CONDITIONER"}`},
			{func() { s.Rename("ac", "Attic") },
				`"push":{"pushType":"DEVICE_ALIAS_CHANGED","deviceId":"ac","userNumber":"KR2401010000001","alias":"Attic"}`},
			{func() { s.Remove("ac") },
				`"push":{"pushType":"DEVICE_UNREGISTERED","serviceId":"$","deviceId":"ac","userNumber":"KR2401010000001",` +
					`"deviceType":"DEVICE_AIR_CONDITIONER","alias":"Attic"}`},
		} {
			tt.do()
			got := first.next(t)
			var envelope map[string]any
			json.Unmarshal([]byte(got), &envelope)
			id, at := envelope["messageId"], envelope["timestamp"]
			want := fmt.Sprintf(`{"messageId":%q,"timestamp":%q,%s}`, id, at, strings.ReplaceAll(tt.want, "$", s.ServiceID))
			if !sameJSON(got, want) || len(id.(string)) != 22 {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
			if other := second.next(t); other != got {
				t.Errorf("the second connection got %s", other)
			}
		}
		first.none(t)
		second.none(t)
	})
}

func TestFlatCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network, _ := stage(t, thinqtest.Options{FlatCallback: true})
		l := hear(t, s, network, accessToken(t, s))
		s.Rename("ac", "Attic")
		if got := l.next(t); got != `{"pushType":"DEVICE_ALIAS_CHANGED","deviceId":"ac","userNumber":"KR2401010000001","alias":"Attic"}` {
			t.Errorf("got %s", got)
		}
	})
}

// TestCallbackAudience: what nobody subscribed to does not come, and what came
// while nobody was there is lost.
func TestCallbackAudience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network, c := stage(t, thinqtest.Options{})
		s.Push("ac", "WATER_IS_FULL")
		time.Sleep(time.Second)
		l := hear(t, s, network, accessToken(t, s))
		l.none(t)
		for _, path := range []string{"/v2/devices/event/ac", "/v2/devices/push/ac", "/v2/users/push"} {
			c.must("DELETE", path, "")
		}
		owner := newCaller(t, s, network)
		config, topic := owner.enrol()
		sub := subscribe(t, network, s, config, owner.client, topic, 0)
		owner.must("POST", "/event/ac/subscribe", wholeDay)
		s.Patch("ac", []byte(`{"airFlow":{"windStrength":"HIGH"}}`))
		s.Push("ac", "WATER_IS_FULL")
		s.Rename("ac", "Attic")
		if got := sub.next(t); !strings.Contains(got, "HIGH") {
			t.Errorf("got %s", got)
		}
		l.none(t)
		sub.none(t)

		owner.must("DELETE", "/event/ac/unsubscribe", "")
		c.must("POST", "/event/ac", "")
		s.Patch("ac", []byte(`{"airFlow":{"windStrength":"LOW"}}`))
		if got := l.next(t); !strings.Contains(got, "LOW") {
			t.Errorf("got %s", got)
		}
		sub.none(t)
		s.Advance(time.Hour) // the connection is idle for long, too
		if code, _ := l.end(t); code != websocket.CloseGoingAway {
			t.Errorf("ended with %d", code)
		}
		l = hear(t, s, network, accessToken(t, s))
		s.Patch("ac", []byte(`{"airFlow":{"windStrength":"HIGH"}}`))
		l.none(t)
	})
}

// TestCallbackLimits: ten minutes without a frame or two hours, and it is over.
func TestCallbackLimits(t *testing.T) {
	for name, tt := range map[string]struct {
		every time.Duration
		frame func(t *testing.T, s *thinqtest.Server, l *listener)
		want  time.Duration
	}{
		"silence": {time.Hour, func(*testing.T, *thinqtest.Server, *listener) {}, 10 * time.Minute},
		"pings": {5 * time.Minute, func(t *testing.T, _ *thinqtest.Server, l *listener) {
			l.WriteControl(websocket.PingMessage, []byte("?"), time.Now().Add(time.Second))
		}, 2 * time.Hour},
		"pongs": {5 * time.Minute, func(t *testing.T, _ *thinqtest.Server, l *listener) {
			l.WriteControl(websocket.PongMessage, nil, time.Now().Add(time.Second))
		}, 2 * time.Hour},
		"words": {9 * time.Minute, func(t *testing.T, _ *thinqtest.Server, l *listener) {
			l.WriteMessage(websocket.TextMessage, []byte(`{"action":"whatever"}`))
		}, 2 * time.Hour},
		"messages": {9 * time.Minute, func(t *testing.T, s *thinqtest.Server, _ *listener) { s.Push("ac", "WATER_IS_FULL") }, 2 * time.Hour},
		"pings too rare": {11 * time.Minute, func(t *testing.T, _ *thinqtest.Server, l *listener) {
			l.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
		}, 10 * time.Minute},
		"the clock": {time.Minute, func(_ *testing.T, s *thinqtest.Server, _ *listener) { s.Advance(9 * time.Minute) }, time.Minute},
		"the clock, with pings": {time.Minute, func(_ *testing.T, s *thinqtest.Server, l *listener) {
			s.Advance(8 * time.Minute)
			l.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
		}, 14 * time.Minute}, // each counts for nine
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, network, _ := stage(t, thinqtest.Options{})
				l := hear(t, s, network, accessToken(t, s))
				start := time.Now()
				stop := make(chan struct{})
				defer close(stop)
				go func() {
					for {
						select {
						case <-time.After(tt.every):
							tt.frame(t, s, l)
						case <-stop:
							return
						}
					}
				}()
				code, at := l.end(t)
				if code != websocket.CloseGoingAway || at.Sub(start).Round(time.Second) != tt.want {
					t.Errorf("ended with %d after %v, want 1001 after %v", code, at.Sub(start), tt.want)
				}
				if synctest.Wait(); s.Sockets() != 0 {
					t.Errorf("%d connections are left", s.Sockets())
				}
			})
		})
	}
}

// TestCallbackFrames: a message of 128 KiB comes in frames of 32, a larger one
// does not come.
func TestCallbackFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network, _ := stage(t, thinqtest.Options{Plain: true})
		conn, err := network.Dial(t.Context(), "tcp", "socket.test:443")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET /websocket?access_token=%s HTTP/1.1\r\nHost: socket.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Origin: https://elsewhere.test\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", accessToken(t, s), base64.StdEncoding.EncodeToString(make([]byte, 16)))
		r := bufio.NewReader(conn)
		res, err := http.ReadResponse(r, nil)
		if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%v %+v", err, res)
		}
		s.Push("ac", strings.Repeat("X", 128<<10)) // and the envelope around it
		s.Push("ac", strings.Repeat("Y", 127<<10))
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		var message []byte
		for final, n := false, 0; !final; n++ {
			var frame []byte
			final, frame = readFrame(t, r)
			if len(frame) > 32<<10 || n > 4 {
				t.Fatalf("frame %d has %d bytes", n, len(frame))
			}
			message = append(message, frame...)
		}
		if !json.Valid(message) || strings.Count(string(message), "Y") != 127<<10 {
			t.Errorf("got %d bytes, %.100s", len(message), message)
		}
	})
}

func TestCallbackBrokerActions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network, _ := stage(t, thinqtest.Options{})
		token := accessToken(t, s)
		for _, action := range []string{"disconnect", "takeover", "stop"} {
			one, two := hear(t, s, network, token), hear(t, s, network, token)
			if err := s.BrokerAction(action); err != nil {
				t.Fatal(err)
			}
			if s.Sockets() != 0 {
				t.Errorf("%s: %d connections are left", action, s.Sockets())
			}
			start := time.Now()
			for _, l := range []*listener{one, two} {
				if code, at := l.end(t); code != websocket.CloseGoingAway || at != start {
					t.Errorf("%s: ended with %d after %v", action, code, at.Sub(start))
				}
			}
		}
		s.BrokerAction("disconnect") // does not open it again
		if _, err := dialSocket(t.Context(), s, network, token); err == nil {
			t.Error("open while the broker is stopped")
		}
		if err := s.BrokerAction("start"); err != nil {
			t.Fatal(err)
		}
		hear(t, s, network, token)
		if s.Sockets() != 1 {
			t.Errorf("%d connections", s.Sockets())
		}
		if s.BrokerAction("explode") == nil {
			t.Error("no complaint about an unknown action")
		}
	})
}

func TestCallbackEventModes(t *testing.T) {
	for mode, want := range map[thinqtest.EventMode]string{
		thinqtest.EventsOK: "ABCDE", thinqtest.EventsSilent: "", thinqtest.EventsDuplicate: "AABBCCDDEE",
		thinqtest.EventsReorder: "BADCE", thinqtest.EventsDrop: "BD",
	} {
		t.Run(string(mode), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, network, _ := stage(t, thinqtest.Options{})
				l := hear(t, s, network, accessToken(t, s))
				s.SetEvents(mode)
				for _, code := range []string{"A", "B", "C", "D", "E"} {
					s.Push("ac", code)
				}
				time.Sleep(5 * time.Second)
				got, ids := "", map[string]bool{}
				for len(l.messages) > 0 {
					var m struct {
						MessageID string
						Push      struct{ PushCode string }
					}
					json.Unmarshal([]byte(<-l.messages), &m)
					got, ids[m.MessageID] = got+m.Push.PushCode, true
				}
				if got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				if mode == thinqtest.EventsDuplicate && len(ids) != 5 {
					t.Errorf("%d message ids for five messages", len(ids))
				}
			})
		})
	}
}

// TestCallbackOnSockets is the same outside, with and without TLS.
func TestCallbackOnSockets(t *testing.T) {
	for _, plain := range []bool{false, true} {
		socket, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s, err := thinqtest.NewServer(thinqtest.Options{WebSocket: socket, Plain: plain, Samples: []thinqtest.Sample{sampleAC()}})
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]string{false: "wss://127.0.0.1:", true: "ws://127.0.0.1:"}[plain]; !strings.HasPrefix(s.WebSocketURL, want) {
			t.Errorf("address %s", s.WebSocketURL)
		}
		newPartner(t, s, nil).must("POST", "/push/ac", "")
		l := hear(t, s, nil, accessToken(t, s))
		s.Push("ac", "WATER_IS_FULL")
		if got := l.next(t); !strings.Contains(got, "WATER_IS_FULL") {
			t.Errorf("got %s", got)
		}
		s.Close()
		if code, _ := l.end(t); code != websocket.CloseGoingAway {
			t.Errorf("ended with %d", code)
		}
	}
}
