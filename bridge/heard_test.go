package bridge

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
)

// When an appliance was last heard goes with the document that is published
// anyway, and is no reason to publish one.
func TestLastUpdateGoesAlong(t *testing.T) {
	cooling(t, func(h *home) {
		before := h.state("ac", "last_update")
		h.after(10 * time.Minute)
		h.cloud.report("ac", `{"temperature":{"targetTemperature":24}}`)
		h.after(0)
		heard := time.Now()
		if got, want := h.state("ac", "last_update"), heard.UTC().Format(time.RFC3339); got != want || got == before {
			t.Errorf("last_update = %v, want %s", got, want)
		}
		h.broker.forget()
		h.after(10 * time.Minute)
		h.cloud.report("ac", `{"temperature":{"targetTemperature":24}}`)
		h.after(time.Second)
		if got := h.broker.on(h.topic("ac", "")); len(got) != 0 {
			t.Errorf("published without news: %q", got)
		}
		if h.availability("ac") != online {
			t.Error("what is heard of is not available")
		}
	})
}

// The button of an appliance reads it, the one of the bridge all of them.
func TestReadAgain(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.start()
		for _, test := range []struct {
			device string
			button string
			calls  []string
		}{
			{"thinq2mqtt_" + h.slug("ac"), "refresh", []string{"state ac"}},
			{"thinq2mqtt_bridge_0badcafe", "refresh", []string{"state ac", "state dish"}},
		} {
			h.after(10 * time.Minute)
			h.cloud.forget()
			var message struct {
				Components map[string]struct {
					Topic   string `json:"command_topic"`
					Payload string `json:"payload_press"`
				}
			}
			if err := json.Unmarshal([]byte(h.broker.last("homeassistant/device/"+test.device+"/config")), &message); err != nil {
				t.Fatal(err)
			}
			button := message.Components[test.button]
			h.send(link.Message{Topic: button.Topic, Payload: []byte(button.Payload)})
			h.after(20 * time.Second)
			if got := slices.Sorted(slices.Values(h.cloud.made(""))); !slices.Equal(got, test.calls) {
				t.Errorf("%s: calls %q, want %q", test.device, got, test.calls)
			}
		}
	})
}
