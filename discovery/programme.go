package discovery

import (
	"math"
	"slices"
	"strconv"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// programme is the composite of everything that has programmes: running, phase,
// remaining time, finish time, progress, the cycle event and what is counted.
type programme struct {
	State  string // "runState.currentState"
	Timer  string // resource of the times: "timer"
	Count  string // LG's own counter: "cycle.cycleCount"
	Proven bool   // only where the words of the state are those of programmes
}

func (p programme) build(b *builder) {
	for _, location := range b.locations(p.State) {
		c := p.cycle(b, location)
		if p.Proven && !c.proven(b.find(p.State, location)) {
			continue
		}
		b.device.cycles = append(b.device.cycles, c)
		b.courseEntities(c, location)
		b.timeEntities(c, location)
		b.pastEntities(c, location, b.find(p.Count, location))
	}
}

// proven reports whether a run state is one of programmes as far as anybody
// knows.
func (c *cycle) proven(state *value) bool {
	return isProgramme(state.Property) || len(state.Read.Options) == 0 && c.remain != nil
}

func (p programme) cycle(b *builder, location string) *cycle {
	remembered := func(name string) thinq.Path { return derivedPath(b.device.Part, location, name) }
	return &cycle{
		event: locationKey(location) + "cycle",
		state: b.find(p.State, location).Path,
		phase: remembered("phase"), open: remembered("cycleOpen"), ended: remembered("cycleEnded"),
		left: remembered("left"), length: remembered("length"), finish: remembered("finishTime"),
		count: remembered("cycles"), last: remembered("lastFinished"),
		remain: b.timerOf(p.Timer, "remain", location), total: b.timerOf(p.Timer, "total", location),
		untilStart:  b.timerOf(p.Timer, "relativeToStart", location),
		untilFinish: b.timerOf(p.Timer, "relativeToStop", location),
	}
}

// timerOf collects the parts of a timer, nil if it has none.
func (b *builder) timerOf(resource, stem, location string) *timer {
	t := &timer{stem: stem, location: location, resource: resource}
	for _, v := range b.values {
		s, minutes := split(v.Path.Name)
		if s == stem && v.Path.Resource == resource && v.Path.Location == location {
			t.parts, t.minutes = append(t.parts, v), append(t.minutes, minutes)
		}
	}
	if len(t.parts) == 0 {
		return nil
	}
	return t
}

// computed adds an entity of a value that no single property has.
func (b *builder) computed(location, key, name string, platform Platform, conf map[string]any, show func([]byte, thinq.State) []byte) {
	key = locationKey(location) + key
	b.put(Entity{
		Key: key, Platform: platform, Name: b.named(location, name), Config: conf,
		Bindings: []Binding{{Attr: key, Codec: Codec{Show: show}}},
	})
}

// courseEntities adds what an appliance is about, and the event of every turn.
func (b *builder) courseEntities(c *cycle, location string) {
	b.computed(location, "running", "Running", BinarySensor,
		map[string]any{"device_class": "running", "payload_on": "True", "payload_off": "False"},
		showBool(func(s thinq.State) bool { return c.now(s) == active }))
	b.computed(location, "phase", "Phase", Sensor,
		map[string]any{"device_class": "enum", "options": phaseWords, "icon": "mdi:progress-wrench"},
		func(dst []byte, s thinq.State) []byte {
			if ph := c.now(s); ph != "" {
				return appendString(dst, string(ph))
			}
			return append(dst, "null"...)
		})
	b.put(Entity{
		Key: c.event, Platform: EventEntity, Name: b.named(location, "Cycle"),
		Config: map[string]any{
			"event_types": []string{"started", "paused", "resumed", "finished", "aborted", "error"},
			"icon":        "mdi:rotate-3d-variant",
		},
	})
}

// timeEntities adds the times of a programme. LG leaves old ones standing while
// an appliance is off, so they show only within a programme.
func (b *builder) timeEntities(c *cycle, location string) {
	if c.remain == nil {
		return
	}
	place := locationKey(location)
	b.computed(location, "remaining_minutes", "Remaining time", Sensor, c.remain.describe("mdi:timer-sand"), c.showMinutes(c.remain))
	b.computed(location, "finish_time", "Finishes at", Sensor, map[string]any{"device_class": "timestamp"}, showText(c.finish))
	b.consume(place+"remaining_minutes", c.remain.parts...)
	b.computed(location, "progress", "Progress", Sensor,
		map[string]any{"unit_of_measurement": "%", "icon": "mdi:progress-clock"}, c.showProgress)
	if c.total == nil {
		return
	}
	key := b.claimPath(thinq.Path{Resource: c.total.resource, Location: location}, "total")
	b.computed(location, key[len(place):], "Total time", Sensor, c.total.describe("mdi:timer-play-outline"), c.showMinutes(c.total))
	b.consume(key, c.total.parts...)
}

// pastEntities adds what is remembered of former programmes. LG's own counter
// also knows those from before the bridge.
func (b *builder) pastEntities(c *cycle, location string, counter *value) {
	b.computed(location, "last_finished", "Last finished", Sensor, map[string]any{"device_class": "timestamp"}, showText(c.last))
	if counter != nil {
		return
	}
	b.computed(location, "cycles", "Cycles", Sensor,
		map[string]any{"state_class": increasing, "icon": "mdi:counter", "entity_category": diagnostic}, showValue(c.count))
}

func (c *cycle) showMinutes(t *timer) func([]byte, thinq.State) []byte {
	return func(dst []byte, s thinq.State) []byte {
		if minutes, ok := t.readSet(s); ok && c.now(s).within() {
			return appendNumber(dst, minutes)
		}
		return append(dst, "null"...)
	}
}

// showProgress goes by LG's total, or where there is none by the longest
// remaining time of the programme.
func (c *cycle) showProgress(dst []byte, s thinq.State) []byte {
	ph := c.now(s)
	left, known := c.remain.read(s)
	total, isSet := c.total.readSet(s)
	if !isSet {
		total, _ = s[c.length].(float64)
	}
	switch {
	case ph == done || ph == care:
		return append(dst, "100"...)
	case (ph == active || ph == paused) && known && total > 0:
		return appendNumber(dst, math.Round(100*min(max(1-left/total, 0), 1)))
	}
	return append(dst, "null"...)
}

// preheating is the composite of what heats up first: whether it is hot and waits
// for the food.
type preheating struct{ State string }

func (h preheating) build(b *builder) {
	for _, location := range b.locations(h.State) {
		state := b.find(h.State, location).Path
		b.computed(location, "preheated", "Preheated", BinarySensor,
			map[string]any{"payload_on": "True", "payload_off": "False", "icon": "mdi:thermometer-check"},
			showBool(func(s thinq.State) bool {
				name, _ := s[state].(string)
				return phases[name] == ready
			}))
	}
}

// going is the composite of whether something goes on, of which LG has more words
// than yes and no.
type going struct{ Path, Word, Key, Name string }

func (g going) build(b *builder) {
	for _, location := range b.locations(g.Path) {
		v := b.find(g.Path, location)
		known := v.Read.Options
		if !v.Readable || !slices.Contains(known, any(g.Word)) {
			continue
		}
		b.computed(location, g.Key, g.Name, BinarySensor,
			map[string]any{"device_class": "running", "payload_on": "True", "payload_off": "False"},
			func(dst []byte, s thinq.State) []byte {
				if !slices.Contains(known, s[v.Path]) { // a word of which nobody knows what it says
					return append(dst, "null"...)
				}
				return strconv.AppendBool(dst, s[v.Path] == any(g.Word))
			})
	}
}
