package discovery

import (
	"slices"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A Sight counts how many values of a wish a state shows, how many it shows
// otherwise or not yet, and how many no state can show, because they can only be
// written and nothing else tells of them (the start of a programme).
type Sight struct{ Shown, Missing, Hidden int }

// Look compares a wish with a state. A value that can only be written counts as
// shown when the attribute that mirrors it shows what was wished: the set-point
// of a job mode by the target temperature, a power button by the run state.
func (d *Device) Look(wish, now thinq.State) Sight {
	var s Sight
	for path, v := range wish {
		mirror, writeOnly := d.hidden[path]
		switch {
		case !writeOnly && (now[path] == v || v == 0.0 && now[path] == nil && isTimer(path)):
			s.Shown++
		case !writeOnly:
			s.Missing++
		case mirror == nil || !mirror.tells(v) || isNull(mirror.Codec.Show(nil, now)):
			s.Hidden++
		case shown(mirror.Codec.Show(nil, now), bare(v)):
			s.Shown++
		default:
			s.Missing++
		}
	}
	return s
}

// isTimer reports whether a path is a part of a timer. One that is not set may
// show nothing in the place of 0.
func isTimer(p thinq.Path) bool {
	stem, _ := split(p.Name)
	return stem != ""
}

// tells reports whether a binding that mirrors a property shows what became of a
// value of it.
func (b *Binding) tells(v any) bool { return b.mirrors == nil || slices.Contains(b.mirrors, v) }

// SoAlready reports whether LG refused a call with a code that says no more than
// that everything is as it was wished: on what is on, off what is off.
func SoAlready(call thinq.State, code string) bool {
	for path, v := range call {
		if len(call) == 1 && strings.HasSuffix(path.Name, "perationMode") {
			return code == "2302" && v == "POWER_ON" || code == "2304" && v == "POWER_OFF"
		}
	}
	return false
}

func isNull(form []byte) bool { return string(form) == "null" }

// bare is a value of a wish as the text of a command.
func bare(v any) string {
	switch v := v.(type) {
	case float64:
		return string(appendNumber(nil, v))
	case bool:
		return string(appendValue(nil, v))
	case string:
		return word(v)
	}
	return ""
}

// hide notes what can only be written, with what mirrors it.
func (b *builder) hide() {
	for _, v := range b.values {
		if !v.Readable {
			b.device.hidden[v.Path] = nil
		}
	}
	for _, e := range b.device.Entities {
		for i, binding := range e.Bindings {
			if !binding.mirrored {
				continue
			}
			for _, p := range binding.Props {
				if !p.Readable {
					b.device.hidden[p.Path] = &e.Bindings[i]
				}
			}
		}
	}
}
