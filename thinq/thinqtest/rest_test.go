package thinqtest_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// fleet is one appliance of each kind that the tables below need.
func fleet() []thinqtest.Sample {
	silent := sample("silent", "HUB", object{"property": object{}}, `{}`)
	silent.Device = json.RawMessage(`{"deviceId":"silent","deviceInfo":{"deviceType":"DEVICE_HUB","modelName":"TEST","alias":"Hub","reportable":false}}`)
	return []thinqtest.Sample{sampleAC(), silent, sampleWasher(), sampleTower(), sampleFridge(), sampleTwoSet(), sampleCooktop(), sampleOven(), sampleBoiler(), sampleRobot()}
}

func TestHeaders(t *testing.T) {
	s, network := newServer(t, thinqtest.Options{Samples: fleet()})
	c := newCaller(t, s, network)
	s.Allow("expired", thinqtest.Grant{Expires: time.Now().Add(-time.Second)})
	s.Allow("lists only", thinqtest.Grant{Scopes: []thinqtest.Scope{thinqtest.ScopeDevices}})
	for _, tt := range []struct {
		name, header, value string
		path                string
		status              int
		code                string
	}{
		{"complete", "x-anything", "1", "/devices", 200, ""},
		{"no message id", "x-message-id", "", "/devices", 400, "1104"},
		{"long message id", "x-message-id", strings.Repeat("a", 23), "/devices", 400, "1104"},
		{"message id with padding", "x-message-id", "AbCdEfGhIjKlMnOpQrSt==", "/devices", 400, "1104"},
		{"no country", "x-country", "", "/devices", 401, "1307"},
		{"unserved country", "x-country", "CU", "/devices", 401, "1310"},
		{"no such country", "x-country", "XX", "/devices", 401, "1307"},
		{"lower case country", "x-country", "kr", "/devices", 401, "1307"},
		{"neighbour in the region", "x-country", "JP", "/devices", 200, ""},
		{"other region", "x-country", "DE", "/devices", 401, "1310"},
		{"no key", "x-api-key", "", "/devices", 401, "1301"},
		{"other key", "x-api-key", "x", "/devices", 401, "1301"},
		{"no client", "x-client-id", "", "/devices", 400, "1216"},
		{"no phase", "x-service-phase", "", "/devices", 400, "1216"},
		{"no token", "Authorization", "", "/devices", 400, "1103"},
		{"no bearer", "Authorization", s.Token, "/devices", 400, "1103"},
		{"unknown token", "Authorization", "Bearer x", "/devices", 400, "1103"},
		{"expired token", "Authorization", "Bearer expired", "/devices", 401, "1302"},
		{"token without the scope", "Authorization", "Bearer lists only", "/devices/ac/state", 401, "1305"},
		{"token with the scope", "Authorization", "Bearer lists only", "/devices/ac/profile", 200, ""},
		{"scope before device", "Authorization", "Bearer lists only", "/devices/nobody/state", 401, "1305"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := c.request("GET", tt.path, "")
			r.Header.Set(tt.header, tt.value)
			e := c.do(r)
			if e.Status != tt.status || e.Error.Code != tt.code {
				t.Errorf("got %d %s, want %d %s", e.Status, e.Error.Code, tt.status, tt.code)
			}
			if e.MessageID != r.Header.Get("x-message-id") {
				t.Errorf("message id %q is not echoed", e.MessageID)
			}
			if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$`).MatchString(e.Timestamp) {
				t.Errorf("timestamp %q", e.Timestamp)
			}
		})
	}
}

// TestHeaderOrder breaks everything and mends one thing after the other.
func TestHeaderOrder(t *testing.T) {
	s, network := newServer(t, thinqtest.Options{Samples: fleet()})
	c := newCaller(t, s, network)
	r := c.request("GET", "/devices", "")
	good := r.Header.Clone()
	r.Header = http.Header{"X-Country": {"XX"}}
	for _, mended := range []struct{ code, header, value string }{
		{"1104", "x-message-id", ""}, {"1307", "x-country", "DE"}, {"1310", "x-country", ""}, {"1301", "x-api-key", ""},
		{"1216", "x-client-id", ""}, {"1216", "x-service-phase", ""}, {"1103", "Authorization", ""}, {"", "", ""},
	} {
		if e := c.do(r.Clone(t.Context())); e.Error.Code != mended.code {
			t.Errorf("code %q before mending %s, want %q", e.Error.Code, mended.header, mended.code)
		}
		if mended.value == "" {
			mended.value = good.Get(mended.header)
		}
		r.Header.Set(mended.header, mended.value)
	}
}

func TestEndpoints(t *testing.T) {
	register := func(members string) string { return `{` + members + `}` }
	csr := base64.StdEncoding.EncodeToString(newCSR())
	armoured, _ := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: newCSR()})))
	today := time.Now().Format("20060102")
	tomorrow := time.Now().AddDate(0, 0, 1).Format("20060102")
	usage := func(property, period, start, end string) string {
		return fmt.Sprintf("/devices/energy/ac/usage?property=%s&period=%s&startDate=%s&endDate=%s", property, period, start, end)
	}
	s, network := newServer(t, thinqtest.Options{Samples: fleet()})
	c := newCaller(t, s, network)
	for _, tt := range []struct { // one after the other: what a call leaves behind is the next one's start
		method, path, body string
		status             int
		code               string
		response           string // compacted; empty: not looked at
	}{
		{"GET", "/route", "", 200, "", `{"apiServer":"https://api.test:443","mqttServer":"mqtts://mqtt.test:8883","webSocketServer":"wss://mqtt.test:8883/mqtt"}`},
		{"GET", "/nothing", "", 400, "1000", ""},
		{"PUT", "/devices", "", 400, "1000", ""},
		{"GET", "/devices/nobody/profile", "", 404, "1205", ""},
		{"GET", "/devices/nobody/state", "", 404, "1205", ""},
		{"POST", "/devices/nobody/control", "{}", 404, "1205", ""},
		{"GET", "/devices/silent/profile", "", 200, "", `{"property":{}}`},
		{"GET", "/devices/silent/state", "", 200, "", `{}`},

		{"POST", "/client/certificate", `{"service-code":"SVC202","csr":"` + csr + `"}`, 400, "1000", ""}, // not registered
		{"DELETE", "/client", registration, 400, "1000", ""},
		{"POST", "/client", "", 400, "1101", ""},
		{"POST", "/client", "no json", 400, "1000", ""},
		{"POST", "/client", "[]", 400, "1101", ""},
		{"POST", "/client", register(`"type":"MQTT","service-code":"SVC202"`), 400, "1101", ""},
		{"POST", "/client", register(`"type":"HTTP","service-code":"SVC202","device-type":"607"`), 400, "1102", ""},
		{"POST", "/client", register(`"type":"MQTT","service-code":"SVC202","device-type":607`), 400, "1102", ""},
		{"POST", "/client", registration, 200, "", `{}`},
		{"POST", "/client", registration, 200, "", `{}`},
		{"POST", "/client", `{"body":` + registration + `}`, 200, "", `{}`},
		{"POST", "/client", strings.Replace(registration, "true", "false", 1), 400, "1000", ""},
		{"POST", "/client/certificate", `{"service-code":"SVC202"}`, 400, "1101", ""},
		{"POST", "/client/certificate", `{"csr":"` + csr + `"}`, 400, "1101", ""},
		{"POST", "/client/certificate", `{"service-code":"SVC203","csr":"` + csr + `"}`, 400, "1102", ""},
		{"POST", "/client/certificate", `{"service-code":"SVC202","csr":"` + csr[:60] + `"}`, 400, "1102", ""},
		{"POST", "/client/certificate", `{"service-code":"SVC202","csr":"rubbish"}`, 400, "1102", ""},
		{"POST", "/client/certificate", `{"service-code":"SVC202","csr":"` + csr + `"}`, 200, "", ""},
		{"POST", "/client/certificate", `{"body":{"service-code":"SVC202","csr":` + string(armoured) + `}}`, 200, "", ""},
		{"DELETE", "/client", "", 400, "1101", ""},
		{"DELETE", "/client", registration, 200, "", `{}`},

		{"GET", "/push", "", 200, "", `[]`},
		{"POST", "/push/nobody/subscribe", "", 404, "1205", ""},
		{"DELETE", "/push/ac/unsubscribe", "", 404, "1206", ""},
		{"POST", "/push/ac/subscribe", "", 200, "", `{}`},
		{"POST", "/push/ac/subscribe", "{}", 404, "1207", ""},
		{"GET", "/push", "", 200, "", `[{"deviceId":"ac"}]`},
		{"DELETE", "/push/ac/unsubscribe", "", 200, "", `{}`},
		{"GET", "/push", "", 200, "", `[]`},

		{"GET", "/push/devices", "", 200, "", `[]`},
		{"POST", "/push/devices", "", 200, "", `{}`},
		{"POST", "/push/devices", "", 400, "4001", ""},
		{"GET", "/push/devices", "", 200, "", `[{"clientId":"test-client"}]`},
		{"DELETE", "/push/devices", "", 200, "", `{}`},
		{"DELETE", "/push/devices", "", 404, "1206", ""},

		{"GET", "/event", "", 200, "", `[]`},
		{"POST", "/event/nobody/subscribe", wholeDay, 404, "1205", ""},
		{"POST", "/event/silent/subscribe", wholeDay, 404, "1214", ""},
		{"DELETE", "/event/ac/unsubscribe", "", 404, "1204", ""},
		{"POST", "/event/ac/subscribe", `{"expire":{"unit":"HOUR","timer":0}}`, 400, "1102", ""},
		{"POST", "/event/ac/subscribe", `{"expire":{"unit":"HOUR","timer":4465}}`, 400, "1102", ""},
		{"POST", "/event/ac/subscribe", `{"expire":{"unit":"HOUR","timer":1.5}}`, 400, "1102", ""},
		{"POST", "/event/ac/subscribe", `{"expire":{"unit":"HOUR","timer":"24"}}`, 400, "1102", ""},
		{"POST", "/event/ac/subscribe", `{"expire":{"unit":"MINUTE","timer":24}}`, 400, "1102", ""},
		{"POST", "/event/ac/subscribe", `{"expire":24}`, 400, "1102", ""},
		{"POST", "/event/ac/subscribe", wholeDay, 200, "", `{}`},
		{"POST", "/event/ac/subscribe", "", 200, "", `{}`}, // renews
		{"GET", "/event", "", 200, "", `[{"deviceId":"ac"}]`},
		{"DELETE", "/event/ac/unsubscribe", "", 200, "", `{}`},
		{"GET", "/event", "", 200, "", `[]`},

		{"GET", "/devices/energy/ac/profile", "", 200, "", `{"resultCode":"0000","result":{"property":["energyUsage"]}}`},
		{"GET", "/devices/energy/washer/profile", "", 406, "1221", ""},
		{"GET", "/devices/energy/nobody/profile", "", 404, "1205", ""},
		{"GET", "/devices/energy/washer/usage", "", 406, "1221", ""},
		{"GET", "/devices/energy/ac/usage", "", 400, "1101", ""},
		{"GET", usage("energyUsage", "DAILY", today, today), "", 200, "", ""},
		{"GET", usage("energyUsage", "MONTHLY", today[:6], today[:6]), "", 200, "", ""},
		{"GET", usage("energyUsage", "HOURLY", today, today), "", 400, "1102", ""},
		{"GET", usage("waterUsage", "DAILY", today, today), "", 400, "1102", ""},
		{"GET", usage("energyUsage", "DAILY", today[:6], today[:6]), "", 400, "1102", ""},
		{"GET", usage("energyUsage", "DAILY", today, tomorrow), "", 400, "1102", ""},
		{"GET", usage("energyUsage", "DAILY", tomorrow, today), "", 400, "1102", ""},
		{"GET", usage("energyUsage", "DAILY", "20001301", today), "", 400, "1102", ""},
		{"GET", usage("energyUsage", "DAILY", "20000101", today), "", 400, "1102", ""},
	} {
		e := c.call(tt.method, tt.path, tt.body)
		if e.Status != tt.status || e.Error.Code != tt.code {
			t.Errorf("%s %s %s: got %d %+v, want %d %s", tt.method, tt.path, tt.body, e.Status, e.Error, tt.status, tt.code)
		}
		if got := compact(e.Response); tt.response != "" && !sameJSON(got, tt.response) {
			t.Errorf("%s %s: got %s, want %s", tt.method, tt.path, got, tt.response)
		}
	}
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && cmp.Equal(x, y)
}

func TestDeviceList(t *testing.T) {
	s, network := newServer(t, thinqtest.Options{Samples: fleet()[:2]})
	want := `[{"deviceId":"ac","deviceInfo":{"alias":"ac","deviceType":"DEVICE_AIR_CONDITIONER","modelName":"TEST","reportable":true}},
		{"deviceId":"silent","deviceInfo":{"alias":"Hub","deviceType":"DEVICE_HUB","modelName":"TEST","reportable":false}}]`
	if got := newCaller(t, s, network).must("GET", "/devices", ""); !sameJSON(string(got), want) {
		t.Errorf("got %s", got)
	}
}

func TestExpiries(t *testing.T) {
	for _, tt := range []struct {
		name  string
		clamp bool
		body  string
		hours time.Duration
	}{
		{"as asked", false, wholeDay, 4464},
		{"clamped", true, wholeDay, 24},
		{"documented default", false, "", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, network := newServer(t, thinqtest.Options{Samples: fleet()[:1], ClampEvents: tt.clamp})
			c := newCaller(t, s, network)
			c.must("POST", "/event/ac/subscribe", tt.body)
			s.Advance(tt.hours*time.Hour - time.Minute)
			if got := c.must("GET", "/event", ""); string(got) == "[]" {
				t.Error("over before its time")
			}
			s.Advance(time.Minute)
			if got := c.must("GET", "/event", ""); string(got) != "[]" {
				t.Errorf("still there: %s", got)
			}
		})
	}
	t.Run("token", func(t *testing.T) {
		s, network := newServer(t, thinqtest.Options{Samples: fleet()[:1]})
		c := newCaller(t, s, network)
		s.Allow(s.Token, thinqtest.Grant{Expires: time.Now().Add(time.Hour)})
		c.must("GET", "/devices", "")
		s.Advance(time.Hour)
		if e := c.call("GET", "/devices", ""); e.Error.Code != "1302" {
			t.Errorf("got %+v", e.Error)
		}
	})
}

func TestQuota(t *testing.T) {
	s, network := newServer(t, thinqtest.Options{Samples: fleet(), CallsPerHour: 3})
	c := newCaller(t, s, network)
	for range 3 {
		c.must("GET", "/devices", "")
	}
	if e := c.call("GET", "/devices", ""); e.Status != 401 || e.Error.Code != "1314" {
		t.Errorf("got %d %s", e.Status, e.Error.Code)
	}
	s.Advance(time.Hour)
	c.must("GET", "/devices", "")
}

func TestEnergySeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // on 1 January 2000, midnight
		s, network := newServer(t, thinqtest.Options{Samples: fleet(), Seed: 1})
		c := newCaller(t, s, network)
		s.Advance(45*24*time.Hour + 12*time.Hour) // 15 February, noon
		list := func(period, start, end string) (days map[string]float64) {
			var answer struct {
				Result struct {
					DataList []struct {
						UsedDate    string
						EnergyUsage float64
					}
				}
			}
			data := c.must("GET", "/devices/energy/ac/usage?property=energyUsage&period="+period+"&startDate="+start+"&endDate="+end, "")
			if err := json.Unmarshal(data, &answer); err != nil {
				t.Fatal(err)
			}
			days = map[string]float64{}
			for _, d := range answer.Result.DataList {
				days[d.UsedDate] = d.EnergyUsage
			}
			return days
		}
		january := list("DAILY", "20000101", "20000131")
		if len(january) >= 31 || len(january) < 20 {
			t.Errorf("%d days of January: want gaps, but not many", len(january))
		}
		var sum float64
		for _, wh := range january {
			sum += wh
		}
		months := list("MONTHLY", "200001", "200002")
		if months["200001"] != sum {
			t.Errorf("January: %v Wh, its days %v Wh", months["200001"], sum)
		}
		today := list("DAILY", "20000215", "20000215")["20000215"]
		s.Advance(11 * time.Hour)
		if later := list("DAILY", "20000215", "20000215")["20000215"]; later <= today {
			t.Errorf("today stays at %v Wh", today)
		}
		if diff := cmp.Diff(january, list("DAILY", "20000101", "20000131")); diff != "" {
			t.Errorf("January changed:\n%s", diff)
		}
	})
}

func TestFaults(t *testing.T) {
	type outcome struct {
		status            int
		code, body, retry string
	}
	get := func(c *caller, method, path string) (o outcome, err error) {
		res, err := c.http.Do(c.request(method, path, ""))
		if err != nil {
			return o, err
		}
		defer res.Body.Close()
		data, _ := io.ReadAll(res.Body)
		var e envelope
		json.Unmarshal(data, &e)
		return outcome{res.StatusCode, e.Error.Code, string(data), res.Header.Get("Retry-After")}, nil
	}
	const html, invalid = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n", `{"messageId":"x","resp`
	for _, tt := range []struct {
		name  string
		fault string
		path  string
		want  outcome // body only if it is not an envelope
	}{
		{"code with its status", `{"code":"1314"}`, "/devices", outcome{status: 401, code: "1314"}},
		{"code with another status", `{"code":"1314","status":429,"retry_after":30}`, "/devices", outcome{status: 429, code: "1314", retry: "30"}},
		{"status alone", `{"status":429,"retry_after":"1m"}`, "/devices", outcome{status: 429, retry: "60", body: "-"}},
		{"gateway page", `{"body":"html"}`, "/devices", outcome{status: 502, body: html}},
		{"gateway page of another status", `{"body":"html","status":504}`, "/devices", outcome{status: 504, body: html}},
		{"empty", `{"body":"empty"}`, "/devices", outcome{status: 200, body: "-"}},
		{"invalid", `{"body":"invalid"}`, "/devices", outcome{status: 200, body: invalid}},
		{"server trouble", `{"code":"2000"}`, "/devices", outcome{status: 500, code: "2000"}},
		{"503 codes", `{"code":"2203"}`, "/devices", outcome{status: 503, code: "2203"}},
		{"this device", `{"code":"2212","match":{"device":"ac"}}`, "/devices/ac/state", outcome{status: 412, code: "2212"}},
		{"another device", `{"code":"2212","match":{"device":"washer"}}`, "/devices/ac/state", outcome{status: 200}},
		{"this method", `{"code":"2000","match":{"method":"get"}}`, "/devices", outcome{status: 500, code: "2000"}},
		{"another method", `{"code":"2000","match":{"method":"POST"}}`, "/devices", outcome{status: 200}},
		{"this path", `{"code":"2000","match":{"path":"/devices/*/state"}}`, "/devices/ac/state", outcome{status: 500, code: "2000"}},
		{"another path", `{"code":"2000","match":{"path":"/devices/*/state"}}`, "/devices/ac/profile", outcome{status: 200}},
		{"a path is exact", `{"code":"2000","match":{"path":"/devices"}}`, "/devices/ac/profile", outcome{status: 200}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, network := newServer(t, thinqtest.Options{Samples: fleet()})
			c := newCaller(t, s, network)
			var f thinqtest.Fault
			if err := json.Unmarshal([]byte(tt.fault), &f); err != nil {
				t.Fatal(err)
			}
			f.Times = 1
			if err := s.Fault(f); err != nil {
				t.Fatal(err)
			}
			got, err := get(c, "GET", tt.path)
			if err != nil {
				t.Fatal(err)
			}
			switch tt.want.body {
			case "":
				got.body = ""
			case "-":
				tt.want.body = ""
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if tt.want.status != 200 || tt.want.body != "" {
				if again, _ := get(c, "GET", tt.path); again.status != 200 {
					t.Errorf("the second call: %+v", again)
				}
			}
		})
	}
	t.Run("reset", func(t *testing.T) {
		s, network := newServer(t, thinqtest.Options{Samples: fleet()})
		s.Fault(thinqtest.Fault{Body: "reset"})
		c := newCaller(t, s, network)
		if _, err := get(c, "GET", "/devices"); err == nil {
			t.Error("no error")
		}
		s.ClearFaults()
		c.must("GET", "/devices", "")
	})
	t.Run("delay", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, network := newServer(t, thinqtest.Options{Samples: fleet(), APIDelay: time.Second})
			c := newCaller(t, s, network)
			s.Fault(thinqtest.Fault{Delay: thinqtest.Duration(20 * time.Second), Times: 1})
			start := time.Now()
			c.must("GET", "/devices", "")
			if took := time.Since(start); took != 21*time.Second {
				t.Errorf("took %v", took)
			}
		})
	})
	t.Run("before and after the effect", func(t *testing.T) {
		s, network := newServer(t, thinqtest.Options{Samples: fleet()})
		c := newCaller(t, s, network)
		for _, after := range []bool{false, true} {
			s.Fault(thinqtest.Fault{Code: "2209", After: after, Times: 1})
			c.call("POST", "/push/ac/subscribe", "")
			if got := string(c.must("GET", "/push", "")); (got != "[]") != after {
				t.Errorf("after=%t: %s", after, got)
			}
		}
	})
	t.Run("nonsense", func(t *testing.T) {
		s, _ := newServer(t, thinqtest.Options{Samples: fleet()})
		for _, f := range []thinqtest.Fault{{Body: "xml"}, {Times: -1}, {Status: 99}, {Delay: -1}} {
			if s.Fault(f) == nil {
				t.Errorf("%+v was taken", f)
			}
		}
	})
}

func TestCallLog(t *testing.T) {
	s, network := newServer(t, thinqtest.Options{Samples: fleet()})
	c := newCaller(t, s, network)
	c.must("GET", "/devices", "")
	c.call("POST", "/devices/ac/control", `{"airFlow":{"windStrength":"STORM"}}`)
	c.call("POST", "/devices/ac/control", `no json`)
	calls := s.Calls(1)
	if len(calls) != 2 || calls[0].N != 2 {
		t.Fatalf("got %+v", calls)
	}
	call := calls[0]
	if call.Method != "POST" || call.Path != "/devices/ac/control" || call.Status != 400 || call.Code != "2207" ||
		string(call.Body) != `{"airFlow":{"windStrength":"STORM"}}` || call.Headers["x-client-id"] != "test-client" {
		t.Errorf("got %+v", call)
	}
	if !regexp.MustCompile(`^Bearer sha256:[0-9a-f]{12}$`).MatchString(call.Headers["authorization"]) {
		t.Errorf("authorization %q", call.Headers["authorization"])
	}
	if got := string(calls[1].Body); got != `"no json"` {
		t.Errorf("body %s", got)
	}
}
