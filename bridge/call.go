package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// flight is how many background calls may be under way at once (LG blocks
// clients that call in parallel without restraint).
const flight = 2

// The order of background calls that wait: lower goes first.
const (
	orderList = iota
	orderAsked
	orderFirst // profile and first state, appliance by appliance
	orderRenewal
	orderSubscribe
	orderRead
	orderProfile
	orderEnergy
)

// A call that takes so long leaves its place to others: an appliance that hangs
// in LG's cloud delays nobody (F-010). At most so many do.
const (
	patientFor = 2 * time.Second
	hangMost   = 2
)

// spareWait is when to look again whether calls are left for energy.
const spareWait = 5 * time.Minute

// A job is a background call that waits for its turn.
type job struct {
	name     string // at most one of a name waits
	kind     string // list, profile, state, push, event, lifecycle, subscriptions, energy
	order    int
	lane     thinq.Lane
	owner    *device // nil: the account
	optional bool    // its turn comes again anyway
	after    time.Time
	tries    int
	hangs    bool // under way for long
	// waits are before the next tries where LG refuses for a reason that needs none.
	waits  []time.Duration
	before func() // runs inside of the loop when its turn has come; may be nil
	// call runs outside of the loop; what it returns is done inside.
	call func(ctx context.Context) (apply func(), err error)
	// failed, if set, is told of every failure; gone, that the call will not be made
	// again. Both may be nil.
	failed func(err error)
	gone   func(err error)
}

// enqueue adds a job, unless one of its name waits already: then the sooner
// time and the more urgent order count.
func (b *Bridge) enqueue(j *job) {
	b.stirred = true
	i := slices.IndexFunc(b.jobs, func(old *job) bool { return old.name == j.name })
	if i < 0 {
		b.jobs = append(b.jobs, j)
		return
	}
	old := b.jobs[i]
	j.order, j.lane = min(j.order, old.order), min(j.lane, old.lane)
	if old.after.Before(j.after) {
		j.after = old.after
	}
	b.jobs[i] = j
}

// asking reports whether a call for an appliance waits already, perhaps for the time
// of its next try.
func (b *Bridge) asking(kind string, d *device) bool {
	return slices.ContainsFunc(b.jobs, func(j *job) bool { return j.name == kind+" "+d.info.ID })
}

// rank puts the events of appliances first that take commands: LG may not allow
// subscriptions for all (F-028).
func (j *job) rank() int {
	if j.kind == "event" && j.owner.profile != nil && !j.owner.commandable() {
		return 1
	}
	return 0
}

func (d *device) commandable() bool {
	return slices.ContainsFunc(d.profile.Properties, func(p thinq.Property) bool { return p.Writable })
}

// forget drops the jobs of an appliance.
func (b *Bridge) forget(d *device) {
	b.jobs = slices.DeleteFunc(b.jobs, func(j *job) bool { return j.owner == d })
}

// dispatch starts everything that may start now.
func (b *Bridge) dispatch(ctx, events context.Context) {
	b.nextOrders(ctx)
	if !b.stirred {
		return
	}
	b.stirred = false
	b.listen(events)
	for b.running < b.slots() {
		j := b.choose(time.Now())
		if j == nil {
			return
		}
		b.launch(ctx, j)
	}
}

// nextOrders moves all commands on.
func (b *Bridge) nextOrders(ctx context.Context) {
	for _, d := range slices.SortedFunc(maps.Keys(b.busy), byPlace) {
		b.guard(d, func() { b.next(ctx, d) })
		if d.orders.idle() {
			delete(b.busy, d)
		}
	}
}

// slots is how many background calls may run: one less while the event
// connection makes its own, and a single probe while the account is refused.
func (b *Bridge) slots() int {
	switch {
	case b.stopping:
		return 0
	case b.account.tries > 0:
		return 1
	case b.push.preparing:
		return flight - 1
	}
	return flight + min(b.hanging, hangMost)
}

// choose takes the next job that may run, and sees to it that the loop wakes
// when a later one may.
func (b *Bridge) choose(now time.Time) *job {
	if len(b.jobs) == 0 {
		return nil
	}
	background, start := b.allowed(now)
	slices.SortStableFunc(b.jobs, func(x, y *job) int {
		return cmp.Or(cmp.Compare(x.order, y.order), cmp.Compare(x.rank(), y.rank()))
	})
	spare := b.sparing()
	var wake time.Time
	for i, j := range b.jobs {
		ready := background
		if j.lane != thinq.Background {
			ready = start
		}
		if j.order == orderEnergy && spare && !ready.After(now) {
			ready = now.Add(spareWait)
		}
		if j.after.After(ready) {
			ready = j.after
		}
		switch {
		case !b.possible(j):
		case !ready.After(now):
			b.jobs = slices.Delete(b.jobs, i, i+1)
			return j
		case wake.IsZero() || ready.Before(wake):
			wake = ready
		}
	}
	if !wake.IsZero() {
		b.later.set("jobs", wake, func() {})
	}
	return nil
}

// allowed is when the next background call and the next start call may be made.
func (b *Bridge) allowed(now time.Time) (background, start time.Time) {
	background, start = b.account.until, b.account.until
	left, paused := b.o.Budget.Left()
	if paused.After(background) {
		background, start = paused, paused
	}
	if left <= 0 && !background.After(now) {
		background = now.Add(30 * time.Second)
	}
	return background, start
}

