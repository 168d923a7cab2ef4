package thinq

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// eachSample runs a test for every saved appliance: a folder with profile.json,
// status.json and perhaps pushes.json. THINQ2MQTT_SAMPLES names more folders, as
// globs separated by colons.
func eachSample(t *testing.T, test func(t *testing.T, dir string, p *Profile)) {
	t.Helper()
	globs := []string{filepath.Join("thinqtest", "profiles", "*")}
	if more := os.Getenv("THINQ2MQTT_SAMPLES"); more != "" {
		globs = append(globs, filepath.SplitList(more)...)
	}
	found := false
	for _, glob := range globs {
		files, err := filepath.Glob(filepath.Join(glob, "profile.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			found = true
			dir := filepath.Dir(file)
			t.Run(filepath.Base(dir), func(t *testing.T) {
				p, err := ParseProfile(readFile(t, file))
				if err != nil {
					t.Fatal(err)
				}
				test(t, dir, p)
			})
		}
	}
	if !found {
		t.Skip("no samples")
	}
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSamplesHaveNoProblems(t *testing.T) {
	eachSample(t, func(t *testing.T, dir string, p *Profile) {
		if broken := strings.HasPrefix(filepath.Base(dir), "broken"); broken != (len(p.Problems) > 0) {
			t.Errorf("problems: %q", p.Problems)
		}
		for _, q := range p.Properties {
			if got, ok := p.Property(q.Path); !ok || got.Path != q.Path {
				t.Errorf("%s is not found", q.Path)
			}
		}
	})
}

// Every value of a state has a path: there are as many as the JSON has leaves,
// those not counted that only say which entry of a list one reads.
func TestSamplesDecodeEveryLeaf(t *testing.T) {
	eachSample(t, func(t *testing.T, dir string, p *Profile) {
		data := readFile(t, filepath.Join(dir, "status.json"))
		state, err := p.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		var leaves []string
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		walkLeaves(v, "", func(leaf string) { leaves = append(leaves, leaf) })

		var got, unknown []string
		for path, v := range state {
			name := cmp.Or(path.Name, path.Resource)
			if p.form(path).name != "" {
				name = p.form(path).name
			}
			if !slices.ContainsFunc(p.Properties, func(q Property) bool { return q.Path == path }) {
				unknown = append(unknown, path.String())
				if path.Unit != "" && !p.listed(path) {
					name += path.Unit
				}
			}
			got = append(got, fmt.Sprintf("%s=%v", name, v))
		}
		slices.Sort(leaves)
		slices.Sort(got)
		if !slices.Equal(got, leaves) {
			t.Errorf("decoded\n%s\nfrom\n%s", strings.Join(got, "\n"), strings.Join(leaves, "\n"))
		}
		slices.Sort(unknown)
		t.Logf("not in the profile: %v", unknown)
	})
}

// Every report says something, and when it comes again nothing new.
func TestSamplesApplyPushes(t *testing.T) {
	eachSample(t, func(t *testing.T, dir string, p *Profile) {
		file := filepath.Join(dir, "pushes.json")
		if _, err := os.Stat(file); err != nil {
			t.Skip("no pushes")
		}
		state, err := p.Decode(readFile(t, filepath.Join(dir, "status.json")))
		if err != nil {
			t.Fatal(err)
		}
		var pushes []json.RawMessage
		if err := json.Unmarshal(readFile(t, file), &pushes); err != nil {
			t.Fatal(err)
		}
		for _, push := range pushes {
			e, err := ParseEvent(push)
			if err != nil {
				t.Fatal(err)
			}
			if e.Kind != Report {
				continue
			}
			report, err := p.Decode(e.Report)
			if err != nil {
				t.Fatal(err)
			}
			if len(report) == 0 {
				t.Errorf("nothing in report %s", e.Report)
			}
			state.Merge(report)
			if changed := state.Merge(report); changed != nil {
				t.Errorf("the same report again changed %v", changed)
			}
		}
	})
}

// Whatever type a value or a piece of a profile turns into, what was not touched
// stays as it was; and a number that is spelt is that number.
func TestF087FlippedTypes(t *testing.T) {
	if testing.Short() {
		t.Skip("flips everything")
	}
	eachSample(t, func(t *testing.T, dir string, p *Profile) {
		status := decodeJSON(t, readFile(t, filepath.Join(dir, "status.json")))
		whole, err := p.Decode(readFile(t, filepath.Join(dir, "status.json")))
		if err != nil {
			t.Fatal(err)
		}
		flips(status, func() {
			data, err := json.Marshal(status)
			if err != nil {
				t.Fatal(err)
			}
			flipped, err := p.Decode(data)
			if err != nil {
				t.Fatalf("%s: %v", data, err)
			}
			if len(flipped) < len(whole)-1 {
				t.Errorf("%s: of %d values %d are left", data, len(whole), len(flipped))
			}
		})

		walkContainers(status, func(_ string, leaf any, set func(any)) {
			if f, ok := leaf.(float64); ok {
				set(strconv.FormatFloat(f, 'f', -1, 64))
			}
		})
		data, err := json.Marshal(status)
		if err != nil {
			t.Fatal(err)
		}
		spelt, err := p.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		for path, v := range whole {
			if _, number := v.(float64); number && isNumber(p, path) && spelt[path] != v {
				t.Errorf("%s: %v, where %v is spelt", path, spelt[path], v)
			}
		}

		profile := decodeJSON(t, readFile(t, filepath.Join(dir, "profile.json")))
		flips(profile, func() {
			data, err := json.Marshal(profile)
			if err != nil {
				t.Fatal(err)
			}
			flipped, err := ParseProfile(data)
			if err != nil {
				t.Fatalf("%s: %v", data, err)
			}
			if len(flipped.Properties) < len(p.Properties)-1 {
				t.Errorf("%s: of %d properties %d are left", data, len(p.Properties), len(flipped.Properties))
			}
		})
	})
}

func isNumber(p *Profile, path Path) bool {
	is, known := p.Property(path)
	return known && (is.Type == Range || is.Type == Number)
}

// flips gives each leaf in turn a type that it has not. It leaves alone what says
// where the leaves are.
func flips(v any, test func()) {
	others := []any{"7", 7.0, true, nil, []any{"x"}, map[string]any{"x": 1.0}}
	n := 0
	walkContainers(v, func(key string, leaf any, set func(any)) {
		if key == "locationName" || key == "unit" {
			return
		}
		n++
		set(others[n%len(others)])
		test()
		set(leaf)
	})
}

// walkContainers visits every leaf, in order, with a way to replace it.
func walkContainers(v any, visit func(key string, leaf any, set func(any))) {
	step := func(key string, v any, set func(any)) {
		switch v.(type) {
		case map[string]any, []any:
			walkContainers(v, visit)
		default:
			visit(key, v, set)
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			step(key, v[key], func(other any) { v[key] = other })
		}
	case []any:
		for i := range v {
			step("", v[i], func(other any) { v[i] = other })
		}
	}
}

// listed says whether the profile lists a resource by unit.
func (p *Profile) listed(path Path) bool {
	part := p.index[path.Part]
	return part != nil && part.resources[path.Resource] != nil && part.resources[path.Resource].byUnit
}

func walkLeaves(v any, name string, leaf func(string)) {
	switch v := v.(type) {
	case map[string]any:
		for key, v := range v {
			walkLeaves(v, key, leaf)
		}
	case []any:
		for _, v := range v {
			if entry, ok := v.(map[string]any); ok && entry["locationName"] == nil {
				delete(entry, "unit")
			}
			walkLeaves(v, name, leaf)
		}
	default:
		if name != "locationName" {
			leaf(fmt.Sprintf("%s=%v", name, v))
		}
	}
}

// What can be set comes back as it was set, when an appliance reports the body
// of the call as its state.
func TestSamplesRoundTrip(t *testing.T) {
	eachSample(t, func(t *testing.T, _ string, p *Profile) {
		for _, q := range p.Properties {
			if !q.Writable {
				continue
			}
			for _, v := range writable(q) {
				roundTrip(t, p, State{q.Path: v})
			}
		}
	})
}

func roundTrip(t *testing.T, p *Profile, wish State) {
	t.Helper()
	body, err := p.Encode(wish)
	if err != nil {
		t.Errorf("Encode(%v): %v", wish, err)
		return
	}
	report, err := p.Decode(body)
	if err != nil {
		t.Errorf("Decode(%s): %v", body, err)
		return
	}
	for path, v := range wish {
		if got, ok := report[path]; !ok || !equal(got, v) {
			t.Errorf("%s: set to %v with %s, reported as %v", path, v, body, report)
		}
	}
}

// writable are values that a property takes: all its words, the ends of its
// range and what is next to the middle.
func writable(q Property) []any {
	w := q.Write
	switch {
	case len(w.Options) > 0:
		return w.Options
	case w.Limited:
		return []any{w.Min, q.Round((w.Min + w.Max) / 2), q.Round(w.Max)}
	}
	return map[Type][]any{
		Enum: {"ANY_WORD"}, Bool: {true, false}, Range: {1.0}, Number: {0.0, 7.5, 1e6}, Text: {"any text"},
	}[q.Type]
}
