package thinqtest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// accessToken is what a user who signed in has.
func accessToken(t *testing.T, s *thinqtest.Server) string {
	t.Helper()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(s.EMPToken(), &answer); err != nil || answer.AccessToken == "" {
		t.Fatalf("token answer without an access token: %v", err)
	}
	return answer.AccessToken
}

// newPartner speaks for a user who signed in.
func newPartner(t *testing.T, s *thinqtest.Server, network *thinqtest.Network) *caller {
	c := newCaller(t, s, network)
	c.headers = map[string]string{
		"Authorization": "Bearer " + accessToken(t, s), "x-country-code": "KR", "x-message-id": "AbCdEfGhIjKlMnOpQrStUv",
		"x-service-id": s.ServiceID, "x-service-key": s.ServiceKey, "Content-Type": "application/json",
	}
	return c
}

func TestPartnerHeaders(t *testing.T) {
	s, network := newServer(t, thinqtest.Options{Samples: fleet()})
	c := newPartner(t, s, network)
	revoked := accessToken(t, s)
	s.RevokeSignIns()
	c.headers["Authorization"] = "Bearer " + accessToken(t, s)
	for _, tt := range []struct {
		name, header, value string
		status              int
		code                string
	}{
		{"complete", "x-anything", "1", 200, ""},
		{"no message id", "x-message-id", "", 400, "1104"},
		{"long message id", "x-message-id", strings.Repeat("a", 23), 400, "1104"},
		{"no country", "x-country-code", "", 401, "1307"},
		{"no such country", "x-country-code", "XX", 401, "1307"},
		{"neighbour in the region", "x-country-code", "JP", 200, ""},
		{"other region", "x-country-code", "DE", 401, "1310"},
		{"empty service", "x-service-id", "", 401, "1301"},
		{"other service", "x-service-id", "x", 401, "1301"},
		{"no key", "x-service-key", "", 401, "1301"},
		{"other key", "x-service-key", "x", 401, "1301"},
		{"no token", "Authorization", "", 400, "1103"},
		{"no bearer", "Authorization", revoked, 400, "1103"},
		{"unknown token", "Authorization", "Bearer x", 400, "1103"},
		{"personal token", "Authorization", "Bearer " + s.Token, 400, "1103"},
		{"revoked token", "Authorization", "Bearer " + revoked, 401, "1302"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, path := range []string{"/devices", "/v2/devices"} {
				r := c.request("GET", path, "")
				r.Header.Set(tt.header, tt.value)
				e := c.do(r)
				if e.Status != tt.status || e.refusal() != tt.code || e.MessageID != r.Header.Get("x-message-id") {
					t.Errorf("%s: got %d %q for call %q, want %d %q", path, e.Status, e.refusal(), e.MessageID, tt.status, tt.code)
				}
			}
		})
	}
}

// TestPartnerHeaderOrder breaks everything and mends one thing after the other.
func TestPartnerHeaderOrder(t *testing.T) {
	s, network := newServer(t, thinqtest.Options{Samples: fleet()})
	c := newPartner(t, s, network)
	r := c.request("GET", "/devices", "")
	good := r.Header.Clone()
	r.Header = http.Header{"X-Service-Id": {""}}
	for _, mended := range []struct{ code, header, value string }{
		{"1104", "x-message-id", ""}, {"1307", "x-country-code", "DE"}, {"1310", "x-country-code", ""},
		{"1301", "x-service-id", ""}, {"1301", "x-service-key", ""}, {"1103", "Authorization", ""}, {"", "", ""},
	} {
		if e := c.do(r.Clone(t.Context())); e.refusal() != mended.code {
			t.Errorf("code %q before mending %s, want %q", e.refusal(), mended.header, mended.code)
		}
		if mended.value == "" {
			mended.value = good.Get(mended.header)
		}
		r.Header.Set(mended.header, mended.value)
	}
}

func TestPartnerTokenEnds(t *testing.T) {
	s, network := newServer(t, thinqtest.Options{Samples: fleet()})
	c := newPartner(t, s, network)
	s.Advance(time.Hour - time.Minute)
	c.must("GET", "/devices", "")
	s.Advance(time.Minute)
	if e := c.call("GET", "/devices", ""); e.Status != 401 || e.Error.Code != "1302" {
		t.Errorf("got %d %+v", e.Status, e.Error)
	}
}

// TestAccessTokenIsNoPersonalOne: what EMP gives is good for partners' calls
// only.
func TestAccessTokenIsNoPersonalOne(t *testing.T) {
	s, network := newServer(t, thinqtest.Options{Samples: fleet()})
	c := newCaller(t, s, network)
	r := c.request("GET", "/devices", "")
	r.Header.Set("Authorization", "Bearer "+accessToken(t, s))
	if e := c.do(r); e.Status != 400 || e.Error.Code != "1103" {
		t.Errorf("got %d %+v", e.Status, e.Error)
	}
}

