package bridge

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// Every code that a command can meet ends it with a sentence that says what to
// do; after a refusal the appliance is read, and what is so is shown.
func TestF064Refusals(t *testing.T) {
	tests := []struct{ code, want, text string }{
		{"1102", "rejected:refused", "Look in the LG ThinQ app"},
		{"1222", "rejected:offline", "Look whether it has power and Wi-Fi"},
		{"1223", "rejected:offline", "Look whether it has power and Wi-Fi"},
		{"1308", "rejected:refused", "Try again when they are done"},
		{"2205", "rejected:refused", "Look at its display"},
		{"2207", "rejected:refused", "Try another value"},
		{"2208", "unknown:not_shown", "Try again in a moment"},
		{"2209", "unknown:not_shown", "look at it before you try again"},
		{"2210", "unknown:not_shown", "try again in a moment"},
		{"2212", "unknown:not_shown", "Try again in a moment"},
		{"2213", "rejected:refused", "Remove it in the LG ThinQ app and add it again"},
		{"2214", "unknown:not_shown", "Try again in a moment"},
		{"2301", "rejected:refused", "Remote start is switched off at the appliance. Switch it on there"},
		{"2302", "rejected:refused", "Wait until it is done, or stop it first"},
		{"2303", "rejected:refused", "Look at its display and clear it there"},
		{"2304", "rejected:refused", "Switch it on first"},
		{"2305", "rejected:refused", "Change the mode first"},
	}
	for _, tt := range tests {
		t.Run(tt.code, func(t *testing.T) {
			cooling(t, func(h *home) {
				h.cloud.fail(`control ac {"temperature":{"targetTemperature":24}}`, lgError(tt.code, 400))
				h.set("ac", `{"target_temperature":24}`)
				h.after(2 * time.Second)
				if tt.want == "rejected:refused" && tt.code != "2213" { // of which LG knows nothing
					h.wantStages("ac", tt.want)
					if reads, shown := h.cloud.made("state ac"), h.broker.on(h.topic("ac", "")); len(reads) != 1 || len(shown) == 0 {
						t.Errorf("%d reads, the state is published %d times", len(reads), len(shown))
					}
				}
				h.after(time.Minute)
				h.wantStages("ac", tt.want)
				r := h.results("ac")[0]
				if r.Error.Code != tt.code || !strings.Contains(r.Error.Message, tt.text) {
					t.Errorf("error = %+v, want %q in it", r.Error, tt.text)
				}
			})
		})
	}
}

// An appliance that LG has lost track of has a problem, which says what its owner
// must do. It is left alone for hours, unless somebody asks or it reports.
func TestF064LostIsAProblem(t *testing.T) {
	cooling(t, func(h *home) {
		problem := func() string {
			s, err := h.bridge.Snapshot(h.Context())
			if err != nil {
				t.Fatal(err)
			}
			return s.Devices[0].Problem
		}
		h.cloud.fail(`control ac {"temperature":{"targetTemperature":24}}`, lgError("2213", 412))
		h.set("ac", `{"target_temperature":24}`)
		h.after(5*time.Hour + 50*time.Minute)
		h.wantStages("ac", "rejected:refused")
		if got := problem(); !strings.Contains(got, "Remove it in the LG ThinQ app and add it again") {
			t.Errorf("problem = %q", got)
		}
		if calls := h.cloud.made("state ac"); len(calls) != 0 {
			t.Errorf("asked within six hours: %q", calls)
		}
		h.cloud.fail("state ac", lgError("2213", 412))
		h.after(time.Hour)
		if calls := h.cloud.made("state ac"); len(calls) != 1 || problem() == "" {
			t.Errorf("after six hours: %q, %q", calls, problem())
		}
		h.send(linkMessage(h.topic("ac", "/get"), ""))
		h.after(time.Second)
		if calls := h.cloud.made("state ac"); len(calls) != 2 || problem() != "" {
			t.Errorf("asked: %q, %q", calls, problem())
		}
	})
}

