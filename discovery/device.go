// Package discovery puts ThinQ in the words of Home Assistant: a profile goes
// in, the announcement of a device and the payloads of its topics come out, and
// a payload of a command topic becomes a wish. It is pure: no goroutine, no
// clock, no network.
package discovery

import (
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// Options say how devices are described.
type Options struct {
	Topics   Topics
	Language string                         // of entity names: "en"
	Unit     string                         // "C", "F" or "auto": Celsius where the appliance offers it for writing
	Version  string                         // of the bridge, for the origin of an announcement
	Instance string                         // identifier of the bridge's own device: devices are joined to it by via_device
	Settings func(id, slug string) Settings // what the user configured; nil: nothing
}

// Settings is what a user may say about one appliance.
type Settings struct {
	Name        string // default LG's alias
	Slug        string
	Ignore      bool
	RemoteStart bool // heat may be started from afar
	Optimistic  bool
}

// A Device is one appliance, or one half of a one-piece wash tower, as Home
// Assistant sees it.
type Device struct {
	ID       string // LG's device id, with _washer or _dryer for a half: the stem of unique ids
	Slug     string
	Name     string
	Type     string // "DEVICE_WASHER"
	Model    string
	Part     string // of a one-piece wash tower
	Known    bool   // the table has the type
	Entities []Entity
}

// Describe says what an appliance is in Home Assistant: one Device, or one for
// each half of a one-piece wash tower. The state adds what the profile does not
// name; it may be nil.
func Describe(d thinq.Device, p *thinq.Profile, s thinq.State, o Options) []*Device {
	panic("unwritten")
}

// Announcement is the device message of MQTT discovery, one for all entities.
func (d *Device) Announcement() []byte { panic("unwritten") }

// Payload is the state document: one JSON object, every key of the device, null
// for what is unknown.
func (d *Device) Payload(s thinq.State) []byte { panic("unwritten") }

// Extra are the topics and payloads that Home Assistant wants in a shape of
// their own (<slug>/state/<key>), nil for most devices.
func (d *Device) Extra(s thinq.State) map[string][]byte { panic("unwritten") }

// Wish turns attributes (keys of the state document, values as bare text) into
// control calls, in the order in which they must be made; none means that
// everything is so already. Values are checked against the profile, companions
// that LG wants in the same call are added from now. The error is a *[Rejection].
func (d *Device) Wish(attrs map[string]string, now thinq.State) (calls []thinq.State, err error) {
	panic("unwritten")
}

// A Rejection says why a wish cannot be fulfilled.
type Rejection struct {
	Attr    string
	Reason  string // "unknown_attribute", "invalid_value", "out_of_range", "read_only", "remote_start", …
	Message string // a sentence for a person
	Allowed any    // what would be accepted: options, or {min, max, step}; nil if not applicable
}

// Error is the message.
func (r *Rejection) Error() string { return r.Message }

// Advance derives what LG does not say but people want to know (finish time,
// remaining minutes, progress, cycle) from a change at a time. Derived values
// are values of the state like all others, under the resource "cycle", and are
// to be merged into it; they are part of later calls' now. Events are in order.
func (d *Device) Advance(now, changed thinq.State, at time.Time) (derived thinq.State, events []Event) {
	panic("unwritten")
}

// Notice is the event for a notification code of LG; false if it belongs to the
// other half of a wash tower. An unknown code is an event as well: Affected then
// reports that the device must be described again.
func (d *Device) Notice(code string) (Event, bool) { panic("unwritten") }

// Affected reports whether a change may alter the announcement (a limit, a unit,
// an option or property not seen before), so that Describe is worth its time.
func (d *Device) Affected(changed thinq.State) bool { panic("unwritten") }

// An Event is one message of an event entity.
type Event struct {
	Key  string // event entity: "notification", "error", "cycle"
	Type string // event_type: "washing_is_complete"
	Code string // LG's word; empty where LG has none
}

// Payload is the JSON of the event topic.
func (e Event) Payload(at time.Time) []byte { panic("unwritten") }
