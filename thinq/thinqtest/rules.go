package thinqtest

import (
	"cmp"
	"slices"
	"strings"
)

// rules are why LG refuses a control call that the profile allows, in the order
// in which they are looked at.
var rules = []struct {
	code, message string
	forbids       func(write, overview) bool
}{
	{"2301", "Command not supported in REMOTE_OFF", remoteOff},
	{"2303", "Command not supported in ERROR", inError},
	{"2304", "Command not supported in POWER_OFF", poweredOff},
	{"2302", "Command not supported in this state", wrongState},
	{"2305", "Command not supported in this mode", wrongMode},
	{"2207", "Invalid command: outside the limits that hold now", outsideLimits},
}

// An overview is what a section will be once a call has its effect: a call may
// switch on, or change the mode, together with what needs it.
type overview struct {
	section *section
	writes  []write
}

// word is the value of a property as the call leaves it.
func (o overview) word(resource, name string) string {
	for _, w := range o.writes {
		if w.resource == resource && w.name == name {
			return text(w.value)
		}
	}
	return o.section.word(resource, name)
}

func (s *section) word(resource, name string) string { return text(s.get(resource, name)) }

func (s *section) get(resource, name string) any {
	properties, _ := s.state[resource].(map[string]any)
	return properties[name]
}

// allowed applies the rules to a call.
func allowed(writes []write) error {
	for _, rule := range rules {
		for _, w := range writes {
			if rule.forbids(w, overview{w.section, writes}) {
				return refuse(rule.code, rule.message)
			}
		}
	}
	return nil
}

// awakening commands work whatever the appliance is doing.
var awakening = []any{"POWER_ON", "WAKE_UP"}

func remoteOff(w write, _ overview) bool {
	return w.section.get("remoteControlEnable", "remoteControlEnabled") == false &&
		w.value != "POWER_OFF" && !slices.Contains(awakening, w.value)
}

func inError(w write, _ overview) bool {
	e := text(w.section.state["error"])
	return w.value != "POWER_OFF" && (w.section.runState() == "ERROR" || e != "" && e != "NO_ERROR")
}

// runState is the word for what the appliance is doing, "" if it has none.
func (s *section) runState() string {
	return cmp.Or(s.word("runState", "currentState"), s.word("cookingZone", "currentState"))
}

// powerSwitch is the property that switches a section on and off and says which
// it is, "" if there is none that can do both.
func (s *section) powerSwitch() string {
	operation, _ := s.properties["operation"].(map[string]any)
	for name, d := range operation {
		if readable(d) && writable(d) && slices.Contains(choices(d, "w"), any("POWER_OFF")) {
			return name
		}
	}
	return ""
}

// independent is what can be set although the rest is off: timers that switch
// on, and a boiler's hot water.
func independent(w write) bool {
	return strings.HasSuffix(w.name, "ToStart") || strings.HasSuffix(w.name, "StartTimer") ||
		w.name == "hotWaterMode" || strings.HasPrefix(w.resource, "hotWater")
}

func poweredOff(w write, o overview) bool {
	if slices.Contains(awakening, w.value) {
		return false
	}
	if w.section.runState() == "POWER_OFF" {
		return true
	}
	power := w.section.powerSwitch()
	if power == "" || w.section.word("operation", power) != "POWER_OFF" {
		return false
	}
	if w.resource == "operation" && w.name == power {
		return true // switching off what is off
	}
	return o.word("operation", power) == "POWER_OFF" && !independent(w)
}

// isCommand: what laundry, ovens and robots are told is never shown.
func (w write) isCommand() bool {
	return w.resource == "operation" && !readable(w.entry[w.name])
}

// idle are the run states in which a programme can be started.
var idle = []string{
	"INITIAL", "PAUSE", "PAUSED", "END", "COMPLETE", "DONE", "RESERVED", "RESERVATION", "STANDBY", "PREFERENCE",
	"CHARGING", "CHARGING_COMPLETE", "ADD_DRAIN", "RINSE_HOLD", "COOK_COMPLETE", "RUNNING_END", "WRINKLE_CARE",
	"END_COOLING", "FROZEN_PREVENT_INITIAL", "FROZEN_PREVENT_PAUSE", "CANCEL", "CLEANING_IS_DONE",
}

// active are the run states of a running programme.
var active = []string{
	"DETECTING", "SOAKING", "RUNNING", "RINSING", "SPINNING", "DRYING", "COOL_DOWN", "COOLING", "PREWASH",
	"REFRESHING", "STEAM_SOFTENING", "DISPENSING", "PROOFING", "SHOES_MODULE", "SMART_GRID_RUN",
	"CHECKING_TURBIDITY", "CHANGE_CONDITION", "DISPLAY_LOADSIZE", "SOFTENING", "DETERGENT_AMOUNT", "PRESTEAM",
	"PREHEAT", "PREHEATING", "PREHEATING_IS_DONE", "STEAM", "STAY", "STERILIZE", "NIGHT_DRY",
	"COOKING_IN_PROGRESS", "CLEANING", "COOK", "WORKING", "FROZEN_PREVENT_RUNNING", "BREWING",
}

