package discovery

import (
	"encoding/json"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A column is one key of the state document. Its JSON is made beforehand up to
// the value, because the document is written for every report.
type column struct {
	key  string
	open []byte // `,"key":`
	show func(dst []byte, s thinq.State) []byte
}

// learn takes the attribute of a binding into the state document and among the
// commands. The first binding of an attribute counts.
func (d *Device) learn(b *Binding) {
	if d.attrs[b.Attr] != nil || b.Attr == "" {
		return
	}
	d.attrs[b.Attr] = b
	d.modal = d.modal || b.rank == rankMode && b.Codec.Take != nil
	if b.Codec.Show != nil {
		d.columns = append(d.columns, column{key: b.Attr, show: b.Codec.Show})
	}
}

// Payload is the state document: one JSON object, every key of the device, null
// for what is unknown.
func (d *Device) Payload(s thinq.State) []byte {
	dst := make([]byte, 0, d.size)
	for _, c := range d.columns {
		dst = c.show(append(dst, c.open...), s)
	}
	if len(dst) == 0 {
		return []byte("{}")
	}
	dst[0] = '{' // in the place of the first comma
	return append(dst, '}')
}

// Extra are the topics and payloads that Home Assistant wants in a shape of
// their own (<slug>/state/<key>), nil for most devices.
func (d *Device) Extra(s thinq.State) map[string][]byte {
	var extra map[string][]byte
	for _, e := range d.Entities {
		if e.Extra == nil {
			continue
		}
		if extra == nil {
			extra = map[string][]byte{}
		}
		extra[d.topics.Extra(d.Slug, e.Key)] = e.Extra(nil, s)
	}
	return extra
}

// Announcement is the device message of MQTT discovery, one for all entities.
// It is the same for the same device, byte for byte.
func (d *Device) Announcement() []byte {
	message, err := json.Marshal(map[string]any{
		"device": d.block(),
		"origin": map[string]any{
			"name": "thinq2mqtt", "sw_version": or(d.version, "dev"),
			"support_url": "https://github.com/thinq2mqtt/thinq2mqtt",
		},
		"availability":      d.availability(),
		"availability_mode": "all",
		"qos":               1,
		"components":        d.components(),
	})
	if err != nil {
		panic(err) // only strings, numbers and lists of them are in it
	}
	return message
}

// block is the device of Home Assistant's registry.
func (d *Device) block() map[string]any {
	block := map[string]any{
		"identifiers": []string{d.ID}, "name": d.Name, "manufacturer": "LG",
		"model": or(d.kind, sentence(slugWord(strings.TrimPrefix(d.Type, typePrefix)))),
	}
	if d.Model != "" {
		block["model_id"] = d.Model
	}
	if d.via != "" {
		block["via_device"] = d.via
	}
	return block
}

// availability names the topics that must all say online. A Template reads the
// word out of their JSON.
func (d *Device) availability() []map[string]any {
	const word = "{{ value_json.state }}"
	return []map[string]any{
		{"topic": d.topics.Bridge("state"), "value_template": word},
		{"topic": d.topics.Availability(d.Slug), "value_template": word},
	}
}

// gate is the availability of an entity that can be used only at times.
func (d *Device) gate(key string) []map[string]any {
	return append(d.availability(), map[string]any{
		"topic": d.topics.State(d.Slug), "value_template": template(key),
		"payload_available": "True", "payload_not_available": "False",
	})
}

func template(key string) string { return "{{ value_json." + key + " }}" }

func (d *Device) component(e Entity) map[string]any {
	c := map[string]any{"platform": e.Platform, "unique_id": d.ID + "_" + e.Key, "name": nil}
	for key, v := range e.Config {
		c[key] = v
	}
	if e.Name != "" {
		c["name"] = e.Name
	}
	if e.Gate != "" {
		c["availability"] = d.gate(e.Gate)
	}
	if e.reach || e.lasting {
		c["availability"] = d.availability()[:1] // while the bridge runs it knows
	}
	if e.reach {
		c["state_topic"] = d.topics.Availability(d.Slug)
	}
	if e.reads {
		c["command_topic"], c["payload_press"] = d.topics.Get(d.Slug), ""
	}
	if e.Platform == EventEntity {
		c["state_topic"] = d.topics.Event(d.Slug, e.Key)
	}
	if e.Extra != nil {
		c["state_topic"] = d.topics.Extra(d.Slug, e.Key)
	}
	if len(e.Attributes) > 0 {
		c["json_attributes_topic"], c["json_attributes_template"] = d.topics.State(d.Slug), attributesOf(e)
	}
	for _, b := range e.Bindings {
		if !b.quiet {
			d.connect(c, e, b)
		}
	}
	return c
}

// attributesOf is the template that picks the attributes of an entity out of the
// state document.
func attributesOf(e Entity) string {
	var b strings.Builder
	for _, a := range e.Attributes {
		b.WriteString(", '" + a.Name + "': value_json." + a.Key)
	}
	return "{{ {" + strings.TrimPrefix(b.String(), ", ") + "} | tojson }}"
}

// connect writes the topics of one field under the names that the platform has
// for them.
func (d *Device) connect(c map[string]any, e Entity, b Binding) {
	names := namesOf(e.Platform, b.Field)
	readOnly := e.Platform == Sensor || e.Platform == BinarySensor
	if b.Codec.Show != nil && names.state != "" {
		c[names.state] = d.topics.State(d.Slug)
		c[names.template] = template(b.Attr)
		if e.Platform == TextEntity { // which has no word for unknown
			c[names.template] = "{{ value_json." + b.Attr + " or '' }}"
		}
		if b.instead != "" {
			c[names.template] = b.instead
		}
	}
	if b.Codec.Take != nil && names.command != "" && !readOnly {
		c[names.command] = d.topics.SetAttr(d.Slug, b.Attr)
	}
	if e.labels != nil {
		e.connectLabels(c, b)
	}
}

// A naming is what a platform calls the topics of one field.
type naming struct{ state, template, command string }

// namings are the fields whose topics do not follow the rule of [namesOf].
var namings = map[string]naming{
	"climate.preset_mode": {"preset_mode_state_topic", "preset_mode_value_template", "preset_mode_command_topic"},
	"climate.power":       {"", "", "power_command_topic"},
	"water_heater.power":  {"", "", "power_command_topic"},
	"fan.":                {"state_topic", "state_value_template", "command_topic"},
	"fan.percentage":      {"percentage_state_topic", "percentage_value_template", "percentage_command_topic"},
	"fan.preset_mode":     {"preset_mode_state_topic", "preset_mode_value_template", "preset_mode_command_topic"},
	"fan.oscillation":     {"oscillation_state_topic", "oscillation_value_template", "oscillation_command_topic"},
	"humidifier.":         {"state_topic", "state_value_template", "command_topic"},
	"humidifier.action":   {"action_topic", "action_template", ""},
	"light.":              {"state_topic", "state_value_template", "command_topic"},
	"light.brightness":    {"brightness_state_topic", "brightness_value_template", "brightness_command_topic"},
	"light.effect":        {"effect_state_topic", "effect_value_template", "effect_command_topic"},
	"vacuum.":             {"", "", "command_topic"},
	"climate.action":      {"action_topic", "action_template", ""},
}

func namesOf(p Platform, field string) naming {
	if n, ok := namings[string(p)+"."+field]; ok {
		return n
	}
	switch {
	case field == "":
		return naming{"state_topic", "value_template", "command_topic"}
	case strings.HasPrefix(field, "current_"):
		return naming{field + "_topic", field + "_template", ""}
	}
	return naming{field + "_state_topic", field + "_state_template", field + "_command_topic"}
}
