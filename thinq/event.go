package thinq

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/url"
)

// Kind is the kind of an event message.
type Kind string

// LG's push types.
const (
	Report  Kind = "DEVICE_STATUS"        // what changed
	Notice  Kind = "DEVICE_PUSH"          // "washing finished"
	Joined  Kind = "DEVICE_REGISTERED"    // an appliance was added to the account
	Left    Kind = "DEVICE_UNREGISTERED"  // removed
	Renamed Kind = "DEVICE_ALIAS_CHANGED" // its name was changed
)

// An Event is one message of LG's event broker.
type Event struct {
	Kind   Kind
	ID     string          // of the message; the nested form of callbacks has one
	Device string          // device id
	Type   string          // device type, where the message has it
	Code   string          // of a Notice: "WASHING_IS_COMPLETE"
	Alias  string          // of lifecycle messages, where they have it
	Report json.RawMessage // of a Report; see [Profile.Decode]
}

// An Endpoint is where, and as whom, events can be had: LG's event broker with a
// client certificate, or its callback websocket with an access token.
type Endpoint struct {
	URL      *url.URL    // mqtts://host:8883, or the callback's wss://host/path
	ClientID string      // the MQTT client id LG expects
	Topics   []string    // what to subscribe to
	TLS      *tls.Config // with the client certificate, if the endpoint wants one
	// Token is an access token for the callback, another one than refused, if
	// there is another. It belongs into the query as access_token, when dialling
	// and at no other time: addresses end up in logs.
	Token func(ctx context.Context, refused string) (string, error)
	// Dropped, if set, is to be told of a message that is no event, with a word for
	// why. It does not block.
	Dropped func(reason string)
	// Told, if set, is to be called by the Subscriber with each change of the
	// connection. It does not block.
	Told func(Flow)
	// Twin, if set, is to be told in words that another client uses the same client
	// id, and with an empty text when that is long ago. It does not block.
	Twin func(text string)
}

// Watch has f told what Told is told, after those who were there before.
func (ep *Endpoint) Watch(f func(Flow)) {
	before := ep.Told
	ep.Told = func(now Flow) {
		if before != nil {
			before(now)
		}
		f(now)
	}
}

// A Flow is how messages come over an event connection.
type Flow int

const (
	NoFlow      Flow = iota // none come
	FreshFlow               // they come; of those before, nothing was kept
	ResumedFlow             // they come, and those first that the broker has kept meanwhile
)

// A Subscriber connects to an endpoint, keeps connected, and hands over every
// message until ctx ends (then it returns nil) or the endpoint refuses it for
// good: [ErrCertificate] asks for a new certificate, any other error ends
// [Client.Events].
type Subscriber func(ctx context.Context, ep Endpoint, handle func(payload []byte)) error
