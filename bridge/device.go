package bridge

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A device is what the loop knows of one appliance.
type device struct {
	info    thinq.Device
	place   int // in LG's list
	slug    string
	ignored bool

	raw     json.RawMessage // profile as LG sent it
	lesser  json.RawMessage // one that lacks something, until another reading agrees
	revised time.Time       // when it was last read out of turn
	profile *thinq.Profile
	model   *discovery.Model // of all appliances with this profile
	state   thinq.State
	halves  []*half         // one, or two of a one-piece wash tower
	early   json.RawMessage // a state that came before its profile

	known   bool      // heard of in this run
	lapsed  bool      // and not since LG was out of reach: it may be otherwise now
	seen    time.Time // last report or read
	away    bool      // LG says that it is not connected
	missing missing
	doubted time.Time // when LG last knew no such appliance on a call
	shout   bool      // somebody asked: publish even if nothing changed
	problem string    // what is wrong with it for good
	trouble string    // why it cannot be read now
	lost    time.Time // until when LG is not asked about it, which has lost track of it

	reading     bool
	begun       time.Time   // of the last read
	reported    thinq.State // what reports said since the read began
	unsupported map[string]bool
	due         map[string]time.Time // when calls are to be made again, by kind

	granted   time.Time // when LG took the last request for its events; zero: it sends none
	regranted bool      // that one was for a subscription that had ended
	kept      bool      // its subscriptions are looked after in this run
	excess    bool      // LG allows no more subscriptions
	truth     truth

	coined  time.Time // when a word that its profile lacks was last announced
	elapses time.Time // when time alone changes something about it; zero: never

	energy   metering
	metering struct {
		next    time.Time // when energy is to be read again
		counted float64   // Wh that the metric has counted
	}

	notices map[string]time.Time     // of the last seconds: LG sends some twice
	stirred map[thinq.Path]time.Time // what changed in the last seconds
	reread  time.Time                // when it was last read because its reports did not say it all
	told    []string                 // notifications that came before there was a state to remember them

	panics   []time.Time
	disabled bool
	orders   orders
}

// A half is what one discovery.Device published.
type half struct {
	*discovery.Device
	of           *device
	announced    keys
	announcement [sha256.Size]byte // digest of what was announced; zero: nothing
	payload      []byte
	extra        map[string][]byte
	availability string
}

// missing is the doubt about an appliance that the list lacks.
type missing struct {
	since time.Time // first list without it
	left  bool      // LG said that it was removed
}

func (m missing) doubted() bool { return !m.since.IsZero() || m.left }

// ordered are the appliances in LG's order.
func (b *Bridge) ordered() []*device {
	return slices.SortedFunc(maps.Values(b.devices), byPlace)
}

func byPlace(x, y *device) int {
	return cmp.Or(cmp.Compare(x.place, y.place), cmp.Compare(x.info.ID, y.info.ID))
}

// find is the appliance with an id or a slug, also the one of a half.
func (b *Bridge) find(word string) *device {
	if d := b.devices[word]; d != nil {
		return d
	}
	if h := b.slugs[word]; h != nil {
		return h.of
	}
	for _, d := range b.devices {
		if d.slug == word {
			return d
		}
	}
	return nil
}

// settings are what the user configured and what was not withdrawn, overlaid by what was asked for over
// bridge/request/device/options.
func (b *Bridge) settings(configured func(id, slug string) discovery.Settings, id, slug string) discovery.Settings {
	var s discovery.Settings
	if configured != nil {
		s = configured(id, slug)
	}
	if b.withdrawn[id] {
		s.RemoteStart, s.Allow = false, nil
	}
	if o, ok := b.overrides[id]; ok {
		s.Name, s.Optimistic = cmp.Or(o.Name, s.Name), o.Optimistic
	}
	return s
}

// newDevice makes an appliance without profile or state.
func (b *Bridge) newDevice(info thinq.Device) *device {
	d := &device{info: info, unsupported: map[string]bool{}, due: map[string]time.Time{}}
	d.slug = discovery.Slug(info.Type, info.ID)
	s := b.o.Discovery.Settings(info.ID, d.slug)
	d.slug = cmp.Or(s.Slug, d.slug)
	d.ignored = s.Ignore
	b.devices[info.ID] = d
	return d
}

// learn takes a profile over and describes the appliance anew.
func (b *Bridge) learn(d *device, raw json.RawMessage) {
	raw, model, err := b.parse(raw)
	if err != nil {
		d.problem = fmt.Sprintf("the profile makes no sense: %v", err)
		b.log.Warn("unusable profile", "device", d.slug, "err", err)
		return
	}
	p := model.Profile
	d.outgrow(p)
	clear(d.unsupported)
	d.raw, d.profile, d.model, d.problem = raw, p, model, ""
	for _, problem := range p.Problems {
		b.log.Info("part of a profile left out", "device", d.slug, "problem", problem)
	}
	b.describe(d, "change")
	if len(d.halves) > 0 && !d.halves[0].Known && !b.unknown[d.info.Type] {
		b.unknown[d.info.Type] = true
		b.log.Info("type of appliance without a table: its entities follow from its profile", "type", d.info.Type)
	}
}

// parse reads a profile. Appliances of the same kind have the same one, byte for
// byte, so in a large home they share it.
func (b *Bridge) parse(raw json.RawMessage) (json.RawMessage, *discovery.Model, error) {
	for _, d := range b.devices {
		if d.model != nil && bytes.Equal(d.raw, raw) {
			return d.raw, d.model, nil
		}
	}
	p, err := thinq.ParseProfile(raw)
	return bytes.Clone(raw), discovery.NewModel(p), err
}

