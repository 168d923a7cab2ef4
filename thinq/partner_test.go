package thinq

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

func (s *lg) partner(surface Surface) Options {
	o := s.options()
	o.Country, o.Surface, o.Service = "kr", surface, Service{ID: "service1", Key: "key1"}
	return o
}

const expiry = `{"expire":{"unit":"HOUR","timer":24}}`

// methods are all of the client's that make a call, and what becomes of them on
// the two partner surfaces; "" where LG offers no such thing.
var methods = []struct {
	name   string
	call   func(*Client, context.Context) error
	v1, v2 string
	body   string
}{
	{"devices", func(c *Client, ctx context.Context) error { _, err := c.Devices(ctx); return err }, "GET /devices", "GET /v2/devices", ""},
	{"profile", func(c *Client, ctx context.Context) error { _, err := c.Profile(ctx, "d/1"); return err },
		"GET /devices/profile/d%2F1", "GET /v2/devices/profile/d%2F1", ""},
	{"state", func(c *Client, ctx context.Context) error { _, err := c.State(ctx, "d"); return err }, "GET /devices/d", "GET /v2/devices/status/d", ""},
	{"control", func(c *Client, ctx context.Context) error { return c.Control(ctx, "d", []byte(`{"a":{}}`)) },
		"POST /devices/d", "POST /v2/devices/control/d", `{"a":{}}`},
	{"push list", func(c *Client, ctx context.Context) error { _, err := c.PushSubscriptions(ctx); return err }, "GET /push", "GET /v2/devices/push", ""},
	{"push subscribe", func(c *Client, ctx context.Context) error { return c.SubscribePush(ctx, "d") }, "POST /push/d", "POST /v2/devices/push/d", ""},
	{"push unsubscribe", func(c *Client, ctx context.Context) error { return c.UnsubscribePush(ctx, "d") }, "DELETE /push/d", "DELETE /v2/devices/push/d", ""},
	{"event list", func(c *Client, ctx context.Context) error { _, err := c.EventSubscriptions(ctx); return err }, "", "GET /v2/devices/event", ""},
	{"event subscribe", func(c *Client, ctx context.Context) error { return c.SubscribeEvents(ctx, "d") },
		"POST /event/d", "POST /v2/devices/event/d", expiry},
	{"event unsubscribe", func(c *Client, ctx context.Context) error { return c.UnsubscribeEvents(ctx, "d") }, "DELETE /event/d", "DELETE /v2/devices/event/d", ""},
	{"lifecycle subscribe", (*Client).SubscribeLifecycle, "", "POST /v2/users/push", ""},
	{"lifecycle unsubscribe", (*Client).UnsubscribeLifecycle, "", "DELETE /v2/users/push", ""},
	{"user", func(c *Client, ctx context.Context) error { _, err := c.User(ctx); return err }, "GET /users", "", ""},
	{"disconnect", (*Client).Disconnect, "DELETE /user/service", "", ""},

	{"route", func(c *Client, ctx context.Context) error { _, err := c.Route(ctx); return err }, "", "", ""},
	{"register", (*Client).Register, "", "", ""},
	{"unregister", (*Client).Unregister, "", "", ""},
	{"certificate", func(c *Client, ctx context.Context) error { _, _, err := c.Certificate(ctx, "MII"); return err }, "", "", ""},
	{"lifecycle list", func(c *Client, ctx context.Context) error { _, err := c.LifecycleSubscriptions(ctx); return err }, "", "", ""},
	{"energy profile", func(c *Client, ctx context.Context) error { _, err := c.EnergyProfile(ctx, "d"); return err }, "", "", ""},
}

