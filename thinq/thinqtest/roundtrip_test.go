package thinqtest_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A setting is one writable property of a profile.
type setting struct {
	part, location, entryLocation, unit string
	extension                           bool
	resource, name                      string
	descriptor                          object
	resources                           object // beside it, in the profile
}

// settings walks a profile on its own account, for the properties with a mode:
// the server's reading of it is what is tested.
func settings(profile object, mode string) []setting {
	var all []setting
	walk := func(at setting, resources object) {
		at.resources = resources
		for _, resource := range slices.Sorted(maps.Keys(resources)) {
			at.resource = resource
			switch r := resources[resource].(type) {
			case object:
				all = append(all, at.of(r, mode)...)
			case []any:
				for _, e := range r {
					entry := e.(object)
					at := at
					at.entryLocation, _ = entry["locationName"].(string)
					if at.entryLocation == "" {
						at.unit, _ = entry["unit"].(string)
					}
					all = append(all, at.of(entry, mode)...)
				}
			}
		}
	}
	parts := func(key string, node object) {
		switch p := node["property"].(type) {
		case object:
			walk(setting{part: key}, p)
		case []any:
			for _, e := range p {
				located := e.(object)
				walk(setting{part: key, location: located["location"].(object)["locationName"].(string)}, located)
			}
		}
		if x, ok := node["extensionProperty"].(object); ok {
			walk(setting{part: key, extension: true}, x)
		}
	}
	parts("", profile)
	for _, key := range slices.Sorted(maps.Keys(profile)) {
		if half, ok := profile[key].(object); ok && half["property"] != nil {
			parts(key, half)
		}
	}
	return all
}

func (s setting) of(properties object, mode string) []setting {
	var all []setting
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if d, ok := properties[name].(object); ok && strings.Contains(modeOf(d), mode) {
			s.name, s.descriptor = name, d
			all = append(all, s)
		}
	}
	return all
}

func modeOf(d object) string {
	if word, ok := d["mode"].(string); ok {
		return word
	}
	var out string
	for _, m := range d["mode"].([]any) {
		out += m.(string)
	}
	return out
}

// allowed are values to try: all words, and of numbers the ends and the middle.
func (s setting) allowed() []any {
	value, _ := s.descriptor["value"].(object)
	switch w := value["w"].(type) {
	case []any:
		return w
	case object:
		least, most, step := w["min"].(float64), w["max"].(float64), 1.0
		if w["step"] != nil {
			step = w["step"].(float64)
		}
		return []any{most, least, least + step*float64(int((most-least)/step/2))}
	}
	switch s.descriptor["type"] {
	case "boolean":
		return []any{true, false}
	case "enum":
		return []any{"WHATEVER"} // writable without a list
	}
	return []any{7.0, 11.0}
}

// body is the control call.
func (s setting) body(value any, state object) object {
	properties := object{s.name: value}
	if s.entryLocation != "" {
		properties["locationName"] = s.entryLocation
	}
	if s.unit != "" {
		properties["unit"] = s.unit
	}
	if strings.HasPrefix(s.resource, "twoSet") { // takes both set-points only
		for _, other := range []string{"heatTargetTemperature", "coolTargetTemperature"} {
			if other != s.name {
				properties[other] = s.in(state)[other]
			}
		}
	}
	body := object{s.resource: properties}
	if s.location != "" {
		body["location"] = object{"locationName": s.location}
	}
	if s.part != "" {
		body = object{s.part: body}
	}
	return body
}

// section is the part of the state that the setting is in.
func (s setting) section(state any) object {
	if s.part != "" {
		state = state.(object)[s.part]
	}
	if list, ok := state.([]any); ok {
		for _, e := range list {
			if e.(object)["location"].(object)["locationName"] == s.location {
				return e.(object)
			}
		}
		return nil
	}
	return state.(object)
}

// in is the object that shows the setting.
func (s setting) in(section object) object {
	switch r := section[s.resource].(type) {
	case object:
		return r
	case []any:
		for _, e := range r {
			entry := e.(object)
			if s.entryLocation != "" && entry["locationName"] == s.entryLocation || s.entryLocation == "" && entry["unit"] == s.unit {
				return entry
			}
		}
	}
	return nil
}

// before are the run states from which each command is given.
var before = map[string]string{"START": "INITIAL STANDBY", "STOP": "RUNNING STEAM COOKING_IN_PROGRESS", "PAUSE": "WORKING", "RESUME": "PAUSE",
	"HOMING": "WORKING", "WAKE_UP": "SLEEP", "POWER_ON": "POWER_OFF", "POWER_OFF": "INITIAL", "PREHEATING": "INITIAL"}

// after are the run states that commands lead to.
var after = map[string]string{"START": "DETECTING RUNNING PRESTEAM STEAM PREHEATING WORKING", "PREHEATING": "PREHEATING", "STOP": "PAUSE INITIAL", "PAUSE": "PAUSE",
	"RESUME": "WORKING", "HOMING": "HOMING", "WAKE_UP": "INITIAL STANDBY", "POWER_ON": "INITIAL", "POWER_OFF": "POWER_OFF"}

