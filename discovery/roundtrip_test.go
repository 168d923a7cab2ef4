package discovery

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// willing allows everything that needs the owner's leave.
func willing() Options {
	o := testOptions
	o.Settings = func(string, string) Settings {
		return Settings{RemoteStart: true, Allow: []string{"operation.selfTest"}}
	}
	return o
}

// TestRoundTrip sends, for every attribute of every sample, what Home Assistant
// would send, lets the appliance obey the control calls, and expects to see in
// the document what was sent.
func TestRoundTrip(t *testing.T) {
	for _, s := range samples(t) {
		allRoundTrips(t, s)
	}
}

func allRoundTrips(t *testing.T, s sample) {
	for _, d := range s.describe(willing()) {
		for _, e := range d.Entities {
			for _, b := range e.Bindings {
				if b.Codec.Take == nil {
					continue
				}
				t.Run(s.name+"/"+d.Part+b.Attr, func(t *testing.T) { roundTrip(t, s, d, e, b) })
			}
		}
	}
}

func roundTrip(t *testing.T, s sample, d *Device, e Entity, b Binding) {
	accepted := 0
	var last error
	payloads := payloadsOf(e, b)
	for _, payload := range payloads {
		now := maps.Clone(s.state)
		if b.Field != "" && d.power != nil {
			now[d.power.path] = d.power.on
		}
		for path := range now {
			if path.Key() == remoteFlag {
				now[path] = true
			}
		}
		calls, err := d.Wish(map[string]string{b.Attr: payload}, now)
		if err != nil {
			last = err
			continue // a word that can only be shown; one at least must be taken
		}
		accepted++
		for _, call := range calls {
			if Local(call) {
				now.Merge(call)
				continue
			}
			obey(t, s.profile, call, now)
		}
		if b.Codec.Show == nil || e.Platform == Vacuum { // a robot shows what it does, not what it was told
			continue
		}
		if len(calls) == 0 && e.Platform == Select && !b.Props[0].Readable { // off already
			continue
		}
		if got := documented(t, d, now, b.Attr); !same(got, payload) {
			t.Errorf("%s = %q shows %q after %v", b.Attr, payload, got, calls)
		}
	}
	if accepted == 0 && !mayRefuse(e, b) {
		t.Errorf("%s took none of %q: %v", b.Attr, payloads, last)
	}
}

// mayRefuse reports whether an attribute cannot be set in the state of its
// sample: set-points that the present mode does not have, and the target of a
// humidifier that takes none.
func mayRefuse(e Entity, b Binding) bool {
	return b.Field == "target_humidity" && !b.wakes || e.Platform == Climate && strings.HasPrefix(b.Field, "temperature")
}

// obey does what an appliance does with a control call, as a report.
func obey(t *testing.T, p *thinq.Profile, call, now thinq.State) {
	t.Helper()
	body, err := p.Encode(call)
	if err != nil {
		t.Fatalf("%v cannot be sent: %v", call, err)
	}
	report, err := p.Decode(body)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	for path, v := range maps.Clone(report) {
		if _, after, ok := strings.Cut(path.Name, "TargetTemperature"); ok && after == "" {
			path.Name = "targetTemperature"
			report[path] = v
		}
		if v == any("UNSET") {
			clearTimer(p, path, report)
		}
		if stem, _ := split(path.Name); now[beside(path, clearing(stem))] != nil {
			report[beside(path, clearing(stem))] = "SET"
		}
		if path.Resource == "operation" && (v == "POWER_ON" || v == "POWER_OFF") {
			path.Resource, path.Name = "runState", "currentState"
			if now[path] != nil {
				report[path] = map[any]string{"POWER_ON": "INITIAL", "POWER_OFF": "POWER_OFF"}[v]
			}
		}
	}
	now.Merge(report)
}

// beside is another property of the same resource.
func beside(p thinq.Path, name string) thinq.Path {
	p.Name = name
	return p
}

// clearTimer is what UNSET does to the times beside it.
func clearTimer(p *thinq.Profile, at thinq.Path, report thinq.State) {
	for _, q := range p.Properties {
		stem, _ := split(q.Path.Name)
		if q.Path.Resource == at.Resource && clearing(stem) == at.Name {
			report[q.Path] = 0.0
		}
	}
}

// payloadsOf is what Home Assistant, or a person, may send to an attribute.
func payloadsOf(e Entity, b Binding) []string {
	lists := map[string]string{
		"mode": "modes", "preset_mode": "preset_modes", "fan_mode": "fan_modes",
		"swing_mode": "swing_modes", "swing_horizontal_mode": "swing_horizontal_modes", "effect": "effect_list",
	}
	switch {
	case b.Field == "power":
		return []string{"ON", "OFF"}
	case e.Platform == Vacuum:
		return []string{"pause", "return_to_base"}
	case b.Field == "oscillation":
		return []string{"true", "false"}
	case b.Field == "brightness":
		return []string{"1", strconv.Itoa(e.Config["brightness_scale"].(int))}
	case e.Platform == Fan && b.Field == "percentage":
		return []string{"0", "1", strconv.Itoa(e.Config["speed_range_max"].(int))}
	case e.Config["payload_on"] != nil && b.Field == "":
		return []string{e.Config["payload_on"].(string), e.Config["payload_off"].(string)}
	case b.Field == "target_humidity":
		return numbers(e.Config["min_humidity"], e.Config["max_humidity"], 5.0)
	case e.Platform == WaterHeater && b.Field == "temperature":
		return numbers(e.Config["min_temp"], e.Config["max_temp"], 1.0)
	case lists[b.Field] != "":
		return slices.Clone(e.Config[lists[b.Field]].([]string))
	case strings.HasPrefix(b.Field, "temperature"):
		return numbers(e.Config["min_temp"], e.Config["max_temp"], e.Config["temp_step"])
	}
	switch e.Platform {
	case Select:
		return e.Config["options"].([]string)
	case Switch:
		return []string{e.Config["payload_on"].(string), e.Config["payload_off"].(string)}
	case Number:
		return numbers(e.Config["min"], e.Config["max"], e.Config["step"])
	case Button:
		return []string{"PRESS"}
	case TextEntity:
		return []string{"07:30", "23:05"}
	}
	return payloadsOfProperty(b.Props[0])
}

func payloadsOfProperty(p thinq.Property) []string {
	if isNumeric(p) {
		low, high := limitsOf(p, Word{})
		return numbers(low, high, stepOf(p))
	}
	return append(wordsOf(p.Write.Options), "true", "false")[:max(len(p.Write.Options), 2)]
}

func numbers(low, high, step any) []string {
	l, h, s := low.(float64), high.(float64), step.(float64)
	middle := l + math.Round((h-l)/2/s)*s
	return []string{fmt.Sprintf("%.1f", l), fmt.Sprint(h), fmt.Sprint(middle)}
}

// documented is a value of the document as a template of Home Assistant renders
// it.
func documented(t *testing.T, d *Device, s thinq.State, attr string) string {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal(d.Payload(s), &document); err != nil {
		t.Fatal(err)
	}
	v, ok := document[attr]
	if !ok {
		t.Fatalf("the document has no %s", attr)
	}
	return fmt.Sprint(v)
}

func same(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX == nil && errY == nil {
		return x-y < 1e-6 && y-x < 1e-6
	}
	return strings.EqualFold(a, b)
}
