package discovery

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// resetSuffix follows the key of a latch in that of its button.
const resetSuffix = "_reset"

// isLatch reports whether a key is that of a latch or its button, which no
// property may take.
func isLatch(key string) bool {
	key = strings.TrimSuffix(key, resetSuffix)
	return slices.ContainsFunc(latches, func(l latch) bool { return l.Key == key })
}

// matches reports whether a code fits one of the patterns; an error and a
// notification of one name are the same.
func matches(patterns []string, code string) bool {
	stem := strings.TrimSuffix(strings.ToUpper(code), "_ERROR")
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		fits, _ := path.Match(pattern, stem)
		return fits
	})
}

// latchOf is the latch that a code sets, nil if there is none.
func latchOf(code string) *latch {
	for i, l := range latches {
		if matches(l.Codes, code) {
			return &latches[i]
		}
	}
	return nil
}

// is reports whether a value is the sign.
func (s sign) is(p thinq.Path, v any) bool {
	f, isNumber := v.(float64)
	return s.speaksOf(p) && (slices.Contains(s.Values, v) || len(s.Values) == 0 && isNumber && f >= s.Low && f <= s.High)
}

func (s sign) speaksOf(p thinq.Path) bool {
	fits, _ := path.Match(s.Path, p.Key())
	return fits
}

// A held latch is one that a device has.
type held struct {
	*latch
	path  thinq.Path   // where what set it is remembered
	seen  []thinq.Path // values that speak about it
	coded bool         // a code of the appliance sets it
}

// holding is all latches of a device.
type holding []*held

// latches adds the sensors of the conditions that the codes and properties of
// the appliance can tell, with a button that ends each.
func (b *builder) latches() {
	tells := map[*latch]bool{}
	for _, code := range slices.Concat(b.device.notices.mine, b.device.errors.mine) {
		tells[latchOf(code)] = true
	}
	for i := range latches {
		l := &latches[i]
		h := &held{latch: l, path: derivedPath(b.device.Part, "", l.Key), seen: b.speaking(l), coded: tells[l]}
		if !h.coded && !slices.ContainsFunc(h.seen, h.isReason) || !b.claim(l.Key) {
			continue
		}
		b.device.held = append(b.device.held, h)
		b.latch(h)
		if h.coded {
			b.latchReset(h)
		}
	}
	if all := b.device.held; len(all) > 0 {
		b.device.clockworks = append(b.device.clockworks, clockwork{all.due, all.turn})
	}
}

// speaking are the places of the values that say something about a latch.
func (b *builder) speaking(l *latch) []thinq.Path {
	var paths []thinq.Path
	signs := slices.Concat(l.Well, l.Ill)
	for _, v := range b.values {
		if slices.ContainsFunc(signs, func(s sign) bool { return s.speaksOf(v.Path) }) {
			paths = append(paths, v.Path)
		}
	}
	return paths
}

func (b *builder) latch(h *held) {
	c := map[string]any{"device_class": h.Binary, "payload_on": "True", "payload_off": "False"}
	decorate(c, h.Word, BinarySensor)
	b.put(Entity{
		Key: h.Key, Platform: BinarySensor, Name: h.Name, Config: c,
		Bindings: []Binding{{Attr: h.Key, Codec: Codec{Show: h.show}}},
	})
}

// latchReset is the button that ends a latch, usable while there is something
// to end.
func (b *builder) latchReset(h *held) {
	key := h.Key + resetSuffix
	b.put(Entity{
		Key: key, Platform: Button, Name: b.phrase(resetting, h.Name), Gate: b.gateFor(key, showBool(h.isSet)),
		Config: map[string]any{"entity_category": config, "icon": "mdi:bell-off-outline"},
		Bindings: []Binding{{Attr: key, Codec: Codec{Take: func(payload string, now thinq.State) (thinq.State, *Rejection) {
			if no := pressed(payload); no != nil || !h.isSet(now) {
				return nil, no
			}
			return thinq.State{h.path: nil}, nil
		}}}},
	})
}

func (h *held) isSet(s thinq.State) bool { return s[h.path] != nil }

// isReason reports whether a value alone is worth the sensor.
func (h *held) isReason(p thinq.Path) bool {
	return slices.ContainsFunc(h.Ill, func(s sign) bool { return s.speaksOf(p) && !s.Beside })
}