// prepare is what an appliance must be in for the setting to be taken.
func (s setting) prepare(value any) object {
	need := object{}
	if s.resources["remoteControlEnable"] != nil {
		need["remoteControlEnable"] = object{"remoteControlEnabled": true}
	}
	for _, state := range []string{"runState", "cookingZone"} {
		if r, ok := s.resources[state].(object); ok && r["currentState"] != nil {
			word := "INITIAL"
			if s.command() {
				word = before[value.(string)]
			}
			need[state] = object{"currentState": known(r["currentState"].(object), word)}
		}
	}
	operation, _ := s.resources["operation"].(object)
	for name, d := range operation {
		if d, ok := d.(object); ok && modeOf(d) == "rw" && slices.Contains(options(d), "POWER_ON") {
			word := "POWER_ON"
			if name == s.name && value == "POWER_ON" {
				word = "POWER_OFF"
			}
			need["operation"] = object{name: word}
		}
	}
	for resource, r := range s.resources {
		if strings.HasSuffix(resource, "JobMode") {
			if d, ok := r.(object)["currentJobMode"].(object); ok {
				need[resource] = object{"currentJobMode": known(d, s.jobMode())}
			}
		}
	}
	for prefix, medium := range map[string]string{"air": "AIR", "water": "WATER"} {
		if operation["roomTempMode"] != nil && strings.HasPrefix(s.name, prefix) {
			maps.Copy(need["operation"].(object), object{"roomTempMode": medium})
		}
	}
	if s.location != "" {
		need["location"] = object{"locationName": s.location}
	}
	if s.part != "" {
		need = object{s.part: need}
	}
	return need
}

func (s setting) command() bool {
	return s.resource == "operation" && modeOf(s.descriptor) == "w" && s.resources["runState"] != nil
}

// jobMode are modes for a target temperature, the best one first.
func (s setting) jobMode() string {
	switch {
	case strings.Contains(strings.ToLower(s.name), "heat"):
		return "HEAT"
	case strings.HasPrefix(s.name, "auto"):
		return "AUTO"
	}
	return "COOL HEAT AUTO"
}

func options(d object) (words []string) {
	value, _ := d["value"].(object)
	list, _ := value["r"].([]any)
	for _, w := range list {
		if word, ok := w.(string); ok {
			words = append(words, word)
		}
	}
	return words
}

// known is the first of some words that a descriptor offers, or any.
func known(d object, words string) any {
	for _, word := range strings.Fields(words) {
		if slices.Contains(options(d), word) {
			return word
		}
	}
	if len(options(d)) > 0 {
		return options(d)[0]
	}
	return words
}

// unseen says why no state ever shows a setting, "" if it does.
func (s setting) unseen() string {
	switch {
	case modeOf(s.descriptor) != "w" || strings.HasSuffix(s.name, "TargetTemperature"):
		return "" // targets that can only be written show in targetTemperature
	case s.extension:
		return "is for all locations: TestCooktop sees it"
	case strings.HasSuffix(s.name, "Timer"):
		return "" // most states have the word that their profile only offers for writing
	}
	return "switches something for which there is no readable property"
}

// shown is where a setting that can only be written appears.
func (s setting) shown(section object) any {
	in := s.in(section)
	if modeOf(s.descriptor) == "w" && strings.HasSuffix(s.name, "TargetTemperature") {
		return in["targetTemperature"]
	}
	return in[s.name]
}

func TestEverySettingIsObeyed(t *testing.T) {
	for _, sample := range thinqtest.Samples() {
		t.Run(sample.Name, func(t *testing.T) {
			var profile object
			if err := json.Unmarshal(sample.Profile, &profile); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				s, network := newServer(t, thinqtest.Options{Samples: []thinqtest.Sample{sample}})
				c := newCaller(t, s, network)
				id := s.Devices()[0].ID
				for _, set := range settings(profile, "w") {
					for _, value := range set.allowed() {
						try(t, s, c, id, set, value)
					}
				}
			})
		})
	}
}

func try(t *testing.T, s *thinqtest.Server, c *caller, id string, set setting, value any) {
	t.Helper()
	state := func() object {
		var v any
		if err := json.Unmarshal(c.must("GET", "/devices/"+id+"/state", ""), &v); err != nil {
			t.Fatal(err)
		}
		return set.section(v)
	}
	if !set.extension {
		need, _ := json.Marshal(set.prepare(value))
		if err := s.Patch(id, need); err != nil {
			t.Fatalf("%s: %v", need, err)
		}
	}
	if low, high, ok := narrowed(set, state()); ok {
		n := value.(float64)
		value = min(max(n, low), high)
	}
	body, _ := json.Marshal(set.body(value, state()))
	if e := c.call("POST", "/devices/"+id+"/control", string(body)); e.Status != 200 {
		t.Errorf("%s: %+v", body, e.Error)
		return
	}
	if set.command() {
		run := state()["runState"].(object)["currentState"].(string)
		if !slices.Contains(strings.Fields(after[value.(string)]), run) {
			t.Errorf("%s: run state is %s", body, run)
		}
		return
	}
	if set.unseen() != "" {
		return
	}
	if got := set.shown(state()); !reflect.DeepEqual(got, value) && !(value == 0.0 && got == nil) {
		t.Errorf("%s: the state shows %v", body, got)
	}
}

// narrowed are the limits that a state sets to a target.
func narrowed(set setting, section object) (low, high float64, ok bool) {
	in := set.in(section)
	prefix, target := strings.CutSuffix(set.name, "TargetTemperature")
	if set.name != "targetTemperature" && !target {
		return 0, 0, false
	}
	for _, names := range [][2]string{{prefix + "MinTemperature", prefix + "MaxTemperature"},
		{"minTargetTemperature", "maxTargetTemperature"}, {"minTemperature", "maxTemperature"}} {
		if in[names[0]] != nil {
			return in[names[0]].(float64), in[names[1]].(float64), true
		}
	}
	return 0, 0, false
}