// outgrow drops the values that only the former profile knows.
func (d *device) outgrow(p *thinq.Profile) {
	if d.profile == nil {
		return
	}
	for path := range d.state {
		was, had := d.profile.Property(path)
		if is, has := p.Property(path); had && (!has || is.Type != was.Type) {
			delete(d.state, path)
		}
	}
}

// describe makes the entities anew from profile and state, and announces them
// if they differ from what was announced.
func (b *Bridge) describe(d *device, reason string) {
	if d.profile == nil {
		return
	}
	old := map[string]*half{}
	for _, h := range d.halves {
		old[h.Slug] = h
		delete(b.slugs, h.Slug)
	}
	d.halves = nil
	for _, hd := range d.model.Describe(d.info, d.state, b.o.Discovery) {
		h := cmp.Or(old[hd.Slug], &half{of: d})
		h.Device = hd
		delete(old, hd.Slug)
		d.halves = append(d.halves, h)
		b.slugs[hd.Slug] = h
	}
	for _, h := range old {
		b.clear(h)
	}
	if !d.known && d.state == nil {
		return // announced when its first state is there
	}
	for _, h := range d.halves {
		b.announce(h, reason)
	}
}

// available reports whether an appliance can be reached, as far as we know.
func (b *Bridge) available(d *device) bool {
	return d.known && !d.lapsed && !d.away && !d.disabled && !d.missing.doubted() && !b.account.dark && !b.stale(d)
}

const (
	staleAfter = 3                 // reconcile intervals without any observation make an appliance unavailable
	readShare  = 200 * time.Second // but in a large home the budget allows a read of each only so often
)

// patience is how long an appliance counts as observed.
func (b *Bridge) patience() time.Duration {
	return max(staleAfter*b.o.Reconcile, time.Duration(len(b.devices))*readShare)
}

func (b *Bridge) stale(d *device) bool {
	return time.Since(d.seen) >= b.patience()
}

// heard notes that an appliance was observed, by push or poll.
func (b *Bridge) heard(d *device, source string) {
	b.later.set("stale "+d.info.ID, d.seen.Add(b.patience()), func() { b.publishAvailability(d, false) })
	b.m.deviceUpdated.WithLabelValues(b.o.Account, d.slug).Set(float64(d.seen.Unix()))
	b.m.deviceUpdates.WithLabelValues(b.o.Account, d.slug, source).Inc()
}

// away makes an appliance unavailable; its state is kept.
func (b *Bridge) away(d *device) {
	if !d.away {
		b.log.Info("appliance not connected", "device", d.slug)
	}
	lost := d.known && !d.away && d.state != nil
	d.away = true
	if lost {
		b.tell(d, discovery.Lost())
	}
	b.introduce(d)
	b.publishAvailability(d, false)
}

// lostPause is how long an appliance of which LG lost track is left alone, unless
// somebody asks or it reports.
const lostPause = 6 * time.Hour

// orphaned shows what only the owner of an appliance can solve.
func (b *Bridge) orphaned(d *device, err error) {
	if d.lost.IsZero() {
		b.log.Warn("LG has lost track of an appliance", "device", d.slug, "err", err)
	}
	d.trouble, d.lost = sentence(err), time.Now().Add(lostPause)
	b.later.set("lost "+d.info.ID, d.lost, func() { b.stirred = true })
	b.touch()
}

// Panics in the handling of one appliance: so many in so long disable it.
const (
	panicLimit  = 5
	panicWindow = 10 * time.Minute
)

// guard keeps a panic in the handling of one appliance from the rest.
func (b *Bridge) guard(d *device, f func()) {
	if d != nil && d.disabled {
		return
	}
	defer func() {
		if cause := recover(); cause != nil {
			b.panicked(d, cause, debug.Stack())
		}
	}()
	f()
}

func (b *Bridge) panicked(d *device, cause any, stack []byte) {
	b.m.restarts.WithLabelValues("device", "panic").Inc()
	if d == nil {
		b.faulty(cause, stack)
		return
	}
	b.log.Error("fault in the handling of an appliance", "device", d.slug, "cause", cause, "stack", string(stack))
	now := time.Now()
	d.panics = slices.DeleteFunc(append(d.panics, now), func(t time.Time) bool { return now.Sub(t) > panicWindow })
	if len(d.panics) < panicLimit {
		return
	}
	d.disabled = true
	d.problem = "disabled after repeated faults; reload the configuration or restart to try again"
	b.forget(d)
	b.abandon(d, rejection{Reason: "disabled", Message: d.problem})
	b.publishAvailability(d, true)
}

// faultRest is for how long the loop rests after each fault of its own beyond the
// first few: one that came back at every turn would use up the machine.
const faultRest = time.Second

func (b *Bridge) faulty(cause any, stack []byte) {
	now := time.Now()
	b.panics = slices.DeleteFunc(append(b.panics, now), func(t time.Time) bool { return now.Sub(t) > panicWindow })
	if len(b.panics) <= panicLimit {
		b.log.Error("fault in the bridge", "cause", cause, "stack", string(stack))
		return
	}
	time.Sleep(faultRest)
}

// enable gives an appliance that was disabled another chance.
func (b *Bridge) enable(d *device) {
	if !d.disabled {
		return
	}
	b.log.Info("appliance enabled again", "device", d.slug)
	d.disabled, d.problem, d.panics = false, "", nil
	b.planRead(d)
	b.firstRead(d)
}
