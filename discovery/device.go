// Package discovery puts ThinQ in the words of Home Assistant: a profile goes
// in, the announcement of a device and the payloads of its topics come out, and
// a payload of a command topic becomes a wish. It is pure: no goroutine, no
// clock, no network.
//
// Every property of an appliance has an attribute: a key of the state document
// that is also the last level of its command topic. What becomes an entity, and
// which, follows from the profile (natural.go) and from what the table of
// appliances says beyond it (appliances.go): composites, which make entities of
// several properties, and what is special about single ones.
//
// What LG does not say is worked out by [Device.Advance] from changes, and by
// [Device.Tick] from the time alone, and remembered as values of the state under
// the resource derived: the course of a programme in phases (cycle.go), conditions
// that are told only once (latch.go), values that wait for the order to start
// (stage.go), what a clock turns (due.go), and what once did not fit an entity
// (sieve.go). So they survive a restart, and a device needs no state of its own.
package discovery

import (
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// Options say how devices are described.
type Options struct {
	Topics   Topics
	Language string // of everything visible: "en", "ko" or "de"
	Unit     string // "C", "F" or "auto": Celsius where the appliance offers it for writing
	// EstimateAction lets Home Assistant know what a climate entity probably does.
	EstimateAction bool
	Version        string                         // of the bridge, for the origin of an announcement
	Instance       string                         // identifier of the bridge's own device: devices are joined to it by via_device
	Settings       func(id, slug string) Settings // what the user configured; nil: nothing
	Labels         bool                           // show options of selects and sensors as readable labels
	Mappings       Mappings                       // what the user wants to see otherwise

	missed func(english string) // hears of texts without a translation
}

// Settings is what a user may say about one appliance.
type Settings struct {
	Name        string // default LG's alias
	Slug        string
	Ignore      bool
	RemoteStart bool // heat may be started from afar
	Optimistic  bool
	Allow       []string // properties that nobody knows and that may begin something all the same
}

// A Device is one appliance, or one half of a one-piece wash tower, as Home
// Assistant sees it. It does not change; a change of the appliance makes another
// one (see [Device.Affected]).
type Device struct {
	ID       string // LG's device id, with _washer or _dryer for a half: the stem of unique ids
	Slug     string
	Name     string
	Type     string // "DEVICE_WASHER"
	Model    string
	Part     string   // of a one-piece wash tower
	Known    bool     // the table has the type
	Settings Settings // what the user configured for it
	Entities []Entity // sorted by key

	topics  Topics
	version string
	via     string
	*description
}

// A description is what of a Device says nothing about which appliance it is, so
// that equal appliances can share it, see [Model].
type description struct {
	entities     []Entity
	kind         string   // of the type in words
	columns      []column // of the state document, sorted by key
	size         int      // of a usual document
	attrs        map[string]*Binding
	hidden       map[thinq.Path]*Binding       // what can only be written, with what mirrors it or nil
	watch        map[thinq.Path]watcher        // by known path; nil: no value alters the announcement
	temperatures map[thinq.Path]thinq.Property // shown in one of two units
	power        *powerSwitch
	modal        bool // it has modes that reset other values
	heater       bool // its levels and targets are heat
	together     bool // everything that concerns one place goes in one call
	cycles       []*cycle
	memories     []memory                // what composites want remembered
	starters     map[thinq.Path][]veto   // what can begin something, with what may forbid it
	hazards      map[thinq.Path][]hazard // what can do harm where nobody looks
	strange      map[thinq.Path]bool     // what can be set and nobody knows
	stages       []*stage                // what waits for the order to start
	flags        []*timer                // of which LG says in a word of its own whether they are set
	clockworks   []clockwork             // what of it time alone changes
	held         holding
	sieves       []func(changed, into thinq.State) // remember what did not fit
	learnt       map[thinq.Path]bool               // remembered words and codes that are announced
	meters       []string                          // of energy, by the names of LG
	lists        map[thinq.Path][]any              // the words of the profile, of properties whose words are announced
	notices      vocabulary
	errors       vocabulary
	plight       plight // what says that something is wrong
	coverage     []Coverage
	remarks      []string // what of the user's mappings cannot be
}

// A memory works out values to be remembered from a change, see [Device.Advance]:
// now is the state with the change in it, into takes what is to be remembered.
type memory func(now, changed, into thinq.State, at time.Time)

// A watcher reports whether a new value alters the announcement; now is the
// state with the value already in it.
type watcher func(v any, now thinq.State) bool

// Coverage says what became of one property: the attribute that holds it and
// the entity that presents it, or why there is none.
type Coverage struct {
	Path   thinq.Path
	Attr   string // key of the state document; empty: it is not there
	Entity string // key of the entity; empty: see Why
	Why    string
}

// Coverage lists every property of the appliance, in path order.
func (d *Device) Coverage() []Coverage { return d.coverage }

// A Rejection says why a wish cannot be fulfilled.
type Rejection struct {
	Attr    string
	Reason  string // "unknown_attribute", "invalid_value", "out_of_range", "read_only", "remote_start", "not_allowed", "wrong_mode", "remote_off", "door_open", "child_lock"
	Message string // a sentence for a person
	Allowed any    // what would be accepted: options, or {min, max, step}; nil if not applicable
	Alone   bool   // together with another attribute it may be right
	// Reported: it rests on what the appliance said last, so a read may lift it.
	Reported bool
}

// Error is the message.
func (r *Rejection) Error() string { return r.Message }

// Affected reports whether a change may alter the announcement (a limit, a unit,
// an option, a property or a code not seen before), so that Describe is worth
// its time. now is the state with the change already in it.
func (d *Device) Affected(now, changed thinq.State) bool {
	for p, v := range changed {
		if p.Part != d.Part || p == noticePath || p == lostPath {
			continue
		}
		if p.Resource == derived {
			if learnt(p) && !d.learnt[p] {
				return true
			}
			continue
		}
		watch, known := d.watch[p]
		if !known && v != nil && p.Resource != errorResource || watch != nil && watch(v, now) {
			return true
		}
	}
	return false
}
