package thinqtest

import (
	"slices"
	"strings"
)

// obey carries out a control call that was found good.
func (a *appliance) obey(writes []write) {
	before := a.snapshot()
	for _, w := range writes {
		if w.changesMode() {
			w.section.enterMode(text(w.value))
		}
	}
	for _, w := range writes {
		if !w.isCommand() {
			w.set()
		}
	}
	for _, w := range writes {
		if w.isCommand() {
			a.command(w)
		}
	}
	startUnasked(writes)
	for _, w := range writes {
		w.section.settleTimers(w, writes)
		w.section.settlePower(w)
		w.section.settleZone(w)
	}
	a.mirror(before)
}

// starting are properties of ovens and combined washers that start a programme
// when they are set without an order beside them.
var starting = []string{"cook.cookMode", "temperature.targetTemperature", "timer.targetHour", "timer.targetMinute", "mode.washerMode"}

func startUnasked(writes []write) {
	if slices.ContainsFunc(writes, write.isCommand) {
		return
	}
	for _, w := range writes {
		s := w.section
		if slices.Contains(starting, w.resource+"."+w.name) && s.startable() && slices.Contains(idle, s.runState()) {
			s.command("START")
			return
		}
	}
}

// shownAs is where the value of a property appears that can only be written;
// what is not here appears nowhere.
var shownAs = map[string]string{
	"coolTargetTemperature":      "targetTemperature",
	"heatTargetTemperature":      "targetTemperature",
	"autoTargetTemperature":      "targetTemperature",
	"airCoolTargetTemperature":   "targetTemperature",
	"airHeatTargetTemperature":   "targetTemperature",
	"waterCoolTargetTemperature": "targetTemperature",
	"waterHeatTargetTemperature": "targetTemperature",
}

// set puts the value into the state.
func (w write) set() {
	name := w.name
	if !readable(w.entry[name]) {
		if name = shownAs[name]; name == "" {
			return
		}
	}
	shown := w.shown()
	if shown == nil {
		shown = w.show()
	}
	shown[name] = w.value
	if w.oneUnit() {
		shown["unit"] = w.unit
	}
}

// oneUnit: an oven can be told in either unit, and shows that of the last command.
func (w write) oneUnit() bool {
	_, many := w.section.properties[w.resource].([]any)
	_, one := w.section.state[w.resource].(map[string]any)
	return many && one && w.unit != ""
}

// shown is the object in the state that the write belongs to, nil if the state
// does not show it.
func (w write) shown() map[string]any {
	switch in := w.section.state[w.resource].(type) {
	case map[string]any:
		return in
	case []any:
		for _, e := range in {
			entry, _ := e.(map[string]any)
			if entry != nil && (w.location == "" || entry["locationName"] == w.location) &&
				(w.location != "" || w.unit == "" || entry["unit"] == w.unit) {
				return entry
			}
		}
	}
	return nil
}

// show makes that object.
func (w write) show() map[string]any {
	shown := map[string]any{}
	if _, isList := w.section.properties[w.resource].([]any); !isList {
		w.section.state[w.resource] = shown
		return shown
	}
	if w.location != "" {
		shown["locationName"] = w.location
	}
	if w.unit != "" {
		shown["unit"] = w.unit
	}
	list, _ := w.section.state[w.resource].([]any)
	w.section.state[w.resource] = append(list, shown)
	return shown
}

// settleTimers keeps hour, minute and the word that says whether a timer is set
// consistent. A timer of laundry also puts the programme off.
func (s *section) settleTimers(w write, writes []write) {
	t, ok := timerOf(w.name)
	if !ok || w.section != s {
		return
	}
	shown := s.resource(w.resource)
	if w.name == t.word && w.value == "UNSET" {
		t.clear(shown)
		return
	}
	if w.name == t.hour && !slices.ContainsFunc(writes, func(o write) bool { return o.resource == w.resource && o.name == t.minute }) {
		if d, has := s.descriptor(w.resource, t.minute); has && (readable(d) || shown[t.minute] != nil) {
			shown[t.minute] = 0.0
		}
	}
	if s.laundry() {
		s.reserve()
		return
	}
	if t.relative && minutesOf(shown, t) == 0 {
		t.clear(shown)
	} else if s.hasWord(w.resource, t.word) {
		shown[t.word] = "SET"
	}
}

