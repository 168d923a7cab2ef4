package discovery

import (
	"strings"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A reading is what the number of a timer is about.
type reading int

const (
	noMoment reading = iota
	fromNow          // a span until something happens
	untilNow         // a span since something began
	ofDay            // a time of day
)

// readingOf is the reading of a stem.
func readingOf(stem string) reading {
	switch {
	case isClock(stem):
		return ofDay
	case stem == "remain", strings.HasPrefix(stem, "relative"):
		return fromNow
	case stem == "running":
		return untilNow
	}
	return noMoment
}

// momentNames are the names of moments, by resource.stem or by stem.
var momentNames = map[string]string{
	"remain": "Ends at", "running": "Running since", "relativeToStart": "Starts at", "relativeToStop": "Stops at",
	"absoluteToStart": "Next start", "absoluteToStop": "Next stop", "sleepTimer.relativeToStop": "Sleep timer ends at",
	"light.start": "Next light start", "light.end": "Next light end",
}

// moment adds the sensor that says when what a timer counts will happen, or has
// begun.
func (b *builder) moment(t *timer, key string) {
	if readingOf(t.stem) == noMoment || !t.readable() {
		return
	}
	key = b.claimBeside(key, "_at")
	m := moment{t, derivedPath(b.device.Part, t.location, t.resource+"."+t.stem+"At")}
	name := or(momentNames[t.resource+"."+t.stem], momentNames[t.stem])
	b.put(Entity{
		Key: key, Platform: Sensor, Name: b.named(t.location, or(name, sentence(snake(t.stem))+" at")),
		Config:   map[string]any{"device_class": "timestamp"},
		Bindings: []Binding{{Attr: key, Props: t.properties(), Codec: Codec{Show: showText(m.at)}}},
	})
	if readingOf(t.stem) == ofDay {
		b.device.clockworks = append(b.device.clockworks, clockwork{due: m.due, turn: m.turn})
		return
	}
	b.device.memories = append(b.device.memories, m.follow)
}

// A moment is when a timer strikes.
type moment struct {
	*timer
	at thinq.Path // remembered
}

// follow works out a span's end or beginning when LG speaks of the timer. In
// between it goes on by itself.
func (m moment) follow(now, changed, into thinq.State, at time.Time) {
	if _, known := now[m.at]; known && !m.isIn(changed) {
		return
	}
	minutes, set := m.readSet(now)
	if !set || m.isClear(now) {
		into[m.at] = nil
		return
	}
	if readingOf(m.stem) == untilNow {
		minutes = -minutes
	}
	into[m.at] = timeValue(settled(timeAt(now, m.at), at.Add(inMinutes(minutes))))
}

// turn works out the next time of day.
func (m moment) turn(now, into thinq.State, at time.Time) {
	into[m.at] = nil
	if minutes, set := m.ofDay(now); set {
		into[m.at] = timeValue(nextTime(minutes, at))
	}
}

// due is when the next one becomes the one after.
func (m moment) due(now thinq.State, _ time.Time) time.Time { return timeAt(now, m.at) }

// ofDay is a time of day in minutes; false if it is not set. LG fills what is not
// set with zeros, so midnight counts only where LG says in so many words that it
// is set, and for what happens every day.
func (m moment) ofDay(s thinq.State) (minutes int, set bool) {
	f, known := m.read(s)
	daily := !strings.HasPrefix(m.stem, "absolute")
	said := m.clear != nil && s[m.clear.Path] == any("SET")
	return int(f), known && f >= 0 && f < 24*60 && !m.isClear(s) && (f > 0 || daily || said)
}

// nextTime is when it will next be so many minutes after midnight where the
// household lives. A day may have 23 hours.
func nextTime(minutes int, at time.Time) time.Time {
	y, month, d := at.Date()
	next := time.Date(y, month, d, 0, minutes, 0, 0, at.Location())
	if !next.After(at) {
		next = time.Date(y, month, d+1, 0, minutes, 0, 0, at.Location())
	}
	return next
}

// left adds the sensor of the time that is left, where what can be set has the
// bare name.
func (b *builder) left(t *timer, key, name string, w Word) {
	if readingOf(t.stem) != fromNow || t.stem == "remain" || !t.readable() {
		return
	}
	c := t.describe(w.Icon)
	b.put(Entity{
		Key: key, Platform: Sensor, Name: b.phrase(remaining, b.named(t.location, name)), Config: c,
		Bindings: []Binding{{Attr: key, Props: t.properties(), Codec: Codec{Show: func(dst []byte, s thinq.State) []byte {
			if minutes, set := t.readSet(s); set && !t.isClear(s) {
				return appendNumber(dst, minutes)
			}
			return append(dst, "null"...)
		}}}},
	})
}

// single adds what a timer of one part lacks: LG lets many be set in hours only.
func (b *builder) single(t *timer) {
	if readingOf(t.stem) == noMoment || !t.readable() {
		return
	}
	t.clear = b.clearing(t.resource, t.stem, t.location)
	key := b.claimPath(thinq.Path{Resource: t.resource, Location: t.location}, t.stem)
	if t.parts[0].Writable {
		w, _ := lookUp(t.resource, t.stem)
		b.left(t, key, or(w.Name, sentence(snake(t.stem))), w)
	}
	b.moment(t, key)
}

func (t *timer) readable() bool {
	for _, v := range t.parts {
		if v.Readable {
			return true
		}
	}
	return false
}
