package discovery

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A kitchen is one appliance as the bridge holds it.
type kitchen struct {
	*testing.T
	sample
	devices []*Device
	options Options
}

// kitchenOf is a sample whose state is changed before anything happens.
func kitchenOf(t *testing.T, name string, o Options, now map[string]any) *kitchen {
	t.Helper()
	k := &kitchen{T: t, sample: sampleNamed(t, name), options: o}
	k.state = at(t, k.state, now)
	k.devices = Describe(k.device, k.profile, k.state, o)
	k.learn(maps.Clone(k.state))
	return k
}

// learn is what the bridge does with a change.
func (k *kitchen) learn(changed thinq.State) {
	anew := false
	for _, d := range k.devices {
		derived, _ := d.Advance(k.state, changed, noon)
		learnt := k.state.Merge(derived)
		anew = anew || d.Affected(k.state, changed) || d.Affected(k.state, learnt)
	}
	if anew {
		k.devices = Describe(k.device, k.profile, k.state, k.options)
	}
}

// report is what the appliance says, in LG's form.
func (k *kitchen) report(text string) {
	k.Helper()
	report, err := k.profile.Decode([]byte(text))
	if err != nil {
		k.Fatal(err)
	}
	k.learn(k.state.Merge(report))
}

// set sends attributes, as "name=value name=value", and returns what reaches LG.
func (k *kitchen) set(wish string) string {
	k.Helper()
	attrs := map[string]string{}
	for _, pair := range strings.Fields(wish) {
		name, value, _ := strings.Cut(pair, "=")
		attrs[name] = value
	}
	calls, err := k.devices[0].Wish(attrs, k.state)
	if r, ok := errors.AsType[*Rejection](err); ok {
		return "rejected: " + r.Reason + " " + fmt.Sprint(r.Allowed)
	}
	var sent []thinq.State
	for _, call := range calls {
		if Local(call) {
			k.learn(k.state.Merge(call))
		} else {
			sent = append(sent, call)
		}
	}
	return strings.Join(bodies(k.T, k.sample, sent), "\n")
}

// shows reads keys of the state document, "name=value name=value".
func (k *kitchen) shows(keys ...string) string {
	k.Helper()
	var all []string
	for _, key := range keys {
		all = append(all, key+"="+documented(k.T, k.devices[0], k.state, key))
	}
	return strings.Join(all, " ")
}

const (
	upperState = "runState.currentState@UPPER"
	upper      = `[{"location":{"locationName":"UPPER"},`
	upperCall  = `"location":{"locationName":"UPPER"},"operation":{"ovenOperationMode":"START"}`
)

