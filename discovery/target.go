package discovery

import (
	"slices"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// targets are the properties that take the temperature in a mode, best first.
// In the modes that are not here only the general one does.
var targets = map[string][]string{
	"cool": {"coolTargetTemperature", "targetTemperature"},
	"heat": {"heatTargetTemperature", "targetTemperature"},
	"auto": {"autoTargetTemperature", "targetTemperature"},
}

// The block of temperatures, and the older one that some appliances have beside
// it or instead of it.
const (
	newerBlock = "temperatureInUnits."
	olderBlock = "temperature."
)

// pickByJob makes pick choose among the temperatures of an air conditioner: the
// property of the present job mode.
func (u *hvacUnit) pickByJob() {
	there := func(name string) *value {
		if v := u.find(newerBlock+name, ""); v != nil {
			return v
		}
		return u.find(olderBlock+name, "")
	}
	current, low, high := there("currentTemperature"), there("minTargetTemperature"), there("maxTargetTemperature")
	u.target = there("targetTemperature")
	u.unit = u.unitOfTargets(there, current)
	if u.twoSet != nil && (u.sameUnit(u.pairLow) == nil || u.sameUnit(u.pairHigh) == nil) {
		u.twoSet = nil
	}
	if current != nil && current.Readable {
		u.readings = []*value{current}
		u.measured = func(s thinq.State) (float64, bool) { return degrees(current, u.unit, s) }
	}
	byMode := map[string]setpoint{}
	for _, mode := range []string{"cool", "heat", "auto"} {
		byMode[mode] = setpoint{u.firstTarget(mode), low, high, usualAir}
		u.maySet(byMode[mode])
	}
	general := setpoint{takes: u.sameUnit(u.target), low: low, high: high, usual: usualAir}
	u.maySet(general)
	if u.twoSet != nil {
		u.maySet(setpoint{takes: u.pairLow, usual: usualAir})
		u.maySet(setpoint{takes: u.pairHigh, usual: usualAir})
	}
	u.deciders = []*value{u.mode, u.twoSet, low, high}
	u.consume(climateKey, u.target, low, high)
	u.pick = func(s thinq.State) setpoint {
		mode := targetMode(u.job(s))
		p, known := byMode[mode]
		switch {
		case !known:
			return general
		case u.twoPoints(s):
			return u.pickOfPair(mode)
		}
		return p
	}
}

// pickOfPair is the one of two set-points that counts in a mode; the zero
// setpoint where both do.
func (u *hvacUnit) pickOfPair(mode string) setpoint {
	switch mode {
	case "cool":
		return setpoint{takes: u.pairHigh, usual: usualAir}
	case "heat":
		return setpoint{takes: u.pairLow, usual: usualAir}
	}
	return setpoint{}
}

// targetMode is the mode whose temperature a job mode goes by.
func targetMode(job string) string {
	if isCoolPreset(job) {
		return "cool"
	}
	return hvacMode(job)
}

// unitOfTargets is the unit of what can be set, else of what is shown.
func (u *hvacUnit) unitOfTargets(there func(string) *value, current *value) string {
	for _, name := range []string{"coolTargetTemperature", "heatTargetTemperature", "autoTargetTemperature", "targetTemperature"} {
		if v := there(name); v != nil && v.Writable {
			return unitOf(v)
		}
	}
	return unitOf(u.pairLow, u.target, current)
}

// firstTarget is the first of the targets of a mode that can be set; the older
// block counts where the newer one cannot set it.
func (u *hvacUnit) firstTarget(mode string) *value {
	for _, name := range targets[mode] {
		candidates := []*value{u.find(newerBlock+name, ""), u.find(olderBlock+name, "")}
		if u.works(mode) {
			candidates = append(candidates, u.replaced(olderBlock+name, ""))
		}
		for _, v := range candidates {
			if u.sameUnit(v) != nil {
				return v
			}
		}
	}
	return nil
}

// works reports whether the appliance has a job mode that goes by the temperature
// of a mode.
func (u *hvacUnit) works(mode string) bool {
	return slices.ContainsFunc(u.wordsShown(u.mode), func(job string) bool { return targetMode(job) == mode })
}

// sameUnit is v if it is a temperature that can be set in the unit of all others.
func (u *hvacUnit) sameUnit(v *value) *value {
	if v == nil || !v.Writable || !isNumeric(v.Property) || unitOf(v) != u.unit {
		return nil
	}
	return v
}

// maySet notes what takes a temperature in some mode.
func (u *hvacUnit) maySet(p setpoint) {
	if p.takes != nil && !slices.ContainsFunc(u.settable, func(q setpoint) bool { return q.takes == p.takes }) {
		u.settable = append(u.settable, p)
	}
}

// temperatures adds the one set-point with the limits of the present mode; they
// are announced again when the mode changes them.
func (u *hvacUnit) temperatures() {
	u.entity.Config["temperature_unit"] = u.unit
	if u.measured != nil {
		u.bind("current_temperature", rankValue, Codec{Show: showResult(u.measured)}, u.readings...)
	}
	var properties []*value
	var steps []float64
	for _, p := range u.settable {
		properties = append(properties, p.takes)
		if p.takes.key == "" {
			p.takes.why = "set by " + climateKey + " where the newer block cannot be"
		}
		_, _, step := p.announced(nil)
		steps = append(steps, step)
	}
	u.entity.Config["precision"] = precision(u.unit, steps...)
	if len(u.settable) == 0 {
		return
	}
	u.bind("temperature", rankValue, Codec{Show: showResult(u.targetNow), Take: u.takeTarget}, properties...).mirrored = true
	u.limits()
	u.consume(climateKey, properties...)
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
	p := u.pick(s)
	switch {
	case p.takes != nil:
		return p.announced(s)
	case u.twoPoints(s):
		low, high, step = setpoint{takes: u.pairLow, usual: usualAir}.announced(s)
		l, h, st := setpoint{takes: u.pairHigh, usual: usualAir}.announced(s)
		return min(low, l), max(high, h), min(step, st)
	}
	return u.settable[0].announced(nil)
}

// targetNow is the one set-point that counts; false where none can be set (LG
// goes on reporting the target of the mode before), and where two count. It
// stays while the appliance is off. LG's 0 means that there is none.
func (u *hvacUnit) targetNow(s thinq.State) (float64, bool) {
	p := u.pick(s)
	if p.takes == nil {
		return 0, false
	}
	for _, v := range []*value{u.target, p.takes} {
		if v == u.target && u.isPair(p.takes) {
			continue
		}
		f, ok := degrees(v, u.unit, s)
		if w := p.takes.Write; ok && (f != 0 || !w.Limited || w.Min <= 0) {
			return f, true
		}
	}
	return 0, false
}

func (u *hvacUnit) isPair(v *value) bool {
	return u.twoSet != nil && (v == u.pairLow || v == u.pairHigh)
}

func (u *hvacUnit) takeTarget(payload string, now thinq.State) (thinq.State, *Rejection) {
	p := u.pick(now)
	if p.takes == nil {
		return nil, &Rejection{Reason: "wrong_mode", Message: "no single temperature can be set in the mode " + word(u.job(now))}
	}
	if seen, ok := now[u.seenMode].(string); ok && seen != u.job(now) {
		p.low, p.high = nil, nil // what is reported are the limits of the mode before
	}
	f, rejection := p.parse(payload, now)
	switch {
	case rejection != nil:
		return nil, rejection
	case u.isPair(p.takes):
		return u.makeRoom(p.takes, f, now), nil
	}
	return thinq.State{p.takes.Path: f}, nil
}
