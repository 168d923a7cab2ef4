package thinq

import (
	"maps"
	"slices"
)

// Split divides a wish into the least number of wishes that fit into one call
// each: LG takes one part, one location and one unit at a time. The order is
// that of the first path of each.
func (p *Profile) Split(wish State) []State {
	paths := slices.SortedFunc(maps.Keys(wish), Path.Compare)
	var calls []*call
	// What names a location inside its resource and a unit needs a call of just
	// these. Then what names one of them, then the rest, finds room in the calls
	// that are there, so that none is made in vain.
	for _, demands := range []int{2, 1, 0} {
		for _, path := range paths {
			if t := p.target(path); t.demands() == demands {
				var c *call
				calls, c = room(calls, t)
				c.wish[path] = wish[path]
			}
		}
	}
	slices.SortFunc(calls, func(a, b *call) int { return a.first().Compare(b.first()) })
	wishes := make([]State, len(calls))
	for i, c := range calls {
		wishes[i] = c.wish
	}
	return wishes
}

// A target is what one call has only one of. The part and the location around
// the resources hold for the whole call; a location or unit inside a resource
// leaves other resources alone.
type target struct{ part, outer, inner, unit string }

func (p *Profile) target(path Path) target {
	f := p.form(path)
	return target{part: path.Part, outer: f.outer, inner: f.inner, unit: path.Unit}
}

func (t target) demands() (n int) {
	for _, s := range []string{t.inner, t.unit} {
		if s != "" {
			n++
		}
	}
	return n
}

// accepts says whether u can travel along with t, and whether it names nothing
// that t does not name already.
func (t target) accepts(u target) (fits, exactly bool) {
	around := t.part == u.part && t.outer == u.outer
	exactly = around && (u.inner == "" || u.inner == t.inner) && (u.unit == "" || u.unit == t.unit)
	fits = around && (u.inner == "" || t.inner == "" || u.inner == t.inner) && (u.unit == "" || t.unit == "" || u.unit == t.unit)
	return fits, exactly
}

// A call is a wish in the making.
type call struct {
	target
	wish State
}

func (c *call) first() Path {
	return slices.MinFunc(slices.Collect(maps.Keys(c.wish)), Path.Compare)
}

// room finds the call that t may travel with, or adds one.
func room(calls []*call, t target) ([]*call, *call) {
	var roomy *call
	for _, c := range calls {
		fits, exactly := c.accepts(t)
		if exactly {
			return calls, c
		}
		if fits && roomy == nil {
			roomy = c
		}
	}
	if roomy == nil {
		roomy = &call{target: t, wish: make(State)}
		calls = append(calls, roomy)
	}
	roomy.inner = max(roomy.inner, t.inner)
	roomy.unit = max(roomy.unit, t.unit)
	return calls, roomy
}
