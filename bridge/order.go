package bridge

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

const (
	mergeWindow = 100 * time.Millisecond // commands within it travel together
	lateMost    = 2 * commandQueue       // commands that are looked back at
	stepWait    = 2 * time.Second        // for the report of a call before the next
	confirmWait = 10 * time.Second       // for the report of a command before a read
	decideWait  = 30 * time.Second       // for that read
)

// orders are the commands of one appliance. Wishes go out one at a time.
type orders struct {
	waiting []*command
	flying  *batch
	calling context.CancelCauseFunc    // gives up the call under way, maybe of a batch that is itself given up; nil: there is none
	called  time.Time                  // when it began
	open    []*command                 // sent, not yet confirmed
	begun   time.Time                  // when the last batch went out
	done    time.Time                  // when LG answered it
	limits  map[string]*limit          // by slug and attribute
	starts  map[thinq.Path][]time.Time // of heat, lately, by place
	acted   *command                   // the last one sent whose effect no state shows
	lately  []*command                 // what matters to what follows within the window
}

// A batch is a set of commands that travel together, as calls in order.
type batch struct {
	half     *half
	commands []*command
	calls    []thinq.State
	answered time.Time
	risky    bool         // the owner's leave was needed for it
	heat     []thinq.Path // where it starts heat
	recorded bool         // a line of each command stands in the record
}

func (o *orders) idle() bool {
	return len(o.waiting) == 0 && o.flying == nil && len(o.open) == 0
}

// sent are the commands of which a call went out.
func (o *orders) sent() []*command {
	if o.flying == nil {
		return o.open
	}
	return append(slices.Clone(o.open), o.flying.commands...)
}

func (o *orders) all() []*command { return append(slices.Clone(o.waiting), o.sent()...) }

// sweep forgets what has ended.
func (o *orders) sweep() {
	ended := func(c *command) bool { return c.ended }
	o.waiting = slices.DeleteFunc(o.waiting, ended)
	o.open = slices.DeleteFunc(o.open, ended)
}

// next moves the commands of an appliance on, as far as they can go now.
func (b *Bridge) next(ctx context.Context, d *device) {
	o := &d.orders
	if o.idle() {
		return
	}
	now := time.Now()
	b.expireOrders(d, now)
	b.press(d, now)
	if o.flying == nil && o.calling == nil && len(o.waiting) > 0 {
		b.pick(d, now)
	}
	if o.flying != nil {
		b.step(ctx, d, now)
	}
}

// wakeFor makes the loop turn again at a time, for an appliance's commands.
func (b *Bridge) wakeFor(d *device, at time.Time) {
	b.later.soonest("orders "+d.info.ID, at, func() {})
}

// expireOrders ends what waited too long, and asks for a read where a report
// did not come.
func (b *Bridge) expireOrders(d *device, now time.Time) {
	for _, c := range d.orders.waiting {
		if end := c.received.Add(commandLife); now.Before(end) {
			b.wakeFor(d, end)
		} else {
			b.outlived(c)
			b.publishState(d, true) // a dashboard that shows the wish snaps back
		}
	}
	for _, c := range d.orders.open {
		b.chase(d, c, now)
	}
	d.orders.sweep()
}

// chase sees to it that a command that was sent ends.
func (b *Bridge) chase(d *device, c *command, now time.Time) {
	limit := c.sent.Add(confirmWait)
	switch {
	case c.asked.IsZero() && now.Before(limit):
		b.wakeFor(d, limit)
	case c.asked.IsZero():
		c.asked = now
		b.wakeFor(d, now.Add(decideWait))
		b.readAs(d, orderAsked, thinq.Command, "confirm", true)
	case now.Before(c.asked.Add(decideWait)):
		b.wakeFor(d, c.asked.Add(decideWait))
	default:
		b.end(c, unknown, noAnswer(c.doubt))
	}
}

// pick makes the next batch, if its time has come.
func (b *Bridge) pick(d *device, now time.Time) {
	o := &d.orders
	group := b.ripe(d)
	if len(group) == 0 {
		return
	}
	if at := o.readyAt(group); at.After(now) {
		b.wakeFor(d, at)
		return
	}
	calls, group, why := wishOf(group, d.assumed())
	if end := group[0].received.Add(mergeWindow); why != nil && why.alone && now.Before(end) {
		b.wakeFor(d, end)
		return
	}
	if why != nil {
		b.end(group[0], rejected, why)
		b.publishState(d, true)
		o.sweep()
		b.wakeFor(d, now)
		return
	}
	calls = b.keepLocal(d, calls)
	assumed := d.assumed()
	risky, heat := group[0].half.Risky(calls, assumed)
	if why := o.overheated(heat, now); why != nil {
		b.cool(d, group, why)
		b.wakeFor(d, now)
		return
	}
	for _, c := range group {
		c.aim(d, assumed, calls)
	}
	b.depart(d, group, calls, now)
	if f := o.flying; f != nil {
		f.risky, f.heat = risky, heat
		o.ignite(heat, now)
	}
}

