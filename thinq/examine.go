package thinq

import (
	"fmt"
	"maps"
	"slices"
)

// Examine says, in words for a person, where a state or a report is not as its
// profile says: parts that cannot be read, values that are reported twice, words
// outside their list, numbers outside their limits, values of the wrong type. A
// value that the profile does not have is nothing odd. It is for people who look
// for a fault, and takes its time.
func (p *Profile) Examine(data []byte) []string {
	found := new(notes)
	state, err := p.decode(data, found)
	if err != nil {
		return []string{err.Error()}
	}
	for _, path := range slices.SortedFunc(maps.Keys(state), Path.Compare) {
		q, known := p.Property(path)
		switch v := state[path]; {
		case path.Resource == "error" && path.Name == "":
			p.examineError(found, path, v)
		case known && v != nil:
			if why := q.odd(v); why != "" {
				found.add(path, "%s %s", brief(v), why)
			}
		}
	}
	return *found
}

// examineError holds an error against the list of the profile.
func (p *Profile) examineError(found *notes, path Path, v any) {
	name, ok := v.(string)
	listed := slices.ContainsFunc(p.Errors, func(c Code) bool { return c.Name == name })
	if ok && name != "" && !listed && len(p.Errors) > 0 {
		found.add(path, "%s is not in the list of errors", brief(v))
	}
}

// odd says why v is not what the profile says may be read, empty if it is.
func (p Property) odd(v any) string {
	f, isNumber := v.(float64)
	switch {
	case p.Type == Constant:
		if !equal(v, p.Constant) {
			return "is not the constant " + brief(p.Constant)
		}
	case !p.Readable:
		return "is reported, though it can only be set"
	case p.Type == Enum || p.Type == Bool:
		all := slices.Concat(p.Read.Options, p.Write.Options)
		if len(all) > 0 && !slices.ContainsFunc(all, func(o any) bool { return equal(o, v) }) {
			return "is not one of " + list(p.Read.Options)
		}
	case (p.Type == Range || p.Type == Number) && !isNumber:
		return "is no number"
	case p.Read.Limited && (f < p.Read.Min || f > p.Read.Max):
		return fmt.Sprintf("is not within %s and %s", show(p.Read.Min), show(p.Read.Max))
	}
	return ""
}

// notes are what Examine finds. Nothing is noted in nil.
type notes []string

func (n *notes) add(path Path, format string, args ...any) {
	*n = append(*n, path.String()+": "+fmt.Sprintf(format, args...))
}

// raw is what stands next in a state, cut to a line, without reading it.
func (n *notes) raw(d *decoder) string {
	ahead := d.cursor
	return firstRunes(string(ahead.raw()), 64)
}

// stray is an element of a list that is none.
func (n *notes) stray(path Path, d *decoder) {
	switch {
	case n == nil || d.kind() == 'n':
	case path.Resource == "":
		*n = append(*n, n.raw(d)+" is no object of resources")
	default:
		n.add(path, "%s is no object of values", n.raw(d))
	}
}

// lone is a value in the place of a resource of the profile.
func (n *notes) lone(p *part, key []byte, d *decoder) {
	if n != nil && d.kind() != 'n' && p.resources[string(key)] != nil {
		n.add(Path{Part: p.name, Resource: string(key)}, "%s is no object of values", n.raw(d))
	}
}

// value is a value that cannot be read, or is there already.
func (n *notes) value(path Path, d *decoder) {
	if n == nil {
		return
	}
	if _, twice := d.state[path]; twice {
		n.add(path, "it is reported twice; the last counts")
	}
	if kind := d.kind(); kind == '{' || kind == '[' {
		n.add(path, "%s is no value", n.raw(d))
	}
}
