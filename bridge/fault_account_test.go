package bridge

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A diary keeps the log.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (w *diary) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, string(p))
	return len(p), nil
}

// of are the lines that contain a text.
func (w *diary) of(text string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.lines), func(line string) bool { return !strings.Contains(line, text) })
}

func (h *home) diary() *diary {
	w := &diary{}
	h.o.Logger = slog.New(slog.NewTextHandler(w, nil))
	return w
}

// cloudInfo is what bridge/info says of the cloud.
func (h *home) cloudInfo() (c struct{ State, Text, Problem string }) {
	h.Helper()
	info := struct{ Cloud any }{&c}
	if err := json.Unmarshal([]byte(h.broker.last(base+"/bridge/info")), &info); err != nil {
		h.Fatal(err)
	}
	return c
}

// New terms are named, asked for hourly, and over by themselves.
func TestF006TermsAreNamed(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.start()
		if !strings.Contains(h.broker.last("homeassistant/device/thinq2mqtt_bridge_0badcafe/config"), `"device_class":"problem"`) {
			t.Error("no entity for a problem")
		}
		for range 100 {
			h.cloud.fail("*", lgError("1304", 401))
		}
		h.cloud.forget()
		h.bridgeRequest("refresh", "")
		h.after(time.Minute)
		if got := h.cloudInfo(); got.State != condTerms || !strings.Contains(got.Problem, "accept them") {
			t.Errorf("cloud: %+v", got)
		}
		h.after(5 * time.Hour)
		if n := len(h.cloud.made("")); n < 4 || n > 8 {
			t.Errorf("%d calls in five hours", n)
		}
		h.cloud.change(func() { clear(h.cloud.faults) })
		h.after(80 * time.Minute)
		if got := h.cloudInfo(); got.State != condOK || got.Problem != "" || h.availability("ac") != online {
			t.Errorf("afterwards %+v, %s", got, h.availability("ac"))
		}
	})
}

// An empty list with a token that is good, and a refusal for the country, are told
// as what they may mean, and clear nothing. LG is asked again now and then.
func TestF007WrongCountry(t *testing.T) {
	for name, test := range map[string]struct {
		begin      func(h *home)
		state, say string
	}{
		"empty list":      {func(h *home) { h.cloud.drop("ac") }, condOK, "thinq.country"},
		"another country": {func(h *home) { h.cloud.refuseAll(lgError("1307", 400)) }, condCountry, "another country"},
		"another region":  {func(h *home) { h.cloud.refuseAll(lgError("1310", 400)) }, condCountry, "another country"},
	} {
		t.Run(name, func(t *testing.T) {
			inHome(t, []string{ac}, func(h *home) {
				h.o.Country, h.o.Region = "AU", "kic"
				h.start()
				slug := h.bridge.devices["ac"].slug
				test.begin(h)
				h.cloud.forget()
				h.bridgeRequest("discover", "")
				h.after(10 * time.Hour)
				got := h.cloudInfo()
				for _, want := range []string{test.say, "AU", "kic"} {
					if got.State != test.state || !strings.Contains(got.Problem, want) {
						t.Errorf("%+v, want %q", got, want)
					}
				}
				if n := len(h.cloud.made("list")); n < 2 || test.state == condCountry && len(h.cloud.made("")) > 10 {
					t.Errorf("%d lists, calls %q", n, h.cloud.made(""))
				}
				if h.broker.last("homeassistant/device/thinq2mqtt_"+slug+"/config") == "" {
					t.Error("the announcement was cleared")
				}
			})
		})
	}
}

// refuseAll answers every call with an error.
func (c *fakeCloud) refuseAll(err error) {
	for range 1000 {
		c.fail("*", err)
	}
}

// 30 appliances, two calls at a time; the one that fails is named.
func TestF022TwoAtATime(t *testing.T) {
	var all []string
	for i := range 30 {
		all = append(all, fmt.Sprintf("dish%d=dish_washer_integrated", i))
	}
	inHome(t, all, func(h *home) {
		h.cloud.delay = 300 * time.Millisecond
		for range 50 {
			h.cloud.fail("state dish7", lgError("2000", 500))
		}
		h.run()
		h.after(10 * time.Minute)
		if h.cloud.peak != 2 {
			t.Errorf("%d calls at once", h.cloud.peak)
		}
		s, _ := h.bridge.Snapshot(h.Context())
		for _, d := range s.Devices {
			if (d.Problem != "") != (d.ID == "dish7") {
				t.Errorf("%s: %q", d.ID, d.Problem)
			}
		}
	})
}

