package linktest

import (
	"crypto/tls"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"
)

// A door is where the broker takes connections: from a listener, or only from
// Dial. The broker library's own listeners begin to serve a client while they are
// being closed; this one counts clients under the broker's lock.
type door struct {
	*Broker
	net.Listener // nil in memory
}

const doorID = "door"

func (door) ID() string              { return doorID }
func (d door) Address() string       { return d.url.Host }
func (d door) Protocol() string      { return d.url.Scheme }
func (door) Init(*slog.Logger) error { return nil }

func (d door) Serve(listeners.EstablishFn) {
	if d.Listener == nil {
		return
	}
	for {
		c, err := d.Accept()
		if err != nil {
			return
		}
		if _, isTCP := c.(*net.TCPConn); !isTCP {
			c = newSpool(c)
		}
		_ = d.attach(c)
	}
}

func (d door) Close(closing listeners.CloseFn) {
	if d.Listener != nil {
		_ = d.Listener.Close()
	}
	closing(doorID)
}

// attach serves a client, or closes it when the broker is closed.
func (b *Broker) attach(c net.Conn) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		_ = c.Close()
		return net.ErrClosed
	}
	if b.o.TLS != nil {
		c = tls.Server(c, b.o.TLS)
	}
	clients := &b.server.Listeners.ClientsWg
	clients.Add(1)
	b.conns[c] = true
	go func() {
		defer clients.Done()
		_ = b.server.EstablishConnection(doorID, c)
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.conns, c)
	}()
	return nil
}

// A spool is the broker's end of a pipe, with the memory that a socket has and
// a pipe has not: without it both ends may write and wait for the other to read.
type spool struct {
	net.Conn
	mu     sync.Mutex
	filled *sync.Cond
	queue  []byte
	closed bool
}

func newSpool(c net.Conn) *spool {
	s := &spool{Conn: c}
	s.filled = sync.NewCond(&s.mu)
	go s.drain()
	return s
}

func (s *spool) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, net.ErrClosed
	}
	s.queue = append(s.queue, p...)
	s.filled.Signal()
	return len(p), nil
}

// Close lets go of the reader at once and closes when everything is written, as
// a socket does, but waits no longer than a second for a client that does not read.
func (s *spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		_ = s.SetReadDeadline(time.Now())
		_ = s.SetWriteDeadline(time.Now().Add(time.Second))
		s.filled.Signal()
	}
	return nil
}

func (s *spool) drain() {
	defer s.Conn.Close()
	for {
		s.mu.Lock()
		for len(s.queue) == 0 && !s.closed {
			s.filled.Wait()
		}
		part := s.queue
		s.queue = nil
		s.mu.Unlock()
		if len(part) == 0 {
			return
		}
		if _, err := s.Conn.Write(part); err != nil {
			_ = s.Close()
			return
		}
	}
}
