package bridge

import (
	"slices"
	"time"
)

// A schedule is what the loop has to do later, by name: setting a name again
// moves it. It belongs to the loop.
type schedule map[string]appointment

type appointment struct {
	at time.Time
	do func()
}

// set makes or moves an appointment.
func (s schedule) set(name string, at time.Time, do func()) { s[name] = appointment{at, do} }

// soonest makes an appointment unless an earlier one stands: the way to
// debounce without starving.
func (s schedule) soonest(name string, at time.Time, do func()) {
	if old, ok := s[name]; !ok || at.Before(old.at) {
		s.set(name, at, do)
	}
}

func (s schedule) cancel(name string) { delete(s, name) }

// next is when the first appointment is; false if there is none.
func (s schedule) next() (at time.Time, ok bool) {
	for _, a := range s {
		if !ok || a.at.Before(at) {
			at, ok = a.at, true
		}
	}
	return at, ok
}

// run does what is due, in the order of time; what it sets anew waits for the
// next round.
func (s schedule) run(now time.Time) {
	var due []string
	for name, a := range s {
		if !a.at.After(now) {
			due = append(due, name)
		}
	}
	slices.SortFunc(due, func(a, b string) int { return s[a].at.Compare(s[b].at) })
	for _, name := range due {
		if a, ok := s[name]; ok && !a.at.After(now) {
			delete(s, name)
			a.do()
		}
	}
}
