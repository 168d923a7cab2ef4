package discovery

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

//go:embed testdata/parity.txt
var parityText string

// A parityRow is one entity of the other integration, see testdata/parity.txt.
type parityRow struct {
	types    []string // without DEVICE_; with /half for a half of a tower; * for any
	platform string
	theirs   string   // their key
	class    string   // device class, empty: none is asked for
	mode     string   // when it is there
	groups   []string // of properties: one of each must be there
	ours     string   // our key; = and | as the file says
}

// parityRows reads the table.
func parityRows(t *testing.T) []parityRow {
	t.Helper()
	var rows []parityRow
	var types []string
	for line := range strings.Lines(parityText) {
		line = strings.TrimSpace(line)
		if section, ok := strings.CutPrefix(line, "["); ok {
			types = strings.Fields(strings.TrimSuffix(section, "]"))
			continue
		}
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Fields(line)
		if len(f) != 6 {
			t.Fatalf("not six columns: %s", line)
		}
		r := parityRow{types: types, platform: f[0], theirs: f[1], mode: f[3], ours: f[5]}
		r.class = strings.TrimPrefix(f[2], "-")
		r.groups = strings.Split(f[4], "+")
		rows = append(rows, r)
	}
	return rows
}

// String names a row for people: AIR_CONDITIONER sensor pm1.
func (r parityRow) String() string {
	return fmt.Sprintf("%s %s %s", strings.Join(r.types, " "), r.platform, r.theirs)
}

// concerns reports whether the row is about a device; kind is its type without
// DEVICE_, with /half for a half of a tower.
func (r parityRow) concerns(kind string) bool {
	return r.types[0] == "*" || slices.Contains(r.types, kind)
}

// A place is where a row asks for an entity: the location, and the properties
// that make it do so.
type parityPlace struct {
	location string
	props    []thinq.Property
}

// places are where the profile of a sample has what the row asks for.
func (r parityRow) places(s sample, d *Device, metered bool) []parityPlace {
	switch r.mode {
	case "push":
		return when(len(codesOf(s.profile.Notices, d.Part)) > 0)
	case "error":
		return when(len(codesOf(s.profile.Errors, d.Part)) > 0)
	case "energy":
		return when(metered)
	}
	var places []parityPlace
	for _, p := range s.profile.Properties {
		if p.Path.Part != d.Part || slices.ContainsFunc(places, func(at parityPlace) bool { return at.location == p.Path.Location }) {
			continue
		}
		if props := r.found(s.profile, d.Part, p.Path.Location); props != nil {
			places = append(places, parityPlace{p.Path.Location, props})
		}
	}
	return places
}

func when(there bool) []parityPlace {
	if there {
		return []parityPlace{{}}
	}
	return nil
}

func codesOf(codes []thinq.Code, part string) []thinq.Code {
	return slices.DeleteFunc(slices.Clone(codes), func(c thinq.Code) bool { return c.Part != part })
}

// found are the properties of every group at a location; nil if one has none.
func (r parityRow) found(p *thinq.Profile, part, location string) []thinq.Property {
	var all []thinq.Property
	for _, group := range r.groups {
		before := len(all)
		for _, q := range p.Properties {
			if q.Path.Part == part && q.Path.Location == location && r.means(group, q) && r.fits(q) {
				all = append(all, q)
			}
		}
		if len(all) == before {
			return nil
		}
	}
	return all
}

// means reports whether a property is one of a group: resource.name, with =WORD
// behind it where it must take a word.
func (r parityRow) means(group string, p thinq.Property) bool {
	return slices.ContainsFunc(strings.Split(group, "|"), func(one string) bool {
		key, word, _ := strings.Cut(one, "=")
		return key == p.Path.Key() && (word == "" || slices.Contains(p.Write.Options, any(word)))
	})
}

// fits reports whether a property has the mode of the row.
func (r parityRow) fits(p thinq.Property) bool {
	switch r.mode {
	case "ro":
		return p.Readable && !p.Writable
	case "r":
		return p.Readable
	case "w":
		return p.Writable
	case "rw":
		return p.Readable && p.Writable
	}
	return true
}

