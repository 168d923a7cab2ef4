package bridge

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// An established connection proves nothing: subscriptions die on it in silence.
// So what a read finds is held against what events have told (F-025).
const (
	truthGrace  = time.Minute // for the event of a change that a read found first
	truthMisses = 2           // changes without one, until events are in doubt
	muteMarks   = 3           // proofs that LG never reports a property

	suspectPeriod = 15 * time.Minute // between reads of an appliance whose events are in doubt
	polledPeriod  = 5 * time.Minute  // and of one that has none, as far as the budget allows
)

// truth is what is known of whether an appliance's changes come as events.
type truth struct {
	blind   bool                // changes may be unknown for a good reason: the next read proves nothing
	awaited bool                // a read found changes, whose events have a minute to come
	silent  map[thinq.Path]bool // what changed without an event since the appliance's last report
	missed  int                 // how often since then
	suspect bool
	polled  bool // nothing has helped: it is read instead

	// muted counts the proofs that LG reports other things and not this one. It
	// outlives the run.
	muted map[thinq.Path]int
}

// mute reports whether a change is never reported, as far as was learnt.
func (t *truth) mute(path thinq.Path) bool { return t.muted[path] >= muteMarks }

func (t *truth) mark(path thinq.Path) {
	if t.muted == nil {
		t.muted = map[thinq.Path]int{}
	}
	t.muted[path]++
}

// surprised notes what a read found, and reports whether an event should have
// told.
func (t *truth) surprised(changed thinq.State) (yes bool) {
	for path, v := range changed {
		path.Unit = "" // reports leave it out
		if v == nil || t.mute(path) {
			continue
		}
		if t.silent == nil {
			t.silent = map[thinq.Path]bool{}
		}
		t.silent[path], yes = true, true
	}
	return yes
}

// heard takes a report as the proof that events come, and learns what they do
// not tell: what had changed before and is not in it.
func (t *truth) heard(report thinq.State) {
	told := map[thinq.Path]bool{}
	for path := range report {
		path.Unit = ""
		told[path] = true
		delete(t.muted, path)
	}
	for path := range t.silent {
		if !told[path] {
			t.mark(path)
		}
	}
	t.awaited, t.silent, t.missed, t.suspect, t.polled = false, nil, 0, false, false
}

// watched reports whether a read of an appliance says something about events:
// only where they have been asked for and had the time to come.
func (b *Bridge) watched(d *device) bool {
	return d.known && !d.away && b.push.live && !d.granted.IsZero() && !d.truth.blind
}

// compared judges the events of an appliance by what a read found.
func (b *Bridge) compared(d *device, changed thinq.State) {
	if !d.truth.surprised(changed) {
		b.m.pushProbes.WithLabelValues(b.o.Account, "match").Inc()
		return
	}
	if !d.truth.awaited {
		d.truth.awaited = true
		b.later.set("truth "+d.info.ID, time.Now().Add(truthGrace), func() { b.judge(d) })
	}
}

// judge decides when the time of the events is over that a change should have
// had.
func (b *Bridge) judge(d *device) {
	t := &d.truth
	if !t.awaited || b.devices[d.info.ID] != d {
		return
	}
	t.awaited = false
	if !b.push.live || d.granted.IsZero() {
		return
	}
	b.m.pushProbes.WithLabelValues(b.o.Account, "drift").Inc()
	t.missed++
	if time.Since(b.grants.Looked) >= lookAgain {
		b.look()
	}
	switch {
	case t.missed < truthMisses, t.polled:
	case t.suspect:
		b.push.drifted = true
		b.climb()
	default:
		b.suspect(d)
	}
}

// suspect begins to doubt the events of an appliance. The first one starts the
// ladder, others join, and where all of it was in vain there is no need to wait.
func (b *Bridge) suspect(d *device) {
	climbing := len(b.climbers()) > 0
	d.truth.suspect = true
	switch {
	case climbing:
		b.subscribeEvents(d, time.Now())
	case len(b.suspects()) > 1 && b.push.proof.Before(b.push.stepped):
		d.truth.polled = true
	default:
		b.push.rung, b.push.next, b.push.drifted = 0, time.Time{}, true
		b.climb()
	}
	b.planRead(d)
	b.truthChanged(d)
}

