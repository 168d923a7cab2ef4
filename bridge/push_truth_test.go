package bridge

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// unannounced changes an appliance without a report, and waits until a reconcile
// read has found it and its event is overdue.
func (h *home) unannounced(id string, n int) {
	modes := []string{"LOW", "MID", "HIGH", "SLOW"}
	h.cloud.quietly(id, `{"airFlow":{"windStrength":"`+modes[n%len(modes)]+`"}}`)
	h.after(35 * time.Minute)
}

// folder is a state folder.
func (h *home) folder() *Store {
	h.Helper()
	store, err := OpenStore(h.TempDir())
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { store.Close() })
	return store
}

func (h *home) push() string {
	s, _ := h.bridge.Snapshot(h.Context())
	return s.Push
}

// An established connection on which nothing comes is found out by the second
// read, told everywhere, and believed again when the appliance reports.
func TestF025SilentPushIsTold(t *testing.T) {
	cooling(t, func(h *home) {
		h.unannounced("ac", 0)
		if got := h.push(); got != pushLive {
			t.Errorf("push = %q after a single change", got)
		}
		h.broker.forget()
		h.unannounced("ac", 1)
		if n := len(h.cloud.made("event ac")); n != 1 || h.push() != pushSuspect {
			t.Errorf("push = %q, %d subscriptions", h.push(), n)
		}
		told := strings.Join(h.broker.on(base+"/bridge/event"), "\n")
		for _, want := range []string{`"push_truth"`, `"state":"suspect"`, `"slug":"` + h.slug("ac") + `"`, `"push_state"`} {
			if !strings.Contains(told, want) {
				t.Errorf("bridge/event says nothing of %s:\n%s", want, told)
			}
		}
		for topic, want := range map[string]string{
			"/bridge/info": `"push_text":"Changes of Guest room came without an event: LG is asked for such events again."`, "/bridge/devices": "asked for again",
		} {
			if got := h.broker.last(base + topic); !strings.Contains(got, want) {
				t.Errorf("%s lacks %s: %s", topic, want, got)
			}
		}
		h.cloud.report("ac", `{"airFlow":{"windStrength":"SLOW"}}`)
		h.after(2 * time.Second)
		if got := h.broker.last(base + "/bridge/info"); h.push() != pushLive || !strings.Contains(got, `"push_text":""`) {
			t.Errorf("push = %q after an event, %s", h.push(), got)
		}
	})
}

// An event that comes a while after the read that found its change is none that
// is missing.
func TestF025ReadOvertakesEvent(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.o.Metrics = NewMetrics(prometheus.NewRegistry())
		h.start()
		h.cloud.forget()
		for i := range 6 {
			strength := []string{"LOW", "MID"}[i%2]
			h.cloud.quietly("ac", `{"airFlow":{"windStrength":"`+strength+`"}}`)
			h.bridgeRequest("refresh", "")
			h.after(50 * time.Second)
			h.cloud.report("ac", `{"airFlow":{"windStrength":"`+strength+`"}}`)
			h.after(10 * time.Minute)
		}
		if got := h.cloud.made("event"); h.push() != pushLive || len(got) > 0 {
			t.Errorf("push = %q, calls %q", h.push(), got)
		}
		if got := testutil.ToFloat64(h.o.Metrics.pushProbes.WithLabelValues("", "drift")); got != 0 {
			t.Errorf("%v changes counted as missed", got)
		}
	})
}

// What LG never reports, though it reports other things of the appliance, is no
// reason for doubt. That is known after a restart, too.
func TestF025UnreportedProperty(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.o.Store = h.folder()
		h.start()
		for i := range 4 { // all within the time before the renewal that comes anyway
			h.unannounced("ac", i)
			h.cloud.report("ac", fmt.Sprintf(`{"temperature":{"targetTemperature":%d}}`, 20+i))
			h.after(time.Second)
		}
		h.stop()
		h.start()
		h.broker.forget()
		h.cloud.forget()
		for i := range 4 {
			h.unannounced("ac", i)
		}
		if got := h.cloud.made("event"); len(got) > 0 || h.push() != pushLive {
			t.Errorf("push = %q, calls %q", h.push(), got)
		}
	})
}

// An appliance whose events LG does not offer, and one that was not connected,
// prove nothing.
func TestF025NothingToExpect(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.cloud.fail("event ac", lgError("1214", 404))
		h.start()
		for i := range 6 {
			h.unannounced("ac", i)
			h.cloud.fail("state dish", lgError("1222", 416))
			h.bridgeRequest("refresh", "")
			h.after(time.Minute)
			h.cloud.quietly("dish", `{"doorStatus":{"doorState":"`+[]string{"OPEN", "CLOSE"}[i%2]+`"}}`)
			h.bridgeRequest("refresh", "")
			h.after(2 * time.Minute)
		}
		if got := h.push(); got != pushLive {
			t.Errorf("push = %q", got)
		}
	})
}

