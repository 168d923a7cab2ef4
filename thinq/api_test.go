package thinq

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRequests compares every method with LG's reference.
func TestRequests(t *testing.T) {
	const client = `{"allowExist":true,"device-type":"607","service-code":"SVC202","type":"MQTT"}`
	day := time.Date(2026, 2, 26, 13, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		call func(*Client, context.Context) error
		want string
		body string
	}{
		{"route", func(c *Client, ctx context.Context) error { _, err := c.Route(ctx); return err }, "GET /route", ""},
		{"devices", func(c *Client, ctx context.Context) error { _, err := c.Devices(ctx); return err }, "GET /devices", ""},
		{"profile", func(c *Client, ctx context.Context) error { _, err := c.Profile(ctx, "d"); return err }, "GET /devices/d/profile", ""},
		{"state", func(c *Client, ctx context.Context) error { _, err := c.State(ctx, "d"); return err }, "GET /devices/d/state", ""},
		{"control", func(c *Client, ctx context.Context) error { return c.Control(ctx, "d", []byte(`{"a":{}}`)) }, "POST /devices/d/control", `{"a":{}}`},
		{"register", (*Client).Register, "POST /client", client},
		{"unregister", (*Client).Unregister, "DELETE /client", client},
		{"certificate", func(c *Client, ctx context.Context) error { _, _, err := c.Certificate(ctx, "MII"); return err },
			"POST /client/certificate", `{"csr":"MII","service-code":"SVC202"}`},
		{"push list", func(c *Client, ctx context.Context) error { _, err := c.PushSubscriptions(ctx); return err }, "GET /push", ""},
		{"push subscribe", func(c *Client, ctx context.Context) error { return c.SubscribePush(ctx, "d") }, "POST /push/d/subscribe", ""},
		{"push unsubscribe", func(c *Client, ctx context.Context) error { return c.UnsubscribePush(ctx, "d") }, "DELETE /push/d/unsubscribe", ""},
		{"lifecycle list", func(c *Client, ctx context.Context) error { _, err := c.LifecycleSubscriptions(ctx); return err }, "GET /push/devices", ""},
		{"lifecycle subscribe", (*Client).SubscribeLifecycle, "POST /push/devices", ""},
		{"lifecycle unsubscribe", (*Client).UnsubscribeLifecycle, "DELETE /push/devices", ""},
		{"event list", func(c *Client, ctx context.Context) error { _, err := c.EventSubscriptions(ctx); return err }, "GET /event", ""},
		{"event subscribe", func(c *Client, ctx context.Context) error { return c.SubscribeEvents(ctx, "d") },
			"POST /event/d/subscribe", `{"expire":{"unit":"HOUR","timer":4464}}`},
		{"event unsubscribe", func(c *Client, ctx context.Context) error { return c.UnsubscribeEvents(ctx, "d") }, "DELETE /event/d/unsubscribe", ""},
		{"energy profile", func(c *Client, ctx context.Context) error { _, err := c.EnergyProfile(ctx, "d"); return err }, "GET /devices/energy/d/profile", ""},
		{"energy by day", func(c *Client, ctx context.Context) error {
			_, err := c.EnergyUsage(ctx, "d", "energyUsage", Daily, day, day.AddDate(0, 0, 2))
			return err
		}, "GET /devices/energy/d/usage?endDate=20260228&period=DAILY&property=energyUsage&startDate=20260226", ""},
		{"energy by month", func(c *Client, ctx context.Context) error {
			_, err := c.EnergyUsage(ctx, "d", "energyUsage", Monthly, day, day)
			return err
		}, "GET /devices/energy/d/usage?endDate=202602&period=MONTHLY&property=energyUsage&startDate=202602", ""},
	}
	list := map[string]bool{"/devices": true, "/push": true, "/event": true}
	s := newLG(t, func(w http.ResponseWriter, r *http.Request) {
		if list[r.URL.Path] {
			says(200, ok("[]"))(w, r)
			return
		}
		says(200, ok("{}"))(w, r)
	})
	c := s.client(t)
	for _, tt := range tests {
		if err := tt.call(c, t.Context()); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		calls := s.seen()
		last := calls[len(calls)-1]
		if got := last.Method + " " + last.Path; got != tt.want || last.Body != tt.body {
			t.Errorf("%s: %s with %q, want %s with %q", tt.name, got, last.Body, tt.want, tt.body)
		}
		conditional := last.Header.Get("x-conditional-control")
		if (conditional == "true") != (tt.name == "control") || (last.Header.Get("Content-Type") != "") != (tt.body != "") {
			t.Errorf("%s: headers %v", tt.name, last.Header)
		}
	}
	if len(tests) != len(personal.endpoints)+1 {
		t.Errorf("%d endpoints, %d tried", len(personal.endpoints), len(tests)-1)
	}
}

