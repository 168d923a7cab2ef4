package thinq

import (
	"errors"
	"fmt"
	"slices"
)

// A Code is a word of a profile's list of notifications or errors.
type Code struct {
	Part string // the half of a one-piece wash tower, else empty
	Name string // "WASHING_IS_COMPLETE"
}

// A Profile is LG's description of one appliance: every value it has, the
// notifications it may send and the errors it may report.
//
// A Profile that [ParseProfile] returned may be used by several goroutines.
type Profile struct {
	Properties      []Property // sorted by path
	Notices, Errors []Code
	// Problems names, in words for a person, each part of the profile that
	// could not be understood and was left out. The rest is good.
	Problems []string

	parts []string
	forms map[Path]form    // how LG nests each property
	index map[string]*part // what Decode looks up, by part
	words map[string]any   // options and names, boxed once for all states
}

// A form is how LG nests and spells a property where a Path is flat.
type form struct {
	name    string // LG's name, with the unit as suffix
	outer   string // location beside the resource
	inner   string // location inside the resource
	byUnit  bool   // one of several objects, told apart by "unit"
	numeric bool   // an Enum whose options are numbers for LG
}

// reserved are the top-level keys of a profile that are no part of an appliance.
var reserved = []string{"property", "extensionProperty", "notification", "error"}

// ParseProfile reads the response of the profile call (LG: "Device Profile") in
// any of its layouts. A part that makes no sense is left out and named in
// Problems; the error says that data is no profile at all.
func ParseProfile(data []byte) (*Profile, error) {
	if err := checkJSON(data); err != nil {
		return nil, fmt.Errorf("device profile: %w", err)
	}
	g := grammar{&Profile{forms: make(map[Path]form)}}
	root := cursor{data: data}
	found := g.part("", root)
	for name, at := range root.members() {
		_, isPart := at.find("property")
		switch {
		case slices.Contains(reserved, name) || slices.Contains(g.parts, name):
		case isPart && name != "":
			g.Profile.parts = append(g.parts, name)
			g.part(name, at)
			found = true
		default:
			g.problem(name, "%.64s is no part of a profile", at.raw())
		}
	}
	if !found {
		return nil, errors.New("device profile: it has neither properties nor parts with properties")
	}
	slices.SortFunc(g.Properties, func(a, b Property) int { return a.Path.Compare(b.Path) })
	g.buildIndex()
	return g.Profile, nil
}

// Property finds the property at a path.
func (p *Profile) Property(path Path) (Property, bool) {
	i, ok := slices.BinarySearchFunc(p.Properties, path, func(q Property, path Path) int { return q.Path.Compare(path) })
	if !ok {
		return Property{}, false
	}
	return p.Properties[i], true
}

// Parts are the parts of a one-piece wash tower, in LG's order; nil for every
// other appliance.
func (p *Profile) Parts() []string { return slices.Clone(p.parts) }
