package thinq

// A State is values by path: the whole state of an appliance, a report of what
// changed, or a wish. A value is a string, bool, float64, or nil for a value
// that LG reports as null.
type State map[Path]any

// Merge overlays a report and returns the part of it that differs from what was
// known, nil if nothing does. What the report does not mention stays.
//
// A report may leave out the unit of a value that LG lists once for each unit;
// the value then belongs to the unit reported last.
func (s State) Merge(report State) (changed State) {
	for path, v := range report {
		old, known := s[path]
		if !known && path.Unit == "" {
			path = s.lastUnit(path, report)
			old, known = s[path]
		}
		if known && equal(old, v) {
			continue
		}
		if changed == nil {
			changed = make(State)
		}
		s[path] = v
		changed[path] = v
	}
	return changed
}

// lastUnit is path in the unit that the state shows its resource in, if the
// value is known in that unit and the report itself says nothing about it.
func (s State) lastUnit(path Path, report State) Path {
	shown, in := path, path
	shown.Name = "unit"
	in.Unit, _ = s[shown].(string)
	_, known := s[in]
	_, unitTold := report[shown]
	_, valueTold := report[in]
	if in.Unit == "" || !known || unitTold || valueTold {
		return path
	}
	return in
}

// equal compares values; numbers of any Go type by their float64.
func equal(a, b any) bool {
	switch a := a.(type) {
	case nil:
		return b == nil
	case string:
		b, ok := b.(string)
		return ok && a == b
	case bool:
		b, ok := b.(bool)
		return ok && a == b
	}
	x, okX := number(a)
	y, okY := number(b)
	return okX && okY && x == y
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	}
	return 0, false
}
