package discovery

import (
	"math"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// plantLight is the composite of a lamp that shines every day from a time on for
// some hours: whether it shines now.
type plantLight struct {
	Resource string // of the times: "light"
	Duration string // "light.duration", in hours
	Level    string // "light.brightness"
}

// A dayLamp is the lamp of one place.
type dayLamp struct {
	start           *timer
	duration, level *value
	lit             thinq.Path // remembered
}

func (p plantLight) build(b *builder) {
	for _, location := range b.locations(p.Duration) {
		l := dayLamp{
			start: b.timerOf(p.Resource, "start", location), duration: b.find(p.Duration, location),
			level: b.find(p.Level, location), lit: derivedPath(b.device.Part, location, "lightOn"),
		}
		if l.start == nil {
			continue
		}
		b.device.clockworks = append(b.device.clockworks, clockwork{due: l.due, turn: l.turn})
		b.computed(location, "light_on", "Light on", BinarySensor,
			map[string]any{"device_class": "light", "payload_on": "True", "payload_off": "False"}, showValue(l.lit))
	}
}

// turn works out whether the lamp shines.
func (l dayLamp) turn(now, into thinq.State, at time.Time) {
	into[l.lit] = nil
	if last, until, known := l.shift(now, at); known {
		level, said := numberAt(l.level, now)
		into[l.lit] = at.Before(last.Add(until)) && !(said && level == 0)
	}
}

// due is when the lamp next goes on or off.
func (l dayLamp) due(now thinq.State, at time.Time) time.Time {
	last, until, known := l.shift(now, at)
	switch off := last.Add(until); {
	case !known:
		return time.Time{}
	case at.Before(off):
		return off
	}
	minutes, _ := l.start.read(now)
	return nextTime(int(minutes), at)
}

// shift is when the lamp last went on, and for how long it does.
func (l dayLamp) shift(now thinq.State, at time.Time) (last time.Time, until time.Duration, known bool) {
	minutes, timed := l.start.read(now)
	hours, lasts := numberAt(l.duration, now)
	if !timed || !lasts || minutes < 0 || minutes >= 24*60 || hours < 0 {
		return time.Time{}, 0, false
	}
	next := nextTime(int(minutes), at)
	y, month, d := next.Date()
	last = time.Date(y, month, d-1, 0, int(minutes), 0, 0, next.Location())
	return last, min(inMinutes(hours*60), next.Sub(last)), true
}

// maturing is the composite of what ripens for days.
type maturing struct {
	Elapsed string // "timer.elapsedDayState"
	Total   string // "timer.elapsedDayTotal"
}

func (m maturing) build(b *builder) {
	elapsed, total := b.find(m.Elapsed, ""), b.find(m.Total, "")
	if elapsed == nil || total == nil || !isNumeric(elapsed.Property) || !isNumeric(total.Property) {
		return
	}
	ready := derivedPath(b.device.Part, "", "readyDate")
	b.device.memories = append(b.device.memories, func(now, changed, into thinq.State, at time.Time) {
		_, passed := changed[elapsed.Path]
		_, planned := changed[total.Path]
		if _, known := now[ready]; known && !passed && !planned {
			return
		}
		into[ready] = readyOn(now, elapsed, total, at)
	})
	b.computed("", "progress", "Progress", Sensor,
		map[string]any{"unit_of_measurement": "%", "icon": "mdi:progress-clock"},
		func(dst []byte, s thinq.State) []byte {
			gone, known := numberAt(elapsed, s)
			days, _ := numberAt(total, s)
			if !known || gone < 0 || days <= 0 {
				return append(dst, "null"...)
			}
			return appendNumber(dst, math.Round(100*min(gone/days, 1)))
		})
	b.computed("", "ready_date", "Ready on", Sensor,
		map[string]any{"device_class": "date", "icon": "mdi:calendar-check"}, showText(ready))
}

// readyOn is the day on which it will be ready, or has been; nil if nothing
// ripens.
func readyOn(now thinq.State, elapsed, total *value, at time.Time) any {
	gone, known := numberAt(elapsed, now)
	days, _ := numberAt(total, now)
	if !known || gone < 0 || days <= 0 || days > 3650 {
		return nil
	}
	return at.AddDate(0, 0, int(days-min(gone, days))).Format(time.DateOnly)
}