// answer is the entity that fulfils the row at a place, nil if there is none.
func (r parityRow) answer(d *Device, at parityPlace) *Entity {
	for i, e := range d.Entities {
		if string(e.Platform) == r.platform && r.classFits(e, at) && r.isAt(e, at) {
			return &d.Entities[i]
		}
	}
	return nil
}

// isAt reports whether an entity is the one that the row means.
func (r parityRow) isAt(e Entity, at parityPlace) bool {
	place := locationKey(at.location)
	if r.ours == "=" {
		return slices.ContainsFunc(at.props, func(p thinq.Property) bool {
			return e.Key == place+snake(p.Path.Name) || e.Key == place+snake(p.Path.Resource)+"_"+snake(p.Path.Name)
		})
	}
	if r.mode == "energy" { // a meter of a half has the half in its key
		stem := snake(plainMeter)
		return strings.HasPrefix(e.Key, stem) && strings.HasSuffix(e.Key, strings.TrimPrefix(r.ours, stem))
	}
	return slices.ContainsFunc(strings.Split(r.ours, "|"), func(key string) bool { return e.Key == place+key })
}

// classFits reports whether an entity has the device class of the row. A number
// that nobody can take for a word, or a text without a list, is no enum.
func (r parityRow) classFits(e Entity, at parityPlace) bool {
	if r.class == "" || r.class == "enum" && !slices.ContainsFunc(at.props, func(p thinq.Property) bool { return len(p.Read.Options) > 0 }) {
		return true
	}
	return e.Config["device_class"] == r.class
}

// metered lets a sample have the meters of its energy profile.
func (s sample) metered(t *testing.T, saved thinqtest.Sample) {
	t.Helper()
	if saved.EnergyProfile == nil {
		return
	}
	names, err := thinq.ParseEnergyProfile(saved.EnergyProfile)
	if err != nil {
		t.Fatal(err)
	}
	s.state.Merge(Meters(s.profile, names))
}

// savedHome are the built-in samples and those that THINQ2MQTT_SAMPLES names.
func savedHome(t *testing.T) []thinqtest.Sample {
	t.Helper()
	all := thinqtest.Samples()
	for _, glob := range filepath.SplitList(os.Getenv("THINQ2MQTT_SAMPLES")) {
		folders, err := filepath.Glob(filepath.Join(glob, "profile.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range folders {
			s, err := thinqtest.LoadSample(filepath.Dir(file))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
	}
	return all
}

// TestParity: every entity that Home Assistant's own integration would have of
// a sample is here, too.
func TestParity(t *testing.T) {
	rows := parityRows(t)
	total := 0
	exercised := map[string]bool{}
	for _, r := range rows {
		total += len(r.types)
	}
	if total != 337 {
		t.Errorf("%d rows", total)
	}
	for _, saved := range savedHome(t) {
		s := load(t, saved)
		s.metered(t, saved)
		for _, d := range s.describe(testOptions) {
			kind := kindOf(d)
			for _, r := range rows {
				if !r.concerns(kind) {
					continue
				}
				for _, at := range r.places(s, d, saved.EnergyProfile != nil) {
					exercised[kind+" "+r.platform+" "+r.theirs] = true
					exercised["* "+r.platform+" "+r.theirs] = true
					if r.answer(d, at) == nil {
						t.Errorf("%s: no %s for %s %s at %q (%v)", saved.Name, r.platform, r.theirs, r.class, at.location, pathsOf(at))
					}
				}
			}
		}
	}
	for _, r := range rows {
		for _, kind := range r.types {
			if !exercised[kind+" "+r.platform+" "+r.theirs] {
				t.Errorf("no sample has %s %s %s", kind, r.platform, r.theirs)
			}
		}
	}
}

func pathsOf(at parityPlace) []string {
	var all []string
	for _, p := range at.props {
		all = append(all, p.Path.String())
	}
	return all
}

// kindOf is the type of a device as the table writes it.
func kindOf(d *Device) string {
	kind := strings.TrimPrefix(d.Type, typePrefix)
	if d.Part != "" {
		kind += "/" + d.Part
	}
	return kind
}
