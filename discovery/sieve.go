package discovery

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A sieve makes unknown in Home Assistant what an entity cannot show, because
// it would keep its last state: a third word in a pair, a text that is
// too long. The state document says what LG said.
type sieve struct {
	fits func(v any) bool
	// instead is the template of a value once something did not fit.
	instead func(value string) string
}

// sieveOf is the sieve of an entity, nil if it shows everything.
func sieveOf(platform Platform, c map[string]any) *sieve {
	switch {
	case platform == BinarySensor || platform == Switch:
		if c["state_on"] != nil {
			return pairSieve(c["state_on"], c["state_off"])
		}
		return pairSieve(c["payload_on"], c["payload_off"])
	case platform == Sensor && c["device_class"] == nil && c["unit_of_measurement"] == nil && c["state_class"] == nil:
		return &sieve{isShort, func(value string) string { return fmt.Sprintf("{{ (%s | string)[:%d] }}", value, maxState) }}
	case platform == TextEntity:
		return &sieve{isShort, func(value string) string { return fmt.Sprintf("{{ (%s or '')[:%d] }}", value, maxState) }}
	}
	return nil
}

func isShort(v any) bool { s, _ := v.(string); return utf8.RuneCountInString(s) <= maxState }

func pairSieve(on, off any) *sieve {
	yes, _ := on.(string)
	no, _ := off.(string)
	if !harmless(yes) || !harmless(no) {
		return nil
	}
	return &sieve{
		func(v any) bool {
			form := strings.Trim(string(appendValue(nil, v)), `"`)
			return strings.EqualFold(form, yes) || strings.EqualFold(form, no)
		},
		func(value string) string {
			return fmt.Sprintf("{{ %[1]s if (%[1]s | string) in [%[2]q, %[3]q] else None }}", value, yes, no)
		},
	}
}

// sieveMark names what is remembered of a value that once did not fit.
const sieveMark = learntMark + "odd"

// sift gives a binding its sieve as soon as something does not fit, and from
// then on, so that the announcement does not change to and fro.
func (b *builder) sift(v *value, g *sieve, binding *Binding) {
	if g == nil || binding.Codec.Show == nil {
		return
	}
	p := v.Path
	memory := derivedPath(p.Part, p.Location, p.Key()+p.Unit+sieveMark)
	odd := func(now any) bool { return now != nil && !g.fits(shownForm(v.Property, now)) }
	sifted := b.state[memory] != nil || odd(b.state[p])
	if sifted {
		binding.instead = g.instead("value_json." + binding.Attr)
	}
	b.watchFor(p, func(now any, _ thinq.State) bool { return !sifted && odd(now) })
	b.device.sieves = append(b.device.sieves, func(changed, into thinq.State) {
		if odd(changed[p]) {
			into[memory] = true
		}
	})
}

// shownForm is a value as the document shows it: what says yes and no in
// another way than the profile does is what the profile means.
func shownForm(p thinq.Property, v any) any {
	if natureOf(p) != pairOf {
		return v
	}
	yes, isTruth := truths[strings.Trim(string(appendValue(nil, v)), `"`)]
	if !isTruth {
		return v
	}
	if isBool(p) {
		return yes
	}
	on, off, _ := pair(readOptions(p))
	return map[bool]any{true: on, false: off}[yes]
}
