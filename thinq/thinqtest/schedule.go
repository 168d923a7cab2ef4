package thinqtest

import (
	"slices"
	"sync"
	"time"
)

// A schedule runs functions later, one after another on one goroutine, in the
// order of their times; those with equal times as they were added.
type schedule struct {
	mu      sync.Mutex
	jobs    []job // sorted by time
	changed chan struct{}
	quit    chan struct{}
	done    chan struct{}
}

type job struct {
	at time.Time
	do func()
}

func newSchedule() *schedule {
	s := &schedule{changed: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

// at runs do at a time; a time in the past means soon.
func (s *schedule) at(t time.Time, do func()) {
	s.mu.Lock()
	i := len(s.jobs)
	for i > 0 && s.jobs[i-1].at.After(t) {
		i--
	}
	s.jobs = slices.Insert(s.jobs, i, job{t, do})
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *schedule) after(d time.Duration, do func()) { s.at(time.Now().Add(d), do) }

// stop ends the goroutine and waits for the function it may be running.
func (s *schedule) stop() {
	close(s.quit)
	<-s.done
}

func (s *schedule) run() {
	defer close(s.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		do, wait := s.next()
		if do != nil {
			do()
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-s.changed:
		case <-s.quit:
			return
		}
	}
}

// next takes the first function that is due, or says how long to wait for one.
func (s *schedule) next() (do func(), wait time.Duration) {
	select {
	case <-s.quit:
		return nil, time.Hour
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.jobs) == 0 {
		return nil, time.Hour
	}
	if wait = time.Until(s.jobs[0].at); wait > 0 {
		return nil, wait
	}
	do = s.jobs[0].do
	s.jobs = slices.Delete(s.jobs, 0, 1)
	return do, 0
}
