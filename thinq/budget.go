package thinq

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// A Lane says what a call is for, and so which part of the budget it may use.
type Lane int

// The lanes, most urgent first.
const (
	Command    Lane = iota // an order of a person: only LG itself may refuse it
	Start                  // profiles, first states, subscriptions of appliances not seen before
	Background             // reconcile reads, renewals, lists
)

type laneKey struct{}

// WithLane marks the calls made with the returned context. Default Background;
// [Client.Control] is always Command.
func WithLane(ctx context.Context, l Lane) context.Context {
	return context.WithValue(ctx, laneKey{}, l)
}

func laneOf(ctx context.Context) Lane {
	if l, ok := ctx.Value(laneKey{}).(Lane); ok {
		return l
	}
	return Background
}

const (
	budgetWindow = time.Hour // LG's quota is by the hour
	pauseFirst   = 10 * time.Minute
	pauseLongest = 2 * time.Hour
	pauseMemory  = 2 * time.Hour // of peace, after which the next pause is short again
	learntMemory = 24 * time.Hour
	learntLeast  = 20            // calls; refused with fewer, others have used the quota
	grantMemory  = maxRetryAfter // a start may be interrupted for that long
	callsKept    = 1000          // of each lane: bounds memory, far above every quota
)

// A Budget counts calls and pauses them after LG said "too many". One serves
// one account; it can be used from several goroutines. A nil Budget allows
// everything.
//
// It counts in a rolling hour. Commands are never refused for their number.
// Calls of lane Start need a grant, and without one are background calls.
// Background calls have a share of their own and end, too, where the calls of
// all lanes reach the ceiling; a large start leaves them a quarter of the share. After LG refused a call for rate no call of any
// lane is made for a while; then one call goes first, and the others when it
// was answered. The number of calls at which LG refused is remembered for a day
// as a lower ceiling, which then binds Start as well.
type Budget struct {
	perHour, background int

	mu      sync.Mutex
	s       BudgetState
	worth   int  // start calls an hour that the grants of this run justify
	proven  bool // a call was answered since the last pause
	probing bool // the first call after the pause is on its way
}

// BudgetState is what a Budget must remember across restarts.
type BudgetState struct {
	Calls   [3][]time.Time `json:"calls"`             // of the last hour by lane, oldest first
	Start   int            `json:"start,omitempty"`   // start calls granted and not yet used
	StartAt time.Time      `json:"start_at,omitzero"` // when the last of them were granted
	Most    int            `json:"most,omitempty"`    // start calls an hour that the largest start of late justifies
	MostAt  time.Time      `json:"most_at,omitzero"`  // when that was
	Until   time.Time      `json:"until,omitzero"`    // end of the last pause after a refusal
	Pause   time.Duration  `json:"pause,omitempty"`   // its length: the next one is longer
	Learnt  int            `json:"learnt,omitempty"`  // calls per hour at which LG refused; 0 never
}

// A BudgetError says that a call was not made, and when it can be.
type BudgetError struct {
	Until time.Time
	ByLG  bool // LG refused earlier calls; otherwise our own share is used up
}

func (e *BudgetError) Error() string {
	at := e.Until.Local().Format(time.TimeOnly)
	if e.ByLG {
		return "LG refuses calls of this account for now; the next one is at " + at
	}
	return "the hourly share of calls is used up until " + at
}

// Class is Rate.
func (e *BudgetError) Class() Class { return Rate }