// "Subscribed already" is success, and nothing is ever unsubscribed.
func TestF027AlreadySubscribed(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.cloud.fail("push dish", lgError("1207", 404))
		for _, id := range []string{"ac", "dish"} {
			h.cloud.fail("event "+id, lgError("1207", 404))
		}
		h.start()
		h.cloud.forget()
		h.after(2 * time.Hour)
		if got := slices.Concat(h.cloud.made("event"), h.cloud.made("push")); len(got) > 0 {
			t.Errorf("asked again: %q", got)
		}
		if got := h.cloudInfo(); h.push() != pushLive || got.State != condOK || got.Problem != "" {
			t.Errorf("push = %q, %+v", h.push(), got)
		}
	})
}

// Twenty lifecycle messages in a second ask for one list.
func TestF038TwentyInASecond(t *testing.T) {
	cooling(t, func(h *home) {
		for i := range 20 {
			h.cloud.handle(thinq.Event{Kind: []thinq.Kind{thinq.Joined, thinq.Left, thinq.Renamed}[i%3], Device: fmt.Sprint("other", i)})
			h.after(50 * time.Millisecond)
		}
		h.after(5 * time.Minute)
		if got := h.cloud.made("list"); len(got) != 1 {
			t.Errorf("%d lists", len(got))
		}
	})
}

// Off for eight hours: two lines in the log, the last state kept, and back with
// one report or one read.
func TestF081EightHoursOff(t *testing.T) {
	for name, back := range map[string]func(*home){
		"a report": func(h *home) { h.cloud.report("dish", `{"doorStatus":{"doorState":"OPEN"}}`); h.after(time.Second) },
		"a read":   func(h *home) { h.cloud.change(func() { clear(h.cloud.faults) }); h.after(35 * time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			inHome(t, []string{dish}, func(h *home) {
				log := h.diary()
				h.start()
				before := h.broker.last(h.topic("dish", ""))
				for range 100 {
					h.cloud.fail("state dish", lgError("1222", 416))
				}
				h.after(8 * time.Hour)
				if h.availability("dish") != offline || h.broker.last(h.topic("dish", "")) != before {
					t.Errorf("availability = %q, state = %s", h.availability("dish"), h.broker.last(h.topic("dish", "")))
				}
				back(h)
				if h.availability("dish") != online {
					t.Errorf("availability = %q afterwards", h.availability("dish"))
				}
				told := slices.Concat(log.of("not connected"), log.of("connected again"))
				if len(told) != 2 || !strings.Contains(strings.Join(told, ""), "level=INFO") || strings.Contains(strings.Join(told, ""), "level=WARN") {
					t.Errorf("lines: %q", told)
				}
			})
		})
	}
}

// A type that no table knows is said once, however often it is listed.
func TestF015UnknownTypeSaidOnce(t *testing.T) {
	inHome(t, []string{"brew=home_brew_bar", "other=home_brew_bar"}, func(h *home) {
		for i := range h.cloud.devices {
			h.cloud.devices[i].Type = "DEVICE_TIME_MACHINE"
		}
		log := h.diary()
		h.start()
		for i := range 100 {
			h.cloud.change(func() { h.cloud.devices[0].Model = fmt.Sprint("MARK_", i) })
			h.bridgeRequest("discover", "")
			h.after(time.Minute)
		}
		if got := log.of("without a table"); len(got) != 1 {
			t.Errorf("lines: %q", got)
		}
		if s, _ := h.bridge.Snapshot(h.Context()); s.Devices[0].Entities == 0 {
			t.Error("no entities")
		}
	})
}

// One appliance with each kind of damage to its profile leaves the others alone.
func TestF014OneOfThirty(t *testing.T) {
	var all []string
	for i := range 30 {
		all = append(all, fmt.Sprintf("dish%d=dish_washer_integrated", i))
	}
	inHome(t, all, func(h *home) {
		damages := []string{`null`, `[]`, `"x"`, `{`, `{"property":7}`, `{"property":{"a":{"b":{"type":"enum","mode":[1]}}}}`}
		for i, damage := range damages {
			h.cloud.profiles[fmt.Sprint("dish", i)] = json.RawMessage(damage)
		}
		unusable := func(i int) bool { return i < 4 } // of the others a part is left out
		log := h.diary()
		h.run()
		h.after(10 * time.Minute)
		s, _ := h.bridge.Snapshot(h.Context())
		for i, d := range s.Devices {
			named := len(log.of("device="+d.Slug+" ")) > 1 // that it was found is one line
			if damaged := i < len(damages); damaged != named || unusable(i) != (d.Problem != "") || !unusable(i) && h.availability(d.ID) != online {
				t.Errorf("%s is %q: %q, %q", d.ID, h.availability(d.ID), d.Problem, log.of(d.Slug))
			}
		}
		if len(s.Devices) != len(all) {
			t.Errorf("%d appliances", len(s.Devices))
		}
	})
}

