package thinqtest_test

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// oddities are the places where a sample's state or reports leave its profile,
// as real appliances do: values that LG sends and does not list, an unset timer
// that answers 0 below its least hour, degrees in the place of a word. Nothing
// else may.
var oddities = []string{
	"air_conditioner_living_room sleepTimer.relativeStopTimer: not in the profile",
	"air_conditioner_living_room temperatureInUnits.maxTargetTemperature: not in the profile",
	"air_conditioner_living_room temperatureInUnits.minTargetTemperature: not in the profile",
	"air_conditioner_wind_readonly airFlow.windStrengthDetail: MID_HIGH is not what the profile allows",
	"air_purifier_levels NEED_TO_CHANGE_PRE_FILTER: notice is not listed",
	"dryer_heat_pump timer.relativeHourToStop: 0 is not what the profile allows",
	"kimchi_refrigerator_three_zone temperature.targetTemperature@TOP: -2 is not what the profile allows",
	"kimchi_refrigerator_three_zone temperature.targetTemperature@TOP: 1 is not what the profile allows",
	"refrigerator_two_units powerSave.powerSaveEnabled: not in the profile",
	"washcombo_lower timer.relativeHourToStart@MINI: 0 is not what the profile allows",
	"washcombo_upper timer.relativeHourToStop@MAIN: 0 is not what the profile allows",
	"washtower_bottom timer.relativeHourToStart@MAIN: 0 is not what the profile allows",
	"washtower_bottom timer.relativeHourToStop@MAIN: 0 is not what the profile allows",
	"washtower_one_piece dryer/timer.relativeHourToStop: 0 is not what the profile allows",
	"washtower_one_piece washer/timer.relativeHourToStart: 0 is not what the profile allows",
	"washtower_top timer.relativeHourToStart: 0 is not what the profile allows",
	"washtower_top timer.relativeHourToStop: 0 is not what the profile allows",
}

// A leaf names one value of a profile or a state.
type leaf struct{ part, location, resource, property, unit string }

func (l leaf) String() string {
	s := l.resource
	if l.property != "" {
		s += "." + l.property
	}
	if l.location != "" {
		s += "@" + l.location
	}
	if l.part != "" {
		s = l.part + "/" + s
	}
	return s
}

// leaves calls f for every value of a tree of resources, in any of LG's layouts.
func leaves(tree any, l leaf, f func(leaf, any)) {
	switch tree := tree.(type) {
	case []any:
		for _, located := range tree {
			leaves(located, l, f)
		}
	case map[string]any:
		if location, ok := tree["location"].(map[string]any); ok {
			l.location = location["locationName"].(string)
		}
		for name, resource := range tree {
			if name != "location" {
				l.resource = name
				properties(resource, l, f)
			}
		}
	}
}

func properties(resource any, l leaf, f func(leaf, any)) {
	switch resource := resource.(type) {
	case []any:
		for _, entry := range resource {
			properties(entry, l, f)
		}
	case map[string]any:
		if name, ok := resource["locationName"].(string); ok {
			l.location = name
		}
		l.unit, _ = resource["unit"].(string)
		for name, v := range resource {
			if name != "locationName" {
				l.property = name
				f(l, v)
			}
		}
	default:
		f(l, resource)
	}
}

// A description is a profile, flat.
type description struct {
	values  map[leaf]any // descriptors and constants
	parts   []string
	errors  []any
	notices []any
}

func describe(profile map[string]any) description {
	d := description{values: map[leaf]any{}}
	if _, ok := profile["property"]; ok {
		d.add(profile, "")
		return d
	}
	for name, part := range profile {
		d.parts = append(d.parts, name)
		d.add(part.(map[string]any), name)
	}
	return d
}

func (d *description) add(profile map[string]any, part string) {
	put := func(l leaf, v any) { d.values[l] = v }
	leaves(profile["property"], leaf{part: part}, put)
	leaves(profile["extensionProperty"], leaf{part: part}, put)
	codes, _ := profile["error"].([]any)
	d.errors = append(d.errors, codes...)
	if n, ok := profile["notification"].(map[string]any); ok {
		d.notices = append(d.notices, n["push"].([]any)...)
	}
}

