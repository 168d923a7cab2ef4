package thinqtest

import (
	"encoding/binary"
	"hash/fnv"
	"slices"
	"time"
)

// energyPeriods are the two ways to ask for consumption: how dates are written,
// what one step is, and how many LG could reasonably be asked for at once.
var energyPeriods = map[string]struct {
	layout        string
	months, days  int
	maximumAnswer int
}{
	"DAILY":   {"20060102", 0, 1, 366},
	"MONTHLY": {"200601", 1, 0, 120},
}

func (s *Server) getEnergyProfile(r *request) (any, error) {
	if len(r.device.energy) == 0 {
		return nil, refuse("1221", "Not supported product")
	}
	return success(map[string]any{"property": r.device.energy}), nil
}

func (s *Server) getEnergyUsage(r *request) (any, error) {
	if len(r.device.energy) == 0 {
		return nil, refuse("1221", "Not supported product")
	}
	q := r.URL.Query()
	for _, name := range []string{"property", "period", "startDate", "endDate"} {
		if !q.Has(name) {
			return nil, refuse("1101", "Missing parameters: "+name)
		}
	}
	now := s.clock.Now()
	property := q.Get("property")
	period, known := energyPeriods[q.Get("period")]
	start, err1 := time.ParseInLocation(period.layout, q.Get("startDate"), now.Location())
	end, err2 := time.ParseInLocation(period.layout, q.Get("endDate"), now.Location())
	if !known || err1 != nil || err2 != nil || !slices.Contains(r.device.energy, property) ||
		end.Before(start) || end.After(now) || start.AddDate(0, period.maximumAnswer*period.months, period.maximumAnswer*period.days).Before(end) {
		return nil, refuse("1102", "Unacceptable parameters")
	}
	list := []map[string]any{}
	for day := start; !day.After(end); day = day.AddDate(0, period.months, period.days) {
		last := day.AddDate(0, period.months, period.days)
		if used, metered := s.used(r.device.id+property, day, last, now); metered {
			list = append(list, map[string]any{"usedDate": day.Format(period.layout), property: used})
		}
	}
	return success(map[string]any{"property": []string{property}, "dataList": list}), nil
}

// used is the consumption in Wh of the days from one to the other. A month is
// the sum of its days; some days are missing; of today only whole hours count.
func (s *Server) used(meter string, from, to, now time.Time) (wh float64, metered bool) {
	for day := from; day.Before(to) && !day.After(now); day = day.AddDate(0, 0, 1) {
		h := fnv.New64a()
		h.Write(binary.BigEndian.AppendUint64([]byte(meter+day.Format("20060102")), s.o.Seed))
		n := h.Sum64() >> 8
		hours := min(24, int(now.Sub(day).Hours()))
		if n%15 == 0 && hours == 24 {
			continue
		}
		wh += float64((200 + n/16%2000) * uint64(hours) / 24)
		metered = true
	}
	return wh, metered
}
