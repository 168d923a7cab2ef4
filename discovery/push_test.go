package discovery

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// reportsOf are the reports among the pushes of a sample, and its whole state as
// one more.
func reportsOf(t *testing.T, saved thinqtest.Sample) []json.RawMessage {
	t.Helper()
	var pushes []json.RawMessage
	if saved.Pushes != nil {
		if err := json.Unmarshal(saved.Pushes, &pushes); err != nil {
			t.Fatal(err)
		}
	}
	reports := []json.RawMessage{saved.Status}
	for _, push := range pushes {
		if e, err := thinq.ParseEvent(push); err == nil && e.Kind == thinq.Report {
			reports = append(reports, e.Report)
		}
	}
	return reports
}

// TestMutatedPushes damages the reports of every sample in every place, one at a
// time: nothing panics, Home Assistant takes what is shown then, and what other
// resources say stays as it was.
func TestMutatedPushes(t *testing.T) {
	count := 0
	for _, saved := range thinqtest.Samples() {
		s := load(t, saved)
		for i, report := range reportsOf(t, saved) {
			for _, n := range nodes(t, report) {
				for _, m := range mutations {
					if count++; count%*nth != 0 {
						continue
					}
					t.Run(fmt.Sprint(saved.Name, "/", i, n.path, " ", m.name), func(t *testing.T) {
						takes(t, s, report, m.apply(report, n), n.path)
					})
				}
			}
		}
	}
	t.Logf("%d mutations, of which one in %d was tried", count, *nth)
}

// takes applies a damaged report to a sample.
func takes(t *testing.T, s sample, sound, bad []byte, path string) {
	t.Helper()
	want, got := s, s
	want.state, got.state = maps.Clone(s.state), maps.Clone(s.state)
	devices := s.describe(testOptions)
	for _, report := range []struct {
		data []byte
		into *sample
	}{{sound, &want}, {bad, &got}} {
		told, err := s.profile.Decode(report.data)
		if err != nil {
			t.Fatal(err)
		}
		now := follow(s, devices, report.into.state, report.into.state.Merge(told), testOptions)
		odd := newHome()
		odd.odd = true
		odd.accepts(t, now, report.into.state)
		for _, d := range now {
			checkAnnouncement(t, d.Announcement())
		}
	}
	damaged := damagedBy(s, path)
	if damaged == "" {
		return
	}
	for p, v := range want.state {
		if p.Resource != damaged && p.Resource != derived && got.state[p] != v {
			t.Errorf("%s was %v and is %v", p, v, got.state[p])
		}
	}
}

// damagedBy is the resource that a path of a report leads into, empty if it leads
// into none or into what tells resources apart.
func damagedBy(s sample, path string) string {
	steps := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for len(steps) > 0 && (isIndex(steps[0]) || slices.Contains(s.profile.Parts(), steps[0])) {
		steps = steps[1:]
	}
	if len(steps) == 0 || steps[0] == "location" {
		return ""
	}
	resource, _, _ := strings.Cut(steps[0], ":")
	return resource
}

// TestF086PartsInAnyOrder: in whatever order parts stand in a report it says the same;
// whatever order reports come in, and however often, what is shown is taken, the same report twice is no news, and a read in the end puts
// everything right.
func TestF086PartsInAnyOrder(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for _, saved := range thinqtest.Samples() {
		t.Run(saved.Name, func(t *testing.T) {
			s := load(t, saved)
			reports := reportsOf(t, saved)
			for _, report := range reports {
				there, back := readIn(t, s, report), readIn(t, s, reversed(t, report))
				if diff := cmp.Diff(there, back); diff != "" {
					t.Errorf("parts in another order say something else (-want +got)\n%s", diff)
				}
			}
			devices := s.describe(testOptions)
			for range 3 {
				dice.Shuffle(len(reports), func(i, j int) { reports[i], reports[j] = reports[j], reports[i] })
				for _, report := range reports {
					told, err := s.profile.Decode(report)
					if err != nil {
						t.Fatal(err)
					}
					devices = follow(s, devices, s.state, s.state.Merge(maps.Clone(told)), testOptions)
					if again := s.state.Merge(told); again != nil {
						t.Errorf("twice is news: %v", again)
					}
					newHome().accepts(t, devices, s.state)
				}
			}
			read, err := s.profile.Decode(saved.Status)
			if err != nil {
				t.Fatal(err)
			}
			s.state.Merge(maps.Clone(read))
			for p, v := range read {
				if s.state[p] != v {
					t.Errorf("%s is %v after a read of %v", p, s.state[p], v)
				}
			}
		})
	}
}

func readIn(t *testing.T, s sample, report json.RawMessage) thinq.State {
	t.Helper()
	state, err := s.profile.Decode(report)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// reversed is a report with its parts the other way round.
func reversed(t *testing.T, report json.RawMessage) json.RawMessage {
	t.Helper()
	var tree any
	if err := json.Unmarshal(report, &tree); err != nil {
		t.Fatal(err)
	}
	var turn func(v any)
	turn = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, inner := range v {
				turn(inner)
			}
		case []any:
			slices.Reverse(v)
			for _, inner := range v {
				turn(inner)
			}
		}
	}
	turn(tree)
	data, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestPushesByFlatNames: a value whose name has its resource in front is the
// value in its resource.
func TestPushesByFlatNames(t *testing.T) {
	for _, saved := range thinqtest.Samples() {
		var status any
		if err := json.Unmarshal(saved.Status, &status); err != nil {
			t.Fatal(err)
		}
		s := load(t, saved)
		flat, err := json.Marshal(flattened(status, s.profile.Parts()))
		if err != nil {
			t.Fatal(err)
		}
		want, err := s.profile.Decode(saved.Status)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.profile.Decode(flat)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", saved.Name, diff)
		}
	}
}

// flattened is a state with resource:property names in the place of objects.
func flattened(v any, parts []string) any {
	switch v := v.(type) {
	case []any:
		all := make([]any, len(v))
		for i, element := range v {
			all[i] = flattened(element, nil)
		}
		return all
	case object:
		flat := object{}
		for key, member := range v {
			values, isObject := member.(object)
			_, located := values["locationName"]
			switch {
			case slices.Contains(parts, key):
				flat[key] = flattened(member, nil)
			case !isObject || located || holdsMore(values):
				flat[key] = member
			default:
				for name, value := range values {
					flat[key+":"+name] = value
				}
			}
		}
		return flat
	}
	return v
}

// holdsMore reports whether an object is no bare list of values: a resource with
// more objects in it, or one whose values are told apart by a unit.
func holdsMore(values object) bool {
	if _, united := values["unit"]; united {
		return true
	}
	for _, v := range values {
		switch v.(type) {
		case object, []any:
			return true
		}
	}
	return false
}
