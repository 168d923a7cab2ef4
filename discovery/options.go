package discovery

import (
	"maps"
	"slices"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// optionsOf are all words that may be shown: of both lists of the profile, and
// the present one if neither has it. Home Assistant drops words that are not
// listed, so a new one makes the device be described again.
func (b *builder) optionsOf(v *value) []string {
	all := wordsOf(slices.Concat(v.Read.Options, v.Write.Options, b.learntWords(v)))
	fresh := func(now any) (form string, isNew bool) {
		form = strings.Trim(string(appendValue(nil, now)), `"`)
		return form, now != nil && !slices.Contains(all, form)
	}
	if form, isNew := fresh(b.state[v.Path]); isNew {
		all = append(all, form)
	}
	b.watchFor(v.Path, func(now any, _ thinq.State) bool {
		_, isNew := fresh(now)
		return isNew
	})
	return all
}

// wordsShown are LG's words that a value may show: of the profile, those that
// the appliance has used since, and the present one.
func (b *builder) wordsShown(v *value) []string {
	var words []string
	for _, o := range slices.Concat(v.Read.Options, v.Write.Options, b.learntWords(v), []any{b.state[v.Path]}) {
		if name, ok := o.(string); ok && name != "" && !slices.Contains(words, name) {
			words = append(words, name)
		}
	}
	return words
}

// choose describes a select. A list without a word is none.
func (b *builder) choose(v *value, c map[string]any) Platform {
	options := b.optionsOf(v)
	if len(options) == 0 {
		return Silent
	}
	c["options"] = options
	return Select
}

// learntWords are the words of an enumeration that the profile does not list
// but the appliance has used. They stay listed, so that a list never shrinks.
func (b *builder) learntWords(v *value) []any {
	b.device.lists[v.Path] = slices.Concat(v.Read.Options, v.Write.Options)
	since := wordsSince(v.Path, b.state)
	slices.Sort(since)
	words := make([]any, len(since))
	for i, name := range since {
		words[i] = name
	}
	return words
}

// wordsSince are the words of an enumeration that were learnt.
func wordsSince(of thinq.Path, state thinq.State) (since []string) {
	for p := range state {
		name, ok := strings.CutPrefix(p.Name, of.Key()+learntMark)
		if ok && p.Resource == derived && p.Part == of.Part && p.Location == of.Location {
			since = append(since, name)
		}
	}
	return since
}

// maxWords is how many words of an enumeration are learnt, whatever an appliance
// invents.
const maxWords = 100

// learnWords remembers words that an appliance uses without having listed them.
func (d *Device) learnWords(now, changed, into thinq.State) {
	for p, v := range changed {
		if memory, is := d.unlisted(p, v); is && len(wordsSince(p, now)) < maxWords {
			into[memory] = true
		}
	}
}

// unlisted reports whether a value is a word that the profile does not list, and
// where it is remembered.
func (d *Device) unlisted(p thinq.Path, v any) (memory thinq.Path, is bool) {
	name, isWord := v.(string)
	listed, ok := d.lists[p]
	if !ok || !isWord || slices.ContainsFunc(listed, func(o any) bool { known, _ := o.(string); return strings.EqualFold(known, name) }) {
		return thinq.Path{}, false
	}
	return derivedPath(p.Part, p.Location, p.Key()+learntMark+name), true
}

// Coined reports whether a change, with what Advance derived from it, concerns
// the announcement only by words that the profile does not list. An appliance may
// use many of them.
func (d *Device) Coined(now, changed, derived thinq.State) bool {
	rest := maps.Clone(changed)
	maps.Copy(rest, derived)
	for p, v := range changed {
		if memory, is := d.unlisted(p, v); is {
			delete(rest, p)
			delete(rest, memory)
		}
	}
	return !d.Affected(now, rest)
}
