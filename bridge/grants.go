package bridge

import (
	"context"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// LG gives an event subscription for as long as it likes and does not say how
// long: an hour by default, a day, or the months that were asked for. It has a
// list, though, of those that stand. The list is looked at when one of the likely
// times is over, daily, and when events are in doubt (F-026).
const (
	lookMargin   = 10 * time.Second // after the likely end
	lookDelay    = 2 * time.Minute  // after the begin of a run
	lookPeriod   = 24 * time.Hour
	lookAgain    = 5 * time.Minute  // what it showed of one appliance in doubt holds for the others
	lookConfirm  = 10 * time.Minute // whether what was asked for anew is in the list
	grantLate    = time.Minute      // a state so old when events begin is read again
	grantStands  = time.Hour        // a subscription so young is not asked for again on a mere suspicion
	lookFresh    = time.Minute      // a subscription so young may be missing in an answer under way
	lifeMemory   = 30 * 24 * time.Hour
	renewalShare = 5 * time.Minute // a renewal each, with short lives in a large home
)

// likelyLives are how long subscriptions may live, below the period in which
// they are renewed anyway.
var likelyLives = []time.Duration{time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour}

// grants is what is known of the life of event subscriptions.
type grants struct {
	Life   time.Duration `json:"life,omitzero"`      // learnt from one that had ended; 0: as long as it is needed
	Learnt time.Time     `json:"learnt_at,omitzero"` // when
	Proven time.Duration `json:"proven,omitzero"`    // the likely life that one has outlived
	Looked time.Time     `json:"looked_at,omitzero"`
}

// planLook makes the appointment for the next look at the list.
func (b *Bridge) planLook() {
	if b.o.Subscriber == nil || b.unlisted {
		return
	}
	at := b.grants.Looked.Add(lookPeriod)
	if oldest := b.oldestGrant(); oldest.IsZero() {
		return
	} else if life, ok := b.grants.nextDoubt(); ok {
		at = oldest.Add(life + lookMargin)
	} else if b.grants.Looked.IsZero() {
		at = oldest.Add(lookPeriod)
	}
	b.later.set("look", latest(at, b.started.Add(lookDelay)), b.look)
}

// nextDoubt is the likely life that no subscription has outlived yet.
func (g *grants) nextDoubt() (life time.Duration, ok bool) {
	if g.Life > 0 {
		return 0, false
	}
	for _, life := range likelyLives {
		if life > g.Proven {
			return life, true
		}
	}
	return 0, false
}

func (b *Bridge) oldestGrant() (oldest time.Time) {
	for _, d := range b.devices {
		if !d.granted.IsZero() && (oldest.IsZero() || d.granted.Before(oldest)) {
			oldest = d.granted
		}
	}
	return oldest
}

// look asks for the list of subscriptions.
func (b *Bridge) look() {
	if b.unlisted {
		return
	}
	b.enqueue(&job{name: "subscriptions", kind: "subscriptions", order: orderRenewal, lane: thinq.Background, optional: true,
		call: func(ctx context.Context) (func(), error) {
			ids, err := b.o.Cloud.EventSubscriptions(ctx)
			return func() { b.looked(ids) }, err
		},
		gone: b.notLooked,
	})
}

func (b *Bridge) notLooked(err error) {
	if thinq.ClassOf(err) == thinq.Unsupported {
		b.unlisted = true
		return
	}
	b.later.set("look", time.Now().Add(time.Hour), b.look)
}

// looked compares LG's list with what LG has granted.
func (b *Bridge) looked(ids []string) {
	now := time.Now()
	b.grants.Looked = now
	var ended []*device
	var oldest time.Duration
	for _, d := range b.ordered() {
		age := now.Sub(d.granted)
		switch there := slices.Contains(ids, d.info.ID); {
		case d.granted.IsZero(), !there && age < lookFresh:
		case there:
			d.regranted = false
			b.grants.outlived(age)
		case d.regranted:
			b.disbelieve()
			return
		default:
			ended, oldest = append(ended, d), max(oldest, age)
		}
	}
	if len(ended) > 0 {
		b.lapsed(ended, oldest)
	}
	b.planLook()
	b.dirty()
}

// outlived notes the age of a subscription that stands.
func (g *grants) outlived(age time.Duration) {
	for _, life := range likelyLives {
		if age > life {
			g.Proven = max(g.Proven, life)
		}
	}
}

// disbelieve gives the list up: it lacks what LG has just granted once more.
func (b *Bridge) disbelieve() {
	b.log.Info("LG's list of event subscriptions cannot be believed")
	b.grants, b.unlisted = grants{}, true
	b.later.cancel("look")
}

// lapsed asks again for subscriptions that LG has ended, and renews all of them
// sooner from now on.
func (b *Bridge) lapsed(ended []*device, age time.Duration) {
	b.log.Info("event subscriptions have ended: asking for them again", "devices", b.slugsOf(ended), "age", age.Round(time.Second))
	for _, d := range ended {
		b.m.pushRenewals.WithLabelValues(b.o.Account, "lapsed").Inc()
		d.granted, d.regranted, d.truth.blind = time.Time{}, true, true
		delete(d.due, "event")
		b.grant(d, 1) // that it ended is not the fault of the budget
		b.subscribeEvents(d, time.Time{})
		b.subscribePush(d, time.Time{}) // nobody lists those: LG may have forgotten all that is ours
	}
	b.subscribeLifecycle()
	if b.grants.learn(age) {
		for _, d := range b.ordered() {
			if !d.granted.IsZero() {
				b.subscribeEvents(d, earlier(d.due["event"], d.granted.Add(spread(b.eventPeriod()))))
			}
		}
	}
}

// learn notes how long a subscription has lived at least, by its age when it was
// found missing.
func (g *grants) learn(age time.Duration) bool {
	if age < likelyLives[0] {
		return false // it was ended, and not over
	}
	g.Life, g.Learnt = likelyLives[0], time.Now()
	for _, life := range likelyLives {
		if age > life {
			g.Life = life
		}
	}
	return true
}

// eventPeriod is when to renew event subscriptions at the latest: at half of
// their life, or later where so many appliances would use up the budget.
func (b *Bridge) eventPeriod() time.Duration {
	g := &b.grants
	if g.Life > 0 && time.Since(g.Learnt) > lifeMemory { // LG may have changed its mind
		*g = grants{Looked: g.Looked}
	}
	if g.Life == 0 {
		return eventPeriod
	}
	return min(eventPeriod, g.Life*11/12, max(g.Life/2, time.Duration(len(b.devices))*renewalShare))
}

// granted notes that LG has taken a request for events.
func (b *Bridge) eventsGranted(d *device) {
	first := d.granted.IsZero()
	d.granted, d.excess = time.Now(), false
	if first && (d.regranted || d.known && time.Since(d.seen) > grantLate) { // nobody was told of what changed since
		d.truth.blind = true
		b.read(d, orderAsked, "late")
	}
	if d.regranted && first {
		b.later.soonest("look", d.granted.Add(lookConfirm), b.look)
		return
	}
	b.planLook()
}

// exceeded notes that LG allows no more subscriptions: the appliance is read
// more often, and events are asked for again once a day (F-028).
func (b *Bridge) exceeded(d *device) {
	if !d.excess {
		b.log.Warn("LG allows no more event subscriptions: the appliance is read every few minutes", "device", d.slug)
	}
	d.excess, d.granted = true, time.Time{}
	b.planRead(d)
	b.later.set("event "+d.info.ID, time.Now().Add(jitter(lookPeriod, 0.1)), func() { b.subscribeEvents(d, time.Time{}) })
	b.touch()
}

func earlier(x, y time.Time) time.Time {
	if x.IsZero() || y.Before(x) {
		return y
	}
	return x
}
