package thinq

// Type is the type of a property's values.
type Type string

// The types of LG's profile grammar. Text is LG's "string" and, read-only, every
// type that LG may add; Constant is a bare value in the place of a descriptor.
const (
	Enum     Type = "enum"
	Bool     Type = "boolean"
	Range    Type = "range"
	Number   Type = "number"
	Text     Type = "string"
	Constant Type = "constant"
)

// Values is what a property may be, for reading or for writing: LG's lists for
// the two often differ.
type Values struct {
	Options        []any     // of an Enum (string) or Bool (bool), in LG's order
	Limited        bool      // Min, Max and Step hold
	Min, Max, Step float64   // Step is at least 1e-6 when Limited
	Except         []float64 // holes in the range
}

// A Property is one entry of a profile: what a value may be, and whether it can
// be read and set.
type Property struct {
	Path               Path
	Type               Type
	Readable, Writable bool
	Read, Write        Values
	Unit               string // "C", "F", "MINUTE", "%", … as LG spells it; empty if none
	Constant           any    // of a Constant
}

// Check says why v (string, bool or float64) cannot be written, in words for a
// user that name what is allowed; nil if it can.
func (p Property) Check(v any) error { panic("unwritten") }

// Round moves v to the nearest value that can be written: inside the limits, on
// the grid Min + n·Step, not in a hole.
func (p Property) Round(v float64) float64 { panic("unwritten") }
