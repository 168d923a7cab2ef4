package discovery

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// Sources says for every entity which values of the appliance it follows, in
// path order; those that are made of several, and those that the bridge works
// out itself, too. A notification is the path notification.CODE. It finds out by
// trying: everything that the profile lists is reported in turn. It is for people
// who look, and takes its time.
func (d *Device) Sources(p *thinq.Profile, s thinq.State, at time.Time) map[string][]thinq.Path {
	t := &trial{device: d, at: at, found: map[string]map[thinq.Path]bool{}, entities: map[string][]string{}}
	for _, e := range d.Entities {
		if e.Gate != "" {
			t.entities[e.Gate] = append(t.entities[e.Gate], e.Key)
		}
		for _, b := range e.Bindings {
			t.entities[b.Attr] = append(t.entities[b.Attr], e.Key)
			for _, q := range b.Props {
				t.note(e.Key, q.Path)
			}
		}
	}
	for _, base := range t.bases(p, s) {
		t.reportAll(p, base)
		t.tellAll(base)
	}
	delete(t.found, lastUpdateKey) // which follows all of them, and says nothing about any
	sources := make(map[string][]thinq.Path, len(t.found))
	for key, paths := range t.found {
		sources[key] = slices.SortedFunc(maps.Keys(paths), thinq.Path.Compare)
	}
	return sources
}

// A trial is one search for what entities follow.
type trial struct {
	device   *Device
	at       time.Time
	entities map[string][]string // by attribute
	found    map[string]map[thinq.Path]bool
}

func (t *trial) note(entity string, p thinq.Path) {
	if t.found[entity] == nil {
		t.found[entity] = map[thinq.Path]bool{}
	}
	t.found[entity][p] = true
}

// bases are states to start from: the present one, and that of every run state
// with all that can be allowed, because a remaining time counts only while
// something runs, and a start only where it is possible.
func (t *trial) bases(p *thinq.Profile, s thinq.State) []thinq.State {
	bases := []thinq.State{maps.Clone(s)}
	s = maps.Clone(s)
	for _, q := range p.Properties {
		if q.Type == thinq.Bool && q.Readable {
			s[q.Path] = true
		}
	}
	for _, q := range p.Properties {
		if q.Path.Part != t.device.Part || q.Path.Key() != laundryProgramme.State {
			continue
		}
		for _, v := range q.Read.Options {
			base := maps.Clone(s)
			base[q.Path] = v
			derived, _ := t.device.Advance(base, thinq.State{q.Path: v}, t.at)
			base.Merge(derived)
			bases = append(bases, base)
		}
	}
	return bases
}

// reportAll reports every value of the profile.
func (t *trial) reportAll(p *thinq.Profile, base thinq.State) {
	shown := t.show(base)
	for _, q := range p.Properties {
		for _, v := range tries(q) {
			if q.Path.Part == t.device.Part && base[q.Path] != v {
				t.report(base, shown, q.Path, v)
			}
		}
	}
}

// tellAll reports every error, and tells every notification.
func (t *trial) tellAll(base thinq.State) {
	shown, d := t.show(base), t.device
	for _, c := range d.coverage {
		for _, code := range append([]string{"ANY_ERROR"}, d.errors.mine...) {
			if c.Path.Resource == errorResource {
				t.report(base, shown, c.Path, code)
			}
		}
	}
	for _, code := range d.notices.mine {
		t.follow(maps.Clone(base), Notice(code), shown, thinq.Path{Resource: noticePath.Resource, Name: code})
	}
}

// tries are some values that a property may be reported with.
func tries(q thinq.Property) []any {
	switch {
	case !q.Readable:
		return nil
	case len(q.Read.Options) > 0:
		return q.Read.Options
	case q.Type == thinq.Bool:
		return []any{true, false}
	case q.Read.Limited:
		return []any{q.Read.Min, q.Read.Max}
	case isNumeric(q):
		return []any{0.0, 7.0}
	}
	return nil
}

// show is what every attribute shows.
func (t *trial) show(s thinq.State) [][]byte {
	shown := make([][]byte, len(t.device.columns))
	for i, c := range t.device.columns {
		shown[i] = c.show(nil, s)
	}
	return shown
}

// report reports one value, and notes what becomes different.
func (t *trial) report(base thinq.State, before [][]byte, p thinq.Path, v any) {
	now := maps.Clone(base)
	now[p] = v
	t.follow(now, thinq.State{p: v}, before, p)
}

// follow makes a change known, and notes what becomes different.
func (t *trial) follow(now, changed thinq.State, before [][]byte, p thinq.Path) {
	derived, events := t.device.Advance(now, changed, t.at)
	now.Merge(derived)
	for i, c := range t.device.columns {
		if !bytes.Equal(before[i], c.show(nil, now)) {
			for _, entity := range t.entities[c.key] {
				t.note(entity, p)
			}
		}
	}
	for _, e := range events {
		if p.Resource != noticePath.Resource || e.Key != t.device.notices.key {
			t.note(e.Key, p)
		}
	}
}
