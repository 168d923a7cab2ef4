package bridge

import (
	"errors"
	"maps"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

const (
	savePeriod   = time.Minute // memory cards die of writing
	budgetPeriod = time.Second // at a start, where a crash loop would begin
)

// touch notes that an appliance came, went or changed: bridge/devices and the
// cache are to be renewed.
func (b *Bridge) touch() {
	b.later.soonest("roster", time.Now().Add(rosterDebounce), b.publishRoster)
	b.dirty()
}

// dirty notes that the cache differs from what is saved.
func (b *Bridge) dirty() {
	now := time.Now()
	at := b.saved.Add(savePeriod)
	if b.saved.After(now) || at.Before(now) { // the clock was set back, or long ago
		at = now
	}
	if !b.settled { // half a start is not worth a minute's only write
		at = latest(at, b.started.Add(savePeriod))
	}
	if b.o.Store != nil {
		b.later.soonest("save", at, b.saveSoon)
	}
}

// saveSoon saves outside of the loop, one write at a time.
func (b *Bridge) saveSoon() {
	if b.saving.Load() {
		b.later.soonest("save", time.Now().Add(time.Second), b.saveSoon)
		return
	}
	b.saved = time.Now()
	b.saving.Store(true)
	c := b.snapshotCache()
	b.work.Go(func() {
		defer b.saving.Store(false)
		b.save(c)
	})
}

func (b *Bridge) save(c cache) {
	if b.o.Store == nil {
		return
	}
	err := errors.Join(b.o.Store.saveCache(c), b.o.Store.saveBudget(b.o.Budget.State()))
	b.wrote(cacheFile, err)
}

func (b *Bridge) wrote(file string, err error) {
	word := "ok"
	if err != nil {
		word = "error"
		b.log.Error("cannot save", "file", file, "err", err)
	}
	b.m.writes.WithLabelValues(file, word).Inc()
}

// spent saves the budget after calls: often in the first minute, so that a
// crash loop cannot spend the same calls again and again, then with the cache.
func (b *Bridge) spent() {
	now := time.Now()
	if b.o.Store == nil {
		return
	}
	wait := savePeriod
	if now.Sub(b.started) < time.Minute {
		wait = budgetPeriod
	}
	b.later.soonest("budget", now.Add(wait), func() {
		state := b.o.Budget.State()
		b.work.Go(func() { b.wrote(budgetFile, b.o.Store.saveBudget(state)) })
	})
}

// snapshotCache copies what is to be saved, so that writing needs no lock.
func (b *Bridge) snapshotCache() cache {
	c := cache{Saved: time.Now(), Lifecycle: b.lifecycle, Grants: b.grants, Overrides: maps.Clone(b.overrides)}
	if b.o.Store != nil {
		c.Client = b.clientID()
	}
	for _, d := range b.ordered() {
		c.Devices = append(c.Devices, d.cached())
	}
	return c
}

func (d *device) cached() cachedDevice {
	cd := cachedDevice{
		Device: d.info, Profile: d.raw, State: maps.Clone(d.state), Seen: d.seen,
		Due: maps.Clone(d.due), Granted: d.granted, Polled: d.truth.polled, Muted: maps.Clone(d.truth.muted), Energy: d.energy, Announced: map[string]keys{},
	}
	for _, h := range d.halves {
		cd.Announced[h.Slug] = h.announced
	}
	cd.Blocks = d.orders.blocks(time.Now())
	return cd
}

// override sets what a request may set for an appliance.
func (b *Bridge) override(d *device, s discovery.Settings) {
	b.overrides[d.info.ID] = s
	b.touch()
	b.guard(d, func() {
		b.describe(d, "change")
		b.publishState(d, false)
	})
}
