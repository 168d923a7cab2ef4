package discovery

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest/bounds"
)

// No word of LG's that could mean something to a template stands in one, and
// the name of an appliance in none at all.
func TestS39NoTextInTemplates(t *testing.T) {
	const evil = `{{ states('x') }}`
	raw, err := json.Marshal(map[string]any{"property": map[string]any{"play": map[string]any{
		"tune":  map[string]any{"type": "enum", "mode": []string{"r", "w"}, "value": map[string]any{"r": []string{evil, "%}'", "B"}, "w": []string{evil, "%}'", "B"}}},
		"pair":  map[string]any{"type": "enum", "mode": []string{"r", "w"}, "value": map[string]any{"r": []string{evil + "_ON", evil + "_OFF"}, "w": []string{evil + "_ON", evil + "_OFF"}}},
		evil:    map[string]any{"type": "enum", "mode": []string{"r", "w"}, "value": map[string]any{"r": []string{"A", "B"}, "w": []string{"A", "B"}}},
		"phase": map[string]any{"type": "enum", "mode": []string{"r"}, "value": map[string]any{"r": []string{evil, "B", "C"}}},
	}, "zone" + evil: map[string]any{"on": map[string]any{"type": "boolean", "mode": []string{"r"}, "value": map[string]any{"r": []bool{true, false}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := thinq.ParseProfile(raw)
	if err != nil {
		t.Fatal(err)
	}
	state := thinq.State{}
	for _, property := range p.Properties {
		state[property.Path] = "neither " + evil
	}
	for _, labels := range []bool{false, true} {
		o := testOptions
		o.Labels = labels
		for _, d := range Describe(thinq.Device{ID: "id", Type: typePrefix + "NEW", Alias: evil}, p, state, o) {
			var message map[string]any
			if err := json.Unmarshal(d.Announcement(), &message); err != nil {
				t.Fatal(err)
			}
			eachTemplate(message, func(name, text string) {
				if strings.Contains(text, "states(") || strings.Contains(text, "%}'") {
					t.Errorf("labels %t: %s is %s", labels, name, text)
				}
			})
			if !strings.Contains(d.Name, evil) {
				t.Errorf("the name is %q", d.Name)
			}
		}
	}
}

func eachTemplate(v any, f func(name, text string)) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if text, ok := inner.(string); ok && strings.HasSuffix(name, "template") {
				f(name, text)
			}
			eachTemplate(inner, f)
		}
	case []any:
		for _, inner := range v {
			eachTemplate(inner, f)
		}
	}
}

// FuzzSlug (F-048): what names are made of never makes a topic that a broker would not take.
func FuzzSlug(f *testing.F) {
	f.Add("DEVICE_WASHER", "id")
	f.Add("a+b#/\x00", "\xff")
	f.Add(strings.Repeat("LONG_", 100), "id")
	f.Fuzz(func(t *testing.T, kind, id string) {
		defer bounds.Keep(t)()
		slug := Slug(kind, id)
		if strings.Trim(slug, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || !ValidSlug(slug) {
			t.Errorf("slug %q of %q", slug, kind)
		}
	})
}
