package thinq

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest/bounds"
)

func unflatPath(t testing.TB, s string) Path {
	t.Helper()
	p, err := ParsePath(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func sortedPaths(s State) []string {
	var paths []string
	for _, path := range slices.SortedFunc(maps.Keys(s), Path.Compare) {
		paths = append(paths, path.String())
	}
	return paths
}

func TestPathString(t *testing.T) {
	for _, tt := range []struct {
		path      Path
		want, key string
	}{
		{Path{Resource: "timer", Name: "remainHour", Part: "dryer"}, "dryer/timer.remainHour", "timer.remainHour"},
		{Path{Resource: "chill", Name: "goalTemperature", Location: "TOP", Unit: "C"}, "chill.goalTemperature@TOP#C", "chill.goalTemperature"},
		{Path{Resource: "error"}, "error", "error"},
		{Path{Resource: "error", Location: "MAIN"}, "error@MAIN", "error"},
		{Path{Part: "a/b", Resource: "c.d", Name: "e@f", Location: "g#h", Unit: "50%"}, "a%2Fb/c%2Ed.e%40f@g%23h#50%25", "c.d.e@f"},
	} {
		if got := tt.path.String(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
		if got := tt.path.Key(); got != tt.key {
			t.Errorf("key: got %s, want %s", got, tt.key)
		}
		if got, err := ParsePath(tt.want); err != nil || got != tt.path {
			t.Errorf("ParsePath(%s): got %+v, %v", tt.want, got, err)
		}
	}
}

func TestParsePathRefuses(t *testing.T) {
	for _, s := range []string{"", "/a.b", "a/", ".b", "@MAIN", "a.b@", "a.b#", "a.b#C@MAIN", "a.b%zz", "a%41.b", "a.b.c"} {
		if p, err := ParsePath(s); err == nil {
			t.Errorf("%q: got %+v", s, p)
		}
	}
}

func TestPathCompare(t *testing.T) {
	want := []string{"b.a", "b.b", "c.a", "c.a#C", "c.a#F", "a.a@FRONT", "a.a@REAR", "dryer/a.a"}
	s := make(State)
	for _, path := range want {
		s[unflatPath(t, path)] = nil
	}
	if diff := cmp.Diff(want, sortedPaths(s)); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestStateAsJSON(t *testing.T) {
	want := unflat(t, map[string]any{"a.b": 1.0, "a.c@TOP#C": "X", "dryer/error": nil, "a.d": true})
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got State
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(flat(want), flat(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", data, diff)
	}
	if err := json.Unmarshal([]byte(`{"a.b.c":1}`), &got); err == nil {
		t.Error("a path of no form was taken")
	}
}

func FuzzPath(f *testing.F) {
	f.Add("dryer", "timer", "remainHour", "MAIN", "C")
	f.Add("", "a%2F", "é./@#%", "", "")
	f.Fuzz(func(t *testing.T, part, resource, name, location, unit string) {
		defer bounds.Keep(t)()
		want := Path{part, resource, name, location, unit}
		got, err := ParsePath(want.String())
		if resource == "" {
			if err == nil {
				t.Errorf("%q was taken", want.String())
			}
			return
		}
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", want, got, err, want)
		}
	})
}
