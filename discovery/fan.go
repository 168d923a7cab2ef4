package discovery

import (
	"slices"
	"strconv"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// fan is the composite of a fan. Its speeds are words or a range of numbers;
// words that are no speed, such as AUTO, and job modes are presets.
type fan struct {
	Power string   // may be a pattern; empty: the lowest speed is off
	Speed []string // the first of these that can be read and set
	Job   string   // job modes that are presets; empty: none
	Angle []string // what oscillates, likewise
	Keep  bool     // the properties keep entities of their own
}

const fanKey = "fan"

// ownSpeed are the job modes that choose the speed themselves: LG refuses one
// there (2305). freeJobs are those that do not, best first.
var (
	ownSpeed = map[any]bool{"AUTO": true, "SLEEP": true}
	freeJobs = []any{"CLEAN", "SPACE_CLEAN", "DIRECT_CLEAN"}
)

// A blower is a fan while its entity is made.
type blower struct {
	composer
	speed, angle *levels // nil: it has none
	job          *value  // likewise
	freeJob      any     // in which a speed can be chosen
	presets      []any   // words of the speed
}

func (f fan) build(b *builder) {
	w := &blower{composer: b.compose(fanKey, "Fan", Fan)}
	w.speed, w.angle = b.ladder(f.Speed...), b.ladder(f.Angle...)
	if power := b.powerOf(f.Power); power != nil {
		w.poweredBy(power)
	} else if w.speed != nil {
		w.speed.lowestIsOff()
	}
	w.chooseJobs(b.firstOf(f.Job))
	if !w.switchable() || w.job == nil && (w.speed == nil || len(w.speed.steps)+len(w.presets) == 0) || !b.claim(fanKey) {
		return
	}
	w.onOff()
	w.percentage()
	w.presetMode()
	w.oscillation()
	if !f.Keep {
		w.consume(fanKey, w.speed.value, w.power)
	}
	b.put(w.entity)
}

// ladder are the levels of the first of several properties that can be read and
// set; nil if there is none.
func (b *builder) ladder(keys ...string) *levels {
	for _, key := range keys {
		if v := b.firstOf(key); v != nil && v.Readable {
			return b.levelsOf(v)
		}
	}
	return nil
}

// chooseJobs sorts out the presets: where the speed and the job mode both have a
// word, it is the job mode's.
func (w *blower) chooseJobs(job *value) {
	if job != nil && job.Readable && job.Type == thinq.Enum && len(job.Write.Options) > 0 {
		w.job = job
		for _, o := range slices.Concat(freeJobs, job.Write.Options) {
			if w.freeJob == nil && !ownSpeed[o] && slices.Contains(job.Write.Options, o) {
				w.freeJob = o
			}
		}
	}
	if w.speed != nil {
		w.presets = slices.DeleteFunc(slices.Clone(w.speed.words), func(o any) bool {
			return w.job != nil && slices.Contains(w.job.Write.Options, o)
		})
	}
}

// switchable reports whether something turns the fan on and off.
func (w *blower) switchable() bool {
	return w.power != nil || w.speed != nil && w.speed.off != nil && len(w.speed.steps) > 0
}

// stopped reports whether the fan is off, by its power or by its speed.
func (w *blower) stopped(s thinq.State) bool { return w.isOff(s) || w.speed.stopped(s) }

// onOff turns on with the speed last used where the speed is what is off.
func (w *blower) onOff() {
	w.entity.Config["payload_on"], w.entity.Config["payload_off"] = "on", "off"
	by, r := w.power, rankPower
	if by == nil {
		by, r = w.speed.value, rankFan
	}
	binding := w.bind("", r, Codec{
		Show: func(dst []byte, s thinq.State) []byte { return appendOnOff(dst, s[by.Path] != nil, !w.stopped(s)) },
		Take: func(payload string, now thinq.State) (thinq.State, *Rejection) {
			on, rejection := parseOnOff(payload)
			if rejection != nil {
				return nil, rejection
			}
			return w.turn(on, now), nil
		},
	}, w.power, w.speedValue())
	binding.wakes = false
	if w.speed != nil {
		w.remember(w.speed)
		binding.With = w.with(w.speed.value)
	}
}

func (w *blower) speedValue() *value {
	if w.speed == nil {
		return nil
	}
	return w.speed.value
}

// turn is the wish to be on or off.
func (w *blower) turn(on bool, now thinq.State) thinq.State {
	wish := thinq.State{}
	switch {
	case w.power != nil && on:
		wish[w.power.Path] = w.device.power.on
	case w.power != nil:
		wish[w.power.Path] = w.device.power.off
	case !on:
		wish[w.speed.Path] = w.speed.off
	}
	if on && w.speed != nil && len(w.speed.steps) > 0 && (w.speed.stopped(now) || w.power == nil && now[w.speed.Path] == nil) {
		wish[w.speed.Path] = w.speed.back(now)
	}
	return wish
}

// percentage adds the speed as a step: Home Assistant spreads the range over
// its percents, and sends 0 for off.
func (w *blower) percentage() {
	if w.speed == nil || len(w.speed.steps) < 2 {
		return // a range needs two ends
	}
	w.entity.Config["speed_range_min"], w.entity.Config["speed_range_max"] = 1, len(w.speed.steps)
	binding := w.bind("percentage", rankFan, Codec{
		Show: func(dst []byte, s thinq.State) []byte {
			step := w.speed.step(s)
			switch {
			case w.stopped(s):
				return append(dst, '0')
			case step == 0:
				return append(dst, "null"...)
			}
			return strconv.AppendInt(dst, int64(step), 10)
		},
		Take: func(payload string, now thinq.State) (thinq.State, *Rejection) {
			step, rejection := w.speed.takeStep(payload)
			switch {
			case rejection != nil:
				return nil, rejection
			case step == nil:
				return w.turn(false, now), nil
			}
			return w.at(step, now), nil
		},
	}, w.speed.value, w.power, w.job)
	binding.With = w.with(w.speed.value)
}

// at is the wish for a speed, in a job mode that lets it be chosen.
func (w *blower) at(speed any, now thinq.State) thinq.State {
	wish := thinq.State{w.speed.Path: speed}
	if w.job != nil && w.freeJob != nil && ownSpeed[now[w.job.Path]] {
		wish[w.job.Path] = w.freeJob
	}
	return w.awake(wish, now)
}

// presetMode adds the words that are no speed, and the job modes.
func (w *blower) presetMode() {
	words := wordsOf(w.presets)
	if w.job != nil {
		for _, job := range w.optionsOf(w.job) {
			if !slices.Contains(words, job) {
				words = append(words, job)
			}
		}
	}
	if len(words) == 0 {
		return
	}
	w.entity.Config["preset_modes"] = words
	w.bind("preset_mode", rankFan, Codec{
		Show: func(dst []byte, s thinq.State) []byte { return appendValue(dst, w.preset(s)) },
		Take: w.takePreset,
	}, w.speedValue(), w.job)
}

// preset is the preset of a state: the job mode, unless the speed is left to the
// appliance where it could be chosen; nil if there is none.
func (w *blower) preset(s thinq.State) any {
	if w.stopped(s) {
		return nil
	}
	special := w.special(s)
	if w.job != nil && (special == nil || ownSpeed[s[w.job.Path]]) {
		if job, ok := s[w.job.Path].(string); ok {
			return job
		}
	}
	return special
}

// special is the preset that the speed of a state is, nil if it is none.
func (w *blower) special(s thinq.State) any {
	if w.speed != nil && slices.Contains(w.presets, s[w.speed.Path]) {
		return s[w.speed.Path]
	}
	return nil
}

func (w *blower) takePreset(payload string, now thinq.State) (thinq.State, *Rejection) {
	can := slices.Clone(w.presets)
	if w.job != nil {
		can = append(can, w.job.Write.Options...)
	}
	v, rejection := parseWord(can, strings.TrimSpace(payload))
	switch {
	case rejection != nil:
		return nil, rejection
	case slices.Contains(w.presets, v):
		return w.at(v, now), nil
	}
	wish := thinq.State{}
	if w.special(now) != nil && !ownSpeed[v] && len(w.speed.steps) > 0 {
		wish[w.speed.Path] = w.speed.back(now) // else the speed would hide the job mode
	}
	if now[w.job.Path] != v || len(wish) == 0 {
		wish[w.job.Path] = v
	}
	return w.awake(wish, now), nil
}

// oscillation turns on at the angle last used.
func (w *blower) oscillation() {
	if w.angle == nil || w.angle.off == nil || len(w.angle.steps) == 0 {
		return
	}
	w.entity.Config["payload_oscillation_on"], w.entity.Config["payload_oscillation_off"] = "True", "False"
	w.remember(w.angle)
	w.bind("oscillation", rankFan, Codec{
		Show: func(dst []byte, s thinq.State) []byte {
			if s[w.angle.Path] == nil {
				return append(dst, "null"...)
			}
			return strconv.AppendBool(dst, !w.angle.stopped(s))
		},
		Take: w.angle.takeOn,
	}, w.angle.value)
}