// What is no list is not taken for an empty one.
func TestF024Devices(t *testing.T) {
	const one = `{"deviceId":"a","deviceInfo":{"deviceType":"DEVICE_WASHER","modelName":"W1","alias":"Wäsche","reportable":true,"groupId":"g","new":1}}`
	a := Device{ID: "a", Type: "DEVICE_WASHER", Model: "W1", Alias: "Wäsche", Group: "g", Reportable: true}
	tests := []struct {
		name, response string
		want           []Device
		bad            bool
	}{
		{"one", "[" + one + "]", []Device{a}, false},
		{"in an object", `{"devices":[` + one + `]}`, []Device{a}, false},
		{"none", "[]", nil, false},
		{"null", "null", nil, false},
		{"empty object", "{}", nil, false},
		{"words for booleans", `[{"deviceId":"a","deviceInfo":{"reportable":"true"}},{"deviceId":"b","deviceInfo":{"reportable":"false"}},{"deviceId":"c"}]`,
			[]Device{{ID: "a", Reportable: true}, {ID: "b"}, {ID: "c"}}, false},
		{"odd members", `[{"deviceInfo":{"alias":"x"}},7,null,{"deviceId":"b","deviceInfo":{"alias":5,"modelName":"M"}}]`,
			[]Device{{ID: "b", Model: "M"}}, false},
		{"a word", `"none"`, nil, true},
		{"something else", `{"login":"please"}`, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := newLG(t, says(200, ok(tt.response))).client(t).Devices(t.Context())
			if (err != nil) != tt.bad {
				t.Fatal(err)
			}
			if none := tt.bad || tt.response == "null"; (got == nil) != none {
				t.Errorf("got %#v", got)
			}
			if len(got)+len(tt.want) > 0 && !cmp.Equal(tt.want, got) {
				t.Errorf("(-want +got):\n%s", cmp.Diff(tt.want, got))
			}
		})
	}
}

func TestRoute(t *testing.T) {
	tests := []struct{ mqtt, want string }{
		{"mqtts://a.iot.amazonaws.com:8883", "mqtts://a.iot.amazonaws.com:8883"},
		{"mqtts://a.iot.amazonaws.com", "mqtts://a.iot.amazonaws.com:8883"},
		{"a.iot.amazonaws.com:443", "mqtts://a.iot.amazonaws.com:443"},
		{"a.iot.amazonaws.com", "mqtts://a.iot.amazonaws.com:8883"},
		{"ssl://127.0.0.1:18883", "ssl://127.0.0.1:18883"},
		{"[::1]", "mqtts://[::1]:8883"},
		{"[::1]:1", "mqtts://[::1]:1"},
		{"mqtts://", ""},
		{"mqtts://a b", ""},
		{"", ""},
	}
	for _, tt := range tests {
		got, err := newLG(t, says(200, ok(`{"mqttServer":`+quote(tt.mqtt)+`,"homeyCloud":{"port":1}}`))).client(t).Route(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		word := ""
		if got.MQTT != nil {
			word = got.MQTT.String()
		}
		if word != tt.want || got.API != nil {
			t.Errorf("%q became %q, want %q", tt.mqtt, word, tt.want)
		}
	}
}

func TestDoneIsSuccess(t *testing.T) {
	calls := []func(*Client, context.Context) error{
		func(c *Client, ctx context.Context) error { return c.SubscribePush(ctx, "d") },
		func(c *Client, ctx context.Context) error { return c.UnsubscribePush(ctx, "d") },
		func(c *Client, ctx context.Context) error { return c.SubscribeEvents(ctx, "d") },
		func(c *Client, ctx context.Context) error { return c.UnsubscribeEvents(ctx, "d") },
		(*Client).SubscribeLifecycle,
		(*Client).UnsubscribeLifecycle,
	}
	for _, code := range []string{"1207", "4001", "1204", "1206"} {
		c := newLG(t, says(404, fail(`"`+code+`"`))).client(t)
		for i, call := range calls {
			if err := call(c, t.Context()); err != nil {
				t.Errorf("%s, call %d: %v", code, i, err)
			}
		}
	}
	c := newLG(t, says(404, fail(`"1214"`))).client(t)
	for i, call := range calls {
		if err := call(c, t.Context()); ClassOf(err) != Unsupported {
			t.Errorf("call %d: %v", i, err)
		}
	}
}

func TestSubscriptionLists(t *testing.T) {
	for response, want := range map[string][]string{
		`[{"deviceId":"a"},{"deviceId":"b"}]`: {"a", "b"},
		`["a","b"]`:                           {"a", "b"},
		`[{"deviceId":"a"},{},7]`:             {"a"},
		`[]`:                                  {},
		`null`:                                {},
	} {
		c := newLG(t, says(200, ok(response))).client(t)
		push, err1 := c.PushSubscriptions(t.Context())
		event, err2 := c.EventSubscriptions(t.Context())
		if !cmp.Equal(push, want) || !cmp.Equal(event, want) || err1 != nil || err2 != nil {
			t.Errorf("%s: %v, %v, %v, %v", response, push, event, err1, err2)
		}
	}
}

func TestWrappedBody(t *testing.T) {
	s := newLG(t, nil)
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		if calls := s.seen(); len(calls)%2 == 1 {
			says(400, fail(`"1101"`))(w, r)
			return
		}
		says(200, ok(`{"resultCode":"0000","result":{"certificatePem":"P","subscriptions":["t"]}}`))(w, r)
	}
	pem, topics, err := s.client(t).Certificate(t.Context(), "MII")
	if pem != "P" || !cmp.Equal(topics, []string{"t"}) || err != nil {
		t.Errorf("got %q, %q, %v", pem, topics, err)
	}
	if calls := s.seen(); len(calls) != 2 || calls[1].Body != `{"body":{"csr":"MII","service-code":"SVC202"}}` {
		t.Errorf("calls %+v", calls)
	}
}

