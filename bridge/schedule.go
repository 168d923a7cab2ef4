package bridge

import (
	"slices"
	"time"
)

// anchor puts a time that an earlier run has written on the clock of this one,
// which goes on steadily however the time of day is set. It is no farther away
// than most.
func anchor(at time.Time, most time.Duration) time.Time {
	if at.IsZero() {
		return at
	}
	now := time.Now()
	return now.Add(min(at.Sub(now), most))
}

// A schedule is what the loop has to do later, by name: setting a name again
// moves it. It belongs to the loop. The zero value is empty.
type schedule struct {
	named map[string]appointment
	// None is earlier than this; zero: there is none at all. It may be too early,
	// when the first one was moved or cancelled: then the loop turns once in vain,
	// which costs less than searching all of them after every event.
	soon time.Time
}

type appointment struct {
	at time.Time
	do func()
}

// set makes or moves an appointment.
func (s *schedule) set(name string, at time.Time, do func()) {
	if s.named == nil {
		s.named = map[string]appointment{}
	}
	s.named[name] = appointment{at, do}
	s.expect(at)
}

func (s *schedule) expect(at time.Time) {
	if s.soon.IsZero() || at.Before(s.soon) {
		s.soon = at
	}
}

// soonest makes an appointment unless an earlier one stands: the way to
// debounce without starving.
func (s *schedule) soonest(name string, at time.Time, do func()) {
	if old, ok := s.named[name]; !ok || at.Before(old.at) {
		s.set(name, at, do)
	}
}

func (s *schedule) cancel(name string) { delete(s.named, name) }

// next is when to call run again; false if there is nothing to do.
func (s *schedule) next() (at time.Time, ok bool) { return s.soon, !s.soon.IsZero() }

// run does what is due, in the order of time, and reports whether that was
// anything; what it sets anew waits for the next round.
func (s *schedule) run(now time.Time, do func(func())) (did bool) {
	if s.soon.IsZero() || s.soon.After(now) {
		return false
	}
	var due []string
	s.soon = time.Time{}
	for name, a := range s.named {
		if a.at.After(now) {
			s.expect(a.at)
		} else {
			due = append(due, name)
		}
	}
	slices.SortFunc(due, func(a, b string) int { return s.named[a].at.Compare(s.named[b].at) })
	for _, name := range due {
		if a, ok := s.named[name]; ok && !a.at.After(now) {
			delete(s.named, name)
			do(a.do)
		}
	}
	return len(due) > 0
}
