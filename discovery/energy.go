package discovery

import (
	"slices"
	"strings"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// That an appliance has a meter is remembered like a word that it has used: an
// appliance whose meters are not known yet has no entities for them.
const meterKind = "meter" + learntMark

// plainMeter is what LG calls the only meter of an appliance, and what the names
// of others begin with.
const plainMeter = "energyUsage"

// A meterPeriod is what a meter shows for a time.
type meterPeriod struct {
	key, name string
	unit      string
	class     string // state class
	digits    int
	since     bool // the time begins anew: Home Assistant is told when
}

const (
	periodToday     = "today"
	periodYesterday = "yesterday"
	periodThisMonth = "this_month"
	periodLastMonth = "last_month"
	periodTotal     = "total"
)

// meterPeriods are the entities of one meter. This month is increasing: it
// begins anew with the month, which Home Assistant sees by itself.
var meterPeriods = []meterPeriod{
	{periodToday, "today", "Wh", totalClass, 0, true},
	{periodYesterday, "yesterday", "Wh", totalClass, 0, true},
	{periodThisMonth, "this month", "Wh", increasing, 0, false},
	{periodLastMonth, "last month", "Wh", totalClass, 0, true},
	{periodTotal, "total", "kWh", increasing, 2, false},
}

// totalClass is the state class of a sum that begins anew at a time that is told.
const totalClass = "total"

// Meters are facts to be merged into the state of an appliance: that it has
// meters of these names.
func Meters(p *thinq.Profile, names []string) thinq.State {
	facts := thinq.State{}
	for _, name := range names {
		facts[derivedPath(meterPart(p, name), "", meterKind+name)] = true
	}
	return facts
}

// meterPart is the half of a tower that a meter belongs to; what is of both is
// of the first.
func meterPart(p *thinq.Profile, name string) string {
	parts := partsOf(p)
	for _, part := range parts {
		if _, of, _ := strings.Cut(name, "_"); strings.EqualFold(of, part) {
			return part
		}
	}
	return parts[0]
}

// meterPath is where a value of a meter is remembered.
func meterPath(part, name, what string) thinq.Path { return derivedPath(part, "", name+" "+what) }

// What of a meter is remembered beside what it shows.
const (
	meterLedger = "ledger"
	meterSince  = " since" // after a period: when it began
)

// Metered is what follows from new values of a meter, to be merged into the
// state of its appliance: day by day, as midnights in UTC. Without values it is
// what a new day or month changes. The time is in the zone that days begin in.
func Metered(p *thinq.Profile, now thinq.State, name string, usage []thinq.Usage, at time.Time) thinq.State {
	part := meterPart(p, name)
	l := readLedger(now, part, name)
	if usage != nil {
		l.enter(usage, dayOf(at))
	}
	facts := thinq.State{meterPath(part, name, meterLedger): l.String()}
	show := func(period string, v any) { facts[meterPath(part, name, period)] = v }
	show(periodToday, l.today(at))
	show(periodYesterday, l.on(before(at, 1)))
	show(periodThisMonth, l.thisMonth(at))
	show(periodLastMonth, l.in(monthOf(lastMonth(at))))
	show(periodTotal, l.shown())
	show(periodToday+meterSince, stamp(midnight(at)))
	show(periodYesterday+meterSince, stamp(midnight(at.AddDate(0, 0, -1))))
	show(periodLastMonth+meterSince, stamp(midnight(lastMonth(at))))
	return facts
}

// MeterTotal is the sum that a meter shows, in Wh.
func MeterTotal(p *thinq.Profile, now thinq.State, name string) float64 {
	return readLedger(now, meterPart(p, name), name).Total
}

// MeterSpan is the days that are to be read of a meter: the last ones, which LG
// still corrects, with whatever was missed, or all that is shown. Both are
// midnights in UTC.
func MeterSpan(p *thinq.Profile, now thinq.State, name string, all bool, at time.Time) (from, to time.Time) {
	l := readLedger(now, meterPart(p, name), name)
	to, _ = dayOf(at).start()
	from = to.AddDate(0, 0, -correctedDays)
	if read, ok := l.Read.start(); ok && read.AddDate(0, 0, -correctedDays).Before(from) {
		from = read.AddDate(0, 0, -correctedDays)
	}
	if month := lastMonth(to); (all || l.Read == "") && month.Before(from) {
		from = month
	}
	if first, ok := l.First.start(); ok && from.Before(first) && first.Before(to) {
		from = first
	}
	if limit := to.AddDate(-1, 0, 0); from.Before(limit) {
		from = limit
	}
	return from, to
}

// meters are the names of the meters of the device, in order.
func (b *builder) meters() []string {
	var names []string
	for p := range b.state {
		if name, ok := strings.CutPrefix(p.Name, meterKind); ok && p.Resource == derived && p.Part == b.device.Part {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// energy adds the entities of the meters.
func (b *builder) energy() {
	b.device.meters = b.meters()
	for _, name := range b.device.meters {
		for _, period := range meterPeriods {
			b.meterEntity(name, period)
		}
	}
}

func (b *builder) meterEntity(name string, m meterPeriod) {
	part := b.device.Part
	key := snake(name) + "_" + m.key
	if !b.claim(key) {
		key = b.claimNumbered(key)
	}
	e := Entity{
		Key: key, Platform: Sensor, Name: b.meterName(name) + " " + m.name, lasting: true,
		Config: map[string]any{
			"device_class": "energy", "state_class": m.class,
			"unit_of_measurement": m.unit, "suggested_display_precision": m.digits,
		},
		Bindings: []Binding{{Attr: key, Codec: Codec{Show: showValue(meterPath(part, name, m.key))}}},
	}
	if m.since {
		since := b.claimBeside(key, "_since")
		e.Config["last_reset_value_template"] = "{{ value_json." + since + " or '' }}"
		b.silent(Binding{Attr: since, Codec: Codec{Show: showText(meterPath(part, name, m.key+meterSince))}})
	}
	b.put(e)
}

// isMeter reports whether a key is one of a plain meter.
func isMeter(key string) bool {
	period, ok := strings.CutPrefix(key, snake(plainMeter)+"_")
	return ok && slices.ContainsFunc(meterPeriods, func(m meterPeriod) bool { return m.key == period })
}

// meterName is what a meter is called: the name of its device says enough, unless
// LG's name says more.
func (b *builder) meterName(name string) string {
	rest, ok := strings.CutPrefix(name, plainMeter)
	rest = strings.Trim(rest, "_")
	switch {
	case !ok:
		return sentence(snake(name))
	case rest == "" || strings.EqualFold(rest, b.device.Part):
		return "Energy"
	}
	return sentence(snake(rest)) + " energy"
}

// Meters are the names of the meters that the device shows.
func (d *Device) Meters() []string { return d.meters }
