package bridge

import (
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
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
	if at.Before(now) {
		at = now
	}
	if b.o.Store != nil && b.o.Store.Unsaved() != nil {
		at = latest(at, b.saved.Add(unsavedRetry))
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
	err := errors.Join(b.o.Store.saveCache(c), b.saveBudget())
	b.wrote(cacheFile, err)
}

func (b *Bridge) wrote(file string, err error) {
	word := "ok"
	if err != nil {
		word = "error"
	}
	b.m.writes.WithLabelValues(file, word).Inc()
}

// unsavedRetry is how often it is tried again to write what could not be written:
// a full disk is not helped by trying.
const unsavedRetry = 5 * time.Minute

// checkDisk notes whether all is saved, and tries again now and then.
func (b *Bridge) checkDisk() {
	if b.o.Store == nil {
		return
	}
	err := b.o.Store.Unsaved()
	if err == nil {
		b.well(troubleDisk)
		return
	}
	b.troubled(troubleDisk, "the state folder cannot be written: "+err.Error()+"; the bridge goes on from memory, and a restart forgets what is not saved")
	b.later.soonest("disk", time.Now().Add(unsavedRetry), func() {
		b.work.Go(func() { b.wrote("unsaved", b.o.Store.Retry()) })
	})
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
		b.work.Go(func() { b.wrote(budgetFile, b.saveBudget()) })
	})
}

// reserveCalls is how many background calls are written down before they are
// made, so that a process that is killed forgets none, and the disk is not
// written for each.
const reserveCalls = 3

// A reserve is what of the written budget is not used up.
type reserve struct {
	mu   sync.Mutex
	left int
}

// reserve makes sure that a call is in the saved budget before it is made. Many
// goroutines call it.
func (b *Bridge) reserve() {
	if b.o.Store == nil || b.o.Store.Unsaved() != nil {
		return
	}
	b.ahead.mu.Lock()
	defer b.ahead.mu.Unlock()
	if b.ahead.left == 0 {
		b.ahead.left = reserveCalls
		b.wrote(budgetFile, b.o.Store.saveBudget(ahead(b.o.Budget.State(), reserveCalls)))
	}
	b.ahead.left--
}

// saveBudget saves the budget as it is, with what is reserved.
func (b *Bridge) saveBudget() error {
	b.ahead.mu.Lock()
	defer b.ahead.mu.Unlock()
	return b.o.Store.saveBudget(ahead(b.o.Budget.State(), b.ahead.left))
}

// ahead is a budget in which some calls more are made.
func ahead(s thinq.BudgetState, calls int) thinq.BudgetState {
	now := time.Now()
	for range calls {
		s.Calls[thinq.Background] = append(s.Calls[thinq.Background], now)
	}
	return s
}

// snapshotCache copies what is to be saved, so that writing needs no lock.
func (b *Bridge) snapshotCache() cache {
	c := cache{Saved: time.Now(), Lifecycle: b.lifecycle, Grants: b.grants, Overrides: maps.Clone(b.overrides), Ledger: b.bequest()}
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
