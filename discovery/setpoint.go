package discovery

import (
	"slices"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// targets are the properties that take the temperature in a job mode, best
// first. In the modes that are not here only the general one does.
var targets = map[string][]string{
	"COOL":          {"coolTargetTemperature", "targetTemperature"},
	"HEAT":          {"heatTargetTemperature", "targetTemperature"},
	"AUTO":          {"autoTargetTemperature", "targetTemperature"},
	"ENERGY_SAVING": {"coolTargetTemperature", "targetTemperature"},
}

// temperatures adds the set-points with the limits of the present mode; they
// are announced again when the mode changes them.
func (u *hvacUnit) temperatures() {
	u.entity.Config["temperature_unit"] = u.unit()
	u.entity.Config["precision"] = map[string]float64{"C": 0.5, "F": 1}[u.unit()]
	if u.current != nil {
		u.bind("current_temperature", rankValue, Codec{Show: showValue(u.current.Path)})
	}
	props := u.settable()
	if len(props) > 0 || u.pairLow != nil {
		u.bind("temperature", rankValue, Codec{Show: u.showTarget, Take: u.takeTarget}, props...)
		u.entity.Bindings[len(u.entity.Bindings)-1].mirrored = true
		u.limits()
	}
	u.consume(climateKey, append(props, u.target, u.minLimit, u.maxLimit)...)
	if u.twoSet == nil || u.pairLow == nil || u.pairHigh == nil {
		return
	}
	u.watchFor(u.twoSet.Path, func(v any) bool { return (v == any(true)) != u.twoPoints(u.state) })
	u.bind("temperature_low", rankValue, u.pairCodec(u.pairLow, u.pairHigh), u.pairLow, u.pairHigh)
	u.bind("temperature_high", rankValue, u.pairCodec(u.pairHigh, u.pairLow), u.pairLow, u.pairHigh)
	u.consume(climateKey, u.pairLow, u.pairHigh)
}

// unit is the unit of the set-points.
func (u *hvacUnit) unit() string {
	for _, v := range []*value{u.target, u.current, u.pairLow} {
		if v != nil && v.word.Unit == "°F" {
			return "F"
		}
	}
	return "C"
}

// settable are all properties that take a temperature in some mode.
func (u *hvacUnit) settable() []*value {
	var all []*value
	for _, job := range []string{"COOL", "HEAT", "AUTO"} {
		for _, name := range targets[job] {
			if v := u.temperature(name); v != nil && v.Writable && !slices.Contains(all, v) {
				all = append(all, v)
			}
		}
	}
	return append(all, slices.DeleteFunc([]*value{u.pairLow, u.pairHigh}, func(v *value) bool { return v == nil })...)
}

// targetFor is the property that takes the temperature in a state; nil if none
// does.
func (u *hvacUnit) targetFor(s thinq.State) *value {
	job := u.job(s)
	if u.twoPoints(s) {
		switch job {
		case "COOL", "ENERGY_SAVING":
			return u.pairHigh
		case "HEAT":
			return u.pairLow
		}
	}
	if _, known := targets[job]; known {
		return u.byJob[job]
	}
	return u.byJob[""]
}

// firstWritable is the first of several temperatures that can be set, nil if
// none can.
func (u *hvacUnit) firstWritable(names []string) *value {
	for _, name := range names {
		if v := u.temperature(name); v != nil && v.Writable {
			return v
		}
	}
	return nil
}

// limits announces what can be set now; in a mode without a set-point what the
// first one takes, so that the range does not jump about.
func (u *hvacUnit) limits() {
	low, high, step := u.limitsIn(u.state)
	if low < high {
		u.entity.Config["min_temp"], u.entity.Config["max_temp"], u.entity.Config["temp_step"] = low, high, step
	}
	differs := func(p thinq.Path) func(any) bool {
		return func(v any) bool {
			then := thinq.State{p: v}
			for path, known := range u.state {
				if path != p {
					then[path] = known
				}
			}
			l, h, s := u.limitsIn(then)
			return l != low || h != high || s != step
		}
	}
	for _, v := range []*value{u.mode, u.twoSet, u.minLimit, u.maxLimit} {
		if v != nil {
			u.watchFor(v.Path, differs(v.Path))
		}
	}
}

func (u *hvacUnit) limitsIn(s thinq.State) (low, high, step float64) {
	v := u.targetFor(s)
	switch all := u.settable(); {
	case u.twoPoints(s) && u.job(s) == "AUTO":
		return u.pairLow.Write.Min, u.pairHigh.Write.Max, u.pairLow.Write.Step
	case v == nil && len(all) > 0:
		v = all[0]
	case v == nil:
		return 0, 0, 0
	}
	if !v.Write.Limited {
		return map[string]float64{"C": 10, "F": 50}[u.unit()], map[string]float64{"C": 35, "F": 95}[u.unit()], 1
	}
	low, high, step = v.Write.Min, v.Write.Max, v.Write.Step
	if l, ok := u.limit(u.minLimit, s); ok && l > low && l < high {
		low = l
	}
	if h, ok := u.limit(u.maxLimit, s); ok && h < high && h > low {
		high = h
	}
	return low, high, step
}

func (u *hvacUnit) limit(v *value, s thinq.State) (float64, bool) {
	if v == nil {
		return 0, false
	}
	f, ok := s[v.Path].(float64)
	return f, ok
}

// showTarget shows the one set-point; null while there are two that count.
func (u *hvacUnit) showTarget(dst []byte, s thinq.State) []byte {
	switch v := u.targetFor(s); {
	case u.twoPoints(s) && u.job(s) == "AUTO":
		return append(dst, "null"...)
	case u.twoPoints(s) && (v == u.pairLow || v == u.pairHigh):
		return appendValue(dst, s[v.Path])
	case u.target != nil:
		return appendValue(dst, s[u.target.Path])
	}
	return append(dst, "null"...)
}

func (u *hvacUnit) takeTarget(payload string, now thinq.State) (thinq.State, *Rejection) {
	v := u.targetFor(now)
	if v == nil || u.twoPoints(now) && u.job(now) == "AUTO" {
		return nil, &Rejection{Reason: "wrong_mode", Message: "no single temperature can be set in the mode " + word(u.job(now))}
	}
	f, rejection := parseNumber(v.Property, payload)
	if rejection != nil {
		return nil, rejection
	}
	if v == u.pairLow || v == u.pairHigh {
		return u.both(v, f, now), nil
	}
	return thinq.State{v.Path: f}, nil
}

// both is the wish for one set-point of two: LG wants them together.
func (u *hvacUnit) both(v *value, f any, now thinq.State) thinq.State {
	wish := thinq.State{}
	for _, set := range []*value{u.pairLow, u.pairHigh} {
		if now[set.Path] != nil {
			wish[set.Path] = now[set.Path]
		}
	}
	wish[v.Path] = f
	return wish
}

// pairCodec shows a set-point of two while both count.
func (u *hvacUnit) pairCodec(v, _ *value) Codec {
	return Codec{
		Show: func(dst []byte, s thinq.State) []byte {
			if u.twoPoints(s) && u.job(s) == "AUTO" {
				return appendValue(dst, s[v.Path])
			}
			return append(dst, "null"...)
		},
		Take: func(payload string, now thinq.State) (thinq.State, *Rejection) {
			f, rejection := parseNumber(v.Property, payload)
			if rejection != nil {
				return nil, rejection
			}
			if !u.twoPoints(now) {
				return nil, &Rejection{Reason: "wrong_mode", Message: "the appliance has one set-point at the moment"}
			}
			return u.both(v, f, now), nil
		},
	}
}
