package discovery

import (
	"slices"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// controls is the composite of the words that start, stop and switch an appliance
// with programmes: a button for each, usable when the appliance would take it,
// one list of them all, and a switch of the power.
type controls struct {
	Operation string // "operation.washerOperationMode", usually write-only
	State     string // "runState.currentState"
	Remote    string // "remoteControlEnable.remoteControlEnabled"
}

// powerWords are the words whose success the power switch shows.
var powerWords = []any{"POWER_ON", "POWER_OFF"}

// A panel is the controls of one place.
type panel struct {
	op     *value
	state  *value // nil: the appliance does not say what it does
	remote *value // nil: it lets itself be started at any time
}

func (o controls) build(b *builder) {
	for _, location := range b.locations(o.Operation) {
		p := panel{b.find(o.Operation, location), b.find(o.State, location), b.find(o.Remote, location)}
		if p.op.Writable && p.op.Type == thinq.Enum && len(p.op.Write.Options) > 0 {
			b.orders(p)
			b.orderList(p)
			b.powerSwitch(p)
		}
	}
}

// orders makes the buttons.
func (b *builder) orders(p panel) {
	place := locationKey(p.op.Path.Location)
	for _, option := range p.op.Write.Options {
		name, _ := option.(string)
		permit, known := permits[name]
		key := place + slugWord(name)
		e := b.button(p.op, option, key, b.named(p.op.Path.Location, or(permit.name, sentence(word(name)))))
		e.Bindings[0].Codec.Take = p.unlessSo(e.Bindings[0].Codec.Take)
		e.Config = map[string]any{"icon": or(orderIcons[word(name)], "mdi:gesture-tap-button")}
		if known {
			e.Gate = b.gate(p, key, permit, option)
		}
		b.put(e)
	}
}

// gate is the gate of a button that can be used only when LG would take its word;
// empty where nobody can tell.
func (b *builder) gate(p panel, key string, word permit, option any) string {
	if p.state == nil {
		return ""
	}
	takes, order := p.allows(word), thinq.State{p.op.Path: option}
	if b.device.Settings.RemoteStart || b.device.hazards[p.op.Path] == nil {
		return b.gateFor(key, showBool(takes))
	}
	d := b.device.description
	return b.gateFor(key, showBool(func(s thinq.State) bool {
		return takes(s) && len(d.risks(order, s)) == 0 // the bridge itself would refuse
	}))
}

// panelOf are the controls around an operation of a type that nobody knows: they
// go by the names that LG uses everywhere.
func (b *builder) panelOf(op *value) panel {
	place := op.Path.Location
	return panel{op, b.find(laundryProgramme.State, place), b.find(remoteFlag, place)}
}

// orderList is the select of all words. Where they are only orders it shows
// none: what came of them is the state.
func (b *builder) orderList(p panel) {
	c := map[string]any{}
	if b.choose(p.op, c) != Select {
		return
	}
	binding := b.binding(p.op)
	binding.Codec.Show = showWords(p.op.Path, p.op.Write.Options)
	binding.Codec.Take = p.unlessSo(binding.Codec.Take)
	c["icon"] = "mdi:gesture-tap-button"
	e := Entity{
		Key: p.op.key, Platform: Select, Name: b.named(p.op.Path.Location, "Operation"), Config: c,
		Bindings: []Binding{binding},
	}
	if p.state != nil && p.remote != nil {
		e.Gate = b.gateFor(e.Key, showBool(func(s thinq.State) bool { return p.isOn(s) && p.isArmed(s) }))
	}
	p.op.made = true
	b.put(e)
}

// powerSwitch is a switch that shows by the run state whether the appliance is
// on. Many can only be switched off from afar.
func (b *builder) powerSwitch(p panel) {
	place := locationKey(p.op.Path.Location)
	if !p.takes("POWER_OFF") || !p.saysPower() {
		return
	}
	binding := Binding{Attr: place + "power", Props: []thinq.Property{p.op.Property}, rank: rankPower, mirrored: true, mirrors: powerWords}
	binding.Codec.Show = func(dst []byte, s thinq.State) []byte {
		switch {
		case p.isOn(s):
			return append(dst, `"power_on"`...)
		case p.isOff(s):
			return append(dst, `"power_off"`...)
		}
		return append(dst, "null"...)
	}
	binding.Codec.Take = p.unlessSo(p.takePower)
	e := Entity{
		Key: place + "power", Platform: Switch, Name: b.named(p.op.Path.Location, "Power"), Bindings: []Binding{binding},
		Config: map[string]any{"payload_on": "power_on", "payload_off": "power_off", "icon": "mdi:power"},
	}
	if p.remote != nil || !p.takes("POWER_ON") {
		e.Gate = b.gateFor(e.Key, showBool(func(s thinq.State) bool {
			return p.isOn(s) || p.isOff(s) && p.isArmed(s) && p.takes("POWER_ON")
		}))
	}
	b.put(e)
}

func (p panel) takes(name string) bool { return slices.Contains(p.op.Write.Options, any(name)) }

// source is the value that says whether the appliance is on: the operation
// itself, if it can be read, or the run state.
func (p panel) source() *value {
	if p.op.Readable {
		return p.op
	}
	return p.state
}

func (p panel) saysPower() bool { return p.source() != nil }

func (p panel) isOff(s thinq.State) bool {
	return p.saysPower() && s[p.source().Path] == any("POWER_OFF")
}

func (p panel) isOn(s thinq.State) bool {
	return p.saysPower() && s[p.source().Path] != nil && !p.isOff(s)
}

// isArmed reports whether the appliance lets itself be started from afar.
func (p panel) isArmed(s thinq.State) bool { return p.remote == nil || s[p.remote.Path] == any(true) }

// takePower reads what the power switch sends. Most appliances do not have the
// word to be switched on from afar.
func (p panel) takePower(payload string, now thinq.State) (thinq.State, *Rejection) {
	name, rejection := parseWord(powerWords, payload)
	switch {
	case rejection != nil:
		return nil, rejection
	case p.takes("POWER_ON") || name != powerWords[0] || p.isOn(now):
		return thinq.State{p.op.Path: name}, nil
	}
	return nil, invalid("The appliance cannot be switched on from afar. Switch it on there.", wordsOf(powerWords[1:]))
}

// unlessSo drops the order to be on or off where the appliance is so: LG refuses
// it (2302).
func (p panel) unlessSo(take func(string, thinq.State) (thinq.State, *Rejection)) func(string, thinq.State) (thinq.State, *Rejection) {
	return func(payload string, now thinq.State) (thinq.State, *Rejection) {
		wish, rejection := take(payload, now)
		if v := wish[p.op.Path]; v == any("POWER_OFF") && p.isOff(now) || v == any("POWER_ON") && p.isOn(now) {
			return nil, nil
		}
		return wish, rejection
	}
}
