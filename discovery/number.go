package discovery

import "github.com/thinq2mqtt/thinq2mqtt/thinq"

// number describes a number that can be set, within the limits in which LG takes
// it. They are widened by what is shown, because Home Assistant drops states
// outside: an oven that reports less than can be set makes the device be
// described again.
func (b *builder) number(v *value, c map[string]any) Platform {
	b.measure(v, c)
	low, high := b.shownLimits(v)
	if low >= high {
		return Sensor
	}
	delete(c, "state_class")
	c["min"], c["max"], c["step"] = low, high, stepOf(v.Property)
	if v.word.Box {
		c["mode"] = "box"
	}
	return Number
}

// shownLimits are the limits in which v can be set now, widened by what is shown.
func (b *builder) shownLimits(v *value) (low, high float64) {
	low, high = limitsOf(v.Property, v.word)
	if v.point != nil {
		low, high, _ = v.point.announced(b.state)
	}
	if now, ok := b.state[v.Path].(float64); ok {
		low, high = min(low, now), max(high, now)
	}
	b.watchFor(v.Path, func(now any, _ thinq.State) bool {
		f, ok := now.(float64)
		return ok && (f < low || f > high)
	})
	return low, high
}

// limitsOf are the limits in which p can be set; of words where the profile has
// none, else 0 to 100. A timer is 0 while it is not set, whatever it takes.
func limitsOf(p thinq.Property, w Word) (low, high float64) {
	switch {
	case p.Write.Limited:
		low, high = p.Write.Min, p.Write.Max
	case p.Read.Limited:
		low, high = p.Read.Min, p.Read.Max
	case w.Low != 0 || w.High != 0:
		low, high = w.Low, w.High
	default:
		low, high = 0, 100
	}
	if w.Class == "duration" {
		low = min(low, 0)
	}
	return low, high
}

// stepOf is the step of a number; Home Assistant takes none below 0.001.
func stepOf(p thinq.Property) float64 {
	switch {
	case p.Write.Limited:
		return max(p.Write.Step, 0.001)
	case p.Read.Limited:
		return max(p.Read.Step, 0.001)
	}
	return 1
}

// stepsOf are the numbers that p takes, a hundred at most.
func stepsOf(p thinq.Property, w Word) []float64 {
	var steps []float64
	low, high := limitsOf(p, w)
	for i := range 100 {
		f := low + float64(i)*stepOf(p)
		if f > high {
			break
		}
		steps = append(steps, f)
	}
	return steps
}

func (b *builder) measure(v *value, c map[string]any) {
	if v.word.Class != "" {
		c["device_class"] = v.word.Class
	}
	if v.word.Unit != "" {
		c["unit_of_measurement"] = v.word.Unit
	}
	if v.word.StateClass != "" {
		c["state_class"] = v.word.StateClass
	}
}
