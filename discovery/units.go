package discovery

import (
	"math"
	"slices"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// chooseUnits leaves one unit of every temperature, the same for the whole
// device where that is possible, and drops the older block of temperatures
// where the newer one is there. What is dropped stays known, so that its changes
// are nothing new.
func (b *builder) chooseUnits() {
	unit := b.preferredUnit()
	best := map[thinq.Path]string{}
	for _, v := range b.values {
		base := v.Path
		base.Unit = ""
		unit := or(b.ownUnit(v), unit)
		if chosen, ok := best[base]; v.Path.Unit != "" && (!ok || chosen != unit && v.Path.Unit == unit) {
			best[base] = v.Path.Unit
		}
	}
	b.values = slices.DeleteFunc(b.values, func(v *value) bool {
		base := v.Path
		base.Unit = ""
		switch chosen := best[base]; {
		case v.Path.Unit != chosen:
			b.drop(v, "shown in "+units[chosen])
		case b.superseded(v):
			b.device.watch[v.Path] = nil
			v.why = "the same as " + v.Path.Resource + "InUnits"
			b.older = append(b.older, v)
		default:
			return false
		}
		return true
	})
	for _, v := range slices.Concat(b.values, b.older) {
		b.resolveUnit(v)
	}
}

// ownUnit is the unit of the one temperature that the appliance reports, where
// it chooses that itself; empty if it does not, or has not said.
func (b *builder) ownUnit(v *value) string {
	if !b.appliance.OwnUnit || v.Path.Unit == "" {
		return ""
	}
	said := v.Path
	said.Name, said.Unit = unitName, ""
	unit, _ := b.state[said].(string)
	b.watchFor(said, func(now any, _ thinq.State) bool { return now != any(unit) })
	return unit
}

// replaced is a value of the older of two blocks, if the newer one has it too:
// a composite may need it where the newer one cannot be set.
func (b *builder) replaced(key, location string) *value {
	for _, v := range b.older {
		if v.Path.Location == location && v.Path.Key() == key {
			return v
		}
	}
	return nil
}

// drop leaves a property out altogether.
func (b *builder) drop(v *value, why string) {
	b.device.watch[v.Path] = nil
	b.device.coverage = append(b.device.coverage, Coverage{Path: v.Path, Why: why})
}

// preferredUnit is the configured unit where something can be set in it, or
// nothing in another; "auto" is Celsius where the appliance offers it for
// writing, else what it offers.
func (b *builder) preferredUnit() string {
	offered, writable := map[string]bool{}, map[string]bool{}
	for _, v := range b.values {
		offered[v.Path.Unit] = true
		writable[v.Path.Unit] = writable[v.Path.Unit] || v.Writable
	}
	for _, has := range []map[string]bool{writable, offered} {
		for _, unit := range []string{b.options.Unit, "C", "F"} {
			if unit != "" && has[unit] {
				return unit
			}
		}
	}
	return "C"
}

// superseded reports whether a value belongs to the older of two blocks that
// say the same: temperature beside temperatureInUnits.
func (b *builder) superseded(v *value) bool {
	newer := v.Path.Resource + "InUnits"
	return slices.ContainsFunc(b.values, func(o *value) bool {
		return o.Path.Resource == newer && o.Path.Location == v.Path.Location &&
			(o.Path.Name == v.Path.Name || v.Path.Name == unitName)
	})
}

// unitName is the property in which LG says the unit of its neighbours.
const unitName = "unit"

// resolveUnit finds the unit of a value in Home Assistant's spelling: its own,
// or what its neighbour says at the moment.
func (b *builder) resolveUnit(v *value) {
	lg := or(v.Path.Unit, v.Unit)
	neighbour := v.Path
	neighbour.Name = unitName
	if b.byPath[neighbour] != nil && v.Path.Unit == "" && v.Path.Name != unitName && isNumeric(v.Property) {
		said, _ := b.state[neighbour].(string)
		lg = or(said, lg)
		shown := lg
		b.watchFor(neighbour, func(v any, _ thinq.State) bool {
			unit, ok := v.(string)
			return ok && unit != shown
		})
	}
	if lg != "" && v.word.Unit != "%" {
		if unit := units[strings.ToUpper(lg)]; unit != "" {
			v.word.Unit = unit
		} else if v.word.Unit == "" {
			v.word.Unit = lg
		}
	}
	if v.word.Class == "temperature" && v.word.Unit == "" {
		v.word.Unit = units["C"] // LG's default where nothing says otherwise
	}
	if v.word.Class != "" && !takesUnit(v.word.Class, v.word.Unit) || v.word.Unit == "K" {
		v.word.Class = "" // in kelvin LG counts the colour of light
	}
	if class, ok := unitClasses[v.word.Unit]; ok && v.word.Class == "" && isNumeric(v.Property) {
		v.word.Class, v.word.StateClass = class, or(v.word.StateClass, growths[class])
		v.known = v.known || !v.Writable
	}
}

// otherUnit fills in a temperature that LG reported in the other unit only, so
// that the shown one does not stay behind (a partial report of a refrigerator
// that is set to Fahrenheit).
func (d *Device) otherUnit(changed thinq.State, into thinq.State) {
	for p, v := range changed {
		reading, isNumber := v.(float64)
		if p.Part != d.Part || !isNumber || p.Unit == "" {
			continue
		}
		twin := p
		twin.Unit = map[string]string{"C": "F", "F": "C"}[p.Unit]
		shown, ok := d.temperatures[twin]
		if _, reported := changed[twin]; !ok || reported {
			continue
		}
		into[twin] = onGrid(shown, convert(reading, p.Unit))
	}
}

// convert turns degrees of a unit into degrees of the other one.
func convert(degrees float64, from string) float64 {
	if from == "C" {
		return degrees*9/5 + 32
	}
	return (degrees - 32) * 5 / 9
}

// onGrid rounds a converted temperature to the steps of its property, or to
// halves of a degree.
func onGrid(p thinq.Property, degrees float64) float64 {
	step := 0.5
	switch {
	case p.Read.Limited:
		step = p.Read.Step
	case p.Write.Limited:
		step = p.Write.Step
	}
	return math.Round(degrees/step) * step
}