// keepLocal fulfils what of a wish is for the bridge itself to remember, and
// returns the calls that are for LG.
func (b *Bridge) keepLocal(d *device, calls []thinq.State) []thinq.State {
	local := thinq.State{}
	rest := slices.DeleteFunc(calls, func(call thinq.State) bool {
		if discovery.Local(call) {
			maps.Copy(local, call)
		}
		return discovery.Local(call)
	})
	if changed := d.state.Merge(local); changed != nil {
		b.derive(d, changed, false)
		b.publishState(d, false)
		b.dirty()
	}
	return rest
}

// wishOf merges commands into calls; the last value of an attribute wins, and
// what they would undo is wished for again. If they do not go together the first
// goes alone.
func wishOf(group []*command, now thinq.State) ([]thinq.State, []*command, *rejection) {
	var wishes []map[string]string
	for _, c := range group {
		wishes = append(wishes, c.repeats()...)
	}
	for _, c := range group {
		wishes = append(wishes, c.attrs)
	}
	calls, err := group[0].half.Wishes(wishes, now)
	if err != nil && len(group) > 1 {
		group = group[:1]
		calls, err = group[0].half.Wish(group[0].attrs, now)
	}
	if err != nil {
		return nil, group, refusedWish(err)
	}
	return calls, group, nil
}

// repeats are the wishes that a command must not undo. One that ended without
// effect is over: its sender was told so.
func (c *command) repeats() (wishes []map[string]string) {
	for _, old := range c.again {
		if !old.ended || old.status == confirmed {
			wishes = append(wishes, old.attrs)
		}
	}
	return wishes
}

// depart makes a batch of commands and their calls.
func (b *Bridge) depart(d *device, group []*command, calls []thinq.State, now time.Time) {
	o := &d.orders
	o.waiting = slices.DeleteFunc(o.waiting, func(c *command) bool { return slices.Contains(group, c) })
	b.count(d, group, calls, now)
	for _, c := range group {
		c.sent = now
		b.supersede(o.open, c)
		if len(c.goal) == 0 {
			b.end(c, confirmed, nil) // it is so already, and nothing under way changes that
		}
	}
	o.act(group)
	o.sweep()
	if len(calls) == 0 {
		b.await(d, group)
		return
	}
	o.begun = now
	o.flying = &batch{half: group[0].half, commands: group, calls: calls}
}

// await handles wishes that will be fulfilled by what was sent before.
func (b *Bridge) await(d *device, group []*command) {
	for _, c := range group {
		if !c.ended {
			c.taken = true
			d.orders.open = append(d.orders.open, c)
		}
	}
}

// aim works out what the appliance must show for a command: what differs from
// the state, or from what it will be when all that was sent is done; without
// companions that are as they are and without what another command of the batch
// overrides.
func (c *command) aim(d *device, assumed thinq.State, calls []thinq.State) {
	all := thinq.State{}
	for _, call := range calls {
		maps.Copy(all, call)
	}
	before, after := unsettled(d.state, all), unsettled(assumed, all)
	now, whyNow := c.half.Wish(c.attrs, before)
	then, whyThen := c.half.Wish(c.attrs, after)
	if whyNow != nil && whyThen != nil {
		now = calls // it was right only together with the others
	}
	c.goal = thinq.State{}
	for _, call := range slices.Concat(now, then) {
		for p, v := range call {
			if final, sent := all[p]; sent && final != v || before[p] == v && after[p] == v {
				continue
			}
			c.goal[p] = v
		}
	}
	c.shown = c.half.Look(c.goal, d.state).Missing == 0
}

// unsettled is a state in which nobody knows what is about to be set although it
// is so already: a new mode is about to reset it.
func unsettled(s, wish thinq.State) thinq.State {
	s = maps.Clone(s)
	maps.DeleteFunc(s, func(p thinq.Path, v any) bool { return discovery.Fleeting(p) && wish[p] == v && v != nil })
	return s
}

// readyAt is when a batch may go: after the window, after the pace of numbers,
// and, unless it only corrects what was sent, after the report of the last one.
func (o *orders) readyAt(group []*command) time.Time {
	at := o.begun.Add(mergeWindow)
	if o.begun.IsZero() {
		at = time.Time{}
	}
	if group[0].urgent {
		return at
	}
	if numeric(group) && !slices.ContainsFunc(group, func(c *command) bool { return c.safe }) {
		at = latest(at, o.pace(group))
	}
	for _, c := range o.open {
		if c.asked.IsZero() && !slices.ContainsFunc(group, func(n *command) bool { return covers(n.attrs, c.attrs) }) {
			return latest(at, o.done.Add(stepWait))
		}
	}
	return at
}