// The list of subscriptions tells of one that has ended at the first change that
// no event announced.
func TestF026ListTellsOfTheEnd(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.cloud.subscribed = func() []string { return []string{"dish"} }
		h.start()
		h.cloud.forget()
		h.unannounced("ac", 0)
		if got := h.cloud.made("event"); !slices.Equal(got, []string{"event ac"}) {
			t.Errorf("asked again for %q", got)
		}
		if n := len(h.cloud.made("lifecycle")); n != 1 { // LG may have forgotten that as well
			t.Errorf("asked %d times for news of appliances", n)
		}
		if got := h.push(); got != pushLive {
			t.Errorf("push = %q", got)
		}
	})
}

// The appointment for the list is kept by the next run. What went unheard since the
// end is read as soon as there are events again.
func TestF026RestartWithinTheHour(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.o.Store = h.folder()
		h.cloud.subscribed = func() []string { return []string{"dish"} }
		h.start()
		h.after(30 * time.Minute)
		h.stop()
		h.start()
		h.cloud.forget()
		h.after(31 * time.Minute)
		if got := h.cloud.made("event ac"); len(got) != 1 {
			t.Errorf("asked again %d times an hour after the first request", len(got))
		}
		calls := h.cloud.made("")
		if i := slices.Index(calls, "event ac"); i < 0 || !slices.Contains(calls[i:min(i+3, len(calls))], "state ac") {
			t.Errorf("not read afterwards: %q", calls)
		}
	})
}

// A list that lacks what LG has just granted is not asked again.
func TestF026ListThatLies(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.cloud.subscribed = func() []string { return nil }
		h.start()
		h.cloud.forget()
		h.after(20 * time.Hour)
		if lists, asked := len(h.cloud.made("subscriptions")), len(h.cloud.made("event")); lists > 2 || asked > 10 { // not every hour
			t.Errorf("%d lists, %d subscriptions", lists, asked)
		}
	})
}

// For a month subscriptions live an hour only: none is without for longer than a
// minute, at a number of calls that leaves room for the rest.
func TestF026AMonthOfHourlyLapses(t *testing.T) {
	if testing.Short() {
		t.Skip("a month")
	}
	inHome(t, []string{ac, dish}, func(h *home) {
		var mu sync.Mutex // several subscriptions are asked for at once
		granted := map[string]time.Time{}
		var longest time.Duration
		lapses := 0
		h.cloud.granted = func(id string) error {
			mu.Lock()
			defer mu.Unlock()
			if last := granted[id]; !last.IsZero() {
				gap := time.Since(last) - time.Hour
				longest = max(longest, gap)
				if gap > 0 {
					lapses++
				}
			}
			granted[id] = time.Now()
			return nil
		}
		h.cloud.subscribed = func() (ids []string) {
			mu.Lock()
			defer mu.Unlock()
			for id, at := range granted {
				if time.Since(at) < time.Hour {
					ids = append(ids, id)
				}
			}
			return ids
		}
		h.start()
		h.after(30 * 24 * time.Hour)
		if lapses == 0 || lapses > 4 || longest > time.Minute {
			t.Errorf("%d gaps, the longest %v", lapses, longest)
		}
		if n := len(h.cloud.made("event")); n > 2*30*24*3 {
			t.Errorf("%d subscriptions in a month", n)
		}
	})
}

// A channel that stays dead is not hammered: within a day the ladder is climbed
// once, and the hourly share of calls is kept. Afterwards the connection is made
// anew once a day.
func TestF025DeadForADay(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.o.Budget = thinq.NewBudget(100, 40, thinq.BudgetState{})
		h.o.Metrics = NewMetrics(prometheus.NewRegistry())
		h.start()
		h.cloud.forget()
		for i := range 24 * 6 {
			h.cloud.quietly("ac", `{"temperature":{"targetTemperature":`+fmt.Sprint(18+i%10)+`}}`)
			h.after(10 * time.Minute)
		}
		for _, step := range ladder {
			if got := testutil.ToFloat64(h.o.Metrics.pushSteps.WithLabelValues("", step.name)); got != 1 {
				t.Errorf("%s: %v times", step.name, got)
			}
		}
		if got := len(h.cloud.made("state")); got < 200 || got > 24*13 {
			t.Errorf("%d reads", got)
		}
		h.cloud.quietly("ac", `{"temperature":{"targetTemperature":30}}`)
		h.after(6 * time.Minute)
		if got := h.state("ac", "target_temperature"); got != 30.0 || h.push() != pushPolling {
			t.Errorf("target_temperature = %v, push = %q", got, h.push())
		}
		connected := h.o.Metrics.pushReconnects.WithLabelValues("", "up")
		before := testutil.ToFloat64(connected)
		h.after(3 * 24 * time.Hour)
		if got := testutil.ToFloat64(connected) - before; got != 3 {
			t.Errorf("%v connections in three days", got)
		}
	})
}

