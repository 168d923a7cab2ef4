package bridge

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

func TestReportIsPublishedAtOnce(t *testing.T) {
	cooling(t, func(h *home) {
		begun := time.Now()
		h.cloud.report("ac", `{"temperature":{"targetTemperature":24}}`)
		h.after(0)
		if got := h.broker.on(h.topic("ac", "")); len(got) != 1 {
			t.Fatalf("%d states published", len(got))
		}
		if wait := h.broker.stamps()[0].Sub(begun); wait != 0 {
			t.Errorf("published after %v", wait)
		}
		h.cloud.report("ac", `{"temperature":{"targetTemperature":24}}`)
		h.after(time.Second)
		if got := h.broker.on(h.topic("ac", "")); len(got) != 1 {
			t.Errorf("what did not change was published again: %d", len(got))
		}
	})
}

// With the broker away any number of reports make one payload, the newest.
func TestReportsCoalesceWithoutBroker(t *testing.T) {
	cooling(t, func(h *home) {
		h.broker.cut()
		for i := range 50 {
			h.cloud.report("ac", fmt.Sprintf(`{"temperature":{"targetTemperature":%d}}`, 17+i%14))
			h.after(time.Second)
		}
		h.broker.forget()
		h.broker.connect()
		h.after(5 * time.Second)
		if got := h.broker.on(h.topic("ac", "")); len(got) != 1 || h.state("ac", "target_temperature") != 24.0 {
			t.Errorf("%d payloads, target %v", len(got), h.state("ac", "target_temperature"))
		}
	})
}

// The answer of a read that began before a report is older than the report.
func TestOldReadNeverCoversReport(t *testing.T) {
	cooling(t, func(h *home) {
		h.cloud.quietly("ac", `{"airFlow":{"windStrength":"HIGH"}}`)
		h.cloud.delay = 5 * time.Second
		h.bridgeRequest("refresh", "")
		h.after(time.Second) // the answer is made, and on its way
		h.cloud.report("ac", `{"temperature":{"targetTemperature":24}}`)
		h.after(time.Minute)
		if got := h.state("ac", "target_temperature"); got != 24.0 {
			t.Errorf("target_temperature = %v: the read covered the report", got)
		}
		if got := h.state("ac", "wind_strength"); got != "high" {
			t.Errorf("wind_strength = %v: the rest of the read is lost", got)
		}
	})
}

// More events than fit make every appliance be read again.
func TestLostEventsAreMadeGood(t *testing.T) {
	cooling(t, func(h *home) {
		h.cloud.quietly("ac", `{"temperature":{"targetTemperature":29}}`)
		h.bridge.lost.Add(1)
		h.after(time.Minute)
		if got := h.cloud.made(""); !slices.Equal(got, []string{"state ac"}) {
			t.Errorf("calls = %q", got)
		}
		if h.state("ac", "target_temperature") != 29.0 {
			t.Error("the read was not applied")
		}
	})
}

func TestEventsNeverBlock(t *testing.T) {
	b := New(Options{Broker: &fakeBroker{}})
	for range 3 * eventBuffer {
		b.handle(thinq.Event{Kind: thinq.Report})
	}
	if got := b.lost.Load(); got != 2*eventBuffer {
		t.Errorf("%d events counted as lost, want %d", got, 2*eventBuffer)
	}
}

func TestNotice(t *testing.T) {
	inHome(t, []string{dish}, func(h *home) {
		h.start()
		topic := h.topic("dish", "/event/notification")
		notice := thinq.Event{Kind: thinq.Notice, Device: "dish", Code: "CLEANING_IS_COMPLETE"}
		h.cloud.handle(notice)
		h.cloud.handle(notice) // LG sends some twice
		h.after(time.Second)
		got := h.broker.on(topic)
		if len(got) != 1 || !strings.Contains(got[0], `"event_type":"cleaning_is_complete"`) || !strings.Contains(got[0], `"code":"CLEANING_IS_COMPLETE"`) {
			t.Fatalf("events = %q", got)
		}
		h.after(time.Minute)
		h.cloud.handle(notice)
		h.after(time.Second)
		if got := h.broker.on(topic); len(got) != 2 {
			t.Errorf("events = %q", got)
		}
		if h.broker.last(topic) != "" {
			t.Error("an event is retained")
		}
	})
}

