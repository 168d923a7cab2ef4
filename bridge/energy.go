package bridge

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// How often LG is asked about energy, which is never urgent.
const (
	energyPeriod  = time.Hour          // LG's numbers change by the hour
	metersPeriod  = 7 * 24 * time.Hour // between questions whether an appliance has got a meter
	deniedPeriod  = 24 * time.Hour     // between tries without the permission
	energyShare   = 4                  // energy gets one background call in so many
	energyHunger  = 10                 // and one in so many even if that is at the cost of reads
	energyNight   = time.Hour          // after midnight: the day before is complete then
	energyNights  = 60                 // minutes over which installations spread
	energyRest    = 2 * time.Minute    // after the begin of a run, for all else
	energyPatient = 10 * time.Minute   // how long an unfinished start may hold it up
)

// A metering is what is kept about the meters of an appliance.
type metering struct {
	Asked   time.Time `json:"asked,omitzero"`    // when LG last said which there are
	Meters  []string  `json:"meters,omitempty"`  // empty: none
	Foreign bool      `json:"foreign,omitempty"` // LG keeps them from this account
	Read    time.Time `json:"read,omitzero"`     // when one was last read
	Whole   string    `json:"whole,omitempty"`   // the day on which all days that are shown were last read
}

// energy is what the bridge knows about energy in the whole account.
type energy struct {
	day     string    // for which all is shown
	denied  time.Time // when LG last refused energy to the account; zero: it did not
	granted bool      // LG has told something of energy
	single  bool      // LG takes no more than a month in one call
	fed     time.Time // when a call was last made, or pushed forward
	rare    time.Duration
}

// household is the present time in the zone that days begin in.
func (b *Bridge) household() time.Time { return time.Now().In(b.o.Zone) }

// meter asks for what is due, when the start is over and all else is asked for.
func (b *Bridge) meter() {
	now := b.household()
	if now.Format(time.DateOnly) != b.energy.day {
		b.turnDay()
	}
	if up := now.Sub(b.started); up < energyRest || !b.settled && up < energyPatient {
		return
	}
	if !b.energy.denied.IsZero() && now.Sub(b.energy.denied).Abs() < deniedPeriod {
		return
	}
	every := b.energyEvery()
	for _, d := range b.ordered() {
		if !d.ignored && !d.disabled && d.state != nil && d.profile != nil && !now.Before(d.metering.next) {
			b.guard(d, func() { b.meterDevice(d, now, every) })
		}
	}
	b.feed(now)
}

func (b *Bridge) meterDevice(d *device, now time.Time, every time.Duration) {
	e, next := &d.energy, &d.metering.next
	if next.IsZero() && !e.Read.IsZero() && now.Sub(e.Read).Abs() < every { // an earlier run has asked
		*next = e.Read.Add(every)
		return
	}
	*next = now.Add(jitter(every, 0.1))
	if e.Asked.IsZero() || len(e.Meters) == 0 && now.Sub(e.Asked).Abs() >= metersPeriod {
		b.askMeters(d)
		return
	}
	whole := e.Whole != now.Format(time.DateOnly) && (e.Whole == "" || timeOfDay(now) >= b.night())
	for _, name := range e.Meters {
		b.readMeter(d, name, whole)
	}
}

// energyEvery is how often each meter is read: every hour, unless that would
// take more than energy's share of the calls.
func (b *Bridge) energyEvery() time.Duration {
	meters := 0
	for _, d := range b.devices {
		meters += len(d.energy.Meters)
	}
	share := max(1, b.o.Budget.Share()/energyShare)
	every := max(energyPeriod, energyPeriod*time.Duration(meters)/time.Duration(share)).Round(time.Minute)
	if every != b.energy.rare && every > energyPeriod {
		b.log.Info("energy is read less often, so that calls are left for all else", "meters", meters, "every", every)
	}
	b.energy.rare = every
	return every
}

// night is the time of day from which the days before are read again: the same
// for all appliances of an installation, another one elsewhere.
func (b *Bridge) night() time.Duration {
	h := fnv.New32a()
	h.Write([]byte(b.o.Discovery.Instance + b.o.Account))
	return energyNight + time.Duration(h.Sum32()%energyNights)*time.Minute
}

func timeOfDay(at time.Time) time.Duration {
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
}

// feed sees to it that energy gets a few calls of the hour even where reads
// would take all of them.
func (b *Bridge) feed(now time.Time) {
	wait := energyPeriod * energyHunger / time.Duration(max(1, b.o.Budget.Share()))
	i := slices.IndexFunc(b.jobs, func(j *job) bool { return j.order == orderEnergy })
	if i < 0 {
		b.energy.fed = now
	} else if now.Sub(b.energy.fed).Abs() >= max(wait, spareWait) {
		b.energy.fed = now
		b.jobs[i].order = orderRead
		b.stirred = true
	}
}

// sparing reports whether the calls that are left this hour are better kept for
// what is more urgent than energy.
func (b *Bridge) sparing() bool {
	left, _ := b.o.Budget.Left()
	return left <= b.o.Budget.Share()/energyShare
}

// energyJob enqueues a call about energy.
func (b *Bridge) energyJob(d *device, name string, before func(), call func(context.Context) (func(), error)) {
	b.enqueue(&job{name: "energy " + d.info.ID + " " + name, kind: "energy", order: orderEnergy, lane: thinq.Background, owner: d,
		optional: true, before: before, call: call, gone: func(err error) { b.noEnergy(d, err) }})
}

