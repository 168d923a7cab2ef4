// Package link keeps one MQTT 5 connection up. The bridge uses it twice:
// towards LG's event broker and towards the local one.
package link

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/url"
	"time"
)

// A Message is one MQTT publication, sent or received. QoS is always 1.
type Message struct {
	Topic       string
	Payload     []byte
	Retain      bool
	Dup         bool      // received: the broker sent it before
	Reply       string    // MQTT 5 response topic, empty if none
	Correlation []byte    // MQTT 5 correlation data
	Received    time.Time // when it came off the wire
}

// A Subscription is a topic filter; what was retained before the subscription
// is delivered only if Retained says so (MQTT 5 section 3.8.3.1).
type Subscription struct {
	Filter   string
	Retained bool
}

// Options configure a [Link]. URL and ClientID are required.
type Options struct {
	URL           *url.URL // mqtt, mqtts, ws, wss; the port may be left out
	ClientID      string
	Username      string
	Password      func() (string, error) // asked before every connection: the file may have changed
	TLS           *tls.Config            // default: system roots
	Will          *Message
	Subscriptions []Subscription
	Keepalive     time.Duration // default 15 s
	SessionExpiry time.Duration // default 0: a clean session each time
	Backoff       Backoff       // zero: the defaults for the local broker
	Buffer        int           // capacity of Messages; default 64
	Logger        *slog.Logger  // default: none
	// Dial, if set, replaces net.Dialer: tests use in-memory pipes.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Backoff says how long to wait between connections. It remembers: a connection
// resets it only after it was up for Stable (F-030, F-031).
type Backoff struct {
	Min, Max, Stable time.Duration
	PerMinute        int // ceiling of connection attempts
}

// Status is the present condition of a link, for the status page and metrics.
type Status struct {
	Connected bool
	Since     time.Time // of the present condition
	Problem   string    // why it is down, in words; empty when up
	Connects  int       // successful connections so far
	Dropped   int       // received messages that nobody took in time
}

// A Link is one connection, kept up by Run.
type Link struct{ o Options }

// New makes a link; Run connects it.
func New(o Options) *Link { panic("unwritten") }

// Run connects, subscribes, and reconnects until ctx ends, then disconnects in
// an orderly way and returns nil. It returns an error only where another try is
// pointless without help: a refused certificate wraps [ErrCertificate].
func (l *Link) Run(ctx context.Context) error { panic("unwritten") }

// Publish sends with QoS 1 and returns when the broker has acknowledged. Several
// may be under way at once; they are sent in the order of the calls.
// [ErrDown] means it was not sent, [ErrTooLarge] that it never can be, [ErrRefused] that the
// broker answered with a reason code (MQTT 5 section 3.4.2.1).
func (l *Link) Publish(ctx context.Context, m Message) error { panic("unwritten") }

// Messages delivers what was received. When nobody takes them the newest is
// dropped and counted in Status.
func (l *Link) Messages() <-chan Message { panic("unwritten") }

// Up sends a value after every new connection, when its subscriptions stand.
func (l *Link) Up() <-chan struct{} { panic("unwritten") }

// Status can be called from anywhere.
func (l *Link) Status() Status { panic("unwritten") }
