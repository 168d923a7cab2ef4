package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

const (
	ac   = "ac=air_conditioner_one_setpoint"
	dish = "dish=dish_washer_integrated"
)

func TestColdStart(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.start()
		for _, id := range []string{"ac", "dish"} {
			if got := h.availability(id); got != online {
				t.Errorf("availability of %s = %q", id, got)
			}
			if h.broker.last("homeassistant/device/thinq2mqtt_"+h.slug(id)+"/config") == "" {
				t.Errorf("%s is not announced", id)
			}
		}
		if got := h.state("ac", "target_temperature"); got != 21.0 {
			t.Errorf("target_temperature = %v, want 21", got)
		}
		if got := h.broker.last(base + "/bridge/state"); got != online {
			t.Errorf("bridge/state = %q", got)
		}
		want := []string{"event ac", "event dish", "lifecycle", "list", "profile ac", "profile dish", "push dish", "state ac", "state dish"}
		if got := slices.Sorted(slices.Values(h.cloud.made(""))); !slices.Equal(got, want) {
			t.Errorf("calls = %q, want %q", got, want)
		}
	})
}

// Two calls at a time, without a gap, the calls of the event connection
// included; appliances show up one after the other.
func TestColdStartIsPipelined(t *testing.T) {
	var names []string
	const n = 8
	for i := range n {
		names = append(names, fmt.Sprintf("dish%d=dish_washer_integrated", i))
	}
	inHome(t, names, func(h *home) {
		h.cloud.delay, h.cloud.setup = time.Second, 3
		h.run()
		h.after(5500 * time.Millisecond)
		if h.availability("dish0") != online {
			t.Error("the first appliance waits for the others")
		}
		h.after(time.Minute)
		calls := h.cloud.made("")
		lifecycle := slices.Index(calls, "lifecycle")
		if want := 4*n + 4; lifecycle != want {
			t.Fatalf("%d calls before that for lifecycle news, want %d: %q", lifecycle, want, calls)
		}
		took := h.cloud.at[lifecycle-1].Add(h.cloud.delay).Sub(h.cloud.at[0])
		if limit := time.Duration(1.3 * float64((lifecycle+1)/2) * float64(h.cloud.delay)); took > limit {
			t.Errorf("start took %v, want at most %v", took, limit)
		}
		if h.cloud.peak > flight {
			t.Errorf("%d calls at once", h.cloud.peak)
		}
		if wait := h.cloud.at[lifecycle].Sub(h.cloud.at[lifecycle-1]); wait < lifecycleDelay {
			t.Errorf("lifecycle news asked for after %v", wait)
		}
	})
}

func TestOrderOfAStart(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.runDown()
		h.after(30 * time.Second)
		h.broker.latency = 20 * time.Millisecond
		h.broker.connect()
		h.after(5 * time.Second)
		all := h.broker.keptTopics()
		place := func(topic string) int { return slices.Index(all, topic) }
		for _, id := range []string{"ac", "dish"} {
			announced, stated := place("homeassistant/device/thinq2mqtt_"+h.slug(id)+"/config"), place(h.topic(id, ""))
			available := place(h.topic(id, "/availability"))
			if announced < 0 || announced > stated || stated > available {
				t.Errorf("%s: announced %d, stated %d, available %d", id, announced, stated, available)
			}
		}
		if last := all[len(all)-1]; last != base+"/bridge/state" {
			t.Errorf("the last message is on %s", last)
		}
	})
}

// An appliance that is not connected is announced nevertheless, and comes back
// with its first report.
func TestStartWithoutConnection(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.cloud.fail("state ac", lgError("1222", 416))
		h.start()
		if h.availability("ac") != offline || h.availability("dish") != online {
			t.Errorf("availability: %q, %q", h.availability("ac"), h.availability("dish"))
		}
		if h.state("ac", "target_temperature") != nil {
			t.Error("a value is known that nobody reported")
		}
		h.cloud.report("ac", `{"temperature":{"targetTemperature":25}}`)
		h.after(time.Second)
		if h.availability("ac") != online || h.state("ac", "target_temperature") != 25.0 {
			t.Errorf("after the report: %q, %v", h.availability("ac"), h.state("ac", "target_temperature"))
		}
	})
}

