package bridge

import (
	"strings"
	"testing"
	"time"
)

// events are the payloads of all events of an appliance so far.
func (h *home) events(id string) (all []string) {
	h.Helper()
	for _, m := range h.broker.log() {
		if strings.HasPrefix(m.Topic, h.topic(id, "/event/")) {
			all = append(all, strings.TrimPrefix(m.Topic, h.topic(id, "/event/"))+" "+string(m.Payload))
		}
	}
	return all
}

// An appliance that LG calls not connected is unavailable, and back with the next
// thing it says, also if that is nothing new.
func TestUnreachableUntilItSpeaks(t *testing.T) {
	cooling(t, func(h *home) {
		h.cloud.fail("state ac", lgError("1222", 416))
		h.bridgeRequest("refresh", "ac")
		h.after(time.Second)
		if h.availability("ac") != offline {
			t.Fatalf("availability = %s", h.availability("ac"))
		}
		if h.state("ac", "target_temperature") != 21.0 {
			t.Error("the last state is lost")
		}
		h.cloud.quietly("ac", `{"temperature":{"targetTemperature":25}}`)
		h.cloud.report("ac", `{"temperature":{"currentTemperature":23}}`)
		h.after(time.Second)
		if h.availability("ac") != online || h.state("ac", "target_temperature") != 25.0 {
			t.Errorf("availability = %s after a report, set to %v", h.availability("ac"), h.state("ac", "target_temperature"))
		}
	})
}

// What was so when the bridge came is no event: not of the first state, not of
// one that is read again after a restart, not of what changed while nobody
// watched.
func TestF083FirstStateIsNoEvent(t *testing.T) {
	dir := t.TempDir()
	inHome(t, []string{dish}, func(h *home) {
		h.o.Store = openStore(t, dir)
		h.cloud.quietly("dish", `{"runState":{"currentState":"RUNNING"}}`)
		h.cloud.states["dish"] = withError(h.cloud.states["dish"], "DOOR_OPEN_ERROR")
		h.start()
		h.after(5 * time.Minute)
		if got := h.events("dish"); len(got) != 0 {
			t.Errorf("of the first state: %q", got)
		}
		if h.state("dish", "problem") != true {
			t.Error("the error is not shown")
		}
		h.stop()
		h.cloud.quietly("dish", `{"runState":{"currentState":"END"}}`)
		h.cloud.states["dish"] = withError(h.cloud.states["dish"], "WATER_LEAKS_ERROR")
		h.start()
		h.after(5 * time.Minute)
		if got := h.events("dish"); len(got) != 0 {
			t.Errorf("after a restart: %q", got)
		}
		h.stop()
		h.o.Store.Close()
	})
}

func withError(state []byte, code string) []byte {
	return []byte(strings.Replace(string(state), "{", `{"error":"`+code+`",`, 1))
}

// The error event comes when the error changes, and only then: a report that
// does not mention it, or says it again, is none.
func TestErrorEventOnlyOnChange(t *testing.T) {
	inHome(t, []string{dish}, func(h *home) {
		h.start()
		for _, step := range []struct {
			report string
			want   int
		}{
			{`{"error":"DOOR_OPEN_ERROR"}`, 1},
			{`{"error":"DOOR_OPEN_ERROR"}`, 1},
			{`{"doorStatus":{"doorState":"OPEN"}}`, 1},
			{`{"error":"DOOR_OPEN_ERROR"}`, 1},
			{`{"error":"WATER_LEAKS_ERROR"}`, 2},
			{`{"error":null}`, 2},
			{`{"error":"WATER_LEAKS_ERROR"}`, 3},
		} {
			h.cloud.report("dish", step.report)
			h.after(time.Minute)
			if got := h.broker.on(h.topic("dish", "/event/error")); len(got) != step.want {
				t.Errorf("after %s: %q", step.report, got)
			}
		}
	})
}

// After a command the state stays as it was until the appliance says that it is
// another one.
func TestF065OldStateUntilTheReport(t *testing.T) {
	cooling(t, func(h *home) {
		h.set("ac", `{"target_temperature":24}`)
		h.after(time.Second)
		h.wantStages("ac", "accepted")
		if got := h.state("ac", "target_temperature"); got != 21.0 {
			t.Errorf("target_temperature = %v before the report", got)
		}
		h.cloud.report("ac", `{"temperature":{"targetTemperature":24}}`)
		h.after(0)
		if got := h.state("ac", "target_temperature"); got != 24.0 {
			t.Errorf("target_temperature = %v after the report", got)
		}
		h.wantStages("ac", "accepted", "confirmed")
	})
}

// While the events live nothing is polled but the reconciling read.
func TestNoPolling(t *testing.T) {
	cooling(t, func(h *home) {
		for range 29 {
			h.after(time.Minute)
			h.cloud.report("ac", `{"temperature":{"targetTemperature":21}}`)
		}
		if got := h.cloud.made("state"); len(got) > 1 {
			t.Errorf("%d reads in half an hour", len(got))
		}
	})
}
