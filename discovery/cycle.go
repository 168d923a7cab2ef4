package discovery

import (
	"math"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A phase is what an appliance with programmes is about, whatever its words.
type phase string

const (
	idle    phase = "idle"
	waiting phase = "waiting" // for a delayed start
	active  phase = "active"
	paused  phase = "paused"
	done    phase = "done"
	failed  phase = "failed"
)

// phases are the words of run states. A word that is not here changes nothing.
var phases = phaseTable(map[phase][]string{
	idle:    {"POWER_OFF", "INITIAL", "SLEEP", "STANDBY", "PREFERENCE", "FROZEN_PREVENT_INITIAL", "LOCK", "CHARGING", "CHARGING_COMPLETE", "HOMING", "CANCEL"},
	waiting: {"RESERVED", "RESERVATION"},
	active: {
		"DETECTING", "SOAKING", "RUNNING", "RINSING", "SPINNING", "DRYING", "COOL_DOWN", "COOLING", "PREWASH", "REFRESHING",
		"STEAM_SOFTENING", "DISPENSING", "PROOFING", "SHOES_MODULE", "SMART_GRID_RUN", "CHECKING_TURBIDITY", "CHANGE_CONDITION",
		"DISPLAY_LOADSIZE", "SOFTENING", "ADD_DRAIN", "DETERGENT_AMOUNT", "FROZEN_PREVENT_RUNNING", "PRESTEAM", "PREHEAT",
		"STEAM", "STAY", "STERILIZE", "NIGHT_DRY", "COOKING_IN_PROGRESS", "PREHEATING", "CLEANING", "COOK", "WORKING", "MACROSECTOR",
	},
	paused: {"PAUSE", "PAUSED", "RINSE_HOLD", "FROZEN_PREVENT_PAUSE"},
	done: {
		"END", "COMPLETE", "DONE", "RUNNING_END", "COOK_COMPLETE", "CLEANING_IS_DONE", "WRINKLE_CARE", "END_COOLING",
	},
	failed: {"ERROR"},
})

func phaseTable(words map[phase][]string) map[string]phase {
	table := map[string]phase{}
	for ph, list := range words {
		for _, w := range list {
			table[w] = ph
		}
	}
	return table
}

// almostDone is how many minutes may be left when an appliance that vanishes
// from its programme has finished it: many switch off with a minute to go.
const almostDone = 2

// jitter is by how much a newly computed end may differ from the shown one
// before it moves.
const jitter = 60 * time.Second

// Names of remembered values.
const (
	memoryPhase  = "phase"
	memoryLeft   = "left"
	memoryFinish = "finishTime"
)

// A cycle follows the programmes of one place of an appliance.
type cycle struct {
	event                   string // key of the event entity
	state                   thinq.Path
	phase, left, finish     thinq.Path // remembered
	remain, total           *timer
	untilStart, untilFinish *timer
}

// programme is the composite of everything that has programmes: running,
// remaining time, finish time, progress and the cycle event.
type programme struct {
	State string // "runState.currentState"
	Timer string // resource of the times: "timer"
}

func (p programme) build(b *builder) {
	for _, location := range b.locations(p.State) {
		c := p.cycle(b, location)
		if c.remain == nil {
			continue
		}
		b.device.cycles = append(b.device.cycles, c)
		b.cycleEntities(c, location)
	}
}

func (p programme) cycle(b *builder, location string) *cycle {
	part := b.device.Part
	return &cycle{
		event:  locationKey(location) + "cycle",
		state:  b.find(p.State, location).Path,
		phase:  derivedPath(part, location, memoryPhase),
		left:   derivedPath(part, location, memoryLeft),
		finish: derivedPath(part, location, memoryFinish),
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

// cycleEntities adds what people ask of a programme. LG leaves old times
// standing while an appliance is off, so they show only within a programme.
func (b *builder) cycleEntities(c *cycle, location string) {
	place := locationKey(location)
	add := func(key, name string, platform Platform, conf map[string]any, show func([]byte, thinq.State) []byte) {
		b.put(Entity{
			Key: place + key, Platform: platform, Name: b.named(location, name), Config: conf,
			Bindings: []Binding{{Attr: place + key, Codec: Codec{Show: show}}},
		})
	}
	add("running", "Running", BinarySensor,
		map[string]any{"device_class": "running", "payload_on": "True", "payload_off": "False"},
		showBool(func(s thinq.State) bool { return c.now(s) == active }))
	add("remaining_minutes", "Remaining time", Sensor,
		c.remain.describe("mdi:timer-sand"), c.showMinutes(c.remain))
	add("finish_time", "Finishes at", Sensor,
		map[string]any{"device_class": "timestamp"}, showText(c.finish))
	b.consume(place+"remaining_minutes", c.remain.parts...)
	if c.total != nil {
		key := b.claimPath(thinq.Path{Resource: c.total.resource, Location: location}, "total")
		add(key[len(place):], "Total time", Sensor,
			c.total.describe("mdi:timer-play-outline"), c.showMinutes(c.total))
		b.consume(key, c.total.parts...)
		add("progress", "Progress", Sensor,
			map[string]any{"unit_of_measurement": "%", "icon": "mdi:progress-clock"}, c.showProgress)
	}
	b.put(Entity{
		Key: c.event, Platform: EventEntity, Name: b.named(location, "Cycle"),
		Config: map[string]any{
			"event_types": []string{"started", "paused", "resumed", "finished", "aborted", "error"},
			"icon":        "mdi:rotate-3d-variant",
		},
	})
}

// now is the phase of a state; for a word that is in no list, the last one.
func (c *cycle) now(s thinq.State) phase {
	name, _ := s[c.state].(string)
	if ph, ok := phases[name]; ok {
		return ph
	}
	remembered, _ := s[c.phase].(string)
	return phase(remembered)
}

// within reports whether times mean something.
func within(ph phase) bool { return ph == active || ph == paused || ph == waiting }

func (c *cycle) showMinutes(t *timer) func([]byte, thinq.State) []byte {
	return func(dst []byte, s thinq.State) []byte {
		if minutes, ok := t.read(s); ok && minutes > 0 && within(c.now(s)) {
			return appendNumber(dst, minutes)
		}
		return append(dst, "null"...)
	}
}

func (c *cycle) showProgress(dst []byte, s thinq.State) []byte {
	ph := c.now(s)
	left, okLeft := c.remain.read(s)
	total, okTotal := c.total.read(s)
	switch {
	case ph == done:
		return append(dst, "100"...)
	case (ph == active || ph == paused) && okLeft && okTotal && total > 0:
		return appendNumber(dst, math.Round(100*min(max(1-left/total, 0), 1)))
	}
	return append(dst, "null"...)
}

// Advance derives what LG does not say but people want to know from a change at
// a time: when a programme ends, the events of its course, a temperature that
// was reported in the other unit only. now is the state with the change already
// in it; a notification is a change too, see [Notice]. Derived values are values of the state like all others and are to be
// merged into it; most are under the resource "derived" and are part of later
// calls' now. The result is nil if nothing is new. Events are in order.
func (d *Device) Advance(now, changed thinq.State, at time.Time) (derived thinq.State, events []Event) {
	into := thinq.State{}
	d.otherUnit(changed, into)
	d.learnWords(changed, into)
	events = slices.Concat(d.noticed(changed, into), d.failures(changed, into))
	for _, c := range d.cycles {
		if e, ok := c.advance(now, into, at); ok {
			events = append(events, e)
		}
	}
	for _, remember := range d.memories {
		remember(now, changed, into, at)
	}
	d.tick(now, into, at)
	return news(now, into), events
}

// advance remembers the phase and says what happened. The first look at an
// appliance is no event: nothing has happened, it was so.
func (c *cycle) advance(now, into thinq.State, at time.Time) (Event, bool) {
	remembered, _ := now[c.phase].(string)
	before, ph := phase(remembered), c.now(now)
	into[c.phase] = nil
	if ph != "" {
		into[c.phase] = string(ph)
	}
	into[c.finish] = c.finishAt(now, ph, at)
	last, known := now[c.left].(float64)
	if left, ok := c.remain.read(now); ok && (ph == active || ph == paused) {
		into[c.left] = left
	}
	kind := happened(before, ph, known && last <= almostDone)
	return Event{Key: c.event, Type: kind}, kind != ""
}

// A turn is a change of phase.
type turn struct{ from, to phase }

// turns are the changes that have a name; every other one has none.
var turns = map[turn]string{
	{idle, active}: "started", {waiting, active}: "started", {done, active}: "started",
	{active, paused}: "paused",
	{paused, active}: "resumed", {failed, active}: "resumed",
	{active, done}: "finished", {paused, done}: "finished",
	{active, failed}: "error", {paused, failed}: "error",
}

func happened(before, now phase, wasAlmostDone bool) string {
	if now == idle && (before == active || before == paused) {
		if wasAlmostDone {
			return "finished"
		}
		return "aborted"
	}
	return turns[turn{before, now}]
}

// finishAt is when the programme will end, nil if nobody knows: as shown before
// unless it has moved by more than the jitter.
func (c *cycle) finishAt(now thinq.State, ph phase, at time.Time) any {
	shown, _ := now[c.finish].(string)
	minutes, ok := c.untilEnd(now, ph)
	if !ok {
		return nil
	}
	if minutes == 0 { // the last minute, or a machine that still weighs
		if shown == "" {
			return nil
		}
		return shown
	}
	end := at.Add(time.Duration(minutes * float64(time.Minute)))
	if old, err := time.Parse(time.RFC3339, shown); err == nil && end.Sub(old).Abs() <= jitter {
		return shown
	}
	return stamp(end)
}

// untilEnd is the time to the end in minutes.
func (c *cycle) untilEnd(now thinq.State, ph phase) (float64, bool) {
	left, ok := c.remain.read(now)
	switch ph {
	case active:
		return left, ok
	case waiting:
		if stop, ok := c.untilFinish.readSet(now); ok {
			return stop, true
		}
		start, okStart := c.untilStart.readSet(now)
		return start + left, okStart && ok
	}
	return 0, false
}

// readSet reads a timer that may not be there; 0 means that it is not set.
func (t *timer) readSet(s thinq.State) (float64, bool) {
	if t == nil {
		return 0, false
	}
	minutes, ok := t.read(s)
	return minutes, ok && minutes > 0
}
