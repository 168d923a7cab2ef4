package bridge

import (
	"encoding/json"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// cache is cache.json: everything that a restart would otherwise have to ask
// LG for. Losing it costs calls, nothing else.
type cache struct {
	Saved     time.Time                     `json:"saved,omitzero"`
	Client    string                        `json:"client,omitempty"` // whose subscriptions the due times are
	Ledger    ledger                        `json:"ledger,omitzero"`
	Devices   []cachedDevice                `json:"devices,omitempty"`
	Lifecycle time.Time                     `json:"lifecycle_due,omitzero"` // when to ask for lifecycle news again
	Grants    grants                        `json:"events,omitzero"`
	Overrides map[string]discovery.Settings `json:"overrides,omitempty"` // by device id, from bridge/request/device/options
}

// cachedDevice is what is kept of one appliance.
type cachedDevice struct {
	Blocks    map[string]time.Time `json:"blocks,omitempty"` // by slug and attribute: until when commands are refused
	Device    thinq.Device         `json:"device"`
	Profile   json.RawMessage      `json:"profile,omitempty"`
	State     thinq.State          `json:"state,omitempty"`
	Seen      time.Time            `json:"seen,omitzero"`
	Energy    metering             `json:"energy,omitzero"`
	Announced map[string]keys      `json:"announced,omitempty"` // by slug
	Due       map[string]time.Time `json:"due,omitempty"`       // by kind of call: when it is to be made again
	Granted   time.Time            `json:"granted,omitzero"`    // when LG took the last request for events
	Polled    bool                 `json:"polled,omitempty"`    // nothing brought its events back
	Muted     map[thinq.Path]int   `json:"muted,omitempty"`     // what LG does not report, with proofs
}

// keys are the entity keys of an announcement with their platforms, needed to
// take one back.
type keys map[string]discovery.Platform
