package bridge

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A slider that is dragged sends a number many times a second. So many go out
// at once in so long; then one in so long, always the latest.
const (
	burst       = 3
	burstWindow = 10 * time.Second
	burstPause  = 5 * time.Second
)

// An automation that runs wild writes the same attribute again and again. With
// so many writes in so long it is blocked for a while.
const (
	breakerWrites = 30
	breakerWindow = 10 * time.Minute
	breakerPause  = 30 * time.Minute
)

// A limit is what was written of one attribute of an appliance.
type limit struct {
	writes []time.Time // lately, oldest first
	until  time.Time   // commands are refused before
}

func (l *limit) blocked(now time.Time) bool { return l != nil && now.Before(l.until) }

// recent are the writes not longer ago than a time.
func (l *limit) recent(now time.Time, window time.Duration) []time.Time {
	if l == nil {
		return nil
	}
	i := slices.IndexFunc(l.writes, func(at time.Time) bool { return now.Sub(at) < window })
	if i < 0 {
		return nil
	}
	return l.writes[i:]
}

// limitOf names an attribute of an appliance, or of a half of one.
func limitOf(slug, attr string) string { return slug + "/" + attr }

// limits are those of the attributes of a command; nil where nothing was written.
func (o *orders) limitsOf(c *command) map[string]*limit {
	all := map[string]*limit{}
	for attr := range c.attrs {
		all[attr] = o.limits[limitOf(c.half.Slug, attr)]
	}
	return all
}

// pace is when the next batch of nothing but numbers may go.
func (o *orders) pace(group []*command) (at time.Time) {
	now := time.Now()
	for _, c := range group {
		for _, l := range o.limitsOf(c) {
			if writes := l.recent(now, burstWindow); len(writes) >= burst {
				at = latest(at, writes[len(writes)-1].Add(burstPause))
			}
		}
	}
	return at
}

// tooMany refuses a command for an attribute that was written too often. What
// is safe always passes.
func (o *orders) tooMany(c *command, now time.Time) *rejection {
	if c.safe {
		return nil
	}
	for attr, l := range o.limitsOf(c) {
		if l.blocked(now) {
			return &rejection{
				Reason:  "too_many",
				Message: attr + " was set too often, which looks like an automation that runs wild. Commands for it are taken again at " + l.until.Format(time.TimeOnly),
				Until:   new(l.until.UTC().Truncate(time.Second)),
			}
		}
	}
	return nil
}

// count notes what a batch is about to write, and blocks attributes that are
// written too often.
func (b *Bridge) count(d *device, group []*command, calls []thinq.State, now time.Time) {
	o := &d.orders
	for _, c := range group {
		if !slices.ContainsFunc(calls, c.wants) {
			continue
		}
		for attr := range c.attrs {
			o.write(limitOf(c.half.Slug, attr), now)
			if l := o.limits[limitOf(c.half.Slug, attr)]; len(l.writes) >= breakerWrites && !l.blocked(now) {
				b.block(d, limitOf(c.half.Slug, attr), now)
			}
		}
	}
	for _, c := range o.waiting {
		if why := o.tooMany(c, now); why != nil && !slices.Contains(group, c) {
			b.end(c, rejected, why)
		}
	}
}

func (o *orders) write(name string, now time.Time) {
	if o.limits == nil {
		o.limits = map[string]*limit{}
	}
	l := o.limits[name]
	if l == nil {
		l = &limit{}
		o.limits[name] = l
	}
	l.writes = append(slices.Clone(l.recent(now, breakerWindow)), now)
}

// block refuses commands for an attribute for a while, and says so.
func (b *Bridge) block(d *device, name string, now time.Time) {
	l := d.orders.limits[name]
	l.writes, l.until = nil, now.Add(breakerPause)
	slug, attr, _ := strings.Cut(name, "/")
	b.log.Warn("commands blocked: the same attribute was set too often", "device", slug, "attribute", attr, "until", l.until)
	b.m.breakers.WithLabelValues(b.o.Account).Inc()
	b.bridgeEvent("commands_blocked", map[string]any{"slug": slug, "attribute": attr, "until": l.until.UTC().Format(time.RFC3339)})
	b.blocksChanged(d)
}

// blocksChanged shows everywhere what is blocked, and makes the appointment for
// when something no longer is.
func (b *Bridge) blocksChanged(d *device) {
	for _, until := range d.orders.blocks(time.Now()) {
		b.later.soonest("blocks "+d.info.ID, until, func() { b.unblock(d) })
	}
	b.touch()
	b.publishInfo()
}

// unblock forgets the blocks that are over, and writes of long ago.
func (b *Bridge) unblock(d *device) {
	if b.devices[d.info.ID] != d {
		return
	}
	now := time.Now()
	maps.DeleteFunc(d.orders.limits, func(name string, l *limit) bool {
		over := !l.until.IsZero() && !l.blocked(now)
		if over {
			slug, attr, _ := strings.Cut(name, "/")
			b.log.Info("commands are taken again", "device", slug, "attribute", attr)
		}
		return over
	})
	b.blocksChanged(d)
}

// blocks are the blocked attributes, with the ends of their blocks.
func (o *orders) blocks(now time.Time) map[string]time.Time {
	all := map[string]time.Time{}
	for name, l := range o.limits {
		if l.blocked(now) {
			all[name] = l.until
		}
	}
	return all
}

