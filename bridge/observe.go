package bridge

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// observe handles one event of LG.
func (b *Bridge) observe(e thinq.Event) {
	b.alive()
	b.push.proof = time.Now()
	d := b.devices[e.Device]
	switch {
	case e.Kind == thinq.Joined, e.Kind == thinq.Left, e.Kind == thinq.Renamed:
		b.moved(e)
	case d == nil:
		b.stranger()
	case d.ignored:
	case e.Kind == thinq.Report:
		b.guard(d, func() { b.report(d, e.Report) })
	case e.Kind == thinq.Notice:
		b.guard(d, func() { b.notify(d, e.Code) })
	}
	b.m.pushMessages.WithLabelValues(b.o.Account, string(e.Kind)).Inc()
	b.m.pushLast.WithLabelValues(b.o.Account).SetToCurrentTime()
}

// report applies what an appliance says by itself.
func (b *Bridge) report(d *device, data json.RawMessage) {
	if d.profile == nil {
		if d.early != nil { // older than this report, which cannot be read yet
			d.early = nil
			b.firstRead(d)
		}
		return
	}
	report, err := d.profile.Decode(data)
	if err != nil {
		b.m.mqttDropped.WithLabelValues("malformed").Inc()
		b.log.Debug("report makes no sense", "device", d.slug, "bytes", len(data), "err", err)
		return
	}
	b.witness(d, report)
	if d.reading {
		if d.reported == nil {
			d.reported = thinq.State{}
		}
		maps.Copy(d.reported, report)
	}
	if d.state == nil {
		return // the read that is under way, or waits, says it all
	}
	back := d.known && !b.available(d)
	b.contradicted(d, b.apply(d, report, "push"))
	if back || discovery.ErrorDoubted(d.state, report) { // a report says what has changed, but not all that has
		d.truth.blind = true
		b.reread(d, time.Now(), "doubt")
	}
}

// LG neither orders events nor marks copies. What changes twice in so short a time
// may have come the wrong way round, so the appliance is asked when it is quiet
// again, and not too often (F-034).
const (
	burstTime  = 3 * time.Second
	burstQuiet = 5 * time.Second
	burstReads = 10 * time.Minute
)

// contradicted looks for changes that follow others of the same property closely.
func (b *Bridge) contradicted(d *device, changed thinq.State) {
	now := time.Now()
	maps.DeleteFunc(d.stirred, func(_ thinq.Path, at time.Time) bool { return now.Sub(at) >= burstTime })
	twice := false
	for path := range changed {
		_, again := d.stirred[path]
		twice = twice || again
		if d.stirred == nil {
			d.stirred = map[thinq.Path]time.Time{}
		}
		d.stirred[path] = now
	}
	if !twice {
		return
	}
	b.reread(d, now.Add(burstQuiet), "burst")
}

// reread asks an appliance for what its reports do not tell, not too often.
func (b *Bridge) reread(d *device, at time.Time, why string) {
	b.later.set("burst "+d.info.ID, latest(at, d.reread.Add(burstReads)), func() {
		d.reread = time.Now()
		b.read(d, orderRead, why)
	})
}

// apply merges what was learnt, however it was learnt, and publishes what
// follows from it.
func (b *Bridge) apply(d *device, report thinq.State, source string) (changed thinq.State) {
	fresh := !d.known // what happened while nobody watched is no news
	if d.state == nil {
		d.state = thinq.State{}
	}
	if d.away {
		b.log.Info("appliance connected again", "device", d.slug)
	}
	d.seen, d.known, d.lapsed, d.away, d.trouble, d.lost = time.Now(), true, false, false, "", time.Time{}
	changed = d.state.Merge(report)
	if changed != nil {
		b.derive(d, changed, fresh)
	}
	b.recall(d)
	if changed != nil || fresh || d.shout {
		b.publishState(d, d.shout)
		b.dirty()
	}
	d.shout = d.shout && source != "poll"
	b.heard(d, source) // what follows is not what others wait for
	b.publishAvailability(d, false)
	b.confirm(d, changed)
	return changed
}

