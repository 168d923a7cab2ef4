package discovery

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// TestF077Accepted: whatever an appliance may report, Home Assistant takes every
// value that is published for it. It drops what its component does not list.
func TestF077Accepted(t *testing.T) {
	long(t)
	t.Parallel()
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) { allAccepted(t, s) })
	}
}

// long leaves out of a short run what tries everything, which in these pure
// functions shows no race.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("tries everything")
	}
}

// allAccepted gives every property of an appliance every value it may report,
// and shows it plainly and with labels.
func allAccepted(t *testing.T, s sample) {
	t.Helper()
	for _, o := range spoken() {
		devices := s.describe(o)
		read := newHome()
		read.accepts(t, devices, s.state)
		for _, p := range s.profile.Properties {
			if o.Labels && p.Type != thinq.Enum && p.Type != thinq.Bool {
				continue // has no words, and was seen without labels
			}
			for _, v := range mayReport(p) {
				now := maps.Clone(s.state)
				now[p.Path] = v
				read.accepts(t, follow(s, devices, now, thinq.State{p.Path: v}, o), now)
			}
		}
	}
}

// spoken are the options of the tests, plain and with labels in every language.
func spoken() []Options {
	all := []Options{testOptions}
	for _, code := range slices.Sorted(maps.Keys(languages)) {
		o := testOptions
		o.Language, o.Labels = code, true
		all = append(all, o)
	}
	return all
}

// TestAcceptedOverTime does the same with the pushes of every sample, one after
// another.
func TestAcceptedOverTime(t *testing.T) {
	for _, saved := range builtIn() {
		if saved.Pushes == nil {
			continue
		}
		s := load(t, saved)
		var pushes []json.RawMessage
		if err := json.Unmarshal(saved.Pushes, &pushes); err != nil {
			t.Fatal(err)
		}
		devices := s.describe(testOptions)
		for _, push := range pushes {
			e, err := thinq.ParseEvent(push)
			if err != nil || e.Kind != thinq.Report {
				continue
			}
			report, err := s.profile.Decode(e.Report)
			if err != nil {
				t.Errorf("%s: %v", s.name, err)
			}
			devices = follow(s, devices, s.state, s.state.Merge(report), testOptions)
			newHome().accepts(t, devices, s.state)
		}
	}
}

// follow describes an appliance again where a change asks for it, as the bridge
// does before it publishes.
func follow(s sample, devices []*Device, now, changed thinq.State, o Options) []*Device {
	anew := false
	for _, d := range devices {
		derived, _ := d.Advance(now, changed, noon)
		learnt := now.Merge(derived)
		anew = anew || d.Affected(now, changed) || d.Affected(now, learnt)
	}
	if anew {
		return Describe(s.device, s.profile, now, o)
	}
	return devices
}

// mayReport are values that can stand in a report: those of the profile, what
// LG says of things that are not set, and a word that it does not list.
func mayReport(p thinq.Property) []any {
	switch {
	case !p.Readable:
		return nil
	case p.Type == thinq.Enum:
		return append(slices.Clone(p.Read.Options), "NEVER_SEEN")
	case p.Type == thinq.Bool:
		return []any{true, false, "ON", "NEITHER"}
	case p.Read.Limited:
		return []any{p.Read.Min, p.Read.Max, 0.0, p.Read.Min - 1, p.Read.Max + 1}
	case isNumeric(p):
		return []any{0.0, 21.0, 55.5}
	}
	return []any{"Text of its own", strings.Repeat("long ", 60)}
}

// A home has the announcements that it has read, and the last document of each
// device. Where reports may be odd, a word of a list may be too long for it.
type home struct {
	odd        bool
	components map[*Device]map[string]component
	documents  map[*Device][]byte
}

func newHome() home {
	return home{components: map[*Device]map[string]component{}, documents: map[*Device][]byte{}}
}

func (h home) read(t *testing.T, d *Device) map[string]component {
	t.Helper()
	if h.components[d] == nil {
		var message struct{ Components map[string]component }
		if err := json.Unmarshal(d.Announcement(), &message); err != nil {
			t.Fatal(err)
		}
		h.components[d] = message.Components
	}
	return h.components[d]
}

