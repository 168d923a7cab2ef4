package discovery

import (
	"math"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// boiler is the composite of the climate entity of an air-to-water heat pump.
// What it heats by, the room's air or the water going in or out, is a setting of
// the appliance; each has temperatures and limits of its own.
type boiler struct{}

const boilerRoom = "roomTemperatureInUnits."

func (boiler) build(b *builder) {
	b.difference("water_temperature_difference", "Water temperature difference",
		b.find(boilerRoom+"outWaterCurrentTemperature", ""), b.find(boilerRoom+"inWaterCurrentTemperature", ""))
	u := newUnit(b, "operation.boilerOperationMode", "boilerJobMode.currentJobMode")
	if u == nil {
		return
	}
	room := func(name string) *value { return u.find(boilerRoom+name, "") }
	u.target = room("targetTemperature")
	u.pickBySide(u.find("operation.roomTempMode", ""), room)
	u.measureBySide(u.find("operation.roomTempMode", ""), u.find("operation.roomWaterMode", ""), room)
	u.modes()
	u.presets()
	u.temperatures()
	u.action()
	u.consume(climateKey, u.target)
	b.put(u.entity)
}

// A heatSide is what a boiler heats or cools by, in one mode.
type heatSide struct{ word, mode, stem string }

// heatSides are all of them, the one first that counts where LG does not say.
var heatSides = []heatSide{
	{"AIR", "heat", "airHeat"}, {"AIR", "cool", "airCool"},
	{"WATER", "heat", "waterHeat"}, {"WATER", "cool", "waterCool"},
}

// pickBySide makes pick choose by the side and the mode. In the automatic mode
// the boiler follows the weather by a curve that LG shows nobody, so there is no
// target.
func (u *hvacUnit) pickBySide(side *value, room func(string) *value) {
	u.deciders = []*value{u.mode, side}
	u.unit = u.unitOfSides(room)
	table := map[heatSide]setpoint{}
	for _, h := range heatSides {
		p := setpoint{u.sameUnit(room(h.stem + "TargetTemperature")), room(h.stem + "MinTemperature"), room(h.stem + "MaxTemperature"), usualAir}
		if h.word == "WATER" {
			p.usual = usualWater
		}
		if p.takes == nil {
			p.takes = u.sameUnit(u.target)
		}
		u.maySet(p)
		u.consume(climateKey, p.low, p.high)
		u.deciders = append(u.deciders, p.low, p.high)
		h.stem = ""
		table[h] = p
	}
	u.pick = func(s thinq.State) setpoint {
		return table[heatSide{word: sideOfState(side, s), mode: targetMode(u.job(s))}]
	}
}

// sideOfState is by what the boiler heats in a state.
func sideOfState(side *value, s thinq.State) string {
	if side != nil && s[side.Path] == any("WATER") {
		return "WATER"
	}
	return "AIR"
}

func (u *hvacUnit) unitOfSides(room func(string) *value) string {
	for _, h := range heatSides {
		if v := room(h.stem + "TargetTemperature"); v != nil && v.Writable {
			return unitOf(v)
		}
	}
	return unitOf(u.target, room("currentTemperature"), room("airCurrentTemperature"), room("outWaterCurrentTemperature"))
}

// measureBySide makes the present temperature the one that counts: of the air, of
// the water that goes in or of the water that comes out. Where LG has no such
// reading it is the general one.
func (u *hvacUnit) measureBySide(side, water *value, room func(string) *value) {
	general := room("currentTemperature")
	air, in, out := room("airCurrentTemperature"), room("inWaterCurrentTemperature"), room("outWaterCurrentTemperature")
	if general == nil && air == nil && in == nil && out == nil {
		return
	}
	u.readings = []*value{side, water, general, air, in, out}
	u.measured = func(s thinq.State) (float64, bool) {
		first := air
		if sideOfState(side, s) == "WATER" {
			first = out
			if water != nil && s[water.Path] == any("IN_WATER") {
				first = in
			}
		}
		if f, ok := degrees(first, u.unit, s); ok {
			return f, true
		}
		return degrees(general, u.unit, s)
	}
}

// difference adds a sensor of how much warmer one reading is than another. It is
// of no class, because Home Assistant would convert it like a temperature.
func (b *builder) difference(key, name string, warm, cold *value) {
	if warm == nil || cold == nil || !warm.Readable || !cold.Readable || unitOf(warm) != unitOf(cold) || !b.claim(key) {
		return
	}
	show := showResult(func(s thinq.State) (float64, bool) {
		w, knownWarm := numberAt(warm, s)
		c, knownCold := numberAt(cold, s)
		return math.Round((w-c)*100) / 100, knownWarm && knownCold
	})
	b.put(Entity{
		Key: key, Platform: Sensor, Name: name,
		Config: map[string]any{
			"unit_of_measurement": map[string]string{"C": "K", "F": "°F"}[unitOf(warm)],
			"state_class":         measurement, "icon": "mdi:thermometer-water",
		},
		Bindings: []Binding{{Attr: key, Props: []thinq.Property{warm.Property, cold.Property}, Codec: Codec{Show: show}}},
	})
}