// askMeters asks which meters an appliance has.
func (b *Bridge) askMeters(d *device) {
	b.energyJob(d, "", nil, func(ctx context.Context) (func(), error) {
		names, err := b.o.Cloud.EnergyProfile(ctx, d.info.ID)
		return func() { b.metersKnown(d, names) }, err
	})
}

func (b *Bridge) metersKnown(d *device, names []string) {
	b.energy.granted, b.energy.denied = true, time.Time{}
	d.energy.Asked, d.energy.Meters, d.energy.Foreign = time.Now(), names, false
	b.touch()
	if len(names) == 0 {
		return
	}
	facts := discovery.Meters(d.profile, names)
	for _, name := range names {
		for p, v := range discovery.Metered(d.profile, d.state, name, nil, b.household()) {
			facts[p] = v
		}
		b.readMeter(d, name, true)
	}
	b.remember(d, facts)
}

// readMeter asks for the last days of a meter, or for the whole of what is shown.
func (b *Bridge) readMeter(d *device, name string, whole bool) {
	var s span
	before := func() {
		s.from, s.to = discovery.MeterSpan(d.profile, d.state, name, whole, b.household())
		s.single = b.energy.single
	}
	b.energyJob(d, name, before, func(ctx context.Context) (func(), error) {
		usage, single, err := s.read(ctx, b.o.Cloud, d.info.ID, name)
		return func() {
			b.energy.single = b.energy.single || single
			b.metered(d, name, usage, whole)
		}, err
	})
}

func (b *Bridge) metered(d *device, name string, usage []thinq.Usage, whole bool) {
	b.energy.granted, b.energy.denied = true, time.Time{}
	now := b.household()
	d.energy.Read, d.metering.next = now, now.Add(jitter(b.energyEvery(), 0.1))
	if whole {
		d.energy.Whole = now.Format(time.DateOnly)
	}
	if usage == nil {
		usage = []thinq.Usage{}
	}
	b.remember(d, discovery.Metered(d.profile, d.state, name, usage, now))
	b.countEnergy(d)
}

// countEnergy brings the metric up to date.
func (b *Bridge) countEnergy(d *device) {
	var total float64
	for _, name := range d.energy.Meters {
		total += discovery.MeterTotal(d.profile, d.state, name)
	}
	if total >= d.metering.counted {
		b.m.energy.WithLabelValues(b.o.Account, d.slug).Add(total - d.metering.counted)
		d.metering.counted = total
	}
}

// noEnergy takes note of a refusal.
func (b *Bridge) noEnergy(d *device, err error) {
	switch thinq.ClassOf(err) {
	case thinq.Unsupported:
		b.energy.granted, b.energy.denied = true, time.Time{}
		d.energy = metering{Asked: time.Now()}
	case thinq.Blocked:
		b.denyEnergy(d)
	default:
		b.log.Debug("no energy values", "device", d.slug, "err", err)
		return // its turn comes again
	}
	b.touch()
}

const energyDenied = "LG gives no energy values: the token lacks the permission for energy. To have them, make a new token with every permission ticked"

// denyEnergy follows a refusal for lack of permission. If it is the first answer
// about energy at all it concerns the token, and is said once; else it concerns
// an appliance that is shared with this account.
func (b *Bridge) denyEnergy(d *device) {
	if b.energy.granted {
		d.energy = metering{Asked: time.Now(), Foreign: true}
		return
	}
	if b.energy.denied.IsZero() {
		b.log.Warn(energyDenied)
	}
	b.energy.denied = time.Now()
	for _, other := range b.devices {
		other.metering.next = time.Time{}
	}
	b.jobs = slices.DeleteFunc(b.jobs, func(j *job) bool { return j.kind == "energy" && j.order != orderAsked })
}

// turnDay shows what the new day changes, without asking LG.
func (b *Bridge) turnDay() {
	now := b.household()
	b.energy.day = now.Format(time.DateOnly)
	for _, d := range b.ordered() {
		if d.state == nil || d.profile == nil {
			continue
		}
		for _, name := range d.energy.Meters {
			b.guard(d, func() { b.remember(d, discovery.Metered(d.profile, d.state, name, nil, now)) })
		}
	}
	b.later.set("day", time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 1, 0, b.o.Zone), b.turnDay)
}

// remember takes into the state what LG did not report.
func (b *Bridge) remember(d *device, facts thinq.State) {
	changed := d.state.Merge(facts)
	if changed == nil {
		return
	}
	if slices.ContainsFunc(d.halves, func(h *half) bool { return h.Affected(d.state, changed) }) {
		b.describe(d, "change")
	}
	b.publishState(d, false)
	b.dirty()
}

// energyText says for people what is wrong with energy as a whole; empty: nothing.
func (b *Bridge) energyText() string {
	switch {
	case !b.energy.denied.IsZero():
		return energyDenied
	case b.energy.rare > energyPeriod:
		return fmt.Sprintf("Energy is read about every %.0f hours, so that background calls are left for all else", b.energyAge().Hours())
	}
	return ""
}

// energyAge is how old values become: the oldest reading tells, where there are
// not even the calls that were planned for.
func (b *Bridge) energyAge() time.Duration {
	age := b.energy.rare
	for _, d := range b.devices {
		if !d.energy.Read.IsZero() && b.available(d) {
			age = max(age, time.Since(d.energy.Read))
		}
	}
	return age
}

// text says for people whether an appliance counts its energy.
func (e metering) text() string {
	switch {
	case e.Asked.IsZero():
		return ""
	case e.Foreign:
		return "LG does not show this account its energy"
	case len(e.Meters) == 0:
		return "LG does not offer energy for this product"
	}
	return "counted"
}
