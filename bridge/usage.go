package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A span is the days that are asked of a meter, as midnights in UTC.
type span struct {
	from, to time.Time
	single   bool // a month at a time
}

// read reads days: all in one call, unless LG takes no more than a month. Where
// it refuses today, which may not have begun in its zone, it is read until
// yesterday.
func (s span) read(ctx context.Context, cloud Cloud, id, meter string) (usage []thinq.Usage, single bool, err error) {
	months := s.months()
	if !s.single && len(months) > 1 {
		usage, err = cloud.EnergyUsage(ctx, id, meter, thinq.Daily, s.from, s.to)
		if thinq.ClassOf(err) != thinq.Refused {
			return usage, false, err
		}
	}
	for i, m := range months {
		days, err := cloud.EnergyUsage(ctx, id, meter, thinq.Daily, m.from, m.to)
		if i == len(months)-1 && thinq.ClassOf(err) == thinq.Refused && m.from.Before(m.to) {
			days, err = cloud.EnergyUsage(ctx, id, meter, thinq.Daily, m.from, m.to.AddDate(0, 0, -1))
		}
		if err != nil {
			return nil, false, err
		}
		usage = append(usage, days...)
	}
	return usage, len(months) > 1, nil
}

// months divides the span where months begin.
func (s span) months() []span {
	var all []span
	for from := s.from; !from.After(s.to); {
		next := time.Date(from.Year(), from.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		to := next.AddDate(0, 0, -1)
		if to.After(s.to) {
			to = s.to
		}
		all = append(all, span{from: from, to: to})
		from = next
	}
	return all
}

// A history is a request for what an appliance has used, with its answers.
type history struct {
	ask      *ask
	device   *device
	period   thinq.Period
	layout   string // of its days or months
	from, to time.Time
	used     map[string][]entry // by meter
	awaited  int
}

// entry is one day or month of a history.
type entry struct {
	Date      string  `json:"date"`
	WattHours float64 `json:"wh"`
}

// historyPeriods are the periods of a request: how their days are written, and
// how many are answered at most and by default.
var historyPeriods = map[string]struct {
	period        thinq.Period
	layout        string
	months, days  int // one
	most, usually int
}{
	"day":   {thinq.Daily, time.DateOnly, 0, 1, 366, 31},
	"month": {thinq.Monthly, "2006-01", 1, 0, 60, 12},
}

// usage answers what an appliance has used by day or by month.
func (b *Bridge) usage(a *ask) {
	h, meters, err := b.newHistory(a)
	if err != nil {
		a.fail(err)
		return
	}
	if b.usages() >= usageAsks {
		a.fail(errors.New("too many such requests wait already"))
		return
	}
	h.awaited = len(meters)
	for _, meter := range meters {
		b.asked++
		b.enqueue(&job{name: fmt.Sprintf("usage %d", b.asked), kind: "energy", order: orderAsked, lane: thinq.Background, owner: h.device,
			optional: true, gone: h.fail,
			call: func(ctx context.Context) (func(), error) {
				usage, err := b.o.Cloud.EnergyUsage(ctx, h.device.info.ID, meter, h.period, h.from, h.to)
				return func() { h.take(meter, usage) }, err
			},
		})
	}
}

// usageAsks is how many calls for histories may wait (S-29).
const usageAsks = 16

func (b *Bridge) usages() (n int) {
	for _, j := range b.jobs {
		if j.kind == "energy" && j.order == orderAsked {
			n++
		}
	}
	return n
}

// newHistory checks a request.
func (b *Bridge) newHistory(a *ask) (*history, []string, error) {
	d, err := a.device()
	if d == nil {
		return nil, nil, cmp.Or(err, errors.New("device must name an appliance"))
	}
	meters := b.metersFor(a, d)
	if len(meters) == 0 {
		return nil, nil, errors.New(cmp.Or(d.energy.text(), b.energyText(), "which meters it has is not known yet: try again in some minutes"))
	}
	h := &history{ask: a, device: d, used: map[string][]entry{}}
	if err := h.choose(b.household()); err != nil {
		return nil, nil, err
	}
	return h, meters, b.unasked(len(meters))
}

// metersFor are the meters of an appliance, or of the half that is asked for.
func (b *Bridge) metersFor(a *ask, d *device) []string {
	word, _ := a.word("id", "slug", "device")
	if h := b.slugs[word]; h != nil {
		return h.Meters()
	}
	return d.energy.Meters
}

// choose reads period, from and to.
func (h *history) choose(now time.Time) error {
	word, err := h.ask.word("period")
	p, ok := historyPeriods[cmp.Or(word, "day")]
	if err != nil || !ok {
		return errors.New("period is day or month")
	}
	h.period, h.layout = p.period, p.layout
	today, _ := time.Parse(p.layout, now.Format(p.layout))
	if h.to, err = h.date("to", p.layout, today); err != nil {
		return err
	}
	if h.to.After(today) {
		h.to = today
	}
	usual := h.to.AddDate(0, -p.months*(p.usually-1), -p.days*(p.usually-1))
	if h.from, err = h.date("from", p.layout, usual); err != nil {
		return err
	}
	switch {
	case h.from.After(h.to):
		return errors.New("from must not be after to, or in the future")
	case h.from.AddDate(0, p.months*p.most, p.days*p.most).Before(h.to.AddDate(0, 0, 1)):
		return fmt.Errorf("at most %d entries can be asked for at once", p.most)
	}
	return nil
}

// date is a day of the request, or the month that it is in.
func (h *history) date(name, layout string, otherwise time.Time) (time.Time, error) {
	if h.ask.body[name] == nil {
		return otherwise, nil
	}
	word, err := h.ask.word(name)
	if len(word) > len(layout) {
		word = word[:len(layout)]
	}
	at, failed := time.Parse(layout, word)
	if err != nil {
		return at, err
	}
	if failed != nil {
		return at, fmt.Errorf("%s must be written as in %q", name, otherwise.Format(layout))
	}
	return at, nil
}

// take takes one answer, and answers when all have come.
func (h *history) take(meter string, usage []thinq.Usage) {
	list := []entry{}
	for _, u := range usage {
		list = append(list, entry{u.Start.Format(h.layout), u.WattHours})
	}
	slices.SortFunc(list, func(x, y entry) int { return cmp.Compare(x.Date, y.Date) })
	h.used[meter] = list
	if len(h.used) == h.awaited {
		h.ask.ok(map[string]any{"id": h.device.info.ID, "slug": h.device.slug, "usage": h.used, "total_wh": h.total()})
	}
}

func (h *history) total() (wh float64) {
	for _, list := range h.used {
		for _, e := range list {
			wh += e.WattHours
		}
	}
	return wh
}

// fail answers that LG refused; once, however many meters there are.
func (h *history) fail(err error) {
	if h.awaited > 0 {
		h.ask.fail(errors.New(sentence(err)))
	}
	h.awaited = -1
}
