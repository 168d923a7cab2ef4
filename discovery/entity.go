package discovery

import "github.com/thinq2mqtt/thinq2mqtt/thinq"

// Platform is a Home Assistant entity platform: "sensor", "climate", ….
type Platform string

// A Codec translates between ThinQ values and payload values.
type Codec struct {
	Encode func(values []any) any              // to a JSON value; nil for unknown
	Decode func(payload string) ([]any, error) // from bare text
}

// A Binding ties one field of an entity to the properties behind it.
type Binding struct {
	Field string           // "mode" of a climate entity; empty where there is but one
	Props []thinq.Property // usually one; hour and minute of a timer
	Codec Codec
	With  []thinq.Path // sent along with every wish, at their current values
}

// An Entity is one component of Home Assistant.
type Entity struct {
	Key      string // never changes: part of unique_id
	Platform Platform
	Name     string
	Config   map[string]any // keys of the discovery message, topics aside
	Bindings []Binding
}
