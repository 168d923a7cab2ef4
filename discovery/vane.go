package discovery

import (
	"slices"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// fanSources are the properties that set the fan, finest first.
var fanSources = []string{"airFlow.windStep", "airFlow.windStrengthDetail", "airFlow.windStrength"}

// fanNames are Home Assistant's usual words for some of LG's.
var fanNames = map[string]string{"medium": "MID"}

func (u *hvacUnit) fan() {
	var source *value
	for _, key := range fanSources {
		v := u.find(key, "")
		if v == nil || !v.Writable {
			continue
		}
		if source == nil {
			source = v
		}
		u.consume(climateKey, v)
	}
	if source == nil {
		return
	}
	u.entity.Config["fan_modes"] = u.fanModes(source)
	take := takeProperty(source.Property)
	u.bind("fan_mode", rankFan, Codec{
		Show: showProperty(source.Property),
		Take: func(payload string, now thinq.State) (thinq.State, *Rejection) {
			if usual, ok := fanNames[word(strings.TrimSpace(payload))]; ok && slices.Contains(source.Write.Options, any(usual)) {
				payload = usual
			}
			return take(payload, now)
		},
	}, source)
}

// fanModes lists words, or for steps their numbers.
func (u *hvacUnit) fanModes(v *value) []string {
	if !isNumeric(v.Property) {
		return u.optionsOf(v)
	}
	var modes []string
	for _, f := range stepsOf(v.Property, v.word) {
		modes = append(modes, string(appendNumber(nil, f)))
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

// swing adds one axis of the vanes.
func (u *hvacUnit) swing(field, key string) {
	v := u.find(key, "")
	if v == nil || !v.Writable || !isBool(v.Property) {
		return
	}
	u.entity.Config[field+"s"] = []string{"off", "on"}
	u.bind(field, rankFan, Codec{
		Show: func(dst []byte, s thinq.State) []byte {
			switch s[v.Path] {
			case true:
				return append(dst, `"on"`...)
			case false:
				return append(dst, `"off"`...)
			}
			return append(dst, "null"...)
		},
		Take: takeProperty(v.Property),
	}, v)
	u.consume(climateKey, v)
}
