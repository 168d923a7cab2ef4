package discovery

import (
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// The entities about the conversation with an appliance.
const (
	lastUpdateKey = "last_update"
	refreshKey    = "refresh"
)

// updateStep is how much later news must be to be shown as later. The time goes
// with documents that are published anyway; this keeps it from being one more
// value that Home Assistant records with each of them.
const updateStep = time.Minute

// conversation adds what every appliance has: when it last said something new,
// and a button that reads it. That it is still heard of though nothing changes,
// its connection says.
func (b *builder) conversation() {
	part := b.device.Part
	heard := derivedPath(part, "", "lastUpdate")
	b.device.memories = append(b.device.memories, func(now, changed, into thinq.State, at time.Time) {
		if isNews(part, changed) && isStale(now[heard], at) {
			into[heard] = stamp(at)
		}
	})
	b.put(Entity{
		Key: lastUpdateKey, Platform: Sensor, Name: "Last update", lasting: true,
		Config:   map[string]any{"device_class": "timestamp", "entity_category": diagnostic, "enabled_by_default": false},
		Bindings: []Binding{{Attr: lastUpdateKey, Codec: Codec{Show: showText(heard)}}},
	})
	b.put(Entity{
		Key: refreshKey, Platform: Button, Name: "Read again", lasting: true, reads: true,
		Config: map[string]any{"entity_category": config, "icon": "mdi:refresh", "enabled_by_default": false},
	})
}

// isNews reports whether a change is one that the appliance told.
func isNews(part string, changed thinq.State) bool {
	for p := range changed {
		if p.Resource != derived && p != lostPath && (p.Part == part || p.Part == "") {
			return true
		}
	}
	return false
}

// isStale reports whether a time that is shown is another minute than the
// present one; also where the clock was set back.
func isStale(shown any, at time.Time) bool {
	text, _ := shown.(string)
	then, err := time.Parse(time.RFC3339, text)
	return err != nil || at.Sub(then).Abs() >= updateStep
}
