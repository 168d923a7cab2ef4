package discovery

import (
	"encoding/json"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// object is JSON that a test writes down.
type object = map[string]any

// oneWord describes an enumeration; mode is r, w or rw.
func oneWord(mode string, options ...any) object { return descriptor("enum", mode, options) }

// yesNo describes a boolean.
func yesNo(mode string) object { return descriptor("boolean", mode, []any{true, false}) }

// numeral describes a number without limits.
func numeral(mode string) object { return object{"type": "number", "mode": letters(mode)} }

// ranging describes a range.
func ranging(mode string, low, high, step any) object {
	return descriptor("range", mode, object{"min": low, "max": high, "step": step})
}

func descriptor(kind, mode string, value any) object {
	values := object{}
	for _, letter := range mode {
		values[string(letter)] = value
	}
	return object{"type": kind, "mode": letters(mode), "value": values}
}

func letters(mode string) []string {
	var all []string
	for _, letter := range mode {
		all = append(all, string(letter))
	}
	return all
}

// An invented appliance is described in a unit.
type invented struct {
	sample
	unit     string
	estimate bool
}

func (s invented) seen(t *testing.T) *Device {
	t.Helper()
	o := testOptions
	o.Unit, o.EstimateAction = s.unit, s.estimate
	return s.describe(o)[0]
}

// made is an appliance that a test invents, with what the bridge would remember
// of it by now.
func made(t *testing.T, kind string, properties, status object) invented {
	t.Helper()
	profile, err := json.Marshal(object{"property": properties})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	_, s := described(t, kind, string(profile), string(text))
	return invented{sample: s, unit: "auto"}
}

// report changes the state as a report of the appliance would.
func (s invented) report(t *testing.T, report object) (changed thinq.State) {
	t.Helper()
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	told, err := s.profile.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	changed = s.state.Merge(told)
	s.advance(t, changed)
	return changed
}

// announced are the components of the first device, as Home Assistant reads them.
func (s invented) announced(t *testing.T) map[string]component {
	t.Helper()
	return announced(t, s.seen(t))
}

// document is the state document of the first device.
func (s invented) document(t *testing.T) object {
	t.Helper()
	var document object
	if err := json.Unmarshal(s.seen(t).Payload(s.state), &document); err != nil {
		t.Fatal(err)
	}
	return document
}

// sent are the control calls of a wish as LG gets them; of a refused one the
// message.
func (s invented) sent(t *testing.T, attrs map[string]string) []string {
	t.Helper()
	calls, err := s.seen(t).Wish(attrs, s.state)
	if err != nil {
		return []string{err.Error()}
	}
	var all []string
	for _, call := range calls {
		body, err := s.profile.Encode(call)
		if err != nil {
			t.Fatalf("%v: %v", call, err)
		}
		all = append(all, string(body))
	}
	return all
}
