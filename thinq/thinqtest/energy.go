package thinqtest

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"math"
	"slices"
	"strings"
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
		if used, metered := s.used(r.device, property, day, last, now); metered {
			list = append(list, map[string]any{"usedDate": day.Format(period.layout), property: used})
		}
	}
	return success(map[string]any{"property": []string{property}, "dataList": list}), nil
}

// used is the consumption in Wh of the days from one to the other: what the
// appliance is used to, and what it has run beyond that. A month is the sum of
// its days; some days are missing; of today only whole hours count, and the last
// of them may come late.
func (s *Server) used(a *appliance, meter string, from, to, now time.Time) (wh float64, metered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for day := from; day.Before(to) && !day.After(now); day = day.AddDate(0, 0, 1) {
		h := fnv.New64a()
		h.Write(binary.BigEndian.AppendUint64([]byte(a.id+meter+day.Format(energyDay)), s.o.Seed))
		n := h.Sum64() >> 8
		hours := max(0, min(24, int(now.Add(-s.o.LateEnergy).Sub(day).Hours())))
		if n%15 == 0 && hours == 24 {
			continue
		}
		wh += float64((200+n/16%2000)*uint64(hours)/24) + a.spent[meter+day.Format(energyDay)]
		metered = true
	}
	return wh, metered
}

const energyDay = "20060102"

// watts are what appliances draw while they run or are on; all others draw a
// little.
var watts = map[string]float64{
	"AIR_CONDITIONER": 900, "AIR_PURIFIER": 40, "COOKTOP": 1800, "DEHUMIDIFIER": 300, "DISH_WASHER": 1000, "DRYER": 750,
	"MICROWAVE_OVEN": 1200, "OVEN": 2200, "REFRIGERATOR": 45, "STYLER": 900, "SYSTEM_BOILER": 1500, "WASHER": 600,
	"WATER_HEATER": 1500, "washer": 600, "dryer": 750,
}

const standby = 2

// draw is the present power of a section.
func (s *section) draw() float64 {
	kind := cmp.Or(s.part, strings.TrimPrefix(s.device, "DEVICE_"))
	on := s.runState() == "" && s.powerSwitch() == "" || slices.Contains(active, s.runState()) ||
		s.word("operation", s.powerSwitch()) == "POWER_ON"
	if on && watts[kind] > 0 {
		return watts[kind]
	}
	return standby
}

// spend counts what a minute takes. It shows when the hour is over.
func (a *appliance) spend(now time.Time) {
	if hour := now.Truncate(time.Hour); !hour.Equal(a.hour) {
		for meter, wh := range a.spending {
			a.spent[meter+a.hour.Format(energyDay)] += math.Round(wh)
		}
		a.hour = hour
		clear(a.spending)
	}
	for _, part := range a.sections {
		if meter := a.meterOf(part); meter != "" {
			a.spending[meter] += part.draw() / 60
		}
	}
}

// meterOf is the meter that counts for a section, "" if none does.
func (a *appliance) meterOf(s *section) string {
	for _, meter := range a.energy {
		if s.part == "" || strings.HasSuffix(meter, "_"+s.part) {
			return meter
		}
	}
	return ""
}
