package link

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	maxPacket      = 256 << 10        // largest packet we take, announced in CONNECT
	receiveMaximum = 64               // messages the broker may have under way to us
	writeTimeout   = 10 * time.Second // a peer that stops reading is gone
	connectTimeout = 10 * time.Second // dial, TLS and CONNACK together

	// lastLook is the time for what has come already: a process that was kept from
	// running wakes to a deadline long past, and to messages that nobody has read.
	lastLook = 200 * time.Millisecond
)

// Packet types of MQTT 5 section 2.1.2 that the guard looks into.
const (
	connackPacket    = 2
	disconnectPacket = 14
	authPacket       = 15
)

var beforeConnack = []byte{connackPacket, disconnectPacket, authPacket}

// A guard stands between the library and the network. It knows where packets
// begin, so it can do what the library does not: refuse a packet that is too
// large before memory is reserved for it, recognise a broker that speaks only
// MQTT 3.1.1, remember why the broker said goodbye, notice silence, bound
// every write, and send each packet in one piece. The last matters: the library
// writes a PUBLISH in four parts, which would be four TLS records.
//
// The embedded turn makes it a sync.Locker, which the library takes around each
// packet.
type guard struct {
	net.Conn
	turn

	in      *bufio.Reader
	left    int         // bytes of the present packet that the library has not read yet
	greeted atomic.Bool // CONNACK has come

	watching sync.Mutex // what follows, and the read deadline made from it
	silence  time.Duration
	broken   error     // of the first write that failed
	end      time.Time // then: when reading ends, whatever comes

	out     []byte
	missing int // bytes of the packet in out that the library has not written yet

	cause atomic.Pointer[error] // the first fault
	once  sync.Once
	lost  chan struct{} // closed with the connection
	ended time.Time     // when that was
}

// A turn is a lock that may be held for as long as a write takes. It is no mutex,
// because who waits for one keeps the clock of testing/synctest from going on.
type turn chan struct{}

func (t turn) Lock()   { t <- struct{}{} }
func (t turn) Unlock() { <-t }

func newGuard(c net.Conn, silence time.Duration) *guard {
	g := &guard{Conn: c, turn: make(turn, 1), silence: silence, lost: make(chan struct{})}
	g.in = bufio.NewReaderSize(watchdog{g}, 4096)
	return g
}

// watch sets how long the broker may be silent, for the read that waits already
// as well.
func (g *guard) watch(silence time.Duration) {
	g.watching.Lock()
	defer g.watching.Unlock()
	g.silence = silence
	g.allow(silence)
}

// allow sets how long the network may take; watching must be held.
func (g *guard) allow(d time.Duration) {
	at := time.Now().Add(d)
	if g.broken != nil && g.end.Before(at) {
		at = g.end
	}
	_ = g.SetReadDeadline(at)
}

// snap notes that nothing can be written any more. What the peer said before it
// was gone is read all the same: the reader ends a connection, nobody else.
func (g *guard) snap(err error) {
	g.watching.Lock()
	defer g.watching.Unlock()
	g.broken, g.end = err, time.Now().Add(lastLook)
	g.allow(lastLook)
}

// snapped is the fault of writing, nil if there is none.
func (g *guard) snapped() error {
	g.watching.Lock()
	defer g.watching.Unlock()
	return g.broken
}

// A watchdog reads from the network and gives up when nothing comes.
type watchdog struct{ *guard }

func (w watchdog) Read(p []byte) (int, error) {
	w.watching.Lock()
	w.allow(w.silence)
	w.watching.Unlock()
	n, err := w.Conn.Read(p)
	if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	return w.look(p)
}

// look reads what has come by now.
func (w watchdog) look(p []byte) (int, error) {
	w.watching.Lock()
	w.allow(lastLook)
	w.watching.Unlock()
	n, err := w.Conn.Read(p)
	if broken := w.snapped(); n == 0 && broken != nil {
		return 0, broken
	}
	return n, err
}

func (g *guard) Read(p []byte) (int, error) {
	if g.left == 0 {
		if err := g.header(); err != nil {
			return 0, g.fail(err)
		}
	}
	n, err := g.in.Read(p[:min(len(p), g.left)])
	g.left -= n
	if err != nil {
		return n, g.fail(err)
	}
	return n, nil
}