// Requests that cannot be answered yet do not pile up.
func TestS29RequestsDoNotPileUp(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.start()
		h.cloud.delay = time.Minute
		for range 10 * listAsks {
			h.bridgeRequest("discover", "")
		}
		waiting := make(chan int)
		h.bridge.asks <- func() { waiting <- len(h.bridge.lists.waiting) }
		if n := <-waiting; n > listAsks {
			t.Errorf("%d requests wait", n)
		}
		h.after(3 * time.Minute)
		if got := len(h.broker.on(base + "/bridge/response/discover")); got != 10*listAsks {
			t.Errorf("%d answers", got)
		}
	})
}

// LG is a black hole: what an earlier run knew is announced within seconds, as
// unavailable, and is there when LG is.
func TestF106WarmStartInTheDark(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.o.Store = h.folder()
		h.start()
		h.stop()
		h.cloud.delay = time.Hour
		h.run()
		h.after(3 * time.Second)
		for _, id := range []string{"ac", "dish"} {
			if h.broker.last("homeassistant/device/thinq2mqtt_"+h.slug(id)+"/config") == "" || h.availability(id) != offline {
				t.Errorf("%s: %q", id, h.availability(id))
			}
		}
		h.cloud.change(func() { h.cloud.delay = 0 })
		h.after(time.Hour + time.Minute) // the calls under way
		if h.availability("ac") != online || h.availability("dish") != online {
			t.Errorf("afterwards: %q, %q", h.availability("ac"), h.availability("dish"))
		}
	})
}

// LG orders neither messages nor their copies: each notice is told once, also
// when another one came between.
func TestF034NoticesOnce(t *testing.T) {
	inHome(t, []string{dish}, func(h *home) {
		h.start()
		h.broker.forget()
		for _, code := range []string{"CLEANING_IS_COMPLETE", "ERROR_DURING_CLEANING", "CLEANING_IS_COMPLETE", "ERROR_DURING_CLEANING"} {
			h.cloud.handle(thinq.Event{Kind: thinq.Notice, Device: "dish", Code: code})
			h.after(time.Second)
		}
		if got := h.broker.on(h.topic("dish", "/event/notification")); len(got) != 2 {
			t.Errorf("told: %q", got)
		}
	})
}

// Refused without a code of LG's, or with one that nobody knows, once: nobody has
// to sign in. Refused so again after a minute: the token is refused, and LG is let
// alone.
func TestF004WithoutCodeTwice(t *testing.T) {
	for _, test := range []struct {
		code   string
		status int
	}{{"", 401}, {"", 403}, {"1399", 401}, {"1399", 403}} {
		t.Run(fmt.Sprint(test.code, test.status), func(t *testing.T) {
			inHome(t, []string{ac, dish}, func(h *home) {
				h.start()
				h.cloud.forget()
				h.cloud.fail("*", lgError(test.code, test.status))
				h.bridgeRequest("refresh", "ac")
				h.after(10 * time.Minute)
				if got := h.cloudInfo(); got.State != condOK || h.availability("ac") != online {
					t.Errorf("after one refusal: %+v, %s", got, h.availability("ac"))
				}
				if got := h.broker.on(base + "/bridge/event"); strings.Contains(strings.Join(got, ""), condAuth) {
					t.Errorf("told: %q", got)
				}
				for range 100 {
					h.cloud.fail("*", lgError(test.code, test.status))
				}
				h.cloud.forget()
				h.bridgeRequest("refresh", "ac")
				h.after(50 * time.Second)
				if got := h.cloudInfo(); got.State != condOK {
					t.Errorf("before the second refusal: %+v", got)
				}
				h.after(10 * time.Minute)
				if got := h.cloudInfo(); got.State != condAuth || h.availability("ac") != offline {
					t.Errorf("afterwards: %+v, %s", got, h.availability("ac"))
				}
				if n := len(h.cloud.made("")); n != 2 || h.cloud.at[1].Sub(h.cloud.at[0]) < time.Minute {
					t.Errorf("%d calls: %v", n, h.cloud.at)
				}
			})
		})
	}
}

// Whoever presses a button five times while a gateway refuses makes nobody wait
// for longer.
func TestF004ButtonsDoNotProlong(t *testing.T) {
	cooling(t, func(h *home) {
		for i := range 5 {
			h.cloud.fail("*", lgError("", 401))
			h.set("ac", fmt.Sprintf(`{"target_temperature":%d}`, 22+i))
			h.after(5 * time.Second)
		}
		h.cloud.forget()
		h.bridgeRequest("refresh", "ac")
		h.after(80 * time.Second)
		if n := len(h.cloud.made("state ac")); n != 1 {
			t.Errorf("%d reads when the first wait was over, want 1", n)
		}
	})
}

