package discovery

import (
	"math"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// span describes a span of time: a number of minutes where all of it can be set,
// else a duration.
func (b *builder) span(t *timer, binding *Binding, c map[string]any) Platform {
	c["unit_of_measurement"] = "min"
	c["device_class"] = "duration"
	settable := t.writable()
	binding.Codec.Show = func(dst []byte, s thinq.State) []byte {
		switch minutes, ok := t.read(s); {
		case settable && t.isClear(s):
			return append(dst, '0')
		case ok && (minutes > 0 || settable && minutes == 0):
			return appendNumber(dst, minutes)
		}
		return append(dst, "null"...) // LG's zero means that no time is known, and -1 too
	}
	if !settable {
		t.wholeMinutes(c)
		return Sensor
	}
	_, steps := t.set()
	c["min"], c["max"], c["step"], c["mode"] = 0.0, b.longestShown(t), max(steps[len(steps)-1], 0.01), "box"
	binding.Codec.Take = t.takeSpan
	return Number
}

// describe is the discovery message of a duration that is only shown.
func (t *timer) describe(icon string) map[string]any {
	c := map[string]any{"device_class": "duration", "unit_of_measurement": "min", "icon": icon}
	t.wholeMinutes(c)
	return c
}

// wholeMinutes spares the eye the seconds of a timer that has them: they stand
// behind the point in the state.
func (t *timer) wholeMinutes(c map[string]any) {
	if t.minutes[len(t.minutes)-1] < 1 {
		c["suggested_display_precision"] = 0
	}
}

// longestShown is the upper limit of a timer in minutes: what can be set, and
// what is shown where that is more, such as seconds that are only counted. A
// part beyond both makes the device be described again.
func (b *builder) longestShown(t *timer) float64 {
	counted := 0.0
	for i, v := range t.parts {
		_, high := limitsOf(v.Property, v.word)
		if !v.Writable {
			counted += high * t.minutes[i]
		}
		if now, ok := b.state[v.Path].(float64); ok {
			high = max(high, now)
		}
		b.watchFor(v.Path, func(now any, _ thinq.State) bool {
			f, ok := now.(float64)
			return ok && f > high
		})
	}
	shown, _ := t.read(b.state)
	return max(t.longest()+math.Ceil(counted), shown)
}

// longest is the largest number of minutes that can be set.
func (t *timer) longest() float64 {
	total := 0.0
	parts, minutes := t.set()
	for i, v := range parts {
		_, high := limitsOf(v.Property, v.word)
		total += high * minutes[i]
	}
	return math.Round(total*100) / 100
}

// accepts is what can be set, in minutes, for a rejection. Some timers begin
// at hours.
func (t *timer) accepts() limits {
	parts, minutes := t.set()
	l := limits{Max: t.longest(), Step: minutes[len(minutes)-1] * stepOf(parts[len(parts)-1].Property)}
	for i, v := range parts {
		l.Min += v.Write.Min * minutes[i]
	}
	return l
}

func (t *timer) takeSpan(payload string, now thinq.State) (thinq.State, *Rejection) {
	if strings.EqualFold(strings.TrimSpace(payload), "none") {
		payload = "0"
	}
	minutes, rejection := parseFloat(payload)
	switch {
	case rejection != nil:
		return nil, rejection
	case minutes < 0:
		return nil, outOfRange(minutes, t.accepts())
	case minutes == 0:
		return t.takeZero(now)
	}
	return t.spread(minutes)
}

// takeZero clears a timer: by LG's word for it, else by zeros. Some appliances
// take neither; there only a person at the appliance can.
func (t *timer) takeZero(now thinq.State) (thinq.State, *Rejection) {
	if t.canClear() {
		return thinq.State{t.clear.Path: "UNSET"}, nil
	}
	zeros, rejection := t.spread(0)
	if minutes, known := t.read(now); rejection != nil && known && minutes == 0 {
		return nil, nil // it is not set
	}
	if rejection != nil {
		rejection.Message = "this timer cannot be cleared from afar, only at the appliance; " + rejection.Message
	}
	return zeros, rejection
}

// clearable makes 0 clear a part of a timer that can be set alone, where 0 is
// outside its range, and shows 0 while LG says that it is clear. It counts in its
// own unit, not in minutes.
func (b *builder) clearable(v *value, c Codec) Codec {
	stem, _ := split(v.Path.Name)
	if stem == "" || !isNumeric(v.Property) || !v.Writable || v.Check(0.0) == nil {
		return c
	}
	t := &timer{stem: stem, parts: []*value{v}, minutes: []float64{1}, clear: b.clearing(v.Path.Resource, stem, v.Path.Location)}
	show, take := c.Show, c.Take
	c.Take = func(payload string, now thinq.State) (thinq.State, *Rejection) {
		if f, rejection := parseFloat(payload); rejection == nil && f == 0 {
			return t.takeZero(now)
		}
		return take(payload, now)
	}
	if show != nil && t.clear != nil {
		c.Show = func(dst []byte, s thinq.State) []byte {
			if t.isClear(s) {
				return append(dst, '0')
			}
			return show(dst, s)
		}
	}
	return c
}

// spread divides minutes among the parts, the largest first.
func (t *timer) spread(minutes float64) (thinq.State, *Rejection) {
	wish := thinq.State{}
	total := minutes
	parts, units := t.set()
	for i, v := range parts {
		n := math.Floor(minutes/units[i] + 1e-9)
		if i == len(parts)-1 {
			n = math.Round(minutes / units[i])
		}
		_, high := limitsOf(v.Property, v.word)
		if i == 0 {
			n = min(n, high) // 24 hours and some minutes, or 90 minutes where there are no hours
		}
		fitted, rejection := fit(v.Property, n)
		if n > high || rejection != nil {
			return nil, outOfRange(total, t.accepts())
		}
		wish[v.Path] = fitted
		minutes -= n * units[i]
	}
	return wish, nil
}
