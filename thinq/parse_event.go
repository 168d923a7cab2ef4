package thinq

import (
	"errors"
	"fmt"
)

// maxEvent is the size of a message beyond which it is no event.
const maxEvent = 256 << 10

// kinds are LG's push types. The second spelling of a new name is not in LG's
// documents, but clients have met it.
var kinds = map[string]Kind{
	string(Report):         Report,
	string(Notice):         Notice,
	string(Joined):         Joined,
	string(Left):           Left,
	string(Renamed):        Renamed,
	"DEVICE_ALIAS_UPDATED": Renamed,
}

// ParseEvent reads a message in the flat form of the event broker or in the
// nested form of callbacks. The error says why it is none of the known kinds; it
// never repeats more of the message than the name of the kind.
//
// The Report of the event is a part of data, not a copy.
func ParseEvent(data []byte) (Event, error) {
	if len(data) > maxEvent {
		return Event{}, fmt.Errorf("event: %d bytes are more than %d", len(data), maxEvent)
	}
	if err := checkJSON(data); err != nil {
		return Event{}, fmt.Errorf("event: %w", err)
	}
	e, err := readEvent(cursor{data: data})
	if err != nil {
		return Event{}, fmt.Errorf("event: %w", err)
	}
	return e, nil
}

func readEvent(root cursor) (Event, error) {
	if root.kind() != '{' {
		return Event{}, errors.New("it is no object")
	}
	var e envelope
	e.read(root)
	if e.body.data != nil && e.kind == nil {
		body, id := e.body, e.event.ID
		e = envelope{}
		e.read(body)
		e.event.ID = id
	}
	kind, ok := kinds[string(e.kind)]
	if !ok {
		return Event{}, fmt.Errorf("kind %.64q is unknown", e.kind)
	}
	e.event.Kind = kind
	return e.event, e.event.complete()
}

// complete says what an event of its kind cannot do without.
func (e Event) complete() error {
	switch {
	case e.Device == "":
		return fmt.Errorf("%s without a device", e.Kind)
	case e.Kind == Report && len(e.Report) == 0:
		return fmt.Errorf("%s without a report", e.Kind)
	case e.Kind == Notice && e.Code == "":
		return fmt.Errorf("%s without a code", e.Kind)
	}
	return nil
}

// An envelope is the members of an event, or those around it.
type envelope struct {
	kind  []byte
	event Event
	body  cursor // the event inside of a nested message
}

func (e *envelope) read(c cursor) {
	c.enter()
	for key, ok := c.member(); ok; key, ok = c.member() {
		switch kind := c.kind(); {
		case kind == '"':
			e.word(key, &c)
		case kind == '{' && (string(key) == "event" || string(key) == "push"):
			e.body = c
			c.skip()
		case (kind == '-' || kind >= '0' && kind <= '9') && string(key) == "pushCode":
			e.event.Code = string(c.raw())
		case (kind == '{' || kind == '[') && string(key) == "report":
			e.event.Report = c.raw()
		default:
			c.skip()
		}
	}
}

func (e *envelope) word(key []byte, c *cursor) {
	var to *string
	switch string(key) {
	case "pushType":
		e.kind = c.text()
		return
	case "messageId":
		to = &e.event.ID
	case "deviceId":
		to = &e.event.Device
	case "deviceType":
		to = &e.event.Type
	case "pushCode":
		to = &e.event.Code
	case "alias":
		to = &e.event.Alias
	default:
		c.skip()
		return
	}
	*to = string(c.text())
}