func TestResults(t *testing.T) {
	for response, good := range map[string]bool{
		`{"resultCode":"0000","result":{"property":["energyUsage"]}}`: true,
		`{"result":{"property":["energyUsage"]}}`:                     true,
		`{"property":["energyUsage"]}`:                                true,
		`{"property":["energyUsage","energyUsage","",null,"a/b"]}`:    true,
		`{"property":"energyUsage"}`:                                  true,
		`{"resultCode":"1221"}`:                                       false,
		`[]`:                                                          false,
	} {
		got, err := newLG(t, says(200, ok(response))).client(t).EnergyProfile(t.Context(), "d")
		if (err == nil) != good || good && !cmp.Equal(got, []string{"energyUsage"}) {
			t.Errorf("%s: %v, %v", response, got, err)
		}
	}
	_, err := newLG(t, says(406, fail(`"1221"`))).client(t).EnergyProfile(t.Context(), "d")
	if ClassOf(err) != Unsupported {
		t.Error(err)
	}
}

func TestEnergyUsage(t *testing.T) {
	seoul := time.FixedZone("KST", 9*3600)
	day := func(d int) time.Time { return time.Date(2026, 2, d, 0, 0, 0, 0, seoul) }
	for name, data := range map[string]string{
		"named after the property": `[{"usedDate":"20260226","energyUsage":1180.0},{"usedDate":"20260228","energyUsage":0}]`,
		"as documented":            `[{"usedDate":"20260226","useAmount":1180},{"usedDate":"20260228","useAmount":"0"}]`,
		"dates as numbers":         `[{"usedDate":20260226,"useAmount":1180},{"usedDate":20260228,"useAmount":0}]`,
		"beside what is none":      `[{"usedDate":"20260226","energyUsage":1180},{"usedDate":"20260227","energyUsage":-1},{"usedDate":"20260227","energyUsage":"NaN"},{"usedDate":"20260227","energyUsage":1e300},7,null,{"usedDate":"20260228","energyUsage":"0"}]`,
		"with gaps":                `[{"usedDate":"20260226","energyUsage":1180},{"usedDate":"20260227","energyUsage":null},{"usedDate":"yesterday","energyUsage":1},{},{"usedDate":"20260228","energyUsage":0}]`,
	} {
		c := newLG(t, says(200, ok(`{"resultCode":"0000","result":{"property":["energyUsage"],"dataList":`+data+`}}`))).client(t)
		got, err := c.EnergyUsage(t.Context(), "d", "energyUsage", Daily, day(26), day(28))
		if diff := cmp.Diff([]Usage{{day(26), 1180}, {day(28), 0}}, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	c := newLG(t, says(400, fail(`"1102"`))).client(t)
	if _, err := c.EnergyUsage(t.Context(), "d", "x", Daily, day(1), day(1)); ClassOf(err) != Refused {
		t.Error(err)
	}
	_, err := c.EnergyUsage(t.Context(), "d", "x", "HOURLY", day(1), day(1))
	if _, asked := errors.AsType[*Error](err); err == nil || asked {
		t.Error(err)
	}
}

// Saved answers are read with or without their envelopes.
func TestParseEnergy(t *testing.T) {
	for saved, want := range map[string]string{
		`{"resultCode":"0000","result":{"property":["energyUsage_washer","energyUsage_dryer"]}}`: "[energyUsage_washer energyUsage_dryer] <nil>",
		`{"messageId":"x","response":{"resultCode":"0000","result":{"property":["usage"]}}}`:     "[usage] <nil>",
		`{"property":["energyUsage"]}`: "[energyUsage] <nil>",
		`{}`:                           "[] <nil>",
		`{"messageId":"x","error":{"code":"1221","message":"Not supported product"}}`: "[] unsupported",
		`[]`: "[] none",
	} {
		names, err := ParseEnergyProfile([]byte(saved))
		got := fmt.Sprint(names, " ", err)
		switch {
		case ClassOf(err) == Unsupported:
			got = fmt.Sprint(names, " unsupported")
		case err != nil:
			got = fmt.Sprint(names, " none")
		}
		if got != want {
			t.Errorf("%s: %s, want %s", saved, got, want)
		}
	}
	usage, err := ParseEnergyUsage([]byte(`{"result":{"dataList":[{"usedDate":"202602","energyUsage":7}]}}`), "energyUsage", Monthly)
	if want := []Usage{{time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), 7}}; !cmp.Equal(usage, want) || err != nil {
		t.Errorf("%v, %v", usage, err)
	}
}