// A timer is the names of a timer's properties.
type timer struct {
	hour, minute, word string
	relative, start    bool
}

// timers are all that LG has, in timer and sleepTimer.
var timers = []timer{
	{"relativeHourToStart", "relativeMinuteToStart", "relativeStartTimer", true, true},
	{"relativeHourToStop", "relativeMinuteToStop", "relativeStopTimer", true, false},
	{"absoluteHourToStart", "absoluteMinuteToStart", "absoluteStartTimer", false, true},
	{"absoluteHourToStop", "absoluteMinuteToStop", "absoluteStopTimer", false, false},
}

func timerOf(name string) (timer, bool) {
	i := slices.IndexFunc(timers, func(t timer) bool { return name == t.hour || name == t.minute || name == t.word })
	if i < 0 {
		return timer{}, false
	}
	return timers[i], true
}

// clear unsets a timer as air conditioners show it.
func (t timer) clear(shown map[string]any) {
	for _, name := range []string{t.hour, t.minute} {
		if _, has := shown[name]; has {
			shown[name] = nil
		}
	}
	if _, has := shown[t.word]; has {
		shown[t.word] = "UNSET"
	}
}

func minutesOf(shown map[string]any, t timer) int {
	return 60*int(number(shown[t.hour])) + int(number(shown[t.minute]))
}

func number(v any) float64 {
	n, _ := v.(float64)
	return n
}

// resource is a resource of the state, made if it is not there.
func (s *section) resource(name string) map[string]any {
	r, ok := s.state[name].(map[string]any)
	if !ok {
		r = map[string]any{}
		s.state[name] = r
	}
	return r
}

func (s *section) descriptor(resource, name string) (any, bool) {
	properties, _ := s.properties[resource].(map[string]any)
	d, has := properties[name]
	return d, has
}

// hasWord: some states have a word that their profiles do not mention.
func (s *section) hasWord(resource, name string) bool {
	if _, has := s.descriptor(resource, name); has {
		return true
	}
	_, has := s.resource(resource)[name]
	return has
}

// settlePower: what is switched off needs no timer to switch it off.
func (s *section) settlePower(w write) {
	if w.resource != "operation" || w.value != "POWER_OFF" || w.isCommand() {
		return
	}
	for _, resource := range []string{"timer", "sleepTimer"} {
		if shown, ok := s.state[resource].(map[string]any); ok {
			timers[1].clear(shown)
		}
	}
}

// settleZone: a cooking zone cooks when it has power.
func (s *section) settleZone(w write) {
	zone, ok := s.state["cookingZone"].(map[string]any)
	if !ok || w.name != "powerLevel" {
		return
	}
	if zone["currentState"] = "COOK"; w.value == 0.0 {
		s.zoneOff()
	}
}

func (s *section) zoneOff() {
	s.resource("cookingZone")["currentState"] = "INITIAL"
	s.resource("power")["powerLevel"] = 0.0
	s.setRemaining(0)
}

// command carries out a word that is not shown anywhere by itself.
func (a *appliance) command(w write) {
	word := text(w.value)
	if w.section.extension {
		for _, s := range a.sections {
			if _, zone := s.state["cookingZone"]; zone && word == "POWER_OFF" && s.runState() != "LOCK" {
				s.zoneOff()
			}
		}
		return
	}
	if w.section.runState() == "" || strings.HasPrefix(w.name, "airClean") {
		return
	}
	w.section.command(word)
}
