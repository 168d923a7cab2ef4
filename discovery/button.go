package discovery

import (
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// buttons makes one button for each word that can only be ordered, and returns
// the key of the first.
func (b *builder) buttons(v *value) (first string) {
	options := v.Write.Options
	if len(options) == 0 && isBool(v.Property) {
		options = []any{true, false}
	}
	for _, o := range options {
		key := v.key + "_" + slugWord(optionText(o))
		if !b.claim(key) {
			key = b.claimNumbered(key)
		}
		e := b.button(v, o, key, b.buttonName(v, o))
		name, _ := o.(string)
		if permit, known := permits[name]; known && strings.HasSuffix(v.Path.Name, "perationMode") {
			e.Gate = b.gate(b.panelOf(v), key, permit, o)
		}
		b.put(e)
		first = or(first, key)
	}
	return first
}

// orderIcons are the icons of usual orders, whatever appliance they are for.
var orderIcons = map[string]string{
	"start": "mdi:play", "stop": "mdi:pause", "wake_up": "mdi:sleep-off", "power_off": "mdi:power-off", "power_on": "mdi:power-on",
	"unset": "mdi:timer-cancel-outline",
}

// buttonName is what a button does: "Start"; the property is named only where
// the word alone says too little.
func (b *builder) buttonName(v *value, option any) string {
	text := strings.ReplaceAll(optionText(option), "_", " ")
	if timer, ok := strings.CutSuffix(b.nameOf(v), " active"); ok && option == any("UNSET") {
		return b.phrase(cancelled, timer)
	}
	if v.row.Name != "" && len(v.Write.Options) == 1 {
		return b.nameOf(v)
	}
	if strings.HasSuffix(v.Path.Name, "perationMode") {
		return b.named(v.Path.Location, sentence(text))
	}
	return b.phrase(ordered, b.nameOf(v), sentence(text))
}

// optionText is an option as a part of a key or a name.
func optionText(o any) string {
	switch o := o.(type) {
	case bool:
		return map[bool]string{true: "on", false: "off"}[o]
	case string:
		return word(o)
	}
	return ""
}

// pressed is nil for any payload that does not say no: it presses a button.
func pressed(payload string) *Rejection {
	if yes, isTruth := truths[word(payload)]; isTruth && !yes {
		return invalid(cited(payload)+" does not press a button", nil)
	}
	return nil
}

// button is the button that writes one option.
func (b *builder) button(v *value, option any, key, name string) Entity {
	binding := b.binding(v)
	binding.Attr = key
	binding.Codec = Codec{Take: func(payload string, _ thinq.State) (thinq.State, *Rejection) {
		if no := pressed(payload); no != nil {
			return nil, no
		}
		return thinq.State{v.Path: option}, nil
	}}
	c := map[string]any{}
	decorate(c, v.finalWord(Button), Button)
	if icon := orderIcons[optionText(option)]; icon != "" {
		c["icon"] = icon
	}
	return Entity{Key: key, Platform: Button, Name: name, Config: c, Bindings: []Binding{binding}}
}
