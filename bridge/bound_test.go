package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A day without a broker, with ten reports and ten notifications a second, costs no
// memory, and no notification of an hour ago is told when it is back.
func TestF053BrokerAwayForADay(t *testing.T) {
	inHome(t, []string{"ac=air_conditioner_one_setpoint"}, func(h *home) {
		h.start()
		h.broker.cut()
		var begin, end runtime.MemStats
		measure := func(into *runtime.MemStats) { runtime.GC(); runtime.ReadMemStats(into) }
		for hour := range 24 {
			for i := range 150 { // of the hour only its first moments: the rest is alike
				h.cloud.report("ac", fmt.Sprintf(`{"temperature":{"targetTemperature":%d}}`, 18+i%10))
				h.cloud.handle(thinq.Event{Kind: thinq.Notice, Device: "ac", Code: fmt.Sprintf("NOTICE_%d", i)})
				h.after(100 * time.Millisecond)
			}
			if n := h.bridge.outbox.waiting(); n > 20+outboxRing {
				h.Fatalf("%d messages wait", n)
			}
			h.after(59 * time.Minute)
			if hour == 0 {
				measure(&begin)
			}
		}
		measure(&end)
		if grown := int64(end.HeapAlloc) - int64(begin.HeapAlloc); grown > 1<<20 {
			h.Errorf("%d bytes more", grown)
		}
		h.broker.connect()
		h.after(time.Minute)
		if told := h.events("ac"); len(told) > 0 || h.availability("ac") != online {
			h.Errorf("%s, told: %q", h.availability("ac"), told)
		}
	})
}

// The same name twice, another name, and none: the identity stays.
func TestF078Aliases(t *testing.T) {
	inHome(t, []string{"a=air_conditioner_one_setpoint", "b=air_conditioner_one_setpoint"}, func(h *home) {
		h.start()
		ids := func(id string) (all []string) {
			var m struct {
				Device     struct{ Name string }
				Components map[string]struct {
					Unique string `json:"unique_id"`
				}
			}
			if err := json.Unmarshal([]byte(h.broker.last("homeassistant/device/thinq2mqtt_"+h.slug(id)+"/config")), &m); err != nil {
				h.Fatal(err)
			}
			if m.Device.Name == "" {
				h.Errorf("%s has no name", id)
			}
			for _, c := range m.Components {
				all = append(all, c.Unique)
			}
			slices.Sort(all)
			return all
		}
		before, topics := ids("a"), len(h.broker.kept())
		for _, alias := range []string{"Twin", "Twin", "", "Other"} {
			h.cloud.change(func() { h.cloud.devices[0].Alias, h.cloud.devices[1].Alias = alias, "Twin" })
			h.send(linkMessage(base+"/bridge/request/discover", ""))
			h.after(10 * time.Second)
			if now := ids("a"); !slices.Equal(now, before) || len(now) == 0 {
				h.Errorf("%q: unique ids became %q", alias, now)
			}
			if slices.ContainsFunc(ids("b"), func(id string) bool { return slices.Contains(before, id) }) {
				h.Errorf("%q: two have the same unique id", alias)
			}
			if n := len(h.broker.kept()); n != topics {
				h.Errorf("%q: %d topics, %d before", alias, n, topics)
			}
		}
	})
}

// A report that says only some things leaves the others as they were: all
// subsets of eight properties.
func TestF079Subsets(t *testing.T) {
	inHome(t, []string{"ac=air_conditioner_one_setpoint"}, func(h *home) {
		h.start()
		var status map[string]map[string]json.RawMessage
		if err := json.Unmarshal(h.cloud.states["ac"], &status); err != nil {
			h.Fatal(err)
		}
		type part struct{ resource, name string }
		var parts []part
		for resource, values := range status {
			for name := range values {
				parts = append(parts, part{resource, name})
			}
		}
		slices.SortFunc(parts, func(x, y part) int { return strings.Compare(x.resource+x.name, y.resource+y.name) })
		parts = parts[:min(8, len(parts))]
		before := h.broker.last(h.topic("ac", ""))
		for set := range 1 << len(parts) {
			report := map[string]map[string]json.RawMessage{}
			for i, p := range parts {
				if set>>i&1 == 1 {
					if report[p.resource] == nil {
						report[p.resource] = map[string]json.RawMessage{}
					}
					report[p.resource][p.name] = status[p.resource][p.name]
				}
			}
			body, err := json.Marshal(report)
			if err != nil {
				h.Fatal(err)
			}
			h.cloud.handle(thinq.Event{Kind: thinq.Report, Device: "ac", Report: body})
			h.after(time.Second)
			if now := h.broker.last(h.topic("ac", "")); now != before {
				h.Fatalf("after %s: %s, before %s", body, now, before)
			}
		}
	})
}

// Whatever appliances there are and however they fail, the number of series is
// bounded, no label is a text of LG's, and who leaves takes its series along.
func TestS21SeriesBounded(t *testing.T) {
	registry := prometheus.NewRegistry()
	inHome(t, nil, func(h *home) {
		const n = 100
		for i := range n {
			h.add(fmt.Sprintf("id%d=air_conditioner_one_setpoint", i))
			h.cloud.devices[i].Alias = fmt.Sprintf("name %d", i)
			h.cloud.devices[i].Type = fmt.Sprintf("DEVICE_INVENTED_%d", i)
		}
		h.o.Metrics = NewMetrics(registry)
		h.start()
		h.after(10 * time.Minute)
		for i := range 1000 {
			h.cloud.fail("*", fmt.Errorf("error text %d", i), lgError(fmt.Sprint(9000+i), 400))
			h.set(fmt.Sprintf("id%d", i%n), fmt.Sprintf(`{"nonsense_%d":1}`, i))
			h.after(time.Second)
		}
		first := series(h.T, registry)
		for line := range first {
			if strings.Contains(line, "DEVICE_INVENTED") || strings.Contains(line, "error text") || strings.Contains(line, "name ") || strings.Contains(line, "nonsense") {
				h.Errorf("series %s", line)
			}
		}
		if len(first) > 6*n+400 {
			h.Errorf("%d series for %d appliances", len(first), n)
		}
		h.cloud.change(func() { h.cloud.devices = h.cloud.devices[:1]; clear(h.cloud.faults) })
		for range 3 {
			h.send(linkMessage(base+"/bridge/request/discover", ""))
			h.after(11 * time.Minute)
		}
		for line := range series(h.T, registry) {
			if strings.Contains(line, "invented_") && !strings.Contains(line, h.slug("id0")) {
				h.Errorf("%s remains", line)
			}
		}
	})
}

