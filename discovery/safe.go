package discovery

import (
	"slices"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// calm are the values by which something ends or pauses.
var calm = []any{"POWER_OFF", "OFF", "STOP", "PAUSE", "CANCEL", "HOMING", false}

// Safe reports whether calls of a wish lead to less: off, stop, pause, less heat.
// Nothing may stand in the way of those. What they leave as it is does not count.
func (d *Device) Safe(calls []thinq.State, now thinq.State) (safe bool) {
	for _, call := range calls {
		for path, v := range call {
			less := slices.Contains(calm, v) || d.cooler(path, v, now)
			if !less && now[path] != v {
				return false
			}
			safe = safe || less
		}
	}
	return safe
}

// Ends reports whether calls of a wish end what an appliance does, so that what
// was wished for before is pointless.
func (d *Device) Ends(calls []thinq.State) bool {
	for _, call := range calls {
		for path, v := range call {
			order := d.power == nil && strings.HasSuffix(path.Name, "perationMode") && slices.Contains(calm, v)
			if order || d.power != nil && path == d.power.path && v == any(d.power.off) {
				return true
			}
		}
	}
	return false
}

// cooler reports whether a value means less heat than there is, for a shorter
// time or at a lower level.
func (d *Device) cooler(path thinq.Path, v any, now thinq.State) bool {
	to, ok := v.(float64)
	from, known := now[path].(float64)
	stem, _ := split(path.Name)
	hot := stem == "remain" || path.Name == "powerLevel" || strings.HasSuffix(path.Name, "argetTemperature")
	return hot && ok && known && to <= from && (d.heater || heats(now))
}

// heats reports whether an appliance that can cool as well heats.
func heats(now thinq.State) bool {
	for path, v := range now {
		if path.Name == "currentJobMode" && v == any("HEAT") {
			return true
		}
	}
	return false
}
