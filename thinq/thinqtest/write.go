package thinqtest

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
)

// A write is one property that a control call sets.
type write struct {
	section  *section
	resource string
	name     string
	location string         // of an entry, as in a refrigerator
	unit     string         // of an entry, or beside the value
	entry    map[string]any // of the profile, that has the property
	value    any
}

// invalid is LG's answer to everything in a control call that the profile does
// not allow.
func invalid(format string, args ...any) error {
	return refuse("2207", "Invalid command: "+fmt.Sprintf(format, args...))
}

// writes reads a control call by the profile.
func (a *appliance) writes(body map[string]any) ([]write, error) {
	if len(body) == 0 {
		return nil, refuse("1101", "Missing parameters")
	}
	part := ""
	if a.tower {
		if len(body) != 1 {
			return nil, invalid("one part at a time")
		}
		for key, v := range body {
			inner, ok := v.(map[string]any)
			if !ok || len(inner) == 0 {
				return nil, invalid("%s is not an object of resources", key)
			}
			part, body = key, inner
		}
	}
	s, resources, err := a.address(part, body)
	if err != nil {
		return nil, err
	}
	var all []write
	for _, resource := range slices.Sorted(maps.Keys(resources)) {
		w, err := s.writes(resource, resources[resource])
		if err != nil {
			return nil, err
		}
		all = append(all, w...)
	}
	return all, nil
}

// address finds the section that a body is for, and takes the location out.
func (a *appliance) address(part string, body map[string]any) (*section, map[string]any, error) {
	location, given := body["location"]
	resources := maps.Clone(body)
	delete(resources, "location")
	name := locationOf(body)
	if given && (name == "" || len(resources) == 0) {
		return nil, nil, invalid("location without a name, or without resources")
	}
	if given {
		if object, _ := location.(map[string]any); len(object) != 1 {
			return nil, nil, invalid("one location at a time")
		}
	}
	located := a.hasLocations(part)
	for _, s := range a.sections {
		if s.part == part && s.location == name && s.extension == (located && !given) {
			return s, resources, nil
		}
	}
	return nil, nil, invalid("no part %q with location %q", part, name)
}

func (a *appliance) hasLocations(part string) bool {
	return slices.ContainsFunc(a.sections, func(s *section) bool { return s.part == part && s.location != "" })
}

// writes reads one resource of a call.
func (s *section) writes(resource string, v any) ([]write, error) {
	properties, ok := v.(map[string]any)
	if !ok {
		return nil, invalid("%s is not an object", resource)
	}
	entry, err := s.entry(resource, properties)
	if err != nil {
		return nil, err
	}
	var all []write
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if name == "locationName" || name == "unit" && !writable(entry[name]) {
			continue
		}
		w := write{section: s, resource: resource, name: name, entry: entry, value: properties[name]}
		w.location, w.unit = text(properties["locationName"]), text(properties["unit"])
		if err := w.check(); err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	if len(all) == 0 {
		return nil, invalid("%s sets nothing", resource)
	}
	return all, nil
}

// entry finds the properties that a resource of a call is about: those of the
// profile's resource, or of the one entry of its list with the same location
// and unit.
func (s *section) entry(resource string, properties map[string]any) (map[string]any, error) {
	switch known := s.properties[resource].(type) {
	case map[string]any:
		if _, given := properties["locationName"]; given {
			return nil, invalid("%s has no locations", resource)
		}
		if unit, given := properties["unit"]; given && !writable(known["unit"]) && !offersUnit(known["unit"], unit) {
			return nil, invalid("%s has no unit %v", resource, unit)
		}
		return known, nil
	case []any:
		var fitting []map[string]any
		for _, e := range known {
			if entry, ok := e.(map[string]any); ok && fits(entry, properties) {
				fitting = append(fitting, entry)
			}
		}
		if len(fitting) == 1 {
			return fitting[0], nil
		}
		return nil, invalid("%s: no entry for location %v and unit %v", resource, properties["locationName"], properties["unit"])
	}
	return nil, invalid("no resource %s", resource)
}

// fits says whether the selectors of a call are those of an entry: locations
// must be named, and units wherever they are what tells the entries apart.
func fits(entry, properties map[string]any) bool {
	unit, given := properties["unit"]
	if location, has := entry["locationName"]; has {
		return properties["locationName"] == location && (!given || offersUnit(entry["unit"], unit))
	}
	return properties["locationName"] == nil && given && offersUnit(entry["unit"], unit)
}

// offersUnit: a unit is a constant, or a word that can be read.
func offersUnit(known, unit any) bool {
	if d, ok := known.(map[string]any); ok {
		return slices.ContainsFunc(choices(d, "r"), func(v any) bool { return v == unit })
	}
	return known != nil && known == unit
}

// modes are the letters of a descriptor: a list or one word.
func modes(descriptor any) string {
	d, _ := descriptor.(map[string]any)
	if word, ok := d["mode"].(string); ok {
		return word
	}
	return strings.Join(texts(d["mode"]), "")
}

func writable(descriptor any) bool { return strings.Contains(modes(descriptor), "w") }
func readable(descriptor any) bool { return strings.Contains(modes(descriptor), "r") }

// values is what may be read ("r") or written ("w"), nil if nothing is said.
func values(descriptor any, mode string) any {
	d, _ := descriptor.(map[string]any)
	byMode, ok := d["value"].(map[string]any)
	if !ok {
		return d["value"]
	}
	if byMode["r"] == nil && byMode["w"] == nil {
		return byMode
	}
	return byMode[mode]
}

func choices(descriptor any, mode string) []any {
	list, _ := values(descriptor, mode).([]any)
	return list
}

// check compares a write with its descriptor.
func (w write) check() error {
	descriptor := w.entry[w.name]
	if !writable(descriptor) {
		return invalid("%s.%s is not writable", w.resource, w.name)
	}
	if !legal(descriptor, w.value) {
		return invalid("%s.%s cannot be %v", w.resource, w.name, w.value)
	}
	return nil
}

// legal says whether a value is of the type and in the writing values of a
// descriptor.
func legal(descriptor, value any) bool {
	d := descriptor.(map[string]any)
	switch d["type"] {
	case "enum", "boolean", "list":
		_, isBool := value.(bool)
		_, isText := value.(string)
		if list := choices(d, "w"); list != nil {
			return slices.ContainsFunc(list, func(v any) bool { return reflect.DeepEqual(v, value) })
		}
		return isBool || isText && d["type"] != "boolean"
	case "range", "number":
		n, ok := value.(float64)
		limits, _ := values(d, "w").(map[string]any)
		return ok && within(n, limits)
	case "string":
		_, ok := value.(string)
		return ok
	}
	return true
}

// within applies min, max, step (1 if not said) and except.
func within(n float64, limits map[string]any) bool {
	least, bounded := limits["min"].(float64)
	most, _ := limits["max"].(float64)
	if !bounded {
		return true
	}
	step, _ := limits["step"].(float64)
	if step <= 0 {
		step = 1
	}
	steps := (n - least) / step
	except, _ := limits["except"].([]any)
	return n >= least && n <= most && math.Abs(steps-math.Round(steps)) < 1e-6 &&
		!slices.ContainsFunc(except, func(v any) bool { return v == n })
}