// header looks at the packet that begins, without taking anything of it.
func (g *guard) header() error {
	first, err := g.in.Peek(2)
	if err != nil {
		return g.beforeGreeting(err)
	}
	kind, length := first[0]>>4, 0
	size := 2
	for first[size-1]&0x80 != 0 && size < 5 {
		if first, err = g.in.Peek(size + 1); err != nil {
			return err
		}
		size++
	}
	for i := size - 1; i > 0; i-- {
		length = length<<7 | int(first[i]&0x7f)
	}
	if size+length > maxPacket {
		return fmt.Errorf("the broker sent a packet of %d bytes, more than the %d announced", size+length, maxPacket)
	}
	g.left = size + length
	return g.inspect(kind, size, length)
}

// beforeGreeting tells an end that came before CONNACK from a later one.
func (g *guard) beforeGreeting(err error) error {
	switch {
	case g.greeted.Load():
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errMute
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return errNoConnack
	}
	return err
}

// inspect reads over the library's shoulder.
func (g *guard) inspect(kind byte, size, length int) error {
	switch {
	case !g.greeted.Load() && !slices.Contains(beforeConnack, kind):
		return errNotMQTT
	case kind == connackPacket && length == 2: // MQTT 5 has at least three bytes there
		return errOldBroker
	case kind == connackPacket:
		g.greeted.Store(true)
	case kind == disconnectPacket && length == 0:
		g.note(refusal{})
	case kind == disconnectPacket:
		b, err := g.in.Peek(size + 1)
		if err != nil {
			return err
		}
		g.note(refusal{code: b[size]})
	}
	return nil
}

// Write gathers one packet and sends it. Errors before CONNACK are reported for
// its last part, later ones by Read.
func (g *guard) Write(p []byte) (int, error) {
	if len(p) == 0 { // an empty payload, when the packet has gone already
		return 0, nil
	}
	if len(g.out) == 0 && g.missing == 0 {
		g.missing = packetSize(p)
	}
	g.missing -= len(p)
	if g.missing > 0 {
		g.out = append(g.out, p...)
		return len(p), nil
	}
	whole := p
	if len(g.out) > 0 {
		whole = append(g.out, p...)
		g.out = whole[:0]
	}
	g.missing = 0
	if g.snapped() != nil {
		return len(p), nil
	}
	_ = g.Conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	switch _, err := g.Conn.Write(whole); {
	case err == nil:
	case g.greeted.Load():
		g.snap(err)
	default:
		return 0, g.fail(g.alert(err))
	}
	return len(p), nil
}

// alert asks the peer why a write failed: a broker that refuses our certificate
// sends its reason and closes, and with TLS 1.3 our first packet often meets the
// closed socket before we have read that reason.
func (g *guard) alert(err error) error {
	_ = g.Conn.SetReadDeadline(time.Now().Add(time.Second))
	if _, said := g.Conn.Read(make([]byte, 1)); alerted(said) {
		return said
	}
	return err
}

// Close ends the connection and releases everybody who waits for it.
func (g *guard) Close() error {
	g.once.Do(func() {
		g.ended = time.Now()
		close(g.lost)
	})
	return g.Conn.Close()
}

// fail notes the fault that ended the connection, and hands it on.
func (g *guard) fail(err error) error {
	g.note(err)
	return err
}

// note keeps the first cause. That we closed the connection ourselves is none.
func (g *guard) note(err error) {
	if !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.ErrClosedPipe) {
		g.cause.CompareAndSwap(nil, &err)
	}
}

// fault is why the connection ended, nil if nobody knows.
func (g *guard) fault() error {
	if p := g.cause.Load(); p != nil {
		return *p
	}
	return nil
}

// packetSize reads the fixed header, which the library always writes in one part
// (MQTT 5 section 2.1.4).
func packetSize(p []byte) int {
	length := 0
	for i := 1; i < len(p) && i < 5; i++ {
		length |= int(p[i]&0x7f) << (7 * (i - 1))
		if p[i]&0x80 == 0 {
			return 1 + i + length
		}
	}
	return len(p)
}
