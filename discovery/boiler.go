package discovery

import "github.com/thinq2mqtt/thinq2mqtt/thinq"

// boiler is the composite of the climate entity of an air-to-water heat pump.
// What it heats by, the room's air or the water going in or out, is a setting of
// the appliance; each has temperatures and limits of its own.
type boiler struct{}

const boilerRoom = "roomTemperatureInUnits."

func (boiler) build(b *builder) {
	u := newUnit(b, "operation.boilerOperationMode", "boilerJobMode.currentJobMode")
	if u == nil {
		return
	}
	room := func(name string) *value { return u.find(boilerRoom+name, "") }
	u.target = room("targetTemperature")
	side, water := u.find("operation.roomTempMode", ""), u.find("operation.roomWaterMode", "")
	u.deciders = []*value{u.mode, side}
	u.pick = u.pickBySide(side, room)
	u.modes()
	u.temperatures()
	if show := showSide(side, water, room); show != nil {
		u.bind("current_temperature", rankValue, Codec{Show: show})
	}
	u.consume(climateKey, u.target)
	b.put(u.entity)
}

// A heatSide is what a boiler heats or cools by, in one mode.
type heatSide struct{ target, low, high *value }

// pickBySide makes pick choose by the side and the mode.
func (u *hvacUnit) pickBySide(side *value, room func(string) *value) func(thinq.State) (v, low, high *value) {
	table := map[[2]string]heatSide{}
	for word, stem := range map[string]string{"AIR": "air", "WATER": "water"} {
		for job, name := range map[string]string{"HEAT": "Heat", "COOL": "Cool"} {
			s := heatSide{room(stem + name + "TargetTemperature"), room(stem + name + "MinTemperature"), room(stem + name + "MaxTemperature")}
			table[[2]string{word, job}] = s
			u.deciders = append(u.deciders, s.low, s.high)
		}
	}
	for _, key := range [][2]string{{"AIR", "HEAT"}, {"AIR", "COOL"}, {"WATER", "HEAT"}, {"WATER", "COOL"}} {
		u.maySet(table[key].target)
		u.consume(climateKey, table[key].low, table[key].high)
	}
	return func(s thinq.State) (v, low, high *value) {
		word := "AIR"
		if side != nil && s[side.Path] == any("WATER") {
			word = "WATER"
		}
		picked := table[[2]string{word, u.job(s)}]
		return picked.target, picked.low, picked.high
	}
}

// showSide shows the measured temperature that counts.
func showSide(side, water *value, room func(string) *value) func([]byte, thinq.State) []byte {
	air, in, out := room("airCurrentTemperature"), room("inWaterCurrentTemperature"), room("outWaterCurrentTemperature")
	if air == nil {
		air = room("currentTemperature")
	}
	if air == nil || in == nil || out == nil {
		if air == nil {
			return nil
		}
		return showNumber(air.Path)
	}
	return func(dst []byte, s thinq.State) []byte {
		switch {
		case side == nil || s[side.Path] != any("WATER"):
			return appendFloat(dst, s[air.Path])
		case water != nil && s[water.Path] == any("IN_WATER"):
			return appendFloat(dst, s[in.Path])
		}
		return appendFloat(dst, s[out.Path])
	}
}