// TestPartnerRequests compares every method with LG's reference.
func TestPartnerRequests(t *testing.T) {
	lists := []string{"/devices", "/push", "/v2/devices", "/v2/devices/push", "/v2/devices/event"}
	s := newLG(t, func(w http.ResponseWriter, r *http.Request) {
		response := "null"
		switch {
		case r.URL.Path == "/users":
			response = `{"userNumber":"KR2301012345678"}`
		case slices.Contains(lists, r.URL.Path):
			response = "[]"
		case r.Method == http.MethodGet:
			response = "{}"
		}
		if strings.HasPrefix(r.URL.Path, "/v2") {
			response += `,"responseCode":"0000"`
		}
		says(200, ok(response))(w, r)
	})
	for _, surface := range []Surface{PartnerV1, PartnerV2} {
		c := newTestClient(t, s.partner(surface))
		tried := 0
		for _, tt := range methods {
			before := len(s.seen())
			err := tt.call(c, t.Context())
			calls := s.seen()[before:]
			want := map[Surface]string{PartnerV1: tt.v1, PartnerV2: tt.v2}[surface]
			if want == "" {
				if len(calls) != 0 || ClassOf(err) != Unsupported {
					t.Errorf("%s %s: %d calls, %v", surface, tt.name, len(calls), err)
				}
				continue
			}
			tried++
			if err != nil || len(calls) != 1 {
				t.Fatalf("%s %s: %d calls, %v", surface, tt.name, len(calls), err)
			}
			call := calls[0]
			if got := call.Method + " " + call.Path; got != want || call.Body != tt.body {
				t.Errorf("%s %s: %s with %q, want %s with %q", surface, tt.name, got, call.Body, want, tt.body)
			}
			if diff := cmp.Diff(partnerCall(tt.name, tt.body), names(call.Header)); diff != "" {
				t.Errorf("%s %s: headers (-want +got):\n%s", surface, tt.name, diff)
			}
		}
		if n := len(surfaces[surface].endpoints); tried != n {
			t.Errorf("%s: %d endpoints, %d tried", surface, n, tried)
		}
	}
}

// partnerCall are the headers of a call: these, and no others.
func partnerCall(name, body string) map[string]string {
	want := map[string]string{
		"Authorization": "Bearer " + canary, "Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "thinq2mqtt",
		"X-Country-Code": "KR", "X-Service-Id": "service1", "X-Service-Key": "key1", "X-Message-Id": "22 characters",
	}
	if body != "" {
		want["Content-Type"] = "application/json"
		want["Content-Length"] = fmt.Sprint(len(body))
	}
	if name == "control" {
		want["X-Conditional-Control"] = "true"
	}
	return want
}

func names(h http.Header) map[string]string {
	got := map[string]string{}
	for name := range h {
		got[name] = h.Get(name)
	}
	delete(got, "Content-Length")
	if n := h.Get("Content-Length"); n != "" && n != "0" {
		got["Content-Length"] = n
	}
	got["X-Message-Id"] = fmt.Sprintf("%d characters", len(h.Get("X-Message-Id")))
	return got
}

func TestPartnerHosts(t *testing.T) {
	for want, o := range map[string]Options{
		"https://kic-ext.lgthinq.com":     {Country: "KR", Surface: PartnerV1},
		"https://eic-ext.lgthinq.com":     {Country: "de", Surface: PartnerV1},
		"https://aic-connect.lgthinq.com": {Country: "US", Surface: PartnerV2},
	} {
		o.Token, o.Service = token("x"), Service{"s", "k"}
		if c := newTestClient(t, o); c.base != want || c.socket.String() != publicCallback {
			t.Errorf("API at %s, want %s; callback at %s", c.base, want, c.socket)
		}
	}
}

