package discovery

import (
	"slices"
	"strconv"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// isClock tells a time of day from a span of time.
func isClock(stem string) bool {
	return strings.HasPrefix(stem, "absolute") || stem == "start" || stem == "end"
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
	if payload == "" || strings.EqualFold(payload, "none") {
		return t.reset()
	}
	h, m, _ := strings.Cut(payload, ":")
	hour, errH := strconv.Atoi(h)
	minute, errM := strconv.Atoi(m)
	if errH != nil || errM != nil || hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return nil, invalid(cited(payload)+" is not a time of day such as 07:30", nil)
	}
	return t.spread(float64(hour*60 + minute))
}

// noTime is what LG takes for a part of a time of day that is not to be set.
const noTime = -1.0

// canReset reports whether LG takes no time for a time.
func (t *timer) canReset() bool {
	parts, _ := t.set()
	return !slices.ContainsFunc(parts, func(v *value) bool { return v.Write.Limited || v.Check(noTime) != nil })
}

// reset clears a time of day: by LG's word for it, else by no time.
func (t *timer) reset() (thinq.State, *Rejection) {
	switch {
	case t.canClear():
		return thinq.State{t.clear.Path: "UNSET"}, nil
	case !t.canReset():
		return nil, invalid("this time cannot be cleared from afar, only at the appliance", nil)
	}
	wish := thinq.State{}
	parts, _ := t.set()
	for _, v := range parts {
		wish[v.Path] = noTime
	}
	return wish, nil
}

// resetButton clears a time of day for which LG has no word that would.
func (b *builder) resetButton(t *timer, key, name string) {
	key = b.claimBeside(key, "_cancel")
	b.put(Entity{
		Key: key, Platform: Button, Name: b.phrase(cancelled, name),
		Config: map[string]any{"icon": orderIcons["unset"], "entity_category": config},
		Bindings: []Binding{{Attr: key, Props: t.properties(), Codec: Codec{
			Take: func(payload string, _ thinq.State) (thinq.State, *Rejection) {
				if no := pressed(payload); no != nil {
					return nil, no
				}
				return t.reset()
			},
		}}},
	})
}
