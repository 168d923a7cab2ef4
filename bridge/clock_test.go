package bridge

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// shifted is what was written by a clock that was wrong by so much.
func shifted(t *testing.T, from, into any, by time.Duration) {
	t.Helper()
	data, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	var walk func(v any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k := range v {
				v[k] = walk(v[k])
			}
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		case string:
			if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
				return at.Add(by)
			}
		}
		return v
	}
	var tree any
	if err := json.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	if data, err = json.Marshal(walk(tree)); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// Whatever the clock said when the state folder was written, and whatever it is
// set to afterwards, calls are renewed in time, silence is noticed, commands are
// obeyed and the calls of the hour count.
func TestF095Jumps(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for _, by := range []time.Duration{-10 * year, -24 * time.Hour, -time.Hour, time.Hour, 24 * time.Hour, 10 * year} {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			inHome(t, []string{ac, dish}, func(h *home) { jumps(h, by) })
		})
	}
}

func jumps(h *home, by time.Duration) {
	h.o.Store = openStore(h.T, h.TempDir())
	h.o.Budget = thinq.NewBudget(100, 40, thinq.BudgetState{})
	h.start()
	h.after(time.Hour)
	for range 20 {
		h.send(linkMessage(base+"/bridge/request/refresh", "{}"))
		h.after(3 * time.Second)
	}
	h.stop()
	var c cache
	var s thinq.BudgetState
	shifted(h.T, h.o.Store.loadCache(), &c, by)
	shifted(h.T, h.o.Store.Budget(), &s, by)
	made := len(s.Calls[thinq.Background])
	if err := h.o.Store.saveCache(c); err != nil {
		h.Fatal(err)
	}
	h.o.Budget = thinq.NewBudget(100, 40, s)
	if left := len(h.o.Budget.State().Calls[thinq.Background]); by > 0 && left < made {
		h.Errorf("of %d calls %d count", made, left)
	}
	h.cloud.forget()
	h.start()
	h.obedient(time.Second)
	h.set("ac", `{"target_temperature":25}`)
	h.after(20 * time.Second)
	if got := h.stages("ac"); len(got) == 0 || got[len(got)-1] != "confirmed" {
		h.Errorf("stages = %q", got)
	}
	h.after(27 * time.Hour)
	for kind, least := range map[string]int{"event ac": 2, "event dish": 2, "lifecycle": 1, "profile ac": 1} {
		if n := len(h.cloud.made(kind)); n < least || n > 4*least {
			h.Errorf("%d times %s", n, kind)
		}
	}
	if !h.bridge.turns() {
		h.Error("not alive")
	}
}

// What an earlier run has planned does not wait for a time of day: a time with a
// monotonic reading stays as far away when the clock is set.
func TestF095MonotonicAfterRestart(t *testing.T) {
	store := openStore(t, t.TempDir())
	now := time.Now()
	c := cache{Client: store.Instance(), Saved: now, Lifecycle: now, Grants: grants{Learnt: now, Looked: now}}
	for _, id := range []string{ac, dish} {
		h := newHome(t, id)
		d := h.cloud.devices[0]
		c.Devices = append(c.Devices, cachedDevice{
			Device: d, Profile: h.cloud.profiles[d.ID], State: thinq.State{}, Seen: now, Granted: now,
			Energy: metering{Asked: now, Read: now}, Due: map[string]time.Time{"event": now, "push": now, "profile": now},
		})
	}
	if err := errors.Join(store.SaveIdentity(thinq.Identity{ClientID: store.Instance()}), store.saveCache(c)); err != nil {
		t.Fatal(err)
	}
	h := newHome(t)
	h.o.Store, h.o.Broker = store, &fakeBroker{down: true, retained: map[string]string{}}
	b := New(h.o)
	b.started = time.Now()
	b.restore()
	b.begin()
	times := map[string]time.Time{"saved": b.saved, "lifecycle": b.lifecycle, "looked": b.grants.Looked, "learnt": b.grants.Learnt}
	for name, a := range b.later.named {
		times[name] = a.at
	}
	for _, d := range b.devices {
		times["seen "+d.slug], times["granted "+d.slug] = d.seen, d.granted
		times["read "+d.slug], times["asked "+d.slug] = d.energy.Read, d.energy.Asked
		for kind, due := range d.due {
			times["due "+kind+" "+d.slug] = due
		}
	}
	delete(times, "day")
	if len(times) < 4+2*7 {
		t.Fatalf("only %v", times)
	}
	for name, at := range times {
		if !strings.Contains(at.String(), " m=") {
			t.Errorf("%s goes by the time of day: %v", name, at)
		}
	}
}