// takes are the run states in which each command is taken.
var takes = map[string][]string{
	"START":      idle,
	"STOP":       append([]string{"RESERVED", "RESERVATION"}, active...),
	"PAUSE":      active,
	"RESUME":     {"PAUSE", "PAUSED"},
	"HOMING":     {"WORKING", "PAUSE", "STANDBY", "INITIALIZING", "RESERVATION", "MACROSECTOR"},
	"WAKE_UP":    {"SLEEP"},
	"PREHEATING": idle,
	"POWER_ON":   {"POWER_OFF", "SLEEP"},
}

func wrongState(w write, _ overview) bool {
	state := w.section.runState()
	switch {
	case state == "":
		return false
	case w.section.word("cookingZone", "currentState") == "LOCK":
		return true
	case w.isCommand():
		states, known := takes[text(w.value)]
		return known && !slices.Contains(states, state)
	case w.section.laundry() && w.resource == "timer":
		return slices.Contains(active, state)
	}
	return false
}

// laundry is everything that runs a programme on its own and is never read back
// what to do: washers, dryers, dish washers, stylers.
func (s *section) laundry() bool { return s.startable() && s.word("runState", "currentState") != "" }

// startable says whether there is an order to start.
func (s *section) startable() bool {
	operation, _ := s.properties["operation"].(map[string]any)
	for _, d := range operation {
		if !readable(d) && slices.Contains(choices(d, "w"), any("START")) {
			return true
		}
	}
	return false
}

// untempered are the job modes that have no target temperature.
var untempered = []string{"FAN", "AIR_DRY", "AIR_CLEAN", "AROMA"}

// tempering says in which job modes each target can be set; where a profile has
// no target for AUTO, those for heating and cooling serve there, too.
var tempering = map[string][]string{
	"coolTargetTemperature":      {"COOL", "ENERGY_SAVING"},
	"heatTargetTemperature":      {"HEAT"},
	"autoTargetTemperature":      {"AUTO"},
	"airCoolTargetTemperature":   {"COOL"},
	"waterCoolTargetTemperature": {"COOL"},
	"airHeatTargetTemperature":   {"HEAT"},
	"waterHeatTargetTemperature": {"HEAT"},
}

func wrongMode(w write, o overview) bool {
	if !strings.HasSuffix(w.name, "argetTemperature") {
		return false
	}
	mode := o.jobMode()
	modes, bound := tempering[w.name]
	switch {
	case mode == "":
		return false
	case slices.Contains(untempered, mode):
		return true
	case strings.HasPrefix(w.resource, "twoSet"):
		return w.section.get("twoSetTemperature", "twoSetEnabled") == false
	case strings.HasPrefix(w.name, "air"), strings.HasPrefix(w.name, "water"):
		medium := strings.ToLower(o.word("operation", "roomTempMode"))
		return medium != "" && !strings.HasPrefix(w.name, medium) || mode != "AUTO" && !slices.Contains(modes, mode)
	case mode == "AUTO" && w.entry["autoTargetTemperature"] == nil:
		return false
	}
	return bound && !slices.Contains(modes, mode)
}

func (o overview) jobMode() string {
	for resource := range o.section.properties {
		if strings.HasSuffix(resource, "JobMode") {
			return o.word(resource, "currentJobMode")
		}
	}
	return ""
}

// outsideLimits: some states hold narrower limits than the profile, for the mode
// that the appliance is in.
func outsideLimits(w write, _ overview) bool {
	n, isNumber := w.value.(float64)
	prefix, isTarget := strings.CutSuffix(w.name, "TargetTemperature")
	shown := w.shown()
	if !isNumber || !isTarget && w.name != "targetTemperature" || shown == nil {
		return false
	}
	for _, names := range [][2]string{
		{prefix + "MinTemperature", prefix + "MaxTemperature"},
		{"minTargetTemperature", "maxTargetTemperature"},
		{"minTemperature", "maxTemperature"},
	} {
		least, ok1 := shown[names[0]].(float64)
		most, ok2 := shown[names[1]].(float64)
		if ok1 && ok2 {
			return n < least || n > most
		}
	}
	return false
}

// together are properties that LG's own library always sends in one call. The
// first group must be complete at LG, too.
var together = [][]string{
	{"heatTargetTemperature", "coolTargetTemperature"}, // of twoSet… only
	{"fanSpeed", "lampBrightness"},
	{"powerLevel", "remainHour", "remainMinute"},
	{"absoluteHourToStart", "absoluteMinuteToStart"},
	{"absoluteHourToStop", "absoluteMinuteToStop"},
}

// companions refuses calls that lack one.
func (a *appliance) companions(writes []write, strict bool) error {
	for _, w := range writes {
		if strings.HasPrefix(w.resource, "twoSet") {
			if err := complete(w, writes, together[0]); err != nil {
				return err
			}
		}
		for _, group := range together[1:] {
			if strict && slices.Contains(group, w.name) {
				if err := complete(w, writes, group); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func complete(w write, writes []write, group []string) error {
	for _, name := range group {
		given := slices.ContainsFunc(writes, func(o write) bool { return o.name == name })
		if !given && w.section.canSet(name) {
			return invalid("%s needs %s beside it", w.name, name)
		}
	}
	return nil
}

func (s *section) canSet(name string) bool {
	for _, resource := range s.properties {
		switch r := resource.(type) {
		case map[string]any:
			if writable(r[name]) {
				return true
			}
		case []any:
			for _, e := range r {
				if entry, ok := e.(map[string]any); ok && writable(entry[name]) {
					return true
				}
			}
		}
	}
	return false
}