// show shows whether it is so. Where only values could say so, and none is known,
// nobody knows.
func (h *held) show(dst []byte, s thinq.State) []byte {
	known := func(p thinq.Path) bool { return s[p] != nil }
	if !h.coded && !h.isSet(s) && !slices.ContainsFunc(h.seen, known) {
		return append(dst, "null"...)
	}
	return appendValue(dst, h.isSet(s) || h.any(h.Ill, s))
}

// any reports whether one of the values is one of the signs.
func (h *held) any(signs []sign, s thinq.State) bool {
	return slices.ContainsFunc(h.seen, func(p thinq.Path) bool { return isSign(signs, p, s[p]) })
}

func isSign(signs []sign, p thinq.Path, v any) bool {
	return slices.ContainsFunc(signs, func(s sign) bool { return s.is(p, v) })
}

// latched remembers what codes set, and forgets what is over. What set a latch
// is remembered with its time, so that it survives restarts; also of a code that
// the profile does not list, which the next description knows.
func (d *Device) latched(now, changed, into thinq.State, events []Event, at time.Time) {
	for _, h := range d.held {
		if h.isSet(now) && h.over(d, now, changed, events) {
			into[h.path] = nil
		}
	}
	for _, e := range events {
		if l := latchOf(e.Code); l != nil && e.Code != "" {
			into[derivedPath(d.Part, "", l.Key)] = stamp(at) + " " + e.Code
		}
	}
}

// over reports whether a change ends the latch.
func (h *held) over(d *Device, now, changed thinq.State, events []Event) bool {
	if h.Start && started(changed, events) || h.recovered(now, changed) {
		return true
	}
	_, code := h.told(now)
	if !h.Stands && !slices.Contains(d.notices.mine, code) && !d.plight.has(now, code) {
		return true
	}
	return slices.ContainsFunc(events, func(e Event) bool { return matches(h.Over, e.Code) })
}

// recovered reports whether all values that can say so say that it is over, and
// one of them just now.
func (h *held) recovered(now, changed thinq.State) bool {
	fresh := false
	for _, p := range h.seen {
		if !slices.ContainsFunc(h.Well, func(s sign) bool { return s.speaksOf(p) }) || now[p] == nil {
			continue
		}
		if !isSign(h.Well, p, now[p]) {
			return false
		}
		_, new := changed[p]
		fresh = fresh || new
	}
	return fresh
}

// beginnings are the types of events that tell of a new start.
var beginnings = map[string]bool{"started": true}

// started reports whether an appliance begins to work: its programme, or for
// one without programmes the whole of it.
func started(changed thinq.State, events []Event) bool {
	for _, v := range changed {
		if v == any("POWER_ON") {
			return true
		}
	}
	return slices.ContainsFunc(events, func(e Event) bool { return beginnings[e.Type] })
}

// told is when a latch was set, and by what.
func (h *held) told(s thinq.State) (at time.Time, code string) {
	memory, _ := s[h.path].(string)
	when, code, _ := strings.Cut(memory, " ")
	at, _ = time.Parse(time.RFC3339, when)
	return at, code
}

// end is when a latch ends by itself; zero: it does not. While a value says that
// it is still so, it stays.
func (h *held) end(s thinq.State) time.Time {
	if h.After == 0 || !h.isSet(s) {
		return time.Time{}
	}
	for _, p := range h.seen {
		if v := s[p]; v != nil && slices.ContainsFunc(h.Well, func(s sign) bool { return s.speaksOf(p) && !s.is(p, v) }) {
			return time.Time{}
		}
	}
	at, _ := h.told(s)
	return at.Add(h.After)
}

func (all holding) due(now thinq.State, _ time.Time) time.Time {
	var first time.Time
	for _, h := range all {
		if end := h.end(now); !end.IsZero() && (first.IsZero() || end.Before(first)) {
			first = end
		}
	}
	return first
}

func (all holding) turn(now, into thinq.State, at time.Time) {
	for _, h := range all {
		_, fresh := into[h.path]
		if end := h.end(now); !fresh && !end.IsZero() && !end.After(at) {
			into[h.path] = nil
		}
	}
}
