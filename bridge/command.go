package bridge

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

const (
	commandLife    = 10 * time.Second
	commandQueue   = 8
	commandPayload = 4 << 10
	commandTopic   = 512
	echoLength     = 64 // of what is repeated of a value
)

// The ways in which a command ends, and the one interim answer.
const (
	confirmed  = "confirmed"
	rejected   = "rejected"
	expired    = "expired"
	superseded = "superseded"
	unknown    = "unknown"
	accepted   = "accepted"
)

// A command is one order of a user on its way. It ends exactly once.
type command struct {
	topic       string            // where it came from
	slug        string            // where the result goes; empty: no such appliance
	half        *half             // nil: not described
	attrs       map[string]string // as bare text
	again       []*command        // what came just before and must not be undone
	echo        json.RawMessage   // the attributes as they came
	transaction json.RawMessage
	reply       string // MQTT 5 response topic, empty if none
	correlation []byte
	received    time.Time

	goal    thinq.State  // what the appliance must show, as far as it can
	shown   bool         // it was shown already when the call went out, against what was under way
	sent    time.Time    // zero: still waiting
	taken   bool         // LG accepted it
	stirred bool         // the appliance reported a change since
	asked   time.Time    // when a read was asked to decide
	doubt   error        // LG's answer, where it leaves open whether it was done
	risky   bool         // it is one of what needs the owner's leave
	heat    []thinq.Path // where it starts heat
	safe    bool         // it leads to less: nothing stands in its way
	urgent  bool         // it ends what the appliance does
	unsure  bool         // it waits for a read of the appliance
	twins   []*command   // the same, sent right after: they end as it does
	joined  bool         // it is one of those
	ended   bool
	status  string // how it ended, and why
	why     *rejection
}

// A rejection is why a command was not carried out.
type rejection struct {
	Code    string     `json:"code,omitempty"`
	Reason  string     `json:"reason"`
	Message string     `json:"message"`
	Allowed any        `json:"allowed,omitempty"`
	Until   *time.Time `json:"until,omitempty"`

	alone    bool // with another attribute it may be right
	reported bool // a read of the appliance may lift it
}

// newCommand is what a message of a command topic says; the error is for its
// sender.
func (b *Bridge) newCommand(m link.Message, t discovery.Target) (*command, error) {
	c := &command{topic: m.Topic, reply: m.Reply, correlation: m.Correlation, received: m.Received, half: b.slugs[t.Slug], echo: noAttributes}
	if b.find(t.Slug) != nil {
		c.slug = t.Slug // never a topic of the sender's making
	}
	if c.received.IsZero() {
		c.received = time.Now()
	}
	if c.received.Sub(b.sleep.end) < wakeTime {
		c.received = b.sleep.begin // nobody knows how long it lay in the connection
	}
	parsed := c.parse(m.Payload, t.Key)
	if c.transaction == nil {
		c.transaction = newTransaction()
	}
	return c, parsed
}

// command takes one message of a command topic in.
func (b *Bridge) command(m link.Message, t discovery.Target) {
	c, parsed := b.newCommand(m, t)
	switch {
	case m.Retain && len(m.Payload) == 0:
		return // somebody clears a retained command
	case b.repeated(m):
		b.m.mqttDropped.WithLabelValues("duplicate").Inc()
		return
	}
	if why := b.refusal(m, t, c, parsed); why != nil {
		b.end(c, rejected, why)
		return
	}
	d := c.half.of
	b.guard(d, func() { b.accept(c) })
	if !c.ended && !c.joined && !slices.Contains(d.orders.waiting, c) {
		b.end(c, rejected, &rejection{Reason: "fault", Message: "a fault in the bridge; its log tells more"})
	}
}

// refusal is what can be said against a command without looking at its values.
func (b *Bridge) refusal(m link.Message, t discovery.Target, c *command, parsed error) *rejection {
	d := b.find(t.Slug)
	switch {
	case m.Retain:
		return &rejection{Reason: "retained", Message: "a retained command is never executed; clear it by publishing an empty retained message"}
	case len(m.Payload) > commandPayload || len(m.Topic) > commandTopic:
		return &rejection{Reason: "too_large", Message: fmt.Sprintf("at most %d bytes", commandPayload)}
	case d == nil:
		return nobody
	case d.ignored:
		return &rejection{Reason: "ignored", Message: "the appliance is set to be ignored"}
	case d.disabled:
		return &rejection{Reason: "disabled", Message: d.problem}
	case b.stopping:
		return shuttingDown
	case c.half == nil || d.state == nil:
		return &rejection{Reason: "not_ready", Message: "the appliance is not described yet"}
	case parsed != nil:
		return &rejection{Reason: "invalid_payload", Message: parsed.Error()}
	}
	return b.barred()
}

var nobody = &rejection{Reason: "unknown_device", Message: "no appliance has this name"}

var shuttingDown = &rejection{Reason: "shutting_down", Message: "the bridge is shutting down"}

