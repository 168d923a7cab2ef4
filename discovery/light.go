package discovery

import (
	"slices"
	"strconv"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// lamp is the composite of a light: on and off, the levels that it has, and
// words that are no level as effects. The property keeps its own entity.
type lamp struct {
	Key, Name string
	Level     []string // the first of these that turns on and off counts
}

const (
	lampKey       = "lamp_light"
	moodLampKey   = "mood_light"
	cellarLampKey = "cellar_light"
)

func (l lamp) build(b *builder) {
	for _, key := range l.Level {
		found := false
		for _, location := range b.locations(key) {
			found = l.shine(b, b.find(key, location)) || found
		}
		if found {
			return
		}
	}
}

// shine makes the light of one property; false if it makes none.
func (l lamp) shine(b *builder, v *value) bool {
	if !v.Readable || !v.Writable {
		return false
	}
	level := b.levelsOf(v)
	key := locationKey(v.Path.Location) + l.Key
	if level.off == nil || len(level.steps) == 0 || !b.claim(key) {
		return false
	}
	bulb := &bulb{composer: b.compose(key, b.named(v.Path.Location, l.Name), Light), level: level}
	b.remember(level)
	bulb.onOff()
	bulb.brightness()
	bulb.effects()
	b.put(bulb.entity)
	return true
}

// A bulb is a light while its entity is made.
type bulb struct {
	composer
	level *levels
}

// field adds one field of the light. LG's companions travel along; the appliance
// itself may stay off.
func (l *bulb) field(name string, codec Codec) {
	binding := l.bind(name, rankValue, codec, l.level.value)
	binding.With, binding.wakes = l.with(l.level.value), false
}

// onOff turns on with the level last used. Home Assistant sends on before the
// brightness, so that the brightness counts.
func (l *bulb) onOff() {
	l.entity.Config["payload_on"], l.entity.Config["payload_off"] = "on", "off"
	l.field("", Codec{Show: l.level.showOn, Take: l.level.takeOn})
}

// brightness adds the levels, as a scale that has as many.
func (l *bulb) brightness() {
	if len(l.level.steps) < 2 {
		return
	}
	l.entity.Config["brightness_scale"], l.entity.Config["on_command_type"] = len(l.level.steps), "first"
	l.field("brightness", Codec{
		Show: func(dst []byte, s thinq.State) []byte {
			if step := l.level.step(s); step > 0 {
				return strconv.AppendInt(dst, int64(step), 10)
			}
			return append(dst, "null"...)
		},
		Take: func(payload string, _ thinq.State) (thinq.State, *Rejection) {
			step, rejection := l.level.takeStep(payload)
			switch {
			case rejection != nil:
				return nil, rejection
			case step == nil:
				step = l.level.off
			}
			return thinq.State{l.level.Path: step}, nil
		},
	})
}

// effects adds the words that are no level: the light follows the room, or
// itself.
func (l *bulb) effects() {
	words := l.level.words
	if len(words) == 0 {
		return
	}
	l.entity.Config["effect_list"] = wordsOf(words)
	l.field("effect", Codec{
		Show: func(dst []byte, s thinq.State) []byte {
			if slices.Contains(words, s[l.level.Path]) {
				return appendValue(dst, s[l.level.Path])
			}
			return append(dst, "null"...)
		},
		Take: func(payload string, _ thinq.State) (thinq.State, *Rejection) {
			v, rejection := parseWord(words, strings.TrimSpace(payload))
			if rejection != nil {
				return nil, rejection
			}
			return thinq.State{l.level.Path: v}, nil
		},
	})
}
