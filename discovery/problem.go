package discovery

import (
	"slices"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// errorResource is where LG's errors stand in a state, see [thinq.Path].
const errorResource = "error"

// noError are words that say that there is no error.
var noError = map[string]bool{
	"": true, "0": true, "NO_ERROR": true, "NONE": true, "NORMAL": true, "UNSET": true, "NULL": true, "OK": true, "FALSE": true,
}

// Words of a run state and of an error that nobody names.
const (
	errorState  = "ERROR"
	nothingIsUp = "NO_ERROR"
)

// errorOf is the error that a value of a state names, empty if it names none.
func errorOf(v any) string {
	code := ""
	switch v := v.(type) {
	case string:
		code = tidy(v)
	case float64:
		code = string(appendNumber(nil, v))
	case bool:
		code = map[bool]string{true: errorState}[v]
	}
	if noError[strings.ToUpper(code)] {
		return ""
	}
	return code
}

// A plight is what of a state says that something is wrong.
type plight struct {
	half   *vocabulary
	part   string
	errors []thinq.Path // where errors stand
	states []thinq.Path // run states that may be ERROR
}

// at is the error at a path, empty if there is none of this half.
func (p plight) at(path thinq.Path, s thinq.State) string {
	code := errorOf(s[path])
	if path.Part != p.part && !p.half.concerns(code) {
		return ""
	}
	return code
}

// code is the first of the errors, empty if there is none.
func (p plight) code(s thinq.State) string {
	for _, path := range p.errors {
		if code := p.at(path, s); code != "" {
			return code
		}
	}
	return ""
}

// has reports whether an error is among those of a state.
func (p plight) has(s thinq.State, code string) bool {
	return slices.ContainsFunc(p.errors, func(path thinq.Path) bool { return p.at(path, s) == code })
}

// isBad reports whether something is wrong.
func (p plight) isBad(s thinq.State) bool {
	return p.code(s) != "" || slices.ContainsFunc(p.states, func(path thinq.Path) bool { return s[path] == any(errorState) })
}

// showCode shows the error; unknown where the appliance says that there is one
// and not which.
func (p plight) showCode(dst []byte, s thinq.State) []byte {
	code := p.code(s)
	switch {
	case code != "":
		return appendWord(dst, code)
	case p.isBad(s):
		return append(dst, "null"...)
	}
	return appendWord(dst, nothingIsUp)
}

func (p plight) showSeverity(dst []byte, s thinq.State) []byte {
	code := p.code(s)
	for _, severity := range severities {
		if code != "" && matches(severity.codes, code) {
			return appendString(dst, severity.name)
		}
	}
	if p.isBad(s) {
		return appendString(dst, worstKnown)
	}
	return append(dst, "null"...)
}

// problems adds what can be asked whether something is wrong now, and what: of
// errors, or where LG names none of run states.
func (b *builder) problems() {
	d := b.device
	d.plight = plight{half: &d.errors, part: d.Part, errors: b.errorPaths(), states: b.errorStates()}
	if len(d.plight.errors)+len(d.plight.states) == 0 {
		return
	}
	e := Entity{
		Key: "problem", Platform: BinarySensor, Name: "Problem",
		Config:   map[string]any{"device_class": "problem", "payload_on": "True", "payload_off": "False"},
		Bindings: []Binding{{Attr: "problem", Codec: Codec{Show: showBool(d.plight.isBad)}}},
	}
	if len(d.plight.errors) > 0 {
		e.Attributes = []Attribute{{"code", "error_code"}, {"severity", "error_severity"}}
		b.errorCode(d.plight)
		b.silent(Binding{Attr: "error_severity", Codec: Codec{Show: d.plight.showSeverity}})
	}
	b.put(e)
}

// errorCode adds the word of the error, whose list grows with what is seen.
func (b *builder) errorCode(p plight) {
	options := append([]string{word(nothingIsUp)}, b.device.errors.types()...)
	if now := word(p.code(b.state)); now != "" && !slices.Contains(options, now) {
		options = append(options, now)
	}
	b.put(Entity{
		Key: "error_code", Platform: Sensor, Name: "Error code",
		Config: map[string]any{
			"entity_category": diagnostic, "icon": "mdi:alert-circle-outline",
			"device_class": "enum", "options": slices.Compact(options),
		},
		Bindings: []Binding{{Attr: "error_code", Codec: Codec{Show: p.showCode}}},
	})
	for _, path := range p.errors {
		b.device.watch[path] = func(_ any, now thinq.State) bool {
			code := p.at(path, now)
			return code != "" && !slices.Contains(options, word(code))
		}
		if path.Part == p.part {
			b.device.coverage = append(b.device.coverage, Coverage{Path: path, Attr: "error_code", Entity: "error_code"})
		}
	}
}

// errorPaths are the places where the state may hold an error. A tower may name
// one without saying of which half.
func (b *builder) errorPaths() []thinq.Path {
	var paths []thinq.Path
	add := func(p thinq.Path) {
		if p.Resource == errorResource && (p.Part == b.device.Part || p.Part == "") && !slices.Contains(paths, p) {
			paths = append(paths, p)
		}
	}
	if len(b.device.errors.mine) > 0 {
		add(thinq.Path{Part: b.device.Part, Resource: errorResource})
		for _, v := range b.values {
			add(thinq.Path{Part: b.device.Part, Resource: errorResource, Location: v.Path.Location})
		}
	}
	for _, p := range b.profile.Properties {
		add(p.Path)
	}
	for p := range b.state {
		add(p)
	}
	slices.SortFunc(paths, thinq.Path.Compare)
	return paths
}

// errorStates are the run states that may be ERROR and that no row shows as a
// problem already.
func (b *builder) errorStates() []thinq.Path {
	var paths []thinq.Path
	for _, v := range b.values {
		if v.Path.Name == "currentState" && v.Readable && v.row.Platform != BinarySensor && slices.Contains(b.wordsShown(v), errorState) {
			paths = append(paths, v.Path)
		}
	}
	return paths
}

// failures are the events for errors that have just come.
func (d *Device) failures(changed, into thinq.State) []Event {
	var events []Event
	for p, v := range changed {
		code := errorOf(v)
		if p.Resource != errorResource || code == "" || p.Part != d.Part && (p.Part != "" || !d.errors.concerns(code)) {
			continue
		}
		events = append(events, d.event(d.errors, code, into))
	}
	slices.SortFunc(events, func(a, b Event) int { return strings.Compare(a.Code, b.Code) })
	return events
}

// ErrorDoubted reports whether an error may be over, of which a report says nothing
// that tells how the appliance runs.
func ErrorDoubted(now, report thinq.State) bool {
	for p, v := range now {
		if _, said := report[p]; p.Resource != errorResource || errorOf(v) == "" || said {
			continue
		}
		for q, word := range report {
			if q.Name == "currentState" && q.Part == p.Part && (q.Location == p.Location || p.Location == "") && word != any(errorState) {
				return true
			}
		}
	}
	return false
}

// Unsaid adds to a whole state, as a read answers it, what it says by leaving it
// out: that an error is over. A report that does not mention it says nothing.
func Unsaid(now, read thinq.State) {
	for p, v := range now {
		if _, said := read[p]; p.Resource == errorResource && v != nil && !said {
			read[p] = nil
		}
	}
}
