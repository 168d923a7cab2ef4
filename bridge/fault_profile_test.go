package bridge

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// otherProfile is the guest room's profile after an update of its firmware: fan
// speeds as numbers, a narrower range, ionizer instead of timer.
const otherProfile = `{"property":{
	"operation":{"airConOperationMode":{"type":"enum","mode":["r","w"],"value":{"r":["POWER_ON","POWER_OFF"],"w":["POWER_ON","POWER_OFF"]}}},
	"airConJobMode":{"currentJobMode":{"type":"enum","mode":["r","w"],"value":{"r":["FAN","AIR_DRY","COOL","HEAT"],"w":["FAN","AIR_DRY","COOL","HEAT"]}}},
	"temperature":{"currentTemperature":{"type":"number","mode":["r"]},
		"targetTemperature":{"type":"range","mode":["r","w"],"value":{"r":{"min":16,"max":26,"step":1},"w":{"min":18,"max":26,"step":1}}},
		"unit":{"type":"enum","mode":["r"],"value":{"r":["C"]}}},
	"airFlow":{"windStrength":{"type":"range","mode":["r","w"],"value":{"r":{"min":1,"max":5,"step":1},"w":{"min":1,"max":5,"step":1}}}},
	"ionizer":{"ionizerMode":{"type":"enum","mode":["r","w"],"value":{"r":["ON","OFF"],"w":["ON","OFF"]}}}}}`

const otherState = `{"operation":{"airConOperationMode":"POWER_ON"},"airConJobMode":{"currentJobMode":"COOL"},
	"temperature":{"currentTemperature":18,"targetTemperature":21,"unit":"C"},"airFlow":{"windStrength":3},"ionizer":{"ionizerMode":"ON"}}`

// A profile that changes is read at once for another model, and for a value that
// LG refuses though it stands in it. What is new, retyped and narrowed is taken
// over; what is missing goes when a second reading agrees.
func TestF016ProfileSwapped(t *testing.T) {
	for name, notice := range map[string]func(h *home){
		"another model": func(h *home) {
			h.cloud.change(func() { h.cloud.devices[0].Model = "RAC_013G_EU" })
			h.bridgeRequest("discover", "")
		},
		"refused value": func(h *home) {
			for range 3 { // and not once for each
				h.cloud.fail(`control ac {"airFlow":{"windStrength":"HIGH"}}`, lgError("2207", 400))
				h.set("ac", `{"wind_strength":"high"}`)
				h.after(10 * time.Second)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			cooling(t, func(h *home) {
				whole := h.cloud.profiles["ac"]
				h.cloud.change(func() {
					h.cloud.profiles["ac"], h.cloud.states["ac"] = json.RawMessage(otherProfile), json.RawMessage(otherState)
				})
				notice(h)
				h.after(time.Minute)
				if got := h.cloud.made("profile"); len(got) != 1 {
					t.Errorf("read %d times", len(got))
				}
				topic := "homeassistant/device/thinq2mqtt_" + h.slug("ac") + "/config"
				if got := h.broker.on(topic); strings.Contains(strings.Join(got, ""), `"absolute_to_start":{"platform":"text"}`) {
					t.Error("taken back at the first reading")
				}
				h.after(11 * time.Minute)
				if got := h.cloud.made("profile"); len(got) != 2 {
					t.Errorf("read %d times", len(got))
				}
				announced := h.broker.last(topic)
				for _, want := range []string{`"max_temp":26`, "ionizer"} {
					if !strings.Contains(announced, want) {
						t.Errorf("lacks %s: %s", want, announced)
					}
				}
				if strings.Contains(announced, "absolute_to_start") {
					t.Error("still announced after two readings")
				}
				if got := h.state("ac", "wind_strength"); got != 3.0 {
					t.Errorf("wind_strength = %v", got)
				}
				h.cloud.change(func() { h.cloud.profiles["ac"] = whole })
				h.after(27 * time.Hour)
				if got := h.broker.last(topic); !strings.Contains(got, "absolute_to_start") || !strings.Contains(got, "ionizer") && len(h.cloud.made("profile")) < 4 {
					t.Errorf("after the day's reading: %s", got)
				}
			})
		})
	}
}

// A profile that lacks something only once takes nothing away.
func TestF016LesserOnce(t *testing.T) {
	cooling(t, func(h *home) {
		whole := h.cloud.profiles["ac"]
		h.cloud.change(func() {
			h.cloud.profiles["ac"] = without(t, whole, "property", "timer")
			h.cloud.devices[0].Model = "RAC_013G_EU"
		})
		h.bridgeRequest("discover", "")
		h.after(time.Minute)
		h.cloud.change(func() { h.cloud.profiles["ac"] = whole })
		h.after(time.Hour)
		if got := h.cloud.made("profile"); len(got) != 2 {
			t.Errorf("read %d times", len(got))
		}
		for _, got := range h.broker.on("homeassistant/device/thinq2mqtt_" + h.slug("ac") + "/config") {
			if !strings.Contains(got, "absolute_to_start") || strings.Contains(got, `"absolute_to_start":{"platform":"text"}`) {
				t.Errorf("announced %s", got)
			}
		}
	})
}

// An appliance that was read before the list came keeps its subscriptions all the
// same.
func TestF026StateBeforeTheList(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.o.Store = h.folder()
		h.start()
		h.stop()
		h.cloud.forget()
		h.cloud.fail("list", lgError("2000", 500))
		h.start()
		h.after(13 * time.Hour)
		for _, call := range []string{"event ac", "event dish"} {
			if n := len(h.cloud.made(call)); n == 0 {
				t.Errorf("no %s in 13 h", call)
			}
		}
	})
}