// accepts checks every value of the documents of a state.
func (h home) accepts(t *testing.T, devices []*Device, s thinq.State) {
	t.Helper()
	for _, d := range devices {
		payload := d.Payload(s)
		if bytes.Equal(payload, h.documents[d]) {
			continue // nothing new to read
		}
		h.documents[d] = payload
		var document map[string]any
		if err := json.Unmarshal(payload, &document); err != nil {
			t.Fatal(err)
		}
		for key, c := range h.read(t, d) {
			for field, form := range c.rendered(t, d, document) {
				forgiven := h.odd && utf8.RuneCountInString(form) > 255 // a word of a list
				if form != "None" && !forgiven && !c.accepts(field, form) {
					t.Errorf("%s %s drops %s %q: %v", c["platform"], key, field, form, c)
				}
			}
		}
	}
}

// A component is one entity as Home Assistant reads it.
type component map[string]any

// topicOf is the key of the topic that a template reads: state_topic for
// value_template, mode_state_topic for mode_state_template.
func (c component) topicOf(template string) any {
	stem := strings.TrimSuffix(template, "template")
	for _, key := range []string{stem, strings.Replace(stem, "value_", "state_", 1), strings.Replace(stem, "value_", "", 1)} {
		if topic := c[key+"topic"]; topic != nil {
			return topic
		}
	}
	return nil
}

var plainTemplate = regexp.MustCompile(`^\{\{ value_json\.(\w+)( or '')? \}\}$`)

// rendered are the values of all templates on the state document.
func (c component) rendered(t *testing.T, d *Device, document map[string]any) map[string]string {
	t.Helper()
	forms := map[string]string{}
	for field, text := range c {
		if !strings.HasSuffix(field, "template") {
			continue
		}
		if field == "json_attributes_template" {
			c.checkAttributes(t, d, document)
			continue
		}
		if field == "command_template" {
			continue // see TestLabels
		}
		found, cut := unsifted(text.(string))
		labels := map[string]string(nil)
		if found == nil {
			found, labels = readLabels(text.(string))
		}
		if found == nil {
			t.Errorf("%s %s is not plain", field, text)
			continue
		}
		topic := c.topicOf(field)
		if topic != d.topics.State(d.Slug) {
			if topic == nil {
				t.Errorf("%s of %v reads no topic", field, c)
			}
			continue
		}
		v, ok := document[found[1]]
		if !ok {
			t.Errorf("the document has no %s", found[1])
		}
		forms[field] = cut(render(v, found[2] != ""))
		if text, ok := labels[forms[field]]; ok {
			forms[field] = text
		}
	}
	return forms
}

var (
	pairTemplate = regexp.MustCompile(`^\{\{ value_json\.(\w+) if \(value_json\.\w+ \| string\) in \["(.*)", "(.*)"\] else None \}\}$`)
	longTemplate = regexp.MustCompile(`^\{\{ \(value_json\.(\w+)( or ''| \| string)\)\[:255\] \}\}$`)
)

// unsifted takes a template apart: the key it reads, and what it makes of the
// value.
func unsifted(text string) (found []string, cut func(string) string) {
	same := func(form string) string { return form }
	if found := pairTemplate.FindStringSubmatch(text); found != nil {
		return []string{text, found[1], ""}, func(form string) string {
			if form == found[2] || form == found[3] {
				return form
			}
			return "None"
		}
	}
	if found := longTemplate.FindStringSubmatch(text); found != nil {
		return []string{text, found[1], strings.TrimSuffix(found[2], " | string")}, func(form string) string {
			return string([]rune(form)[:min(maxState, utf8.RuneCountInString(form))])
		}
	}
	return plainTemplate.FindStringSubmatch(text), same
}

var attributesTemplate = regexp.MustCompile(`^\{\{ \{('\w+': value_json\.\w+(?:, )?)+\} \| tojson \}\}$`)

// checkAttributes: the attributes beside a state are those of the document.
func (c component) checkAttributes(t *testing.T, d *Device, document map[string]any) {
	t.Helper()
	text, _ := c["json_attributes_template"].(string)
	if !attributesTemplate.MatchString(text) || c["json_attributes_topic"] != d.topics.State(d.Slug) {
		t.Errorf("%s of %v", text, c["json_attributes_topic"])
	}
	for _, found := range regexp.MustCompile(`value_json\.(\w+)`).FindAllStringSubmatch(text, -1) {
		if _, ok := document[found[1]]; !ok {
			t.Errorf("the document has no %s", found[1])
		}
	}
}

// render is a JSON value as Jinja prints it.
func render(v any, orEmpty bool) string {
	switch v := v.(type) {
	case nil:
		if orEmpty {
			return ""
		}
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	}
	return fmt.Sprint(v)
}

func (c component) accepts(field, form string) bool {
	check, known := rules[fmt.Sprint(c["platform"], ".", field)]
	return known && check(c, form)
}