// link notes what a command belongs to: a dashboard sends mode and target as two
// messages, in whatever order, and LG resets the target with the mode. What comes
// right after an order to be off belongs to a scene that is off.
func (o *orders) link(c *command, now thinq.State) {
	on, off := c.half.Switches(c.attrs, now)
	o.lately = slices.DeleteFunc(o.lately, func(old *command) bool {
		_, ended := old.half.Switches(old.attrs, now)
		return c.received.Sub(old.received) > mergeWindow || on && ended && old.half == c.half
	})
	for _, old := range o.lately {
		if old.half == c.half && (c.half.Modal(c.attrs) || !c.half.Undone(old.attrs)) {
			c.again = append(c.again, old)
		}
	}
	if c.half.Undone(c.attrs) || off {
		o.lately = append(o.lately[max(0, len(o.lately)+1-lateMost):], c)
	}
}

func numeric(group []*command) bool {
	for _, c := range group {
		for _, text := range c.attrs {
			if _, err := strconv.ParseFloat(text, 64); err != nil {
				return false
			}
		}
	}
	return true
}

func latest(x, y time.Time) time.Time {
	if x.After(y) {
		return x
	}
	return y
}

// step makes the next call of the batch when the one before was reported.
func (b *Bridge) step(ctx context.Context, d *device, now time.Time) {
	f := d.orders.flying
	switch at := f.answered.Add(stepWait); {
	case d.orders.calling != nil:
		return
	case !f.answered.IsZero() && !f.shown(d.state) && at.After(now) && d.orders.urgent() == nil:
		b.wakeFor(d, at)
		return
	case !f.answered.IsZero():
		f.calls = f.calls[1:]
		b.yield(d, f)
		if b.outdate(d, f, now); len(f.calls) == 0 {
			b.taken(d, f)
			return
		}
	}
	body, err := d.profile.Encode(f.calls[0])
	if err != nil {
		b.log.Error("a wish cannot be encoded", "device", d.slug, "err", err)
		b.reject(d, f, &rejection{Reason: "invalid_value", Message: err.Error()})
		return
	}
	f.answered = time.Time{}
	b.makeCall(ctx, d, f, body)
	if f.half.Settings.Optimistic {
		b.publishState(d, false)
	}
}

// makeCall makes a call of a batch beside the loop.
func (b *Bridge) makeCall(ctx context.Context, d *device, f *batch, body json.RawMessage) {
	call, giveUp := context.WithCancelCause(ctx)
	d.orders.calling, d.orders.called = giveUp, time.Now()
	b.controls++
	b.log.Debug("control", "device", d.slug, "body", string(body))
	recorded, before := b.recordCall(f), f.ends()
	b.work.Go(func() {
		defer giveUp(nil)
		err := recorded(call)
		settled := b.unrecorded
		if err == nil {
			err, settled = b.control(thinq.BeginBefore(call, before), d.info.ID, body), b.settle
		}
		b.post(ctx, func() {
			b.controls--
			d.orders.calling = nil
			b.guard(d, func() { settled(d, f, err) })
		})
	})
}

func (b *Bridge) control(ctx context.Context, id string, body json.RawMessage) (err error) {
	defer b.contain("call", "control", &err)
	return b.o.Cloud.Control(thinq.WithLane(ctx, thinq.Command), id, body)
}

// outdate ends the commands of which a call would go out later than they live,
// and drops the calls that nobody else wants.
func (b *Bridge) outdate(d *device, f *batch, now time.Time) {
	late := false
	for _, c := range f.commands {
		if !c.ended && now.Sub(c.received) >= commandLife && slices.ContainsFunc(f.calls, c.wants) {
			b.end(c, expired, &rejection{Reason: "expired", Message: "not all of it could be sent within 10 s"})
			late = true
		}
	}
	if late {
		b.publishState(d, true)
		f.calls = slices.DeleteFunc(f.calls, func(call thinq.State) bool {
			return !slices.ContainsFunc(f.commands, func(c *command) bool { return !c.ended && c.wants(call) })
		})
	}
}

// ends is when the life of a command ends that the next calls of a batch are for,
// the first of them.
func (f *batch) ends() time.Time {
	var first, last time.Time
	for _, c := range f.commands {
		end := c.received.Add(commandLife)
		last = latest(last, end)
		if !c.ended && slices.ContainsFunc(f.calls, c.wants) && (first.IsZero() || end.Before(first)) {
			first = end
		}
	}
	return cmp.Or(first, last)
}

// wants reports whether a call carries something of a command.
func (c *command) wants(call thinq.State) bool {
	for p := range call {
		if _, ok := c.goal[p]; ok {
			return true
		}
	}
	return false
}

// shown reports whether a state holds everything that can be seen of the call
// that was made last.
func (f *batch) shown(now thinq.State) bool {
	sight := f.half.Look(f.calls[0], now)
	return sight.Missing == 0 && sight.Shown > 0
}