// resume goes on with the blocks that an earlier run left.
func (b *Bridge) resume(d *device, blocks map[string]time.Time) {
	now := time.Now()
	for name, until := range blocks {
		if most := now.Add(breakerPause); until.After(most) {
			until = most // the clock was wrong then or is now
		}
		if until.After(now) {
			d.orders.write(name, now)
			d.orders.limits[name].until = until
			b.later.soonest("blocks "+d.info.ID, until, func() { b.unblock(d) })
		}
	}
}

// blocked lists for bridge/info what commands are refused for now.
func (b *Bridge) blocked() []map[string]any {
	now, all := time.Now(), []map[string]any{}
	for _, d := range b.ordered() {
		blocks := d.orders.blocks(now)
		for _, name := range slices.Sorted(maps.Keys(blocks)) {
			slug, attr, _ := strings.Cut(name, "/")
			all = append(all, map[string]any{"slug": slug, "attribute": attr, "until": blocks[name].UTC().Format(time.RFC3339)})
		}
	}
	return all
}

// blockedText is what is wrong with an appliance whose commands are refused, for
// a person; empty if nothing is.
func (d *device) blockedText() string {
	var attrs []string
	for name := range d.orders.blocks(time.Now()) {
		_, attr, _ := strings.Cut(name, "/")
		attrs = append(attrs, attr)
	}
	if len(attrs) == 0 {
		return ""
	}
	slices.Sort(attrs)
	return "commands are blocked that came too often: " + strings.Join(attrs, ", ")
}

// urgent is the newest order that waits to end what the appliance does; nil if
// there is none.
func (o *orders) urgent() (last *command) {
	for _, c := range o.waiting {
		if c.urgent && !c.ended {
			last = c
		}
	}
	return last
}

// urgentWait is how long a call may take while an order to stop or to be off waits:
// that must begin within its own life.
const urgentWait = commandLife - 3*time.Second

var errPressed = errors.New("given up for an order to stop or to be off")

// press gives up a call that hangs while such an order waits. What the call does
// nobody knows then, as after any that was not answered.
func (b *Bridge) press(d *device, now time.Time) {
	o := &d.orders
	if o.calling == nil || o.urgent() == nil {
		return
	}
	if at := o.called.Add(urgentWait); at.After(now) {
		b.wakeFor(d, at)
		return
	}
	o.calling(errPressed)
}

// ripe are the waiting commands that can go together. An order to stop or to be
// off goes alone, and what came before it does not go at all; what waits for a
// read of the appliance goes later.
func (b *Bridge) ripe(d *device) []*command {
	if last := d.orders.urgent(); last != nil {
		b.overrule(d.orders.waiting[:slices.Index(d.orders.waiting, last)], last)
		d.orders.sweep()
		return []*command{last}
	}
	var group []*command
	for _, c := range d.orders.waiting {
		if !c.unsure && (len(group) == 0 || group[0].half == c.half) {
			group = append(group, c)
		}
	}
	return group
}

// overrule ends commands that an order to stop or to be off makes pointless.
func (b *Bridge) overrule(older []*command, last *command) {
	for _, c := range older {
		if c.half == last.half {
			b.end(c, superseded, &rejection{Reason: "superseded", Message: "an order to stop or to be off came after it"})
		}
	}
}

// yield drops the calls of a batch that are still to be made when an order to
// stop or to be off has come.
func (b *Bridge) yield(d *device, f *batch) {
	last := d.orders.urgent()
	if last == nil || last.half != f.half {
		return
	}
	late := slices.DeleteFunc(slices.Clone(f.commands), func(c *command) bool { return !slices.ContainsFunc(f.calls, c.wants) })
	b.overrule(late, last)
	f.calls = nil
}

// Heat is not started more often than so in so long at a place, whoever may start
// it.
const (
	heatStarts = 2
	heatWindow = 10 * time.Minute
)

// overheated refuses to start heat again where that was done too often.
func (o *orders) overheated(places []thinq.Path, now time.Time) *rejection {
	for _, p := range places {
		if lately := o.starts[p]; len(lately) >= heatStarts && now.Sub(lately[len(lately)-heatStarts]) < heatWindow {
			until := lately[len(lately)-heatStarts].Add(heatWindow)
			return &rejection{
				Reason:  "too_many",
				Message: "It was started too often. It can be started again at " + until.Format(time.TimeOnly),
				Until:   new(until.UTC().Truncate(time.Second)),
			}
		}
	}
	return nil
}

// cool ends the commands of a group that would start heat too often.
func (b *Bridge) cool(d *device, group []*command, why *rejection) {
	all := !slices.ContainsFunc(group, func(c *command) bool { return len(c.heat) > 0 })
	for _, c := range group {
		if all || len(c.heat) > 0 {
			b.end(c, rejected, why)
		}
	}
	d.orders.sweep()
	b.publishState(d, true)
}

// ignite notes that heat is started.
func (o *orders) ignite(places []thinq.Path, now time.Time) {
	for _, p := range places {
		if o.starts == nil {
			o.starts = map[thinq.Path][]time.Time{}
		}
		o.starts[p] = append(o.starts[p][max(0, len(o.starts[p])-heatStarts):], now)
	}
}

// quench forgets starts that were refused.
func (o *orders) quench(places []thinq.Path) {
	for _, p := range places {
		if n := len(o.starts[p]); n > 0 {
			o.starts[p] = o.starts[p][:n-1]
		}
	}
}
