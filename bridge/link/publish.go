package link

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session"
)

const (
	ackTimeout = 10 * time.Second
	longTopic  = 512 // some brokers cut longer topics silently
)

// A connection is one stretch between CONNACK and loss.
type connection struct {
	*guard
	session *memory
	stands  bool          // its subscriptions do; only Run's goroutine
	limit   int           // largest packet the broker takes; 0: any
	turn    chan struct{} // holds one token: whose turn it is to send
}

func newConnection(g *guard, s *memory, ack *paho.Connack) *connection {
	c := &connection{guard: g, session: s, turn: make(chan struct{}, 1)}
	if p := ack.Properties; p != nil && p.MaximumPacketSize != nil {
		c.limit = int(*p.MaximumPacketSize)
	}
	return c
}

// Publish sends with QoS 1 and returns when the broker has acknowledged. Several
// may be under way at once; they are sent in the order of the calls.
// [ErrDown] means that there is no connection, or that it was lost before the
// acknowledgement: then nobody knows whether the broker has the message.
// [ErrTooLarge] and [ErrTopic] mean that it never can be sent, [ErrRefused] that the
// broker answered with a reason code (MQTT 5 section 3.4.2.1).
func (l *Link) Publish(ctx context.Context, m Message) error {
	wait, err := l.Send(ctx, m)
	if err != nil {
		return err
	}
	return wait()
}

// Send is Publish in two steps: it returns when the message is on its way, so
// that one goroutine can keep many under way in a certain order. The function it
// returns waits for the acknowledgement; it must be called.
func (l *Link) Send(ctx context.Context, m Message) (wait func() error, err error) {
	c := l.up.Load()
	if c == nil {
		return nil, ErrDown
	}
	if err := c.check(m); err != nil {
		return nil, err
	}
	end := time.Now().Add(ackTimeout)
	ack, err := c.send(ctx, end, &publication{Message: m})
	if err != nil {
		return nil, err
	}
	return func() error {
		ctx, cancel := context.WithDeadlineCause(ctx, end, errNoAck)
		defer cancel()
		a, err := c.await(ctx, ack)
		if err != nil {
			return err
		}
		return verdict(a)
	}, nil
}

// check finds what the broker would answer by closing the connection.
func (c *connection) check(m Message) error {
	switch {
	case m.Topic == "", len(m.Topic) > longTopic, !utf8.ValidString(m.Topic), strings.ContainsAny(m.Topic, "+#\x00"):
		return fmt.Errorf("%w: %.80q", ErrTopic, m.Topic)
	case c.limit > 0 && m.size() > c.limit:
		return &SizeError{m.Topic, m.size(), c.limit}
	}
	return nil
}

// size is the length of the PUBLISH packet, at most a few bytes too much.
func (m Message) size() int {
	n := 5 + 2 + len(m.Topic) + 2 + 4 + len(m.Payload)
	if m.Reply != "" {
		n += 3 + len(m.Reply)
	}
	if m.Correlation != nil {
		n += 3 + len(m.Correlation)
	}
	return n
}

// send puts a packet that will be answered on the wire. The library's own Publish
// would do the same and then wait, so the order of two of them could not be told.
// Who has to wait for that does so until end.
func (c *connection) send(ctx context.Context, end time.Time, p session.Packet) (<-chan packets.ControlPacket, error) {
	first := c.first()
	if !first || c.session.full() { // a timer for every message would cost too much
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, end, errNoAck)
		defer cancel()
	}
	if !first {
		select {
		case c.turn <- struct{}{}:
		case <-c.lost:
			return nil, ErrDown
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	defer func() { <-c.turn }()
	answer := make(chan packets.ControlPacket, 1)
	switch err := c.session.AddToSession(ctx, p, answer); {
	case errors.Is(err, session.ErrNoConnection):
		return nil, ErrDown
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, err
	}
	if _, err := p.WriteTo(c.guard); err != nil {
		_ = c.Close() // half a packet may be out
		return nil, fmt.Errorf("%w: %s", ErrDown, words(err))
	}
	return answer, nil
}

// first takes the turn if nobody has it.
func (c *connection) first() bool {
	select {
	case c.turn <- struct{}{}:
		return true
	default:
		return false
	}
}

// await gives the answer, or says that the connection was lost before it came.
func (c *connection) await(ctx context.Context, answer <-chan packets.ControlPacket) (packets.ControlPacket, error) {
	select {
	case a := <-answer:
		return a, nil
	case <-ctx.Done():
		return packets.ControlPacket{}, context.Cause(ctx)
	case <-c.lost:
	}
	select {
	case a := <-answer: // it came just before
		return a, nil
	default:
		return packets.ControlPacket{}, errLost
	}
}

func verdict(a packets.ControlPacket) error {
	p, ok := a.Content.(*packets.Puback)
	switch {
	case !ok: // the session ended
		return errLost
	case p.ReasonCode >= 0x80:
		return fmt.Errorf("%w: %s", ErrRefused, describe(p.ReasonCode, said(p.Properties)))
	}
	return nil
}

func said(p *packets.Properties) string {
	if p == nil {
		return ""
	}
	return p.ReasonString
}
