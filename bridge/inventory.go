package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

const (
	listDebounce   = 10 * time.Second // lifecycle messages come in bursts
	listPeriod     = 6 * time.Hour    // in case a lifecycle message was lost
	doubtPeriod    = 10 * time.Minute // between the two lists that remove an appliance
	emptyDoubt     = 24 * time.Hour   // an empty list is not believed for so long
	strangerPeriod = 10 * time.Minute // between lists for events of unknown appliances
	callsPerDevice = 4                // profile, state, push, events
	listAsks       = 32               // requests that may wait for a list (S-29)
)

// listing is what the list call has to remember.
type listing struct {
	waiting []func(n int, err error) // who asked for it
	empty   time.Time                // first of the empty lists in a row
	unknown time.Time                // no list for unknown appliances before
}

// errNoList is what a gateway's empty answer comes to: it says nothing of appliances.
var errNoList = errors.New("LG's answer holds no list of appliances, not even an empty one")

// restore announces what an earlier run knew, before LG has said a word.
func (b *Bridge) restore() {
	if b.o.Store == nil {
		return
	}
	for _, w := range b.o.Store.Warnings() {
		b.log.Warn("state folder", "problem", w)
	}
	c := b.o.Store.loadCache()
	b.saved = anchor(c.Saved, 0)
	b.inherit(c.Ledger)
	if c.Overrides != nil {
		b.overrides = c.Overrides
	}
	same := c.Client == b.clientID() // subscriptions belong to the client id
	if same {
		b.lifecycle, b.grants = anchor(c.Lifecycle, lifecyclePeriod), c.Grants
		b.grants.Learnt, b.grants.Looked = anchor(c.Grants.Learnt, 0), anchor(c.Grants.Looked, 0)
	}
	for i, cd := range c.Devices {
		b.restoreDevice(i, cd, same)
	}
	b.o.Budget.Resume(len(b.devices))
}

func (b *Bridge) restoreDevice(place int, cd cachedDevice, subscribed bool) {
	d := b.newDevice(cd.Device)
	d.place, d.state, d.seen, d.energy = place, cd.State, anchor(cd.Seen, 0), cd.Energy
	d.energy.Asked, d.energy.Read = anchor(cd.Energy.Asked, 0), anchor(cd.Energy.Read, 0)
	d.truth.muted = cd.Muted
	if d.state == nil && !d.seen.IsZero() {
		d.state = thinq.State{} // some appliances have nothing to say
	}
	b.resume(d, cd.Blocks)
	if subscribed {
		d.granted = anchor(cd.Granted, 0)
		d.truth.suspect, d.truth.polled = cd.Polled, cd.Polled
		for kind, due := range cd.Due {
			d.due[kind] = anchor(due, periods[kind])
		}
	}
	if d.ignored || cd.Profile == nil {
		b.grant(d, callsPerDevice)
		return
	}
	b.guard(d, func() {
		b.learn(d, cd.Profile)
		for _, h := range d.halves {
			h.announced = cd.Announced[h.Slug]
		}
		b.remind(d)
	})
}

// grant keeps the first calls for an appliance from being throttled.
func (b *Bridge) grant(d *device, calls int) {
	if !d.ignored {
		b.o.Budget.Grant(calls)
	}
}

func (b *Bridge) clientID() string {
	if id := b.o.Store.Identity(); id != nil {
		return id.ClientID
	}
	return ""
}

// begin makes the appointments that every run has.
func (b *Bridge) begin() {
	b.energy.fed = b.started
	b.turnDay()
	b.list(thinq.Background, nil)
	for _, d := range b.ordered() { // those of the cache need not wait for the list
		if d.profile != nil {
			b.firstRead(d)
		}
	}
	b.planLook()
	b.later.set("ladder", b.started.Add(ladderPeriod), b.climbAnew)
	b.every("list", listPeriod, func() { b.list(thinq.Background, nil) })
	b.every("minute", time.Minute, b.minutely)
	b.every("measure", 10*time.Second, b.measure)
}

