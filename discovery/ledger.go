package discovery

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A day is a day of the calendar as LG writes it, 20260131: in order as text.
type day string

const dayLayout = "20060102"

// correctedDays is for how long LG still corrects a day that is over.
const correctedDays = 2

// dayOf is the day of a time in its own zone.
func dayOf(at time.Time) day { return day(at.Format(dayLayout)) }

// before is the day some days before a time.
func before(at time.Time, days int) day {
	return dayOf(time.Date(at.Year(), at.Month(), at.Day()-days, 12, 0, 0, 0, time.UTC))
}

// start is the day as midnight in UTC, false if it is none.
func (d day) start() (time.Time, bool) {
	at, err := time.Parse(dayLayout, string(d))
	return at, err == nil
}

// monthOf is the month of a time as days begin with it: 202601.
func monthOf(at time.Time) string { return at.Format(dayLayout[:6]) }

func (d day) month() string { return string(d[:min(6, len(d))]) }

// midnight is when the day of a time began.
func midnight(at time.Time) time.Time {
	return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, at.Location())
}

// lastMonth is the first of the month before that of a time.
func lastMonth(at time.Time) time.Time {
	return time.Date(at.Year(), at.Month()-1, 1, 0, 0, 0, 0, at.Location())
}

// A ledger is what is known of a meter, day by day, and the sum that never
// decreases. LG knows days and months only, and corrects the last days.
type ledger struct {
	Since   day             `json:"since"`   // the first day of the sum
	First   day             `json:"first"`   // days before are closed: they count no more
	Read    day             `json:"read"`    // the day of the last reading
	Counted float64         `json:"counted"` // what the days of the sum come to, in Wh
	Total   float64         `json:"total"`   // the most that they ever came to
	Days    map[day]float64 `json:"days"`    // Wh
}

// readLedger is the ledger of a meter. One that is lost or damaged begins anew,
// at the sum that was last shown.
func readLedger(s thinq.State, part, name string) *ledger {
	l := &ledger{}
	text, _ := s[meterPath(part, name, meterLedger)].(string)
	if json.Unmarshal([]byte(text), l) != nil {
		kWh, _ := s[meterPath(part, name, periodTotal)].(float64)
		l = &ledger{Counted: 1000 * kWh, Total: 1000 * kWh}
	}
	if l.Days == nil {
		l.Days = map[day]float64{}
	}
	return l
}

func (l *ledger) String() string {
	text, err := json.Marshal(l)
	if err != nil {
		panic(err) // only texts and finite numbers are in it
	}
	return string(text)
}

// enter takes values of days. What had been used when the meter was first read
// does not belong to the sum: it begins at 0, so that Home Assistant counts
// nothing twice when the bridge has lost its memory.
func (l *ledger) enter(usage []thinq.Usage, today day) {
	begun := l.Since != "" && l.Since <= today // or the clock was wrong
	if !begun {
		l.Since = today
	}
	for _, u := range usage {
		d := dayOf(u.Start)
		if d < l.First || d > today {
			continue
		}
		if begun && d >= l.Since {
			l.Counted += u.WattHours - l.Days[d]
		}
		l.Days[d] = u.WattHours
	}
	l.Total = max(l.Total, l.Counted)
	l.Read = today
	l.close()
}

// close forgets the days before last month. Which month that is the values say
// and not the clock, which may be wrong.
func (l *ledger) close() {
	if len(l.Days) == 0 {
		return
	}
	latest, ok := slices.Max(slices.Collect(maps.Keys(l.Days))).start()
	if !ok {
		return
	}
	l.First = max(l.First, dayOf(lastMonth(latest)))
	maps.DeleteFunc(l.Days, func(d day, _ float64) bool { return d < l.First })
}

// on is what was used on a day, nil if that is not known.
func (l *ledger) on(d day) any {
	if wh, ok := l.Days[d]; ok {
		return wh
	}
	return nil
}

// today is what was used today: nothing yet, where LG has no value but had
// others lately.
func (l *ledger) today(at time.Time) any {
	if v := l.on(dayOf(at)); v != nil || l.Read < before(at, 1) || l.Read > dayOf(at) {
		return v
	}
	return 0.0
}

// in is what was used in a month, as far as it is known.
func (l *ledger) in(month string) any {
	var sum any
	for _, d := range slices.Sorted(maps.Keys(l.Days)) {
		if d.month() == month {
			before, _ := sum.(float64)
			sum = before + l.Days[d]
		}
	}
	if wh, ok := sum.(float64); ok {
		return toThousandths(wh)
	}
	return nil
}

func (l *ledger) thisMonth(at time.Time) any {
	if v := l.in(monthOf(at)); v != nil {
		return v
	}
	return l.today(at)
}

// shown is the sum in kWh, nil before the first reading.
func (l *ledger) shown() any {
	if l.Since == "" {
		return nil
	}
	return toThousandths(l.Total / 1000)
}

// toThousandths takes the dust off a sum.
func toThousandths(f float64) float64 { return math.Round(1000*f) / 1000 }
