package bridge

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

const tank = "tank=dehumidifier_cellar"

// What LG tells once is shown until the time is over, also if the bridge is
// started again meanwhile.
func TestLatchEndsByItself(t *testing.T) {
	dir := t.TempDir()
	inHome(t, []string{tank}, func(h *home) {
		h.o.Store = openStore(t, dir)
		h.start()
		h.cloud.handle(thinq.Event{Kind: thinq.Notice, Device: "tank", Code: "WATER_IS_FULL"})
		h.after(50 * time.Minute)
		if got := h.state("tank", "tank_full"); got != true {
			t.Fatalf("tank_full = %v", got)
		}
		h.stop()
		h.o.Store.Close()
		h.o.Store = openStore(t, dir)
		h.start()
		if got := h.state("tank", "tank_full"); got != true {
			t.Errorf("tank_full = %v after a restart", got)
		}
		if got := h.broker.on(h.topic("tank", "/event/notification")); len(got) != 0 {
			t.Errorf("told again after a restart: %q", got)
		}
		h.after(11 * time.Minute)
		if got := h.state("tank", "tank_full"); got != false {
			t.Errorf("tank_full = %v after an hour", got)
		}
		h.stop()
		h.o.Store.Close()
	})
}

// A button ends it without a call to LG.
func TestLatchReset(t *testing.T) {
	inHome(t, []string{tank}, func(h *home) {
		h.start()
		h.cloud.handle(thinq.Event{Kind: thinq.Notice, Device: "tank", Code: "WATER_IS_FULL"})
		h.after(time.Second)
		h.cloud.forget()
		h.set("tank", `{"tank_full_reset":"PRESS"}`)
		h.after(time.Second)
		if got := h.state("tank", "tank_full"); got != false {
			t.Errorf("tank_full = %v", got)
		}
		h.wantStages("tank", "confirmed")
		if calls := h.cloud.made(""); len(calls) != 0 {
			t.Errorf("calls = %q", calls)
		}
	})
}

// A report that does not mention an error leaves it, a whole state ends it. A report
// of how the appliance runs, and no error, has it read.
func TestErrorEnds(t *testing.T) {
	inHome(t, []string{dish}, func(h *home) {
		h.start()
		told := func(report string) {
			h.cloud.handle(thinq.Event{Kind: thinq.Report, Device: "dish", Report: json.RawMessage(report)})
		}
		told(`{"error":"WATER_SUPPLY_ERROR"}`)
		h.after(time.Second)
		for _, report := range []string{`{"doorStatus":{"doorState":"OPEN"}}`, `{"runState":{"currentState":"ERROR"}}`} {
			told(report)
			h.after(time.Second)
			if got := h.state("dish", "problem"); got != true {
				t.Fatalf("problem = %v after %s", got, report)
			}
		}
		told(`{"runState":{"currentState":"RUNNING"}}`)
		h.after(time.Second)
		if got := []any{h.state("dish", "problem"), h.state("dish", "error_code")}; !slices.Equal(got, []any{false, "no_error"}) {
			t.Errorf("problem, error_code = %v", got)
		}
		if got := h.broker.on(h.topic("dish", "/event/error")); len(got) != 1 {
			t.Errorf("events = %q", got)
		}
	})
}

// What LG tells before an appliance was ever read lasts as well: the event comes
// at once and once, the rest with the first state.
func TestLatchBeforeTheFirstRead(t *testing.T) {
	inHome(t, nil, func(h *home) {
		h.start()
		h.add(tank)
		h.cloud.quietly("tank", `{"operation":{"dehumidifierOperationMode":"POWER_ON"}}`)
		for range 3 {
			h.cloud.fail("state tank", lgError("2212", 500))
		}
		h.bridgeRequest("discover", "{}")
		h.after(5 * time.Second)
		if h.bridge.devices["tank"].profile == nil || h.bridge.devices["tank"].state != nil {
			t.Fatal("the appliance is not between its profile and its state")
		}
		for _, code := range []string{"WATER_IS_FULL", "NEVER_HEARD_OF"} {
			h.cloud.handle(thinq.Event{Kind: thinq.Notice, Device: "tank", Code: code})
		}
		h.after(2 * time.Second)
		events := len(h.broker.on(h.topic("tank", "/event/notification")))
		h.after(20 * time.Minute)
		if got := h.state("tank", "tank_full"); got != true {
			t.Errorf("tank_full = %v", got)
		}
		if got := h.broker.last("homeassistant/device/thinq2mqtt_" + h.slug("tank") + "/config"); !strings.Contains(got, "never_heard_of") {
			t.Error("a code that was heard is not announced")
		}
		if got := h.broker.on(h.topic("tank", "/event/notification")); events != 2 || len(got) != events {
			t.Errorf("%d events, then %q", events, got)
		}
	})
}
