package discovery

import (
	"slices"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// zones is the composite of the zones of a hob. A zone can be turned down from
// afar, but never lit: more heat is for a zone that cooks already, whose owner
// allowed it here and at the hob.
type zones struct {
	Level string // "power.powerLevel"
	Time  string // resource of the times: "timer"
	State string // "cookingZone.currentState"
}

// A zone is one of them.
type zone struct {
	level  *value
	remain *timer // nil: it has none
	state  *value
	remote *value
}

func (z zones) build(b *builder) {
	var all []zone
	for _, location := range b.locations(z.Level) {
		one := zone{
			level: b.find(z.Level, location), remain: b.timerOf(z.Time, "remain", location),
			state: b.find(z.State, location), remote: b.find(remoteFlag, location),
		}
		one.guard(b)
		all = append(all, one)
	}
	if len(all) > 0 {
		b.anyZone(all)
	}
}

// guard keeps anybody from lighting the zone. The number that sets its level is
// for those who look for it; what everybody sees is a sensor.
func (z zone) guard(b *builder) {
	if z.remain != nil {
		for _, v := range z.remain.parts {
			v.guard = z.mayHeat
			b.risk(v, cooking)
		}
	}
	if !z.level.Writable {
		return
	}
	z.level.guard = z.mayHeat
	b.risk(z.level, cooking)
	if z.level.Readable {
		b.reported(z.level)
	}
	z.level.word.Disabled = true
}

// mayHeat refuses more heat where it is not safe, whatever the owner allows.
func (z zone) mayHeat(_ *Device, wish, now thinq.State) *Rejection {
	state, known := "", z.state != nil
	if known {
		state, _ = now[z.state.Path].(string)
	}
	switch {
	case !z.heats(wish, now):
		return nil
	case z.remote != nil && now[z.remote.Path] == any(false):
		return unarmed()
	case state == "LOCK":
		return childLocked()
	case known && phases[state] != active:
		return &Rejection{Reason: "wrong_state", Message: "A zone can be turned up from afar only while it cooks. Light it at the appliance first.", Reported: true}
	}
	return nil
}

// heats reports whether a wish means more heat: a higher level, or a longer time.
func (z zone) heats(wish, now thinq.State) bool {
	level, wished := numberAt(z.level, wish)
	before, _ := numberAt(z.level, now)
	if wished && level > before {
		return true
	}
	if z.remain == nil {
		return false
	}
	minutes, _ := z.remain.read(now)
	then := thinq.State{}
	for _, v := range z.remain.parts {
		if then[v.Path] = wish[v.Path]; then[v.Path] == nil {
			then[v.Path] = now[v.Path]
		}
	}
	longer, _ := z.remain.read(then)
	return longer > minutes
}

// anyZone says whether the hob is hot for any reason.
func (b *builder) anyZone(all []zone) {
	const key = "any_zone_on"
	isOn := func(s thinq.State) bool {
		return slices.ContainsFunc(all, func(z zone) bool {
			level, _ := numberAt(z.level, s)
			state := ""
			if z.state != nil {
				state, _ = s[z.state.Path].(string)
			}
			return level > 0 || phases[state] == active
		})
	}
	b.put(Entity{
		Key: key, Platform: BinarySensor, Name: "Any zone on",
		Config:   map[string]any{"device_class": "heat", "payload_on": "True", "payload_off": "False"},
		Bindings: []Binding{{Attr: key, Codec: Codec{Show: showBool(isOn)}}},
	})
}
