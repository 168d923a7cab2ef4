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

// pickByJob makes pick choose among the temperatures of an air conditioner:
// the property of the present job mode, of a resource or else of an older one.
func (u *hvacUnit) pickByJob(resource, older string) {
	if len(u.locations(resource+".currentTemperature")) == 0 {
		resource = older
	}
	temperature := func(name string) *value { return u.find(resource+"."+name, "") }
	first := func(names []string) *value {
		for _, name := range names {
			if v := temperature(name); v != nil && v.Writable {
				return v
			}
		}
		return nil
	}
	general := first([]string{"targetTemperature"})
	byJob := map[string]*value{}
	for _, job := range []string{"COOL", "HEAT", "AUTO", "ENERGY_SAVING"} {
		byJob[job] = first(targets[job])
		u.maySet(byJob[job])
	}
	low, high := temperature("minTargetTemperature"), temperature("maxTargetTemperature")
	u.maySet(u.pairLow)
	u.maySet(u.pairHigh)
	u.current, u.target = temperature("currentTemperature"), temperature("targetTemperature")
	u.deciders = []*value{u.mode, u.twoSet, low, high}
	u.consume(climateKey, u.target, low, high)
	u.pick = func(s thinq.State) (*value, *value, *value) {
		job := u.job(s)
		if u.twoPoints(s) {
			switch hvacOf(job) {
			case "cool":
				return u.pairHigh, nil, nil
			case "heat":
				return u.pairLow, nil, nil
			case "auto":
				return nil, nil, nil // both count
			}
		}
		if v, known := byJob[job]; known {
			return v, low, high
		}
		return general, low, high
	}
}

// hvacOf is the mode that a job mode sets the temperature of.
func hvacOf(job string) string {
	if coolPresets[job] {
		return "cool"
	}
	return hvac[job]
}

// maySet notes a property that takes a temperature in some mode.
func (u *hvacUnit) maySet(v *value) {
	if v != nil && v.Writable && !slices.Contains(u.settable, v) {
		u.settable = append(u.settable, v)
	}
}

// temperatures adds the one set-point with the limits of the present mode; they
// are announced again when the mode changes them.
func (u *hvacUnit) temperatures() {
	unit := unitOf(u.target, u.current, u.pairLow)
	u.entity.Config["temperature_unit"] = unit
	u.entity.Config["precision"] = map[string]float64{"C": 0.5, "F": 1}[unit]
	if u.current != nil {
		u.bind("current_temperature", rankValue, Codec{Show: showNumber(u.current.Path)})
	}
	if len(u.settable) == 0 {
		return
	}
	u.bind("temperature", rankValue, Codec{Show: u.showTarget, Take: u.takeTarget}, u.settable...).mirrored = true
	u.limits()
	u.consume(climateKey, u.settable...)
}

// limits announces what can be set now; in a mode without a set-point what the
// first one takes, so that the range does not jump about.
func (u *hvacUnit) limits() {
	low, high, step := u.limitsIn(u.state)
	if low < high {
		u.entity.Config["min_temp"], u.entity.Config["max_temp"], u.entity.Config["temp_step"] = low, high, step
	}
	for _, v := range u.deciders {
		if v == nil {
			continue
		}
		u.watchFor(v.Path, func(_ any, now thinq.State) bool {
			l, h, s := u.limitsIn(now)
			return l != low || h != high || s != step
		})
	}
}

func (u *hvacUnit) limitsIn(s thinq.State) (low, high, step float64) {
	v, l, h := u.pick(s)
	if v == nil && u.twoPoints(s) {
		return u.pairLow.Write.Min, u.pairHigh.Write.Max, u.pairLow.Write.Step
	}
	if v == nil {
		v, l, h = u.settable[0], nil, nil
	}
	return writeLimits(v, l, h, s)
}

// showTarget shows the one set-point; null where none can be set (LG goes on
// reporting the target of the mode before), and where two count.
func (u *hvacUnit) showTarget(dst []byte, s thinq.State) []byte {
	switch v, _, _ := u.pick(s); {
	case v == nil:
		return append(dst, "null"...)
	case v == u.pairLow || v == u.pairHigh || u.target == nil:
		return appendFloat(dst, s[v.Path])
	}
	return appendFloat(dst, s[u.target.Path])
}

func (u *hvacUnit) takeTarget(payload string, now thinq.State) (thinq.State, *Rejection) {
	v, _, _ := u.pick(now)
	if v == nil {
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

// pair adds the two set-points of an appliance that can have them.
func (u *hvacUnit) pair() {
	if u.twoSet == nil {
		return
	}
	isPair := u.twoPoints(u.state)
	u.watchFor(u.twoSet.Path, func(_ any, now thinq.State) bool { return u.twoPoints(now) != isPair })
	u.bind("temperature_low", rankValue, u.pairCodec(u.pairLow), u.pairLow, u.pairHigh).quiet = !isPair
	u.bind("temperature_high", rankValue, u.pairCodec(u.pairHigh), u.pairLow, u.pairHigh).quiet = !isPair
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
func (u *hvacUnit) pairCodec(v *value) Codec {
	return Codec{
		Show: func(dst []byte, s thinq.State) []byte {
			if u.twoPoints(s) && u.job(s) == "AUTO" {
				return appendFloat(dst, s[v.Path])
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