// parse reads the attributes: one bare value, or a JSON object.
func (c *command) parse(payload []byte, attr string) error {
	if len(payload) > commandPayload {
		return errors.New("too long")
	}
	if !utf8.Valid(payload) {
		return errors.New("not valid UTF-8")
	}
	if attr != "" {
		c.attrs = map[string]string{attr: string(payload)}
		c.echo, _ = json.Marshal(map[string]any{attr: scalar(payload)})
		return nil
	}
	var err error
	c.attrs, c.transaction, err = discovery.ParseSet(payload)
	c.echo = withoutTransaction(payload)
	return err
}

// scalar is a bare value as it would stand in a JSON object.
func scalar(payload []byte) any {
	var v any
	if json.Unmarshal(payload, &v) == nil {
		switch v.(type) {
		case bool, float64:
			return json.RawMessage(payload)
		}
	}
	return string(payload)
}

// noAttributes is what is repeated of a command that cannot be read.
var noAttributes = json.RawMessage("{}")

// withoutTransaction is a JSON object of attributes as it came; empty if it is
// none.
func withoutTransaction(payload []byte) json.RawMessage {
	var object map[string]json.RawMessage
	if json.Unmarshal(payload, &object) != nil || object == nil {
		return noAttributes
	}
	delete(object, "transaction")
	echo, _ := json.Marshal(object) // of valid JSON
	return echo
}

// label is the transaction for people: a text as it was sent, without quotes.
func (c *command) label() string {
	var text string
	if json.Unmarshal(c.transaction, &text) == nil {
		return text
	}
	return string(c.transaction)
}

func newTransaction() json.RawMessage {
	var digits [4]byte
	rand.Read(digits[:])
	return json.RawMessage(`"` + hex.EncodeToString(digits[:]) + `"`)
}

// accept checks the values and puts the command into the queue.
func (b *Bridge) accept(c *command) {
	d, now := c.half.of, time.Now()
	calls, err := c.half.Wish(c.attrs, d.assumed())
	c.safe = err == nil && c.half.Safe(calls, d.state)
	c.urgent = c.safe && c.half.Ends(calls)
	c.risky, c.heat = c.half.Risky(calls, d.assumed())
	why := refusedWish(err)
	hazy := c.hazy(calls, why, now)
	if why == nil {
		why = cmp.Or(d.orders.tooMany(c, now), d.orders.overheated(c.heat, now))
	}
	if why != nil && !why.alone && !hazy { // what may be right with another one waits for it
		b.keepStaged(c, why)
		b.end(c, rejected, why)
		b.publishState(d, true) // a dashboard that shows the wish snaps back
		return
	}
	if twin := d.orders.twin(c); twin != nil {
		b.join(c, twin)
		return
	}
	d.orders.link(c, d.assumed())
	if why == nil && len(calls) == 0 && d.orders.idle() {
		b.end(c, confirmed, nil)
		return
	}
	if hazy {
		b.ascertain(c)
	}
	b.line(c)
}

// line puts a command at the end of the queue, in the place of those that it
// makes pointless.
func (b *Bridge) line(c *command) {
	d := c.half.of
	if c.ended {
		return
	}
	b.supersede(d.orders.waiting, c)
	d.orders.sweep()
	if len(d.orders.waiting) >= commandQueue && !c.safe {
		b.end(c, rejected, &rejection{Reason: "busy", Message: fmt.Sprintf("%d commands wait already", commandQueue)})
		return
	}
	d.orders.waiting = append(d.orders.waiting, c)
	b.busy[d] = true
}

// word is the reason; empty if there is none.
func (r *rejection) word() string {
	if r == nil {
		return ""
	}
	return r.Reason
}

func refusedWish(err error) *rejection {
	if err == nil {
		return nil
	}
	if r, ok := errors.AsType[*discovery.Rejection](err); ok {
		return &rejection{Reason: r.Reason, Message: r.Message, Allowed: r.Allowed, alone: r.Alone, reported: r.Reported}
	}
	return &rejection{Reason: "invalid_value", Message: err.Error()}
}

// supersede ends the older commands of which the newer one says it all.
func (b *Bridge) supersede(older []*command, c *command) {
	for _, old := range older {
		if !old.ended && old.half == c.half && covers(c.attrs, old.attrs) {
			b.end(old, superseded, &rejection{Reason: "superseded", Message: "a newer command for the same attributes came"})
		}
	}
}

func covers(newer, older map[string]string) bool {
	for name := range older {
		if _, ok := newer[name]; !ok {
			return false
		}
	}
	return true
}

// abandon ends everything that an appliance was still to do.
func (b *Bridge) abandon(d *device, why rejection) {
	for _, c := range d.orders.all() {
		b.end(c, rejected, &why)
	}
	d.orders.waiting, d.orders.flying, d.orders.open = nil, nil, nil
}

// assumed is the state as it will be when all that was sent has been done.
func (d *device) assumed() thinq.State {
	s := maps.Clone(d.state)
	for _, c := range d.orders.sent() {
		for p, v := range c.goal {
			if _, known := s[p]; known {
				s[p] = v
			}
		}
	}
	return s
}

// shown is the state to publish: the true one, or what is hoped for where the
// user wants that.
func (b *Bridge) shown(d *device) thinq.State {
	for _, h := range d.halves {
		if h.Settings.Optimistic && len(d.orders.sent()) > 0 {
			return d.assumed()
		}
	}
	return d.state
}
