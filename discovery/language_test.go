package discovery

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// foreign are the languages with a words table.
var foreign = map[string]map[string]string{"de": german, "ko": korean}

// TestTranslated: everything visible of every sample and of the tables has a
// word in every language.
func TestTranslated(t *testing.T) {
	texts := tableTexts(t)
	for code := range foreign {
		missing := map[string]bool{}
		o := testOptions
		o.Language, o.Labels = code, true
		o.missed = func(english string) { missing[english] = true }
		for _, s := range samples(t) {
			s.describe(o)
		}
		speak := speakerOf(o)
		for text := range texts {
			speak.say(text)
		}
		for _, text := range slices.Sorted(maps.Keys(missing)) {
			t.Errorf("%s has no words: add a line %q: \"…\", in alphabetical order", map[string]string{"de": "german.go", "ko": "korean.go"}[code], text)
		}
	}
}

// tableTexts are the visible texts that stand in the source: names in tables and
// in calls that make names.
func tableTexts(t *testing.T) map[string]bool {
	t.Helper()
	texts := map[string]bool{}
	for _, text := range labels {
		texts[text] = true
	}
	for _, text := range locationNames {
		texts[text] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../bridge/self.go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			for _, e := range visibleIn(n) {
				if text, ok := literal(e); ok && text != "" {
					texts[text] = true
				}
			}
			return true
		})
	}
	return texts
}

// visibleIn are the expressions of a node that people will read, if they are
// literals.
func visibleIn(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		key, _ := n.Key.(*ast.Ident)
		text, _ := literal(n.Key)
		if key != nil && key.Name == "Name" || text == "name" {
			return []ast.Expr{n.Value}
		}
	case *ast.CallExpr:
		called, _ := n.Fun.(*ast.SelectorExpr)
		switch {
		case called == nil:
		case called.Sel.Name == "named", called.Sel.Name == "compose":
			return n.Args[1:2]
		}
	}
	return nil
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	// names of properties and of packages are no texts
	return text, err == nil && !strings.Contains(text, ".") && text != strings.ToLower(text)
}

// TestTables: the words tables are sorted by the English text, so that two
// people do not add the same; nothing in them is empty or has blanks around it.
func TestTables(t *testing.T) {
	for code, table := range foreign {
		file := map[string]string{"de": "german.go", "ko": "korean.go"}[code]
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		last := ""
		ast.Inspect(parsed, func(n ast.Node) bool {
			entry, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			key, _ := strconv.Unquote(entry.Key.(*ast.BasicLit).Value)
			if key <= last {
				t.Errorf("%s: %q stands behind %q", file, key, last)
			}
			last = key
			return true
		})
		for english, text := range table {
			if text == "" || text == "None" || text != strings.TrimSpace(text) || english != strings.TrimSpace(english) {
				t.Errorf("%s: %q is %q", file, english, text)
			}
			hangul := func(r rune) bool { return unicode.Is(unicode.Hangul, r) }
			if code == "ko" && strings.IndexFunc(text, unicode.IsLower) >= 0 && strings.IndexFunc(text, hangul) < 0 {
				t.Errorf("%s: %q is %q, which is not Korean", file, english, text)
			}
		}
	}
}

// TestLanguages: names are put together as the language does.
func TestLanguages(t *testing.T) {
	tests := []struct {
		sample, key string
		want        map[string]string
	}{
		{"refrigerator_two_units", "freezer_target_temperature", map[string]string{
			"en": "Freezer target temperature", "de": "Zieltemperatur Gefrierfach", "ko": "냉동실 목표 온도",
		}},
		{"dehumidifier_cellar", "target_humidity", map[string]string{
			"en": "Target humidity", "de": "Zielfeuchtigkeit", "ko": "목표 습도",
		}},
		{"cooktop_induction", "left_rear_power_level", map[string]string{
			"en": "Left rear power level", "de": "Leistungsstufe hinten links", "ko": "왼쪽 뒤 화력",
		}},
		{"washer_twin", "mini_progress", map[string]string{
			"en": "Mini progress", "de": "Fortschritt Mini", "ko": "미니 진행률",
		}},
		{"air_conditioner_living_room", "connection", map[string]string{
			"en": "Connection", "de": "Verbindung", "ko": "연결",
		}},
	}
	for _, test := range tests {
		s := sampleNamed(t, test.sample)
		for code, want := range test.want {
			o := testOptions
			o.Language = code
			if got := entityNamed(t, s.describe(o)[0], test.key).Name; got != want {
				t.Errorf("%s: %s is called %q, want %q", code, test.key, got, want)
			}
		}
	}
}

func entityNamed(t *testing.T, d *Device, key string) Entity {
	t.Helper()
	i := slices.IndexFunc(d.Entities, func(e Entity) bool { return e.Key == key })
	if i < 0 {
		t.Fatalf("%s has no entity %s", d.Slug, key)
	}
	return d.Entities[i]
}

// TestLanguageMovesNoKey: keys, platforms, attributes and documents are the same
// in every language, with labels and without. Only what is read by people moves.
func TestLanguageMovesNoKey(t *testing.T) {
	for _, s := range samples(t) {
		want := identities(s.describe(testOptions), s.state)
		for code := range languages {
			o := testOptions
			o.Language, o.Labels = code, true
			if got := identities(s.describe(o), s.state); got != want {
				t.Errorf("%s in %s:\n%s\ninstead of\n%s", s.name, code, got, want)
			}
		}
	}
}

// identities are what users build on of some devices.
func identities(devices []*Device, s thinq.State) string {
	var b strings.Builder
	for _, d := range devices {
		fmt.Fprintln(&b, d.ID, d.Slug, string(d.Payload(s)))
		for _, e := range d.Entities {
			fmt.Fprintln(&b, e.Key, e.Platform, e.Config["event_types"])
			for _, binding := range e.Bindings {
				fmt.Fprintln(&b, binding.Attr)
			}
		}
	}
	return b.String()
}

// TestDistinctInEveryLanguage: no two entities of a device have one name.
func TestDistinctInEveryLanguage(t *testing.T) {
	for code := range foreign {
		o := testOptions
		o.Language = code
		english := map[string]string{} // what two English names share
		for _, s := range samples(t) {
			plain := s.describe(testOptions)
			for i, d := range s.describe(o) {
				names := map[string]string{}
				for j, e := range d.Entities {
					if e.Platform == Silent {
						continue
					}
					if other, ok := names[e.Name]; ok {
						t.Errorf("%s: %s: %s and %s are both called %q", code, s.name, other, e.Key, e.Name)
					}
					names[e.Name] = e.Key
					was := plain[i].Entities[j].Name
					if text, ok := foreign[code][was]; ok && text != was && e.Name == was {
						english[e.Name] = s.name + " " + e.Key
					}
				}
			}
		}
		for name, where := range english {
			t.Errorf("%s: %q stays English because another entity has its name: %s", code, name, where)
		}
	}
}
