package bridge

import (
	"context"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// freshLife is how long what an appliance said is ground enough to start it, to
// let it do what needs the owner's leave, or to refuse what it forbids.
const freshLife = 30 * time.Second

// hazy reports whether a command rests on what its appliance said too long ago.
func (c *command) hazy(calls []thinq.State, why *rejection, now time.Time) bool {
	d := c.half.of
	rests := why != nil && why.reported || why == nil && (c.risky || c.half.Starts(calls))
	return rests && now.Sub(d.seen) > freshLife && !d.unsupported["state"]
}

// ascertain keeps a command until its appliance was read.
func (b *Bridge) ascertain(c *command) {
	d := c.half.of
	if _, paused := b.o.Budget.Left(); paused.After(time.Now()) {
		b.end(c, rejected, b.because(&thinq.BudgetError{Until: paused, ByLG: true}))
		b.publishState(d, true)
		return
	}
	c.unsure = true
	b.enqueue(&job{name: "fresh " + d.info.ID, kind: "state", order: orderList, lane: thinq.Command, owner: d, optional: true, tries: tries,
		call: func(ctx context.Context) (func(), error) {
			data, err := b.o.Cloud.State(ctx, d.info.ID)
			return func() { b.readDone(d, data, "fresh") }, err
		},
		failed: func(err error) { b.unread(d, err) },
	})
}

// keepStaged remembers what a start that the appliance forbids was to start with,
// as after one that LG refuses.
func (b *Bridge) keepStaged(c *command, why *rejection) {
	if !why.reported {
		return
	}
	d := c.half.of
	for attr, payload := range c.attrs {
		calls, err := c.half.Wish(map[string]string{attr: payload}, d.assumed())
		if err == nil && !slices.ContainsFunc(calls, func(call thinq.State) bool { return !discovery.Local(call) }) {
			b.keepLocal(d, calls)
		}
	}
}

// unsure are the commands that wait for a read of their appliance.
func (o *orders) unsure() []*command {
	return slices.DeleteFunc(slices.Clone(o.waiting), func(c *command) bool { return !c.unsure || c.ended })
}

// ascertained judges the commands anew that waited for news of their appliance.
func (b *Bridge) ascertained(d *device) {
	if time.Since(d.seen) > freshLife {
		return
	}
	for _, c := range d.orders.unsure() {
		c.unsure = false
		d.orders.waiting = slices.DeleteFunc(d.orders.waiting, func(other *command) bool { return other == c })
		b.accept(c)
	}
}

// unread ends the commands that waited for a read which failed.
func (b *Bridge) unread(d *device, err error) {
	why := b.unreached(err)
	if _, r := react(err); r.reason != "" {
		why = b.because(err)
	}
	for _, c := range d.orders.unsure() {
		b.end(c, rejected, why)
	}
	d.orders.sweep()
	b.publishState(d, true)
}

// outlived ends a command that could not be sent within its life.
func (b *Bridge) outlived(c *command) {
	if c.unsure {
		b.end(c, rejected, &rejection{Reason: "not_fresh", Message: "What the appliance said last is too old to act on, and it could not be read within 10 s."})
		return
	}
	b.end(c, expired, &rejection{Reason: "expired", Message: "it could not be sent within 10 s"})
}
