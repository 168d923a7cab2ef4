package bridge

import (
	"context"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// The conditions of the event connection.
const (
	pushOff        = "off"
	pushConnecting = "connecting"
	pushLive       = "live"
	pushSuspect    = "suspect" // connected, but changes came without an event
	pushPolling    = "polling" // and nothing has helped: such appliances are read instead
	pushTwin       = "duplicate_instance"
)

// replayed is how long the connection may be gone before every appliance is
// read again: LG's broker keeps events for a while, but not their order.
const replayed = time.Minute

// atOnce is how soon after the begin of a run a connection counts as there from
// the begin: the first reads are just being made.
const atOnce = 10 * time.Second

// push is the event connection.
type push struct {
	running    bool
	preparing  bool // makes its own calls: route, registration, certificate
	registered bool // LG knows us: subscriptions make sense
	byToken    bool // LG knows us there by an access token, not by a certificate
	live       bool
	since      time.Time // when live last changed
	again      time.Time // no new attempt before
	tries      int
	class      thinq.Class // of the error that ended the last one
	text       string      // why it is not live
	twin       string      // that another client takes the connection over, for a person
	told       string      // the condition in one word, as last told
	hangUp     context.CancelFunc
	distrust   func() // ends the connection for want of another certificate

	// What is tried against events that do not come.
	rung      int       // remedies tried
	drifted   bool      // changes came without an event since the last one
	stepped   time.Time // when that was
	next      time.Time // no further one before
	proof     time.Time // last event of anybody
	certified time.Time // when another certificate was asked for
}

// listen starts the event connection, if it is wanted and its time has come.
func (b *Bridge) listen(loop context.Context) {
	now := time.Now()
	switch {
	case b.o.Subscriber == nil || b.push.running || b.stopping:
		return
	case b.push.again.After(now):
		b.later.soonest("listen", b.push.again, func() {})
		return
	case b.account.until.After(now):
		b.later.soonest("listen", b.account.until, func() {})
		return
	}
	b.push.running, b.push.preparing = true, true
	ctx, hangUp := context.WithCancel(loop)
	b.push.hangUp = hangUp
	b.work.Go(func() {
		defer hangUp()
		err := b.hear(ctx, b.subscriber(loop))
		b.post(loop, func() { b.hungUp(err) })
	})
}

func (b *Bridge) hear(ctx context.Context, s thinq.Subscriber) (err error) {
	defer b.contain("events", "connection", &err)
	return b.o.Cloud.Events(thinq.WithLane(ctx, thinq.Start), s, b.handle)
}

// subscriber tells the loop what the connection is up to.
func (b *Bridge) subscriber(loop context.Context) thinq.Subscriber {
	return func(ctx context.Context, ep thinq.Endpoint, handle func([]byte)) error {
		b.post(loop, func() { b.push.preparing, b.push.registered, b.push.byToken = false, true, ep.Token != nil })
		ep.Dropped = b.m.Dropped
		ep.Watch(func(now thinq.Flow) { b.post(loop, func() { b.pushChanged(now) }) })
		ep.Twin = func(text string) { b.post(loop, func() { b.twinMet(text) }) }
		ctx, end := context.WithCancelCause(ctx)
		defer end(nil)
		b.post(loop, func() { b.push.distrust = func() { end(thinq.ErrCertificate) } })
		err := b.o.Subscriber(ctx, ep, func(data []byte) {
			var err error
			defer b.contain("events", "message", &err)
			handle(data)
		})
		if cause := context.Cause(ctx); cause == thinq.ErrCertificate {
			return cause
		}
		return err
	}
}

// handle runs on the subscriber's goroutine: it hands over and never waits.
func (b *Bridge) handle(e thinq.Event) {
	select {
	case b.events <- e:
	default:
		b.lost.Add(1)
	}
}

// makeGood reads what lost events would have said.
func (b *Bridge) makeGood() {
	if lost := b.lost.Load(); lost != b.made {
		b.m.mqttDropped.WithLabelValues("events_overflow").Add(float64(lost - b.made))
		b.made = lost
		b.readAll("overflow")
	}
}

func (b *Bridge) pushChanged(now thinq.Flow) {
	up, missed := now != thinq.NoFlow, b.missedEvents(now)
	if b.push.live == up {
		if missed {
			b.missed()
		}
		return
	}
	b.push.live, b.push.since = up, time.Now()
	b.lapse()
	if up {
		b.push.text, b.push.tries = "", 0
		b.m.pushReconnects.WithLabelValues(b.o.Account, "up").Inc()
		if missed {
			b.missed()
		}
		if b.outOfReach() {
			b.hurry() // LG is there: what is asked may be answered as well
		}
	}
	b.log.Debug("event connection", "live", up) // the subscriber tells of it
	b.pushJudged()
}

// twinMet notes that somebody else has our client id at LG, or that it is long
// ago. Reads go on meanwhile (F-030).
func (b *Bridge) twinMet(text string) {
	b.push.twin = text
	b.pushJudged()
}

// missed makes good that events may have been lost with a connection, and with
// it the subscriptions.
func (b *Bridge) missed() {
	for _, d := range b.devices {
		d.truth.blind = true
	}
	b.readAll("gap")
	if !b.unlisted {
		b.look()
		return
	}
	for _, d := range b.ordered() { // LG does not tell whether they are there still
		if !d.granted.IsZero() && time.Since(d.granted) >= grantStands {
			b.subscribeEvents(d, time.Time{})
		}
	}
}

// missedEvents reports, when messages begin to flow, whether events may have been
// lost before.
func (b *Bridge) missedEvents(now thinq.Flow) bool {
	p := &b.push
	switch now {
	case thinq.FreshFlow:
		return !p.since.IsZero() || time.Since(b.started) > atOnce
	case thinq.ResumedFlow:
		return !p.live && !p.since.IsZero() && time.Since(p.since) > replayed
	}
	return false
}

// hungUp is called when the event connection ended.
func (b *Bridge) hungUp(err error) {
	b.push.running, b.push.preparing = false, false
	b.pushChanged(thinq.NoFlow)
	if err == nil {
		b.push.again = time.Now().Add(jitter(5*time.Second, 0.5))
		return
	}
	class, r := b.judgeRefusal(err)
	if len(r.waits) == 0 {
		r = policy[thinq.Unknown]
	}
	b.push.class = class
	b.push.again = time.Now().Add(r.wait(b.push.tries))
	b.push.tries++
	if text := sentence(err); b.push.text != text {
		b.push.text = text
		b.log.Warn("no events", "err", err, "again", b.push.again)
		b.pushJudged()
	}
	if r.halt || r.dark {
		b.refused(err)
	}
}

// redial has the event connection made at once where it waits because LG could not
// be reached: now it can, and the wait may be of minutes (F-103). A client that
// another one sent away stays away.
func (b *Bridge) redial() {
	switch {
	case b.push.running && !b.push.live && b.push.twin == "":
		b.push.hangUp()
	case !b.push.running && b.push.class == thinq.Busy:
		b.push.again = time.Time{}
	}
}

// pushState is the condition in one word.
func (b *Bridge) pushState() string {
	switch {
	case b.o.Subscriber == nil:
		return pushOff
	case !b.push.live && b.push.twin != "":
		return pushTwin
	case !b.push.live:
		return pushConnecting
	}
	state := pushLive
	for _, d := range b.devices {
		if d.truth.polled {
			return pushPolling
		}
		if d.truth.suspect {
			state = pushSuspect
		}
	}
	return state
}
