package discovery

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// TestUnique: no two entities of one home share an id, no two attributes of one
// device a key.
func TestUnique(t *testing.T) {
	ids := map[string]string{}
	for _, s := range samples(t) {
		for _, d := range s.describe(testOptions) {
			attrs := map[string]bool{}
			for _, e := range d.Entities {
				for _, b := range e.Bindings {
					if attrs[b.Attr] {
						t.Errorf("%s: two attributes are called %s", s.name, b.Attr)
					}
					attrs[b.Attr] = true
				}
				if e.Platform == Silent {
					continue
				}
				id := d.ID + "_" + e.Key
				if other, ok := ids[id]; ok {
					t.Errorf("%s and %s share the id %s", s.name, other, id)
				}
				ids[id] = s.name
			}
		}
	}
}

// TestNames: no two entities of one device have one name, and only the one that
// is the appliance itself has none.
func TestNames(t *testing.T) {
	for _, s := range samples(t) {
		for _, d := range s.describe(testOptions) {
			keys := map[string]string{}
			for _, e := range d.Entities {
				if e.Platform == Silent {
					continue
				}
				if other, ok := keys[e.Name]; ok {
					t.Errorf("%s: %s and %s are both called %q", s.name, e.Key, other, e.Name)
				}
				keys[e.Name] = e.Key
				if main := e.Name == ""; main != (e.Key == lookUpMain(s.device.Type, d.Part)) {
					t.Errorf("%s: %s is called %q", s.name, e.Key, e.Name)
				}
			}
		}
	}
}

func lookUpMain(deviceType, part string) string {
	a, _ := lookUpAppliance(deviceType, part)
	return a.Main
}

// TestEveryPropertyHasAPlace: what the profile or the state has is in the
// document, can be set, or has a reason why not.
func TestEveryPropertyHasAPlace(t *testing.T) {
	for _, s := range samples(t) {
		placed := map[thinq.Path]bool{}
		for _, d := range s.describe(testOptions) {
			for _, c := range d.Coverage() {
				placed[c.Path] = c.Attr != "" && d.attrs[c.Attr] != nil || c.Why != ""
			}
		}
		for _, p := range s.profile.Properties {
			if !placed[p.Path] {
				t.Errorf("%s: %s has no place", s.name, p.Path)
			}
		}
		for p, v := range s.state {
			if !placed[p] && p.Resource != derived && v != nil {
				t.Errorf("%s: %s of the state has no place", s.name, p)
			}
		}
	}
}

// TestDescribeIsStable: the same appliance gives the same bytes, and a state
// only ever adds to what is announced.
func TestDescribeIsStable(t *testing.T) {
	for _, s := range samples(t) {
		bare := sample{s.name, s.device, s.profile, nil}
		for i, d := range s.describe(testOptions) {
			if again := s.describe(testOptions)[i]; !bytes.Equal(d.Announcement(), again.Announcement()) {
				t.Errorf("%s: two announcements differ", s.name)
			}
			have := map[string]Platform{}
			for _, e := range d.Entities {
				have[e.Key] = e.Platform
			}
			for _, e := range bare.describe(testOptions)[i].Entities {
				if e.Platform != Silent && have[e.Key] != e.Platform {
					t.Errorf("%s: %s is a %s without a state and a %q with one", s.name, e.Key, e.Platform, have[e.Key])
				}
			}
			if d.Affected(s.state, s.state) {
				t.Errorf("%s: its own state is news to it", s.name)
			}
		}
	}
}