// list asks for the account's appliances, once however many ask.
func (b *Bridge) list(lane thinq.Lane, done func(n int, err error)) {
	if done != nil && len(b.lists.waiting) >= listAsks {
		done(0, errors.New("too many requests wait for the list"))
		return
	}
	if done != nil {
		b.lists.waiting = append(b.lists.waiting, done)
	}
	if !b.listed {
		lane = thinq.Start
	}
	order := orderList
	b.enqueue(&job{name: "list", kind: "list", order: order, lane: lane,
		call: func(ctx context.Context) (func(), error) {
			all, err := b.o.Cloud.Devices(ctx)
			if err == nil && all == nil {
				err = errNoList
			}
			return func() { b.inventory(all) }, err
		},
		failed: func(err error) { b.answerList(0, err) },
	})
}

func (b *Bridge) answerList(n int, err error) {
	for _, done := range b.lists.waiting {
		done(n, err)
	}
	b.lists.waiting = nil
}

// listSoon debounces: lifecycle messages and strangers come in bursts.
func (b *Bridge) listSoon() {
	b.later.soonest("list soon", time.Now().Add(listDebounce), func() { b.list(thinq.Background, nil) })
}

// inventory compares LG's list with what is known.
func (b *Bridge) inventory(all []thinq.Device) {
	now := time.Now()
	first := !b.listed
	b.listed = true
	there := map[string]bool{}
	for i, info := range all {
		info.Alias = discovery.CleanName(info.Alias)
		there[info.ID] = true
		b.present(i, info)
	}
	for _, d := range b.ordered() {
		if !there[d.info.ID] {
			b.absent(d, now, len(all) == 0)
		}
	}
	if len(all) > 0 {
		b.lists.empty = time.Time{}
	}
	if first {
		b.later.set("strangers", now.Add(clearDelay), b.clearStrangers)
		b.later.set("leftovers", now.Add(clearDelay), b.clearLeftovers)
	}
	b.answerList(len(all), nil)
	b.touch()
}

// present handles an appliance of the list.
func (b *Bridge) present(place int, info thinq.Device) {
	d := b.devices[info.ID]
	if d == nil {
		d = b.newDevice(info)
		d.place = place
		b.log.Info("appliance found", "device", d.slug, "type", info.Type, "model", info.Model, "ignored", d.ignored)
		b.bridgeEvent("device_joined", map[string]any{"id": info.ID, "slug": d.slug, "name": info.Alias, "type": info.Type})
		b.grant(d, callsPerDevice)
	}
	d.place = place
	wasMissing := d.missing.doubted()
	d.missing = missing{}
	if d.info != info {
		b.changed(d, info)
	}
	if d.ignored {
		return
	}
	b.acquaint(d)
	if wasMissing {
		b.rejoin(d)
		b.publishAvailability(d, false)
	}
}

// rejoin asks for everything anew of an appliance that was gone for a while:
// LG keeps no subscriptions of a removed appliance.
func (b *Bridge) rejoin(d *device) {
	clear(d.unsupported)
	d.energy.Asked, d.lost = time.Time{}, time.Time{}
	now := time.Now()
	b.subscribePush(d, now)
	b.subscribeEvents(d, now)
	b.readProfile(d, thinq.Background, orderAsked)
	b.read(d, orderAsked, "found")
}

// changed takes over a new alias or a corrected type or model. The slug stays.
func (b *Bridge) changed(d *device, info thinq.Device) {
	old := d.info
	d.info = info
	if old.Model != info.Model || old.Type != info.Type {
		b.withdraw(d)
	}
	b.guard(d, func() { b.describe(d, "change") })
	if d.known && (old.Model != info.Model || old.Type != info.Type) {
		b.readProfile(d, thinq.Background, orderProfile)
	}
	if old.Alias != info.Alias {
		b.log.Info("appliance renamed", "device", d.slug)
		b.bridgeEvent("device_renamed", map[string]any{"id": info.ID, "slug": d.slug, "from": old.Alias, "to": info.Alias})
	}
}

// withdraw takes back what the owner allowed another model to do, until the
// configuration is read anew.
func (b *Bridge) withdraw(d *device) {
	if s := b.o.Discovery.Settings(d.info.ID, d.slug); s.RemoteStart || len(s.Allow) > 0 {
		b.withdrawn[d.info.ID] = true
		b.log.Warn("another model is in the place of an appliance: remote_start and allow count again once the configuration is read anew (SIGHUP)", "device", d.slug, "model", d.info.Model)
	}
}