// NewBudget makes a budget of calls an hour, of which background calls may use
// a part, that goes on where an earlier run stopped. Grants that the earlier
// run left over count as used: it may have ended before it could save more.
func NewBudget(perHour, backgroundPerHour int, s BudgetState) *Budget {
	now := time.Now()
	b := &Budget{perHour: perHour, background: backgroundPerHour, s: s}
	for l := range b.s.Calls {
		b.s.Calls[l] = nil
		for _, t := range s.Calls[l] {
			b.s.Calls[l] = append(b.s.Calls[l], anchor(t, now, 0))
		}
		b.s.Calls[l] = recent(b.s.Calls[l], now)
	}
	if now.Sub(anchor(s.StartAt, now, 0)) < budgetWindow {
		for range min(max(s.Start, 0), callsKept) {
			b.count(Start, now)
		}
	}
	b.s.Start = 0
	b.s.MostAt, b.s.Until = anchor(s.MostAt, now, 0), anchor(s.Until, now, maxRetryAfter)
	b.proven = b.s.Until.IsZero()
	return b
}

// State is what to save: after Grant, and now and then.
func (b *Budget) State() BudgetState {
	if b == nil {
		return BudgetState{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.s
	for l := range s.Calls {
		s.Calls[l] = recent(slices.Clone(s.Calls[l]), time.Now())
	}
	return s
}

// Grant allows n more calls of lane Start: 4 for every appliance never seen
// before, so that a first start is not throttled. A crash loop is: the start
// calls of one hour, those of earlier runs included, end at twice what the
// largest start of late was granted.
func (b *Budget) Grant(n int) { b.allow(n, 2) }

// Resume allows n more calls of lane Start: one for every appliance that an
// earlier run knew, so that a restart shows at once what is true. Four restarts
// an hour are none that must be throttled.
func (b *Budget) Resume(n int) { b.allow(n, 4) }

// allow grants n start calls, which justify so many times n an hour.
func (b *Budget) allow(n, times int) {
	if b == nil || n <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.s.Start, b.s.StartAt = b.s.Start+n, now
	b.worth += n * times
	if b.worth >= b.s.Most || now.Sub(b.s.MostAt) >= grantMemory {
		b.s.Most, b.s.MostAt = b.worth, now
	}
}

// Share is how many calls an hour are for the background.
func (b *Budget) Share() int {
	if b == nil {
		return math.MaxInt
	}
	return b.background
}

// Left is how many background calls may be made now, and until when LG's
// refusal pauses all calls (zero: no pause).
func (b *Budget) Left() (calls int, pausedUntil time.Time) {
	if b == nil {
		return math.MaxInt, time.Time{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.prune(now)
	if now.Before(b.s.Until) {
		return 0, b.s.Until
	}
	ceiling := b.ceiling(now)
	return max(0, min(b.background-len(b.s.Calls[Background]), ceiling-len(b.s.Calls[Command])-len(b.starts(ceiling))-len(b.s.Calls[Background]))), time.Time{}
}

// Free is when there is a background call left, as far as our own numbers go;
// zero: there is one now.
func (b *Budget) Free() time.Time {
	if b == nil {
		return time.Time{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.prune(now)
	return b.exhausted(now)
}

// A pass is the leave to make one call.
type pass struct {
	at    time.Time
	probe bool
}

// take counts a call or says why it must not be made.
func (b *Budget) take(l Lane) (pass, error) {
	if b == nil {
		return pass{}, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now() // under the lock, so that no call seems to be in the future
	b.prune(now)
	if now.Before(b.s.Until) {
		return pass{}, &BudgetError{Until: b.s.Until, ByLG: true}
	}
	if b.probing && l != Command {
		return pass{}, &BudgetError{Until: now.Add(callTimeout), ByLG: true}
	}
	if l == Start && !b.granted() {
		l = Background
	}
	switch l {
	case Background:
		if until := b.exhausted(now); !until.IsZero() {
			return pass{}, &BudgetError{Until: until}
		}
	case Start:
		b.s.Start--
	}
	b.count(l, now)
	p := pass{at: now, probe: !b.proven && !b.probing}
	b.probing = b.probing || p.probe
	return p, nil
}

// settle takes note of how a call ended.
func (b *Budget) settle(p pass, err error) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.probe {
		b.probing = false
	}
	e, answered := err.(*Error)
	switch {
	case answered && e.Class() == Rate:
		b.refused(e.RetryAfter, time.Now())
	case err == nil || answered:
		b.proven = b.proven || !p.at.Before(b.s.Until)
	}
}

// refused starts a pause. Calls that were under way together are one refusal.
func (b *Budget) refused(after time.Duration, now time.Time) {
	b.proven = false
	if now.Before(b.s.Until) {
		b.s.Until = later(b.s.Until, now.Add(after))
		return
	}
	if now.Sub(b.s.Until) > pauseMemory {
		b.s.Pause = 0
	}
	b.learn(now)
	if after == 0 {
		b.s.Pause = min(max(2*b.s.Pause, pauseFirst), pauseLongest)
		after = time.Duration(float64(b.s.Pause) * (0.8 + 0.4*rand.Float64()))
	}
	b.s.Until = now.Add(after)
}

// learn keeps the number of calls at which LG refused. A refusal soon after
// another says nothing new, because the calls before that one still count.
func (b *Budget) learn(now time.Time) {
	b.prune(now)
	if now.Sub(b.s.Until) > budgetWindow && b.total() >= learntLeast {
		b.s.Learnt = b.total()
	}
}

// ceiling is how many calls of all lanes leave room for background calls in an
// hour: what was asked for, or a fifth less than what LG refused within a day.
func (b *Budget) ceiling(now time.Time) int {
	if b.s.Learnt > 0 && now.Sub(b.s.Until) < learntMemory {
		return min(b.perHour, b.s.Learnt*4/5)
	}
	return b.perHour
}

// starts are the start calls that leave less room for background calls. A start
// may be larger than the ceiling, so the last ones count only, and never for all
// of it: a quarter of the background's share stays.
func (b *Budget) starts(ceiling int) []time.Time {
	all := b.s.Calls[Start]
	return all[max(0, len(all)-max(0, ceiling-b.background/4)):]
}

// rivals are the calls that leave less room for background calls, oldest first.
func (b *Budget) rivals(ceiling int) []time.Time {
	all := slices.Concat(b.s.Calls[Command], b.starts(ceiling), b.s.Calls[Background])
	slices.SortFunc(all, time.Time.Compare)
	return all
}

// exhausted says until when there is no background call left, zero if there is.
func (b *Budget) exhausted(now time.Time) time.Time {
	ceiling := b.ceiling(now)
	return later(freeAt(b.rivals(ceiling), ceiling, now), freeAt(b.s.Calls[Background], b.background, now))
}

// granted says whether a start call may use a grant.
func (b *Budget) granted() bool { return b.s.Start > 0 && len(b.s.Calls[Start]) < b.s.Most }

func (b *Budget) total() (n int) {
	for _, calls := range b.s.Calls {
		n += len(calls)
	}
	return n
}

func (b *Budget) count(l Lane, now time.Time) {
	calls := append(b.s.Calls[l], now)
	b.s.Calls[l] = calls[max(0, len(calls)-callsKept):]
}

func (b *Budget) prune(now time.Time) {
	for l := range b.s.Calls {
		b.s.Calls[l] = recent(b.s.Calls[l], now)
	}
}

// anchor puts a time that an earlier run has written on the clock of this one,
// which goes on steadily however the time of day is set. What is farther away
// than most was written by a wrong clock: a call in the future counts as one of
// now.
func anchor(t, now time.Time, most time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return now.Add(min(t.Sub(now), most))
}

// recent leaves the calls of the last hour.
func recent(calls []time.Time, now time.Time) []time.Time {
	return slices.DeleteFunc(calls, func(t time.Time) bool {
		age := now.Sub(t)
		return age < 0 || age >= budgetWindow
	})
}

// freeAt is when there will be less than limit calls in the window, zero if
// there are.
func freeAt(calls []time.Time, limit int, now time.Time) time.Time {
	switch excess := len(calls) - limit; {
	case excess < 0:
		return time.Time{}
	case excess < len(calls):
		return calls[excess].Add(budgetWindow)
	}
	return now.Add(budgetWindow)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
