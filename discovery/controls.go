package discovery

import (
	"slices"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// controls is the composite of the words that start, stop and switch an appliance
// with programmes: a button for each, usable when the appliance would take it.
type controls struct {
	Operation string // "operation.washerOperationMode", write-only
	State     string // "runState.currentState"
	Remote    string // "remoteControlEnable.remoteControlEnabled"
}

func (o controls) build(b *builder) {
	for _, location := range b.locations(o.Operation) {
		op := b.find(o.Operation, location)
		if op.Readable || op.Type != thinq.Enum {
			continue
		}
		state := b.find(o.State, location)
		remote := b.find(o.Remote, location)
		b.controlButtons(op, state, remote)
	}
}

// A permit is when LG takes a word.
type permit struct {
	name    string // of the button
	remote  bool   // remote control must be on at the appliance
	allowed func(word string, ph phase) bool
}

var permits = map[string]permit{
	"START": {"Start", true, func(word string, ph phase) bool {
		return word == "ADD_DRAIN" || ph != active && ph != failed && word != "POWER_OFF" && word != "SLEEP"
	}},
	"STOP":      {"Stop", true, func(_ string, ph phase) bool { return ph == active }},
	"WAKE_UP":   {"Wake up", false, func(word string, _ phase) bool { return word == "SLEEP" }},
	"POWER_OFF": {"Power off", false, func(word string, _ phase) bool { return word != "POWER_OFF" }},
	"POWER_ON":  {"Power on", false, func(word string, _ phase) bool { return word == "POWER_OFF" }},
}

func (b *builder) controlButtons(op, state, remote *value) {
	place := locationKey(op.Path.Location)
	hasSwitch := state != nil && slices.Contains(op.Write.Options, any("POWER_ON")) && slices.Contains(op.Write.Options, any("POWER_OFF"))
	if hasSwitch {
		b.powerSwitch(op, state, place)
	}
	for _, option := range op.Write.Options {
		name, _ := option.(string)
		p, known := permits[name]
		switch {
		case hasSwitch && (name == "POWER_ON" || name == "POWER_OFF"):
			continue
		case !known:
			p.name = sentence(optionText(option))
		}
		key := place + slugWord(name)
		e := b.button(op, option, key, b.named(op.Path.Location, p.name))
		if state != nil {
			e.Bindings[0].Codec.Take = unlessSo(e.Bindings[0].Codec.Take, op, state)
		}
		e.Config = map[string]any{"icon": or(orderIcons[word(name)], "mdi:gesture-tap-button")}
		if state == nil || !known {
			continue
		}
		e.Gate = key + "_available"
		gate := Codec{Show: showBool(p.test(state.Path, remote))}
		if op.row.Heats.startedBy(thinq.State{op.Path: option}) && !b.device.Settings.RemoteStart {
			gate.Show = showConstant(false) // the bridge itself would refuse
		}
		b.silent(Binding{Attr: e.Gate, Codec: gate})
	}
	b.consume(place+"start", op)
}

// unlessSo drops the order to be on or off where the run state says that it is
// so: LG refuses it (2302).
func unlessSo(take func(string, thinq.State) (thinq.State, *Rejection), op, state *value) func(string, thinq.State) (thinq.State, *Rejection) {
	return func(payload string, now thinq.State) (thinq.State, *Rejection) {
		wish, rejection := take(payload, now)
		is, known := now[state.Path].(string)
		off := is == "POWER_OFF"
		if v := wish[op.Path]; known && (v == "POWER_OFF" && off || v == "POWER_ON" && !off) {
			return nil, nil
		}
		return wish, rejection
	}
}

// test asks whether LG would take the word now.
func (p permit) test(state thinq.Path, remote *value) func(thinq.State) bool {
	return func(s thinq.State) bool {
		name, _ := s[state].(string)
		if p.remote && remote != nil && s[remote.Path] != any(true) {
			return false
		}
		return name != "" && p.allowed(name, phases[name])
	}
}

// powerSwitch is a switch that shows by the run state whether the appliance is
// on, and takes both words.
func (b *builder) powerSwitch(op, state *value, place string) {
	isOn := func(s thinq.State) bool { return s[state.Path] != any("POWER_OFF") && s[state.Path] != nil }
	binding := Binding{Attr: place + "power", Props: []thinq.Property{op.Property}, rank: rankPower, mirrored: true}
	binding.Codec.Show = func(dst []byte, s thinq.State) []byte {
		if isOn(s) {
			return append(dst, `"power_on"`...)
		}
		return append(dst, `"power_off"`...)
	}
	binding.Codec.Take = unlessSo(takeProperty(op.Property), op, state)
	b.put(Entity{
		Key: place + "power", Platform: Switch, Name: b.named(op.Path.Location, "Power"), Bindings: []Binding{binding},
		Config: map[string]any{"payload_on": "power_on", "payload_off": "power_off", "icon": "mdi:power"},
	})
}