// acquaint asks for whatever is not known yet of an appliance in this run. One
// that was restored may have been read before the list came.
func (b *Bridge) acquaint(d *device) {
	if d.known && d.kept {
		return
	}
	if !d.known && d.profile == nil && !b.asking("profile", d) {
		b.readProfile(d, thinq.Start, orderFirst)
	}
	if !d.known && !b.asking("state", d) {
		b.firstRead(d)
	}
	d.kept = true
	b.keepSubscribed(d)
}

// absent doubts an appliance that the list lacks, and removes it when that is
// beyond doubt: LG said that it left, or two lists ten minutes apart agree. A
// list that is empty is not believed for a day.
func (b *Bridge) absent(d *device, now time.Time, empty bool) {
	if empty && b.lists.empty.IsZero() {
		b.lists.empty = now
	}
	if d.missing.since.IsZero() || !empty && !b.lists.empty.IsZero() { // empty lists do not count as the first of two
		d.missing.since = now
	}
	incredible := empty && now.Sub(b.lists.empty) < emptyDoubt
	switch {
	case d.missing.left, !incredible && now.Sub(d.missing.since) >= doubtPeriod:
		b.remove(d)
	default:
		b.publishAvailability(d, false)
		b.later.soonest("list again", now.Add(doubtPeriod), func() { b.list(thinq.Background, nil) })
	}
}

// doubt follows an answer that LG knows no such appliance.
func (b *Bridge) doubt(d *device) {
	b.away(d)
	b.verify(d)
}

// verify has the list decide whether an appliance is there still. If it
// contradicts, it is not asked again soon.
func (b *Bridge) verify(d *device) {
	if time.Since(d.doubted) >= time.Hour {
		d.doubted = time.Now()
		b.listSoon()
	}
}

// remove forgets an appliance and clears all that was retained for it.
func (b *Bridge) remove(d *device) {
	b.log.Info("appliance removed", "device", d.slug)
	b.abandon(d, rejection{Reason: "gone", Message: "the appliance was removed from the account"})
	b.forget(d)
	for _, h := range d.halves {
		b.clear(h)
	}
	delete(b.devices, d.info.ID)
	delete(b.busy, d)
	delete(b.overrides, d.info.ID)
	b.cancelAppointments(d)
	b.m.deviceOnline.DeleteLabelValues(b.o.Account, d.slug)
	b.m.deviceUpdated.DeleteLabelValues(b.o.Account, d.slug)
	b.m.deviceUpdates.DeletePartialMatch(map[string]string{"account": b.o.Account, "device_id": d.slug})
	b.m.energy.DeleteLabelValues(b.o.Account, d.slug)
	b.bridgeEvent("device_left", map[string]any{"id": d.info.ID, "slug": d.slug, "name": d.info.Alias})
	b.touch()
}

// cancelAppointments forgets what was to be done for an appliance later.
func (b *Bridge) cancelAppointments(d *device) {
	for _, name := range []string{"stale ", "reconcile ", "window ", "pace ", "due ", "truth ", "event ", "push ", "profile ", "burst "} {
		b.later.cancel(name + d.info.ID)
	}
}

// moved handles a lifecycle message. Only the list says what is true.
func (b *Bridge) moved(e thinq.Event) {
	switch d := b.devices[e.Device]; {
	case d == nil:
	case e.Kind == thinq.Left:
		d.missing.left = true
		b.publishAvailability(d, false)
	case e.Kind == thinq.Joined && d.known && !d.ignored && !d.missing.doubted():
		b.rejoin(d)
	}
	b.listSoon()
}

// stranger handles an event of an appliance that nobody knows.
func (b *Bridge) stranger() {
	now := time.Now()
	if now.Before(b.lists.unknown) {
		return
	}
	b.lists.unknown = now.Add(strangerPeriod)
	b.listSoon()
}

// keysOf are the components of an announcement.
func keysOf(d *discovery.Device) keys { return d.Components() }

// entities counts the components that are entities.
func (k keys) entities() (n int) {
	for _, platform := range k {
		if platform != discovery.Trigger {
			n++
		}
	}
	return n
}
