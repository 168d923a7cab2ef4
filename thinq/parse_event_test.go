package thinq

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var events = []struct {
	name, data string
	want       Event
}{
	{"report", `{"pushType":"DEVICE_STATUS","serviceId":"s","deviceId":"d1","userList":["u1"],"report":{"job":{"mode":"ECO"}},"deviceType":"DEVICE_HEATER"}`,
		Event{Kind: Report, Device: "d1", Type: "DEVICE_HEATER", Report: json.RawMessage(`{"job":{"mode":"ECO"}}`)}},
	{"report as a list", `{"deviceId":"d1","report": [ {"a":{"b":1}} ] ,"pushType":"DEVICE_STATUS"}`,
		Event{Kind: Report, Device: "d1", Report: json.RawMessage(`[ {"a":{"b":1}} ]`)}},
	{"notice", `{"pushType":"DEVICE_PUSH","deviceId":"d1","pushCode":"WORK_IS_DONE","deviceType":"DEVICE_HEATER"}`,
		Event{Kind: Notice, Device: "d1", Type: "DEVICE_HEATER", Code: "WORK_IS_DONE"}},
	{"notice by number", `{"pushType":"DEVICE_PUSH","deviceId":"d1","pushCode":42,"deviceType":"DEVICE_HEATER"}`,
		Event{Kind: Notice, Device: "d1", Type: "DEVICE_HEATER", Code: "42"}},
	{"joined", `{"pushType":"DEVICE_REGISTERED","deviceId":"d2","userNumber":"u1","modelName":"M","deviceType":"DEVICE_HEATER","alias":"Küche \"1\""}`,
		Event{Kind: Joined, Device: "d2", Type: "DEVICE_HEATER", Alias: `Küche "1"`}},
	{"left", `{"pushType":"DEVICE_UNREGISTERED","deviceId":"d2","alias":null}`,
		Event{Kind: Left, Device: "d2"}},
	{"renamed", `{"pushType":"DEVICE_ALIAS_CHANGED","deviceId":"d2","alias":"Hall"}`,
		Event{Kind: Renamed, Device: "d2", Alias: "Hall"}},
	{"renamed in other words", `{"pushType":"DEVICE_ALIAS_UPDATED","deviceId":"d2","alias":"Hall"}`,
		Event{Kind: Renamed, Device: "d2", Alias: "Hall"}},
	{"nested report", `{"messageId":"m","timestamp":"t","event":{"pushType":"DEVICE_STATUS","deviceId":"d1","report":{}}}`,
		Event{Kind: Report, ID: "m", Device: "d1", Report: json.RawMessage(`{}`)}},
	{"nested with ids inside", `{"push":{"messageId":"inner","pushType":"DEVICE_PUSH","deviceId":"d1","pushCode":"WORK_IS_DONE"},"messageId":"outer"}`,
		Event{Kind: Notice, ID: "outer", Device: "d1", Code: "WORK_IS_DONE"}},
	{"nested, joined", `{"messageId":"m","push":{"pushType":"DEVICE_REGISTERED","deviceId":"d2","alias":"Hall"}}`,
		Event{Kind: Joined, ID: "m", Device: "d2", Alias: "Hall"}},
	{"id of another kind", `{"messageId":7,"event":{"pushType":"DEVICE_STATUS","deviceId":"d1","report":{}}}`,
		Event{Kind: Report, Device: "d1", Report: json.RawMessage(`{}`)}},
	{"nested notice", `{"push":{"pushType":"DEVICE_PUSH","deviceId":"d1","pushCode":"WORK_IS_DONE"},"deviceId":"other"}`,
		Event{Kind: Notice, Device: "d1", Code: "WORK_IS_DONE"}},
	{"flat with a member of that name", `{"pushType":"DEVICE_PUSH","deviceId":"d1","pushCode":"WORK_IS_DONE","push":{"x":1}}`,
		Event{Kind: Notice, Device: "d1", Code: "WORK_IS_DONE"}},
}

func TestParseEvent(t *testing.T) {
	for _, tt := range events {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseEvent([]byte(tt.data))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseEventRefuses(t *testing.T) {
	for _, tt := range []struct{ name, data, want string }{
		{"nothing", "", "event: empty"},
		{"no JSON", `{"pushType":}`, "event: not JSON from byte 12 on"},
		{"no object", `["DEVICE_STATUS"]`, "event: it is no object"},
		{"no kind", `{"deviceId":"d1"}`, `event: kind "" is unknown`},
		{"unknown kind", `{"pushType":"DEVICE_DANCED","deviceId":"d1"}`, `event: kind "DEVICE_DANCED" is unknown`},
		{"kind of another type", `{"pushType":5,"deviceId":"d1"}`, `event: kind "" is unknown`},
		{"no device", `{"pushType":"DEVICE_STATUS","report":{}}`, "event: DEVICE_STATUS without a device"},
		{"no report", `{"pushType":"DEVICE_STATUS","deviceId":"d1"}`, "event: DEVICE_STATUS without a report"},
		{"report of no use", `{"pushType":"DEVICE_STATUS","deviceId":"d1","report":"x"}`, "event: DEVICE_STATUS without a report"},
		{"no code", `{"pushType":"DEVICE_PUSH","deviceId":"d1"}`, "event: DEVICE_PUSH without a code"},
		{"too long", `"` + strings.Repeat("x", 256<<10) + `"`, "event: 262146 bytes are more than 262144"},
		{"too deep", strings.Repeat(`{"report":`, 65), "event: JSON nested deeper than 64 levels"},
		{"a long kind", `{"pushType":"` + strings.Repeat("K", 100) + `"}`, `event: kind "` + strings.Repeat("K", 64) + `" is unknown`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseEvent([]byte(tt.data))
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if diff := cmp.Diff(Event{}, got); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseEventCopiesNoReport(t *testing.T) {
	data := []byte(events[0].data)
	e, err := ParseEvent(data)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(events[0].data, `{"job"`)
	if &e.Report[0] != &data[at] {
		t.Error("the report is a copy")
	}
	if cap(e.Report) != len(e.Report) {
		t.Error("appending to the report would write into the message")
	}
}
