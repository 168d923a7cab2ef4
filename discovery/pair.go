package discovery

import "github.com/thinq2mqtt/thinq2mqtt/thinq"

// findPair finds the two set-points of an appliance that can have them.
func (u *hvacUnit) findPair() {
	flag := u.find("twoSetTemperature.twoSetEnabled", "")
	for _, resource := range []string{"twoSetTemperatureInUnits.", "twoSetTemperature."} {
		low, high := u.firstOf(resource+"heatTargetTemperature"), u.firstOf(resource+"coolTargetTemperature")
		if flag != nil && low != nil && high != nil && isNumeric(low.Property) && isNumeric(high.Property) {
			u.twoSet, u.pairLow, u.pairHigh = flag, low, high
			return
		}
	}
}

// twoPoints reports whether a state has two set-points.
func (u *hvacUnit) twoPoints(s thinq.State) bool {
	return u.twoSet != nil && s[u.twoSet.Path] == any(true)
}

// pair adds the two set-points.
func (u *hvacUnit) pair() {
	if u.twoSet == nil {
		return
	}
	isPair := u.twoPoints(u.state)
	u.watchFor(u.twoSet.Path, func(_ any, now thinq.State) bool { return u.twoPoints(now) != isPair })
	for _, v := range []*value{u.pairLow, u.pairHigh} {
		field := map[*value]string{u.pairLow: "temperature_low", u.pairHigh: "temperature_high"}[v]
		binding := u.bind(field, rankValue, u.pairCodec(v), u.pairLow, u.pairHigh)
		binding.quiet, binding.agree = !isPair, u.inOrder
	}
}

// pairCodec shows a set-point of two while both count.
func (u *hvacUnit) pairCodec(v *value) Codec {
	return Codec{
		Show: showResult(func(s thinq.State) (float64, bool) {
			f, ok := numberAt(v, s)
			return f, ok && u.twoPoints(s) && targetMode(u.job(s)) == "auto"
		}),
		Take: func(payload string, now thinq.State) (thinq.State, *Rejection) {
			if !u.twoPoints(now) {
				return nil, &Rejection{Reason: "wrong_mode", Message: "the appliance has one set-point at the moment"}
			}
			if targets[targetMode(u.job(now))] == nil {
				return nil, &Rejection{Reason: "wrong_mode", Message: "no temperature can be set in the mode " + word(u.job(now))}
			}
			f, rejection := setpoint{takes: v}.parse(payload, now)
			if rejection != nil {
				return nil, rejection
			}
			return u.both(v, f, now), nil
		},
	}
}

// both is the wish for one set-point of two: LG wants them together.
func (u *hvacUnit) both(v *value, f float64, now thinq.State) thinq.State {
	wish := thinq.State{}
	for _, set := range []*value{u.pairLow, u.pairHigh} {
		if now[set.Path] != nil {
			wish[set.Path] = now[set.Path]
		}
	}
	wish[v.Path] = f
	return wish
}

// makeRoom is the wish for the one set-point of two that counts in the present
// mode. Nobody sees the other one now, so it gives way.
func (u *hvacUnit) makeRoom(v *value, f float64, now thinq.State) thinq.State {
	wish := u.both(v, f, now)
	low, knownLow := wish[u.pairLow.Path].(float64)
	high, knownHigh := wish[u.pairHigh.Path].(float64)
	switch {
	case !knownLow || !knownHigh || low <= high:
	case v == u.pairLow:
		wish[u.pairHigh.Path] = u.pairHigh.Round(f)
	default:
		wish[u.pairLow.Path] = u.pairLow.Round(f)
	}
	return wish
}

// inOrder refuses set-points of which the lower is above the higher.
func (u *hvacUnit) inOrder(then thinq.State) *Rejection {
	low, knownLow := numberAt(u.pairLow, then)
	high, knownHigh := numberAt(u.pairHigh, then)
	if !knownLow || !knownHigh || low <= high {
		return nil
	}
	return &Rejection{
		Reason: "out_of_range",
		Message: "the lower temperature, " + string(appendNumber(nil, low)) + ", is above the higher one, " +
			string(appendNumber(nil, high)) + ": set both, or the other one first",
		Allowed: limits{u.pairLow.Write.Min, u.pairHigh.Write.Max, u.pairLow.Write.Step},
	}
}
