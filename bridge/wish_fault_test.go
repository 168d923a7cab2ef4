package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

// However much comes at once, an appliance is told one thing at a time, and what
// is so already costs no call.
func TestF063OneAtATime(t *testing.T) {
	cooling(t, func(h *home) {
		h.cloud.delay = 400 * time.Millisecond
		h.obedient(100 * time.Millisecond)
		for i, attr := range []string{"target_temperature=25", "wind_strength=high", "current_job_mode=heat", "target_temperature=26", "wind_strength=low"} {
			name, value, _ := strings.Cut(attr, "=")
			h.set("ac", fmt.Sprintf(`{%q:%q,"transaction":%d}`, name, value, i))
			h.after(150 * time.Millisecond)
		}
		h.after(30 * time.Second)
		if h.cloud.peak != 1 {
			t.Errorf("%d calls at once", h.cloud.peak)
		}
		if h.state("ac", "target_temperature") != 26.0 || h.state("ac", "wind_strength") != "low" || h.state("ac", "current_job_mode") != "heat" {
			t.Errorf("target %v, fan %v, mode %v", h.state("ac", "target_temperature"), h.state("ac", "wind_strength"), h.state("ac", "current_job_mode"))
		}
		h.wantEachEnded("ac", 5)
		h.cloud.forget()
		h.set("ac", `{"wind_strength":"low"}`)
		h.after(time.Second)
		h.wantControls(0)
		if got := h.lastStage("ac"); got != confirmed {
			t.Errorf("what is so already: %s", got)
		}
	})
}

// A report that contradicts a command is what is shown, and the command does not
// end as confirmed for it.
func TestF065ContradictingReport(t *testing.T) {
	cooling(t, func(h *home) {
		h.set("ac", `{"target_temperature":24}`)
		h.after(time.Second)
		h.cloud.report("ac", `{"temperature":{"targetTemperature":19}}`)
		h.after(time.Second)
		if got := h.state("ac", "target_temperature"); got != 19.0 {
			t.Errorf("target_temperature = %v", got)
		}
		h.after(time.Minute)
		h.wantStages("ac", accepted, "unknown:not_shown")
	})
}

// When the appliance changes to another unit, it is shown and set in that.
func TestF070UnitSwitched(t *testing.T) {
	inHome(t, []string{"oven=oven_double"}, func(h *home) {
		h.o.Discovery.Settings = func(string, string) discovery.Settings { return discovery.Settings{RemoteStart: true} }
		h.start()
		config := "homeassistant/device/thinq2mqtt_" + h.slug("oven") + "/config"
		if got := h.broker.last(config); !strings.Contains(got, "°C") || strings.Contains(got, "°F") {
			t.Error("it is not in Celsius")
		}
		for _, place := range []string{"UPPER", "LOWER"} {
			h.cloud.report("oven", fmt.Sprintf(`[{"location":{"locationName":%q},"runState":{"currentState":"INITIAL"},"temperature":{"targetTemperature":350,"unit":"F"},"remoteControlEnable":{"remoteControlEnabled":true}}]`, place))
		}
		h.after(3 * time.Second)
		if got := h.broker.last(config); !strings.Contains(got, "°F") || strings.Contains(got, "°C") {
			t.Error("it is not in Fahrenheit")
		}
		h.cloud.forget()
		h.set("oven", `{"upper_target_temperature":402,"upper_start":"PRESS"}`)
		h.after(time.Second)
		if calls := h.cloud.made("control"); len(calls) != 1 || !strings.Contains(calls[0], `"unit":"F"`) {
			t.Errorf("calls = %q", calls)
		}
		h.set("oven", `{"upper_target_temperature":2000}`)
		h.after(time.Second)
		if got := h.stages("oven"); !slices.Contains(got, "rejected:out_of_range") {
			t.Errorf("stages = %q", got)
		}
	})
}
