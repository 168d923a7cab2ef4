package discovery

import (
	"slices"
	"strings"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// An Event is one message of an event entity.
type Event struct {
	Key  string // event entity: "notification", "error", "cycle"
	Type string // event_type: "washing_is_complete"
	Code string // LG's word; empty where LG has none
}

// Payload is the JSON of the event topic.
func (e Event) Payload(at time.Time) []byte {
	dst := appendString([]byte(`{"event_type":`), e.Type)
	if e.Code != "" {
		dst = appendString(append(dst, `,"code":`...), e.Code)
	}
	dst = appendString(append(dst, `,"time":`...), stamp(at))
	return append(dst, '}')
}

// stamp is the form of times in payloads.
func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// errorResource is where LG's errors stand in a state, see [thinq.Path].
const errorResource = "error"

// noError are words that say that there is no error.
var noError = map[string]bool{"": true, "NO_ERROR": true, "NONE": true, "NORMAL": true, "UNSET": true, "NULL": true}

// A vocabulary is the codes of one kind that a half of an appliance may send.
type vocabulary struct {
	key   string // of the event entity
	mine  []string
	other []string // codes that only the other half of a tower has
}

func (v vocabulary) types() []string {
	types := make([]string, 0, len(v.mine))
	for _, code := range v.mine {
		if !slices.Contains(types, word(code)) {
			types = append(types, word(code))
		}
	}
	return types
}

// event is the event for a code. A type that is not announced is remembered, so
// that the device is described again before Home Assistant hears of it.
func (d *Device) event(v vocabulary, code string, into thinq.State) Event {
	e := Event{Key: v.key, Type: word(code), Code: code}
	if !slices.Contains(v.types(), e.Type) {
		into[derivedPath(d.Part, "", v.key+learntMark+code)] = true
	}
	return e
}

// learntMark stands between the kind of a code and a code that the profile does
// not list, in the name of the remembered value.
const learntMark = ":"

func learnt(p thinq.Path) bool { return strings.Contains(p.Name, learntMark) }

// vocabulary collects the codes of the profile and those learnt since.
func (b *builder) vocabulary(key string, codes []thinq.Code) vocabulary {
	v := vocabulary{key: key}
	for _, c := range codes {
		if c.Part == b.device.Part {
			v.mine = append(v.mine, c.Name)
		} else {
			v.other = append(v.other, c.Name)
		}
	}
	var since []string
	for p := range b.state {
		code, ok := strings.CutPrefix(p.Name, key+learntMark)
		if ok && p.Resource == derived && p.Part == b.device.Part {
			since = append(since, code)
		}
	}
	slices.Sort(since)
	v.mine = append(v.mine, since...)
	return v
}

// noticePath is where a notification stands in a change; it is never part of a
// state, because it is news and lasts no longer.
var noticePath = thinq.Path{Resource: "notification"}

// Notice is a notification code of LG as a change for [Device.Advance]. It must
// not be merged into a state. A half of a wash tower passes over codes that only
// the other half lists; a code that neither lists concerns both.
func Notice(code string) thinq.State { return thinq.State{noticePath: code} }

// lostPath is where a change says that the appliance is not connected any more.
var lostPath = thinq.Path{Resource: "connection"}

// Lost is a change for [Device.Advance]: LG says that the appliance is not
// connected any more. It must not be merged into a state.
func Lost() thinq.State { return thinq.State{lostPath: true} }

// notice is the code of a notification in a change that concerns the device,
// empty if there is none.
func (d *Device) notice(changed thinq.State) string {
	code, _ := changed[noticePath].(string)
	if !slices.Contains(d.notices.mine, code) && slices.Contains(d.notices.other, code) {
		return ""
	}
	return code
}

// noticed is the event for a notification.
func (d *Device) noticed(changed, into thinq.State) []Event {
	code := d.notice(changed)
	if code == "" {
		return nil
	}
	return []Event{d.event(d.notices, code, into)}
}

// events adds the entities of notifications and errors.
func (b *builder) events() {
	d := b.device
	d.notices = b.vocabulary("notification", b.profile.Notices)
	d.errors = b.vocabulary("error", b.profile.Errors)
	b.eventEntity(d.notices, Word{Name: "Notification", Icon: "mdi:message-badge-outline"})
	b.eventEntity(d.errors, Word{Name: "Error event", Icon: "mdi:alert-circle-outline"})
	if paths := b.errorPaths(); len(paths) > 0 {
		b.problem(paths)
	}
}

func (b *builder) eventEntity(v vocabulary, w Word) {
	if len(v.mine) == 0 {
		return
	}
	c := map[string]any{"event_types": v.types()}
	decorate(c, w, EventEntity)
	b.put(Entity{Key: v.key, Platform: EventEntity, Name: w.Name, Config: c})
}

// errorPaths are the places where the state may hold an error.
func (b *builder) errorPaths() []thinq.Path {
	var paths []thinq.Path
	add := func(p thinq.Path) {
		if p.Part == b.device.Part && p.Resource == errorResource && !slices.Contains(paths, p) {
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

// problem adds what can be asked whether something is wrong now, and what.
func (b *builder) problem(paths []thinq.Path) {
	code := func(s thinq.State) string {
		for _, p := range paths {
			if name, ok := s[p].(string); ok && !noError[name] {
				return name
			}
		}
		return "NO_ERROR"
	}
	b.put(Entity{
		Key: "problem", Platform: BinarySensor, Name: "Problem",
		Config:   map[string]any{"device_class": "problem", "payload_on": "True", "payload_off": "False"},
		Bindings: []Binding{{Attr: "problem", Codec: Codec{Show: showBool(func(s thinq.State) bool { return code(s) != "NO_ERROR" })}}},
	})
	c := map[string]any{"entity_category": diagnostic, "icon": "mdi:alert-circle-outline"}
	options := append([]string{"no_error"}, b.device.errors.types()...)
	if now := word(code(b.state)); !slices.Contains(options, now) {
		options = append(options, now)
	}
	c["device_class"], c["options"] = "enum", slices.Compact(options)
	b.put(Entity{
		Key: "error_code", Platform: Sensor, Name: "Error code", Config: c,
		Bindings: []Binding{{Attr: "error_code", Codec: Codec{Show: func(dst []byte, s thinq.State) []byte {
			return appendWord(dst, code(s))
		}}}},
	})
	for _, p := range paths {
		b.device.watch[p] = func(v any, _ thinq.State) bool {
			name, ok := v.(string)
			return ok && !noError[name] && !slices.Contains(options, word(name))
		}
		b.device.coverage = append(b.device.coverage, Coverage{Path: p, Attr: "error_code", Entity: "error_code"})
	}
}

// failures are the events for errors that have just come.
func (d *Device) failures(changed, into thinq.State) []Event {
	var events []Event
	for p, v := range changed {
		name, ok := v.(string)
		if p.Resource != errorResource || p.Part != d.Part || !ok || noError[name] {
			continue
		}
		events = append(events, d.event(d.errors, name, into))
	}
	slices.SortFunc(events, func(a, b Event) int { return strings.Compare(a.Code, b.Code) })
	return events
}
