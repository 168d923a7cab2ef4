package discovery

import (
	"path"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A composer puts several properties into one entity.
type composer struct {
	*builder
	entity Entity
	power  *value // turns the appliance on; nil: nothing does
}

// compose begins an entity. Its attributes are its key and the name of a field.
func (b *builder) compose(key, name string, p Platform) composer {
	return composer{builder: b, entity: Entity{Key: key, Platform: p, Name: name, Config: map[string]any{}}}
}

// bind adds a field; what only turns on and off is called power. A command for it
// turns the appliance on first.
func (c *composer) bind(field string, r rank, codec Codec, values ...*value) *Binding {
	attr := c.claimBeside(c.entity.Key, "_"+or(field, "power"))
	binding := Binding{Attr: attr, Field: field, Codec: codec, rank: r, wakes: true}
	for _, v := range values {
		if v != nil {
			binding.Props = append(binding.Props, v.Property)
		}
	}
	c.entity.Bindings = append(c.entity.Bindings, binding)
	return &c.entity.Bindings[len(c.entity.Bindings)-1]
}

// poweredBy makes v what turns the appliance on.
func (c *composer) poweredBy(v *value) {
	on, off, ok := pairIn(v.Write.Options)
	if !ok {
		return
	}
	c.power = v
	c.device.power = &powerSwitch{v.Path, on, off}
}

// isOff reports whether the appliance is off.
func (c *composer) isOff(s thinq.State) bool {
	if c.power == nil {
		return false
	}
	name, _ := s[c.power.Path].(string)
	return name == c.device.power.off
}

// awake adds to a wish what turns the appliance on, so that it is one even where
// all else is as it was before the appliance went off.
func (c *composer) awake(wish, now thinq.State) thinq.State {
	if c.isOff(now) {
		wish[c.power.Path] = c.device.power.on
	}
	return wish
}

// onOff adds the field that turns on and off.
func (c *composer) onOff() {
	c.entity.Config["payload_on"], c.entity.Config["payload_off"] = "on", "off"
	show := func(dst []byte, s thinq.State) []byte {
		switch {
		case s[c.power.Path] == nil:
			return append(dst, "null"...)
		case c.isOff(s):
			return append(dst, `"off"`...)
		}
		return append(dst, `"on"`...)
	}
	c.bind("", rankPower, Codec{Show: show, Take: takeProperty(c.power.Property)}, c.power).wakes = false
}

// plainCodec shows and takes a value as it is.
func plainCodec(v *value) Codec { return propertyCodec(v.Property) }

// firstOf is the first of several properties that is there and can be set.
func (b *builder) firstOf(keys ...string) *value {
	for _, key := range keys {
		if v := b.find(key, ""); v != nil && v.Writable {
			return v
		}
	}
	return nil
}

// powerOf is the property that turns on and off; of several that fit a pattern,
// operation.*OperationMode, the one with LG's words for the power.
func (b *builder) powerOf(pattern string) *value {
	var other *value
	for _, v := range b.values {
		fits, _ := path.Match(pattern, v.Path.Key())
		if on, _, ok := pairIn(v.Write.Options); fits && ok && v.Writable && silentLocations[v.Path.Location] {
			if on == "POWER_ON" {
				return v
			}
			other = v
		}
	}
	return other
}

// unitOf is the unit of a temperature for Home Assistant: C or F.
func unitOf(values ...*value) string {
	for _, v := range values {
		if v != nil && strings.HasSuffix(v.word.Unit, "F") {
			return "F"
		}
	}
	return "C"
}

// numberAt is a number of a state; false if it is not known.
func numberAt(v *value, s thinq.State) (float64, bool) {
	if v == nil {
		return 0, false
	}
	f, ok := s[v.Path].(float64)
	return f, ok
}
