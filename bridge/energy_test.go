package bridge

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A household is what appliances really use, day by day, and how LG tells it:
// by whole hours, some days late, some with a correction, some after a gap.
type household struct{ begun time.Time }

func (household) truth(day time.Time) float64 { return float64(100 + day.YearDay()*37%1900) }

func (h household) counted(_, _ string, day time.Time) (float64, bool) {
	age := time.Since(day)
	hours := math.Floor(age.Hours())
	wh := h.truth(day)
	switch n := day.YearDay(); {
	case day.Before(h.begun), hours < 1:
		return 0, false
	case hours < 24:
		return wh * hours / 24, true
	case hours < 30 && n%11 == 0:
		return 0, false
	case hours < 30:
		return wh * 0.9, true
	case hours < 50 && n%3 == 0:
		return wh + 30, true
	}
	return wh, true
}

// used is what the days from the first to the present have come to, as far as
// LG has told.
func (h household) used() (wh float64) {
	for day := h.begun; day.Before(time.Now()); day = day.AddDate(0, 0, 1) {
		told, _ := h.counted("", "", day)
		wh += told
	}
	return wh
}

// energetic is a home with an air conditioner that has a meter.
func energetic(t *testing.T, f func(h *home, house household)) {
	t.Helper()
	inHome(t, []string{ac}, func(h *home) {
		house := household{begun: time.Now()}
		h.cloud.meters = map[string][]string{"ac": {"energyUsage"}}
		h.cloud.counted = house.counted
		h.o.Reconcile = 12 * time.Hour
		f(h, house)
	})
}

func (h *home) energyCalls() []string {
	return slices.DeleteFunc(h.cloud.made(""), func(c string) bool {
		return !strings.HasPrefix(c, "usage") && !strings.HasPrefix(c, "meters")
	})
}

// Energy comes after all that a start has to do, and is then read by the hour.
func TestEnergyOfADay(t *testing.T) {
	energetic(t, func(h *home, house household) {
		h.start()
		if calls := h.energyCalls(); len(calls) > 0 || h.state("ac", "energy_usage_today") != nil {
			t.Errorf("during the start: %q", calls)
		}
		h.after(3 * time.Minute)
		want := []string{"meters ac", "usage ac energyUsage 1201 0101"}
		if calls := h.energyCalls(); !slices.Equal(calls, want) {
			t.Errorf("calls %q, want %q", calls, want)
		}
		if n := strings.Count(h.broker.last("homeassistant/device/thinq2mqtt_"+h.slug("ac")+"/config"), `"device_class":"energy"`); n != 5 {
			t.Errorf("%d entities of energy", n)
		}
		h.after(12 * time.Hour)
		hourly := house.truth(house.begun) / 24
		if got, _ := h.state("ac", "energy_usage_today").(float64); math.Abs(got-11*hourly) > 1.01*hourly { // read up to an hour and a half ago
			t.Errorf("today = %v, want about %v", got, 11*hourly)
		}
		if n := len(h.energyCalls()); n < 11 || n > 15 {
			t.Errorf("%d calls in twelve hours", n)
		}
		h.after(11*time.Hour + 57*time.Minute)
		if got := h.state("ac", "energy_usage_today"); got != 0.0 || h.state("ac", "energy_usage_today_since") != "2000-01-02T00:00:00Z" {
			t.Errorf("after midnight: %v since %v", got, h.state("ac", "energy_usage_today_since"))
		}
		if got := h.state("ac", "energy_usage_yesterday"); got == nil || got == 0.0 {
			t.Errorf("yesterday after midnight = %v", got)
		}
		h.cloud.forget()
		h.after(4 * time.Hour)
		whole := slices.DeleteFunc(h.energyCalls(), func(c string) bool { return c != "usage ac energyUsage 1201 0102" })
		if len(whole) != 1 {
			t.Errorf("%d reads of everything in a night: %q", len(whole), h.energyCalls())
		}
		s, err := h.bridge.Snapshot(h.Context())
		if err != nil || s.Energy != "" || s.Devices[0].Energy != "counted" {
			t.Errorf("snapshot %+v, %v", s, err)
		}
	})
}

