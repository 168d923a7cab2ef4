package thinqtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"
)

// An appliance is a profile and a state that go together. Its fields are
// guarded by Server.mu.
type appliance struct {
	id       string
	info     map[string]any // deviceInfo of the list
	profile  any
	state    any
	energy   []string           // meters
	spent    map[string]float64 // Wh that it has run for, by meter and day
	spending map[string]float64 // of the hour that runs
	hour     time.Time
	online   bool
	tower    bool // keyed by washer and dryer
	sections []*section
	reported time.Time // when its last report is due: the next must not come before
}

// A section is what runs by itself in an appliance: all of a plain one, one
// location of a list, one half of a tower, or what a list has beside it.
type section struct {
	device     string // "DEVICE_WASHER"
	part       string // "dryer" in a tower
	location   string // "MAIN" in a list
	extension  bool
	properties map[string]any // resources of the profile
	state      map[string]any // shared with appliance.state; of an extension: shown nowhere
	pushes     []string       // of the whole part
	was        string         // run state a minute ago
	minutes    int            // in that state
	absolute   time.Time      // when the clock timers were last looked at
}

func newAppliance(sample Sample) (*appliance, error) {
	var device struct {
		DeviceID   string         `json:"deviceId"`
		DeviceInfo map[string]any `json:"deviceInfo"`
	}
	var energy struct{ Result struct{ Property []string } }
	a := &appliance{online: true, spent: map[string]float64{}, spending: map[string]float64{}}
	for _, part := range []struct {
		name     string
		data     json.RawMessage
		into     any
		optional bool
	}{
		{"device", sample.Device, &device, false},
		{"profile", sample.Profile, &a.profile, false},
		{"status", sample.Status, &a.state, false},
		{"energy profile", sample.EnergyProfile, &energy, true},
	} {
		if part.optional && len(part.data) == 0 {
			continue
		}
		if err := json.Unmarshal(part.data, part.into); err != nil {
			return nil, fmt.Errorf("appliance %s: %s: %w", sample.Name, part.name, err)
		}
	}
	if device.DeviceID == "" || device.DeviceInfo == nil {
		return nil, fmt.Errorf("appliance %s: device lacks deviceId or deviceInfo", sample.Name)
	}
	a.id, a.info, a.energy = device.DeviceID, device.DeviceInfo, energy.Result.Property
	a.divide()
	return a, nil
}

func (a *appliance) deviceType() string { return text(a.info["deviceType"]) }

// reportable can be text at LG, and can be missing.
func (a *appliance) reportable() bool {
	return a.info["reportable"] != false && a.info["reportable"] != "false"
}

// divide finds the sections. A profile that is none has no section: then the
// state can be read and nothing be set.
func (a *appliance) divide() {
	profile, _ := a.profile.(map[string]any)
	if profile["property"] != nil || profile["extensionProperty"] != nil {
		a.state = a.part("", profile, a.state)
		return
	}
	state, _ := a.state.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(profile)) {
		if half, ok := profile[key].(map[string]any); ok && half["property"] != nil && state != nil {
			a.tower = true
			state[key] = a.part(key, half, state[key])
		}
	}
}

// part adds the sections of one profile and returns its state, to which
// elements may have been added.
func (a *appliance) part(key string, profile map[string]any, state any) any {
	common := section{device: a.deviceType(), part: key}
	notification, _ := profile["notification"].(map[string]any)
	common.pushes = texts(notification["push"])
	switch property := profile["property"].(type) {
	case map[string]any:
		if list, ok := state.([]any); ok && len(list) == 1 {
			state = list[0]
		}
		object, ok := state.(map[string]any)
		if !ok {
			object = map[string]any{}
			state = object
		}
		s := common
		s.properties, s.state = property, object
		a.sections = append(a.sections, &s)
	case []any:
		for _, entry := range property {
			s := common
			s.properties, _ = entry.(map[string]any)
			s.location = locationOf(entry)
			s.state, state = located(state, s.location)
			a.sections = append(a.sections, &s)
		}
	}
	if extension, ok := profile["extensionProperty"].(map[string]any); ok {
		s := common
		s.extension, s.properties, s.state = true, extension, map[string]any{}
		a.sections = append(a.sections, &s)
	}
	return state
}

// located finds the element for a location in a list, or makes it. An appliance
// with one location may have its bare element as its state.
func located(state any, location string) (element map[string]any, whole any) {
	if object, ok := state.(map[string]any); ok {
		return object, state
	}
	list, _ := state.([]any)
	for _, e := range list {
		if locationOf(e) == location {
			element, _ = e.(map[string]any)
			return element, state
		}
	}
	element = map[string]any{"location": map[string]any{"locationName": location}}
	return element, append(list, element)
}

// locationOf is the location around an element of a list.
func locationOf(entry any) string {
	object, _ := entry.(map[string]any)
	location, _ := object["location"].(map[string]any)
	return text(location["locationName"])
}

