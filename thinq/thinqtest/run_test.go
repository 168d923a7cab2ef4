package thinqtest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// An episode is what a client hears of one appliance.
type episode struct {
	*caller
	s   *thinqtest.Server
	sub *subscriber
	id  string
}

func listen(t *testing.T, id string, o thinqtest.Options) *episode {
	t.Helper()
	o.Samples = slices.DeleteFunc(fleet(), func(s thinqtest.Sample) bool { return s.Name != id })
	s, network := newServer(t, o)
	c := newCaller(t, s, network)
	config, topic := c.enrol()
	e := &episode{c, s, subscribe(t, network, s, config, c.client, topic, 3600), id}
	c.must("POST", "/event/"+id+"/subscribe", wholeDay)
	c.must("POST", "/push/"+id+"/subscribe", "")
	return e
}

func (e *episode) control(body string) {
	e.t.Helper()
	e.must("POST", "/devices/"+e.id+"/control", body)
}

// hear collects what comes within a time, each message as its report or code.
func (e *episode) hear(d time.Duration) (heard []string) {
	time.Sleep(d)
	synctest.Wait()
	for {
		select {
		case m := <-e.sub.messages:
			var parts struct {
				Report   json.RawMessage
				PushCode string
			}
			if err := json.Unmarshal([]byte(m), &parts); err != nil {
				e.t.Fatal(err)
			}
			if parts.PushCode != "" {
				heard = append(heard, parts.PushCode)
			} else {
				heard = append(heard, string(parts.Report))
			}
		default:
			return heard
		}
	}
}

// states shortens reports to the run states and the codes among them.
func states(heard []string) (words []string) {
	for _, h := range heard {
		word := h
		if _, rest, ok := strings.Cut(h, `"currentState":"`); ok {
			word, _, _ = strings.Cut(rest, `"`)
		} else if strings.HasPrefix(h, "{") || strings.HasPrefix(h, "[") {
			continue
		}
		if len(words) == 0 || words[len(words)-1] != word {
			words = append(words, word)
		}
	}
	return words
}

func TestWash(t *testing.T) {
	for _, speed := range []float64{1, 60} {
		t.Run(fmt.Sprintf("speed %v", speed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := listen(t, "washer", thinqtest.Options{Speed: speed})
				minutes := func(n float64) time.Duration { return time.Duration(n * float64(time.Minute) / speed) }
				e.control(`{"location":{"locationName":"MAIN"},"operation":{"washerOperationMode":"START"}}`)
				heard := e.hear(minutes(30))
				want := `[{"location":{"locationName":"MAIN"},"runState":{"currentState":"DETECTING"},` +
					`"timer":{"relativeHourToStop":0,"relativeMinuteToStop":0,"remainHour":1,"remainMinute":0,"totalHour":1,"totalMinute":0}}]`
				if heard[0] != want {
					t.Errorf("first report\n got %s\nwant %s", heard[0], want)
				}
				want = `[{"location":{"locationName":"MAIN"},"timer":{"relativeHourToStop":0,"relativeMinuteToStop":0,"remainHour":0,"remainMinute":58,"totalHour":1,"totalMinute":0}}]`
				if !slices.Contains(heard, want) {
					t.Errorf("no report of the second minute in %s", heard)
				}
				e.control(`{"location":{"locationName":"MAIN"},"operation":{"washerOperationMode":"STOP"}}`)
				if got := states(e.hear(minutes(20))); !cmp.Equal(got, []string{"PAUSE"}) {
					t.Errorf("paused: %s", got)
				}
				e.control(`{"location":{"locationName":"MAIN"},"operation":{"washerOperationMode":"START"}}`)
				heard = append(heard, e.hear(minutes(40))...)
				if got, want := states(heard), []string{"DETECTING", "RUNNING", "RINSING", "SPINNING", "END", "WASHING_IS_COMPLETE", "POWER_OFF"}; !cmp.Equal(got, want) {
					t.Errorf("got %s, want %s", got, want)
				}
				d, _ := e.s.Device("washer")
				if !strings.Contains(string(d.State), `"cycleCount":11`) {
					t.Errorf("cycle not counted: %s", d.State)
				}
			})
		})
	}
}

