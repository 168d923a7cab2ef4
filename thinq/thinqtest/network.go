package thinqtest

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A Network is a network inside the process: what one side listens on, the
// other can dial. It has no sockets and no time of its own, so everything that
// runs over it can be tested under the virtual time of testing/synctest. The
// zero value is ready; its methods can be called from several goroutines.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*pipeListener
	conns     map[*pipeConn]struct{}
	frozen    bool
	nowhere   []string // hosts that have no address; "*": all
	dialled   []string
}

// pipeSize is how much may be under way in one direction before a write waits.
const pipeSize = 64 << 10

// Listen announces addr ("api.test:443", any text with a port will do). The
// error says that somebody listens there already.
func (n *Network) Listen(addr string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[addr] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: pipeAddr(addr), Err: syscall.EADDRINUSE}
	}
	if n.listeners == nil {
		n.listeners = map[string]*pipeListener{}
	}
	l := &pipeListener{network: n, addr: pipeAddr(addr), backlog: make(chan net.Conn), closed: make(chan struct{})}
	n.listeners[addr] = l
	return l, nil
}

// Dial connects to a listener, in the form that clients take. Nobody listening
// is "connection refused", as it would be outside.
func (n *Network) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	l, err := n.find(addr)
	if err != nil {
		return nil, err
	}
	refused := &net.OpError{Op: "dial", Net: network, Addr: pipeAddr(addr), Err: syscall.ECONNREFUSED}
	if l == nil {
		return nil, refused
	}
	here, there := n.pipe(pipeAddr("client"), l.addr)
	select {
	case l.backlog <- there:
		return here, nil
	case <-l.closed:
		here.Close()
		there.Close()
		return nil, refused
	case <-ctx.Done():
		here.Close()
		there.Close()
		return nil, &net.OpError{Op: "dial", Net: network, Addr: pipeAddr(addr), Err: context.Cause(ctx)}
	}
}

// find notes where somebody wants to go, and looks for who listens there.
func (n *Network) find(addr string) (*pipeListener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Contains(n.dialled, addr) {
		n.dialled = append(n.dialled, addr)
	}
	host, _, _ := net.SplitHostPort(addr)
	if slices.Contains(n.nowhere, host) || slices.Contains(n.nowhere, "*") {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
	}
	return n.listeners[addr], nil
}

// Forget takes the addresses of hosts away, "*" those of all: their names are
// not found until the next Forget says otherwise.
func (n *Network) Forget(hosts ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.nowhere = hosts
}

// Dialled are the addresses that anybody ever wanted to connect to, in the order
// of the first time.
func (n *Network) Dialled() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.dialled)
}

// Cut breaks every connection: both sides find it reset. Listeners stay.
func (n *Network) Cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		c.in.fail(syscall.ECONNRESET)
	}
}

// Freeze stops all traffic while the connections seem to stay up, as when a
// cable is pulled somewhere on the way; Freeze(false) lets it flow again.
func (n *Network) Freeze(frozen bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.frozen = frozen
	for c := range n.conns {
		c.in.freeze(frozen)
	}
}

func (n *Network) pipe(client, server pipeAddr) (here, there *pipeConn) {
	up, down := newStream(), newStream()
	here = &pipeConn{network: n, in: down, out: up, local: client, remote: server}
	there = &pipeConn{network: n, in: up, out: down, local: server, remote: client}
	n.mu.Lock()
	defer n.mu.Unlock()
	up.frozen, down.frozen = n.frozen, n.frozen
	if n.conns == nil {
		n.conns = map[*pipeConn]struct{}{}
	}
	n.conns[here], n.conns[there] = struct{}{}, struct{}{}
	return here, there
}

type pipeAddr string

func (pipeAddr) Network() string  { return "tcp" }
func (a pipeAddr) String() string { return string(a) }

type pipeListener struct {
	network *Network
	addr    pipeAddr
	backlog chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (l *pipeListener) Addr() net.Addr { return l.addr }

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.backlog:
		return c, nil
	case <-l.closed:
		return nil, fmt.Errorf("accept %s: %w", l.addr, net.ErrClosed)
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.network.mu.Lock()
		defer l.network.mu.Unlock()
		delete(l.network.listeners, string(l.addr))
	})
	return nil
}

// pipeConn is one end of a connection: it reads from one stream and writes to
// the other.
type pipeConn struct {
	network       *Network
	in, out       *stream
	local, remote pipeAddr
}

func (c *pipeConn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *pipeConn) Write(p []byte) (int, error) { return c.out.write(p) }
func (c *pipeConn) LocalAddr() net.Addr         { return c.local }
func (c *pipeConn) RemoteAddr() net.Addr        { return c.remote }

func (c *pipeConn) Close() error {
	c.out.end()
	c.in.fail(net.ErrClosed)
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	delete(c.network.conns, c)
	return nil
}

func (c *pipeConn) SetDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.readBy, t)
	c.out.setDeadline(&c.out.writeBy, t)
	return nil
}

func (c *pipeConn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.readBy, t)
	return nil
}

func (c *pipeConn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writeBy, t)
	return nil
}

// stream is one direction of a connection.
type stream struct {
	mu              sync.Mutex
	moved           *sync.Cond // something below changed
	data            []byte
	ended           bool  // by the writer: EOF after the data
	err             error // broken: for the reader
	frozen          bool
	readBy, writeBy deadline
}

type deadline struct {
	time  time.Time
	timer *time.Timer
}

func (d deadline) passed() bool { return !d.time.IsZero() && !time.Now().Before(d.time) }

func newStream() *stream {
	s := &stream{}
	s.moved = sync.NewCond(&s.mu)
	return s
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.err != nil:
			return 0, s.err
		case s.readBy.passed():
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case len(s.data) > 0 && !s.frozen:
			n := copy(p, s.data)
			s.data = s.data[n:]
			s.moved.Broadcast()
			return n, nil
		case s.ended && !s.frozen:
			return 0, io.EOF
		}
		s.moved.Wait()
	}
}

func (s *stream) write(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.ended:
			return n, net.ErrClosed
		case s.err != nil:
			return n, syscall.EPIPE
		case s.writeBy.passed():
			return n, os.ErrDeadlineExceeded
		case len(p) == 0:
			return n, nil
		}
		if some := min(len(p), pipeSize-len(s.data)); some > 0 {
			s.data = append(s.data, p[:some]...)
			p, n = p[some:], n+some
			s.moved.Broadcast()
			continue
		}
		s.moved.Wait()
	}
}

func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.moved.Broadcast()
}

func (s *stream) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.data = err, nil
	s.moved.Broadcast()
}

func (s *stream) freeze(frozen bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = frozen
	s.moved.Broadcast()
}

func (s *stream) setDeadline(d *deadline, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
	*d = deadline{time: t}
	// A timer that is due at once can crash the race detector's runtime inside
	// synctest (Go 1.26).
	if wait := time.Until(t); !t.IsZero() && wait > 0 {
		d.timer = time.AfterFunc(wait, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.moved.Broadcast()
		})
	}
	s.moved.Broadcast()
}
