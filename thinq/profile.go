package thinq

// A Code is a word of a profile's list of notifications or errors.
type Code struct {
	Part string // the half of a one-piece wash tower, else empty
	Name string // "WASHING_IS_COMPLETE"
}

// A Profile is LG's description of one appliance: every value it has, the
// notifications it may send and the errors it may report.
type Profile struct {
	Properties      []Property // sorted by path
	Notices, Errors []Code
	// Problems names, in words for a person, each part of the profile that
	// could not be understood and was left out. The rest is good.
	Problems []string
}

// ParseProfile reads the response of the profile call (LG: "Device Profile") in
// any of its layouts. A part that makes no sense is left out and named in
// Problems; the error says that data is no profile at all.
func ParseProfile(data []byte) (*Profile, error) { panic("unwritten") }

// Property finds the property at a path.
func (p *Profile) Property(path Path) (Property, bool) { panic("unwritten") }

// Parts are the parts of a one-piece wash tower, in LG's order; nil for every
// other appliance.
func (p *Profile) Parts() []string { panic("unwritten") }

// Decode reads a state or a report, whole or partial, in any layout. Values
// that the profile does not know are in the State as well. The error says that
// data is not a state at all; a single value of an unusable form (an object
// where a word should be) is left out.
func (p *Profile) Decode(data []byte) (State, error) { panic("unwritten") }

// Encode makes the body of one control call. Every path must be writable and
// every value allowed (see [Property.Check]), and all must fit into one call
// (see [Profile.Split]); the error says which is not.
func (p *Profile) Encode(wish State) ([]byte, error) { panic("unwritten") }

// Split divides a wish into the least number of wishes that fit into one call
// each: LG takes one part, one location and one unit at a time.
func (p *Profile) Split(wish State) []State { panic("unwritten") }
