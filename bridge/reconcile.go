package bridge

import (
	"context"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// How long what LG was asked for holds.
const (
	eventPeriod     = 12 * time.Hour // LG documents at most 24 h for subscriptions
	pushPeriod      = 24 * time.Hour
	lifecycleDelay  = 10 * time.Second // after the start is complete
	lifecyclePeriod = 24 * time.Hour
)

// periods are the longest of them by kind of call: what an earlier run has planned
// for later was planned by a wrong clock.
var periods = map[string]time.Duration{"event": eventPeriod, "push": pushPeriod, "profile": profilePeriod}

// read asks for a whole state.
func (b *Bridge) read(d *device, order int, why string) {
	b.readAs(d, order, thinq.Background, why, true)
}

// firstRead asks for the state of an appliance not heard of in this run.
func (b *Bridge) firstRead(d *device) {
	if d.reading {
		return
	}
	b.readAs(d, orderFirst, thinq.Start, "start", false)
}

func (b *Bridge) readAs(d *device, order int, lane thinq.Lane, why string, optional bool) {
	if d.ignored || d.disabled || d.unsupported["state"] {
		return
	}
	b.enqueue(&job{name: "state " + d.info.ID, kind: "state", order: order, lane: lane, owner: d, optional: optional,
		call: func(ctx context.Context) (func(), error) {
			data, err := b.o.Cloud.State(ctx, d.info.ID)
			return func() { b.readDone(d, data, why) }, err
		},
		gone: func(err error) {
			b.planRead(d)
			b.decide(d, d.begun, err)
		},
	})
}

// readAll reads every appliance again, as the budget allows.
func (b *Bridge) readAll(why string) {
	for _, d := range b.ordered() {
		if d.profile != nil {
			b.read(d, orderRead, why)
		}
	}
}

// readDone applies the answer of a read. What a report said while the read was
// under way is newer than the answer.
func (b *Bridge) readDone(d *device, data json.RawMessage, why string) {
	if d.profile == nil {
		d.early = data
		return
	}
	b.planRead(d)
	state, err := d.profile.Decode(data)
	if err != nil {
		d.trouble = "its state makes no sense: " + err.Error()
		b.log.Warn("unusable state", "device", d.slug, "err", err)
		b.decide(d, d.begun, err)
		return
	}
	if len(d.state) == 0 {
		b.describeWith(d, state)
	}
	maps.Copy(state, d.reported)
	discovery.Unsaid(d.state, state)
	watched := b.watched(d)
	changed := b.apply(d, state, "poll")
	if watched {
		b.compared(d, changed)
	}
	d.truth.blind = d.truth.blind && !b.push.live
	b.decide(d, d.begun, nil)
}

// describeWith lets the description know the first state, so that the
// appliance is announced once and not twice.
func (b *Bridge) describeWith(d *device, state thinq.State) {
	d.state = state
	b.describe(d, "start")
	d.state = thinq.State{}
}

// introduce announces an appliance that cannot be read yet: it exists, all its
// values are unknown.
func (b *Bridge) introduce(d *device) {
	if d.profile == nil || d.state != nil {
		return
	}
	d.state = thinq.State{}
	b.describe(d, "start")
	b.publishState(d, false)
	b.publishAvailability(d, false)
}

// planRead makes the appointment for the next reconcile read.
func (b *Bridge) planRead(d *device) {
	at := time.Now().Add(jitter(b.readPeriod(d), 0.1))
	b.later.set("reconcile "+d.info.ID, at, func() {
		b.planRead(d) // in case this one gets lost
		b.read(d, orderRead, "reconcile")
	})
}

// keepSubscribed asks for events and notifications where that is due.
func (b *Bridge) keepSubscribed(d *device) {
	if b.o.Subscriber == nil || d.ignored {
		return
	}
	b.subscribePush(d, d.due["push"])
	b.subscribeEvents(d, d.due["event"])
}

// subscribePush asks for notifications, which only some appliances have.
func (b *Bridge) subscribePush(d *device, due time.Time) {
	if b.o.Subscriber == nil || d.profile == nil || len(d.profile.Notices) == 0 {
		return
	}
	b.subscribe(d, "push", due, b.o.Cloud.SubscribePush)
}

func (b *Bridge) subscribeEvents(d *device, due time.Time) {
	if b.o.Subscriber != nil {
		b.subscribe(d, "event", due, b.o.Cloud.SubscribeEvents)
	}
}

// subscribe makes a subscription when it is due, and plans its renewal.
func (b *Bridge) subscribe(d *device, kind string, due time.Time, call func(context.Context, string) error) {
	if d.unsupported[kind] {
		return
	}
	if due.After(time.Now()) {
		b.later.set(kind+" "+d.info.ID, due, func() { b.subscribe(d, kind, time.Time{}, call) })
		return
	}
	order, lane := orderSubscribe, thinq.Start
	if !d.due[kind].IsZero() {
		order, lane = orderRenewal, thinq.Background
		b.m.pushRenewals.WithLabelValues(b.o.Account, kind).Inc()
	}
	b.enqueue(&job{name: kind + " " + d.info.ID, kind: kind, order: order, lane: lane, owner: d, waits: minutes(5, 20, 60, 360),
		call: func(ctx context.Context) (func(), error) {
			return func() { b.subscribed(d, kind, call) }, call(ctx, d.info.ID)
		},
		gone: func(err error) { b.log.Info("no subscription", "device", d.slug, "kind", kind, "err", err) },
	})
}

func (b *Bridge) subscribed(d *device, kind string, call func(context.Context, string) error) {
	period := pushPeriod
	if kind == "event" {
		b.eventsGranted(d)
		period = b.eventPeriod()
	}
	due := time.Now().Add(spread(period))
	d.due[kind] = due
	b.touch()
	b.later.set(kind+" "+d.info.ID, due, func() { b.subscribe(d, kind, time.Time{}, call) })
}

// spread is a period less up to a quarter of it, so that renewals do not come
// all at once.
func spread(period time.Duration) time.Duration {
	return period - time.Duration(rand.Int64N(int64(period/4)))
}

// awaitLifecycle ends the start when its calls are made: what it has learnt is
// saved at once, and news of added, removed and renamed appliances are asked for
// some time later.
func (b *Bridge) awaitLifecycle() {
	if b.settled || !b.listed || b.busyStarting() {
		return
	}
	b.settled = true
	b.dirty()
	if b.o.Subscriber == nil {
		return
	}
	at := latest(time.Now().Add(lifecycleDelay), b.lifecycle)
	b.later.set("lifecycle", at, b.subscribeLifecycle)
}

// busyStarting reports whether first calls are still to be made. Those that LG
// refuses again and again are not waited for, nor are subscriptions while it refuses
// to know us.
func (b *Bridge) busyStarting() bool {
	for _, j := range b.jobs {
		first := j.order == orderFirst || j.order == orderSubscribe
		if first && j.tries < tries && (b.push.preparing || b.possible(j)) {
			return true
		}
	}
	return b.running > 0
}

func (b *Bridge) subscribeLifecycle() {
	b.enqueue(&job{name: "lifecycle", kind: "lifecycle", order: orderRenewal, lane: thinq.Background,
		call: func(ctx context.Context) (func(), error) {
			return b.lifecycleDone, b.o.Cloud.SubscribeLifecycle(ctx)
		},
		gone: b.noLifecycle,
	})
}

// noLifecycle makes the list tell, where LG does not.
func (b *Bridge) noLifecycle(err error) {
	b.log.Info("no news of added and removed appliances", "err", err)
	if thinq.ClassOf(err) == thinq.Unsupported {
		b.every("list", min(listPeriod, b.o.Reconcile), func() { b.list(thinq.Background, nil) })
	}
}

func (b *Bridge) lifecycleDone() {
	b.lifecycle = time.Now().Add(jitter(lifecyclePeriod, 0.1))
	b.later.set("lifecycle", b.lifecycle, b.subscribeLifecycle)
	b.touch()
}

// minutely does what is neither urgent nor tied to one appliance.
func (b *Bridge) minutely() {
	now := time.Now()
	for _, d := range b.ordered() {
		if due, ok := d.due["profile"]; ok && d.known && now.After(due) && !d.away {
			d.due["profile"] = now.Add(profilePeriod)
			b.readProfile(d, thinq.Background, orderProfile)
		}
	}
	b.dup.forget(now)
	b.meter()
	b.publishInfo()
	b.publishRoster()
}
