package discovery

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// waterHeater is the composite of a tank of hot water.
type waterHeater struct {
	Key, Name string
	Temps     string // resource of the temperatures
	Low, High string // names of the limits that the appliance reports, if any
	Power     string // what switches the water on; where it cannot be set, a mode must
	Mode      string // job modes; empty: it is heated or not
}

const waterHeaterKey = "water_heater"

// tankModes are the names of Home Assistant for job modes.
var tankModes = map[string]string{"AUTO": "eco", "HEAT_PUMP": "heat_pump", "TURBO": "performance", "VACATION": "off"}

// heated is the mode of a tank without modes while it is on.
const heated = "heat_pump"

func (w waterHeater) build(b *builder) {
	target := b.firstOf(w.Temps + ".targetTemperature")
	power, mode := b.firstOf(w.Power), b.firstOf(w.Mode)
	if target == nil || power == nil && mode == nil {
		return
	}
	c := b.compose(w.Key, w.Name, WaterHeater)
	low, high := b.find(w.Temps+"."+w.Low, ""), b.find(w.Temps+"."+w.High, "")
	c.tank(target, low, high)
	if current := b.find(w.Temps+".currentTemperature", ""); current != nil {
		c.bind("current_temperature", rankValue, Codec{Show: showNumber(current.Path)})
	}
	if mode != nil {
		c.tankModes(mode)
	} else {
		c.tankSwitch(power)
	}
	if power != nil {
		c.bind("power", rankPower, Codec{Take: takeProperty(power.Property)}, power)
	}
	for i := range c.entity.Bindings {
		c.entity.Bindings[i].wakes = false // water is heated whatever the rest does
	}
	b.consume(w.Key, low, high)
	b.put(c.entity)
}

// tank adds the set-point within its limits, announced again when they change.
func (c *composer) tank(target, low, high *value) {
	unit := unitOf(target)
	l, h, _ := writeLimits(target, low, high, c.state)
	c.entity.Config["temperature_unit"] = unit
	c.entity.Config["precision"] = map[string]float64{"C": 0.5, "F": 1}[unit]
	c.entity.Config["min_temp"], c.entity.Config["max_temp"] = l, h
	for _, v := range []*value{low, high} {
		if v != nil {
			before := c.state[v.Path]
			c.watchFor(v.Path, func(now any, _ thinq.State) bool { return now != before })
		}
	}
	c.bind("temperature", rankValue, plainCodec(target), target)
}

// tankModes adds the job modes under the names of Home Assistant.
func (c *composer) tankModes(mode *value) {
	name := func(job string) string { return or(tankModes[job], word(job)) }
	var modes []string // what may be shown
	for _, job := range c.wordsShown(mode) {
		if !slices.Contains(modes, name(job)) {
			modes = append(modes, name(job))
		}
	}
	jobs := map[string]string{} // by what can be set
	for _, o := range mode.Write.Options {
		if job, ok := o.(string); ok && jobs[name(job)] == "" {
			jobs[name(job)] = job
		}
	}
	c.entity.Config["modes"] = modes
	c.watchFor(mode.Path, func(v any, _ thinq.State) bool {
		job, ok := v.(string)
		return ok && !slices.Contains(modes, name(job))
	})
	c.bind("mode", rankMode, Codec{
		Show: func(dst []byte, s thinq.State) []byte {
			if job, ok := s[mode.Path].(string); ok {
				return appendString(dst, name(job))
			}
			return append(dst, "null"...)
		},
		Take: func(payload string, _ thinq.State) (thinq.State, *Rejection) {
			asked := strings.ToLower(strings.TrimSpace(payload))
			job := or(jobs[asked], jobs[name(strings.ToUpper(asked))])
			if job == "" {
				can := slices.Sorted(maps.Keys(jobs))
				return nil, invalid(strconv.Quote(payload)+" is not one of "+strings.Join(can, ", "), can)
			}
			return thinq.State{mode.Path: job}, nil
		},
	}, mode)
}

// tankSwitch is the mode of a tank that only goes on and off.
func (c *composer) tankSwitch(power *value) {
	on, off, ok := pairIn(power.Write.Options)
	if !ok {
		return
	}
	modes := []string{"off", heated}
	c.entity.Config["modes"] = modes
	c.bind("mode", rankPower, Codec{
		Show: func(dst []byte, s thinq.State) []byte {
			switch s[power.Path] {
			case nil:
				return append(dst, "null"...)
			case any(off):
				return append(dst, `"off"`...)
			}
			return appendString(dst, heated)
		},
		Take: func(payload string, _ thinq.State) (thinq.State, *Rejection) {
			switch strings.ToLower(strings.TrimSpace(payload)) {
			case "off":
				return thinq.State{power.Path: off}, nil
			case heated, "on":
				return thinq.State{power.Path: on}, nil
			}
			return nil, invalid(strconv.Quote(payload)+" is not one of off, "+heated, modes)
		},
	}, power)
}
