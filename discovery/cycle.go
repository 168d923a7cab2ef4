package discovery

import (
	"maps"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// almostDone is how many minutes may be left of a programme that counts as
// finished when the appliance goes off or says that it is complete: many do so
// with a minute to go.
const almostDone = 2

// jitter is by how much a newly computed time may differ from the shown one
// before it moves.
const jitter = 60 * time.Second

const (
	straggle = 30 * time.Second // so late a report of a finished programme may come
	overtime = 10 * time.Minute // so long a programme may go on after it said that it is complete
)

// A cycle follows the programmes of one place of an appliance.
type cycle struct {
	event                                                 string // key of the event entity
	state                                                 thinq.Path
	phase, open, ended, left, length, finish, count, last thinq.Path // remembered
	remain, total                                         *timer     // nil where there is none
	untilStart, untilFinish                               *timer
}

// A course is what is remembered of the programmes of one place.
type course struct {
	phase  phase
	open   bool      // a programme has begun, and its end was not told yet
	left   float64   // minutes, last heard
	length float64   // minutes, the most that was left of this programme
	finish time.Time // when it will end
	ended  time.Time // when the last one did, while nothing has come after it
	last   time.Time // when one finished
	count  float64   // of those that did
}

// A hearsay is what a change may say that is no value.
type hearsay struct {
	complete bool // LG says that a programme is complete
	lost     bool // the appliance is not connected any more
}

// Advance derives what LG does not say but people want to know from a change at
// a time: when a programme ends, the events of its course, a temperature that
// was reported in the other unit only. now is the state with the change already
// in it; a notification is a change too, see [Notice] and [Lost]. Derived values
// are values of the state like all others and are to be merged into it; most are
// under the resource "derived" and are part of later calls' now. The result is
// nil if nothing is new. Events are in order.
func (d *Device) Advance(now, changed thinq.State, at time.Time) (derived thinq.State, events []Event) {
	into, before := thinq.State{}, now
	d.otherUnit(changed, into)
	if flags := d.raise(now, changed); flags != nil {
		maps.Copy(into, flags)
		now = maps.Clone(now)
		maps.Copy(now, flags)
	}
	d.learnWords(now, changed, into)
	events = slices.Concat(d.noticed(changed, into), d.failures(changed, into))
	heard := hearsay{complete: completes(d.notice(changed)), lost: changed[lostPath] != nil}
	for _, c := range d.cycles {
		if kind := c.advance(now, changed, into, at, heard); kind != "" {
			events = append(events, Event{Key: c.event, Type: kind})
		}
	}
	for _, sift := range d.sieves {
		sift(changed, into)
	}
	d.latched(now, changed, into, events, at)
	for _, remember := range d.memories {
		remember(now, changed, into, at)
	}
	d.tick(now, into, at)
	return news(before, into), events
}

// now is the phase of an appliance as it was last worked out.
func (c *cycle) now(s thinq.State) phase {
	remembered, _ := s[c.phase].(string)
	return phase(remembered)
}

// advance remembers the course of the programme and says what happened.
func (c *cycle) advance(now, changed, into thinq.State, at time.Time, heard hearsay) (kind string) {
	was := c.recall(now)
	name, _ := now[c.state].(string)
	left, timed := c.remain.read(now)
	weighs := weighing[name]
	ph := phaseOf(name, was.phase)
	if ph == active && timed && was.isLate(left, at) {
		ph = was.phase
	}
	kind = was.turn(ph, heard, weighs, left, at)
	is := was.follow(kind, ph, at)
	if is.open && timed && !weighs && (ph == active || ph == paused || ph == ready) {
		is.left, is.length = left, max(is.length, left)
	}
	if kind == "started" || is.finish.IsZero() || is.phase != was.phase || c.isTimed(changed) {
		is.finish = c.finishAt(now, is, at)
	}
	c.remember(into, is)
	return kind
}

// phaseOf is the phase that a word stands for; for a word that is in no list,
// the one before.
func phaseOf(name string, before phase) phase {
	ph, known := phases[name]
	switch {
	case !known:
		return before
	case afterwards[name] && (before == idle || before == done || before == care):
		return care
	}
	return ph
}

// turn is what has happened when a programme has come to a phase: the type of
// the cycle event, empty for nothing. The first look at an appliance is no
// event: nothing has happened, it was so.
func (was course) turn(ph phase, heard hearsay, weighs bool, left float64, at time.Time) string {
	switch {
	case was.phase == "" || ph == "":
		return ""
	case !was.open:
		if ph == active && (was.phase != active || weighs || left > was.left && at.Sub(was.ended) > overtime) {
			return "started"
		}
		return ""
	case was.isOver(ph, heard, weighs, at):
		return "finished"
	case ph == idle:
		return "aborted"
	}
	return turns[change{was.phase, ph}]
}

// isOver reports whether an open programme has finished.
func (was course) isOver(ph phase, heard hearsay, weighs bool, at time.Time) bool {
	almost := !weighs && was.isAlmostDone(at)
	switch ph {
	case done, care, docked:
		return true
	case idle:
		return almost
	case returning:
		return heard.complete
	}
	return almost && (heard.complete || heard.lost)
}

// isAlmostDone reports whether a programme had come to its last minutes, by what
// the appliance said or by the clock. Of a very short one that is its second
// half.
func (was course) isAlmostDone(at time.Time) bool {
	minutes := min(almostDone, was.length/2)
	if was.length == 0 {
		return false
	}
	return was.left <= minutes || !was.finish.IsZero() && !at.Before(was.finish.Add(-inMinutes(minutes)))
}

// isLate reports whether a report that an appliance runs is one of the programme
// that has just ended: reports may overtake each other.
func (was course) isLate(left float64, at time.Time) bool {
	if was.open || was.ended.IsZero() || was.phase == active || at.Sub(was.ended) > straggle {
		return false
	}
	return left < was.left || left == was.left && left <= almostDone
}

// A change of phase within a programme.
type change struct{ from, to phase }

// turns are the changes within a programme that have a name; every other one
// has none.
var turns = map[change]string{
	{active, paused}: "paused", {ready, paused}: "paused",
	{paused, active}: "resumed", {failed, active}: "resumed", {returning, active}: "resumed",
	{active, failed}: "error", {paused, failed}: "error", {ready, failed}: "error", {returning, failed}: "error", {waiting, failed}: "error",
}

// follow is the course after what has happened.
func (was course) follow(kind string, ph phase, at time.Time) course {
	is := was
	is.phase = ph
	switch {
	case was.phase == "":
		is.open = ph == active || ph == paused || ph == ready || ph == returning
	case kind == "started":
		is.open, is.left, is.length, is.ended = true, 0, 0, time.Time{}
	case kind == "finished":
		is.open, is.ended = false, at
		is.count, is.last = is.count+1, at
		if !was.finish.IsZero() && at.Sub(was.finish) > overtime {
			is.last = was.finish // at the time nobody said so
		}
	case kind == "aborted":
		is.open, is.ended = false, at
	case !is.open && ph != was.phase && was.phase != active:
		is.ended = time.Time{}
	}
	return is
}

// finishAt is when the programme will end, zero if nobody knows: as before
// unless it has moved by more than the jitter.
func (c *cycle) finishAt(now thinq.State, is course, at time.Time) time.Time {
	minutes, known := c.untilEnd(now, is.phase)
	if !known {
		return time.Time{}
	}
	if minutes == 0 { // the last minute, or a machine that still weighs
		return is.finish
	}
	return settled(is.finish, at.Add(inMinutes(minutes)))
}

// isTimed reports whether a change says anew how long it takes.
func (c *cycle) isTimed(changed thinq.State) bool {
	for _, t := range []*timer{c.remain, c.total, c.untilStart, c.untilFinish} {
		if t.isIn(changed) {
			return true
		}
	}
	return false
}

// settled is the time shown where a new one is worked out: the old one, unless
// the new one differs by more than the jitter.
func settled(old, fresh time.Time) time.Time {
	if !old.IsZero() && fresh.Sub(old).Abs() <= jitter {
		return old
	}
	return fresh
}

// inMinutes is a number of minutes as a span, exact to the second that LG counts.
func inMinutes(f float64) time.Duration {
	return time.Duration(f * float64(time.Minute)).Round(time.Second)
}

// untilEnd is the time to the end in minutes.
func (c *cycle) untilEnd(now thinq.State, ph phase) (float64, bool) {
	left, known := c.remain.read(now)
	switch ph {
	case active:
		return left, known
	case waiting:
		if stop, ok := c.untilFinish.readSet(now); ok {
			return stop, true
		}
		if left == 0 {
			left, known = c.total.readSet(now)
		}
		start, ok := c.untilStart.readSet(now)
		return start + left, ok && known
	}
	return 0, false
}

// recall reads what is remembered.
func (c *cycle) recall(s thinq.State) course {
	open, _ := s[c.open].(bool)
	left, _ := s[c.left].(float64)
	length, _ := s[c.length].(float64)
	count, _ := s[c.count].(float64)
	return course{
		phase: c.now(s), open: open, left: left, length: length, count: count,
		finish: timeAt(s, c.finish), ended: timeAt(s, c.ended), last: timeAt(s, c.last),
	}
}

// remember writes what [cycle.recall] reads.
func (c *cycle) remember(into thinq.State, is course) {
	into[c.phase] = nil
	if is.phase != "" {
		into[c.phase] = string(is.phase)
	}
	into[c.open], into[c.left], into[c.length], into[c.count] = is.open, is.left, is.length, is.count
	into[c.finish], into[c.ended], into[c.last] = timeValue(is.finish), timeValue(is.ended), timeValue(is.last)
}

// timeAt is a remembered time, zero if there is none.
func timeAt(s thinq.State, p thinq.Path) time.Time {
	text, _ := s[p].(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// timeValue is a time as a value of a state, nil for zero.
func timeValue(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return stamp(at)
}
