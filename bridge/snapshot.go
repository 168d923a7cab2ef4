package bridge

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A Snapshot is the condition of a bridge at one moment.
type Snapshot struct {
	Account   string           `json:"account,omitempty"`
	Cloud     string           `json:"cloud"`      // "starting", "ok", "rate_limited", "auth_required", …
	CloudText string           `json:"cloud_text"` // what to do about it, for a person
	Push      string           `json:"push"`       // "live", "connecting", "suspect", "polling", "duplicate_instance" or "off"
	PushText  string           `json:"push_text"`  // why it is not live, for a person
	Broker    link.Status      `json:"broker"`
	Standby   string           `json:"standby,omitempty"`  // what it stands by for, for a person
	Problems  []string         `json:"problems,omitempty"` // of the bridge itself, for a person
	Energy    string           `json:"energy,omitempty"`   // what is wrong with energy values as a whole, for a person
	Token     *Token           `json:"token,omitempty"`    // nil: nobody can tell
	CallsLeft int              `json:"calls_left"`
	Paused    time.Time        `json:"paused_until,omitzero"`
	Started   time.Time        `json:"started"`
	Ready     bool             `json:"ready"`
	Awaited   []string         `json:"awaited,omitempty"` // what readiness waits for
	Devices   []DeviceSnapshot `json:"devices"`

	pushTextBySlug string // PushText for others than the household
}

// A DeviceSnapshot is one row of bridge/devices and of the status page.
type DeviceSnapshot struct {
	ID           string     `json:"id"`
	Slug         string     `json:"slug"`
	Name         string     `json:"name"`
	Type         string     `json:"type"`
	Model        string     `json:"model"`
	Supported    bool       `json:"supported"`
	Ignored      bool       `json:"ignored"`
	Availability string     `json:"availability"` // "online" or "offline"
	LastSeen     *time.Time `json:"last_seen"`    // nil: nothing was ever heard of it
	Entities     int        `json:"entities"`
	Problem      string     `json:"problem,omitempty"`
	Energy       string     `json:"energy,omitempty"` // whether LG counts its energy, for a person
	Events       string     `json:"events,omitempty"` // what is wrong with its events, for a person
}

// errEnded is what Snapshot says when there is no loop to ask.
var errEnded = errors.New("the bridge has ended")

// errFault is what it says after a fault of ours, which the log tells of.
var errFault = errors.New("a fault in the bridge")

// Snapshot asks the loop for everything the status page and /readyz show.
func (b *Bridge) Snapshot(ctx context.Context) (Snapshot, error) {
	answer := make(chan Snapshot, 1)
	select {
	case b.asks <- func() { defer close(answer); answer <- b.snapshot() }:
	case <-b.ended:
		return Snapshot{}, errEnded
	case <-ctx.Done():
		return Snapshot{}, ctx.Err()
	}
	s, ok := <-answer
	if !ok {
		return s, errFault
	}
	return s, nil
}

// measured waits until the loop has brought the gauges up to date.
func (b *Bridge) measured(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, snapshotWait)
	defer cancel()
	done := make(chan struct{})
	if b.ask(ctx, func() { defer close(done); b.gauge() }) == nil {
		<-done
	}
}

// Retry makes the bridge forget what LG refused, and ask at once what there is:
// the credential has changed, maybe to that of another account, or is gone.
func (b *Bridge) Retry(ctx context.Context) error { return b.ask(ctx, b.retry) }

func (b *Bridge) retry() {
	b.account.until, b.account.tries = time.Time{}, 0
	b.energy.denied = time.Time{}
	b.push.again, b.push.tries = time.Time{}, 0
	for _, j := range b.jobs {
		j.after, j.tries = time.Time{}, 0
	}
	b.list(thinq.Background, nil)
}

// turns reports whether the loop turned lately; true as long as Run was not
// called.
func (b *Bridge) turns() bool {
	beat := b.beat.Load()
	return beat == 0 || time.Since(b.born)-time.Duration(beat) < 6*heartbeat
}