// find looks a state's leaf up. An oven's report need not name its unit, and a
// refrigerator's unit does not tell entries of the profile apart.
func (d *description) find(l leaf) (any, bool) {
	if v, ok := d.values[l]; ok {
		return v, true
	}
	for known, v := range d.values {
		if l.unit != "" && known.unit != "" {
			continue
		}
		known.unit = l.unit
		if known == l {
			return v, true
		}
	}
	return nil, false
}

// complain says what is odd about a state or a report, if anything.
func (d *description) complain(state any, say func(string)) {
	check := func(l leaf, v any) {
		if l.resource == "error" && l.property == "" {
			if v != nil && !slices.Contains(d.errors, v) {
				say(fmt.Sprintf("%s: %v is not listed", l, v))
			}
			return
		}
		known, ok := d.find(l)
		switch {
		case !ok:
			say(fmt.Sprintf("%s: not in the profile", l))
		case !allows(known, v):
			say(fmt.Sprintf("%s: %v is not what the profile allows", l, v))
		}
	}
	if d.parts == nil {
		leaves(state, leaf{}, check)
		return
	}
	halves, _ := state.(map[string]any)
	for part, half := range halves {
		leaves(half, leaf{part: part}, check)
	}
}

func allows(known, v any) bool {
	descriptor, ok := known.(map[string]any)
	if !ok {
		return known == v
	}
	values, _ := descriptor["value"].(map[string]any)
	switch read := values["r"].(type) {
	case []any:
		return v == nil || slices.Contains(read, v)
	case map[string]any:
		return v == nil || inRange(read, v)
	}
	switch v.(type) {
	case float64:
		return descriptor["type"] != "string"
	case string:
		return descriptor["type"] != "number"
	}
	return true
}

func inRange(limits map[string]any, v any) bool {
	number, ok := v.(float64)
	low, high := limits["min"].(float64), limits["max"].(float64)
	step, stepped := limits["step"].(float64)
	if !stepped {
		step = 1
	}
	return ok && number >= low && number <= high && math.Mod(number-low, step) == 0
}

// message is one element of a pushes.json, flat or in LG's documented envelope.
type message struct {
	Type        string `json:"pushType"`
	Device      string `json:"deviceId"`
	DeviceType  string `json:"deviceType"`
	Code        string `json:"pushCode"`
	Report      any    `json:"report"`
	Push, Event *message
}

func (m message) content() message {
	for _, inner := range []*message{m.Push, m.Event} {
		if inner != nil {
			return *inner
		}
	}
	return m
}

func TestSamplesFollowTheirProfiles(t *testing.T) {
	odd := map[string]bool{}
	for _, s := range thinqtest.Samples() {
		say := func(what string) { odd[s.Name+" "+what] = true }
		d := describe(decode[map[string]any](t, s.Profile))
		d.complain(decode[any](t, s.Status), say)
		for _, m := range pushes(t, s) {
			d.complain(m.Report, say)
			if m.Code != "" && !slices.Contains(d.notices, any(m.Code)) {
				say(m.Code + ": notice is not listed")
			}
		}
	}
	if diff := cmp.Diff(oddities, slices.Sorted(maps.Keys(odd))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func pushes(t *testing.T, s thinqtest.Sample) []message {
	t.Helper()
	if s.Pushes == nil {
		return nil
	}
	messages := decode[[]message](t, s.Pushes)
	for i, m := range messages {
		messages[i] = m.content()
	}
	return messages
}

func TestSamplePushes(t *testing.T) {
	withPushes, withErrors := 0, 0
	for _, s := range thinqtest.Samples() {
		all := pushes(t, s)
		if all == nil {
			continue
		}
		withPushes++
		if bytes.Contains(s.Pushes, []byte(`"error": "`)) {
			withErrors++
		}
		d := decode[device](t, s.Device)
		for i, m := range all {
			if m.Device != d.ID || m.DeviceType != d.Info.Type {
				t.Errorf("%s, message %d: is about %s, %s", s.Name, i, m.DeviceType, m.Device)
			}
			if (m.Type == "DEVICE_STATUS") != (m.Report != nil) || (m.Type == "DEVICE_PUSH") != (m.Code != "") {
				t.Errorf("%s, message %d: %s with report %v and code %q", s.Name, i, m.Type, m.Report, m.Code)
			}
		}
	}
	if withPushes < 10 || withErrors < 3 {
		t.Errorf("%d samples have pushes, %d errors among them; want at least 10 and 3", withPushes, withErrors)
	}
}
