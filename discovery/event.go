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

// concerns reports whether a code that says nothing about the half it comes from
// is for this one: not if only the other half lists it.
func (v vocabulary) concerns(code string) bool {
	return slices.Contains(v.mine, code) || !slices.Contains(v.other, code)
}

// maxCodes is how many codes of a kind are announced, whatever an appliance sends.
const maxCodes = 500

// tidy is a code as it stands in payloads: Home Assistant strips spaces, and
// nobody needs more of it than fits into a state.
func tidy(code string) string {
	code = strings.TrimSpace(code)
	if runes := []rune(code); len(runes) > maxState {
		code = string(runes[:maxState])
	}
	return code
}

// event is the event for a code. A type that is not announced is remembered, so
// that the device is described again before Home Assistant hears of it.
func (d *Device) event(v vocabulary, code string, into thinq.State) Event {
	e := Event{Key: v.key, Type: word(code), Code: code}
	if types := v.types(); !slices.Contains(types, e.Type) && len(types) < maxCodes {
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
		name := tidy(c.Name)
		switch {
		case name == "":
		case c.Part == b.device.Part:
			v.mine = append(v.mine, name)
		default:
			v.other = append(v.other, name)
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
	if code = tidy(code); !d.notices.concerns(code) {
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
	b.problems()
	b.latches()
}

func (b *builder) eventEntity(v vocabulary, w Word) {
	if len(v.mine) == 0 {
		return
	}
	c := map[string]any{"event_types": v.types()}
	decorate(c, w, EventEntity)
	b.put(Entity{Key: v.key, Platform: EventEntity, Name: w.Name, Config: c})
}
