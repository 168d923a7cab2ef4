package discovery

import (
	"math"
	"strconv"
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
		if len(t.parts) > 1 && t.parts[0].shown == "" {
			b.timer(t)
		}
	}
}

// timer adds the entity of one timer. What can be set as a whole swallows its
// parts; otherwise a part that can be set alone keeps its own entity.
func (b *builder) timer(t *timer) {
	t.clear = b.clearing(t.resource, t.stem, t.location)
	row := b.appliance.row(t.resource + "." + t.stem)
	found, _ := lookUp(t.resource, t.stem)
	w := merge(row.Word, found)
	key := b.claimPath(thinq.Path{Resource: t.resource, Location: t.location}, t.stem)
	e := Entity{Key: key, Name: b.named(t.location, or(w.Name, sentence(snake(t.stem)))), Config: map[string]any{}}
	binding := Binding{Attr: key, Props: t.properties(), With: b.with(&value{Property: t.parts[0].Property, row: row}), rank: rankValue, heats: row.Heats}
	for _, v := range t.parts {
		if !v.Writable || t.writable() {
			b.consume(key, v)
		}
	}
	if isClock(t.stem) {
		e.Platform = t.clockCodec(&binding, e.Config)
	} else {
		e.Platform = b.span(t, &binding, e.Config)
	}
	if parts, _ := t.set(); e.Platform == Sensor && len(parts) > 0 && row.Name == "" {
		e.Name += " remaining" // the part that can be set has the bare name
	}
	decorate(e.Config, w, e.Platform)
	e.Bindings = []Binding{binding}
	b.put(e)
}

// isClock tells a time of day from a span of time.
func isClock(stem string) bool {
	return strings.HasPrefix(stem, "absolute") || stem == "start" || stem == "end"
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

// read is the whole in minutes; false if no part is known.
func (t *timer) read(s thinq.State) (minutes float64, known bool) {
	for i, v := range t.parts {
		if f, ok := s[v.Path].(float64); ok {
			minutes += f * t.minutes[i]
			known = true
		}
	}
	return math.Round(minutes*100) / 100, known
}

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
// what is shown where that is more. A part beyond both makes the device be
// described again.
func (b *builder) longestShown(t *timer) float64 {
	for _, v := range t.parts {
		_, high := limitsOf(v.Property, v.word)
		if now, ok := b.state[v.Path].(float64); ok {
			high = max(high, now)
		}
		b.watchFor(v.Path, func(now any, _ thinq.State) bool {
			f, ok := now.(float64)
			return ok && f > high
		})
	}
	shown, _ := t.read(b.state)
	return max(t.longest(), shown)
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

// isClear reports whether LG says in so many words that the timer is off.
func (t *timer) isClear(s thinq.State) bool { return t.clear != nil && s[t.clear.Path] == any("UNSET") }

func (t *timer) canClear() bool {
	return t.clear != nil && t.clear.Writable && t.clear.Check("UNSET") == nil
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

// clockCodec describes a time of day as HH:MM. LG gives neither date nor zone,
// so it is no timestamp.
func (t *timer) clockCodec(b *Binding, c map[string]any) Platform {
	b.Codec.Show = func(dst []byte, s thinq.State) []byte {
		minutes, ok := t.read(s)
		if !ok || minutes < 0 || minutes >= 24*60 || t.isClear(s) {
			return append(dst, "null"...)
		}
		return appendString(dst, clock(int(minutes)))
	}
	if !t.writable() {
		return Sensor
	}
	c["pattern"] = "^$|^([01][0-9]|2[0-3]):[0-5][0-9]$" // empty: no time is set
	c["min"], c["max"] = 0, 5
	b.Codec.Take = t.takeClock
	return TextEntity
}

func clock(minutes int) string {
	two := func(n int) string { return strconv.Itoa(n/10%10) + strconv.Itoa(n%10) }
	return two(minutes/60) + ":" + two(minutes%60)
}

func (t *timer) takeClock(payload string, _ thinq.State) (thinq.State, *Rejection) {
	payload = strings.TrimSpace(payload)
	if (payload == "" || strings.EqualFold(payload, "none")) && t.canClear() {
		return thinq.State{t.clear.Path: "UNSET"}, nil
	}
	h, m, _ := strings.Cut(payload, ":")
	hour, errH := strconv.Atoi(h)
	minute, errM := strconv.Atoi(m)
	if errH != nil || errM != nil || hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return nil, invalid(strconv.Quote(payload)+" is not a time of day such as 07:30", nil)
	}
	return t.spread(float64(hour*60 + minute))
}