// change does something to the state and returns what the appliance reports of
// it: the changed resources, whole, in the appliance's layout; nil if nothing
// changed.
func (a *appliance) change(do func()) any {
	before := make([]map[string]any, len(a.sections))
	for i, s := range a.sections {
		before[i] = clone(s.state)
	}
	do()
	byPart := map[string]any{}
	for i, s := range a.sections {
		if changed := changes(before[i], s.state); len(changed) > 0 && !s.extension {
			byPart[s.part] = s.add(byPart[s.part], changed)
		}
	}
	if len(byPart) == 0 {
		return nil
	}
	if !a.tower {
		return byPart[""]
	}
	return byPart
}

// whole is the report of everything there is.
func (a *appliance) whole() any {
	byPart := map[string]any{}
	for _, s := range a.sections {
		if !s.extension {
			byPart[s.part] = s.add(byPart[s.part], clone(s.state))
		}
	}
	if !a.tower {
		return byPart[""]
	}
	return byPart
}

func (s *section) add(report any, changed map[string]any) any {
	if s.location == "" {
		return changed
	}
	changed["location"] = map[string]any{"locationName": s.location}
	list, _ := report.([]any)
	return append(list, changed)
}

// changes are the resources that differ, of lists only the entries that do. An
// error is repeated in every report while it lasts, and its end is a report
// without it.
func changes(before, after map[string]any) map[string]any {
	changed := map[string]any{}
	for resource, now := range after {
		if was := before[resource]; !reflect.DeepEqual(was, now) {
			changed[resource] = changedEntries(was, now)
		}
	}
	if e, broken := after["error"]; broken && len(changed) > 0 {
		changed["error"] = e
	}
	if _, broken := before["error"]; broken && after["error"] == nil && len(changed) == 0 {
		for _, resource := range slices.Sorted(maps.Keys(after)) {
			if resource != "location" && (resource == "runState" || len(changed) == 0) {
				changed = map[string]any{resource: copyOf(after[resource])}
			}
		}
	}
	return changed
}

func changedEntries(was, now any) any {
	list, ok := now.([]any)
	if !ok {
		return copyOf(now)
	}
	old, _ := was.([]any)
	var entries []any
	for _, e := range list {
		if !slices.ContainsFunc(old, func(o any) bool { return reflect.DeepEqual(o, e) }) {
			entries = append(entries, copyOf(e))
		}
	}
	return entries
}

// merge lays a partial state over the appliance, in LG's layouts: lists by
// location or unit, a bare object for a list with one element and the other way
// round. The error names what fits nowhere.
func (a *appliance) merge(partial any) error {
	if a.tower {
		halves, ok := partial.(map[string]any)
		if !ok {
			return fmt.Errorf("the state of a tower is an object of its parts")
		}
		for _, key := range slices.Sorted(maps.Keys(halves)) {
			if err := a.mergePart(key, halves[key]); err != nil {
				return err
			}
		}
		return nil
	}
	return a.mergePart("", partial)
}

func (a *appliance) mergePart(key string, partial any) error {
	list, isList := partial.([]any)
	if !isList {
		list = []any{partial}
	}
	for _, e := range list {
		object, ok := e.(map[string]any)
		if !ok {
			return fmt.Errorf("a state is an object or a list of objects, not %T", e)
		}
		s := a.at(key, locationOf(e))
		if s == nil {
			return fmt.Errorf("no part %q with location %q", key, locationOf(e))
		}
		overlay(s.state, object)
	}
	return nil
}

// at finds a section; no location will do where there is but one.
func (a *appliance) at(part, location string) *section {
	var found []*section
	for _, s := range a.sections {
		if s.part == part && !s.extension && (s.location == location || location == "") {
			found = append(found, s)
		}
	}
	if len(found) == 0 || len(found) > 1 && location == "" {
		return nil
	}
	return found[0]
}

// overlay merges resources; a null instead of a resource takes it away.
func overlay(state, partial map[string]any) {
	for resource, v := range partial {
		switch v := v.(type) {
		case nil:
			delete(state, resource)
		case map[string]any:
			if resource == "location" {
				continue
			}
			if into, ok := state[resource].(map[string]any); ok {
				maps.Copy(into, v)
			} else {
				state[resource] = v
			}
		case []any:
			state[resource] = overlayEntries(state[resource], v)
		default:
			state[resource] = v
		}
	}
}

func overlayEntries(have any, partial []any) any {
	list, ok := have.([]any)
	if !ok {
		return partial
	}
	for _, e := range partial {
		entry, _ := e.(map[string]any)
		if into := entryLike(list, entry); into != nil {
			maps.Copy(into, entry)
		} else {
			list = append(list, e)
		}
	}
	return list
}

// entryLike finds the entry with the same location, or else the same unit.
func entryLike(list []any, like map[string]any) map[string]any {
	for _, selector := range []string{"locationName", "unit"} {
		want := like[selector]
		if want == nil {
			continue
		}
		for _, e := range list {
			if entry, ok := e.(map[string]any); ok && entry[selector] == want {
				return entry
			}
		}
		return nil
	}
	return nil
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, e := range list {
		out = append(out, text(e))
	}
	return out
}

func clone(m map[string]any) map[string]any { return copyOf(m).(map[string]any) }

// copyOf copies a JSON value.
func copyOf(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = copyOf(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = copyOf(e)
		}
		return out
	}
	return v
}
