package thinq

import (
	"fmt"
	"strings"
)

// A grammar fills a profile while it walks LG's JSON.
type grammar struct{ *Profile }

// A spot is where in a profile the grammar is: a path without a name, and how
// LG nested it.
type spot struct {
	path Path
	form form
	unit string // sibling "unit" of the properties
}

func (g grammar) problem(where, format string, args ...any) {
	g.Problems = append(g.Problems, where+": "+fmt.Sprintf(format, args...))
}

// part reads a whole profile, or that of one half of a tower. It says whether
// there was anything of one; what only has errors may be an answer of LG's that
// is no profile.
func (g grammar) part(name string, at cursor) (found bool) {
	for key, at := range at.members() {
		switch key {
		case "property":
			found = true
			g.tree(name, key, at)
		case "extensionProperty":
			found = found || at.kind() == '{'
			g.tree(name, key, at)
		case "notification":
			found = found || at.kind() == '{'
			if push, ok := at.find("push"); ok {
				g.Notices = g.codes(g.Notices, name, "notification.push", push)
			} else if at.kind() != '{' {
				g.Notices = g.codes(g.Notices, name, key, at)
			}
		case "error":
			g.Errors = g.codes(g.Errors, name, key, at)
		}
	}
	return found
}

func (g grammar) codes(codes []Code, part, where string, at cursor) []Code {
	if at.kind() == 'n' {
		return codes
	}
	for at := range at.elements() {
		if at.kind() != '"' {
			g.problem(where, "%.64s is not a word", at.raw())
			continue
		}
		codes = append(codes, Code{Part: part, Name: string(at.text())})
	}
	return codes
}

// tree reads resources, or a list of resources by location.
func (g grammar) tree(part, where string, at cursor) {
	for at := range at.elements() {
		if at.kind() != '{' {
			if at.kind() != 'n' {
				g.problem(where, "%.64s is not an object", at.raw())
			}
			continue
		}
		g.checkLocation(where, at)
		outer := string(outerLocation(at))
		g.resources(spot{path: Path{Part: part, Location: outer}, form: form{outer: outer}}, at)
	}
}

// outerLocation is the location of a whole map of resources.
func outerLocation(at cursor) []byte {
	location, ok := at.find("location")
	switch {
	case !ok:
		return innerLocation(at)
	case location.kind() == '"':
		return location.text()
	}
	return innerLocation(location)
}

// checkLocation names a location that is no word, so that nobody can tell where
// the properties belong.
func (g grammar) checkLocation(where string, at cursor) {
	for _, key := range []string{"location", "locationName"} {
		named, ok := at.find(key)
		if !ok || named.kind() == 'n' || named.kind() == '"' && len(named.text()) > 0 {
			continue
		}
		if named.kind() == '{' && key == "location" {
			g.checkLocation(where+".location", named)
			continue
		}
		g.problem(where, "%s %.64s is not the name of a place", key, named.raw())
	}
}

// innerLocation is the location that an object names itself.
func innerLocation(at cursor) []byte { return at.findText("locationName") }

func (g grammar) resources(s spot, at cursor) {
	for key, at := range at.members() {
		if key == "location" || key == "locationName" {
			continue
		}
		s.path.Resource = key
		switch {
		case key == "":
			g.problem("a resource", "it has no name")
		case at.kind() == '{':
			g.entry(s, at, false)
		case at.kind() == '[':
			g.entries(s, at)
		case at.kind() != 'n':
			g.problem(s.path.String(), "%.64s is not an object of properties", at.raw())
		}
	}
}

// entries reads a resource that is listed once for each location or unit.
func (g grammar) entries(s spot, at cursor) {
	byUnit := listedByUnit(at)
	g.checkFilled(s, at)
	for at := range at.elements() {
		if at.kind() != '{' {
			g.problem(s.path.String(), "%.64s is not an object of properties", at.raw())
			continue
		}
		g.entry(s, at, byUnit)
	}
}

