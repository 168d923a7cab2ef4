package thinqtest

import (
	"maps"
	"math"
	"slices"
	"strings"
)

// snapshot copies the states, to see later what changed.
func (a *appliance) snapshot() []map[string]any {
	var states []map[string]any
	for _, s := range a.sections {
		states = append(states, clone(s.state))
	}
	return states
}

// mirror carries every temperature that changed to the other places where the
// state says the same: the other unit, the older resource, the suffixed name.
func (a *appliance) mirror(before []map[string]any) {
	for i, s := range a.sections {
		if s.extension {
			continue
		}
		for _, t := range twins {
			s.fromOld(t.old, t.new, before[i])
		}
		for resource := range s.state {
			s.mirrorUnits(resource, before[i])
			s.mirrorSuffixes(resource, before[i])
		}
		for _, t := range twins {
			s.toOld(t.old, t.new, before[i])
		}
	}
}

// twins are resources of LG's older profiles and the lists by unit beside them.
var twins = []struct{ old, new string }{
	{"temperature", "temperatureInUnits"},
	{"twoSetTemperature", "twoSetTemperatureInUnits"},
}

// views are all entries of a resource of a state: the object, or the elements
// of the list.
func views(v any) []map[string]any {
	switch v := v.(type) {
	case map[string]any:
		return []map[string]any{v}
	case []any:
		var out []map[string]any
		for _, e := range v {
			if entry, ok := e.(map[string]any); ok {
				out = append(out, entry)
			}
		}
		return out
	}
	return nil
}

// was finds an entry as it was before.
func was(before any, entry map[string]any) map[string]any {
	for _, e := range views(before) {
		if e["locationName"] == entry["locationName"] && (entry["locationName"] != nil || e["unit"] == entry["unit"]) {
			return e
		}
	}
	return nil
}

// changedNumbers are the numbers of an entry that differ from before.
func changedNumbers(entry, before map[string]any) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(entry)) {
		if _, isNumber := entry[name].(float64); isNumber && entry[name] != before[name] {
			names = append(names, name)
		}
	}
	return names
}

// fromOld carries what changed in the old resource into the new one.
func (s *section) fromOld(old, new string, before map[string]any) {
	for _, from := range views(s.state[old]) {
		unit := text(from["unit"])
		for _, name := range changedNumbers(from, was(before[old], from)) {
			if to, as := s.counterpart(new, from, name, unit); to != nil && unchanged(to, before[new], as) {
				to[as] = from[name]
			}
		}
	}
}

// toOld carries what the new resource holds into the old one.
func (s *section) toOld(old, new string, before map[string]any) {
	for _, to := range views(s.state[old]) {
		unit := text(to["unit"])
		for name, v := range to {
			if _, isNumber := v.(float64); !isNumber || !unchanged(to, before[old], name) {
				continue
			}
			from, as := s.counterpart(new, to, name, unit)
			if from != nil && !unchanged(from, before[new], as) {
				to[name] = from[as]
			}
		}
	}
}

func unchanged(entry map[string]any, before any, name string) bool {
	return entry[name] == was(before, entry)[name]
}

// counterpart is where the new resource holds a value of the old one.
func (s *section) counterpart(new string, entry map[string]any, name, unit string) (map[string]any, string) {
	for _, e := range views(s.state[new]) {
		if e["locationName"] != entry["locationName"] {
			continue
		}
		if _, has := e[name+unit]; has && e["locationName"] != nil {
			return e, name + unit
		}
		if _, has := e[name]; has && e["unit"] == unit {
			return e, name
		}
	}
	return nil, ""
}

// mirrorUnits keeps the elements of a list by unit alike.
func (s *section) mirrorUnits(resource string, before map[string]any) {
	list, ok := s.state[resource].([]any)
	if !ok {
		return
	}
	entries := views(list)
	for _, from := range entries {
		for _, name := range changedNumbers(from, was(before[resource], from)) {
			for _, to := range entries {
				if _, has := to[name]; has && byUnit(from, to) && unchanged(to, before[resource], name) {
					to[name] = convert(number(from[name]), text(to["unit"]), s.grid(resource, name, to))
				}
			}
		}
	}
}

func byUnit(a, b map[string]any) bool {
	return a["locationName"] == nil && b["locationName"] == nil && a["unit"] != b["unit"]
}

// mirrorSuffixes keeps targetTemperatureC and targetTemperatureF alike.
func (s *section) mirrorSuffixes(resource string, before map[string]any) {
	for _, entry := range views(s.state[resource]) {
		old := was(before[resource], entry)
		for _, name := range changedNumbers(entry, old) {
			base, unit := name[:len(name)-1], name[len(name)-1:]
			other, known := map[string]string{"C": "F", "F": "C"}[unit]
			if _, has := entry[base+other]; !known || !has || !strings.HasSuffix(base, "emperature") || entry[base+other] != old[base+other] {
				continue
			}
			entry[base+other] = convert(number(entry[name]), other, s.grid(resource, base+other, entry))
		}
	}
}

// grid is the range in which a profile lets a value be read or written, nil if
// it says none.
func (s *section) grid(resource, name string, entry map[string]any) map[string]any {
	for _, e := range views(s.properties[resource]) {
		if e["locationName"] != entry["locationName"] || entry["locationName"] == nil && !offersUnit(e["unit"], entry["unit"]) {
			continue
		}
		for _, name := range append([]string{name}, sources(name)...) {
			for _, mode := range []string{"w", "r"} {
				if limits, ok := values(e[name], mode).(map[string]any); ok && limits["min"] != nil {
					return limits
				}
			}
		}
	}
	return nil
}

// sources are the properties that are shown as another one.
func sources(name string) []string {
	var names []string
	for from, to := range shownAs {
		if to == name {
			names = append(names, from)
		}
	}
	slices.Sort(names)
	return names
}

// convert turns a temperature into a unit, on the grid of that unit: LG's
// Fahrenheit values are often even numbers.
func convert(v float64, unit string, limits map[string]any) float64 {
	if unit == "F" {
		v = v*9/5 + 32
	} else {
		v = (v - 32) * 5 / 9
	}
	least, bounded := limits["min"].(float64)
	most, _ := limits["max"].(float64)
	if !bounded {
		return math.Round(v)
	}
	step := number(limits["step"])
	if step <= 0 {
		step = 1
	}
	return min(max(least+math.Round((v-least)/step)*step, least), most)
}