// Over months the total is every day exactly once, whatever LG and the bridge
// did meanwhile.
func TestEnergyOfSeasons(t *testing.T) {
	if testing.Short() {
		t.Skip("seventy days")
	}
	t.Parallel()
	dir := t.TempDir()
	energetic(t, func(h *home, house household) {
		last := 0.0
		check := func() {
			t.Helper()
			h.after(2 * time.Hour) // the bridge and LG have met
			got, _ := h.state("ac", "energy_usage_total").(float64)
			if got < last {
				t.Errorf("%v: total fell from %v to %v", time.Now(), last, got)
			}
			last = got
		}
		off := func(d time.Duration) {
			h.stop()
			if err := h.o.Store.Close(); err != nil {
				t.Fatal(err)
			}
			h.after(d)
			h.o.Store = openStore(t, dir)
			h.run()
		}
		h.o.Store = openStore(t, dir)
		h.run()
		for n := 0; time.Since(house.begun) < 69*24*time.Hour; n++ {
			h.after(9 * time.Hour)
			check()
			off(time.Duration(n%5) * time.Minute)
			if n == 40 || n == 80 {
				off(10 * 24 * time.Hour)
			}
		}
		for time.Now().Hour() != 22 { // no day is late now, and today is read
			h.after(time.Hour)
		}
		check()
		if want := house.used() / 1000; math.Abs(last-want) > 0.1 {
			t.Errorf("total = %v kWh, the days are %v kWh", last, want)
		}
		var days float64
		for day := house.begun; time.Since(day) > 72*time.Hour; day = day.AddDate(0, 0, 1) {
			days += house.truth(day)
		}
		if last < days/1000 || last > days/1000+6 {
			t.Errorf("total = %v kWh, the days that are closed %v kWh", last, days/1000)
		}
		var february float64
		for d := range 29 {
			february += house.truth(time.Date(2000, 2, 1+d, 0, 0, 0, 0, time.UTC))
		}
		if got := h.state("ac", "energy_usage_last_month"); got != february {
			t.Errorf("last month = %v, want %v", got, february)
		}
		h.stop()
		h.o.Store.Close()
	})
}

// A restart reads nothing that the run before has just read.
func TestEnergyAfterARestart(t *testing.T) {
	dir := t.TempDir()
	energetic(t, func(h *home, _ household) {
		h.o.Store = openStore(t, dir)
		h.run()
		for n := 6; len(h.energyCalls()) < n; {
			h.after(time.Minute)
		}
		before := h.state("ac", "energy_usage_today")
		h.stop()
		h.o.Store.Close()
		h.o.Store = openStore(t, dir)
		defer h.o.Store.Close()
		h.cloud.forget()
		h.cloud.fail("*", lgError("", 502), lgError("", 502))
		h.run()
		h.after(time.Second)
		if got := h.state("ac", "energy_usage_today"); got != before || h.availability("ac") != offline {
			t.Errorf("today = %v, before the restart %v; the appliance is %s", got, before, h.availability("ac"))
		}
		h.after(4 * time.Minute)
		if calls := h.energyCalls(); len(calls) > 0 {
			t.Errorf("calls %q", calls)
		}
		h.after(time.Hour + 5*time.Minute)
		if calls := h.energyCalls(); len(calls) != 1 || calls[0] != "usage ac energyUsage 1230 0101" {
			t.Errorf("calls %q", calls)
		}
		h.stop()
	})
}

// What LG does not offer is said at the appliance, and asked for again in a week.
func TestNoEnergy(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.cloud.meters = map[string][]string{}
		h.start()
		h.after(24 * time.Hour)
		if calls := h.energyCalls(); !slices.Equal(slices.Sorted(slices.Values(calls)), []string{"meters ac", "meters dish"}) {
			t.Errorf("calls %q", calls)
		}
		if roster := h.broker.last(base + "/bridge/devices"); strings.Count(roster, `"energy":"LG does not offer energy for this product"`) != 2 {
			t.Errorf("devices %s", roster)
		}
		if page := h.ask("/").Body.String(); strings.Count(page, "LG does not offer energy for this product") != 2 {
			t.Errorf("page: %s", page)
		}
		h.after(7 * 24 * time.Hour)
		if n := len(h.energyCalls()); n != 4 {
			t.Errorf("%d calls in eight days", n)
		}
	})
}

