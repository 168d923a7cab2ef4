package discovery

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// binaryClasses, switchClasses and buttonClasses are the device classes that
// Home Assistant has for these platforms. Those of numbers are in [classUnits].
var (
	binaryClasses = strings.Fields(`battery battery_charging carbon_monoxide cold connectivity door garage_door gas heat light lock
		moisture motion moving occupancy opening plug power presence problem running safety smoke sound tamper update vibration window`)
	switchClasses = []string{"outlet", "switch"}
	buttonClasses = []string{"identify", "restart", "update"}
	eventClasses  = []string{"button", "doorbell", "motion"}
)

// enumClass is the class of a sensor that shows words of a list.
const enumClass = "enum"

// sums are the classes that Home Assistant takes as totals only, counters those
// that may grow as totals do.
var (
	sums     = []string{"energy", "gas", "monetary", "reactive_energy", "volume", "water"}
	counters = []string{"area", "data_size", "distance", "duration", "energy", "gas", "precipitation", "reactive_energy", "volume", "water", "weight"}
)

// classesOf are the device classes that an entity may have.
func classesOf(p Platform) []string {
	switch p {
	case BinarySensor:
		return binaryClasses
	case Switch:
		return switchClasses
	case Button:
		return buttonClasses
	case EventEntity:
		return eventClasses
	case Number:
		return slices.Sorted(maps.Keys(classUnits))
	case Sensor:
		return append(slices.Sorted(maps.Keys(classUnits)), enumClass)
	}
	return nil
}

// CheckClass says what is wrong with a device class of any platform and, if
// there is one, a unit; empty if nothing is. What the entity has is not known.
func CheckClass(class string, unit *string) string {
	known := slices.Concat(binaryClasses, switchClasses, buttonClasses, eventClasses, classesOf(Sensor))
	slices.Sort(known)
	units, measured := classUnits[class]
	switch {
	case class == "":
		return ""
	case !slices.Contains(known, class):
		return fmt.Sprintf("Home Assistant has no device class %q: use %s", class, strings.Join(slices.Compact(known), ", "))
	case unit == nil:
		return ""
	case !measured && *unit != "":
		return fmt.Sprintf("the class %s has no unit", class)
	case measured && !takesUnit(class, *unit) && !slices.Contains(binaryClasses, class):
		return fmt.Sprintf("the class %s goes with the unit %s, not %q", class, unitList(units), *unit)
	}
	return ""
}

// takesUnit reports whether a class of numbers goes with a unit.
func takesUnit(class, unit string) bool {
	units, ok := classUnits[class]
	return ok && (units == nil || slices.Contains(units, unit))
}

// unitList is a list of units for people.
func unitList(units []string) string {
	list := strings.Join(units, ", ")
	if slices.Contains(units, "") {
		list = strings.Trim(strings.ReplaceAll(list+",", ", ,", ","), ", ") + " or none"
	}
	return list
}

// measure gives an entity another class or unit; it says why if Home Assistant
// would refuse that.
func (e *Entity) measure(class, unit *string) string {
	wanted, _ := e.Config["device_class"].(string)
	if class != nil {
		wanted = *class
	}
	now, _ := e.Config["unit_of_measurement"].(string)
	if unit != nil {
		now = *unit
	}
	if wanted != "" && !slices.Contains(classesOf(e.Platform), wanted) {
		if allowed := classesOf(e.Platform); len(allowed) > 0 {
			return fmt.Sprintf("a %s cannot have the class %s, only %s", e.Platform, wanted, strings.Join(allowed, ", "))
		}
		return fmt.Sprintf("a %s has no class", e.Platform)
	}
	if e.Platform != Sensor && e.Platform != Number {
		return e.reclass(wanted, unit != nil && *unit != "")
	}
	return e.requantify(wanted, now)
}

// reclass changes the class of an entity that has no unit.
func (e *Entity) reclass(class string, united bool) string {
	if united {
		return fmt.Sprintf("a %s has no unit", e.Platform)
	}
	set(e.Config, "device_class", class)
	return ""
}

// requantify changes class and unit of a sensor or a number.
func (e *Entity) requantify(class, unit string) string {
	_, words := e.Config["options"]
	switch {
	case class == enumClass && !words:
		return "the class enum needs a list of words, which it does not have"
	case class == enumClass && unit != "", class == "" && words && unit != "":
		return "words have no unit"
	case class != "" && class != enumClass && !e.numeric():
		return fmt.Sprintf("the class %s is for numbers, which it does not show", class)
	case class == "" && unit != "" && !e.numeric():
		return "a unit is for numbers, which it does not show"
	case class != "" && class != enumClass && !takesUnit(class, unit):
		return fmt.Sprintf("the class %s goes with the unit %s, not %q", class, unitList(classUnits[class]), unit)
	}
	if words && class == "" {
		delete(e.Config, "options") // which need the class
	}
	set(e.Config, "device_class", class)
	set(e.Config, "unit_of_measurement", unit)
	switch growth := e.Config["state_class"]; {
	case growth == measurement && (slices.Contains(sums, class) || class == "wind_direction"),
		growth == increasing && class != "" && !slices.Contains(counters, class):
		delete(e.Config, "state_class")
	}
	return ""
}

// numeric reports whether an entity shows numbers.
func (e *Entity) numeric() bool {
	switch {
	case e.Platform == Number, e.Config["unit_of_measurement"] != nil, e.Config["state_class"] != nil:
		return true
	}
	return len(e.Bindings) == 1 && len(e.Bindings[0].Props) == 1 && isNumeric(e.Bindings[0].Props[0])
}

// set puts a text into a discovery message, or takes it out if it is empty.
func set(c map[string]any, key, text string) {
	delete(c, key)
	if text != "" {
		c[key] = text
	}
}
