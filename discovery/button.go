package discovery

import (
	"strconv"
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
		b.button(v, o, key, buttonName(v, o))
		first = or(first, key)
	}
	return first
}

// buttonName is what a button does: "Start"; the property is named only where
// the word alone says too little.
func buttonName(v *value, option any) string {
	text := strings.ReplaceAll(optionText(option), "_", " ")
	if strings.HasSuffix(v.Path.Name, "perationMode") {
		return named(v.Path.Location, sentence(text))
	}
	return v.name() + " " + text
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

// button makes the button that writes one option. Any payload presses it that
// does not say no.
func (b *builder) button(v *value, option any, key, name string) *Entity {
	binding := b.binding(v)
	binding.Attr = key
	binding.Codec = Codec{Take: func(payload string, _ thinq.State) (thinq.State, *Rejection) {
		if yes, isTruth := truths[word(payload)]; isTruth && !yes {
			return nil, invalid(strconv.Quote(payload)+" does not press a button", nil)
		}
		return thinq.State{v.Path: option}, nil
	}}
	c := map[string]any{}
	decorate(c, v.finalWord(Button), Button)
	b.put(Entity{Key: key, Platform: Button, Name: name, Config: c, Bindings: []Binding{binding}})
	return &b.device.Entities[len(b.device.Entities)-1]
}