// listedByUnit says whether it is the unit that tells the entries of a list
// apart: all there is, or two of them for one location. The unit of an entry
// that has a location for itself is a value like any other.
func listedByUnit(at cursor) bool {
	units := make(map[string]string)
	for at := range at.elements() {
		location, unit := string(innerLocation(at)), entryUnit(at)
		if unit == "" {
			continue
		}
		if before, ok := units[location]; location == "" || ok && before != unit {
			return true
		}
		units[location] = unit
	}
	return false
}

// entryUnit is the unit that applies to the properties of an object, whether
// LG writes it as a word or as a descriptor with a single option.
func entryUnit(at cursor) string {
	if unit := at.findText("unit"); unit != nil {
		return string(unit)
	}
	descriptor, ok := at.find("unit")
	if !ok {
		return ""
	}
	var d describer
	d.Property = new(Property)
	d.describe(descriptor.raw())
	if len(d.Read.Options) != 1 {
		return ""
	}
	unit, _ := d.Read.Options[0].(string)
	return unit
}

// checkFilled names a resource that is there and has nothing in it.
func (g grammar) checkFilled(s spot, at cursor) {
	if raw := string(at.raw()); raw == "{}" || raw == "[]" {
		g.problem(s.path.String(), "it has no properties")
	}
}

// entry reads an object of properties.
func (g grammar) entry(s spot, at cursor, byUnit bool) {
	s.unit = entryUnit(at)
	g.checkFilled(s, at)
	if byUnit && s.unit != "" {
		s.path.Unit, s.form.byUnit = s.unit, true
	}
	g.checkLocation(s.path.String(), at)
	if inner := string(innerLocation(at)); inner != "" {
		s.path.Location, s.form.inner = inner, inner
	}
	for key, at := range at.members() {
		switch {
		case key == "locationName", key == "unit" && s.form.byUnit:
		case key == "":
			g.problem(s.path.String(), "a property has no name")
		default:
			g.property(s, key, at)
		}
	}
}

// property reads a descriptor, or a bare constant in its place.
func (g grammar) property(s spot, name string, at cursor) {
	path, f := s.path, s.form
	f.name = name
	path.Name = name
	if base, unit := splitUnit(name); unit != "" {
		path.Name, path.Unit = base, unit
	}
	p := Property{Path: path}
	if at.kind() == '{' {
		d := describer{Property: &p}
		d.describe(at.raw())
		f.numeric = d.numeric
		for _, problem := range d.problems {
			g.problem(path.String(), "%s", problem)
		}
		if !d.ok {
			return
		}
	} else if !constant(&p, at) {
		g.problem(path.String(), "%.64s is neither a description nor a constant", at.raw())
		return
	}
	if _, twice := g.forms[path]; twice {
		g.problem(path.String(), "it is listed twice; the first counts")
		return
	}
	p.Unit = unitOf(p, s.unit)
	g.forms[path] = f
	g.Properties = append(g.Properties, p)
}

// splitUnit takes the unit off a name such as targetTemperatureC. Only
// temperatures have it there: PM1 or uvC would be names of their own.
func splitUnit(name string) (base, unit string) {
	for _, unit := range []string{"C", "F"} {
		if base, ok := strings.CutSuffix(name, unit); ok && strings.HasSuffix(base, "emperature") {
			return base, unit
		}
	}
	return name, ""
}

// unitOf decides between the unit of a path, of the descriptor, and of the
// object around it. The latter says nothing about words, nor about what has its
// unit in its name.
func unitOf(p Property, sibling string) string {
	measured := p.Type == Range || p.Type == Number
	switch {
	case p.Path.Unit != "":
		return p.Path.Unit
	case p.Unit != "":
		return p.Unit
	case measured && !strings.HasSuffix(p.Path.Name, "Percent"):
		return sibling
	}
	return ""
}

func constant(p *Property, at cursor) bool {
	v, ok := at.scalar()
	if !ok || v == nil {
		return false
	}
	p.Type, p.Readable, p.Constant = Constant, true, v
	return true
}