// One appliance with a profile that makes no sense does not disturb the others.
func TestStartWithOneBadProfile(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.cloud.profiles["ac"] = []byte(`"no profile"`)
		h.start()
		if h.availability("dish") != online {
			t.Error("the other appliance is not there")
		}
		s, err := h.bridge.Snapshot(h.Context())
		if err != nil || len(s.Devices) != 2 || s.Devices[0].Problem == "" {
			t.Errorf("snapshot: %+v, %v", s.Devices, err)
		}
	})
}

// Every phase of a start that fails is tried again by itself.
func TestStartAgainstFaults(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		busy := lgError("", 502)
		for _, call := range []string{"list", "profile ac", "state ac", "event ac"} {
			h.cloud.fail(call, busy, busy, busy)
		}
		h.run()
		h.after(10 * time.Minute)
		if h.availability("ac") != online {
			t.Errorf("availability = %q after %q", h.availability("ac"), h.cloud.made(""))
		}
		if n := len(h.cloud.made("event ac")); n != 4 {
			t.Errorf("%d tries for events, want 4", n)
		}
	})
}

// LG may refuse to subscribe to an appliance for a reason that is over when it knows
// the appliance everywhere: it is asked again, the appliance stays available, and
// news of others are not held up.
func TestSubscriptionRefused(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		for _, call := range []string{"event ac", "event dish", "push dish"} {
			h.cloud.fail(call, slices.Repeat([]error{lgError("1205", 400)}, 4)...)
		}
		h.start()
		for range 40 {
			h.after(time.Minute)
			if h.availability("ac") != online || h.availability("dish") != online {
				t.Fatalf("available: %s, %s", h.availability("ac"), h.availability("dish"))
			}
		}
		if n := len(h.cloud.made("lifecycle")); n != 1 {
			t.Errorf("asked for news of appliances %d times in 40 minutes", n)
		}
		h.after(10 * time.Hour)
		h.after(time.Second)
		for _, call := range []string{"event ac", "event dish", "push dish"} {
			if n := len(h.cloud.made(call)); n != 5 {
				t.Errorf("%s asked for %d times, wanted four refusals and a success", call, n)
			}
		}
	})
}

// What changed between the first read and the begin of events was told to nobody: it
// is read.
func TestEventsBeginLate(t *testing.T) {
	cooling(t, func(h *home) {
		h.bridge.asks <- func() { h.bridge.devices["ac"].granted = time.Time{} }
		h.cloud.quietly("ac", `{"temperature":{"targetTemperature":25}}`)
		h.after(5 * time.Minute)
		h.bridge.asks <- func() { h.bridge.subscribeEvents(h.bridge.devices["ac"], time.Time{}) }
		h.after(time.Second)
		if got := h.state("ac", "target_temperature"); got != 25.0 {
			t.Errorf("target_temperature = %v when events begin", got)
		}
	})
}

// What LG never answers holds up no news of other appliances.
func TestNewsInSpiteOfOne(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.cloud.fail("state ac", slices.Repeat([]error{lgError("0000", 400)}, 100)...)
		h.start()
		h.after(2 * time.Hour)
		if n := len(h.cloud.made("lifecycle")); n != 1 {
			t.Errorf("asked for news of appliances %d times in two hours", n)
		}
		if n := len(h.cloud.made("state ac")); n > 8 {
			t.Errorf("%d reads in two hours", n)
		}
	})
}

func TestWarmStart(t *testing.T) {
	dir := t.TempDir()
	inHome(t, []string{ac, dish}, func(h *home) {
		store, err := OpenStore(dir)
		if err != nil {
			t.Fatal(err)
		}
		h.o.Store = store
		h.start()
		h.stop()
		h.cloud.forget()
		h.cloud.delay = 3 * time.Second
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		if h.o.Store, err = OpenStore(dir); err != nil {
			t.Fatal(err)
		}
		defer h.o.Store.Close()
		h.run()
		h.after(time.Second)
		for _, id := range []string{"ac", "dish"} {
			if h.broker.last("homeassistant/device/thinq2mqtt_"+h.slug(id)+"/config") == "" || h.availability(id) != offline {
				t.Errorf("%s: not announced from the cache, or available before it was heard of (%s)", id, h.availability(id))
			}
		}
		if got := h.state("ac", "target_temperature"); got != 21.0 {
			t.Errorf("target_temperature = %v", got)
		}
		h.after(time.Minute)
		if got := slices.Sorted(slices.Values(h.cloud.made(""))); !slices.Equal(got, []string{"list", "state ac", "state dish"}) {
			t.Errorf("calls = %q", got)
		}
		if h.availability("ac") != online {
			t.Error("still unavailable after its read")
		}
	})
}

