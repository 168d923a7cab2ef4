package linktest

import (
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"
)

// idle is a listener that nobody connects to; it closes the clients that Dial made.
type idle struct{}

func (idle) ID() string                      { return memory }
func (idle) Address() string                 { return memory }
func (idle) Protocol() string                { return memory }
func (idle) Init(*slog.Logger) error         { return nil }
func (idle) Serve(listeners.EstablishFn)     {}
func (idle) Close(closing listeners.CloseFn) { closing(memory) }

// spooled makes spools of what a listener in memory accepts.
type spooled struct{ net.Listener }

func (l spooled) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newSpool(c), nil
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