// witness takes a report of an appliance as the proof that its events come.
func (b *Bridge) witness(d *device, report thinq.State) {
	if d.truth.awaited {
		b.m.pushProbes.WithLabelValues(b.o.Account, "late").Inc()
		b.later.cancel("truth " + d.info.ID)
	}
	b.trust(d, report)
}

func (b *Bridge) trust(d *device, report thinq.State) {
	was := d.truth.suspect
	d.truth.heard(report)
	if was {
		b.log.Info("events of an appliance come again", "device", d.slug)
		b.planRead(d)
		b.truthChanged(d)
	}
}

// suspects are the appliances whose events are in doubt.
func (b *Bridge) suspects() []*device { return b.those(func(t *truth) bool { return t.suspect }) }

// climbers are those of them for which something can still be tried.
func (b *Bridge) climbers() []*device {
	return b.those(func(t *truth) bool { return t.suspect && !t.polled })
}

func (b *Bridge) those(are func(t *truth) bool) []*device {
	return slices.DeleteFunc(b.ordered(), func(d *device) bool { return !are(&d.truth) })
}

// truthChanged tells everybody whether events of an appliance come.
func (b *Bridge) truthChanged(d *device) {
	state := pushLive
	switch {
	case d.truth.polled:
		state = pushPolling
	case d.truth.suspect:
		state = pushSuspect
	}
	b.bridgeEvent("push_truth", map[string]any{"id": d.info.ID, "slug": d.slug, "state": state})
	b.touch()
	b.pushJudged()
}

// A rung is one remedy for events that do not come.
type rung struct {
	name string
	does string // for a person
	line bool   // it concerns the connection, which events of others prove
}

// ladder is what is tried, beginning with what costs least. The reads in between
// decide whether it helped.
var ladder = []rung{
	{name: "appliance", does: "LG is asked for such events again"},
	{name: "all", does: "LG is asked for the events of all appliances again"},
	{name: "reconnect", does: "the connection is made anew", line: true},
	{name: "certificate", does: "the connection is made anew, with another certificate", line: true},
	{name: "polling", does: "reads find them now, every few minutes"},
}

// ladderPeriod is how often it is tried again what may help when nothing has,
// and how often LG is asked for another certificate at most.
const ladderPeriod = 24 * time.Hour

// climb tries the next remedy when the one before has had its time, and changes
// still come without events.
func (b *Bridge) climb() {
	p, in := &b.push, b.climbers()
	if !p.drifted || !p.live || p.next.After(time.Now()) || len(in) == 0 {
		return
	}
	for b.futile(ladder[p.rung]) {
		p.rung++
	}
	step := ladder[p.rung]
	b.log.Warn("changes came without an event", "devices", b.slugsOf(in), "step", step.name)
	b.m.pushSteps.WithLabelValues(b.o.Account, step.name).Inc()
	p.drifted, p.stepped, p.next = false, time.Now(), time.Now().Add(policy[thinq.Blocked].wait(p.rung))
	p.rung++
	b.later.set("ladder", p.next, b.climb)
	b.remedy(step.name, in)
	b.pushJudged()
}

// futile reports whether a remedy cannot help: events of others prove the
// connection, and only the event broker knows certificates, of which LG gives
// few.
func (b *Bridge) futile(r rung) bool {
	p := &b.push
	return r.line && p.proof.After(p.stepped) ||
		r.name == "certificate" && (p.byToken || !p.certified.IsZero() && time.Since(p.certified) < ladderPeriod)
}

func (b *Bridge) remedy(name string, in []*device) {
	switch name {
	case "appliance":
		b.askAgain(in)
	case "all":
		b.askAgain(b.ordered())
	case "reconnect":
		b.push.hangUp()
	case "certificate":
		b.push.certified = time.Now()
		b.push.distrust()
	case "polling":
		b.later.set("ladder", time.Now().Add(ladderPeriod), b.climbAnew)
		for _, d := range in {
			d.truth.polled = true
			b.planRead(d)
			b.truthChanged(d)
		}
	}
}

