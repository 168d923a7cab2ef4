package discovery

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A Mapping is what a user wants to see otherwise of one entity. What is empty
// stays as it is. Neither keys nor unique ids depend on it.
type Mapping struct {
	Name    string
	Icon    string
	Class   *string // device class; empty: none
	Unit    *string // of measurement; empty: none
	Enabled *bool   // by default
	Hide    *bool
	Options map[string]string // labels by word
}

// Mappings are what a user wants to see otherwise: by device type, slug or id,
// and then by attribute or by LG's property (resource.name).
type Mappings map[string]map[string]Mapping

// hiddenByUser is why a property has no entity that could have one.
const hiddenByUser = "hidden by the configuration (mappings)"

// over is m with what o says besides.
func (m Mapping) over(o Mapping) Mapping {
	o.Name, o.Icon = or(m.Name, o.Name), or(m.Icon, o.Icon)
	if m.Class != nil {
		o.Class = m.Class
	}
	if m.Unit != nil {
		o.Unit = m.Unit
	}
	if m.Enabled != nil {
		o.Enabled = m.Enabled
	}
	if m.Hide != nil {
		o.Hide = m.Hide
	}
	options := maps.Clone(o.Options)
	if options == nil {
		options = map[string]string{}
	}
	for w, text := range m.Options {
		options[word(w)] = text
	}
	o.Options = options
	return o
}

// typeWord is a device type however it is written.
func typeWord(s string) string { return strings.TrimPrefix(strings.ToUpper(s), typePrefix) }

// concerns reports how near a key of mappings is to a device: 0 is not at all,
// the type is less than the slug or the id.
func concerns(key string, d *Device, slug string) int {
	half := d.Part != "" && (key == d.Slug || key == d.ID)
	switch {
	case half:
		return 3
	case key == slug, key == d.Slug, key == strings.TrimSuffix(d.Slug, "_"+slugWord(d.Part)),
		key == d.ID, key == strings.TrimSuffix(d.ID, "_"+slugWord(d.Part)):
		return 2
	case typeWord(key) == typeWord(d.Type):
		return 1
	}
	return 0
}

// mapped is what mappings say of one device.
type mapped map[string]Mapping

// of collects what concerns a device, whose usual slug is given too. What is
// nearer to it counts.
func (m Mappings) of(d *Device, slug string) mapped {
	all := mapped{}
	for near := 1; near <= 3; near++ {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if concerns(key, d, slug) != near {
				continue
			}
			for attr, entry := range m[key] {
				all[attr] = entry.over(all[attr])
			}
		}
	}
	return all
}

// means reports whether a key of a mapping speaks of an entity: its own key, or
// the property that it shows. A composite goes by its key only.
func (e Entity) means(key string) bool {
	if e.Key == key {
		return true
	}
	if len(e.Bindings) != 1 {
		return false
	}
	return slices.ContainsFunc(e.Bindings[0].Props, func(p thinq.Property) bool {
		unitless := p.Path
		unitless.Unit = ""
		return p.Path.Key() == key || p.Path.String() == key || unitless.String() == key
	})
}

// find is the mapping of an entity. Its key counts before its property.
func (m mapped) find(e Entity) (Mapping, bool) {
	found, ok := Mapping{}, false
	for _, byKey := range []bool{false, true} {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if e.means(key) && (e.Key == key) == byKey {
				found, ok = m[key].over(found), true
			}
		}
	}
	return found, ok
}

// options are the labels that the user wants for an entity.
func (m mapped) options(e Entity) map[string]string {
	entry, _ := m.find(e)
	return entry.Options
}

// apply changes an entity to the user's liking. What Home Assistant would refuse
// is left and noted.
func (m mapped) apply(b *builder, e *Entity) {
	entry, ok := m.find(*e)
	if !ok || e.Platform == Silent {
		return
	}
	if entry.Hide != nil && *entry.Hide && e.Key != connectionKey {
		e.Platform, e.Extra, e.hidden = Silent, nil, true
		return
	}
	e.Name = or(entry.Name, e.Name)
	e.Config = maps.Clone(e.Config)
	if entry.Icon != "" {
		e.Config["icon"] = entry.Icon
	}
	if entry.Enabled != nil {
		delete(e.Config, "enabled_by_default")
		if !*entry.Enabled {
			e.Config["enabled_by_default"] = false
		}
	}
	if entry.Class == nil && entry.Unit == nil {
		return
	}
	if problem := e.measure(entry.Class, entry.Unit); problem != "" {
		b.device.remarks = append(b.device.remarks, e.Key+": "+problem)
	}
}

// Problems says which entries did nothing for devices, or not all that they say:
// one sentence for each. Entries of appliances that are not among the devices are
// told only where these are all there are.
func (m Mappings) Problems(devices []*Device, all bool) []string {
	var problems []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		mine := slices.DeleteFunc(slices.Clone(devices), func(d *Device) bool { return concerns(key, d, Slug(d.Type, d.lgID())) == 0 })
		if len(mine) == 0 {
			if all {
				problems = append(problems, fmt.Sprintf("mappings.%s: there is no such appliance: give a type, a slug or a device id", key))
			}
			continue
		}
		for _, attr := range slices.Sorted(maps.Keys(m[key])) {
			if problem := reach(attr, mine); problem != "" {
				problems = append(problems, fmt.Sprintf("mappings.%s.%s: %s %s", key, attr, mine[0].Slug, problem))
			}
		}
	}
	for _, d := range devices {
		for _, remark := range d.remarks {
			problems = append(problems, "mappings: "+d.Slug+" "+remark)
		}
	}
	return problems
}

// reach says why a key of a mapping reaches no entity of some devices; empty if
// it does.
func reach(key string, devices []*Device) (problem string) {
	problem = "has no such attribute or property"
	for _, d := range devices {
		for _, e := range d.Entities {
			switch {
			case !e.means(key):
			case e.Platform != Silent || e.hidden:
				return ""
			default:
				problem = "has no entity of its own for it: another one shows it"
			}
		}
	}
	return problem
}

// lgID is the id that LG gave to the appliance of which d may be a half.
func (d *Device) lgID() string {
	if d.Part == "" {
		return d.ID
	}
	return strings.TrimSuffix(d.ID, "_"+slugWord(d.Part))
}

// explain says of the properties of entities that the user hid why they have none.
func (b *builder) explain() {
	for _, e := range b.device.Entities {
		for i, c := range b.device.coverage {
			if e.hidden && c.Entity == e.Key {
				b.device.coverage[i].Entity, b.device.coverage[i].Why = "", hiddenByUser
			}
		}
	}
}