func TestPartnerEndpoints(t *testing.T) {
	const day, long = `{"expire":{"unit":"HOUR","timer":24}}`, `{"expire":{"unit":"HOUR","timer":25}}`
	rows := []struct { // one after the other: what a call leaves behind is the next one's start
		method, v1, v2, body string // paths; empty: there is none
		status               int
		code                 string
		response             string // empty: not looked at
	}{
		{"GET", "/route", "/v2/route", "", 400, "1000", ""},
		{"POST", "/client", "/v2/client", registration, 400, "1000", ""},
		{"POST", "/client/certificate", "/v2/client/certificate", "", 400, "1000", ""},
		{"GET", "/devices/energy/ac/profile", "/v2/devices/energy/ac/profile", "", 400, "1000", ""},
		{"GET", "/devices/ac/state", "/v2/devices/ac/state", "", 400, "1000", ""},
		{"GET", "/nothing", "/v2/nothing", "", 400, "1000", ""},
		{"PUT", "/devices", "/v2/devices", "", 400, "1000", ""},

		{"GET", "/devices/profile/silent", "/v2/devices/profile/silent", "", 200, "", `{"property":{}}`},
		{"GET", "/devices/profile/nobody", "/v2/devices/profile/nobody", "", 404, "1205", ""},
		{"GET", "/devices/silent", "/v2/devices/status/silent", "", 200, "", `{}`},
		{"GET", "/devices/nobody", "/v2/devices/status/nobody", "", 404, "1205", ""},
		{"POST", "/devices/ac", "/v2/devices/control/ac", `{"airFlow":{"windStrength":"LOW"}}`, 200, "", `{}`},
		{"POST", "/devices/ac", "/v2/devices/control/ac", `{"airFlow":{"windStrength":"STORM"}}`, 400, "2207", ""},

		{"GET", "/push", "/v2/devices/push", "", 200, "", `[]`},
		{"DELETE", "/push/ac", "/v2/devices/push/ac", "", 404, "1206", ""},
		{"POST", "/push/ac", "/v2/devices/push/ac", "", 200, "", `null`},
		{"POST", "/push/ac", "/v2/devices/push/ac", "{}", 404, "1207", ""},
		{"GET", "/push", "/v2/devices/push", "", 200, "", `[{"deviceId":"ac"}]`},
		{"DELETE", "/push/ac", "/v2/devices/push/ac", "", 200, "", `null`},

		{"GET", "/event", "", "", 400, "1000", ""},
		{"GET", "", "/v2/devices/event", "", 200, "", `[]`},
		{"DELETE", "/event/ac", "/v2/devices/event/ac", "", 404, "1204", ""},
		{"POST", "/event/silent", "/v2/devices/event/silent", day, 404, "1214", ""},
		{"POST", "/event/ac", "/v2/devices/event/ac", long, 400, "1102", ""},
		{"POST", "/event/ac", "/v2/devices/event/ac", `{"expire":{"unit":"HOUR","timer":0}}`, 400, "1102", ""},
		{"POST", "/event/ac", "/v2/devices/event/ac", day, 200, "", `null`},
		{"POST", "/event/ac", "/v2/devices/event/ac", "", 200, "", `null`}, // renews
		{"GET", "", "/v2/devices/event", "", 200, "", `[{"deviceId":"ac"}]`},
		{"DELETE", "/event/ac", "/v2/devices/event/ac", "", 200, "", `null`},

		{"POST", "/users/push", "", "", 400, "1000", ""},
		{"DELETE", "", "/v2/users/push", "", 404, "1206", ""},
		{"POST", "", "/v2/users/push", "", 200, "", `null`},
		{"POST", "", "/v2/users/push", "", 400, "4001", ""},
		{"DELETE", "", "/v2/users/push", "", 200, "", `null`},

		{"GET", "", "/v2/users", "", 400, "1000", ""},
		{"GET", "/users", "", "", 200, "", `{"userNumber":"KR2401010000001"}`},
	}
	for _, name := range []string{"v1", "v2"} {
		t.Run(name, func(t *testing.T) {
			s, network := newServer(t, thinqtest.Options{Samples: fleet()})
			c := newPartner(t, s, network)
			for _, tt := range rows {
				path := map[string]string{"v1": tt.v1, "v2": tt.v2}[name]
				if path == "" {
					continue
				}
				e := c.call(tt.method, path, tt.body)
				if e.Status != tt.status || e.refusal() != tt.code {
					t.Errorf("%s %s %s: got %d %q, want %d %q", tt.method, path, tt.body, e.Status, e.refusal(), tt.status, tt.code)
				}
				if got := compact(e.Response); tt.response != "" && got != tt.response {
					t.Errorf("%s %s: got %s, want %s", tt.method, path, got, tt.response)
				}
			}
		})
	}
}