// Events that end once more the same day are fought with everything but another
// certificate, of which LG gives few.
func TestF025OneCertificateADay(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.o.Metrics = NewMetrics(prometheus.NewRegistry())
		h.start()
		for range 2 {
			for i := range 6 * 6 {
				h.cloud.quietly("ac", `{"temperature":{"targetTemperature":`+fmt.Sprint(18+i%10)+`}}`)
				h.after(10 * time.Minute)
			}
			h.cloud.report("ac", `{"temperature":{"targetTemperature":30}}`)
			h.after(time.Second)
		}
		for step, want := range map[string]float64{"all": 2, "reconnect": 2, "certificate": 1, "polling": 2} {
			if got := testutil.ToFloat64(h.o.Metrics.pushSteps.WithLabelValues("", step)); got != want {
				t.Errorf("%s: %v times, want %v", step, got, want)
			}
		}
	})
}

// Appliances beyond the number of subscriptions that LG allows are read more
// often, said to be, and asked for again once a day; those that can be controlled
// come first.
func TestF028FiveOfEight(t *testing.T) {
	var all []string
	for i := range 4 {
		all = append(all, fmt.Sprintf("brew%d=home_brew_bar", i), fmt.Sprintf("ac%d%s", i, strings.TrimPrefix(ac, "ac")))
	}
	inHome(t, all, func(h *home) {
		h.cloud.delay = 100 * time.Millisecond
		var mu sync.Mutex // several subscriptions are asked for at once
		granted := map[string]bool{}
		h.cloud.granted = func(id string) error {
			mu.Lock()
			defer mu.Unlock()
			if len(granted) == 5 && !granted[id] {
				return lgError("1312", 400)
			}
			granted[id] = true
			return nil
		}
		h.start()
		var info struct{ Cloud struct{ Polled []string } }
		if err := json.Unmarshal([]byte(h.broker.last(base+"/bridge/info")), &info); err != nil {
			t.Fatal(err)
		}
		if len(info.Cloud.Polled) != 3 {
			t.Fatalf("polled = %q", info.Cloud.Polled)
		}
		for _, slug := range info.Cloud.Polled {
			if !strings.Contains(slug, "home_brew") {
				t.Errorf("%s is polled, though it takes commands", slug)
			}
		}
		h.cloud.forget()
		h.after(3 * time.Hour)
		ofPolled := func(call string) (n int) {
			for _, d := range h.bridge.polled() {
				n += len(h.cloud.made(call + " " + d.info.ID))
			}
			return n
		}
		if reads := ofPolled("state"); reads < 40 || len(h.cloud.made("event")) > 0 {
			t.Errorf("%d reads of three, calls %q", reads, h.cloud.made("event"))
		}
		h.after(25 * time.Hour)
		if got, all := ofPolled("event"), len(h.bridge.polled()); got != 3 || all != 3 {
			t.Errorf("%d subscriptions for %d were tried again within a day", got, all)
		}
		if h.push() != pushLive {
			t.Errorf("push = %q", h.push())
		}
	})
}

// What LG's list of subscriptions shows holds for all appliances: it is not asked
// for once for each of them.
func TestF025OneLookForAll(t *testing.T) {
	var all []string
	for i := range 6 {
		all = append(all, fmt.Sprintf("ac%d%s", i, strings.TrimPrefix(ac, "ac")))
	}
	inHome(t, all, func(h *home) {
		h.cloud.subscribed = func() []string { return []string{"ac0", "ac1", "ac2", "ac3", "ac4", "ac5"} }
		h.start()
		h.after(10 * time.Minute)
		h.cloud.forget()
		for i := range 6 {
			h.cloud.quietly(fmt.Sprint("ac", i), `{"airFlow":{"windStrength":"LOW"}}`)
			h.bridgeRequest("refresh", fmt.Sprint("ac", i))
			h.after(20 * time.Second)
		}
		h.after(2 * time.Minute)
		if n := len(h.cloud.made("subscriptions")); n != 1 {
			t.Errorf("asked for the list %d times, want once", n)
		}
	})
}