// derive adds what LG does not say, fires the events of the change, and
// describes the appliance anew where the change concerns its description.
func (b *Bridge) derive(d *device, changed thinq.State, fresh bool) {
	now := b.household()
	var anew, words bool
	var news []func()
	for _, h := range d.halves {
		derived, events := h.Advance(d.state, changed, now)
		learnt := d.state.Merge(derived)
		if h.Affected(d.state, changed) || h.Affected(d.state, learnt) {
			only := h.Coined(d.state, changed, learnt)
			words, anew = words || only, anew || !only
		}
		if fresh {
			continue
		}
		for _, e := range events {
			news = append(news, func() { b.publishEvent(h, e, now) })
		}
	}
	if anew || words && b.mayCoin(d) {
		b.describe(d, "change")
	}
	b.remind(d)
	for _, publish := range news { // after the announcement that may concern them
		publish()
	}
}

// wordsRest is how long an appliance that has used a word which its profile does
// not list may not have another one announced: some invent them all the time.
const wordsRest = time.Minute

// mayCoin reports whether a new word may be announced at once; else it will be.
func (b *Bridge) mayCoin(d *device) bool {
	now := time.Now()
	if at := d.coined.Add(wordsRest); now.Before(at) {
		b.later.soonest("words "+d.info.ID, at, func() {
			if b.devices[d.info.ID] == d {
				d.coined = time.Now()
				b.guard(d, func() { b.describe(d, "change") })
			}
		})
		return false
	}
	d.coined = now
	return true
}

// remind makes the appointment for what of an appliance time alone changes.
func (b *Bridge) remind(d *device) {
	now := b.household()
	var first time.Time
	for _, h := range d.halves {
		if due := h.Due(d.state, now); !due.IsZero() && (first.IsZero() || due.Before(first)) {
			first = due
		}
	}
	if first.Equal(d.elapses) {
		return
	}
	d.elapses = first
	if name := "due " + d.info.ID; first.IsZero() {
		b.later.cancel(name)
	} else {
		b.later.set(name, latest(first, now.Add(time.Second)), func() { b.guard(d, func() { b.elapse(d) }) })
	}
}

// elapse derives what follows from the time alone.
func (b *Bridge) elapse(d *device) {
	if b.devices[d.info.ID] != d || d.state == nil {
		return
	}
	d.elapses = time.Time{}
	anew := false
	for _, h := range d.halves {
		learnt := d.state.Merge(h.Tick(d.state, b.household()))
		anew = anew || h.Affected(d.state, learnt)
	}
	if anew {
		b.describe(d, "change")
	}
	b.remind(d)
	if d.known {
		b.publishState(d, false)
		b.dirty()
	}
}

// notices are repeated by LG; within this time the same one is not news.
const noticeRepeat = 5 * time.Second

// notify passes a notification on.
func (b *Bridge) notify(d *device, code string) {
	now := time.Now()
	maps.DeleteFunc(d.notices, func(_ string, at time.Time) bool { return now.Sub(at) >= noticeRepeat })
	if _, again := d.notices[code]; again || code == "" {
		return
	}
	if d.notices == nil {
		d.notices = map[string]time.Time{}
	}
	d.notices[code] = now
	if d.state == nil && !slices.Contains(d.told, code) {
		d.told = append(d.told, code)
	}
	if d.profile == nil {
		return
	}
	if d.state == nil { // a notification cannot wait for the first read
		d.state = thinq.State{}
		defer func() { d.state = nil }()
	}
	b.tell(d, discovery.Notice(code))
}

// recall has the state remember what notifications said before it was there.
// Their events were sent when they came.
func (b *Bridge) recall(d *device) {
	told := d.told
	d.told = nil
	for _, code := range told {
		b.derive(d, discovery.Notice(code), true)
	}
}

// tell passes on news that are no part of a state, with what follows from them.
func (b *Bridge) tell(d *device, news thinq.State) {
	b.derive(d, news, false)
	if d.known {
		b.publishState(d, false)
		b.dirty()
	}
}
