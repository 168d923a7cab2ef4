package discovery

// chooser is the composite of a select of the words of a property that is a
// switch as well. It is for those who have used the select before; whoever has
// not finds it switched off.
type chooser struct{ Path, Key, Name string }

func (o chooser) build(b *builder) {
	v := b.find(o.Path, "")
	if v == nil || !v.Writable || isBool(v.Property) || isNumeric(v.Property) {
		return
	}
	c := map[string]any{}
	if b.choose(v, c) != Select {
		return
	}
	w := merge(Word{Category: config, Disabled: true}, v.word)
	decorate(c, w, Select)
	binding := b.binding(v)
	binding.Attr = o.Key
	b.put(Entity{Key: o.Key, Platform: Select, Name: o.Name, Config: c, Bindings: []Binding{binding}})
}