func TestPartnerOptions(t *testing.T) {
	good := Options{Country: "KR", Token: token("x"), Surface: PartnerV2, Service: Service{"s", "k"}}
	for name, spoil := range map[string]func(*Options){
		"no id":          func(o *Options) { o.Service.ID = "" },
		"no key":         func(o *Options) { o.Service.Key = "" },
		"key of 2 lines": func(o *Options) { o.Service.Key = "a\nb" },
		"unknown":        func(o *Options) { o.Surface = "v3" },
		"clear":          func(o *Options) { o.CallbackURL = "ws://example.com/websocket" },
		"https":          func(o *Options) { o.CallbackURL = "https://example.com/websocket" },
		"with a token":   func(o *Options) { o.CallbackURL = "wss://example.com/websocket?access_token=x" },
		"with a user":    func(o *Options) { o.CallbackURL = "wss://u@example.com/websocket" },
		"no host":        func(o *Options) { o.CallbackURL = "wss:///websocket" },
		"no address":     func(o *Options) { o.CallbackURL = "wss://%zz" },
	} {
		o := good
		spoil(&o)
		if _, err := NewClient(o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for _, address := range []string{"wss://example.com/websocket", "ws://127.0.0.1:8080/websocket", "ws://[::1]/", "ws://localhost:1", ""} {
		o := good
		o.CallbackURL = address
		newTestClient(t, o)
	}
}

// TestPartnerErrors has every way in which the partner API may say no.
func TestPartnerErrors(t *testing.T) {
	nested := func(code string) string {
		return `{"messageId":"x","timestamp":"t","responseCode":"` + code + `","response":{"error":{"code":"` + code + `","message":"no"}}}`
	}
	for _, tt := range []struct {
		name   string
		status int
		body   string
		code   string
		class  Class
	}{
		{"v2", 416, nested("1222"), "1222", Offline},
		{"v2 under 200", 200, nested("1222"), "1222", Offline},
		{"v2 without an error inside", 200, `{"responseCode":"1222","response":null}`, "1222", Offline},
		{"v2 with an error outside", 416, `{"responseCode":"1222","error":{"code":"1222","message":"no"}}`, "1222", Offline},
		{"v2 with a number", 200, `{"responseCode":1222,"response":{"error":{"code":1222}}}`, "1222", Offline},
		{"v2, too many calls", 401, nested("1314"), "1314", Rate},
		{"v1", 416, fail(`"1222"`), "1222", Offline},
		{"v2, a good one", 200, `{"responseCode":"0000","response":{"error":"NONE"}}`, "", ""},
	} {
		s := newLG(t, says(tt.status, tt.body))
		for _, surface := range []Surface{PartnerV1, PartnerV2} {
			_, err := newTestClient(t, s.partner(surface)).State(t.Context(), "d")
			e, _ := errors.AsType[*Error](err)
			if ClassOf(err) != tt.class || e != nil && e.Code != tt.code {
				t.Errorf("%s on %s: %v", tt.name, surface, err)
			}
		}
	}
	s := newLG(t, says(404, nested("1207")))
	if err := newTestClient(t, s.partner(PartnerV2)).SubscribePush(t.Context(), "d"); err != nil {
		t.Errorf("subscribed already: %v", err)
	}
	for _, answer := range []string{"null", "{}", `{"userNumber":7}`} {
		s.answer = says(200, ok(answer))
		if user, err := newTestClient(t, s.partner(PartnerV1)).User(t.Context()); err == nil {
			t.Errorf("user %q from %s", user, answer)
		}
	}
}

// TestPartnerEvents has the callback, and nothing of the event broker's.
func TestPartnerEvents(t *testing.T) {
	for _, surface := range []Surface{PartnerV1, PartnerV2} {
		synctest.Test(t, func(t *testing.T) {
			s := newLG(t, says(200, ok("null")))
			o := s.partner(surface)
			o.CallbackURL = "wss://socket.example:8443/websocket"
			o.Renew = func(_ context.Context, refused string) (string, error) { return "after-" + refused, nil }
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c := newTestClient(t, o)
			rounds := 0
			err := c.Events(ctx, func(ctx context.Context, ep Endpoint, _ func([]byte)) error {
				rounds++
				first, err1 := ep.Token(ctx, "")
				second, err2 := ep.Token(ctx, first)
				if first != canary || second != "after-"+canary || errors.Join(err1, err2) != nil {
					t.Errorf("tokens %q and %q, %v", first, second, errors.Join(err1, err2))
				}
				if ep.URL.String() != o.CallbackURL || ep.TLS.ServerName != "socket.example" || ep.TLS.MinVersion != 0x0303 || ep.TLS.InsecureSkipVerify ||
					len(ep.TLS.Certificates)+len(ep.Topics)+len(ep.ClientID) != 0 {
					t.Errorf("endpoint %+v", ep)
				}
				cancel()
				return nil
			}, nil)
			if err != nil || rounds != 1 || len(s.seen()) != 0 {
				t.Errorf("%d rounds, %d calls, %v", rounds, len(s.seen()), err)
			}
		})
	}
}

// Surfaces use one vocabulary.
func TestSurfaces(t *testing.T) {
	for name, s := range surfaces {
		if !strings.HasPrefix(s.base, "https://{region}-") && name != Personal || s.hours <= 0 || s.callback != s.service {
			t.Errorf("%q: %+v", name, s)
		}
		seen := map[string]bool{}
		for _, ep := range s.endpoints {
			if seen[ep.String()] || !strings.HasPrefix(ep.path, "/") || (name == PartnerV2) != strings.HasPrefix(ep.path, "/v2/") {
				t.Errorf("%q: %s", name, ep)
			}
			seen[ep.String()] = true
		}
		for header, value := range maps.All(s.headers) {
			if header != strings.ToLower(header) || value == "" {
				t.Errorf("%q: %s: %s", name, header, value)
			}
		}
	}
}
