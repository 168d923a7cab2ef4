package discovery

import (
	"slices"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// fanSources are the properties that set the fan, finest first. The first that
// can be set is the fan of the climate entity; others have words that it lacks
// (AUTO and POWER beside seven steps) and stay entities of their own.
var fanSources = []string{"airFlow.windStep", "airFlow.windStrengthDetail", "airFlow.windStrength"}

// fanNames are Home Assistant's usual words for some of LG's.
var fanNames = map[string]string{"medium": "MID", "auto": "NATURE"}

func (u *hvacUnit) fan() {
	for _, key := range fanSources {
		source := u.find(key, "")
		if source == nil || !source.Writable || isBool(source.Property) {
			continue
		}
		modes := u.fanModes(source)
		if len(modes) == 0 {
			continue
		}
		u.entity.Config["fan_modes"] = modes
		u.bind("fan_mode", rankFan, Codec{Show: showProperty(source.Property), Take: takeFan(source.Property)}, source)
		u.consume(climateKey, source)
		return
	}
}

// takeFan reads a speed: one of LG's words, or a usual one where LG has no such
// word.
func takeFan(p thinq.Property) func(string, thinq.State) (thinq.State, *Rejection) {
	take := takeProperty(p)
	known := wordsOf(p.Write.Options)
	return func(payload string, now thinq.State) (thinq.State, *Rejection) {
		asked := word(strings.TrimSpace(payload))
		if lg := fanNames[asked]; lg != "" && !slices.Contains(known, asked) && slices.Contains(known, word(lg)) {
			payload = lg
		}
		return take(payload, now)
	}
}

// fanModes lists words, or for steps their numbers; none where LG does not say
// which there are.
func (u *hvacUnit) fanModes(v *value) []string {
	if !isNumeric(v.Property) {
		return u.optionsOf(v)
	}
	if !v.Write.Limited {
		return nil
	}
	var modes []string
	for _, f := range stepsOf(v.Property, v.word) {
		if v.Check(f) == nil {
			modes = append(modes, string(appendNumber(nil, f)))
		}
	}
	isNew := func(now any, _ thinq.State) bool {
		_, ok := now.(float64)
		return ok && !slices.Contains(modes, string(appendValue(nil, now)))
	}
	if now := u.state[v.Path]; isNew(now, nil) {
		modes = append(modes, string(appendValue(nil, now)))
	}
	u.watchFor(v.Path, isNew)
	return modes
}

// swing adds one axis of the vanes: off and on, or positions where LG lists some.
func (u *hvacUnit) swing(field, key string) {
	v := u.find(key, "")
	if v == nil || !v.Writable || !v.Readable {
		return
	}
	switch natureOf(v.Property) {
	case pairOf:
		u.entity.Config[field+"s"] = []string{"off", "on"}
		u.bind(field, rankFan, Codec{Show: v.showOnOff(), Take: takeProperty(v.Property)}, v)
	case choice:
		modes := u.optionsOf(v)
		if len(modes) == 0 {
			return
		}
		u.entity.Config[field+"s"] = modes
		u.bind(field, rankFan, plainCodec(v), v)
	default:
		return
	}
	u.consume(climateKey, v)
}

// showOnOff shows a pair as on and off, whatever its words are.
func (v *value) showOnOff() func([]byte, thinq.State) []byte {
	var on, off any = true, false
	if !isBool(v.Property) {
		on, off, _ = pairOptions(v.Property)
	}
	return func(dst []byte, s thinq.State) []byte {
		switch s[v.Path] {
		case on:
			return append(dst, `"on"`...)
		case off:
			return append(dst, `"off"`...)
		}
		return append(dst, "null"...)
	}
}

// pairOptions are the two words of a pair as they stand in a state.
func pairOptions(p thinq.Property) (on, off any, ok bool) {
	onWord, offWord, ok := pair(readOptions(p))
	return onWord, offWord, ok
}
