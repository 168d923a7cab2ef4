package discovery

import (
	"slices"
	"strconv"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// fan is the composite of a fan with speeds. Speeds are words or a range of
// numbers; words that are no speed, such as AUTO, are presets.
type fan struct {
	Power string   // empty: the lowest speed is off
	Speed []string // the first of these that can be set
	Keep  bool     // the properties keep entities of their own
}

const fanKey = "fan"

// speedOrder ranks the words of speeds, slowest first. WIND_1 to WIND_10 stand
// behind by their numbers.
var speedOrder = []string{"SLOW", "SLOW_LOW", "LOW", "LOW_MID", "MID", "MID_HIGH", "HIGH", "TURBO", "POWER"}

// A blower is a fan while its entity is made.
type blower struct {
	composer
	speed   *value
	off     any         // the speed that is off; nil: the power does that
	steps   []any       // speeds in rising order
	step    map[any]int // their places, from 1
	presets []any
}

func (f fan) build(b *builder) {
	speed := b.firstOf(f.Speed...)
	if speed == nil || !speed.Readable {
		return
	}
	w := &blower{composer: b.compose(fanKey, "Fan", Fan), speed: speed, step: map[any]int{}}
	if p := b.firstOf(f.Power); p != nil {
		w.poweredBy(p)
	}
	w.findSteps()
	switch {
	case len(w.steps) == 0 || w.power == nil && w.off == nil:
		return
	case w.power != nil:
		w.onOff()
	default:
		w.onOffBySpeed()
	}
	w.percentage()
	w.presetMode()
	if !f.Keep {
		w.consume(fanKey, speed, w.power)
	}
	b.put(w.entity)
}

// findSteps sorts the values of the speed into steps and presets.
func (w *blower) findSteps() {
	if isNumeric(w.speed.Property) {
		w.sortNumbers()
	} else {
		w.sortWords()
	}
	for i, v := range w.steps {
		w.step[v] = i + 1
	}
}

// sortNumbers takes the numbers of a range, in rising order already.
func (w *blower) sortNumbers() {
	if !w.speed.Write.Limited {
		return
	}
	for i, f := range stepsOf(w.speed.Property, w.speed.word) {
		if f == 0 || w.power == nil && i == 0 {
			w.off = f
			continue
		}
		w.steps = append(w.steps, f)
	}
}

func (w *blower) sortWords() {
	for _, o := range w.speed.Write.Options {
		switch name, _ := o.(string); {
		case name == "OFF" && w.power == nil:
			w.off = o
		case place(name) >= 0:
			w.steps = append(w.steps, o)
		default:
			w.presets = append(w.presets, o)
		}
	}
	slices.SortStableFunc(w.steps, func(a, b any) int { return place(a.(string)) - place(b.(string)) })
}

// place is the rank of a speed's word, -1 for a word that is no speed.
func place(name string) int {
	if n, ok := strings.CutPrefix(name, "WIND_"); ok {
		if n, err := strconv.Atoi(n); err == nil {
			return len(speedOrder) + n
		}
	}
	return slices.Index(speedOrder, name)
}

// stopped reports whether a fan of either kind is off.
func (w *blower) stopped(s thinq.State) bool {
	if w.off != nil {
		return s[w.speed.Path] == w.off
	}
	return w.isOff(s)
}

// onOffBySpeed turns on with the lowest step.
func (w *blower) onOffBySpeed() {
	w.entity.Config["payload_on"], w.entity.Config["payload_off"] = "on", "off"
	binding := w.bind("", rankFan, Codec{
		Show: func(dst []byte, s thinq.State) []byte {
			switch {
			case s[w.speed.Path] == nil:
				return append(dst, "null"...)
			case w.stopped(s):
				return append(dst, `"off"`...)
			}
			return append(dst, `"on"`...)
		},
		Take: func(payload string, now thinq.State) (thinq.State, *Rejection) {
			on, rejection := parseBool(strings.TrimSpace(payload))
			switch {
			case rejection != nil:
				return nil, rejection
			case on == false:
				return thinq.State{w.speed.Path: w.off}, nil
			case w.stopped(now) || now[w.speed.Path] == nil:
				return thinq.State{w.speed.Path: w.steps[0]}, nil
			}
			return nil, nil
		},
	}, w.speed)
	binding.With = w.with(w.speed)
}

// percentage adds the speed as a step: Home Assistant spreads the range over
// its percents, and sends 0 for off.
func (w *blower) percentage() {
	if len(w.steps) < 2 {
		return // a range needs two ends
	}
	w.entity.Config["speed_range_min"], w.entity.Config["speed_range_max"] = 1, len(w.steps)
	binding := w.bind("percentage", rankFan, Codec{
		Show: func(dst []byte, s thinq.State) []byte {
			step := w.step[s[w.speed.Path]]
			switch {
			case w.stopped(s):
				return append(dst, '0')
			case step == 0:
				return append(dst, "null"...)
			}
			return strconv.AppendInt(dst, int64(step), 10)
		},
		Take: w.takePercentage,
	}, w.speed, w.power)
	binding.With = w.with(w.speed)
}

func (w *blower) takePercentage(payload string, _ thinq.State) (thinq.State, *Rejection) {
	f, rejection := parseFloat(payload)
	switch {
	case rejection != nil:
		return nil, rejection
	case f < 0 || f > float64(len(w.steps)):
		return nil, outOfRange(f, limits{0, float64(len(w.steps)), 1})
	case f < 0.5 && w.off != nil:
		return thinq.State{w.speed.Path: w.off}, nil
	case f < 0.5:
		return thinq.State{w.power.Path: w.device.power.off}, nil
	}
	return thinq.State{w.speed.Path: w.steps[int(f+0.5)-1]}, nil
}

// presetMode adds the words that are no speed.
func (w *blower) presetMode() {
	if len(w.presets) == 0 {
		return
	}
	w.entity.Config["preset_modes"] = wordsOf(w.presets)
	w.bind("preset_mode", rankFan, Codec{
		Show: func(dst []byte, s thinq.State) []byte {
			if slices.Contains(w.presets, s[w.speed.Path]) && !w.stopped(s) {
				return appendValue(dst, s[w.speed.Path])
			}
			return append(dst, "null"...)
		},
		Take: func(payload string, _ thinq.State) (thinq.State, *Rejection) {
			v, rejection := parseWord(w.presets, strings.TrimSpace(payload))
			if rejection != nil {
				return nil, rejection
			}
			return thinq.State{w.speed.Path: v}, nil
		},
	}, w.speed)
}
