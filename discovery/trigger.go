package discovery

import (
	"strconv"
	"strings"
)

// Trigger is the platform of device triggers. They are no entities: Home
// Assistant offers them where automations are made, one for each type of event.
const Trigger Platform = "device_automation"

// A trigger is one type of an event entity. Type and subtype stand in people's
// automations, so they follow LG's words, whatever language names are in.
type trigger struct{ key, subtype, eventType string }

// maxTriggerKey is how much of a key is enough, whatever LG's words are like.
const maxTriggerKey = 60

// triggers are those of an event entity; none of any other.
func (e Entity) triggers() []trigger {
	types, _ := e.Config["event_types"].([]string)
	if e.hidden {
		types = nil
	}
	all := make([]trigger, 0, len(types))
	taken := map[string]bool{}
	claim := func(stem, other string) string {
		for n := 2; taken[stem]; n++ {
			stem = other + strconv.Itoa(n)
		}
		taken[stem] = true
		return stem
	}
	for _, t := range types {
		key := e.Key + "-" + slugWord(t) // no key of an entity has a hyphen
		key = key[:min(len(key), maxTriggerKey)]
		all = append(all, trigger{claim(key, key+"-"), claim(sentence(t), t+" "), t})
	}
	return all
}

func (d *Device) trigger(e Entity, t trigger) map[string]any {
	return map[string]any{
		"platform": Trigger, "automation_type": "trigger",
		"type": strings.ReplaceAll(e.Key, "_", " "), "subtype": t.subtype,
		"topic": d.topics.Event(d.Slug, e.Key), "payload": t.eventType, "value_template": template("event_type"),
	}
}

// components are all parts of the announcement by key.
func (d *Device) components() map[string]map[string]any {
	all := map[string]map[string]any{}
	for _, e := range d.Entities {
		if e.Platform != Silent {
			all[e.Key] = d.component(e)
		}
		for _, t := range e.triggers() {
			all[t.key] = d.trigger(e, t)
		}
	}
	return all
}

// Components are the platforms of all that is announced, by key: of entities
// and of device triggers.
func (d *Device) Components() map[string]Platform {
	platforms := map[string]Platform{}
	for _, e := range d.Entities {
		if e.Platform != Silent {
			platforms[e.Key] = e.Platform
		}
		for _, t := range e.triggers() {
			platforms[t.key] = Trigger
		}
	}
	return platforms
}