func (b *Bridge) snapshot() Snapshot {
	left, paused := b.o.Budget.Left()
	s := Snapshot{
		Account: b.o.Account, Cloud: b.account.condition, CloudText: cmp.Or(b.account.text, b.account.trouble),
		Push: b.pushState(), PushText: b.pushText(), pushTextBySlug: b.pushTextBy(b.slugsOf), Broker: b.o.Broker.Status(), CallsLeft: left, Energy: b.energyText(),
		Paused: latest(paused, b.account.until), Started: b.started, Standby: b.standing(), Problems: b.problems(), Devices: b.rows(),
	}
	if s.Paused.Before(time.Now()) {
		s.Paused = time.Time{}
	}
	s.CloudText = cmp.Or(s.CloudText, b.emptyText())
	s.Awaited = b.awaited(s)
	s.Ready = len(s.Awaited) == 0
	return s
}

// anonymous is a snapshot without the names that people gave their appliances, and
// with ids cut short.
func (s Snapshot) anonymous() Snapshot {
	s.PushText, s.Devices = s.pushTextBySlug, slices.Clone(s.Devices)
	for i := range s.Devices {
		s.Devices[i].ID, s.Devices[i].Name = cut(s.Devices[i].ID, 8), ""
	}
	return s
}

// emptyText is what an empty list may mean, for a person; empty if there is none.
func (b *Bridge) emptyText() string {
	if !b.listed || len(b.devices) > 0 && b.lists.empty.IsZero() {
		return ""
	}
	return "LG lists no appliance for this account. Is thinq.country the country in which the account was made?" + b.served()
}

// served names the country and its region, to whoever may have the wrong one.
func (b *Bridge) served() string {
	if b.o.Region == "" {
		return ""
	}
	return " " + cmp.Or(b.o.Country, "It") + " is served by LG's region " + b.o.Region + "."
}

// awaited is what readiness waits for, in words.
func (b *Bridge) awaited(s Snapshot) []string {
	var all []string
	if b.stopping {
		all = append(all, "stopping")
	}
	if s.Standby != "" {
		all = append(all, s.Standby)
	}
	if !s.Broker.Connected {
		all = append(all, cmp.Or("broker: "+s.Broker.Problem, "broker"))
	}
	if s.Broker.Connected && b.stand.role == roleAsking {
		all = append(all, "broker: whether another bridge is at work here")
	}
	if !b.listed {
		all = append(all, "device list")
	}
	switch {
	case b.blind():
		all = append(all, "cloud: "+cmp.Or(b.account.trouble, s.Cloud))
	case s.Cloud != condOK && s.Cloud != condRate:
		all = append(all, "cloud: "+s.Cloud)
	}
	for _, d := range b.ordered() {
		if !d.ignored && !d.known && !d.away && cmp.Or(d.problem, d.trouble) == "" && !d.missing.doubted() {
			all = append(all, "first state of "+d.slug)
		}
	}
	return all
}

// lastSeen is when an appliance was last heard of; nil if it never was.
func (d *device) lastSeen() *time.Time {
	if d.seen.IsZero() {
		return nil
	}
	return new(d.seen.UTC().Truncate(time.Second))
}

// rows are the appliances, a tower in one piece as two.
func (b *Bridge) rows() []DeviceSnapshot {
	rows := []DeviceSnapshot{}
	for _, d := range b.ordered() {
		row := DeviceSnapshot{
			ID: d.info.ID, Slug: d.slug, Name: cmp.Or(b.o.Discovery.Settings(d.info.ID, d.slug).Name, d.info.Alias),
			Type: d.info.Type, Model: d.info.Model, Ignored: d.ignored, Availability: "offline",
			LastSeen: d.lastSeen(), Problem: cmp.Or(d.problem, d.trouble), Energy: d.energy.text(),
			Events: b.eventsText(d),
		}
		if b.available(d) {
			row.Availability = "online"
		}
		row.Problem = cmp.Or(row.Problem, d.blockedText())
		if len(d.halves) == 0 {
			rows = append(rows, row)
		}
		for _, h := range d.halves {
			row.ID, row.Slug, row.Name = h.ID, h.Slug, h.Name
			row.Supported, row.Entities = h.Known, keysOf(h.Device).entities()
			rows = append(rows, row)
		}
	}
	return rows
}