// Whatever is refused, by us or by LG, a dashboard sees the true value again.
func TestF065RefusalShowsTheTruth(t *testing.T) {
	tests := []struct{ attr, payload, call string }{
		{"target_temperature", "24", `{"temperature":{"targetTemperature":24}}`},                     // a number
		{"wind_strength", "high", `{"airFlow":{"windStrength":"HIGH"}}`},                             // a select
		{"air_con_operation_mode", "power_off", `{"operation":{"airConOperationMode":"POWER_OFF"}}`}, // a switch
		{"climate_temperature", "24", `{"temperature":{"targetTemperature":24}}`},
		{"climate_mode", "heat", `{"airConJobMode":{"currentJobMode":"HEAT"}}`},
		{"climate_fan_mode", "high", `{"airFlow":{"windStrength":"HIGH"}}`},
		{"target_temperature", "99", ""}, {"wind_strength", "hurricane", ""},
		{"air_con_operation_mode", "perhaps", ""}, {"climate_mode", "dance", ""}, {"climate_temperature", "99", ""},
	}
	for _, tt := range tests {
		t.Run(tt.attr+"="+tt.payload, func(t *testing.T) {
			cooling(t, func(h *home) {
				before := h.state("ac", tt.attr)
				if tt.call != "" {
					h.cloud.fail("control ac "+tt.call, lgError("2305", 400))
				}
				h.set("ac", `{"`+tt.attr+`":"`+tt.payload+`"}`)
				h.after(2 * time.Second)
				if got := h.stages("ac"); len(got) != 1 || !strings.HasPrefix(got[0], "rejected") {
					t.Errorf("stages = %q", got)
				}
				published := h.broker.on(h.topic("ac", ""))
				if len(published) == 0 {
					t.Fatal("the state was not published again")
				}
				for _, document := range published {
					var values map[string]any
					if err := json.Unmarshal([]byte(document), &values); err != nil {
						t.Fatal(err)
					}
					if values[tt.attr] != before {
						t.Errorf("%s = %v, the truth is %v", tt.attr, values[tt.attr], before)
					}
				}
			})
		})
	}
}

// On what is on already, and off what is off, is no refusal: the appliance was
// switched at the wall and nobody told us.
func TestRefusalOfWhatIsSo(t *testing.T) {
	power := func(word string) string { return `{"operation":{"airConOperationMode":"` + word + `"}}` }
	tests := []struct {
		code, is, thought, attr, payload string
		want                             string
	}{
		{"2302", "POWER_ON", "POWER_OFF", "air_con_operation_mode", "power_on", "confirmed"},
		{"2304", "POWER_OFF", "POWER_ON", "air_con_operation_mode", "power_off", "confirmed"},
		{"2304", "POWER_OFF", "POWER_ON", "climate_mode", "off", "confirmed"},
		{"2305", "POWER_OFF", "POWER_ON", "air_con_operation_mode", "power_off", "rejected:refused"},
		{"2302", "POWER_ON", "POWER_ON", "air_con_operation_mode", "power_off", "rejected:refused"},
	}
	for _, tt := range tests {
		t.Run(tt.code+" "+tt.attr+"="+tt.payload, func(t *testing.T) {
			cooling(t, func(h *home) {
				h.cloud.report("ac", power(tt.thought))
				h.cloud.quietly("ac", power(tt.is))
				h.after(time.Second)
				call := power("POWER_ON")
				if tt.payload != "power_on" {
					call = power("POWER_OFF")
				}
				h.cloud.fail("control ac "+call, lgError(tt.code, 400))
				h.set("ac", `{"`+tt.attr+`":"`+tt.payload+`"}`)
				h.after(5 * time.Second)
				if got := h.stages("ac"); !slices.Contains(got, tt.want) {
					t.Errorf("stages = %q, want %s", got, tt.want)
				}
				if got := h.state("ac", "air_con_operation_mode"); got != strings.ToLower(tt.is) {
					t.Errorf("shows %v, it is %s", got, tt.is)
				}
			})
		})
	}
}
