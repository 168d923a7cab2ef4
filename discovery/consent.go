package discovery

import (
	"slices"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A consent is what an appliance says when it must not be started from afar.
// Only a person who stands before it can change that.
type consent struct {
	path      string // resource.name, or *.name
	no        []any  // what forbids it; a value that nobody knows does not
	rejection func() *Rejection
}

var consents = []consent{
	{remoteFlag, []any{false}, unarmed},
	{"*.doorState", []any{"OPEN", "OPENED"}, doorOpen},
	{"*.childLock", locked, childLocked},
	{"*.childLockMode", locked, childLocked},
	{"*.childLockEnabled", locked, childLocked},
}

var locked = []any{true, "ON", "LOCK", "LOCKED", "ENABLE", "ENABLED"}

// A veto is a consent that an appliance has a value for.
type veto struct {
	consent
	at thinq.Path
}

// begins reports whether a word has an appliance begin or go on with something.
func begins(word any) bool { return isStart(word) || word == "RESUME" }

// consent finds out what each start of the appliance depends on.
func (b *builder) consent() {
	b.device.starters = map[thinq.Path][]veto{}
	if b.device.power != nil {
		return // what is switched on and off begins nothing
	}
	for _, v := range b.values {
		if v.Writable && v.Type == thinq.Enum && slices.ContainsFunc(v.Write.Options, begins) {
			b.device.starters[v.Path] = b.vetoes(v.Path.Location)
		}
	}
}

// vetoes are the values that concern a start at a place.
func (b *builder) vetoes(location string) (all []veto) {
	for _, c := range consents {
		for _, v := range b.values {
			_, name, _ := strings.Cut(c.path, "*.")
			same := location == "" || v.Path.Location == "" || v.Path.Location == location
			if v.Readable && same && (v.Path.Key() == c.path || name != "" && v.Path.Name == name) {
				all = append(all, veto{c, v.Path})
			}
		}
	}
	return all
}

// forbids says why a wish that begins something cannot be, as the appliance has
// reported it.
func (d *Device) forbids(wish, now thinq.State) *Rejection {
	for path, v := range wish {
		if !begins(v) {
			continue
		}
		for _, veto := range d.starters[path] {
			if slices.Contains(veto.no, now[veto.at]) {
				return veto.rejection()
			}
		}
	}
	return nil
}

// Starts reports whether calls of a wish begin a programme. What an appliance
// said long ago is no ground to start it.
func (d *Device) Starts(calls []thinq.State) bool {
	for _, call := range calls {
		for path, v := range call {
			if _, can := d.starters[path]; can && begins(v) {
				return true
			}
		}
	}
	return false
}
