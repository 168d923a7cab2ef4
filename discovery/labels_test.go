package discovery

import (
	"encoding/json"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// mapTemplate is a template that looks a value up in a list of pairs, and passes
// on what is not there.
var mapTemplate = regexp.MustCompile(`^\{\{ \{(.+)\}\.get\((?:value_json\.(\w+)\|string, value_json\.(\w+)|value, value)\) \}\}$`)

// readLabels reads the pairs of a template and, in the second place, the key of
// the document that it shows.
func readLabels(template string) ([]string, map[string]string) {
	found := mapTemplate.FindStringSubmatch(template)
	if found == nil || found[2] != found[3] {
		return nil, nil
	}
	pairs := map[string]string{}
	rest := found[1]
	for rest != "" {
		var key, text string
		if key, rest = readQuoted(rest); !strings.HasPrefix(rest, ":") {
			return nil, nil
		}
		text, rest = readQuoted(rest[1:])
		rest = strings.TrimPrefix(rest, ",")
		if _, twice := pairs[key]; twice {
			return nil, nil
		}
		pairs[key] = text
	}
	return []string{template, found[2], ""}, pairs
}

// readQuoted reads a string of a template from the front of a text.
func readQuoted(s string) (text, rest string) {
	if !strings.HasPrefix(s, "'") {
		return "", s
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
			b.WriteByte(s[i])
		case '\'':
			return b.String(), s[i+1:]
		default:
			b.WriteByte(s[i])
		}
	}
	return "", s
}

// TestLabels: in every language every word of every list has a label of its own,
// the announcement shows it, and what is chosen reaches the bridge as the word.
func TestLabels(t *testing.T) {
	for _, s := range samples(t) {
		for _, o := range spoken()[1:] {
			for _, d := range s.describe(o) {
				components := newHome().read(t, d)
				for _, e := range d.Entities {
					words, listed := e.Config["options"].([]string)
					if e.Platform == Silent || !listed || !labelled[e.Platform] {
						continue
					}
					exact(t, components[e.Key], words)
				}
			}
		}
	}
}

// exact checks both templates of a component for the words of an entity.
func exact(t *testing.T, c component, words []string) {
	t.Helper()
	show, take := c.pairs(t, "value_template"), c.pairs(t, "command_template")
	if c["state_topic"] == nil { // it only takes
		show = invert(take)
	}
	var texts []any
	for _, word := range words {
		text := or(show[word], word)
		texts = append(texts, text)
		if back := or(take[text], text); c["platform"] == "select" && back != word {
			t.Errorf("%s: %q is shown as %q, which sets %q", c["unique_id"], word, text, back)
		}
		if text == "None" || text != strings.TrimSpace(text) {
			t.Errorf("%s: %q is shown as %q", c["unique_id"], word, text)
		}
	}
	if diff := cmp.Diff(texts, c["options"]); diff != "" {
		t.Errorf("%s shows what it does not list (-shown +listed):\n%s", c["unique_id"], diff)
	}
	if len(invert(show)) != len(show) {
		t.Errorf("%s: two words have one label: %v", c["unique_id"], show)
	}
}

// pairs are those of a template of a component; none if it shows words.
func (c component) pairs(t *testing.T, field string) map[string]string {
	t.Helper()
	template, _ := c[field].(string)
	if template == "" || plainTemplate.MatchString(template) {
		return nil
	}
	found, pairs := readLabels(template)
	if found == nil {
		t.Errorf("%v has the %s %s", c["unique_id"], field, template)
	}
	return pairs
}

func invert(pairs map[string]string) map[string]string {
	turned := map[string]string{}
	for key, text := range pairs {
		turned[text] = key
	}
	return turned
}

// TestLabelClash: words that read alike keep labels of their own, and what a
// template would take for its own is written so that it does not.
func TestLabelClash(t *testing.T) {
	p, err := thinq.ParseProfile([]byte(`{"property":{"play":{
		"tune":{"type":"enum","mode":["r","w"],"value":{"r":["MID","MEDIUM","NONE","it's","back\\slash","3","Late"],"w":["MID","MEDIUM","NONE","it's","back\\slash","3","Late"]}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	o := testOptions
	o.Labels = true
	d := Describe(thinq.Device{ID: "id", Type: typePrefix + "NEW"}, p, nil, o)[0]
	var message struct{ Components map[string]component }
	if err := json.Unmarshal(d.Announcement(), &message); err != nil {
		t.Fatal(err)
	}
	c := message.Components["tune"]
	want := []any{"Medium", "Medium (medium)", "Nothing", "it's", `back\slash`, "3", "Late"}
	if diff := cmp.Diff(want, c["options"]); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	exact(t, c, []string{"mid", "medium", "none", "it's", `back\slash`, "3", "late"})
}

// TestLabelsOff: nobody who did not ask for labels gets a template.
func TestLabelsOff(t *testing.T) {
	for _, s := range samples(t) {
		for _, d := range s.describe(testOptions) {
			if message := string(d.Announcement()); strings.Contains(message, ".get(") || strings.Contains(message, "command_template") {
				t.Errorf("%s: %s", s.name, message)
			}
		}
	}
}

// TestLabelsInModel: appliances share a description only if they show the same.
func TestLabelsInModel(t *testing.T) {
	s := sampleNamed(t, "dehumidifier_cellar")
	m := NewModel(s.profile)
	plain := m.Describe(s.device, s.state, testOptions)[0]
	for _, o := range spoken()[1:] {
		shared, alone := m.Describe(s.device, s.state, o)[0], s.describe(o)[0]
		if diff := cmp.Diff(string(alone.Announcement()), string(shared.Announcement())); diff != "" {
			t.Errorf("%s: a shared description says (-alone +shared):\n%s", o.Language, diff)
		}
	}
	runtime.KeepAlive(plain)
}