// TestLives follows other appliances for some hours.
func TestLives(t *testing.T) {
	const (
		main = `{"location":{"locationName":"MAIN"},`
		oven = `{"location":{"locationName":"OVEN"},`
	)
	for _, tt := range []struct {
		name, device string
		do           []string
		hours        float64
		want         []string
	}{
		{"reserved end", "washer", []string{main + `"timer":{"relativeHourToStop":5}}`}, 5.2,
			[]string{"RESERVED", "DETECTING", "RUNNING", "RINSING", "SPINNING", "END", "WASHING_IS_COMPLETE", "POWER_OFF"}},
		{"reservation dropped", "washer", []string{main + `"timer":{"relativeHourToStop":5}}`, main + `"operation":{"washerOperationMode":"STOP"}}`}, 6,
			[]string{"RESERVED", "INITIAL"}},
		{"switched off in the middle", "washer", []string{main + `"operation":{"washerOperationMode":"START"}}`, main + `"operation":{"washerOperationMode":"POWER_OFF"}}`}, 3,
			[]string{"DETECTING", "POWER_OFF"}},
		{"dryer of a tower", "tower", []string{`{"dryer":{"operation":{"dryerOperationMode":"START"}}}`}, 2,
			[]string{"RUNNING", "COOLING", "END", "DRYING_IS_COMPLETE", "POWER_OFF"}},
		{"oven", "oven", []string{oven + `"operation":{"ovenOperationMode":"START"}}`}, 2,
			[]string{"PREHEATING", "COOKING_IN_PROGRESS", "PREHEATING_IS_COMPLETE", "DONE", "COOKING_IS_COMPLETE", "INITIAL"}},
		{"oven that is only told a temperature", "oven", []string{oven + `"temperature":{"targetTemperature":200,"unit":"C"}}`}, 0.1,
			[]string{"PREHEATING"}},
		{"oven that is told everything at once", "oven", []string{
			oven + `"operation":{"ovenOperationMode":"START"},"cook":{"cookMode":"ROAST"},"timer":{"targetHour":0,"targetMinute":3}}`}, 0.2,
			[]string{"PREHEATING", "COOKING_IN_PROGRESS", "PREHEATING_IS_COMPLETE", "DONE", "COOKING_IS_COMPLETE"}},
		{"oven stopped", "oven", []string{oven + `"operation":{"ovenOperationMode":"START"}}`, oven + `"operation":{"ovenOperationMode":"STOP"}}`}, 2,
			[]string{"PREHEATING", "INITIAL"}},
		{"cooking zone with a timer", "cooktop", []string{`{"location":{"locationName":"LEFT"},"power":{"powerLevel":5},"timer":{"remainHour":0,"remainMinute":3}}`}, 1,
			[]string{"COOK", "INITIAL", "COOKING_IS_COMPLETE"}},
		{"robot", "robot", []string{`{"operation":{"cleanOperationMode":"START"}}`}, 3,
			[]string{"WORKING", "HOMING", "CLEANING_IS_COMPLETED", "CHARGING", "STANDBY"}},
		{"nothing of itself", "fridge", nil, 24, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const speed = 60
				e := listen(t, tt.device, thinqtest.Options{Speed: speed})
				var heard []string
				for _, body := range tt.do {
					e.control(body)
					heard = append(heard, e.hear(2*reportDelay/speed)...)
				}
				heard = append(heard, e.hear(time.Duration(tt.hours*float64(time.Hour/speed)))...)
				if got := states(heard); !cmp.Equal(got, tt.want) {
					t.Errorf("got %s, want %s\n%s", got, tt.want, heard)
				}
			})
		})
	}
}

func TestTimersSwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // from midnight UTC on
		e := listen(t, "ac", thinqtest.Options{})
		e.control(`{"timer":{"relativeHourToStop":1,"relativeMinuteToStop":30}}`)
		heard := e.hear(100 * time.Minute)
		if want := `{"operation":{"airConOperationMode":"POWER_OFF"},"timer":{"absoluteStartTimer":"UNSET","relativeHourToStop":null,"relativeMinuteToStop":null,"relativeStopTimer":"UNSET"}}`; heard[len(heard)-1] != want {
			t.Errorf("switched off by %s", heard[len(heard)-1])
		}
		at := time.Now().Add(time.Hour)
		e.control(fmt.Sprintf(`{"timer":{"absoluteHourToStart":%d,"absoluteMinuteToStart":%d}}`, at.Hour(), at.Minute()))
		heard = e.hear(62 * time.Minute)
		if last := heard[len(heard)-1]; len(heard) != 2 || !strings.Contains(last, "POWER_ON") || !strings.Contains(last, `"absoluteStartTimer":"UNSET"`) {
			t.Errorf("switched on by %s", heard)
		}
	})
}

