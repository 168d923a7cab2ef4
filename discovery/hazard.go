package discovery

import (
	"slices"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A hazard is what may do harm where nobody looks, so that it needs the owner's
// leave, [Settings.RemoteStart].
type hazard struct {
	types  string // words of device types, one of which it concerns
	path   string // resource.name; a timer without its unit; empty: any
	does   func(m move) bool
	rests  bool   // it is none while the appliance is known to rest
	unless string // resource.name=VALUE with which it is none
	heats  bool   // it starts heat
}

// A move is what a wish makes of one value.
type move struct {
	path      thinq.Path
	wish, now thinq.State
}

// cooking is the hazard of a zone: a higher level, or a longer time.
var cooking = hazard{does: raising}

func ordering(words ...any) func(move) bool {
	return func(m move) bool { return slices.Contains(words, m.wish[m.path]) }
}

func raising(m move) bool { return m.after() > m.before() }

func delaying(m move) bool { return m.after() > 0 }

func scalding(m move) bool {
	degrees := m.after()
	if m.path.Unit == "F" {
		degrees = convert(degrees, "F")
	}
	return degrees > scald && raising(m)
}

func (m move) before() float64 {
	return amount(m.path, func(p thinq.Path) any { return m.now[p] })
}

func (m move) after() float64 {
	return amount(m.path, func(p thinq.Path) any {
		if v, wished := m.wish[p]; wished {
			return v
		}
		return m.now[p]
	})
}

// amount is a number; of a part of a time all of it, in minutes. What nobody
// knows is nothing.
func amount(path thinq.Path, value func(thinq.Path) any) (sum float64) {
	if stem, _ := split(path.Name); stem == "" {
		sum, _ = value(path).(float64)
		return sum
	}
	for _, u := range timeUnits {
		p := path
		p.Name = inUnit(path.Name, u.name)
		f, _ := value(p).(float64)
		sum += f * u.minutes
	}
	return sum
}

// concerns reports whether a hazard is one of a property of a type.
func (h hazard) concerns(deviceType string, path thinq.Path) bool {
	key := path.Key()
	if stem, _ := split(path.Name); stem != "" {
		key = path.Resource + "." + stem
	}
	name := "_" + typeWord(deviceType) + "_"
	return (h.path == "" || h.path == key) &&
		slices.ContainsFunc(strings.Fields(h.types), func(w string) bool { return strings.Contains(name, "_"+w+"_") })
}

// hazards finds out what of the appliance needs leave.
func (b *builder) hazards() {
	for _, v := range b.values {
		for _, h := range hazards {
			if v.Writable && h.concerns(or(b.appliance.Type, b.device.Type), v.Path) {
				b.risk(v, h)
			}
		}
	}
}

func (b *builder) risk(v *value, h hazard) {
	b.device.hazards[v.Path] = append(b.device.hazards[v.Path], h)
}

// A risk is a hazard of one value.
type risk struct {
	hazard
	at thinq.Path
}

// risks are the hazards of a wish.
func (d *description) risks(wish, now thinq.State) (found []risk) {
	for path := range wish {
		for _, h := range d.hazards[path] {
			if h.does(move{path, wish, now}) && !(h.rests && rests(path, now)) && !d.excuses(h, path, now) {
				found = append(found, risk{h, path})
			}
		}
	}
	return found
}

// kin is the path of another property of the same appliance.
func kin(at thinq.Path, key, location string) thinq.Path {
	resource, name, _ := strings.Cut(key, ".")
	return thinq.Path{Part: at.Part, Resource: resource, Name: name, Location: location}
}

// rests reports whether an appliance is known to do nothing at the place of a
// value.
func rests(at thinq.Path, now thinq.State) bool {
	for _, location := range []string{at.Location, ""} {
		state, _ := now[kin(at, laundryProgramme.State, location)].(string)
		switch ph, known := phases[state]; {
		case known:
			return ph == idle || ph == done || ph == care || ph == failed
		case state != "":
			return false
		}
	}
	return false
}

// excuses reports whether what the appliance is set to makes a hazard none.
func (d *description) excuses(h hazard, at thinq.Path, now thinq.State) bool {
	key, harmless, _ := strings.Cut(h.unless, "=")
	p := kin(at, key, at.Location)
	set := now[p]
	for _, st := range d.stages {
		if v, staged := st.plan(now)[p]; staged {
			set = v
		}
	}
	return h.unless != "" && set == any(harmless)
}

// Risky reports whether calls of a wish are such that the owner's leave was
// needed for them. Heat are the places at which they start heat: paths of a part
// and a location.
func (d *Device) Risky(calls []thinq.State, now thinq.State) (risky bool, heat []thinq.Path) {
	for _, call := range calls {
		for _, r := range d.risks(call, now) {
			risky = true
			if place := (thinq.Path{Part: r.at.Part, Location: r.at.Location}); r.heats && !slices.Contains(heat, place) {
				heat = append(heat, place)
			}
		}
	}
	return risky, heat
}
