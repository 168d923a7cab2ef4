package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

// longestText bounds names and labels; Home Assistant takes no longer state.
const longestText = 128

// iconForm is how Home Assistant names its icons.
var iconForm = regexp.MustCompile(`^mdi:[a-z0-9]+(-[a-z0-9]+)*$`)

// notLabels mean something else where Home Assistant shows a state.
var notLabels = []string{"", "None", "unknown", "unavailable"}

// mappings checks what can be known of them before an appliance is seen.
func (v *validator) mappings() {
	for _, appliance := range slices.Sorted(maps.Keys(v.c.Mappings)) {
		entries := v.c.Mappings[appliance]
		for _, attr := range slices.Sorted(maps.Keys(entries)) {
			v.mapping(join("mappings", join(appliance, attr)), attr, entries[attr])
		}
	}
}

func (v *validator) mapping(key, attr string, m Mapping) {
	v.visible(join(key, "name"), m.Name)
	if m.Icon != "" && !iconForm.MatchString(m.Icon) {
		v.complain(join(key, "icon"), "%q is not an icon: write it as in mdi:washing-machine", m.Icon)
	}
	if m.Class != nil {
		if problem := discovery.CheckClass(*m.Class, m.Unit); problem != "" {
			v.complain(join(key, "class"), "%s", problem)
		}
	}
	if m.Unit != nil {
		v.visible(join(key, "unit"), *m.Unit)
	}
	if m.Hide != nil && *m.Hide && attr == "connection" {
		v.complain(join(key, "hide"), "no appliance can be without this entity: disable it in Home Assistant instead")
	}
	v.labels(join(key, "options"), m.Options)
}

// visible checks a text that people will read.
func (v *validator) visible(key, text string) {
	switch {
	case len(text) > longestText:
		v.complain(key, "is longer than %d bytes", longestText)
	case strings.TrimSpace(text) != text:
		v.complain(key, "%q has blanks around it: remove them", text)
	case strings.ContainsFunc(text, unicode.IsControl):
		v.complain(key, "%q holds characters that cannot be shown", text)
	}
}

// labels checks that every word has a label of its own, or the way back from
// label to word would not be clear.
func (v *validator) labels(key string, options map[string]string) {
	words := map[string]string{}
	for _, word := range slices.Sorted(maps.Keys(options)) {
		text, at := options[word], join(key, word)
		other, taken := words[text]
		switch {
		case slices.Contains(notLabels, text):
			v.complain(at, "%q cannot be a label: Home Assistant has a meaning for it", text)
		case taken && strings.EqualFold(word, other):
			v.complain(at, "is the same word as %s: remove one", other)
		case taken:
			v.complain(at, "%q is the label of %s already: choose another", text, other)
		default:
			v.visible(at, text)
		}
		words[text] = word
	}
}

// discovery are the mappings for package discovery.
func (m Mappings) discovery() discovery.Mappings {
	all := discovery.Mappings{}
	for appliance, entries := range m {
		all[appliance] = map[string]discovery.Mapping{}
		for attr, entry := range entries {
			all[appliance][attr] = discovery.Mapping(entry)
		}
	}
	return all
}