// unasked is why so many background calls would not be made at once; nil if they
// would.
func (b *Bridge) unasked(calls int) error {
	left, paused := b.o.Budget.Left()
	if until := latest(paused, b.account.until); until.After(time.Now()) {
		return fmt.Errorf("LG is asked nothing until %s", until.Format(time.TimeOnly))
	}
	if left < calls {
		return errors.New("the hourly share of calls is used up: try again later")
	}
	return nil
}

// possible reports whether nothing stands in the way of a job: one read of an
// appliance at a time, subscriptions only when LG knows us.
func (b *Bridge) possible(j *job) bool {
	if j.owner != nil && j.order != orderAsked && time.Now().Before(j.owner.lost) {
		return false
	}
	switch j.kind {
	case "state":
		return !j.owner.reading
	case "push", "event", "lifecycle", "subscriptions":
		return b.push.registered
	}
	return true
}

func (b *Bridge) launch(ctx context.Context, j *job) {
	b.running++
	if j.order == orderEnergy {
		b.energy.fed = time.Now()
	}
	if j.before != nil {
		b.guard(j.owner, j.before)
	}
	if j.kind == "state" {
		j.owner.reading, j.owner.begun = true, time.Now()
		j.owner.reported = nil
	}
	b.m.cloudInFlight.WithLabelValues(b.o.Account).Inc()
	if j.kind == "state" {
		b.later.set("hangs "+j.name, time.Now().Add(patientFor), func() { j.hangs, b.hanging = true, b.hanging+1 })
	}
	b.work.Go(func() {
		if j.lane == thinq.Background {
			b.reserve() // those of a start are in its grants
		}
		apply, err := b.try(thinq.WithLane(ctx, j.lane), j)
		b.post(ctx, func() { b.answered(j, apply, err) })
	})
}

// try makes a call. A fault of ours in it is the call's alone.
func (b *Bridge) try(ctx context.Context, j *job) (apply func(), err error) {
	defer b.contain("call", j.name, &err)
	return j.call(ctx)
}

// contain, deferred by what does not run in the loop, makes an error of a panic.
func (b *Bridge) contain(component, what string, err *error) {
	if cause := recover(); cause != nil {
		b.m.restarts.WithLabelValues(component, "panic").Inc()
		b.log.Error("fault in the bridge", "of", component, "name", what, "cause", cause, "stack", string(debug.Stack()))
		*err = fmt.Errorf("a fault in the bridge: %v", cause)
	}
}

// answered is where every background call ends.
func (b *Bridge) answered(j *job, apply func(), err error) {
	b.running--
	b.m.cloudInFlight.WithLabelValues(b.o.Account).Dec()
	if j.kind == "state" {
		j.owner.reading = false
		b.later.cancel("hangs " + j.name)
		if j.hangs {
			j.hangs, b.hanging = false, b.hanging-1
		}
	}
	b.spent()
	defer b.awaitLifecycle()
	if j.owner != nil && b.devices[j.owner.info.ID] != j.owner {
		return // removed meanwhile
	}
	class, r := b.judgeRefusal(err)
	if err == nil || r.effect == effectDone {
		b.succeeded()
		b.guard(j.owner, apply)
		return
	}
	b.log.Debug("call failed", "call", j.name, "class", class, "err", err)
	if until, own := local(err); own {
		b.m.cloudThrottled.WithLabelValues(b.o.Account, "local", j.kind).Inc()
		j.after = until
		b.enqueue(j)
		return
	}
	if j.owner == nil || class != thinq.Blocked {
		b.refused(err)
	}
	if j.failed != nil {
		b.guard(j.owner, func() { j.failed(err) })
	}
	if j.kind == "energy" && class == thinq.Blocked {
		r.waits = nil // a permission does not come by asking again
	}
	if class == thinq.Unknown && j.owner != nil {
		j.owner.trouble = sentence(err)
	}
	b.affect(j, r.effect, err)
	if len(r.waits) == 0 && r.effect != effectUnsupported && r.effect != effectExcess {
		r.waits = j.waits
	}
	b.again(j, r, class, err)
}

// again puts a failed job back, or gives it up.
func (b *Bridge) again(j *job, r reaction, class thinq.Class, err error) {
	switch {
	case len(r.waits) == 0, j.optional && j.tries >= tries && !r.halt:
		if j.gone != nil {
			b.guard(j.owner, func() { j.gone(err) })
		}
	default:
		if !r.halt || class == thinq.Busy {
			j.after = time.Now().Add(r.wait(j.tries))
		}
		if j.owner != nil && j.tries >= tries {
			j.owner.trouble = sentence(err)
		}
		j.tries++
		b.enqueue(j)
	}
}

// affect does to the appliance what a refusal says about it.
func (b *Bridge) affect(j *job, e effect, err error) {
	d := j.owner
	if d == nil {
		return
	}
	switch e {
	case effectAway:
		if j.kind != "energy" && time.Since(d.seen) >= burstQuiet { // meters are asked in LG's memory; a report of just now knows better
			b.away(d)
		}
	case effectDoubt:
		if j.kind == "event" || j.kind == "push" { // who grants those may hear of an appliance later
			b.verify(d)
		} else {
			b.doubt(d)
		}
	case effectExcess:
		b.exceeded(d)
	case effectLost:
		b.orphaned(d, err)
	case effectUnsupported:
		if j.kind == "event" {
			d.granted = time.Time{}
		}
		d.unsupported[j.kind] = true
		if j.kind == "state" || j.kind == "profile" {
			d.problem = sentence(err)
		}
	}
}
