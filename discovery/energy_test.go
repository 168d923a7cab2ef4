package discovery

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// days are values of days of 2026 as LG answers them: "0131 1180, 0201 0".
func days(t *testing.T, list string) []thinq.Usage {
	t.Helper()
	usage := []thinq.Usage{}
	for entry := range strings.SplitSeq(list, ", ") {
		var monthDay string
		var wh float64
		if list == "" {
			break
		}
		if _, err := fmt.Sscan(entry, &monthDay, &wh); err != nil {
			t.Fatal(err)
		}
		at, ok := day("2026" + monthDay).start()
		if !ok {
			t.Fatal(entry)
		}
		usage = append(usage, thinq.Usage{Start: at, WattHours: wh})
	}
	return usage
}

func TestMetered(t *testing.T) {
	type reading struct{ at, usage string } // usage "-": only the time passes
	const first = "0515 100"                // the first look, which the total begins at
	tests := []struct {
		name     string
		readings []reading
		want     string // today, yesterday, this month, last month, total
	}{
		{"the first look", []reading{{"0515T12", "0401 1000, 0402 500, 0514 200, 0515 100"}}, "100 200 300 1500 0"},
		{"the day goes on", []reading{{"0515T12", first}, {"0515T13", "0515 150"}}, "150 <nil> 150 <nil> 0.05"},
		{"the day is over", []reading{{"0515T12", first}, {"0516T00", "-"}}, "0 100 100 <nil> 0"},
		{"LG is late", []reading{{"0515T12", first}, {"0516T03", "0514 7, 0515 900"}, {"0517T03", "0515 950, 0516 10"}}, "0 10 967 <nil> 0.86"},
		{"nothing is known of a day", []reading{{"0515T12", first}, {"0517T03", "0517 30"}}, "30 <nil> 130 <nil> 0.03"},
		{"a correction downwards waits", []reading{{"0515T12", first}, {"0516T03", "0515 900, 0516 50"}, {"0517T03", "0515 800, 0516 60"}}, "0 60 860 <nil> 0.85"},
		{"and is made good", []reading{{"0515T12", first}, {"0516T03", "0515 900"}, {"0517T03", "0515 800, 0516 60"}, {"0518T03", "0516 160, 0517 20"}}, "0 20 980 <nil> 0.88"},
		{"values that vanish", []reading{{"0515T12", first}, {"0515T18", "0515 500"}, {"0515T19", "0515 0"}, {"0515T20", "0515 510"}}, "510 <nil> 510 <nil> 0.41"},
		{"the month is over", []reading{{"0530T12", "0530 100"}, {"0531T12", "0530 200, 0531 40"}, {"0601T00", "-"}}, "0 40 0 240 0.14"},
		{"the next month", []reading{{"0531T12", "0531 100"}, {"0602T03", "0531 200, 0601 40"}}, "0 40 40 200 0.14"},
		{"ten days without the bridge", []reading{{"0525T12", "0525 100"}, {"0604T12", "0525 200, 0526 10, 0527 10, 0603 10, 0604 5"}}, "5 10 15 220 0.135"},
		{"a hundred days without it", []reading{{"0125T12", "0125 100"}, {"0510T12", "0125 300, 0126 1000, 0401 20, 0510 5"}}, "5 <nil> 5 20 1.225"},
		{"closed months count no more", []reading{{"0125T12", "0125 100"}, {"0401T12", "0401 5"}, {"0402T12", "0125 900, 0301 7, 0402 1"}}, "1 5 6 7 0.013"},
		{"days to come are no days", []reading{{"0515T12", "0515 100, 0516 70"}, {"0515T13", "0516 90"}}, "100 <nil> 100 <nil> 0"},
		{"long after the last reading", []reading{{"0515T12", first}, {"0520T12", "-"}}, "<nil> <nil> 100 <nil> 0"},
		{"a clock that is put back", []reading{{"0615T12", "0615 1"}, {"0515T12", "0515 100"}, {"0516T12", "0515 150"}, {"0615T12", "0615 4"}}, "4 <nil> 4 150 0.053"},
		{"never read", []reading{{"0515T12", "-"}}, "<nil> <nil> <nil> <nil> <nil>"},
		{"read in vain", []reading{{"0515T12", ""}}, "0 <nil> 0 <nil> 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, s := &thinq.Profile{}, thinq.State{}
			for _, r := range tt.readings {
				at, err := time.Parse("20060102T15", "2026"+r.at)
				if err != nil {
					t.Fatal(err)
				}
				var usage []thinq.Usage
				if r.usage != "-" {
					usage = days(t, r.usage)
				}
				s.Merge(Metered(p, s, plainMeter, usage, at))
			}
			show := func(period string) any { return s[meterPath("", plainMeter, period)] }
			got := fmt.Sprint(show(periodToday), " ", show(periodYesterday), " ", show(periodThisMonth), " ", show(periodLastMonth), " ", show(periodTotal))
			if got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// Without its ledger a meter goes on at the total that was shown.
func TestDamagedLedger(t *testing.T) {
	p, s := &thinq.Profile{}, thinq.State{
		meterPath("", plainMeter, periodTotal): 12.5, meterPath("", plainMeter, meterLedger): "{",
	}
	for _, usage := range []string{"0515 100", "0515 300"} {
		s.Merge(Metered(p, s, plainMeter, days(t, usage), time.Date(2026, 5, 15, 12, 0, 0, 0, time.UTC)))
	}
	if got := s[meterPath("", plainMeter, periodTotal)]; got != 12.7 {
		t.Errorf("total = %v", got)
	}
}

// What LG says in whatever order, the total never decreases, and ends at the sum
// of all days.
func TestTotalOnlyGrows(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		p, s := &thinq.Profile{}, thinq.State{}
		truth := map[day]float64{}
		at := time.Date(2026, 1, 20, 0, 30, 0, 0, time.UTC)
		s.Merge(Metered(p, s, plainMeter, []thinq.Usage{}, at))
		last, sum := 0.0, 0.0
		for range 400 {
			var usage []thinq.Usage
			for d := range 1 + random.IntN(5) {
				start, _ := before(at, d).start()
				if d <= correctedDays && random.IntN(3) > 0 && !start.Before(time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC)) {
					truth[dayOf(start)] = max(0, truth[dayOf(start)]+float64(random.IntN(300)-50))
				}
				if wh, ok := truth[dayOf(start)]; ok {
					usage = append(usage, thinq.Usage{Start: start, WattHours: wh})
				}
			}
			s.Merge(Metered(p, s, plainMeter, usage, at))
			total, _ := s[meterPath("", plainMeter, periodTotal)].(float64)
			if total < last {
				t.Fatalf("%v: %v kWh after %v", at, total, last)
			}
			last = total
			at = at.Add(time.Duration(random.IntN(20)) * time.Hour)
		}
		for d := range truth {
			truth[d] += 1000 // beyond all corrections
		}
		l := readLedger(s, "", plainMeter)
		for d := range l.Days {
			start, _ := d.start()
			s.Merge(Metered(p, s, plainMeter, []thinq.Usage{{Start: start, WattHours: truth[d]}}, at))
		}
		for d, wh := range truth {
			if _, open := l.Days[d]; !open {
				wh -= 1000
			}
			sum += wh
		}
		if got := s[meterPath("", plainMeter, periodTotal)]; got != toThousandths(sum/1000) {
			t.Errorf("total = %v kWh, the days are %v Wh", got, sum)
		}
	}
}

// Days begin at the household's midnight, also where the clock is changed then.
func TestDaysOfTheHousehold(t *testing.T) {
	tests := []struct{ zone, at, today, yesterday, lastMonth string }{
		{"Asia/Seoul", "2026-02-28T15:30:00Z", "2026-02-28T15:00:00Z", "2026-02-27T15:00:00Z", "2026-01-31T15:00:00Z"},
		{"Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-27T23:00:00Z", "2026-01-31T23:00:00Z"},
		{"Europe/Berlin", "2026-03-30T12:00:00Z", "2026-03-29T22:00:00Z", "2026-03-28T23:00:00Z", "2026-01-31T23:00:00Z"},
		{"America/New_York", "2026-11-02T12:00:00Z", "2026-11-02T05:00:00Z", "2026-11-01T04:00:00Z", "2026-10-01T04:00:00Z"},
		{"America/New_York", "2027-01-01T04:30:00Z", "2026-12-31T05:00:00Z", "2026-12-30T05:00:00Z", "2026-11-01T04:00:00Z"},
		{"Africa/Cairo", "2026-04-24T12:00:00Z", "2026-04-23T22:00:00Z", "2026-04-22T22:00:00Z", "2026-02-28T22:00:00Z"}, // no midnight that day
	}
	for _, tt := range tests {
		zone, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		s := Metered(&thinq.Profile{}, nil, plainMeter, nil, at.In(zone))
		for period, want := range map[string]string{periodToday: tt.today, periodYesterday: tt.yesterday, periodLastMonth: tt.lastMonth} {
			if got := s[meterPath("", plainMeter, period+meterSince)]; got != want {
				t.Errorf("%s at %s: %s since %s, want %s", tt.zone, tt.at, period, got, want)
			}
		}
	}
}

func TestMeterSpan(t *testing.T) {
	tests := []struct {
		name, read, first, at string
		all                   bool
		want                  string
	}{
		{"at first", "", "", "0515", false, "20260401 20260515"},
		{"at first in January", "", "", "0103", false, "20251201 20260103"},
		{"every hour", "0515", "0401", "0515", false, "20260513 20260515"},
		{"every night", "0515", "0401", "0515", true, "20260401 20260515"},
		{"after ten days", "0505", "0401", "0515", false, "20260503 20260515"},
		{"after three months", "0205", "0101", "0515", true, "20260203 20260515"},
		{"not what is closed", "0402", "0401", "0402", false, "20260401 20260402"},
		{"after years", "0402", "0401", "0402", false, "20260401 20260402"},
		{"a clock put back", "0615", "0501", "0515", false, "20260513 20260515"},
		{"far back", "0615", "0601", "0515", true, "20260401 20260515"},
	}
	for _, tt := range tests {
		l := ledger{Days: map[day]float64{}}
		if tt.read != "" {
			l.Since, l.Read, l.First = "20260101", day("2026"+tt.read), day("2026"+tt.first)
		}
		s := thinq.State{meterPath("", plainMeter, meterLedger): l.String()}
		at, _ := day("2026" + tt.at).start()
		from, to := MeterSpan(&thinq.Profile{}, s, plainMeter, tt.all, at.Add(23*time.Hour))
		if got := string(dayOf(from) + " " + dayOf(to)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// metered describes a sample that has meters.
func metered(t *testing.T, name string, meters ...string) ([]*Device, thinq.State) {
	t.Helper()
	s := sampleNamed(t, name)
	s.state.Merge(Meters(s.profile, meters))
	for _, meter := range meters {
		s.state.Merge(Metered(s.profile, s.state, meter, days(t, "0928 100, 0929 1000, 0930 640.5"), noon))
	}
	return s.describe(testOptions), s.state
}

// energyNames are the keys and names of all energy entities of a device.
func energyNames(d *Device) map[string]string {
	names := map[string]string{}
	for _, e := range d.Entities {
		if e.Config["device_class"] == "energy" {
			names[e.Key] = e.Name
		}
	}
	return names
}

func TestEnergyEntities(t *testing.T) {
	for _, s := range samples(t) {
		for _, d := range s.describe(testOptions) {
			if names := energyNames(d); len(names) > 0 {
				t.Errorf("%s has %v without a meter", s.name, names)
			}
		}
	}
	devices, state := metered(t, "refrigerator_convertible", "energyUsage", "standby")
	want := map[string]string{
		"energy_usage_today": "Energy today", "energy_usage_yesterday": "Energy yesterday", "energy_usage_this_month": "Energy this month",
		"energy_usage_last_month": "Energy last month", "energy_usage_total": "Energy total",
		"standby_today": "Standby today", "standby_yesterday": "Standby yesterday", "standby_this_month": "Standby this month",
		"standby_last_month": "Standby last month", "standby_total": "Standby total",
	}
	if diff := cmp.Diff(want, energyNames(devices[0])); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := devices[0].Meters(); !slices.Equal(got, []string{"energyUsage", "standby"}) {
		t.Errorf("meters %q", got)
	}
	var doc map[string]any
	if err := json.Unmarshal(devices[0].Payload(state), &doc); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"energy_usage_today": 640.5, "energy_usage_yesterday": 1000.0, "energy_usage_this_month": 1740.5, "energy_usage_last_month": nil,
		"energy_usage_total": 0.0, "energy_usage_today_since": "2026-09-30T00:00:00Z", "standby_last_month_since": "2026-08-01T00:00:00Z",
	} {
		if doc[key] != want {
			t.Errorf("%s = %v, want %v", key, doc[key], want)
		}
	}
}

// While the appliance is not connected, what it has used is still known.
func TestEnergyOutlastsTheConnection(t *testing.T) {
	devices, _ := metered(t, "refrigerator_convertible", "energyUsage")
	var message struct {
		Components map[string]struct {
			Availability []struct{ Topic string }
			Last         string `json:"last_reset_value_template"`
			Class        string `json:"state_class"`
		}
	}
	if err := json.Unmarshal(devices[0].Announcement(), &message); err != nil {
		t.Fatal(err)
	}
	for _, period := range meterPeriods {
		c := message.Components["energy_usage_"+period.key]
		if len(c.Availability) != 1 || c.Availability[0].Topic != "thinq2mqtt/bridge/state" {
			t.Errorf("%s: availability %v", period.key, c.Availability)
		}
		if (c.Class == "total") != (c.Last != "") {
			t.Errorf("%s: class %s, last reset %q", period.key, c.Class, c.Last)
		}
	}
}

// Meters of a tower belong to its halves; what is of both is of the washer.
func TestMetersOfATower(t *testing.T) {
	devices, state := metered(t, "washtower_one_piece", "energyUsage_dryer", "energyUsage_washer", "energyUsage_washerDryer")
	for i, want := range []map[string]string{
		{"energy_usage_washer_today": "Energy today", "energy_usage_washer_dryer_today": "Washer dryer energy today"},
		{"energy_usage_dryer_today": "Energy today"},
	} {
		names := energyNames(devices[i])
		if len(names) != len(want)*len(meterPeriods) {
			t.Errorf("%s: %v", devices[i].Slug, names)
		}
		for key, name := range want {
			if names[key] != name {
				t.Errorf("%s: %s is %q, want %q", devices[i].Slug, key, names[key], name)
			}
		}
		if !strings.Contains(string(devices[i].Payload(state)), `_today":640.5`) {
			t.Errorf("%s shows nothing", devices[i].Slug)
		}
	}
	d, facts := devices[0], Meters(sampleNamed(t, "washtower_one_piece").profile, []string{"energyUsage_new"})
	if !d.Affected(state, facts) || d.Affected(state, Meters(sampleNamed(t, "washtower_one_piece").profile, d.Meters())) {
		t.Error("a new meter is to be announced, a known one is not")
	}
}