// TestPartnerEnvelopes: the second API has a code of its own for everything.
func TestPartnerEnvelopes(t *testing.T) {
	s, network := newServer(t, thinqtest.Options{Samples: fleet()})
	c := newPartner(t, s, network)
	s.SetOnline("ac", false)
	for path, want := range map[string]string{
		"/devices/silent":           `{"response":{}}`,
		"/devices/ac":               `{"error":{"code":"1222","message":"Not connected device"}}`,
		"/v2/devices/status/silent": `{"responseCode":"0000","response":{}}`,
		"/v2/devices/status/ac":     `{"responseCode":"1222","response":{"error":{"code":"1222","message":"Not connected device"}}}`,
		"/v2/nothing":               `{"responseCode":"1000","response":{"error":{"code":"1000","message":"no such API"}}}`,
		"/nothing":                  `{"error":{"code":"1000","message":"no such API"}}`,
	} {
		got := c.call("GET", path, "").members
		delete(got, "messageId")
		delete(got, "timestamp")
		if data, _ := json.Marshal(got); !sameJSON(string(data), want) {
			t.Errorf("%s: got %s, want %s", path, data, want)
		}
	}
	s.Fault(thinqtest.Fault{Match: thinqtest.Match{Path: "/v2/devices"}, Code: "2000"})
	if e := c.call("GET", "/v2/devices", ""); e.Status != 500 || e.refusal() != "2000" {
		t.Errorf("a fault: got %d %s", e.Status, e.Response)
	}
}

// TestSurfacesShareAppliances: all three show the same, and count into one quota.
func TestSurfacesShareAppliances(t *testing.T) {
	s, network := newServer(t, thinqtest.Options{Samples: fleet(), CallsPerHour: 7})
	mine, partner := newCaller(t, s, network), newPartner(t, s, network)
	for _, call := range [][3]string{
		{"/devices", "/devices", "/v2/devices"},
		{"/devices/ac/state", "/devices/ac", "/v2/devices/status/ac"},
	} {
		want := string(mine.must("GET", call[0], ""))
		for _, path := range call[1:] {
			if got := string(partner.must("GET", path, "")); got != want {
				t.Errorf("%s: got %s, want %s", path, got, want)
			}
		}
	}
	partner.must("GET", "/users", "")
	if e := mine.call("GET", "/devices", ""); e.Error.Code != "1314" {
		t.Errorf("got %+v", e.Error)
	}
	if e := partner.call("GET", "/v2/devices", ""); e.refusal() != "1314" {
		t.Errorf("got %s", e.Response)
	}
}

// TestPartnerSubscriptions belong to the service and the user: whoever calls in
// their name sees them, and owners do not.
func TestPartnerSubscriptions(t *testing.T) {
	s, network := newServer(t, thinqtest.Options{Samples: fleet()})
	mine, partner, other := newCaller(t, s, network), newPartner(t, s, network), newPartner(t, s, network)
	partner.must("POST", "/push/ac", "")
	partner.must("POST", "/event/ac", "")
	partner.must("POST", "/v2/users/push", "")
	for path, want := range map[string]string{"/push": "ac", "/v2/devices/push": "ac", "/v2/devices/event": "ac"} {
		if got := string(other.must("GET", path, "")); !strings.Contains(got, want) {
			t.Errorf("%s: got %s", path, got)
		}
	}
	for _, path := range []string{"/v2/devices", "/users", "/devices/ac"} {
		if e := mine.call("GET", path, ""); e.Error.Code != "1000" {
			t.Errorf("an owner may GET %s", path)
		}
	}
	for _, path := range []string{"/push", "/event", "/push/devices"} {
		if got := string(mine.must("GET", path, "")); got != "[]" {
			t.Errorf("owner's %s: got %s", path, got)
		}
	}
	s.Advance(59 * time.Minute)
	if got := string(partner.must("GET", "/v2/devices/event", "")); got == "[]" {
		t.Error("the event subscription is over before its hour")
	}
	s.Advance(time.Minute)
	if got := string(newPartner(t, s, network).must("GET", "/v2/devices/event", "")); got != "[]" {
		t.Errorf("still subscribed to %s after an hour", got)
	}
}

// TestDisconnectUser ends the sign-in with everything that came of it.
func TestDisconnectUser(t *testing.T) {
	s, network := newServer(t, thinqtest.Options{Samples: fleet()})
	c := newPartner(t, s, network)
	c.must("POST", "/push/ac", "")
	if got := c.must("DELETE", "/user/service", ""); string(got) != "null" {
		t.Errorf("got %s", got)
	}
	if e := c.call("GET", "/push", ""); e.Status != 401 || e.Error.Code != "1302" {
		t.Errorf("got %d %+v", e.Status, e.Error)
	}
	if got := newPartner(t, s, network).must("GET", "/push", ""); string(got) != "[]" {
		t.Errorf("still subscribed: %s", got)
	}
}
