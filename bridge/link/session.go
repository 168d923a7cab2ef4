package link

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho/log"
	"github.com/eclipse/paho.golang/paho/session"
)

const ackDelay = time.Millisecond

// A memory is what the library calls a session: which of our packets wait for an
// answer. It ends with the connection, because nothing old is ever sent again;
// the library's own keeps a copy of every message, starts a goroutine for each
// and sends unacknowledged ones after a reconnect. QoS 2 does not occur.
type memory struct {
	hand func(*packets.Publish) // takes what is received; must not block

	mu      sync.Mutex
	conn    io.Writer // nil while down
	down    chan struct{}
	places  chan struct{} // one taken for each publication under way: the broker's Receive Maximum
	waiting map[uint16]request
	last    uint16
	acks    []byte // PUBACK packets that will be sent within ackDelay
}

type request struct {
	answer chan<- packets.ControlPacket
	placed bool
}

var _ session.SessionManager = (*memory)(nil)

// ConAckReceived begins a connection.
func (s *memory) ConAckReceived(conn io.Writer, _ *packets.Connect, ack *packets.Connack) error {
	most := uint16(65535) // MQTT 5 section 3.2.2.3.3
	if ack.Properties != nil && ack.Properties.ReceiveMaximum != nil {
		most = *ack.Properties.ReceiveMaximum
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn, s.down, s.places = conn, make(chan struct{}), make(chan struct{}, most)
	s.waiting = map[uint16]request{}
	s.acks = nil
	return nil
}

// ConnectionLost ends it; whoever waits gets an empty packet.
func (s *memory) ConnectionLost(*packets.Disconnect) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil
	}
	s.conn = nil
	close(s.down)
	for _, r := range s.waiting {
		r.answer <- packets.ControlPacket{}
	}
	s.waiting = nil
	return nil
}

// AddToSession gives a packet its number, when the broker has a place for it. The
// answer channel needs room for one.
func (s *memory) AddToSession(ctx context.Context, p session.Packet, answer chan<- packets.ControlPacket) error {
	s.mu.Lock()
	down, places := s.down, s.places
	s.mu.Unlock()
	placed := p.Type() == packets.PUBLISH
	if placed {
		select {
		case places <- struct{}{}:
		case <-down: // nil before the first connection; then places is nil as well
			return session.ErrNoConnection
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil || s.down != down {
		return session.ErrNoConnection
	}
	id, ok := s.free()
	if !ok {
		if placed {
			<-s.places
		}
		return session.ErrPacketIdentifiersExhausted
	}
	p.SetIdentifier(id)
	s.waiting[id] = request{answer, placed}
	return nil
}

// full reports whether the next publication has to wait for a place.
func (s *memory) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn != nil && len(s.places) == cap(s.places)
}

// free is the next number that is not in use; 0 is none.
func (s *memory) free() (id uint16, ok bool) {
	for range 65535 {
		s.last = max(s.last+1, 1)
		if _, used := s.waiting[s.last]; !used {
			return s.last, true
		}
	}
	return 0, false
}

// PacketReceived hands over messages, without the library's goroutine in between,
// and answers to those who wait.
func (s *memory) PacketReceived(p *packets.ControlPacket, _ chan<- *packets.Publish) error {
	if m, ok := p.Content.(*packets.Publish); ok {
		s.hand(m)
		return s.Ack(m)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.waiting[p.PacketID()]
	if !ok {
		return nil
	}
	delete(s.waiting, p.PacketID())
	r.answer <- *p
	if r.placed {
		<-s.places
	}
	return nil
}

// Ack acknowledges a message a moment later, together with those that come
// meanwhile: what is made of the message shall go out first. An error needs no
// report: the guard has noted it.
func (s *memory) Ack(m *packets.Publish) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.QoS == 0 || s.conn == nil {
		return nil
	}
	if len(s.acks) == 0 {
		down := s.down
		time.AfterFunc(ackDelay, func() { s.flush(down) })
	}
	s.acks = append(s.acks, 4<<4, 2, byte(m.PacketID>>8), byte(m.PacketID)) // MQTT 5 section 3.4
	return nil
}

// flush sends the acknowledgements of the connection that ends with down.
func (s *memory) flush(down chan struct{}) {
	s.mu.Lock()
	acks, conn := s.acks, s.conn
	if conn == nil || s.down != down {
		s.mu.Unlock()
		return
	}
	s.acks = nil
	s.mu.Unlock()
	if l, ok := conn.(sync.Locker); ok {
		l.Lock()
		defer l.Unlock()
	}
	_, _ = conn.Write(acks)
}

func (s *memory) Close() error            { return s.ConnectionLost(nil) }
func (*memory) SetDebugLogger(log.Logger) {}
func (*memory) SetErrorLogger(log.Logger) {}
