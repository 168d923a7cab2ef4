package discovery

import "github.com/thinq2mqtt/thinq2mqtt/thinq"

// Platform is a Home Assistant entity platform.
type Platform string

// The platforms in use. Silent is for values that stand in the state document
// and may be set, but have no entity of their own.
const (
	Silent       Platform = ""
	BinarySensor Platform = "binary_sensor"
	Button       Platform = "button"
	Climate      Platform = "climate"
	EventEntity  Platform = "event"
	Fan          Platform = "fan"
	Humidifier   Platform = "humidifier"
	Light        Platform = "light"
	Number       Platform = "number"
	Select       Platform = "select"
	Sensor       Platform = "sensor"
	Switch       Platform = "switch"
	TextEntity   Platform = "text"
	Vacuum       Platform = "vacuum"
	WaterHeater  Platform = "water_heater"
)

// A Codec translates between the values of an appliance and those of payloads.
type Codec struct {
	// Show appends the JSON value for a state, null for unknown. Nil: there is
	// nothing to show.
	Show func(dst []byte, s thinq.State) []byte
	// Take turns the bare text of a command into what must be written; now is
	// the state with the wishes of higher rank already in it. An empty wish
	// means that there is nothing to do. Nil: it cannot be set.
	Take func(payload string, now thinq.State) (thinq.State, *Rejection)
}

// A Binding ties one field of an entity to the properties behind it.
type Binding struct {
	Attr  string           // key in the state document and attribute of commands
	Field string           // "mode" of a climate entity; empty where there is but one
	Props []thinq.Property // usually one; hour and minute of a timer
	Codec Codec
	With  []thinq.Property // sent along with every wish, at their current values

	rank  rank // of its calls among those of one wish
	wakes bool // the appliance is switched on first
	guard guard
	quiet bool // an attribute, but no field that Home Assistant may know of now
	// mirrored: the property cannot be read, another one shows what was set.
	mirrored bool
	mirrors  []any // the values of which it does; nil: of all
	// agree says at the end of a wish why the state that it makes cannot be;
	// nil: nothing of it depends on other attributes.
	agree func(then thinq.State) *Rejection
	// instead is the template of what Home Assistant is shown; empty: the value.
	instead string
}

// An Entity is one component of Home Assistant.
type Entity struct {
	Key      string // never changes: part of unique_id
	Platform Platform
	Name     string         // empty: the entity is the appliance itself
	Config   map[string]any // keys of the discovery message, topics aside
	Bindings []Binding
	// Extra appends the state in a shape that no template can make from the
	// document; it is published on a topic of its own. Nil for most platforms.
	Extra      func(dst []byte, s thinq.State) []byte
	Attributes []Attribute // shown beside its state
	Gate       string      // key of the state document that says whether it can be used; empty: always
	reach      bool        // it says whether the appliance can be reached
	// lasting: what it shows stays true while the appliance cannot be reached.
	lasting bool
	reads   bool // pressing it has the appliance read

	labels []label // how options are shown; nil: as they are
	hidden bool    // by the user; its platform is then Silent
}

// An Attribute of an entity is a value of the state document under a name.
type Attribute struct{ Name, Key string }

// instead are the templates of its fields that show less than the document.
func (e Entity) instead() []string {
	all := make([]string, len(e.Bindings))
	for i, b := range e.Bindings {
		all[i] = b.instead
	}
	return all
}

// quiet are the attributes of fields that are not announced now.
func (e Entity) quiet() []string {
	var attrs []string
	for _, b := range e.Bindings {
		if b.quiet {
			attrs = append(attrs, b.Attr)
		}
	}
	return attrs
}

// rank orders the calls of one wish: LG resets the fan and the target when the
// mode changes, and refuses most things while the appliance is off (2304).
type rank int

const (
	rankPower rank = iota
	rankMode
	rankValue
	rankFan
)