type rule func(c component, form string) bool

// shownOrSent: the words of a switch, where it shows others than it is sent.
func shownOrSent(c component, form string) bool {
	if c["state_on"] != nil {
		return oneOf("state_on", "state_off")(c, form)
	}
	return oneOf("payload_on", "payload_off")(c, form)
}

// rules say what Home Assistant takes, by platform and template.
var rules = map[string]rule{
	"binary_sensor.value_template": oneOf("payload_on", "payload_off"),
	"switch.value_template":        shownOrSent,
	"select.value_template":        oneOf("options"),
	"number.value_template":        between("min", "max"),
	"sensor.value_template":        sensorValue,
	"text.value_template":          textValue,

	"climate.mode_state_template":                  oneOf("modes"),
	"climate.fan_mode_state_template":              oneOf("fan_modes"),
	"climate.swing_mode_state_template":            oneOf("swing_modes"),
	"climate.swing_horizontal_mode_state_template": oneOf("swing_horizontal_modes"),
	"climate.preset_mode_value_template": func(c component, form string) bool {
		return form == "none" || oneOf("preset_modes")(c, form)
	},
	"climate.temperature_state_template":      numeric,
	"climate.temperature_low_state_template":  numeric,
	"climate.temperature_high_state_template": numeric,
	"climate.current_temperature_template":    numeric,
	"climate.current_humidity_template":       numeric,

	"water_heater.mode_state_template":          oneOf("modes"),
	"water_heater.temperature_state_template":   numeric,
	"water_heater.current_temperature_template": numeric,

	"fan.state_value_template":       oneOf("payload_on", "payload_off"),
	"fan.percentage_value_template":  fanSpeed,
	"fan.preset_mode_value_template": oneOf("preset_modes"),
	"fan.oscillation_value_template": oneOf("payload_oscillation_on", "payload_oscillation_off"),

	"light.state_value_template": oneOf("payload_on", "payload_off"),
	"light.brightness_value_template": func(c component, form string) bool {
		f, err := strconv.ParseFloat(form, 64)
		return err == nil && f >= 1 && f <= c["brightness_scale"].(float64)
	},
	"light.effect_value_template": oneOf("effect_list"),

	"humidifier.state_value_template":           oneOf("payload_on", "payload_off"),
	"humidifier.target_humidity_state_template": between("min_humidity", "max_humidity"),
	"humidifier.mode_state_template":            oneOf("modes"),
	"humidifier.current_humidity_template":      numeric,
	"humidifier.action_template": func(_ component, form string) bool {
		return slices.Contains([]string{"off", "humidifying", "drying", "idle"}, form)
	},
}

// oneOf takes the words that stand under some keys, alone or in a list.
func oneOf(keys ...string) rule {
	return func(c component, form string) bool {
		return slices.ContainsFunc(keys, func(key string) bool {
			list, _ := c[key].([]any)
			return c[key] == any(form) || slices.Contains(list, any(form))
		})
	}
}

// between takes the numbers within two limits.
func between(low, high string) rule {
	return func(c component, form string) bool {
		f, err := strconv.ParseFloat(form, 64)
		return err == nil && f >= c[low].(float64) && f <= c[high].(float64)
	}
}

func numeric(_ component, form string) bool {
	_, err := strconv.ParseFloat(form, 64)
	return err == nil
}

func fanSpeed(c component, form string) bool {
	f, err := strconv.ParseFloat(form, 64)
	return err == nil && f >= c["speed_range_min"].(float64)-1 && f <= c["speed_range_max"].(float64)
}

func sensorValue(c component, form string) bool {
	switch {
	case c["device_class"] == "enum":
		return oneOf("options")(c, form)
	case c["device_class"] == "timestamp":
		_, err := time.Parse(time.RFC3339, form)
		return err == nil
	case c["device_class"] == "date":
		_, err := time.Parse(time.DateOnly, form)
		return err == nil
	case c["device_class"] != nil, c["unit_of_measurement"] != nil, c["state_class"] != nil, c["suggested_display_precision"] != nil:
		return numeric(c, form)
	}
	return utf8.RuneCountInString(form) <= 255
}

func textValue(c component, form string) bool {
	if low, ok := c["min"].(float64); ok && float64(len(form)) < low {
		return false
	}
	if high, ok := c["max"].(float64); ok && float64(len(form)) > high {
		return false
	}
	pattern, _ := c["pattern"].(string)
	return regexp.MustCompile(pattern).MatchString(form)
}
