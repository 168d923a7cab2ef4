package discovery

import (
	"slices"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A nature is what kind of value a property has, whatever LG calls its type.
type nature int

const (
	pairOf nature = iota // two values that are on and off
	choice
	number
	text
	fixed
)

// platforms is the natural mapping: what a property becomes when no row says
// otherwise (architecture: natural mapping).
var platforms = map[nature]struct{ read, set, command Platform }{
	pairOf: {BinarySensor, Switch, Button},
	choice: {Sensor, Select, Button},
	number: {Sensor, Number, Number},
	text:   {Sensor, TextEntity, Silent},
	fixed:  {Sensor, Sensor, Silent},
}

func natureOf(p thinq.Property) nature {
	_, _, isPair := pair(readOptions(p))
	for _, o := range p.Write.Options {
		isPair = isPair && slices.Contains(readOptions(p), o) // ON and OFF are read, levels are set
	}
	switch {
	case p.Type == thinq.Constant:
		return fixed
	case isBool(p) || isPair:
		return pairOf
	case p.Type == thinq.Enum:
		return choice
	case isNumeric(p):
		return number
	default:
		return text
	}
}

// readOptions are the words that p may show, or for a property that can only be
// written the words it takes.
func readOptions(p thinq.Property) []any {
	if p.Readable {
		return p.Read.Options
	}
	return p.Write.Options
}

// partial reports whether only one of several values can be written: that is an
// order, such as clearing a timer, and no setting.
func partial(p thinq.Property) bool {
	return p.Readable && p.Writable && p.Type == thinq.Enum && len(p.Write.Options) == 1 && len(p.Read.Options) > 1
}

func (v *value) platform() Platform {
	row := platforms[natureOf(v.Property)]
	switch {
	case v.row.Platform != "" && v.fits(v.row.Platform):
		return v.row.Platform
	case v.Path.Name == unitName:
		return Silent
	case v.Readable && (!v.Writable || partial(v.Property)):
		return row.read
	case v.Readable:
		return row.set
	case v.Writable && isPower(v.Property):
		return Switch // its state is assumed
	case v.Writable:
		return row.command
	}
	return Silent
}

// isPower reports whether a property takes LG's two words for the power, and no
// other.
func isPower(p thinq.Property) bool {
	on, _, ok := pair(p.Write.Options)
	return ok && on == "POWER_ON"
}

// fits reports whether a row's platform suits the property at hand: models
// differ in what can be read and set.
func (v *value) fits(p Platform) bool {
	if p == BinarySensor || p == Switch {
		if on, off := v.onOff(); on == "" || off == "" || !isBool(v.Property) && len(readOptions(v.Property)) != 2 {
			return false
		}
	}
	if p == Sensor || p == BinarySensor {
		return v.Readable
	}
	return v.Writable
}

// natural gives a value its place: an entity of its own, buttons, or only an
// attribute.
func (b *builder) natural(v *value) {
	if v.made {
		return
	}
	platform := v.platform()
	switch {
	case v.row.Hidden != "":
		v.why = v.row.Hidden
	case v.Path.Name == unitName:
		v.why = "says the unit of other values"
	case !v.Readable && !v.Writable:
		v.why = "can neither be read nor set"
	}
	switch {
	case v.why != "" || v.shown != "" || platform == Silent:
		b.silent(b.binding(v))
		if v.shown == "" && v.why == "" {
			v.why = "no form of Home Assistant's fits; it can be set as an attribute"
		}
		return
	case platform == Button:
		b.silent(b.binding(v))
		if v.shown = b.buttons(v); v.shown == "" {
			v.why = "LG lists no words for it; it can be set as an attribute"
		}
		return
	case partial(v.Property):
		b.buttons(v)
	}
	b.put(b.entity(v, platform))
}

// binding ties the value's own key to its property.
func (b *builder) binding(v *value) Binding {
	binding := Binding{
		Attr: v.key, Props: []thinq.Property{v.Property}, Codec: propertyCodec(v.Property),
		With: b.with(v), rank: rankOf(v.Path), guard: v.guard, wakes: wakers[v.Path.Name],
	}
	if v.alien {
		binding.Codec.Show = showValue(v.Path) // whether it is a word or a text, nobody says
	}
	binding.Codec = b.clearable(v, binding.Codec)
	if v.point != nil {
		binding.Codec.Take = v.point.take
	}
	if v.stage != nil {
		binding.Codec.Show = showValue(v.Path) // what cannot be read is remembered all the same
		if v.Readable {
			binding.Codec.Show = showProperty(v.Property)
		}
		binding.Codec = v.stage.codec(binding.Codec)
	}
	return binding
}

// wakers are what an appliance that is off is switched on for, because it is what
// somebody wants it to do. LG refuses all else, too (2304), but a light or a
// timer is no reason to start a fan.
var wakers = map[string]bool{
	"currentJobMode": true, "targetHumidity": true,
	"windStrength": true, "windStrengthDetail": true, "windStrengthLevel": true, "windStep": true,
}

// rankOf says which properties LG wants before others.
func rankOf(p thinq.Path) rank {
	switch {
	case strings.HasSuffix(p.Name, "OperationMode"):
		return rankPower
	case strings.HasSuffix(p.Name, "JobMode"):
		return rankMode
	case p.Resource == "airFlow":
		return rankFan
	}
	return rankValue
}

// describers make the part of the discovery message that depends on the
// platform.
var describers = map[Platform]func(*builder, *value, map[string]any) Platform{
	BinarySensor: (*builder).binarySensor,
	Switch:       (*builder).onOffSwitch,
	Sensor:       (*builder).sensor,
	Select:       (*builder).choose,
	Number:       (*builder).number,
	TextEntity:   func(*builder, *value, map[string]any) Platform { return TextEntity },
}

func (b *builder) entity(v *value, platform Platform) Entity {
	c := map[string]any{}
	platform = describers[platform](b, v, c)
	decorate(c, v.finalWord(platform), platform)
	binding := b.binding(v)
	b.sift(v, sieveOf(platform, c), &binding)
	return Entity{Key: v.key, Platform: platform, Name: b.nameOf(v), Config: c, Bindings: []Binding{binding}, Gate: b.gateOf(v)}
}

// finalWord adds what follows from how little is known: readable strangers are
// diagnostic, and no stranger is enabled by default.
func (v *value) finalWord(platform Platform) Word {
	w := v.word
	stranger := !v.known
	w.Disabled = w.Disabled || stranger
	if stranger && w.Category == "" {
		w.Category = diagnostic
		if platform != Sensor && platform != BinarySensor {
			w.Category = config
		}
	}
	if natureOf(v.Property) == fixed {
		w.Category, w.Disabled = diagnostic, true
	}
	return w
}

// decorate adds what every platform may have.
func decorate(c map[string]any, w Word, platform Platform) {
	readOnly := platform == Sensor || platform == BinarySensor || platform == EventEntity
	switch {
	case w.Category == config && readOnly:
		c["entity_category"] = diagnostic
	case w.Category == diagnostic && platform == Button:
		c["entity_category"] = config
	case w.Category == config || w.Category == diagnostic:
		c["entity_category"] = w.Category
	}
	if w.Icon != "" {
		c["icon"] = w.Icon
	}
	if w.Disabled {
		c["enabled_by_default"] = false
	}
}

// onOff are the two words of a pair as payloads. Booleans of a JSON document
// reach Home Assistant as True and False.
func (v *value) onOff() (on, off string) {
	if isBool(v.Property) {
		return "True", "False"
	}
	options := readOptions(v.Property)
	if on, off, ok := pair(options); ok {
		return word(on), word(off)
	}
	for _, o := range options {
		if name, _ := o.(string); strings.EqualFold(name, v.row.On) {
			on = word(name)
		} else if off == "" {
			off = word(name)
		}
	}
	return on, off
}

func (b *builder) binarySensor(v *value, c map[string]any) Platform {
	c["payload_on"], c["payload_off"] = v.onOff()
	if v.word.Binary != "" {
		c["device_class"] = v.word.Binary
	}
	return BinarySensor
}

// onOffSwitch sends the words that can be set, which may be others than those
// that are shown.
func (b *builder) onOffSwitch(v *value, c map[string]any) Platform {
	on, off := v.onOff()
	c["payload_on"], c["payload_off"] = on, off
	if start, stop, ok := v.orders(on); ok {
		c["payload_on"], c["payload_off"] = start, stop
		c["state_on"], c["state_off"] = on, off
	}
	return Switch
}

// orders are the words that set a pair, if the one that shows that it is on is
// none of them: ON is set by START.
func (v *value) orders(on string) (start, stop string, ok bool) {
	words := wordsOf(v.Write.Options)
	if len(words) != 2 || slices.Contains(words, on) || isBool(v.Property) {
		return "", "", false
	}
	if on, off, ok := pair(v.Write.Options); ok {
		return word(on), word(off), true
	}
	switch word(v.row.On) {
	case words[0]:
		return words[0], words[1], true
	case words[1]:
		return words[1], words[0], true
	}
	return "", "", false
}

// sensor describes a number with its class, a word with its options.
func (b *builder) sensor(v *value, c map[string]any) Platform {
	switch {
	case natureOf(v.Property) == number:
		b.measure(v, c)
	case v.Type == thinq.Enum && len(v.Read.Options) > 0:
		c["device_class"] = "enum"
		c["options"] = b.optionsOf(v)
	}
	return Sensor
}