// Many dishwashers leave the network with a minute to go: that was the end.
func TestGoneWithAMinuteToGo(t *testing.T) {
	inHome(t, []string{dish}, func(h *home) {
		h.start()
		h.cloud.report("dish", `{"runState":{"currentState":"DRYING"},"timer":{"remainHour":0,"remainMinute":20}}`)
		h.after(19 * time.Minute)
		h.cloud.report("dish", `{"timer":{"remainMinute":1}}`)
		h.after(time.Second)
		topic := h.topic("dish", "/event/cycle")
		before := len(h.broker.on(topic))
		for range 2 {
			h.cloud.fail("state dish", lgError("1222", 416))
			h.bridgeRequest("refresh", "")
			h.after(time.Minute)
		}
		got := h.broker.on(topic)[before:]
		if len(got) != 1 || !strings.Contains(got[0], `"event_type":"finished"`) || h.availability("dish") != offline {
			t.Errorf("events = %q, %s", got, h.availability("dish"))
		}
	})
}

// A code that the profile does not list is announced before its event.
func TestUnknownNotice(t *testing.T) {
	inHome(t, []string{dish}, func(h *home) {
		h.start()
		h.broker.forget()
		h.broker.latency = 10 * time.Millisecond
		h.cloud.handle(thinq.Event{Kind: thinq.Notice, Device: "dish", Code: "TABLET_IS_MISSING"})
		h.after(time.Second)
		announcement := "homeassistant/device/thinq2mqtt_" + h.slug("dish") + "/config"
		var order []string
		for _, m := range h.broker.log() {
			if m.Topic == announcement || strings.Contains(m.Topic, "/event/") {
				order = append(order, m.Topic)
			}
		}
		if want := []string{announcement, h.topic("dish", "/event/notification")}; !slices.Equal(order, want) {
			t.Fatalf("order = %q, want %q", order, want)
		}
		if !strings.Contains(h.broker.last(announcement), "tablet_is_missing") {
			t.Error("the new type is not announced")
		}
	})
}

// A word that the profile does not list passes, and is announced once.
func TestUnknownWord(t *testing.T) {
	cooling(t, func(h *home) {
		h.cloud.report("ac", `{"airFlow":{"windStrength":"TORNADO"}}`)
		h.after(time.Second)
		if h.state("ac", "wind_strength") != "tornado" {
			t.Errorf("wind_strength = %v", h.state("ac", "wind_strength"))
		}
		n := len(h.broker.on("homeassistant/device/thinq2mqtt_" + h.slug("ac") + "/config"))
		h.cloud.report("ac", `{"airFlow":{"windStrength":"LOW"}}`)
		h.cloud.report("ac", `{"airFlow":{"windStrength":"TORNADO"}}`)
		h.after(time.Second)
		if again := len(h.broker.on("homeassistant/device/thinq2mqtt_" + h.slug("ac") + "/config")); n > 1 || again > n+1 {
			t.Errorf("announced %d, then %d times", n, again)
		}
	})
}

