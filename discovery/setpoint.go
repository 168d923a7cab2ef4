package discovery

import (
	"math"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A setpoint is a property that takes a temperature, with what the appliance
// reports of its limits at the moment. The zero setpoint is none.
type setpoint struct {
	takes     *value
	low, high *value     // nil: the appliance reports none
	usual     [2]float64 // limits in °C to announce where LG knows none
}

// What is usual for the air of a room, and for water that heats or cools it.
var (
	usualAir   = [2]float64{10, 35}
	usualWater = [2]float64{5, 80}
)

// values are what can be set in a state: what the profile says, tightened by what
// the appliance reports as far as that leaves a range.
func (p setpoint) values(s thinq.State) thinq.Values {
	w := p.takes.Write
	low, knownLow := numberAt(p.low, s)
	high, knownHigh := numberAt(p.high, s)
	switch {
	case !w.Limited && p.takes.Read.Limited:
		w = p.takes.Read
	case !w.Limited && knownLow && knownHigh && low < high:
		return thinq.Values{Limited: true, Min: low, Max: high, Step: 1}
	case !w.Limited:
		return w
	}
	tight := w
	if knownLow {
		tight.Min = max(w.Min, onSteps(w, low, math.Ceil))
	}
	if knownHigh {
		tight.Max = min(w.Max, onSteps(w, high, math.Floor))
	}
	if knownLow && knownHigh && low >= high || tight.Min >= tight.Max {
		return w
	}
	return tight
}

// onSteps moves f to a place of the grid, up or down.
func onSteps(w thinq.Values, f float64, round func(float64) float64) float64 {
	const dust = 1e-6
	steps := (f - w.Min) / w.Step
	if near := math.Round(steps); math.Abs(steps-near) < dust {
		steps = near
	}
	return math.Round((w.Min+round(steps)*w.Step)/dust) * dust
}

// announced are the limits and the step for Home Assistant.
func (p setpoint) announced(s thinq.State) (low, high, step float64) {
	w := p.values(s)
	switch {
	case w.Limited:
		return w.Min, w.Max, max(w.Step, 0.1) // Home Assistant sends no finer ones
	case unitOf(p.takes) == "F":
		return convert(p.usual[0], "C"), convert(p.usual[1], "C"), 1
	}
	return p.usual[0], p.usual[1], 1
}

// parse reads a temperature and moves it to LG's grid. What is outside by less
// than half a step comes of a conversion between units, and is taken.
func (p setpoint) parse(payload string, s thinq.State) (float64, *Rejection) {
	w := p.values(s)
	f, rejection := parseFloat(payload)
	switch {
	case rejection != nil:
		rejection.Allowed = allowed(p.takes.Property)
		return 0, rejection
	case !w.Limited:
		return f, nil
	case f < w.Min-w.Step/2 || f > w.Max+w.Step/2:
		return 0, outOfRange(f, limits{w.Min, w.Max, w.Step})
	}
	tight := p.takes.Property
	tight.Write = w
	return tight.Round(min(max(f, w.Min), w.Max)), nil
}

// take is the codec of what sets it.
func (p setpoint) take(payload string, now thinq.State) (thinq.State, *Rejection) {
	f, rejection := p.parse(payload, now)
	if rejection != nil {
		return nil, rejection
	}
	return thinq.State{p.takes.Path: f}, nil
}

// watchLimits makes the appliance be described anew when it reports other limits.
func (b *builder) watchLimits(p setpoint) {
	l, h, _ := p.announced(b.state)
	for _, v := range []*value{p.low, p.high} {
		if v == nil {
			continue
		}
		b.watchFor(v.Path, func(_ any, now thinq.State) bool {
			low, high, _ := p.announced(now)
			return low != l || high != h
		})
	}
}

// precision is what Home Assistant shows of a temperature: whole degrees
// Fahrenheit and halves of Celsius, unless the steps are finer.
func precision(unit string, steps ...float64) float64 {
	finest := map[string]float64{"C": 0.5, "F": 1}[unit]
	for _, step := range steps {
		for _, p := range []float64{0.5, 0.1} {
			if n := step / finest; p < finest && math.Abs(n-math.Round(n)) > 1e-6 {
				finest = p
			}
		}
	}
	return finest
}

// degrees is a temperature in a unit, whichever its own is; false if it is not
// known.
func degrees(v *value, unit string, s thinq.State) (float64, bool) {
	f, ok := numberAt(v, s)
	if own := unitOf(v); ok && own != unit {
		f = math.Round(convert(f, own)*2) / 2
	}
	return f, ok
}

// showResult shows a number that is worked out; null where there is none.
func showResult(number func(thinq.State) (float64, bool)) func([]byte, thinq.State) []byte {
	return func(dst []byte, s thinq.State) []byte {
		f, ok := number(s)
		if !ok {
			return append(dst, "null"...)
		}
		return appendNumber(dst, f)
	}
}