func (b *Bridge) askAgain(all []*device) {
	for _, d := range all {
		if !d.granted.IsZero() {
			b.subscribeEvents(d, time.Now())
		}
	}
}

// climbAnew does once a day what may help when nothing has.
func (b *Bridge) climbAnew() {
	in := b.suspects()
	if len(in) == 0 || len(b.climbers()) > 0 {
		return
	}
	b.later.set("ladder", time.Now().Add(ladderPeriod), b.climbAnew)
	b.askAgain(in)
	if b.push.live && b.push.proof.Before(time.Now().Add(-ladderPeriod)) {
		b.push.hangUp()
	}
}

// readPeriod is how often an appliance is read: more often while its events are
// in doubt, but then the budget must do for all such appliances.
func (b *Bridge) readPeriod(d *device) time.Duration {
	period := suspectPeriod
	switch {
	case d.truth.polled || d.excess:
		period = polledPeriod
	case !d.truth.suspect:
		return b.calmPeriod()
	}
	n := 0
	for _, other := range b.devices {
		if other.truth.suspect || other.excess {
			n++
		}
	}
	return min(b.calmPeriod(), max(period, time.Duration(n)*readShare))
}

// calmPeriod is how often an appliance is read whose events are not in doubt. When
// half of the calls of the hour are gone, the others are spread: a home that has
// read its fill and then nothing for an hour would show what is long past.
func (b *Bridge) calmPeriod() time.Duration {
	left, _ := b.o.Budget.Left()
	share := b.o.Budget.Share()
	if left > share/2 {
		return b.o.Reconcile
	}
	spread := time.Duration(len(b.devices)) * 90 * time.Minute / time.Duration(max(1, share)) // a third is for all else
	return max(b.o.Reconcile, min(spread, b.patience()*4/5))
}

// pushJudged tells everybody when the condition of the events has changed.
func (b *Bridge) pushJudged() {
	if state := b.pushState(); state != b.push.told {
		b.push.told = state
		b.bridgeEvent("push_state", map[string]any{"state": state, "text": b.pushText()})
	}
	b.publishInfo()
}

// pushText is why events are not as they should be, for a person; empty when
// they are.
func (b *Bridge) pushText() string { return b.pushTextBy(b.namesOf) }

// pushTextBy leaves open what appliances are called.
func (b *Bridge) pushTextBy(called func([]*device) []string) string {
	silent := b.suspects()
	switch {
	case b.o.Subscriber == nil:
		return ""
	case b.push.twin != "":
		return b.push.twin
	case !b.push.live:
		return b.push.text
	case len(silent) == 0:
		return ""
	}
	does := ladder[len(ladder)-1].does
	if in := b.climbers(); len(in) > 0 {
		silent, does = in, ladder[max(0, b.push.rung-1)].does
	}
	return "Changes of " + strings.Join(called(silent), ", ") + " came without an event: " + does + "."
}

// eventsText is the same of one appliance.
func (b *Bridge) eventsText(d *device) string {
	switch {
	case d.truth.polled:
		return "Its changes come without events, so it is read every few minutes."
	case d.truth.suspect:
		return "Its changes came without events, which are asked for again."
	case d.excess:
		return "LG allows no more event subscriptions, so it is read every few minutes."
	}
	return ""
}

// polled are the appliances that are read because their events do not come.
func (b *Bridge) polled() []*device {
	return slices.DeleteFunc(b.ordered(), func(d *device) bool { return !d.truth.polled && !d.excess })
}

func (b *Bridge) namesOf(all []*device) (names []string) {
	for _, d := range all {
		names = append(names, cmp.Or(b.o.Discovery.Settings(d.info.ID, d.slug).Name, d.info.Alias, d.slug))
	}
	return names
}

func (b *Bridge) slugsOf(all []*device) []string {
	slugs := []string{}
	for _, d := range all {
		slugs = append(slugs, d.slug)
	}
	return slugs
}
