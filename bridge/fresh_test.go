package bridge

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

const (
	remoteOff = `{"remoteControlEnable":{"remoteControlEnabled":false}}`
	doorOpen  = `{"doorStatus":{"doorState":"OPEN"}}`
	started   = `control dw {"operation":{"dishWasherOperationMode":"START"}}`
)

// rinsing is a home with a dishwasher that waits to be started.
func rinsing(t *testing.T, f func(h *home)) {
	t.Helper()
	inHome(t, []string{"dw=dish_washer_integrated"}, func(h *home) {
		h.cloud.quietly("dw", `{"runState":{"currentState":"INITIAL"}}`)
		h.start()
		h.cloud.obey = func(id string, _ []byte) { h.cloud.report(id, `{"runState":{"currentState":"RUNNING"}}`) }
		h.cloud.forget()
		h.broker.forget()
		f(h)
	})
}

// What the appliance forbids is refused before LG is asked, for a start only,
// and never on the ground of what it said long ago or not at all.
func TestS36Respect(t *testing.T) {
	tests := []struct {
		name, says, set, want string
	}{
		{"remote control off", remoteOff, `{"start":"PRESS"}`, "rejected:remote_off"},
		{"door open", doorOpen, `{"start":"PRESS"}`, "rejected:door_open"},
		{"nothing forbids", `{"doorStatus":{"doorState":"CLOSE"}}`, `{"start":"PRESS"}`, ""},
		{"an unknown word", `{"doorStatus":{"doorState":"AJAR"}}`, `{"start":"PRESS"}`, ""},
		{"off", remoteOff, `{"power_off":"PRESS"}`, ""},
		{"stop", doorOpen, `{"stop":"PRESS"}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rinsing(t, func(h *home) {
				h.cloud.report("dw", tt.says)
				h.after(time.Second)
				h.cloud.forget()
				h.set("dw", tt.set)
				h.after(time.Second)
				switch calls := h.cloud.made(""); {
				case tt.want != "":
					h.wantStages("dw", tt.want)
					if len(calls) > 0 {
						t.Errorf("calls = %q", calls)
					}
				case len(calls) == 0 || !strings.HasPrefix(calls[0], "control"):
					t.Errorf("calls = %q, stages %q", calls, h.stages("dw"))
				}
			})
		})
	}
}

// A start on what the appliance said more than 30 s ago costs one read first,
// which decides. Nothing else is read for.
func TestS37Fresh(t *testing.T) {
	const read = "state dw"
	tests := []struct {
		name    string
		waited  time.Duration
		is      string // what it is by now, unannounced
		set     string
		calls   []string
		last    string
		failing error
	}{
		{"just heard", 0, "", `{"start":"PRESS"}`, []string{started}, confirmed, nil},
		{"long ago", time.Minute, "", `{"start":"PRESS"}`, []string{read, started}, confirmed, nil},
		{"forbidden by now", time.Minute, remoteOff, `{"start":"PRESS"}`, []string{read}, "rejected:remote_off", nil},
		{"no longer forbidden", 0, "", `{"start":"PRESS"}`, nil, "", nil},
		{"a stop", time.Minute, "", `{"power_off":"PRESS"}`, []string{`control dw {"operation":{"dishWasherOperationMode":"POWER_OFF"}}`}, "", nil},
		{"LG away", time.Minute, "", `{"start":"PRESS"}`, []string{read}, "rejected:unreachable", errors.New("connection refused")},
		{"LG refuses", time.Minute, "", `{"start":"PRESS"}`, []string{read}, "rejected:rate_limited", lgError("1314", 401)},
		{"not connected", time.Minute, "", `{"start":"PRESS"}`, []string{read}, "rejected:offline", lgError("1222", 416)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rinsing(t, func(h *home) {
				h.cloud.report("dw", `{"runState":{"currentState":"INITIAL"}}`)
				if tt.calls == nil { // what was forbidden is looked at again
					h.cloud.report("dw", remoteOff)
					h.cloud.quietly("dw", `{"remoteControlEnable":{"remoteControlEnabled":true}}`)
					tt.waited, tt.calls, tt.last = time.Minute, []string{read, started}, confirmed
				}
				h.after(tt.waited)
				if tt.is != "" {
					h.cloud.quietly("dw", tt.is)
				}
				if tt.failing != nil {
					h.cloud.fail(read, tt.failing)
				}
				h.cloud.forget()
				h.set("dw", tt.set)
				h.after(time.Second)
				if got := h.cloud.made(""); !slices.Equal(got, tt.calls) {
					t.Errorf("calls = %q, want %q", got, tt.calls)
				}
				if got := h.lastStage("dw"); tt.last != "" && got != tt.last {
					t.Errorf("stage = %s, want %s", got, tt.last)
				}
			})
		})
	}
}

// What makes a zone hotter on what was said more than 30 s ago costs one read first,
// which decides; less heat does not wait for it.
func TestS37MoreHeat(t *testing.T) {
	const (
		zone  = `[{"location":{"locationName":"LEFT_REAR"},"cookingZone":{"currentState":%q},"power":{"powerLevel":5},"remoteControlEnable":{"remoteControlEnabled":true}}]`
		read  = "state hob"
		power = "control hob "
	)
	tests := []struct {
		name   string
		waited time.Duration
		is     string // by now, unannounced
		level  int
		calls  []string // as they begin
		last   string
	}{
		{"just heard", 0, "COOKING_IN_PROGRESS", 9, []string{power}, ""},
		{"long ago", 20 * time.Minute, "COOKING_IN_PROGRESS", 9, []string{read, power}, ""},
		{"out by now", 20 * time.Minute, "INITIAL", 9, []string{read}, "rejected:wrong_state"},
		{"less", 20 * time.Minute, "COOKING_IN_PROGRESS", 3, []string{power}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inHome(t, []string{"hob=cooktop_induction"}, func(h *home) {
				h.o.Discovery.Settings = func(string, string) discovery.Settings { return discovery.Settings{RemoteStart: true} }
				h.start()
				h.cloud.report("hob", fmt.Sprintf(zone, "COOKING_IN_PROGRESS"))
				h.after(tt.waited)
				h.cloud.change(func() { h.cloud.states["hob"] = fmt.Appendf(nil, zone, tt.is) })
				h.cloud.forget()
				h.set("hob", fmt.Sprintf(`{"left_rear_power_level":%d}`, tt.level))
				h.after(time.Second)
				calls := h.cloud.made("")
				if !slices.EqualFunc(calls, tt.calls, strings.HasPrefix) {
					t.Errorf("calls = %q, want %q; stages %q", calls, tt.calls, h.stages("hob"))
				}
				if got := h.lastStage("hob"); tt.last != "" && got != tt.last {
					t.Errorf("stage = %s, want %s", got, tt.last)
				}
			})
		})
	}
}

// An ordinary wish is not read for, however long ago the appliance was heard.
func TestS37OrdinaryWish(t *testing.T) {
	cooling(t, func(h *home) {
		h.after(20 * time.Minute)
		h.cloud.forget()
		h.set("ac", `{"target_temperature":24}`)
		h.after(time.Second)
		h.wantControls(1)
		if calls := h.cloud.made(""); len(calls) != 1 {
			t.Errorf("calls = %q", calls)
		}
	})
}

// A read that hangs ends the start within its life, and a stop that comes
// meanwhile is made at once and is the end of it.
func TestS37ReadHangs(t *testing.T) {
	rinsing(t, func(h *home) {
		h.after(time.Minute)
		h.cloud.delay = 14 * time.Second
		h.set("dw", `{"start":"PRESS"}`)
		h.after(commandLife)
		h.wantStages("dw", "rejected:not_fresh")
		h.after(time.Minute)
		h.broker.forget()
		h.set("dw", `{"start":"PRESS"}`)
		h.after(time.Second)
		h.cloud.delay = 0
		h.set("dw", `{"power_off":"PRESS"}`)
		h.after(time.Second)
		if got := h.stages("dw"); len(got) < 2 || got[0] != "superseded:superseded" || got[1] != accepted {
			t.Errorf("stages = %q", got)
		}
		h.after(time.Minute)
		if n := len(h.cloud.made(started)); n > 0 {
			t.Errorf("started %d times", n)
		}
	})
}

// Signed out, a start is not even read for.
func TestS37SignedOut(t *testing.T) {
	rinsing(t, func(h *home) {
		h.after(time.Minute)
		h.cloud.fail("*", lgError("1218", 401))
		h.set("dw", `{"start":"PRESS"}`)
		h.after(time.Second)
		h.wantStages("dw", "rejected:"+condAuth)
		h.cloud.forget()
		h.set("dw", `{"start":"PRESS"}`)
		h.after(time.Second)
		if calls := h.cloud.made(""); len(calls) > 0 {
			t.Errorf("calls = %q", calls)
		}
	})
}
