// Package link keeps one MQTT 5 connection up. The bridge uses it twice:
// towards LG's event broker and towards the local one.
package link

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
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
	Username      string                 // default: the user part of the URL
	Password      func() (string, error) // asked before every connection: the file may have changed
	TLS           *tls.Config            // default: system roots
	Will          *Message
	Subscriptions []Subscription
	// Vital says that the link is there for its subscriptions: it is not up as long
	// as the broker refuses all of them, and Run ends with [ErrCertificate] if they
	// are not for the client's certificate. One that is granted late is told by Up.
	Vital         bool
	Keepalive     time.Duration // default 15 s
	SessionExpiry time.Duration // default 0: a clean session each time
	Backoff       Backoff       // zero: the defaults for the local broker
	Buffer        int           // capacity of Messages; default 64
	// Handle, if set, takes what is received, in place of Messages. It is called
	// for one message after the other, on the goroutine that reads them, and must
	// not block.
	Handle func(Message)
	// Overflow, if set, is given each message that finds Messages full, so that
	// it can be answered. It is called as Handle is, and must not block either.
	Overflow func(Message)
	// Clear lets the password go unencrypted to an address of the internet, which
	// is refused otherwise, unless the host is named by a single word, as in a house
	// or among containers (S-13).
	Clear  bool
	Logger *slog.Logger // default: none
	// Dial, if set, replaces net.Dialer: tests use in-memory pipes.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Backoff says how long to wait between connections. It remembers: a connection
// resets it only after it was up for Stable (F-030, F-031).
type Backoff struct {
	Min, Max, Stable time.Duration
	PerMinute        int // ceiling of connection attempts
}

// A Link is one connection, kept up by Run.
type Link struct {
	o        Options
	at       endpoint
	bad      error // what is wrong with the options
	messages chan Message
	signal   chan struct{}
	up       atomic.Pointer[connection] // nil while down
	status   condition
	as       atomic.Pointer[guise]
	again    chan struct{}   // Reappear was called
	answers  map[string]byte // to subscriptions, by filter; only Run's goroutine
	warned   atomic.Bool     // that everybody on the way can read along

	mu     sync.Mutex // of what follows
	keeper *keeper    // the one in charge; what others do counts no more
	pace   *Pacer
	say    sayer
	family string // what the next attempt dials: tcp, or tcp4 where IPv6 leads nowhere
	public bool   // it was said that the broker lets everybody in
}

// New makes a link; Run connects it. What is wrong with the options is told by Run.
func New(o Options) *Link {
	at, err := newEndpoint(o.URL)
	o.Keepalive = cmp.Or(o.Keepalive, 15*time.Second)
	o.Buffer = cmp.Or(o.Buffer, 64)
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	o.Backoff = o.Backoff.orDefault()
	if err == nil && o.Username == "" && o.URL.User != nil {
		o.Username = o.URL.User.Username()
		if p, ok := o.URL.User.Password(); ok && o.Password == nil {
			o.Password = func() (string, error) { return p, nil }
		}
	}
	l := &Link{o: o, at: at, bad: err,
		answers: map[string]byte{}, messages: make(chan Message, o.Buffer), signal: make(chan struct{}, 1), again: make(chan struct{}, 1)}
	l.status.begin(time.Now())
	return l
}

// Run connects, subscribes, and reconnects until ctx ends, then disconnects in
// an orderly way and returns nil. It returns an error only where another try is
// pointless without help: a refused certificate wraps [ErrCertificate], and
// [ErrStuck] means that only a new process helps. It may be called again after
// it returned.
//
// The farewell is the caller's: what Publish has confirmed before ctx ends is
// with the broker, and DISCONNECT tells the broker to forget the will.
func (l *Link) Run(ctx context.Context) error {
	if l.bad != nil {
		return l.bad
	}
	l.begin()
	defer func() { l.status.lost("stopped", time.Now()) }()
	for stuck := 0; ; {
		gone, err := l.keep(ctx)
		switch {
		case errors.Is(err, errAgain):
			l.forget()
		case !errors.Is(err, errStands):
			return err
		}
		if !gone {
			stuck++
		}
		if stuck == mostStuck {
			return ErrStuck
		}
	}
}

// begin forgets what an earlier Run has learnt.
func (l *Link) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pace, l.say, l.family = NewPacer(l.o.Backoff), sayer{}, "tcp"
}

// keep runs one connection manager until ctx ends, another try is pointless, or
// it has to be replaced; gone tells whether nothing of it is left.
func (l *Link) keep(ctx context.Context) (gone bool, err error) {
	k := newKeeper(l)
	// Cancelling the library's context would cut the connection off before the
	// farewell, so it gets one that outlives ours.
	manager, err := autopaho.NewConnection(context.WithoutCancel(ctx), k.config())
	if err != nil {
		return true, err
	}
	err = k.serve(ctx)
	return k.stop(manager), err
}

// Messages delivers what was received. When nobody takes them the newest goes to
// Options.Overflow, and is counted in Status.
func (l *Link) Messages() <-chan Message { return l.messages }

// Up sends a value after every new connection, when its subscriptions stand, and
// from a vital link when one is granted late.
// A value that was not taken is replaced, not queued.
func (l *Link) Up() <-chan struct{} { return l.signal }

// Status can be called from anywhere.
func (l *Link) Status() Status { return l.status.get() }