// A word that the profile lacks is shown, and announced at once. Of an appliance
// that invents them all the time so many are listed, and announced once a minute.
func TestF088NewWords(t *testing.T) {
	cooling(t, func(h *home) {
		topic := "homeassistant/device/thinq2mqtt_" + h.slug("ac") + "/config"
		before := len(h.broker.on(topic))
		use := func(word string) {
			h.cloud.report("ac", `{"airFlow":{"windStrength":"`+word+`"}}`)
			h.after(2 * time.Second)
			if got := h.state("ac", "wind_strength"); got != strings.ToLower(word) {
				t.Fatalf("wind_strength = %v, want %s", got, word)
			}
		}
		use("TORNADO")
		if n := len(h.broker.on(topic)) - before; n != 1 || !strings.Contains(h.broker.last(topic), `"tornado"`) {
			t.Errorf("announced %d times: %s", n, h.broker.last(topic))
		}
		for i := range 300 {
			use(fmt.Sprint("GUST_", i))
		}
		h.after(time.Minute)
		if n := len(h.broker.on(topic)) - before; n < 5 || n > 12 {
			t.Errorf("announced %d times in ten minutes", n)
		}
		last := h.broker.last(topic)
		if n := strings.Count(last, `"gust_`); n < 90 || n > 2*100 {
			t.Errorf("%d words are listed", n)
		}
		for _, word := range []string{`"low"`, `"tornado"`, `"gust_299"`} {
			if !strings.Contains(last, word) {
				t.Errorf("%s is not listed", word)
			}
		}
	})
}

func TestF085NonsenseEvents(t *testing.T) {
	cooling(t, func(h *home) {
		for _, report := range []string{``, `null`, `[]`, `7`, `"x"`, `{"temperature":7}`, `{"temperature":{"targetTemperature":{"a":1}}}`} {
			h.cloud.handle(thinq.Event{Kind: thinq.Report, Device: "ac", Report: json.RawMessage(report)})
		}
		h.cloud.handle(thinq.Event{Kind: thinq.Notice, Device: "ac"})
		h.cloud.handle(thinq.Event{Kind: "SOMETHING_NEW", Device: "ac"})
		h.cloud.handle(thinq.Event{})
		h.after(time.Second)
		if h.state("ac", "target_temperature") != 21.0 || h.bridge.devices["ac"].panics != nil {
			t.Errorf("target_temperature = %v, panics %v", h.state("ac", "target_temperature"), h.bridge.devices["ac"].panics)
		}
	})
}

// Events of an appliance that nobody knows ask for the list once.
func TestF085StrangerAsksForList(t *testing.T) {
	cooling(t, func(h *home) {
		for range 20 {
			h.cloud.handle(thinq.Event{Kind: thinq.Report, Device: "nobody", Report: json.RawMessage(`{}`)})
			h.after(time.Second)
		}
		h.after(time.Minute)
		if got := h.cloud.made("list"); len(got) != 1 {
			t.Errorf("%d lists, want 1", len(got))
		}
	})
}

// A fault in the handling of one appliance leaves the rest alone; after five of
// them the appliance rests until the configuration is read again.
func TestF096FiveFaults(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.start()
		for range panicLimit {
			h.bridge.answers <- func() { h.bridge.guard(h.bridge.devices["ac"], func() { panic("boom") }) }
		}
		h.after(time.Second)
		if h.availability("ac") != offline || h.availability("dish") != online {
			t.Errorf("availability: %q, %q", h.availability("ac"), h.availability("dish"))
		}
		h.cloud.report("dish", `{"doorStatus":{"doorState":"OPEN"}}`)
		h.set("ac", `{"target_temperature":24}`)
		h.after(time.Second)
		h.wantStages("ac", "rejected:disabled")
		h.reconfigure(func(*discovery.Options) {})
		if h.availability("ac") != online {
			t.Errorf("availability = %q after a reload", h.availability("ac"))
		}
		h.obedient(time.Second)
		h.set("ac", `{"target_temperature":24}`)
		h.after(20 * time.Second)
		if got := h.stages("ac"); len(got) == 0 || got[len(got)-1] != "confirmed" {
			t.Errorf("stages = %q after a reload", got)
		}
	})
}

// bridgeRequest asks something of the bridge, and returns the last answer.
func (h *home) bridgeRequest(verb, payload string) string {
	h.Helper()
	h.send(linkMessage(base+"/bridge/request/"+verb, payload))
	h.after(0)
	answers := h.broker.on(base + "/bridge/response/" + verb)
	if len(answers) == 0 {
		return ""
	}
	return answers[len(answers)-1]
}
