package discovery

import (
	"bytes"
	"maps"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// TestNoAnnouncementGoesStale: after every report that makes another description,
// Affected asks for it, and a description that is shared shows what an own one
// would.
func TestNoAnnouncementGoesStale(t *testing.T) {
	for _, saved := range savedHome(t) {
		t.Run(saved.Name, func(t *testing.T) {
			t.Parallel()
			s := load(t, saved)
			model := NewModel(s.profile)
			before := s.describe(testOptions)
			model.Describe(s.device, s.state, testOptions)
			for _, q := range s.profile.Properties {
				for _, v := range append(tries(q), nil, "NEW_WORD", 3.0) {
					if q.Readable {
						s.reported(t, model, before, q.Path, v)
					}
				}
			}
		})
	}
}

// reported lets an appliance report one value.
func (s sample) reported(t *testing.T, model *Model, before []*Device, p thinq.Path, v any) {
	t.Helper()
	now, changed := maps.Clone(s.state), thinq.State{p: v}
	now[p] = v
	affected := false
	for _, d := range before {
		derived, _ := d.Advance(now, changed, noon)
		affected = affected || d.Affected(now, changed) || d.Affected(now, now.Merge(derived))
	}
	own, shared := Describe(s.device, s.profile, now, testOptions), model.Describe(s.device, now, testOptions)
	for i, d := range own {
		if !affected && !bytes.Equal(d.Announcement(), before[i].Announcement()) {
			t.Errorf("%s = %v: the announcement is stale", p, v)
		}
		if have, want := shared[i].Payload(now), d.Payload(now); !bytes.Equal(have, want) {
			t.Errorf("%s = %v: shared\n%s\nown\n%s", p, v, have, want)
		}
		if !bytes.Equal(shared[i].Announcement(), d.Announcement()) {
			t.Errorf("%s = %v: the shared announcement differs", p, v)
		}
		if !affected { // what is described no more must do as well
			if have, want := before[i].Payload(now), d.Payload(now); !bytes.Equal(have, want) {
				t.Errorf("%s = %v: before\n%s\nafter\n%s", p, v, have, want)
			}
		}
	}
}
