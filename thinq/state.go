package thinq

// A State is values by path: the whole state of an appliance, a report of what
// changed, or a wish. A value is a string, bool, float64, or nil for a value
// that LG reports as null.
type State map[Path]any

// Merge overlays a report and returns the part of it that differs from what was
// known, nil if nothing does. What the report does not mention stays.
func (s State) Merge(report State) (changed State) { panic("unwritten") }
