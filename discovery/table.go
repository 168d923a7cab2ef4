package discovery

import "github.com/thinq2mqtt/thinq2mqtt/thinq"

// An Appliance is what the table says about a device type. Everything it does
// not say follows from the profile.
type Appliance struct {
	Type       string            // "DEVICE_WASHER"
	Name       string            // in words: "Washer"
	Main       string            // key of the entity that is the appliance itself; empty: none
	Place      string            // location that is all of the appliance, so that names need not say it
	Parts      map[string]string // part of a one-piece tower -> the type it is like
	Together   bool              // LG wants everything that concerns one place in one call
	Heater     bool              // its levels and targets are heat
	OwnUnit    bool              // it reports one temperature, in a unit of its own choice
	Composites []Composite       // entities made of several properties, in order
	Rows       []Row             // what is special about single properties
}

// A Composite makes entities out of several properties, if they are there.
type Composite interface{ build(b *builder) }

// A Row is what is special about one property of a type. Empty fields leave the
// natural mapping as it is.
type Row struct {
	Path     string // resource.name; a timer without its unit: timer.relativeToStart
	Platform Platform
	Hidden   string   // why it has no entity: it is still in the state document
	On       string   // LG's word for on, where the pair is not a usual one
	With     []string // resource.name of what LG wants in the same call
	While    string   // resource.name of what must be on, so that LG takes it
	Word
}

// lookUpAppliance finds the row of a type; false for a type nobody has heard of.
func lookUpAppliance(deviceType, part string) (Appliance, bool) {
	for _, a := range appliances {
		if a.Type != deviceType {
			continue
		}
		if like, ok := a.Parts[part]; ok && part != "" {
			return lookUpAppliance(like, "")
		}
		return a, true
	}
	return unheard, false
}

// row finds what is special about a property; the zero Row if nothing is.
func (a Appliance) row(key string) Row {
	for _, r := range a.Rows {
		if r.Path == key {
			return r
		}
	}
	return Row{}
}

// timeUnits are the units that LG puts inside the names of timers.
var timeUnits = []struct {
	name    string
	minutes float64
}{{"Hour", 60}, {"Minute", 1}, {"Second", 1.0 / 60}}

// derived is the resource of values that LG does not report: what the bridge
// remembers about an appliance. They are kept in the state like all others.
const derived = "derived"

// derivedPath is the path of a remembered value.
func derivedPath(part, location, name string) thinq.Path {
	return thinq.Path{Part: part, Resource: derived, Name: name, Location: location}
}
