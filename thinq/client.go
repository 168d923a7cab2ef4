package thinq

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net"
	"net/url"
	"time"
)

// Options configure a [Client]. Country and Token are required.
type Options struct {
	Country string                                    // ISO 3166-1 alpha-2, of the LG account
	Token   func(ctx context.Context) (string, error) // the bearer token for the next call
	APIURL  string                                    // default from the country
	Roots   *x509.CertPool                            // default: the system's for the API, Amazon's for the event broker; given: both
	APIKey  string                                    // default LG's public constant
	Budget  *Budget                                   // default: unlimited
	Logger  *slog.Logger                              // default: none
	// Identity is what an earlier run saved, nil at the first. Save is called,
	// before first use, whenever it changes.
	Identity *Identity
	Save     func(Identity) error
	// Observe, if set, is told of every finished call.
	Observe func(Call)
	// Dial, if set, replaces net.Dialer: tests use in-memory pipes.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// A Call is one finished HTTP call, for metrics.
type Call struct {
	Endpoint string // method and path template: "GET /devices/{id}/state"
	Code     string // "ok", LG's four digits, or "http_502", "timeout", "network"
	Duration time.Duration
}

// A Client calls LG's ThinQ Connect API in the name of one account. Its methods
// can be called from several goroutines. Their errors are *[Error] where LG (or
// something on the way) answered, and wrap the cause otherwise.
type Client struct{ o Options }

// NewClient checks the options; it makes no call.
func NewClient(o Options) (*Client, error) { panic("unwritten") }

// A Route is where LG serves an account (GET /route).
type Route struct{ API, MQTT, WebSocket *url.URL }

// A Device is one appliance of the account's list.
type Device struct {
	ID         string `json:"id"`
	Type       string `json:"type"` // "DEVICE_WASHER"
	Model      string `json:"model"`
	Alias      string `json:"alias"`
	Group      string `json:"group,omitempty"` // halves of a two-piece wash tower share one
	Reportable bool   `json:"reportable"`      // sends events; false: must be polled
}

// Devices lists the account's appliances (GET /devices).
func (c *Client) Devices(ctx context.Context) ([]Device, error) { panic("unwritten") }

// Profile reads a profile (GET /devices/{id}/profile); see [ParseProfile].
func (c *Client) Profile(ctx context.Context, id string) (json.RawMessage, error) {
	panic("unwritten")
}

// State reads a whole state (GET /devices/{id}/state); see [Profile.Decode].
func (c *Client) State(ctx context.Context, id string) (json.RawMessage, error) {
	panic("unwritten")
}

// Control sends one control call (POST /devices/{id}/control). Nil means that
// LG accepted it; that the appliance did it, only a report or a read can tell.
func (c *Client) Control(ctx context.Context, id string, body []byte) error { panic("unwritten") }

// SubscribePush asks for an appliance's notifications. Already having them is
// success.
func (c *Client) SubscribePush(ctx context.Context, id string) error { panic("unwritten") }

// SubscribeEvents asks for an appliance's reports, and renews an earlier
// request. LG accepts 4464 hours and documents 24: renew well before 24 h.
func (c *Client) SubscribeEvents(ctx context.Context, id string) error { panic("unwritten") }

// SubscribeLifecycle asks for news of added, removed and renamed appliances.
func (c *Client) SubscribeLifecycle(ctx context.Context) error { panic("unwritten") }

// Events delivers LG's messages until ctx ends: it finds the endpoint (route,
// registration, certificate; each only if the identity lacks it), hands it to
// sub, and obtains a new certificate when the endpoint refuses the old one.
// It returns nil when ctx ended, and an error only if LG refuses for good or sub
// gave up; the caller decides when to try again.
func (c *Client) Events(ctx context.Context, sub Subscriber, handle func(Event)) error {
	panic("unwritten")
}
