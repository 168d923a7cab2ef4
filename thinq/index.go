package thinq

import "slices"

// A part is what Decode needs to know of a part of an appliance, or of the
// whole appliance if it has no parts: which names there are, and where values
// with too little said about them belong.
type part struct {
	name      string
	locations []string // beside resources; none if the profile is no list
	resources map[string]*resource
}

// only is the location that goes without saying.
func only(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return ""
}

type resource struct {
	name    string
	place   place
	inner   []string // locations inside
	byUnit  bool
	units   []string           // of a resource listed by unit
	unit    string             // constant beside the properties
	members map[string]*member // by LG's name
}

// A place says where a list profile has something: under locations, or outside
// of them as an extension.
type place struct{ located, bare bool }

type member struct {
	name, unit string // unit if LG writes it as a suffix
	place      place
	kind       Type // empty if the locations differ in it
	numeric    bool
}

func (p *Profile) buildIndex() {
	p.words = make(map[string]any)
	p.index = make(map[string]*part)
	for _, name := range append([]string{""}, p.parts...) {
		p.index[name] = &part{name: name, resources: make(map[string]*resource)}
	}
	for _, q := range p.Properties {
		p.index[q.Path.Part].add(q, p.forms[q.Path])
		p.intern(q)
	}
}

// intern boxes the words of a property, so that states share them.
func (p *Profile) intern(q Property) {
	words := slices.Concat(q.Read.Options, q.Write.Options, []any{q.Constant, q.Path.Location, q.Path.Unit, q.Unit})
	for _, v := range words {
		if word, ok := v.(string); ok {
			p.words[word] = v
		}
	}
}

func (p *part) add(q Property, f form) {
	addOnce(&p.locations, f.outer)
	r := p.resources[q.Path.Resource]
	if r == nil {
		r = &resource{name: q.Path.Resource, members: make(map[string]*member)}
		p.resources[r.name] = r
	}
	r.add(q, f)
}

func (r *resource) add(q Property, f form) {
	at := place{located: f.outer != "", bare: f.outer == ""}
	r.place = r.place.or(at)
	addOnce(&r.inner, f.inner)
	if f.byUnit {
		r.byUnit = true
		addOnce(&r.units, q.Path.Unit)
	}
	if unit, ok := q.Constant.(string); ok && q.Path.Name == "unit" {
		r.unit = unit
	}
	m := &member{name: q.Path.Name, kind: q.Type, numeric: f.numeric, place: at}
	if f.name != q.Path.Name {
		m.unit = q.Path.Unit
	}
	if before, ok := r.members[f.name]; ok {
		m.place = m.place.or(before.place)
		if before.kind != m.kind || before.numeric != m.numeric {
			m.kind = ""
		}
	}
	r.members[f.name] = m
}

func (a place) or(b place) place { return place{a.located || b.located, a.bare || b.bare} }

func addOnce(words *[]string, word string) {
	if word != "" && !slices.Contains(*words, word) {
		*words = append(*words, word)
	}
}
