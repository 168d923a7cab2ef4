package discovery

import (
	"slices"
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// TestKeysStay: a property that LG adds one day, whatever it is called, makes no
// key stand for two entities, and takes none from a composite.
func TestKeysStay(t *testing.T) {
	for _, saved := range thinqtest.Samples() {
		s := load(t, saved)
		s.metered(t, saved)
		before := s.describe(testOptions)
		for i, d := range before {
			grown := s
			grown.profile = withNamesakes(s.profile, d)
			platforms := map[string]Platform{}
			for _, e := range grown.describe(testOptions)[i].Entities {
				if have, double := platforms[e.Key]; double {
					t.Errorf("%s: %s is %q and %q", saved.Name, e.Key, have, e.Platform)
				}
				platforms[e.Key] = e.Platform
			}
			for _, e := range d.Entities {
				if reserved[e.Key] && platforms[e.Key] != e.Platform {
					t.Errorf("%s: %s was %q and is %q", saved.Name, e.Key, e.Platform, platforms[e.Key])
				}
			}
		}
	}
}

// withNamesakes adds to a profile a property for every key of a device.
func withNamesakes(p *thinq.Profile, d *Device) *thinq.Profile {
	grown := *p
	grown.Properties = slices.Clone(p.Properties)
	for _, c := range d.columns {
		words := strings.Split(c.key, "_")
		for i, w := range words[1:] {
			words[i+1] = strings.ToUpper(w[:1]) + w[1:]
		}
		path := thinq.Path{Part: d.Part, Resource: "zzz", Name: strings.Join(words, "")}
		grown.Properties = append(grown.Properties, thinq.Property{Path: path, Type: thinq.Text, Readable: true})
	}
	slices.SortFunc(grown.Properties, func(a, b thinq.Property) int { return a.Path.Compare(b.Path) })
	return &grown
}