// TestStage goes through the life of staged values: what is sent, and what shows
// before and after.
func TestStage(t *testing.T) {
	type step struct{ set, report, want, shows string }
	keys := []string{"upper_cook_mode", "upper_target_temperature", "upper_target"}
	idle := map[string]any{upperState: "INITIAL"}
	tests := []struct {
		name  string
		now   map[string]any
		steps []step
	}{
		{"nothing is sent until the start", idle, []step{
			{set: "upper_cook_mode=roast", shows: "upper_cook_mode=roast upper_target_temperature=180 upper_target=45"},
			{set: "upper_target_temperature=201", shows: "upper_cook_mode=roast upper_target_temperature=200 upper_target=45"},
			{set: "upper_target=90", shows: "upper_cook_mode=roast upper_target_temperature=200 upper_target=90"},
			{set: "upper_start=PRESS", want: `{"cook":{"cookMode":"ROAST"},` + upperCall + `,"temperature":{"targetTemperature":200,"unit":"C"},"timer":{"targetHour":1,"targetMinute":30}}`,
				shows: "upper_cook_mode=roast upper_target_temperature=200 upper_target=90"},
			{report: upper + `"runState":{"currentState":"PREHEATING"},"cook":{"cookMode":"ROAST"}}]`,
				shows: "upper_cook_mode=roast upper_target_temperature=180 upper_target=45"},
		}},
		{"everything in one message", idle, []step{
			{set: "upper_cook_mode=convection_bake upper_oven_operation_mode=start upper_target_temperature=90 upper_target=0",
				want: `{"cook":{"cookMode":"CONVECTION_BAKE"},` + upperCall + `,"temperature":{"targetTemperature":90,"unit":"C"},"timer":{"targetHour":0,"targetMinute":0}}`},
		}},
		{"what is not staged is as reported", idle, []step{
			{set: "upper_start=PRESS", want: `{"cook":{"cookMode":"BAKE"},` + upperCall + `,"temperature":{"targetTemperature":180,"unit":"C"},"timer":{"targetHour":0,"targetMinute":45}}`},
		}},
		{"what is reported and cannot be set stays out", map[string]any{
			upperState: "INITIAL", "cook.cookMode@UPPER": "BROIL", "temperature.targetTemperature@UPPER#C": 40.0, "timer.targetMinute@UPPER": 0.0}, []step{
			{set: "upper_start=PRESS", want: `{` + upperCall + `}`},
		}},
		{"a pause ends without a new plan", map[string]any{upperState: "PAUSED"}, []step{
			{set: "upper_start=PRESS", want: `{` + upperCall + `}`},
		}},
		{"stop is a single word", idle, []step{
			{set: "upper_cook_mode=roast"},
			{set: "upper_stop=PRESS", want: `{"location":{"locationName":"UPPER"},"operation":{"ovenOperationMode":"STOP"}}`,
				shows: "upper_cook_mode=roast upper_target_temperature=180 upper_target=45"},
		}},
		{"a start at the oven forgets", idle, []step{
			{set: "upper_cook_mode=roast"},
			{report: upper + `"runState":{"currentState":"PREHEATING"}}]`, shows: "upper_cook_mode=bake upper_target_temperature=180 upper_target=45"},
		}},
		{"the course of a programme does not", map[string]any{upperState: "PREHEATING"}, []step{
			{set: "upper_target_temperature=200"},
			{report: upper + `"runState":{"currentState":"PREHEATING_IS_DONE"}}]`},
			{report: upper + `"runState":{"currentState":"COOKING_IN_PROGRESS"}}]`},
			{report: upper + `"runState":{"currentState":"DONE"}}]`, shows: "upper_cook_mode=bake upper_target_temperature=200 upper_target=45"},
		}},
		{"back to what is reported is nothing staged", idle, []step{
			{set: "upper_cook_mode=roast"},
			{set: "upper_cook_mode=bake"},
			{report: upper + `"cook":{"cookMode":"BROIL"}}]`, shows: "upper_cook_mode=broil upper_target_temperature=180 upper_target=45"},
		}},
		{"what LG would refuse is refused at once", idle, []step{
			{set: "upper_cook_mode=broil", want: "rejected: invalid_value [bake roast convection_bake]"},
			{set: "upper_target_temperature=280", want: "rejected: out_of_range {80 275 5}"},
			{set: "upper_target=800", want: "rejected: out_of_range {0 719 1}"},
		}},
		{"the other unit has limits of its own", idle, []step{
			{set: "upper_target_temperature=200"},
			{report: upper + `"temperature":{"targetTemperature":350,"unit":"F"}}]`, shows: "upper_cook_mode=bake upper_target_temperature=350 upper_target=45"},
			{report: upper + `"temperature":{"targetTemperature":375}}]`, shows: "upper_cook_mode=bake upper_target_temperature=375 upper_target=45"},
			{set: "upper_target_temperature=412"},
			{set: "upper_start=PRESS", want: `{"cook":{"cookMode":"BAKE"},` + upperCall + `,"temperature":{"targetTemperature":410,"unit":"F"},"timer":{"targetHour":0,"targetMinute":45}}`},
		}},
		{"the kitchen timer is no heat", idle, []step{
			{set: "upper_cook_mode=roast"},
			{set: "upper_timer=5", want: `{"location":{"locationName":"UPPER"},"timer":{"timerHour":0,"timerMinute":5}}`},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := kitchenOf(t, "oven_double", willing(), test.now)
			for _, step := range test.steps {
				if step.report != "" {
					k.report(step.report)
				} else if diff := cmp.Diff(step.want, k.set(step.set)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", step.set, diff)
				}
				if got := k.shows(keys...); step.shows != "" && got != step.shows {
					t.Errorf("after %s%s: %s, want %s", step.set, step.report, got, step.shows)
				}
			}
		})
	}
}

// TestStagedIsNotReported: the appliance's own word stands beside it.
func TestStagedIsNotReported(t *testing.T) {
	k := kitchenOf(t, "oven_double", testOptions, map[string]any{upperState: "INITIAL"})
	k.set("upper_cook_mode=roast upper_target_temperature=200 upper_target=60") // no leave is needed
	want := "upper_reported_cook_mode=bake upper_reported_target_temperature=180 upper_reported_target=45 upper_cook_mode=roast"
	if got := k.shows("upper_reported_cook_mode", "upper_reported_target_temperature", "upper_reported_target", "upper_cook_mode"); got != want {
		t.Errorf("shows %s, want %s", got, want)
	}
	if got := k.set("upper_start=PRESS"); !strings.HasPrefix(got, "rejected: remote_start") {
		t.Errorf("a start without leave: %s", got)
	}
}

