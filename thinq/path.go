package thinq

// A Path names one value of an appliance. It is comparable, so it keys a map.
//
// A value that LG repeats once for each unit has the unit in Unit, whether LG
// writes it as a list element ("unit":"C") or as the suffix of the property
// ("targetTemperatureC"); Name never carries the suffix. The error of an
// appliance or of one of its locations has the Resource "error" and no Name.
type Path struct {
	Part     string // "washer" or "dryer" in a one-piece wash tower, else empty
	Resource string // "temperatureInUnits"
	Name     string // "targetTemperature"
	Location string // "FRIDGE", "MAIN"; empty where LG has no locations
	Unit     string // "C" or "F", where the cloud lists a value once for each
}

// Key is resource.name, the form in which tables speak of a property, whatever
// its part, location and unit.
func (p Path) Key() string { panic("unwritten") }

// String is the whole path in one word, [part/]resource.name[@location][#unit]:
// dryer/timer.remainHour, temperatureInUnits.targetTemperature@FRIDGE#C.
func (p Path) String() string { panic("unwritten") }

// ParsePath is the inverse of [Path.String].
func ParsePath(s string) (Path, error) { panic("unwritten") }

// Compare orders paths by part, location, resource, name and unit.
func (p Path) Compare(q Path) int { panic("unwritten") }

// MarshalText and UnmarshalText use the form of String, so that a State can be
// stored as a JSON object.
func (p Path) MarshalText() ([]byte, error) { panic("unwritten") }

// UnmarshalText reads what MarshalText wrote.
func (p *Path) UnmarshalText(text []byte) error { panic("unwritten") }