// Without the permission one word for the whole account is enough.
func TestEnergyWithoutPermission(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.cloud.meters, h.cloud.counted = map[string][]string{}, household{}.counted
		for range 4 {
			h.cloud.fail("meters ac", lgError("1305", 401))
			h.cloud.fail("meters dish", lgError("1305", 401))
		}
		h.start()
		h.after(20 * time.Hour)
		if n := len(h.energyCalls()); n > 2 {
			t.Errorf("%d calls", n)
		}
		if s, _ := h.bridge.Snapshot(h.Context()); s.Energy != energyDenied || s.Cloud != condOK || s.Devices[0].Energy != "" || s.Devices[0].Problem != "" {
			t.Errorf("snapshot %+v", s)
		}
		if h.ask("/readyz").Code != http.StatusOK || !strings.Contains(h.ask("/").Body.String(), "lacks the permission for energy") {
			t.Error("the page does not say it, or the bridge is not ready")
		}
		h.cloud.change(func() {
			h.cloud.faults = map[string][]error{}
			h.cloud.meters = map[string][]string{"ac": {"energyUsage"}}
		})
		h.after(6 * time.Hour)
		if s, _ := h.bridge.Snapshot(h.Context()); s.Energy != "" || h.state("ac", "energy_usage_total") == nil {
			t.Errorf("with the permission: %q, total %v", s.Energy, h.state("ac", "energy_usage_total"))
		}
	})
}

// An appliance of somebody else does not make the token a bad one.
func TestEnergyOfASharedAppliance(t *testing.T) {
	inHome(t, []string{dish, ac}, func(h *home) {
		h.cloud.meters, h.cloud.counted = map[string][]string{"dish": {"energyUsage"}}, household{}.counted
		h.cloud.fail("meters ac", slices.Repeat([]error{lgError("1309", 401)}, 9)...)
		h.cloud.delay = 100 * time.Millisecond
		h.start()
		h.after(5 * time.Minute)
		s, _ := h.bridge.Snapshot(h.Context())
		if s.Energy != "" || s.Devices[0].Energy != "counted" || s.Devices[1].Energy != "LG does not show this account its energy" {
			t.Errorf("snapshot %+v", s)
		}
	})
}

// Whatever goes wrong with energy, the appliance itself is well, and the values
// that were had stay.
func TestEnergyAgainstFaults(t *testing.T) {
	for _, fault := range []error{lgError("", 502), lgError("1222", 416), lgError("1102", 400), lgError("9999", 400), lgError("1221", 406)} {
		energetic(t, func(h *home, _ household) {
			h.start()
			h.after(2*time.Hour + 30*time.Minute)
			before := h.state("ac", "energy_usage_today")
			h.cloud.counted = func(_, _ string, _ time.Time) (float64, bool) { return 0, false }
			for range 3 {
				for _, from := range []string{"1201", "1230"} {
					h.cloud.fail("usage ac energyUsage "+from+" 0101", fault)
				}
			}
			h.after(2 * time.Hour)
			if got := h.state("ac", "energy_usage_today"); got != before || got == nil {
				t.Errorf("%v: today = %v, was %v", fault, got, before)
			}
			if h.availability("ac") != online {
				t.Errorf("%v: the appliance is offline", fault)
			}
		})
	}
}

// While the appliance is away its energy is read all the same.
func TestEnergyOfAnApplianceThatIsAway(t *testing.T) {
	energetic(t, func(h *home, house household) {
		h.cloud.fail("state ac", slices.Repeat([]error{lgError("1222", 416)}, 9)...)
		h.start()
		h.after(3 * time.Hour)
		if h.availability("ac") != offline || h.state("ac", "energy_usage_today") == nil {
			t.Errorf("%s, today %v", h.availability("ac"), h.state("ac", "energy_usage_today"))
		}
	})
}

// LG may take less than two months at once.
func TestEnergyByTheMonth(t *testing.T) {
	energetic(t, func(h *home, _ household) {
		h.cloud.longest = 31
		h.start()
		h.after(5 * time.Minute)
		want := []string{"meters ac", "usage ac energyUsage 1201 0101", "usage ac energyUsage 1201 1231", "usage ac energyUsage 0101 0101"}
		if calls := h.energyCalls(); !slices.Equal(calls, want) {
			t.Errorf("calls %q, want %q", calls, want)
		}
		h.cloud.forget()
		h.after(30 * time.Hour)
		if calls := h.energyCalls(); slices.ContainsFunc(calls, func(c string) bool { return c == "usage ac energyUsage 1201 0102" }) {
			t.Errorf("two months are asked for again: %q", calls)
		}
	})
}