// A permission that lacks is told without a time, for it has none.
func TestF008BlockedWithoutEnd(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		d := h.diary()
		h.cloud.quietly("ac", `{"operation":{"airConOperationMode":"POWER_ON"},"airConJobMode":{"currentJobMode":"COOL"}}`)
		h.start()
		h.cloud.fail("*", lgError("1309", 401))
		h.set("ac", `{"target_temperature":24}`)
		h.after(time.Second)
		if got := d.of("state=blocked"); len(got) != 1 || strings.Contains(got[0], "until") {
			t.Errorf("told %q", got)
		}
	})
}

// One call of many that a gateway always refuses does not keep the others waiting
// for long.
func TestF004OneCallRefused(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.start()
		for range 100 {
			h.cloud.fail("state dish", lgError("", 403))
		}
		h.cloud.forget()
		h.bridgeRequest("refresh", "")
		h.after(2 * time.Hour)
		if n := len(h.cloud.made("state dish")); n > 20 {
			t.Errorf("%d calls that are refused", n)
		}
		if n := len(h.cloud.made("state ac")); n < 3 || h.availability("ac") != online {
			t.Errorf("%d calls that are not, %s, %+v", n, h.availability("ac"), h.cloudInfo())
		}
	})
}

// Ten thousand events in any order, most of them more than once: what is shown in
// the end is the truth, with few reads.
func TestF034TenThousandEvents(t *testing.T) {
	if testing.Short() {
		t.Skip("ten thousand events")
	}
	cooling(t, func(h *home) {
		random := rand.New(rand.NewPCG(34, 10000))
		var window []string
		deliver := func(n int) {
			for len(window) > n {
				i := random.IntN(len(window))
				h.cloud.handle(thinq.Event{Kind: thinq.Report, Device: "ac", Report: json.RawMessage(window[i])})
				window = slices.Delete(window, i, i+1)
			}
		}
		for i := range 4000 {
			body := []string{
				fmt.Sprintf(`{"temperature":{"targetTemperature":%d}}`, 17+random.IntN(14)),
				fmt.Sprintf(`{"airFlow":{"windStrength":%q}}`, []string{"SLOW", "LOW", "MID", "HIGH"}[random.IntN(4)]),
				fmt.Sprintf(`{"temperature":{"currentTemperature":%d}}`, 10+random.IntN(25)),
			}[i%3]
			h.cloud.quietly("ac", body)
			for range 1 + random.IntN(4) {
				window = append(window, body)
			}
			deliver(8)
			h.after(100 * time.Millisecond)
		}
		deliver(0)
		h.after(burstReads + time.Minute)
		var truth struct {
			Temperature struct{ TargetTemperature, CurrentTemperature float64 }
			AirFlow     struct{ WindStrength string }
		}
		if err := json.Unmarshal(h.cloud.states["ac"], &truth); err != nil {
			t.Fatal(err)
		}
		got := []any{h.state("ac", "target_temperature"), h.state("ac", "current_temperature"), h.state("ac", "wind_strength")}
		want := []any{truth.Temperature.TargetTemperature, truth.Temperature.CurrentTemperature, strings.ToLower(truth.AirFlow.WindStrength)}
		if !slices.Equal(got, want) {
			t.Errorf("shown %v, true %v", got, want)
		}
		if n := len(h.cloud.made("state")); n > 4 {
			t.Errorf("%d reads", n)
		}
	})
}

// A value that comes, goes and comes again within moments may have come the wrong
// way round: one read, when it is quiet again. A value that changes once asks for
// none.
func TestF034BurstIsReadOnce(t *testing.T) {
	cooling(t, func(h *home) {
		h.cloud.report("ac", `{"airFlow":{"windStrength":"LOW"}}`)
		h.after(time.Minute)
		if got := h.cloud.made("state"); len(got) > 0 {
			t.Errorf("read after one change: %q", got)
		}
		for _, word := range []string{"MID", "LOW", "MID", "LOW"} { // in truth it is MID
			h.cloud.report("ac", `{"airFlow":{"windStrength":"`+word+`"}}`)
			h.after(time.Second)
		}
		h.cloud.quietly("ac", `{"airFlow":{"windStrength":"MID"}}`)
		h.after(10 * time.Second)
		if got := h.cloud.made("state"); len(got) != 1 || h.state("ac", "wind_strength") != "mid" {
			t.Errorf("reads %q, shown %v", got, h.state("ac", "wind_strength"))
		}
	})
}