// A start that is complete is saved at once: a crash soon after costs nothing.
func TestCrashSoonAfterStart(t *testing.T) {
	dir := t.TempDir()
	inHome(t, []string{ac, dish}, func(h *home) {
		h.o.Store = openStore(t, dir)
		h.cloud.delay = time.Second
		h.run()
		h.after(10 * time.Second)
		saved := h.o.Store.loadCache()
		if len(saved.Devices) != 2 || saved.Devices[1].Profile == nil || saved.Devices[1].Due["event"].IsZero() {
			t.Errorf("saved: %+v", saved)
		}
		h.stop()
		h.o.Store.Close()
	})
}

func TestStop(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.start()
		h.cloud.delay = 3 * time.Second
		h.set("ac", `{"air_con_operation_mode":"power_on","transaction":1}`)
		h.after(time.Second)
		h.set("ac", `{"target_temperature":25,"transaction":2}`)
		h.after(100 * time.Millisecond)
		begun := time.Now()
		h.stop()
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("stopping took %v", took)
		}
		if got := h.broker.last(base + "/bridge/state"); got != offline {
			t.Errorf("bridge/state = %q", got)
		}
		all := h.broker.keptTopics()
		if all[len(all)-1] != base+"/bridge/state" {
			t.Errorf("the last message is on %s", all[len(all)-1])
		}
		stages := h.stages("ac")
		if !slices.Contains(stages, "rejected:shutting_down") || !slices.Contains(stages, "unknown:shutting_down") {
			t.Errorf("stages = %q", stages)
		}
		if got := h.availability("ac"); got != online {
			t.Errorf("an orderly stop changed the availability to %q", got)
		}
	})
}

// A broker that is away keeps nobody from stopping.
func TestStopWithoutBroker(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.runDown()
		h.after(time.Minute)
		begun := time.Now()
		h.stop()
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("stopping took %v", took)
		}
	})
}

func TestStartOfAnIgnoredDevice(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.o.Discovery.Settings = ignoring("ac")
		h.start()
		h.set("ac", `{"air_con_operation_mode":"power_on"}`)
		h.after(time.Second)
		if calls := h.cloud.made(""); slices.ContainsFunc(calls, func(c string) bool { return strings.HasSuffix(c, " ac") }) {
			t.Errorf("calls for an ignored appliance: %q", calls)
		}
		if h.broker.last(h.topic("ac", "")) != "" {
			t.Error("an ignored appliance has a state")
		}
		if got := h.broker.last(base + "/bridge/devices"); !strings.Contains(got, `"ignored":true,"availability":"offline","last_seen":null,`) {
			t.Errorf("bridge/devices = %s", got)
		}
		if got := h.stages("ac"); !slices.Equal(got, []string{"rejected:ignored"}) {
			t.Errorf("stages = %q", got)
		}
	})
}

// What an earlier run announced of an appliance that is to be ignored since
// goes away.
func TestAnnouncementOfAnIgnoredDevice(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.o.Discovery.Settings = ignoring("ac")
		h.start()
		topic := "homeassistant/device/thinq2mqtt_" + h.slug("ac") + "/config"
		h.send(link.Message{Topic: topic, Retain: true, Payload: []byte(`{"origin":{"name":"thinq2mqtt"},"device":{"via_device":"` + h.o.Discovery.Instance + `"}}`)})
		h.after(time.Minute)
		for _, topic := range []string{topic, h.topic("ac", ""), h.topic("ac", "/availability")} {
			if got := h.broker.on(topic); len(got) != 1 || got[0] != "" {
				t.Errorf("%s = %q, want it cleared", topic, got)
			}
		}
	})
}

func ignoring(ids ...string) func(id, slug string) discovery.Settings {
	return func(id, _ string) discovery.Settings { return discovery.Settings{Ignore: slices.Contains(ids, id)} }
}