// TestReports looks at the layout of what is reported after a patch.
func TestReports(t *testing.T) {
	for _, tt := range []struct{ name, device, patch, want string }{
		{"whole resource", "ac", `{"airFlow":{"windStrength":"LOW"}}`, `{"airFlow":{"windStrength":"LOW"}}`},
		{"nothing changed", "ac", `{"airFlow":{"windStrength":"MID"}}`, ``},
		{"word outside the profile", "ac", `{"airFlow":{"windStrength":"LOW_MID"}}`, `{"airFlow":{"windStrength":"LOW_MID"}}`},
		{"resource outside the profile", "ac", `{"sleep":{"deep":true}}`, `{"sleep":{"deep":true}}`},
		{"null", "ac", `{"airFlow":{"windStrength":null}}`, `{"airFlow":{"windStrength":null}}`},
		{"sensor in both units", "ac", `{"temperature":{"currentTemperature":30}}`,
			`{"temperature":{"currentTemperature":30,"targetTemperature":19,"unit":"C"},"temperatureInUnits":[` +
				`{"currentTemperature":30,"targetTemperature":19,"unit":"C"},{"currentTemperature":86,"targetTemperature":66,"unit":"F"}]}`},
		{"located", "washer", `{"location":{"locationName":"MINI"},"runState":{"currentState":"SPINNING"}}`,
			`[{"location":{"locationName":"MINI"},"runState":{"currentState":"SPINNING"}}]`},
		{"located list", "washer", `[{"location":{"locationName":"MAIN"},"cycle":{"cycleCount":12}},{"location":{"locationName":"MINI"},"runState":{"currentState":"END"}}]`,
			`[{"cycle":{"cycleCount":12},"location":{"locationName":"MAIN"}},{"location":{"locationName":"MINI"},"runState":{"currentState":"END"}}]`},
		{"entry of a list", "fridge", `{"doorStatus":[{"locationName":"MAIN","doorState":"OPEN"}]}`, `{"doorStatus":[{"doorState":"OPEN","locationName":"MAIN"}]}`},
		{"one zone", "fridge", `{"temperatureInUnits":[{"locationName":"FREEZER","targetTemperatureC":-20}]}`,
			`{"temperatureInUnits":[{"locationName":"FREEZER","targetTemperatureC":-20,"targetTemperatureF":-4,"unit":"C"}]}`},
		{"half of a tower", "tower", `{"dryer":{"runState":{"currentState":"COOLING"}}}`, `{"dryer":{"runState":{"currentState":"COOLING"}}}`},
		{"oven", "oven", `{"temperature":{"targetTemperature":200}}`, `[{"location":{"locationName":"OVEN"},"temperature":{"targetTemperature":200,"unit":"C"}}]`},
		{"error", "washer", `{"location":{"locationName":"MAIN"},"error":"DOOR_OPEN_ERROR"}`, `[{"error":"DOOR_OPEN_ERROR","location":{"locationName":"MAIN"}}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := listen(t, tt.device, thinqtest.Options{})
				if err := e.s.Patch(tt.device, []byte(tt.patch)); err != nil {
					t.Fatal(err)
				}
				if got := strings.Join(e.hear(2*time.Second), "\n"); got != tt.want {
					t.Errorf("got %s\nwant %s", got, tt.want)
				}
			})
		})
	}
}

func TestErrorEndsWithAReportWithoutIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := listen(t, "washer", thinqtest.Options{})
		for _, step := range []struct{ patch, want string }{
			{`"error":"DOOR_OPEN_ERROR"`, `"error":"DOOR_OPEN_ERROR",`},
			{`"cycle":{"cycleCount":11}`, `"cycle":{"cycleCount":11},"error":"DOOR_OPEN_ERROR",`},
			{`"error":null`, ``},
		} {
			e.s.Patch("washer", []byte(`{"location":{"locationName":"MAIN"},`+step.patch+`}`))
			want := `[{` + step.want + `"location":{"locationName":"MAIN"}}]`
			if step.want == "" {
				want = `[{"location":{"locationName":"MAIN"},"runState":{"currentState":"INITIAL"}}]`
			}
			if got := strings.Join(e.hear(time.Second), "\n"); got != want {
				t.Errorf("after %s: %s", step.patch, got)
			}
		}
	})
}

// TestReportsKeepTheirOrder: what is patched while a report of a control call is
// on its way must not be overtaken by it.
func TestReportsKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := listen(t, "ac", thinqtest.Options{})
		e.control(`{"airFlow":{"windStrength":"LOW"}}`)
		e.s.Patch("ac", []byte(`{"airFlow":{"windStrength":"HIGH"}}`))
		want := []string{`{"airFlow":{"windStrength":"LOW"}}`, `{"airFlow":{"windStrength":"HIGH"}}`}
		if got := e.hear(time.Second); !cmp.Equal(got, want) {
			t.Errorf("got %s", got)
		}
	})
}

func TestComingBackReportsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := listen(t, "tower", thinqtest.Options{})
		e.s.SetOnline("tower", false)
		e.s.Patch("tower", []byte(`{"dryer":{"runState":{"currentState":"COOLING"}}}`))
		if got := e.hear(time.Minute); got != nil {
			t.Errorf("heard from an appliance without network: %s", got)
		}
		e.s.SetOnline("tower", true)
		d, _ := e.s.Device("tower")
		if got := e.hear(time.Second); len(got) != 1 || got[0] != string(d.State) {
			t.Errorf("got %s\nwant %s", got, d.State)
		}
	})
}

func TestLivelySensors(t *testing.T) {
	wander := func(seed uint64) (heard []string) {
		synctest.Test(t, func(t *testing.T) {
			e := listen(t, "ac", thinqtest.Options{Lively: true, Seed: seed})
			heard = e.hear(time.Hour)
		})
		return heard
	}
	first := wander(1)
	if len(first) < 5 || len(first) > 60 {
		t.Errorf("%d reports in an hour", len(first))
	}
	if again := wander(1); !cmp.Equal(first, again) {
		t.Error("the same seed gave another life")
	}
	if other := wander(2); cmp.Equal(first, other) {
		t.Error("another seed gave the same life")
	}
}

func TestLifecycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := listen(t, "ac", thinqtest.Options{})
		raw := func() string {
			select {
			case m := <-e.sub.messages:
				return m
			case <-time.After(time.Minute):
				return ""
			}
		}
		if e.s.Rename("ac", "Attic"); raw() != "" {
			t.Error("told without being asked")
		}
		e.must("POST", "/push/devices", "")
		e.s.Rename("ac", "Cellar")
		if got, want := raw(), `{"pushType":"DEVICE_ALIAS_CHANGED","deviceId":"ac","userNumber":"KR2401010000001","alias":"Cellar"}`; got != want {
			t.Errorf("got %s", got)
		}
		if err := e.s.Add(sampleFridge()); err != nil {
			t.Fatal(err)
		}
		if got, want := raw(), `{"pushType":"DEVICE_REGISTERED","serviceId":"5e7vice5imulated000000ab","deviceId":"fridge","userNumber":"KR2401010000001",`+
			`"deviceType":"DEVICE_REFRIGERATOR","modelName":"TEST","alias":"fridge"}`; got != want {
			t.Errorf("got %s", got)
		}
		if err := e.s.Add(sampleFridge()); err == nil {
			t.Error("a second appliance with the same id")
		}
		e.s.Remove("ac")
		if got, want := raw(), `{"pushType":"DEVICE_UNREGISTERED","serviceId":"5e7vice5imulated000000ab","deviceId":"ac","userNumber":"KR2401010000001",`+
			`"deviceType":"DEVICE_AIR_CONDITIONER","alias":"Cellar"}`; got != want {
			t.Errorf("got %s", got)
		}
		if list := string(e.must("GET", "/devices", "")); strings.Contains(list, "Cellar") || !strings.Contains(list, "fridge") {
			t.Errorf("list %s", list)
		}
		if got := string(e.must("GET", "/event", "")); got != "[]" {
			t.Errorf("still subscribed: %s", got)
		}
	})
}
