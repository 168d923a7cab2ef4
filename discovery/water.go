package discovery

import (
	"maps"
	"slices"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// waterHeater is the composite of a tank of hot water.
type waterHeater struct {
	Key, Name string
	Temps     string   // resource of the temperatures
	Low, High string   // names of the limits that the appliance reports, if any
	Power     []string // what switches the water on: the first that can be set, else the first that shows it
	Mode      string   // job modes; empty: it is heated or not
}

const waterHeaterKey = "water_heater"

// tankModes are the names of Home Assistant for job modes. It has none for a
// vacation, so that is off there; the select of the job mode tells them apart.
var tankModes = map[string]string{"AUTO": "eco", "HEAT_PUMP": "heat_pump", "TURBO": "performance", "VACATION": "off"}

// tankMode is the name of a job mode.
func tankMode(job string) string { return or(tankModes[strings.ToUpper(job)], word(job)) }

// heated is the mode of a tank without modes while it is on.
const heated = "heat_pump"

// A tank is a water heater while its entity is made.
type tank struct {
	composer
	power, mode *value
	on, off     string            // words of the power
	jobs        map[string]string // job modes that can be set, by name
}

func (w waterHeater) build(b *builder) {
	target, current := b.find(w.Temps+".targetTemperature", ""), b.find(w.Temps+".currentTemperature", "")
	t := tank{composer: b.compose(w.Key, w.Name, WaterHeater), mode: b.find(w.Mode, ""), jobs: map[string]string{}}
	t.findPower(w.Power)
	if target == nil && current == nil || !t.canSet(target) {
		return
	}
	t.temperatures(target, current, b.find(w.Temps+"."+w.Low, ""), b.find(w.Temps+"."+w.High, ""))
	t.modes()
	if t.power != nil && t.power.Writable {
		t.bind("power", rankPower, Codec{Take: takeProperty(t.power.Property)}, t.power)
	}
	for i := range t.entity.Bindings {
		t.entity.Bindings[i].wakes = false // water is heated whatever the rest does
	}
	b.put(t.entity)
}

// findPower chooses the property of the power.
func (t *tank) findPower(keys []string) {
	for _, settable := range []bool{true, false} {
		for _, key := range keys {
			v := t.find(key, "")
			if t.power != nil || v == nil || settable && !v.Writable {
				continue
			}
			if on, off, ok := pairIn(readOptions(v.Property)); ok && v.Readable {
				t.power, t.on, t.off = v, on, off
			}
		}
	}
	if t.mode != nil && (!t.mode.Readable || isBool(t.mode.Property)) {
		t.mode = nil
	}
}

// canSet reports whether anything of a tank can be set.
func (t *tank) canSet(target *value) bool {
	return slices.ContainsFunc([]*value{target, t.power, t.mode}, func(v *value) bool { return v != nil && v.Writable })
}

// temperatures adds the set-point within its limits, announced again when they
// change.
func (t *tank) temperatures(target, current, low, high *value) {
	unit := unitOf(target, current)
	t.entity.Config["temperature_unit"] = unit
	if current != nil && current.Readable {
		t.bind("current_temperature", rankValue, Codec{Show: showResult(func(s thinq.State) (float64, bool) { return degrees(current, unit, s) })}, current)
	}
	t.entity.Config["precision"] = precision(unit)
	if target == nil || !isNumeric(target.Property) {
		return
	}
	t.consume(t.entity.Key, low, high)
	p := setpoint{target, low, high, [2]float64{30, 80}}
	codec := Codec{}
	if target.Readable {
		codec.Show = showNumber(target.Path)
	}
	if target.Writable {
		codec.Take = p.take
		target.point = &p
	}
	t.bind("temperature", rankValue, codec, target)
	t.limits(p)
}

func (t *tank) limits(p setpoint) {
	l, h, step := p.announced(t.state)
	t.entity.Config["precision"] = precision(unitOf(p.takes), step)
	if l < h {
		t.entity.Config["min_temp"], t.entity.Config["max_temp"] = l, h
	}
	t.watchLimits(p)
}

// modes adds the job modes under the names of Home Assistant; of a tank without
// any, whether it is heated.
func (t *tank) modes() {
	var modes []string // what may be shown
	add := func(mode string) {
		if !slices.Contains(modes, mode) {
			modes = append(modes, mode)
		}
	}
	if t.mode != nil {
		t.listJobs(add)
	} else {
		add("off")
		add(heated)
	}
	if t.power != nil {
		add("off")
	}
	t.entity.Config["modes"] = modes
	if t.mode == nil && t.power == nil {
		t.entity.Config["modes"] = []string{heated}
		return
	}
	codec := Codec{Show: t.showMode}
	if t.mode != nil && t.mode.Writable || t.power.Writable {
		codec.Take = t.takeMode
	}
	t.bind("mode", rankMode, codec, t.mode, t.power)
}

func (t *tank) listJobs(add func(string)) {
	shown := map[string]bool{}
	for _, job := range t.wordsShown(t.mode) {
		add(tankMode(job))
		shown[tankMode(job)] = true
	}
	for _, o := range t.mode.Write.Options {
		if job, ok := o.(string); ok && t.jobs[tankMode(job)] == "" {
			t.jobs[tankMode(job)] = job
		}
	}
	t.watchFor(t.mode.Path, func(v any, _ thinq.State) bool {
		job, ok := v.(string)
		return ok && !shown[tankMode(job)]
	})
}

// isOff reports whether the power is known to be off.
func (t *tank) isOff(s thinq.State) bool {
	return t.power != nil && s[t.power.Path] == any(t.off)
}

func (t *tank) showMode(dst []byte, s thinq.State) []byte {
	if t.isOff(s) {
		return append(dst, `"off"`...)
	}
	if t.mode == nil && s[t.power.Path] != nil {
		return appendString(dst, heated)
	}
	if t.mode != nil {
		if job, ok := s[t.mode.Path].(string); ok {
			return appendString(dst, tankMode(job))
		}
	}
	return append(dst, "null"...)
}

// takeMode is off by the power where that can be set, else by a job mode of that
// name; every other mode turns the power on.
func (t *tank) takeMode(payload string, now thinq.State) (thinq.State, *Rejection) {
	asked := word(strings.TrimSpace(payload))
	job := or(t.jobs[asked], t.jobs[tankMode(asked)])
	power := t.power != nil && t.power.Writable
	switch {
	case power && asked == "off":
		return thinq.State{t.power.Path: t.off}, nil
	case power && t.mode == nil && (asked == heated || asked == "on"):
		return thinq.State{t.power.Path: t.on}, nil
	case job == "":
		can := slices.Sorted(maps.Keys(t.jobs))
		if power {
			can = []string{"off", heated}
		}
		return nil, invalid(cited(payload)+" is not one of "+strings.Join(can, ", "), can)
	}
	wish := thinq.State{t.mode.Path: job}
	if power && t.isOff(now) {
		wish[t.power.Path] = t.on
	}
	return wish, nil
}
