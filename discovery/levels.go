package discovery

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// levels are what a property may be set to, as the rungs of a ladder: off, the
// steps in rising order, and words that are no step, such as AUTO. What turns on
// and off alone has one step.
type levels struct {
	*value
	off   any // nil: nothing of it is off
	steps []any
	words []any // that are no step
	last  thinq.Path
	place map[any]int // of a step, from 1
}

// levelOrder ranks the words of levels, lowest first.
var levelOrder = []string{"SLOW", "SLOW_LOW", "LOW", "LOW_MID", "MID", "MID_HIGH", "HIGH", "TURBO", "POWER"}

// mostLevels is how many steps a range has at most; a finer one is coarsened.
const mostLevels = 100

// levelsOf sorts what v can be set to.
func (b *builder) levelsOf(v *value) *levels {
	l := &levels{value: v, last: derivedPath(b.device.Part, v.Path.Location, v.Path.Name+"Last"), place: map[any]int{}}
	on, off, isPair := pair(v.Write.Options)
	switch {
	case isBool(v.Property):
		l.off, l.steps = false, []any{true}
	case isPair:
		l.off, l.steps = off, []any{on}
	case isNumeric(v.Property):
		l.sortNumbers()
	default:
		l.sortWords()
	}
	for i, step := range l.steps {
		l.place[step] = i + 1
	}
	return l
}

func (l *levels) sortNumbers() {
	w := l.Write
	if !w.Limited {
		return
	}
	count := math.Floor((w.Max - w.Min) / w.Step)
	stride := max(1, math.Ceil(count/mostLevels))
	for i := 0.0; i <= count; i += stride {
		f := l.Round(w.Min + i*w.Step)
		switch {
		case f == 0 && i == 0:
			l.off = f
		case !slices.Contains(w.Except, f) && !slices.Contains(l.steps, any(f)):
			l.steps = append(l.steps, f)
		}
	}
}

func (l *levels) sortWords() {
	for _, o := range l.Write.Options {
		name, isWord := o.(string)
		rank := rungOf(name)
		switch {
		case !isWord || slices.Contains(l.steps, o) || slices.Contains(l.words, o):
		case strings.EqualFold(name, "OFF") || rank == len(levelOrder):
			l.off = o
		case rank >= 0:
			l.steps = append(l.steps, o)
		default:
			l.words = append(l.words, o)
		}
	}
	slices.SortStableFunc(l.steps, func(a, b any) int { return rungOf(a.(string)) - rungOf(b.(string)) })
}

// rungOf is the rank of the word of a level: HIGH, WIND_3, 70%, 2. It is -1 for
// a word that is no level, and len(levelOrder) for the number 0.
func rungOf(name string) int {
	tail := strings.TrimSuffix(name[strings.LastIndexByte(name, '_')+1:], "%")
	if n, err := strconv.Atoi(tail); err == nil && n >= 0 {
		return len(levelOrder) + n
	}
	return slices.Index(levelOrder, strings.ToUpper(name))
}

// lowestIsOff makes the lowest number off, where no other value is.
func (l *levels) lowestIsOff() {
	if l.off != nil || !isNumeric(l.Property) || len(l.steps) == 0 {
		return
	}
	l.off, l.steps = l.steps[0], l.steps[1:]
	clear(l.place)
	for i, step := range l.steps {
		l.place[step] = i + 1
	}
}

// now is the level of a state, also where LG reports the number 2 for the word
// WIND_2.
func (l *levels) now(s thinq.State) any {
	f, isNumber := s[l.Path].(float64)
	if !isNumber || isNumeric(l.Property) {
		return s[l.Path]
	}
	for _, o := range append(slices.Clone(l.steps), l.off) {
		if name, _ := o.(string); name != "" && rungOf(name) == len(levelOrder)+int(f) {
			return o
		}
	}
	return f
}

// stopped reports whether the level of a state is off.
func (l *levels) stopped(s thinq.State) bool {
	if l == nil || l.off == nil {
		return false
	}
	now := l.now(s)
	f, isNumber := now.(float64)
	off, _ := l.off.(float64)
	return now == l.off || isNumber && f <= off
}

// step is the place of a state's level, from 1; 0 if it has none. A number
// between two steps counts as the lower one.
func (l *levels) step(s thinq.State) int {
	now := l.now(s)
	f, isNumber := now.(float64)
	if n := l.place[now]; n > 0 || !isNumber || !isNumeric(l.Property) || l.stopped(s) {
		return n
	}
	above := slices.IndexFunc(l.steps, func(step any) bool { return step.(float64) > f })
	if above < 0 {
		above = len(l.steps)
	}
	return max(above, min(1, len(l.steps)))
}

// back is the step to turn on with: the one last used, else the lowest.
func (l *levels) back(now thinq.State) any {
	if last := now[l.last]; l.place[last] > 0 {
		return last
	}
	return l.steps[0]
}

// remember keeps the step last used.
func (b *builder) remember(l *levels) {
	b.device.memories = append(b.device.memories, func(now, _, into thinq.State, _ time.Time) {
		if v := l.now(now); l.place[v] > 0 {
			into[l.last] = v
		}
	})
}

// showOn shows whether the level is anything but off.
func (l *levels) showOn(dst []byte, s thinq.State) []byte {
	return appendOnOff(dst, s[l.Path] != nil, !l.stopped(s))
}

// takeOn turns on at the step last used, unless something is on already.
func (l *levels) takeOn(payload string, now thinq.State) (thinq.State, *Rejection) {
	on, rejection := parseOnOff(payload)
	switch {
	case rejection != nil:
		return nil, rejection
	case !on:
		return thinq.State{l.Path: l.off}, nil
	case l.stopped(now) || now[l.Path] == nil:
		return thinq.State{l.Path: l.back(now)}, nil
	}
	return nil, nil
}

// takeStep reads a step: 0 is off, which is answered by nil.
func (l *levels) takeStep(payload string) (any, *Rejection) {
	f, rejection := parseFloat(payload)
	switch {
	case rejection != nil:
		return nil, rejection
	case f < 0 || f > float64(len(l.steps)):
		return nil, outOfRange(f, limits{0, float64(len(l.steps)), 1})
	case f < 0.5:
		return nil, nil
	}
	return l.steps[int(f+0.5)-1], nil
}

// appendOnOff appends whether something is on, null if that is not known.
func appendOnOff(dst []byte, known, on bool) []byte {
	switch {
	case !known:
		return append(dst, "null"...)
	case on:
		return append(dst, `"on"`...)
	}
	return append(dst, `"off"`...)
}

// parseOnOff reads on and off, also as LG's words for the power.
func parseOnOff(payload string) (on bool, rejection *Rejection) {
	v, rejection := parseBool(strings.TrimPrefix(word(strings.TrimSpace(payload)), "power_"))
	on, _ = v.(bool)
	return on, rejection
}
