package thinq

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

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
// its part, location and unit. Without a Name it is the resource alone.
func (p Path) Key() string {
	if p.Name == "" {
		return p.Resource
	}
	return p.Resource + "." + p.Name
}

// String is the whole path in one word, [part/]resource.name[@location][#unit]:
// dryer/timer.remainHour, temperatureInUnits.targetTemperature@FRIDGE#C. A
// separator inside one of the words is written as in a URL, %2E for a dot.
func (p Path) String() string {
	var b strings.Builder
	write := func(before, word, after string) {
		if word != "" {
			b.WriteString(before + escape.Replace(word) + after)
		}
	}
	write("", p.Part, "/")
	write("", p.Resource, "")
	write(".", p.Name, "")
	write("@", p.Location, "")
	write("#", p.Unit, "")
	return b.String()
}

var escape = strings.NewReplacer("%", "%25", "/", "%2F", ".", "%2E", "@", "%40", "#", "%23")

// ParsePath is the inverse of [Path.String].
func ParsePath(s string) (Path, error) {
	part, rest, ok := strings.Cut(s, "/")
	if !ok {
		part, rest = "", s
	}
	rest, unit, _ := strings.Cut(rest, "#")
	rest, location, _ := strings.Cut(rest, "@")
	resource, name, _ := strings.Cut(rest, ".")
	p := Path{Part: part, Resource: resource, Name: name, Location: location, Unit: unit}

	err := errors.Join(
		unescape(&p.Part), unescape(&p.Resource), unescape(&p.Name), unescape(&p.Location), unescape(&p.Unit))
	if err == nil && (p.Resource == "" || p.String() != s) {
		err = errors.New("the form is [part/]resource.name[@location][#unit]")
	}
	if err != nil {
		return Path{}, fmt.Errorf("path %.80q: %w", s, err)
	}
	return p, nil
}

func unescape(word *string) error {
	s, err := url.PathUnescape(*word)
	*word = s
	return err
}

// Compare orders paths by part, location, resource, name and unit.
func (p Path) Compare(q Path) int {
	return cmp.Or(
		strings.Compare(p.Part, q.Part),
		strings.Compare(p.Location, q.Location),
		strings.Compare(p.Resource, q.Resource),
		strings.Compare(p.Name, q.Name),
		strings.Compare(p.Unit, q.Unit),
	)
}

// MarshalText and UnmarshalText use the form of String, so that a State can be
// stored as a JSON object.
func (p Path) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (p *Path) UnmarshalText(text []byte) error {
	q, err := ParsePath(string(text))
	if err == nil {
		*p = q
	}
	return err
}