// TestUnitOfTheState: where only the state says the unit, a new one is news.
func TestUnitOfTheState(t *testing.T) {
	p, err := thinq.ParseProfile([]byte(`{"property":{"temperature":{
		"currentTemperature":{"type":"number","mode":["r"]},"unit":{"type":"enum","mode":["r"],"value":{"r":["C","F"]}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	state := thinq.State{{Resource: "temperature", Name: "unit"}: "F"}
	d := thinq.Device{ID: "id", Type: typePrefix + "NEW"}
	if !Describe(d, p, nil, testOptions)[0].Affected(state, state) {
		t.Error("the first word about the unit is no news")
	}
	now := Describe(d, p, state, testOptions)[0]
	if !strings.Contains(string(now.Announcement()), "°F") || now.Affected(state, state) {
		t.Errorf("not in Fahrenheit: %s", now.Announcement())
	}
}

func TestAffected(t *testing.T) {
	tests := []struct {
		name, sample string
		changed      map[string]any
		want         bool
	}{
		{"a usual word", "dryer_heat_pump", map[string]any{"runState.currentState": "PAUSE"}, false},
		{"a word not seen before", "dryer_heat_pump", map[string]any{"runState.currentState": "BUBBLING"}, true},
		{"a property not seen before", "dryer_heat_pump", map[string]any{"sensor.wetness": 3.0}, true},
		{"an error not listed", "dryer_heat_pump", map[string]any{"error.": "ODD_ERROR"}, true},
		{"limits that follow the mode", "air_conditioner_two_setpoints", map[string]any{acMode: "HEAT"}, true},
		{"one set-point instead of two", "air_conditioner_two_setpoints", map[string]any{"twoSetTemperature.twoSetEnabled": false}, true},
		{"a temperature", "air_conditioner_two_setpoints", map[string]any{"temperatureInUnits.currentTemperature#C": 20.0}, false},
		{"the other unit", "air_conditioner_two_setpoints", map[string]any{"temperatureInUnits.currentTemperature#F": 68.0}, false},
		{"remembered values", "dryer_heat_pump", map[string]any{"derived.phase": "active"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := sampleNamed(t, test.sample)
			d := s.describe(testOptions)[0]
			changed := thinq.State{}
			for text, v := range test.changed {
				p, err := thinq.ParsePath(text)
				if strings.HasPrefix(text, "error") {
					p, err = thinq.Path{Resource: errorResource}, nil
				}
				if err != nil {
					t.Fatal(err)
				}
				changed[p] = v
			}
			before := string(d.Announcement())
			maps.Copy(s.state, changed)
			if got := d.Affected(s.state, changed); got != test.want {
				t.Fatalf("Affected = %v, want %v", got, test.want)
			}
			if after := string(s.describe(testOptions)[0].Announcement()); !test.want && after != before {
				t.Errorf("the announcement changed all the same:\n%s", cmp.Diff(before, after))
			}
		})
	}
}

// TestLearns: a code that the profile does not list becomes a type of its event.
func TestLearns(t *testing.T) {
	s := sampleNamed(t, "dryer_heat_pump")
	d := s.describe(testOptions)[0]
	learnt, events := d.Advance(s.state, Notice("LINT_IS_FULL"), noon)
	if len(events) != 1 || events[0].Type != "lint_is_full" || !d.Affected(s.state, learnt) {
		t.Fatalf("events %+v, remembered %v: must be learnt", events, learnt)
	}
	s.state.Merge(learnt)
	again := s.describe(testOptions)[0]
	if more, _ := again.Advance(s.state, Notice("LINT_IS_FULL"), noon); again.Affected(s.state, more) {
		t.Error("it is not learnt")
	}
	if !strings.Contains(string(again.Announcement()), "lint_is_full") {
		t.Error("the announcement lacks the type")
	}
	want := `{"event_type":"lint_is_full","code":"LINT_IS_FULL","time":"2026-09-30T12:00:00Z"}`
	if got := string(events[0].Payload(noon)); got != want {
		t.Errorf("payload %s, want %s", got, want)
	}
}

// TestListsNeverShrink: a word that was seen once stays listed when the next
// one comes, also after the state was stored and loaded.
func TestListsNeverShrink(t *testing.T) {
	s := sampleNamed(t, "dryer_heat_pump")
	word := thinq.Path{Resource: "runState", Name: "currentState"}
	for _, next := range []string{"BUBBLING", "RUNNING"} {
		d := s.describe(testOptions)[0]
		changed := s.state.Merge(thinq.State{word: next})
		derived, _ := d.Advance(s.state, changed, noon)
		s.state.Merge(derived)
	}
	stored, err := json.Marshal(s.state)
	if err != nil {
		t.Fatal(err)
	}
	loaded := thinq.State{}
	if err := json.Unmarshal(stored, &loaded); err != nil {
		t.Fatal(err)
	}
	s.state = loaded
	if message := string(s.describe(testOptions)[0].Announcement()); !strings.Contains(message, `"bubbling"`) {
		t.Errorf("the word is forgotten: %s", message)
	}
}

// TestTower: the halves are two devices, and a notice goes to the one that
// lists it.
func TestTower(t *testing.T) {
	s := sampleNamed(t, "washtower_one_piece")
	halves := s.describe(testOptions)
	if len(halves) != 2 || halves[0].Part != "washer" || halves[1].Part != "dryer" {
		t.Fatalf("halves %v", halves)
	}
	var message struct {
		Device struct {
			Via string `json:"via_device"`
		} `json:"device"`
	}
	if err := json.Unmarshal(halves[1].Announcement(), &message); err != nil {
		t.Fatal(err)
	}
	if message.Device.Via != s.device.ID+"_washer" {
		t.Errorf("the dryer is joined to %q", message.Device.Via)
	}
	for _, c := range s.profile.Notices {
		for _, half := range halves {
			_, events := half.Advance(s.state, Notice(c.Name), noon)
			ok := len(events) > 0
			if want := half.Part == c.Part || slices.Contains(s.profile.Notices, thinq.Code{Part: half.Part, Name: c.Name}); ok != want {
				t.Errorf("%s takes %s: %v, want %v", half.Part, c.Name, ok, want)
			}
		}
	}
}

// TestOtherUnit: a report in the unit that is not shown moves the shown value.
func TestOtherUnit(t *testing.T) {
	s := sampleNamed(t, "air_conditioner_two_setpoints")
	d := s.describe(testOptions)[0]
	p, err := thinq.ParsePath("temperatureInUnits.currentTemperature#F")
	if err != nil {
		t.Fatal(err)
	}
	changed := s.state.Merge(thinq.State{p: 86.0})
	derived, _ := d.Advance(s.state, changed, noon)
	s.state.Merge(derived)
	if got := documented(t, d, s.state, "current_temperature"); got != "30" {
		t.Errorf("current_temperature %s, want 30", got)
	}
}

// TestUnits: the whole device speaks the unit that is configured.
func TestUnits(t *testing.T) {
	o := testOptions
	o.Unit = "F"
	s := sampleNamed(t, "air_conditioner_two_setpoints")
	message := string(s.describe(o)[0].Announcement())
	if strings.Contains(message, "°C") || !strings.Contains(message, `"temperature_unit":"F"`) {
		t.Errorf("not all in Fahrenheit: %s", message)
	}
}

// TestTypesStandInTheTable: knowledge about a type is a row, never a branch.
func TestTypesStandInTheTable(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if file == "appliances.go" || strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(source), "\n") {
			code, _, _ := strings.Cut(line, "//")
			if strings.Contains(code, typePrefix) {
				t.Errorf("%s:%d speaks of a device type", file, n+1)
			}
		}
	}
}

// TestTable walks the table: no type twice, every type of a sample known unless
// it is new on purpose.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range appliances {
		if seen[a.Type] || a.Name == "" || !strings.HasPrefix(a.Type, typePrefix) {
			t.Errorf("row %+v", a)
		}
		seen[a.Type] = true
		for _, like := range a.Parts {
			if _, ok := lookUpAppliance(like, ""); !ok {
				t.Errorf("%s is like %s, which is not there", a.Type, like)
			}
		}
	}
	for _, s := range samples(t) {
		if !seen[s.device.Type] && !strings.HasPrefix(s.name, "new_") {
			t.Errorf("%s: %s is not in the table", s.name, s.device.Type)
		}
	}
}

// TestAffectedIsHonest changes every value of every sample, one at a time: what
// Affected calls no news must leave the announcement as it is.
func TestAffectedIsHonest(t *testing.T) {
	long(t)
	t.Parallel()
	for _, s := range samples(t) {
		devices := s.describe(testOptions)
		before := make([][]byte, len(devices))
		for i, d := range devices {
			before[i] = d.Announcement()
		}
		for _, p := range s.profile.Properties {
			for _, v := range mayRead(p) {
				changed := thinq.State{p.Path: v}
				then := sample{s.name, s.device, s.profile, maps.Clone(s.state)}
				then.state[p.Path] = v
				for i, d := range devices {
					if d.Part != p.Path.Part || d.Affected(then.state, changed) {
						continue
					}
					after := then.describe(testOptions)[i].Announcement()
					if !bytes.Equal(before[i], after) {
						t.Errorf("%s: %s = %v is called no news:\n%s", s.name, p.Path, v, cmp.Diff(string(before[i]), string(after)))
					}
				}
			}
		}
	}
}

// mayRead are values that a property may take on: its options and one that is
// not among them, its limits and numbers beyond.
func mayRead(p thinq.Property) []any {
	switch {
	case p.Type == thinq.Enum:
		return append(slices.Clone(p.Read.Options), "NEVER_SEEN")
	case p.Type == thinq.Bool:
		return []any{true, false}
	case isNumeric(p):
		return []any{p.Read.Min, p.Read.Max, 0.0, 21.0, 1e6}
	}
	return []any{"text"}
}
