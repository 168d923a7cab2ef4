// Package bridge relays between LG's cloud and the local broker: it announces
// appliances, publishes their states, and turns commands into control calls.
package bridge

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// Cloud is what the bridge needs of [thinq.Client].
type Cloud interface {
	Devices(ctx context.Context) ([]thinq.Device, error)
	Profile(ctx context.Context, id string) (json.RawMessage, error)
	State(ctx context.Context, id string) (json.RawMessage, error)
	Control(ctx context.Context, id string, body []byte) error
	SubscribePush(ctx context.Context, id string) error
	SubscribeEvents(ctx context.Context, id string) error
	SubscribeLifecycle(ctx context.Context) error
	Events(ctx context.Context, sub thinq.Subscriber, handle func(thinq.Event)) error
}

// Broker is what the bridge needs of [link.Link].
type Broker interface {
	Publish(ctx context.Context, m link.Message) error
	Messages() <-chan link.Message
	Up() <-chan struct{}
	Status() link.Status
}

// Options configure a [Bridge].
type Options struct {
	Account       string // label; empty for the only one
	Cloud         Cloud
	Broker        Broker
	Subscriber    thinq.Subscriber // how events are had; nil: reconcile reads only
	Budget        *thinq.Budget
	Store         *Store
	Discovery     discovery.Options
	HomeAssistant bool          // announce devices
	Reconcile     time.Duration // between reads of one appliance; default 30 min
	Version       string
	Commit        string
	Region        string
	Config        any            // without secrets, for bridge/info
	Logger        *slog.Logger   // default: none
	Level         *slog.LevelVar // for bridge/request/log_level; may be nil
	Metrics       *Metrics       // default: its own, seen by nobody
	Restart       func()         // for bridge/request/restart; may be nil
	Log           *LogHandler    // where bridge/logging comes from; may be nil
}

// A Bridge serves one account.
type Bridge struct{ o Options }

// New makes a bridge; Run starts it.
func New(o Options) *Bridge { panic("unwritten") }

// Subscriptions are what the local link must subscribe to.
func Subscriptions(t discovery.Topics) []link.Subscription { panic("unwritten") }

// Will is the message the local broker publishes when the bridge is lost.
func Will(t discovery.Topics) *link.Message { panic("unwritten") }

// Run is the loop: the one goroutine that owns all state. It returns nil when
// ctx ended and the farewell was said.
func (b *Bridge) Run(ctx context.Context) error { panic("unwritten") }

// Snapshot asks the loop for everything the status page and /readyz show.
func (b *Bridge) Snapshot(ctx context.Context) (Snapshot, error) { panic("unwritten") }

// A Snapshot is the condition of a bridge at one moment.
type Snapshot struct {
	Account   string           `json:"account,omitempty"`
	Cloud     string           `json:"cloud"`      // "starting", "ok", "rate_limited", "auth_required", …
	CloudText string           `json:"cloud_text"` // what to do about it, for a person
	Push      string           `json:"push"`       // "live", "connecting", "off", …
	Broker    link.Status      `json:"broker"`
	CallsLeft int              `json:"calls_left"`
	Paused    time.Time        `json:"paused_until,omitzero"`
	Started   time.Time        `json:"started"`
	Ready     bool             `json:"ready"`
	Awaited   []string         `json:"awaited,omitempty"` // what readiness waits for
	Devices   []DeviceSnapshot `json:"devices"`
}

// A DeviceSnapshot is one row of bridge/devices and of the status page.
type DeviceSnapshot struct {
	ID           string    `json:"id"`
	Slug         string    `json:"slug"`
	Name         string    `json:"name"`
	Type         string    `json:"type"`
	Model        string    `json:"model"`
	Supported    bool      `json:"supported"`
	Ignored      bool      `json:"ignored"`
	Availability string    `json:"availability"` // "online" or "offline"
	LastSeen     time.Time `json:"last_seen,omitzero"`
	Entities     int       `json:"entities"`
	Problem      string    `json:"problem,omitempty"`
}
