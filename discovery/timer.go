package discovery

import (
	"math"
	"slices"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A timer is a time that LG spells as several properties: relativeHourToStop
// and relativeMinuteToStop.
type timer struct {
	stem     string // relativeToStop
	parts    []*value
	minutes  []float64 // what one of each part is
	clear    *value    // the word property that switches it off by UNSET; nil if there is none
	location string
	resource string
}

// split takes the time unit out of a property's name.
func split(name string) (stem string, minutes float64) {
	for _, u := range timeUnits {
		if before, after, ok := strings.Cut(name, u.name); ok && before != "" {
			return before + after, u.minutes
		}
	}
	return "", 0
}

// inUnit is the name of a part of a timer with another time unit.
func inUnit(name, unit string) string {
	for _, u := range timeUnits {
		if before, after, ok := strings.Cut(name, u.name); ok && before != "" {
			return before + unit + after
		}
	}
	return name
}

// timers makes one entity of the parts of each timer that no composite has
// taken. The parts keep their own attributes.
func (b *builder) timers() {
	var all []*timer
	type place struct {
		thinq.Path
		alien bool // what only the state has never changes what the profile makes
	}
	found := map[place]*timer{}
	for _, v := range b.values {
		stem, minutes := split(v.Path.Name)
		if stem == "" || !isNumeric(v.Property) || v.row.Hidden != "" {
			continue
		}
		at := place{thinq.Path{Resource: v.Path.Resource, Location: v.Path.Location, Name: stem}, v.alien}
		t := found[at]
		if t == nil {
			t = &timer{stem: stem, location: v.Path.Location, resource: v.Path.Resource}
			found[at] = t
			all = append(all, t)
		}
		t.parts, t.minutes = append(t.parts, v), append(t.minutes, minutes)
	}
	for _, t := range all {
		if t.clear = b.clearing(t.resource, t.stem, t.location); t.clear != nil {
			b.device.flags = append(b.device.flags, t)
		}
		switch {
		case t.parts[0].shown != "":
		case len(t.parts) > 1:
			b.timer(t)
		default:
			b.single(t)
		}
	}
}

// timer adds the entity of one timer. What can be set as a whole swallows its
// parts; otherwise a part that can be set alone keeps its own entity.
func (b *builder) timer(t *timer) {
	row := b.appliance.row(t.resource + "." + t.stem)
	found, _ := lookUp(t.resource, t.stem)
	w := merge(row.Word, found)
	key := b.claimPath(thinq.Path{Resource: t.resource, Location: t.location}, t.stem)
	e := Entity{Key: key, Name: b.named(t.location, or(w.Name, sentence(snake(t.stem)))), Config: map[string]any{}}
	binding := Binding{Attr: key, Props: t.properties(), With: b.with(&value{Property: t.parts[0].Property, row: row}), rank: rankValue}
	for _, v := range t.parts {
		if !v.Writable || t.writable() {
			b.consume(key, v)
		}
	}
	if isClock(t.stem) {
		e.Platform = t.clockCodec(&binding, e.Config)
	} else {
		e.Platform = b.span(t, &binding, e.Config)
		if parts, _ := t.set(); e.Platform == Sensor && len(parts) > 0 && row.Name == "" {
			e.Name = b.phrase(remaining, e.Name) // the part that can be set has the bare name
		}
	}
	decorate(e.Config, w, e.Platform)
	binding.guard = t.parts[0].guard
	if st := t.parts[0].stage; st != nil {
		binding.Codec = st.codec(binding.Codec)
		b.reportedTimer(t, key, w.Name, w.Icon)
	}
	e.Bindings = []Binding{binding}
	b.put(e)
	if e.Platform == Number {
		b.left(t, b.claimBeside(key, "_remaining"), or(w.Name, sentence(snake(t.stem))), w)
	}
	b.moment(t, key)
	if e.Platform == TextEntity && !t.canClear() && t.canReset() {
		b.resetButton(t, key, e.Name)
	}
}

// clearing is the property in which LG says whether a timer is set:
// relativeToStop has relativeStopTimer.
func clearing(stem string) string { return strings.Replace(stem, "To", "", 1) + "Timer" }

func (b *builder) clearing(resource, stem, location string) *value {
	return b.find(resource+"."+clearing(stem), location)
}

func (t *timer) properties() []thinq.Property {
	properties := make([]thinq.Property, len(t.parts))
	for i, v := range t.parts {
		properties[i] = v.Property
	}
	return properties
}

// writable reports whether all of the timer can be set, seconds apart.
func (t *timer) writable() bool {
	for i, v := range t.parts {
		if !v.Writable && t.minutes[i] >= 1 {
			return false
		}
	}
	return true
}

// set are the parts that are written: all of a timer that can be set, but for
// seconds that cannot.
func (t *timer) set() (parts []*value, minutes []float64) {
	for i, v := range t.parts {
		if v.Writable {
			parts, minutes = append(parts, v), append(minutes, t.minutes[i])
		}
	}
	return parts, minutes
}

// read is the whole in minutes; false if no part is known, or there is no timer.
func (t *timer) read(s thinq.State) (minutes float64, known bool) {
	if t == nil {
		return 0, false
	}
	for i, v := range t.parts {
		if f, ok := s[v.Path].(float64); ok {
			minutes += f * t.minutes[i]
			known = true
		}
	}
	return math.Round(minutes*100) / 100, known
}

// isIn reports whether a change speaks of the timer.
func (t *timer) isIn(changed thinq.State) bool {
	speaks := func(v *value) bool { _, ok := changed[v.Path]; return ok }
	return t != nil && (slices.ContainsFunc(t.parts, speaks) || t.clear != nil && speaks(t.clear))
}

// readSet is the whole of a timer that is set: 0 means that it is not.
func (t *timer) readSet(s thinq.State) (minutes float64, set bool) {
	minutes, known := t.read(s)
	return minutes, known && minutes > 0
}

// isClear reports whether LG says in so many words that the timer is off.
func (t *timer) isClear(s thinq.State) bool { return t.clear != nil && s[t.clear.Path] == any("UNSET") }

// raise is what LG leaves out of a report of a timer that it had said to be
// clear before: that it is set now. Nil if that is nothing.
func (d *Device) raise(now, changed thinq.State) (flags thinq.State) {
	for _, t := range d.flags {
		if _, said := changed[t.clear.Path]; said || !t.isClear(now) {
			continue
		}
		if minutes, _ := t.read(changed); minutes > 0 {
			if flags == nil {
				flags = thinq.State{}
			}
			flags[t.clear.Path] = "SET"
		}
	}
	return flags
}

func (t *timer) canClear() bool {
	return t.clear != nil && t.clear.Writable && t.clear.Check("UNSET") == nil
}