func series(t *testing.T, g prometheus.Gatherer) map[string]bool {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			all[f.GetName()+fmt.Sprint(m.GetLabel())] = true
		}
	}
	return all
}

// A bug report has what is listed here and nothing of the files that hold
// secrets.
func TestS08DiagnoseAllowList(t *testing.T) {
	inHome(t, []string{"ac=air_conditioner_one_setpoint"}, func(h *home) {
		h.o.Store = openStore(h.T, h.TempDir())
		if err := errors.Join(h.o.Store.SaveToken(json.RawMessage(`{"refresh_token":"canary"}`)), h.o.Store.SaveIdentity(thinq.Identity{ClientID: "canary-client", Key: "canary"})); err != nil {
			h.Fatal(err)
		}
		h.start()
		h.unannounced("ac", 0)
		h.unannounced("ac", 1) // so that there is something to say about it
		h.send(linkMessage(base+"/bridge/request/diagnose", ""))
		h.after(time.Second)
		answers := h.broker.on(base + "/bridge/response/diagnose")
		if len(answers) != 1 {
			h.Fatalf("answers: %q", answers)
		}
		var answer struct{ Data map[string]json.RawMessage }
		if err := json.Unmarshal([]byte(answers[0]), &answer); err != nil {
			h.Fatal(err)
		}
		allowed := []string{"version", "commit", "go", "os", "arch", "goroutines", "heap_bytes", "outbox", "snapshot", "profile_problems", "events_lost"}
		for key := range answer.Data {
			if !slices.Contains(allowed, key) {
				h.Errorf("the answer has %q", key)
			}
		}
		if told := "Changes of " + h.slug("ac") + " came without an event"; !strings.Contains(answers[0], told) {
			h.Errorf("the answer has no %q: %s", told, answers[0])
		}
		if strings.Contains(answers[0], "canary") || strings.Contains(answers[0], h.cloud.devices[0].Alias) {
			h.Errorf("answer: %s", answers[0])
		}
		h.stop()
	})
}

// A panic in a call, in its answer, in a control call, in LG's events, in an
// appointment or in what is asked of the loop is contained and counted; the
// bridge goes on, and does not eat the machine if they go on.
func TestF096PanicEverywhere(t *testing.T) {
	inHome(t, []string{"ac=air_conditioner_one_setpoint"}, func(h *home) {
		registry := prometheus.NewRegistry()
		h.o.Metrics = NewMetrics(registry)
		connections := 0
		h.o.Subscriber = func(ctx context.Context, ep thinq.Endpoint, handle func([]byte)) error {
			if connections++; connections == 1 {
				panic("boom")
			}
			handle(nil) // nobody listens
			return subscribeFake(ctx, ep, handle)
		}
		h.start()
		h.after(10 * time.Minute)
		if connections < 2 || h.push() != pushLive {
			h.Errorf("%d connections, push is %s", connections, h.push())
		}
		h.cloud.obey = func(string, []byte) { panic("boom") }
		h.set("ac", `{"target_temperature":24}`)
		h.after(time.Minute)
		if got := h.stages("ac"); len(got) == 0 || !strings.HasPrefix(got[len(got)-1], "unknown") {
			h.Errorf("stages = %q", got)
		}
		boom := func() { panic("boom") }
		h.bridge.ask(h.Context(), func() {
			h.bridge.enqueue(&job{name: "a", kind: "list", lane: thinq.Start, call: thrower})
			h.bridge.enqueue(&job{name: "b", kind: "list", lane: thinq.Start, call: answerer(boom)})
			h.bridge.later.set("boom", time.Now(), boom)
		})
		var endless func()
		var turns atomic.Int32
		endless = func() { turns.Add(1); h.bridge.later.set("endless", time.Now(), endless); panic("boom") }
		h.bridge.ask(h.Context(), endless)
		h.after(time.Minute)
		if n := turns.Load(); n > 70 {
			h.Errorf("%d faults in a minute", n)
		}
		h.bridge.ask(h.Context(), func() { h.bridge.later.cancel("endless") })
		h.after(20 * time.Minute)
		h.cloud.obey = nil
		h.obedient(time.Second)
		h.set("ac", `{"target_temperature":25}`)
		h.after(20 * time.Second)
		if got := h.stages("ac"); got[len(got)-1] != "confirmed" {
			h.Errorf("stages = %q", got)
		}
		for _, component := range []string{"call", "events", "device"} {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(series(h.T, registry))), func(s string) bool {
				return strings.Contains(s, "worker_restarts") && strings.Contains(s, component)
			}) {
				h.Errorf("no restart of %s is counted", component)
			}
		}
	})
}

func thrower(context.Context) (func(), error) { panic("boom") }

func answerer(apply func()) func(context.Context) (func(), error) {
	return func(context.Context) (func(), error) { return apply, nil }
}
