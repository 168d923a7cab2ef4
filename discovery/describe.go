package discovery

import (
	"slices"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A value is a property on its way to an entity.
type value struct {
	thinq.Property
	key   string // in the state document
	word  Word
	known bool   // words or the table speak of it
	alien bool   // the state has it, the profile does not
	shown string // key of the entity that presents it; empty: its own
	made  bool   // a composite made the entity of its own key
	why   string // it has no entity
	row   Row
	stage *stage // it waits for the order to start
	guard guard
	point *setpoint // the limits that the appliance reports, where a composite knows them
}

// A builder makes one Device.
type builder struct {
	device    *Device
	profile   *thinq.Profile
	state     thinq.State
	options   Options
	appliance Appliance
	values    []*value
	places    map[string]bool // prefixes of keys, one for each location
	byPath    map[thinq.Path]*value
	older     []*value        // what a newer block of temperatures says as well
	taken     map[string]bool // keys given away
	spoken    map[string]bool // visible names given away, in English
	said      map[string]bool // the same in the language of the device
	speaker
	mappings mapped
}

// Describe says what an appliance is in Home Assistant: one Device, or one for
// each half of a one-piece wash tower. The state adds what the profile does not
// name; it may be nil. See [Model] for many appliances of a kind.
func Describe(d thinq.Device, p *thinq.Profile, s thinq.State, o Options) []*Device {
	parts := partsOf(p)
	devices := make([]*Device, len(parts))
	for i, part := range parts {
		devices[i] = describe(d, p, s, o, part)
		if i > 0 {
			devices[i].via = devices[0].ID
		}
	}
	return devices
}

// partsOf are the halves of a one-piece wash tower, or "" alone. The washer stands
// below, and the dryer on it, in whatever order LG names them.
func partsOf(p *thinq.Profile) []string {
	parts := p.Parts()
	slices.SortFunc(parts, func(a, b string) int { return strings.Compare(b, a) })
	if len(parts) == 0 {
		parts = []string{""}
	}
	return parts
}

func describe(d thinq.Device, p *thinq.Profile, s thinq.State, o Options, part string) *Device {
	appliance, known := lookUpAppliance(d.Type, part)
	b := &builder{
		device: newDevice(d, o, part), profile: p, state: s, options: o, appliance: appliance,
		byPath: map[thinq.Path]*value{}, taken: map[string]bool{}, places: map[string]bool{}, spoken: map[string]bool{}, said: map[string]bool{},
		speaker: speakerOf(o),
	}
	b.mappings = o.Mappings.of(b.device, Slug(d.Type, d.ID))
	b.device.Known = known
	b.device.kind, b.device.together, b.device.heater = b.say(appliance.Name), appliance.Together, appliance.Heater
	b.collect()
	b.chooseUnits()
	b.nameAll()
	b.hazards()
	b.strangers()
	for _, c := range appliance.Composites {
		c.build(b)
	}
	b.timers()
	for _, v := range b.values {
		b.natural(v)
	}
	b.events()
	b.filters() // after the latches, which know of filters from pushes, too
	b.connection()
	b.conversation()
	b.energy()
	b.finish()
	return b.device
}

func newDevice(d thinq.Device, o Options, part string) *Device {
	slug := Slug(d.Type, d.ID)
	var settings Settings
	if o.Settings != nil {
		settings = o.Settings(d.ID, slug)
	}
	if ValidSlug(settings.Slug) {
		slug = settings.Slug
	}
	name := or(CleanName(or(settings.Name, d.Alias)), sentence(slug))
	dev := &Device{
		ID: d.ID, Slug: slug, Name: name, Type: d.Type, Model: d.Model, Part: part,
		Settings: settings, topics: o.Topics, version: o.Version, via: o.Instance,
		description: &description{
			attrs: map[string]*Binding{}, hidden: map[thinq.Path]*Binding{}, watch: map[thinq.Path]watcher{},
			temperatures: map[thinq.Path]thinq.Property{}, lists: map[thinq.Path][]any{}, learnt: map[thinq.Path]bool{},
			hazards: map[thinq.Path][]hazard{}, strange: map[thinq.Path]bool{},
		},
	}
	if part != "" {
		dev.ID += "_" + slugWord(part)
		dev.Slug += "_" + slugWord(part)
		dev.Name += " " + speakerOf(o).say(sentence(slugWord(part)))
	}
	return dev
}

// collect takes the properties of the profile, and after them what only the
// state has.
func (b *builder) collect() {
	for _, p := range b.profile.Properties {
		if p.Path.Part == b.device.Part && p.Path.Resource != errorResource {
			b.add(p, false)
		}
	}
	var aliens []thinq.Path
	for p, v := range b.state {
		if p.Resource == derived && p.Part == b.device.Part && learnt(p) {
			b.device.learnt[p] = true
		}
		if p.Part == b.device.Part && v != nil && !internal(p) && b.byPath[p] == nil {
			aliens = append(aliens, p)
		}
	}
	slices.SortFunc(aliens, thinq.Path.Compare)
	for _, p := range aliens {
		b.add(alien(p, b.state[p]), true)
	}
}

// internal reports whether a path is no property that could have an entity of
// its own kind: errors have one, remembered values are shown by composites.
func internal(p thinq.Path) bool { return p.Resource == errorResource || p.Resource == derived }

// alien is the property that a value of the state without one must have.
func alien(p thinq.Path, v any) thinq.Property {
	types := thinq.Text
	switch v.(type) {
	case bool:
		types = thinq.Bool
	case float64:
		types = thinq.Number
	}
	return thinq.Property{Path: p, Type: types, Readable: true}
}

func (b *builder) add(p thinq.Property, isAlien bool) {
	v := &value{Property: p, alien: isAlien, row: b.appliance.row(p.Path.Key())}
	w, known := lookUp(p.Path.Resource, p.Path.Name)
	v.word, v.known = merge(v.row.Word, w), known || v.row.Path != ""
	if h, ok := alarmOf(p); ok {
		v.word, v.known = merge(v.word, h), true
	}
	if on, _, ok := pair(readOptions(p)); ok && strings.EqualFold(on, "POWER_ON") {
		v.word = merge(v.word, Word{Name: "Power", Binary: "power"})
	}
	b.values = append(b.values, v)
	b.byPath[p.Path] = v
}

// find is the value resource.name at a location, nil if there is none. What is
// at no place may be at one that is all of the appliance. Of the units of a
// temperature only the chosen one is left.
func (b *builder) find(key, location string) *value {
	var whole *value
	for _, v := range b.values {
		switch {
		case v.Path.Key() != key:
		case v.Path.Location == location:
			return v
		case location == "" && silentLocations[v.Path.Location]:
			whole = v
		}
	}
	return whole
}

// locations are the places that have a value resource.name, in path order.
func (b *builder) locations(key string) []string {
	var all []string
	for _, v := range b.values {
		if v.Path.Key() == key && !slices.Contains(all, v.Path.Location) {
			all = append(all, v.Path.Location)
		}
	}
	return all
}

// consume says that an entity presents these values, so that they need none of
// their own. They stay in the state document, and can be set there.
func (b *builder) consume(entity string, values ...*value) {
	for _, v := range values {
		if v != nil && v.shown == "" {
			v.shown = entity
		}
	}
}

// put adds an entity and makes its attributes known.
func (b *builder) put(e Entity) {
	switch {
	case e.Key == b.appliance.Main:
		e.Name = ""
	case e.Platform != Silent:
		e.Name = b.visible(b.distinct(e))
	}
	b.mappings.apply(b, &e)
	b.label(&e)
	b.device.Entities = append(b.device.Entities, e)
}

// silent adds a value of the state document without an entity.
func (b *builder) silent(bindings ...Binding) {
	for _, binding := range bindings {
		b.put(Entity{Key: binding.Attr, Bindings: []Binding{binding}})
	}
}

// watchFor makes Affected report what changes says of a path.
func (b *builder) watchFor(p thinq.Path, changes watcher) {
	before := b.device.watch[p]
	if before == nil {
		b.device.watch[p] = changes
		return
	}
	b.device.watch[p] = func(v any, now thinq.State) bool { return before(v, now) || changes(v, now) }
}

// with resolves companions of a value at its own place.
func (b *builder) with(v *value) []thinq.Property {
	var all []thinq.Property
	for _, key := range v.row.With {
		if other := b.find(key, v.Path.Location); other != nil && other.Writable {
			all = append(all, other.Property)
		}
	}
	return all
}

// connectionKey is the key of the entity that no appliance can be without.
const connectionKey = "connection"

// connection adds what every appliance has: whether it can be reached. Without
// it an appliance that says nothing would be none for Home Assistant.
func (b *builder) connection() {
	c := map[string]any{
		"device_class": "connectivity", "entity_category": diagnostic,
		"value_template": template("state"), "payload_on": "online", "payload_off": "offline",
	}
	b.put(Entity{Key: connectionKey, Platform: BinarySensor, Name: "Connection", Config: c, reach: true})
}

// finish orders the entities and prepares what every report needs.
func (b *builder) finish() {
	d := b.device
	slices.SortStableFunc(d.Entities, func(a, b Entity) int { return strings.Compare(a.Key, b.Key) })
	for i := range d.Entities {
		for j := range d.Entities[i].Bindings {
			d.learn(&d.Entities[i].Bindings[j])
		}
	}
	b.hide()
	b.consent()
	slices.SortFunc(d.columns, func(a, b column) int { return strings.Compare(a.key, b.key) })
	for i := range d.columns {
		d.columns[i].open = append(appendString([]byte{','}, d.columns[i].key), ':')
	}
	d.size = 2 * len(d.Payload(b.state)) // once measured, rarely grown
	for _, v := range b.values {
		if v.Path.Unit != "" {
			d.temperatures[v.Path] = v.Property
		}
		if _, watched := d.watch[v.Path]; !watched {
			d.watch[v.Path] = nil // known, and no more
		}
		d.coverage = append(d.coverage, v.coverage())
	}
	for _, v := range b.older {
		d.coverage = append(d.coverage, v.coverage())
	}
	b.explain()
	slices.SortFunc(d.coverage, func(a, b Coverage) int { return a.Path.Compare(b.Path) })
	d.entities = d.Entities
	// Codecs and watchers hold the builder, but need nothing that it was made of.
	*b = builder{device: d, options: b.options, appliance: b.appliance}
}

func (v *value) coverage() Coverage {
	c := Coverage{Path: v.Path, Attr: v.key, Entity: v.shown, Why: v.why}
	if c.Entity == "" && c.Why == "" {
		c.Entity = v.key
	}
	return c
}
