package thinqtest_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// TestAdmin goes through the door over real sockets, while a real client is
// connected.
func TestAdmin(t *testing.T) {
	admin, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := thinqtest.NewServer(thinqtest.Options{Samples: fleet()[:2], Admin: admin, ReportDelay: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := newCaller(t, s, nil)
	config, topic := c.enrol()
	sub := subscribe(t, nil, s, config, c.client, topic, 0)
	for _, path := range []string{"/event/ac/subscribe", "/push/ac/subscribe", "/push/devices"} {
		c.must("POST", path, "")
	}
	fridge := sampleFridge()
	added, _ := json.Marshal(map[string]json.RawMessage{"device": fridge.Device, "profile": fridge.Profile, "status": fridge.Status})

	for _, tt := range []struct {
		method, path, body string
		status             int
		answer             string // contained
		event              string // contained in the message that follows
	}{
		{"GET", "/sim/calls?since=4", "", 200, `"path":"/push/devices"`, ""},
		{"GET", "/sim/calls?since=99", "", 200, `[]`, ""},
		{"GET", "/sim/calls?since=x", "", 400, `"error"`, ""},
		{"GET", "/sim/devices", "", 200, `"deviceId":"ac"`, ""},
		{"GET", "/sim/devices/ac", "", 200, `"online":true`, ""},
		{"GET", "/sim/devices/nobody", "", 404, `"error":"no such device"`, ""},
		{"PATCH", "/sim/devices/ac", `{"airFlow":{"windStrength":"LOW"}}`, 200, `{}`, `"report":{"airFlow":{"windStrength":"LOW"}}`},
		{"PATCH", "/sim/devices/ac", `no json`, 400, `"error"`, ""},
		{"PATCH", "/sim/devices/ac", `[1]`, 400, `"error"`, ""},
		{"PATCH", "/sim/devices/nobody", `{}`, 404, `"error"`, ""},
		{"POST", "/sim/devices/ac/push", `{"pushCode":"WATER_IS_FULL"}`, 200, `{}`, `"pushCode":"WATER_IS_FULL"`},
		{"POST", "/sim/devices/ac/push", `{}`, 400, `pushCode`, ""},
		{"PUT", "/sim/devices/ac/online", `false`, 200, `{}`, ""},
		{"PUT", "/sim/devices/ac/online", `{"online":true}`, 200, `{}`, `"report":{"airConJobMode"`},
		{"PUT", "/sim/devices/ac/online", `"yes"`, 400, `online`, ""},
		{"POST", "/sim/devices", string(added), 200, `"deviceId":"fridge"`, `"pushType":"DEVICE_REGISTERED"`},
		{"POST", "/sim/devices", string(added), 400, `exists`, ""},
		{"POST", "/sim/devices", `{"sample":"nothing like it"}`, 400, `none of air_conditioner_living_room, `, ""},
		{"POST", "/sim/devices", `{}`, 400, `"error"`, ""},
		{"POST", "/sim/devices/fridge/alias", `{"alias":"Cellar"}`, 200, `{}`, `"alias":"Cellar"`},
		{"DELETE", "/sim/devices/fridge", "", 200, `{}`, `"pushType":"DEVICE_UNREGISTERED"`},
		{"DELETE", "/sim/devices/fridge", "", 404, `"error"`, ""},
		{"POST", "/sim/faults", `{"match":{"path":"/devices/*/state"},"times":1,"code":"2000","delay":"1ms","retry_after":3}`, 200, `{}`, ""},
		{"POST", "/sim/faults", `{"delay":"soon"}`, 400, `"error"`, ""},
		{"POST", "/sim/faults", `{"match":{"pth":"/devices"},"status":500}`, 400, `pth`, ""},
		{"POST", "/sim/faults", `{"match":{}}`, 400, `nothing is to go wrong`, ""},
		{"GET", "/sim/calls?since=x", "", 400, `since is the number of a call`, ""},
		{"POST", "/sim/devices", `{"type":"oven"}`, 400, `need {`, ""},
		{"POST", "/sim/events", `{"mode":"silent"}`, 200, `{}`, ""},
		{"DELETE", "/sim/faults", "", 200, `{}`, ""},
		{"PATCH", "/sim/devices/ac", `{"airFlow":{"windStrength":"HIGH"}}`, 200, `{}`, `"report":{"airFlow":{"windStrength":"HIGH"}}`},
		{"POST", "/sim/events", `{"mode":"duplicate"}`, 200, `{}`, ""},
		{"POST", "/sim/events", `{"mode":"sometimes"}`, 400, `none of ok`, ""},
		{"POST", "/sim/clock", `{"advance":"24h"}`, 200, `"now"`, ""},
		{"POST", "/sim/clock", `{"advance":"tomorrow"}`, 400, `"error"`, ""},
		{"POST", "/sim/oauth", `{"renewal":"rotate","errors":"text","revoke":true}`, 200, `{}`, ""},
		{"POST", "/sim/oauth", `{}`, 400, `nothing is to change`, ""},
		{"POST", "/sim/oauth", `{"renewal":"never"}`, 400, `none of keep`, ""},
		{"POST", "/sim/oauth", `{"errors":"never","revoke":true}`, 400, `none of ok`, ""},
		{"POST", "/sim/oauth", `{"refresh":"keep"}`, 400, `refresh`, ""},
		{"POST", "/sim/broker", `{"action":"dance"}`, 400, `none of disconnect`, ""},
		{"POST", "/sim/broker", `{"action":"takeover"}`, 200, `{}`, ""},
		{"PUT", "/sim/broker", ``, 405, ``, ""},
		{"GET", "/sim/nothing", ``, 404, ``, ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, s.AdminURL+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != tt.status || !strings.Contains(string(answer), tt.answer) {
			t.Errorf("%s %s %s: %d %s", tt.method, tt.path, tt.body, res.StatusCode, answer)
		}
		if tt.event == "" {
			continue
		}
		if got := sub.next(t); !strings.Contains(got, tt.event) {
			t.Errorf("%s %s: message %s", tt.method, tt.path, got)
		}
	}
	if err := <-sub.ended; err != errDisconnected(0x8E) {
		t.Errorf("the connection ended with %v", err)
	}
	if got := string(c.must("GET", "/event", "")); got != "[]" {
		t.Errorf("a day later still subscribed: %s", got)
	}
}

func TestRealSockets(t *testing.T) {
	s, err := thinqtest.NewServer(thinqtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Devices()); n != len(thinqtest.Samples()) {
		t.Errorf("%d appliances", n)
	}
	c := newCaller(t, s, nil)
	config, topic := c.enrol()
	sub := subscribe(t, nil, s, config, c.client, topic, 0)
	s.Close() // with everything still connected
	if err := <-sub.ended; err != errDisconnected(0x8B) {
		t.Errorf("ended with %v", err)
	}
	s.Close()
}

func TestOptions(t *testing.T) {
	for _, o := range []thinqtest.Options{
		{Country: "XX"},
		{Renewal: "never"},
		{SignInErrors: "never"},
		{TokenLife: time.Millisecond},
		{RefreshLife: -1},
		{Samples: []thinqtest.Sample{{Name: "empty"}}},
		{Samples: []thinqtest.Sample{{Device: json.RawMessage(`{}`), Profile: json.RawMessage(`{}`), Status: json.RawMessage(`{}`)}}},
	} {
		if s, err := thinqtest.NewServer(o); err == nil {
			s.Close()
			t.Errorf("%+v was taken", o)
		}
	}
}

// A page of somebody else cannot have a browser break anything.
func TestAdminOfAnotherSite(t *testing.T) {
	t.Parallel()
	door := new(thinqtest.Server).AdminHandler()
	for name, value := range map[string]string{"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"} {
		r := httptest.NewRequest("DELETE", "http://127.0.0.1:1/sim/faults", nil)
		r.Header.Set(name, value)
		w := httptest.NewRecorder()
		if door.ServeHTTP(w, r); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}
