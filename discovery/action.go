package discovery

import "github.com/thinq2mqtt/thinq2mqtt/thinq"

// action adds what the appliance probably does. LG does not say it; it follows
// from the mode and from which side of the target the temperature is, so Home
// Assistant hears of it only where the owner wants an estimate.
func (u *hvacUnit) action() {
	u.bind("action", rankValue, Codec{Show: func(dst []byte, s thinq.State) []byte {
		if action := u.actionIn(s); action != "" {
			return appendString(dst, action)
		}
		return append(dst, "null"...)
	}}).quiet = !u.options.EstimateAction
}

// actionIn is the probable action in a state, empty if there is no telling.
func (u *hvacUnit) actionIn(s thinq.State) string {
	job := u.job(s)
	mode := targetMode(job)
	now, known := 0.0, u.measured != nil
	if known {
		now, known = u.measured(s)
	}
	switch {
	case u.isOff(s):
		return "off"
	case job == "":
		return ""
	case mode == "dry":
		return "drying"
	case mode == "fan_only" || mode == "":
		return "fan"
	case !known:
		return ""
	case mode == "auto" && u.twoPoints(s):
		low, knownLow := numberAt(u.pairLow, s)
		high, knownHigh := numberAt(u.pairHigh, s)
		return sideOf(now, low, high, knownLow && knownHigh)
	}
	target, known := u.targetNow(s)
	switch {
	case !known:
		return ""
	case mode == "cool" && now >= target:
		return "cooling"
	case mode == "heat" && now <= target:
		return "heating"
	case mode == "auto":
		return sideOf(now, target, target, true)
	}
	return "idle"
}

// sideOf is what an appliance does that keeps a temperature between two others.
func sideOf(now, low, high float64, known bool) string {
	switch {
	case !known:
		return ""
	case now < low:
		return "heating"
	case now > high:
		return "cooling"
	}
	return "idle"
}