// TestStageSurvives: what is staged is a part of the stored state.
func TestStageSurvives(t *testing.T) {
	k := kitchenOf(t, "washcombo_upper", willing(), map[string]any{"runState.currentState@MAIN": "INITIAL"})
	k.set("washer_mode=dry")
	text := map[string]any{}
	for path, v := range k.state {
		text[path.String()] = v
	}
	again := kitchenOf(t, "washcombo_upper", willing(), text)
	again.report(`[{"location":{"locationName":"MAIN"},"cycle":{"cycleCount":58}}]`)
	if got := again.shows("washer_mode", "reported_washer_mode"); got != "washer_mode=dry reported_washer_mode=wash_and_dry" {
		t.Errorf("shows %s", got)
	}
	want := `{"location":{"locationName":"MAIN"},"mode":{"washerMode":"DRY"},"operation":{"washerOperationMode":"START"}}`
	if got := again.set("start=PRESS"); got != want {
		t.Errorf("sends %s, want %s", got, want)
	}
}

// TestStageNeedsStart: without a start from afar the values can only be read.
func TestStageNeedsStart(t *testing.T) {
	s := sampleNamed(t, "oven_double")
	for i, p := range s.profile.Properties {
		if p.Path.Name == "ovenOperationMode" {
			s.profile.Properties[i].Write.Options = []any{"STOP"}
		}
	}
	d := s.describe(willing())[0]
	for _, e := range d.Entities {
		switch e.Key {
		case "upper_cook_mode", "upper_target_temperature", "upper_target":
			if e.Platform != Sensor || e.Bindings[0].Codec.Take != nil {
				t.Errorf("%s is a %s that can be set", e.Key, e.Platform)
			}
		case "upper_reported_cook_mode":
			t.Errorf("%s beside the same value", e.Key)
		}
	}
}

// TestZone: more heat is for a zone that cooks already.
func TestZone(t *testing.T) {
	const call = `{"location":{"locationName":"LEFT_REAR"},"power":{"powerLevel":%s},"timer":{"remainHour":%s,"remainMinute":%s}}`
	body := func(level, hour, minute string) string { return fmt.Sprintf(call, level, hour, minute) }
	const state, remote = "cookingZone.currentState@LEFT_REAR", "remoteControlEnable.remoteControlEnabled@LEFT_REAR"
	tests := []struct {
		name    string
		now     map[string]any
		options Options
		set     string
		want    string
	}{
		{"up", nil, willing(), "left_rear_power_level=6", body("6", "1", "5")},
		{"up without leave", nil, testOptions, "left_rear_power_level=6", "rejected: remote_start <nil>"},
		{"down without leave", nil, testOptions, "left_rear_power_level=1", body("1", "1", "5")},
		{"off", map[string]any{remote: false}, testOptions, "left_rear_power_level=0", body("0", "1", "5")},
		{"up in a pause", map[string]any{state: "PAUSE"}, willing(), "left_rear_power_level=6", "rejected: wrong_state <nil>"},
		{"lit from afar", map[string]any{state: "INITIAL", "power.powerLevel@LEFT_REAR": 0.0}, willing(), "left_rear_power_level=1", "rejected: wrong_state <nil>"},
		{"up while remote control is off", map[string]any{remote: false}, willing(), "left_rear_power_level=6", "rejected: remote_off <nil>"},
		{"longer", nil, willing(), "left_rear_remain=70", body("4", "1", "10")},
		{"longer without leave", nil, testOptions, "left_rear_remain=70", "rejected: remote_start <nil>"},
		{"shorter by more minutes and no hour", nil, testOptions, "left_rear_remain=50", body("4", "0", "50")},
		{"one part of the time", nil, testOptions, "left_rear_remain_minute=2", body("4", "1", "2")},
		{"unknown companions are 0", map[string]any{"timer.remainHour@LEFT_REAR": nil, "timer.remainMinute@LEFT_REAR": nil}, testOptions,
			"left_rear_power_level=2", body("2", "0", "0")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := kitchenOf(t, "cooktop_induction", test.options, test.now)
			if got := k.set(test.set); got != test.want {
				t.Errorf("%s: %s, want %s", test.set, got, test.want)
			}
		})
	}
}
