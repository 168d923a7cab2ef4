package thinq

import (
	"bytes"
	"errors"
	"fmt"
)

// Decode reads a state or a report, whole or partial, in any layout. Values
// that the profile does not know are in the State as well. The error says that
// data is not a state at all; a single value of an unusable form (an object
// where a word should be) is left out.
//
// A value listed by unit that comes without its unit has none in its Path; see
// [State.Merge]. Where LG lists a value by unit but reports one object, as ovens
// do, the unit shown is in the State too, under the name "unit".
func (p *Profile) Decode(data []byte) (State, error) { return p.decode(data, nil) }

func (p *Profile) decode(data []byte, found *notes) (State, error) {
	if err := checkJSON(data); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	d := decoder{
		cursor:  cursor{data: data},
		profile: p,
		state:   make(State, sizeHint(data)),
		notes:   found,
	}
	if kind := d.kind(); kind != '{' && kind != '[' {
		return nil, errors.New("state: it is neither an object nor a list")
	}
	whole := p.index[""]
	if whole == nil {
		whole = &part{}
	}
	d.tree(whole)
	return d.state, nil
}

// sizeHint estimates the number of values: that of the members, most objects
// being members themselves. It is bounded because data is a stranger's.
func sizeHint(data []byte) int {
	members, objects := bytes.Count(data, []byte{':'}), bytes.Count(data, []byte{'{'})
	return min(max(members-objects, 0), 128)
}

// A decoder walks a state once. Names and options that the profile has are taken
// from there, so that only what is new costs memory.
type decoder struct {
	cursor
	profile *Profile
	state   State
	notes   *notes // of what is odd, for Examine; nil: nobody asks
}

// tree reads resources, or a list of resources by location.
func (d *decoder) tree(p *part) {
	if d.kind() != '[' {
		d.resources(p)
		return
	}
	d.enter()
	for d.element() {
		if d.kind() == '{' {
			d.resources(p)
		} else {
			d.notes.stray(Path{Part: p.name}, d)
			d.skip()
		}
	}
}

func (d *decoder) resources(p *part) {
	outer := ""
	if len(p.locations) > 0 || d.profile.index == nil {
		outer = d.word(outerLocation(d.cursor))
	}
	d.enter()
	for key, ok := d.member(); ok; key, ok = d.member() {
		switch kind := d.kind(); {
		case len(key) == 0, string(key) == "location", string(key) == "locationName":
			d.skip()
		case kind == '{' || kind == '[':
			d.nested(p, key, outer)
		default:
			d.lone(p, key, outer)
		}
	}
}

// nested reads what is behind a top-level key: the part of a tower, or a
// resource.
func (d *decoder) nested(p *part, key []byte, outer string) {
	if p.name == "" {
		if half := d.profile.index[string(key)]; half != nil {
			d.tree(half)
			return
		}
	}
	e := entry{part: p, resource: p.resources[string(key)], outer: outer}
	if e.resource != nil {
		e.path.Resource = e.resource.name
	} else {
		e.path.Resource = string(key)
	}
	e.path.Part = p.name
	if d.kind() == '{' {
		d.entry(e)
		return
	}
	e.listed = true
	d.enter()
	for d.element() {
		if d.kind() == '{' {
			d.entry(e)
		} else {
			d.notes.stray(e.path, d)
			d.skip()
		}
	}
}

// lone reads a value that stands in the place of a resource: the error, or a
// value whose name has its resource in front ("timer:remainHour").
func (d *decoder) lone(p *part, key []byte, outer string) {
	e := entry{part: p, outer: outer, path: Path{Part: p.name, Resource: string(key)}}
	if name, property, ok := bytes.Cut(key, []byte{':'}); ok && len(name) > 0 && len(property) > 0 {
		e.resource = p.resources[string(name)]
		e.path.Resource = string(name)
		e.settle()
		d.value(&e, property)
		return
	}
	d.notes.lone(p, key, d)
	if v, ok := d.scalar(nil); ok {
		e.path.Location = e.location(place{})
		d.state[e.path] = v
	}
}

// An entry is an object of values.
type entry struct {
	part     *part
	resource *resource // nil if the profile lacks it
	path     Path      // with part and resource
	listed   bool      // an element of a list
	outer    string    // location around it
	inner    string    // location in it
	unit     string    // "unit" in it
	selects  bool      // the unit tells this entry from others
}

func (d *decoder) entry(e entry) {
	r := e.resource
	if e.listed || r == nil || r.byUnit || len(r.inner) > 0 {
		e.inner, e.unit = d.selectors()
	}
	e.settle()
	d.enter()
	for key, ok := d.member(); ok; key, ok = d.member() {
		switch {
		case len(key) == 0, string(key) == "locationName", string(key) == "unit" && e.selects && e.listed:
			d.skip()
		default:
			d.value(&e, key)
		}
	}
}

// settle decides what the unit is for, and takes from the profile what the entry
// leaves out because there is only one.
func (e *entry) settle() {
	r := e.resource
	if r == nil {
		e.selects = e.listed && e.inner == ""
		return
	}
	if e.inner == "" {
		e.inner = only(r.inner)
	}
	e.selects = r.byUnit || e.listed && e.inner == "" && e.unit != r.unit
	if e.selects && e.unit == "" {
		e.unit = only(r.units)
	}
}

// selectors looks ahead for what tells an entry from others.
func (d *decoder) selectors() (location, unit string) {
	c := d.cursor
	c.enter()
	for key, ok := c.member(); ok; key, ok = c.member() {
		switch {
		case string(key) == "locationName" && c.kind() == '"':
			location = d.word(c.text())
		case string(key) == "unit" && c.kind() == '"':
			unit = d.word(c.text())
		default:
			c.skip()
		}
	}
	return location, unit
}

// value reads one value of an entry.
func (d *decoder) value(e *entry, key []byte) {
	if _, property, ok := bytes.Cut(key, []byte{':'}); ok && len(property) > 0 {
		key = property
	}
	var m *member
	if e.resource != nil {
		m = e.resource.members[string(key)]
	}
	path := e.path
	if m != nil {
		path.Name, path.Unit = m.name, m.unit
	} else {
		path.Name, path.Unit = splitUnit(string(key))
	}
	path.Location = e.inner
	if e.inner == "" {
		path.Location = e.location(e.placeOf(m))
	}
	if path.Unit == "" && e.selects && path.Name != "unit" {
		path.Unit = e.unit
	}
	d.notes.value(path, d)
	if v, ok := d.scalar(m); ok {
		d.state[path] = v
	}
}

// placeOf is where the profile has a member, or else its resource.
func (e *entry) placeOf(m *member) place {
	switch {
	case m != nil:
		return m.place
	case e.resource != nil:
		return e.resource.place
	}
	return place{}
}

// location is where a value belongs that came with or without a location around
// it: a profile without locations has none in its states either, an extension
// has none, and a single location goes without saying.
func (e *entry) location(in place) string {
	switch {
	case len(e.part.locations) == 0 && e.part.resources != nil:
		return ""
	case in.bare && (!in.located || e.outer == ""):
		return ""
	case e.outer == "":
		return only(e.part.locations)
	}
	return e.outer
}

// word is a string of the profile where it has it.
func (d *decoder) word(text []byte) string {
	if s, ok := d.profile.words[string(text)].(string); ok {
		return s
	}
	return string(text)
}
