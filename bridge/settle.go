package bridge

import (
	"errors"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// settle handles LG's answer to a control call.
func (b *Bridge) settle(d *device, f *batch, err error) {
	b.spent()
	if d.orders.flying != f {
		return // it was given up meanwhile
	}
	now := time.Now()
	f.answered = now
	d.orders.done = now
	_, r := react(err)
	soAlready := discovery.SoAlready(f.calls[0], code(err))
	switch {
	case err == nil || r.effect == effectDone || soAlready:
		b.succeeded()
		if len(f.calls) == 1 {
			b.taken(d, f)
		}
		if soAlready { // and we did not know
			b.read(d, orderAsked, "refused")
		}
	case r.reason == "" && thinq.NotSent(err) && !now.Before(f.ends()):
		b.unbegun(d, f, now)
	case r.reason == "" && thinq.NotSent(err):
		b.refused(err)
		b.yield(d, f)
		b.reject(d, f, b.unreached(err))
	case r.reason == "":
		b.unclear(d, f, err)
	default:
		b.refused(err)
		b.reject(d, f, b.because(err))
		b.affectOrder(d, r.effect, err)
		if code(err) == notInProfile {
			b.reviseProfile(d)
		}
	}
}

// notInProfile is LG's refusal of what the profile allows: it may be another one.
const notInProfile = "2207"

// because is a refusal of LG in words for the sender.
func (b *Bridge) because(err error) *rejection {
	class, r := react(err)
	why := &rejection{Code: code(err), Reason: r.reason, Message: sentence(err)}
	until := b.account.until
	if e, ok := errors.AsType[*thinq.BudgetError](err); ok {
		until = e.Until
	}
	if class == thinq.Rate {
		why.Message = r.message + "; the next try makes sense at " + until.Format(time.TimeOnly)
	}
	if r.halt {
		why.Until = new(until.UTC().Truncate(time.Second))
	}
	return why
}

// taken notes that LG accepted the last call of a batch: what is not confirmed
// yet now waits for its report.
func (b *Bridge) taken(d *device, f *batch) {
	d.orders.flying = nil
	for _, c := range f.commands {
		if c.ended {
			continue
		}
		c.taken, c.sent = true, time.Now()
		b.m.commandDuration.WithLabelValues(accepted).Observe(time.Since(c.received).Seconds())
		b.answer(c, accepted, nil)
		d.orders.open = append(d.orders.open, c)
	}
	b.confirm(d, nil)
}

// unbegun ends the commands for which a call could not begin in time. It had no
// effect, so it is made for those that live on.
func (b *Bridge) unbegun(d *device, f *batch, now time.Time) {
	f.answered = time.Time{}
	if b.outdate(d, f, now); !now.Before(f.ends()) {
		f.calls = nil // for nobody
	}
	if len(f.calls) == 0 {
		d.orders.quench(f.heat)
		b.taken(d, f)
	}
}

// unclear notes that nobody knows whether LG did it. It is never sent again: a
// report within ten seconds or one read decides.
func (b *Bridge) unclear(d *device, f *batch, err error) {
	b.log.Info("outcome of a command unclear", "device", d.slug, "err", err)
	if general(err) {
		b.refused(err)
	}
	d.orders.flying = nil
	for _, c := range f.commands {
		if !c.ended {
			c.sent, c.doubt = time.Now(), err
			d.orders.open = append(d.orders.open, c)
		}
	}
}

// reject ends a batch that was refused, and shows the true state again.
func (b *Bridge) reject(d *device, f *batch, why *rejection) {
	for _, c := range f.commands {
		b.end(c, rejected, why)
	}
	d.orders.quench(f.heat)
	d.orders.flying = nil
	b.publishState(d, true)
}

func (b *Bridge) affectOrder(d *device, e effect, err error) {
	switch e {
	case effectAway:
		b.away(d)
	case effectDoubt:
		b.doubt(d)
	case effectLost:
		b.orphaned(d, err)
	case effectNone:
		if b.account.until.Before(time.Now()) { // refused by the appliance: what is true?
			b.read(d, orderAsked, "refused")
		}
	}
}

// confirm ends the commands whose wishes the appliance now shows. A wish that
// no state can show counts as done when the appliance stirred and LG accepted.
func (b *Bridge) confirm(d *device, changed thinq.State) {
	for _, c := range d.orders.sent() {
		c.stirred = c.stirred || len(changed) > 0
		if !c.ended && d.reached(c) {
			b.end(c, confirmed, nil)
		}
	}
	d.orders.sweep()
	b.ascertained(d)
}

func (d *device) reached(c *command) bool {
	f := d.orders.flying
	if f != nil && slices.Contains(f.commands, c) && slices.ContainsFunc(f.calls[1:], c.wants) {
		return false // what it shows is not the answer to a call still to be made
	}
	if c.shown && !c.taken {
		return false
	}
	switch sight := c.half.Look(c.goal, d.state); {
	case sight.Missing > 0:
		return false
	case sight.Hidden > 0:
		return c.taken && c.stirred
	default:
		return sight.Shown > 0
	}
}

// decide ends the commands that waited for a read which has now been made, or
// which cannot be made.
func (b *Bridge) decide(d *device, begun time.Time, err error) {
	for _, c := range d.orders.open {
		if c.ended || c.asked.IsZero() || begun.Before(c.asked) {
			continue
		}
		switch {
		case err != nil:
			b.end(c, unknown, &rejection{Code: code(err), Reason: "no_answer", Message: sentence(err)})
		case c.taken && c.half.Look(c.goal, d.state).Missing == 0:
			// LG accepted it, the appliance answers, and its state could not tell more.
			b.end(c, confirmed, nil)
		default:
			b.end(c, unknown, notShown(c.doubt))
		}
	}
	if open := len(d.orders.open); open > 0 {
		d.orders.sweep()
		b.publishState(d, len(d.orders.open) < open) // a dashboard that shows the wish snaps back
	}
}

// notShown is why a command that was sent ends without a success.
func notShown(doubt error) *rejection {
	why := &rejection{Code: code(doubt), Reason: "not_shown", Message: "The appliance took the command and does not show it. Look at it before you try again."}
	if _, answered := errors.AsType[*thinq.Error](doubt); answered {
		why.Message = sentence(doubt)
	} else if doubt != nil {
		why.Message = "LG's answer was lost, and the appliance does not show the command. Look at it before you try again. (" + sentence(doubt) + ")"
	}
	return why
}

// noAnswer is why nobody knows what became of a command.
func noAnswer(doubt error) *rejection {
	why := &rejection{Code: code(doubt), Reason: "no_answer", Message: "Neither a report nor a read told whether it was done. Look at the appliance before you try again."}
	if doubt != nil {
		why.Message += " (" + sentence(doubt) + ")"
	}
	return why
}

// finish answers everything that still waits when the bridge stops.
func (b *Bridge) finish(d *device) {
	for _, c := range d.orders.waiting {
		b.end(c, rejected, shuttingDown)
	}
	d.orders.waiting = nil
}

// finishSent answers what was sent and can no longer be confirmed.
func (b *Bridge) finishSent(d *device) {
	for _, c := range d.orders.sent() {
		b.end(c, unknown, shuttingDown)
	}
	d.orders = orders{limits: d.orders.limits, starts: d.orders.starts}
}