// The day begins where the household is, whatever its clock does that night.
func TestEnergyInTheHouseholdsZone(t *testing.T) {
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	energetic(t, func(h *home, _ household) {
		h.cloud.counted = func(_, _ string, day time.Time) (float64, bool) { return float64(day.Day()), true }
		h.o.Zone = seoul
		h.start()
		h.after(13 * time.Hour) // 22:00
		if got := h.state("ac", "energy_usage_today"); got != 1.0 {
			t.Errorf("today = %v", got)
		}
		h.after(2*time.Hour - 29*time.Second) // midnight
		if got := h.state("ac", "energy_usage_today_since"); got != "2000-01-01T15:00:00Z" || h.state("ac", "energy_usage_yesterday") != 1.0 {
			t.Errorf("today since %v, yesterday %v", got, h.state("ac", "energy_usage_yesterday"))
		}
	})
}

func TestLessEnergyIsSaid(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.cloud.meters, h.cloud.counted = map[string][]string{"ac": {"a", "b", "c"}}, household{}.counted
		h.o.Budget = thinq.NewBudget(100, 4, thinq.BudgetState{})
		h.start()
		h.after(5 * time.Hour)
		if s, _ := h.bridge.Snapshot(h.Context()); !strings.HasPrefix(s.Energy, "Energy is read about every 3 hours") {
			t.Errorf("said: %q", s.Energy)
		}
	})
}

func TestEnergyRequest(t *testing.T) {
	energetic(t, func(h *home, _ household) {
		h.cloud.counted = func(_, _ string, day time.Time) (float64, bool) { return 100, day.Day() != 30 }
		tests := []struct{ request, want string }{
			{`{"device":"ac","from":"1999-12-29","to":"1999-12-31"}`, `{"id":"ac","slug":"air_conditioner_9aa9a8f5","total_wh":200,"usage":{"energyUsage":[{"date":"1999-12-29","wh":100},{"date":"1999-12-31","wh":100}]}}`},
			{`{"device":"ac","period":"month","from":"2000-01"}`, `{"id":"ac","slug":"air_conditioner_9aa9a8f5","total_wh":100,"usage":{"energyUsage":[{"date":"2000-01","wh":100}]}}`},
			{`{"device":"ac","from":"20000101"}`, `from must be written as in "1999-12-02"`},
			{`{"device":"ac","from":7}`, `from must be a text`},
			{`{"device":"ac","period":"week"}`, `period is day or month`},
			{`{"device":"ac","from":"2000-01-02"}`, `from must not be after to, or in the future`},
			{`{"device":"ac","from":"1990-01-01"}`, `at most 366 entries can be asked for at once`},
			{`{"device":"nobody"}`, `no appliance is called "nobody"`},
			{``, `device must name an appliance`},
		}
		h.start()
		if got := h.energyAnswer(`{"device":"ac"}`); got != "which meters it has is not known yet: try again in some minutes" {
			t.Error(got)
		}
		h.after(3 * time.Minute)
		slug := h.slug("ac")
		for _, tt := range tests {
			if got, want := h.energyAnswer(tt.request), strings.ReplaceAll(tt.want, "air_conditioner_9aa9a8f5", slug); got != want {
				t.Errorf("%s: %s, want %s", tt.request, got, want)
			}
		}
		h.cloud.fail("usage ac energyUsage 1202 0101", lgError("1102", 400))
		if got := h.energyAnswer(`{"device":"` + slug + `"}`); !strings.Contains(got, " ") || strings.Contains(got, "usage") {
			t.Errorf("refused: %s", got)
		}
	})
}

// energyAnswer is the data of a response, or the error.
func (h *home) energyAnswer(request string) string {
	h.Helper()
	h.bridgeRequest("energy", request)
	h.after(time.Second)
	all := h.broker.on(base + "/bridge/response/energy")
	if len(all) == 0 {
		h.Fatalf("%s: no answer", request)
	}
	var response struct {
		Status string          `json:"status"`
		Data   json.RawMessage `json:"data"`
		Error  string          `json:"error"`
	}
	if err := json.Unmarshal([]byte(all[len(all)-1]), &response); err != nil {
		h.Fatal(err)
	}
	h.broker.forget()
	if response.Status == "ok" {
		return string(response.Data)
	}
	return response.Error
}
