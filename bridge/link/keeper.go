package link

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

const (
	// stopTimeout bounds the DISCONNECT at the end.
	stopTimeout = 3 * time.Second
	// retryRefused is how often a refused subscription is asked for again.
	retryRefused = 5 * time.Minute
)

// A keeper is one Run of a link: what the library asks on the goroutine of its
// connection manager, and what it hands over to ours. Its callbacks never block.
type keeper struct {
	*Link
	session *memory
	fresh   chan *connection // a connection that wants its subscriptions; newest wins
	fatal   chan error

	pace    *Pacer // only the manager's goroutine
	pending *guard // likewise: the connection being made
}

func newKeeper(l *Link) *keeper {
	return &keeper{
		Link:    l,
		session: &memory{hand: l.hand},
		fresh:   make(chan *connection, 1),
		fatal:   make(chan error, 1),
		pace:    NewPacer(l.o.Backoff),
	}
}

func (k *keeper) config() autopaho.ClientConfig {
	c := autopaho.ClientConfig{
		ServerUrls:            []*url.URL{k.at.url},
		KeepAlive:             uint16(k.o.Keepalive / time.Second),
		SessionExpiryInterval: uint32(k.o.SessionExpiry / time.Second),
		ConnectTimeout:        connectTimeout,
		ReconnectBackoff:      func(int) time.Duration { return k.pace.Next(time.Now()) },
		AttemptConnection:     k.attempt,
		ConnectPacketBuilder:  k.greeting,
		OnConnectionUp:        k.onUp,
		OnConnectionDown:      k.onDown,
		OnConnectError:        k.onError,
	}
	c.ClientID = k.o.ClientID
	c.Session = k.session
	c.PingHandler = heartbeat{k.o.Keepalive}
	// Only messages with QoS 0 come this way, the others go through the session.
	c.OnPublishReceived = []func(paho.PublishReceived) (bool, error){func(r paho.PublishReceived) (bool, error) {
		k.hand(r.Packet.Packet())
		return true, nil
	}}
	if w := k.o.Will; w != nil {
		c.WillMessage = &paho.WillMessage{Topic: w.Topic, Payload: w.Payload, Retain: w.Retain, QoS: 1}
	}
	return c
}

// attempt is given a context without a deadline; dial sets one.
func (k *keeper) attempt(ctx context.Context, _ autopaho.ClientConfig, _ *url.URL) (net.Conn, error) {
	c, err := k.dial(ctx)
	if err != nil {
		return nil, err
	}
	k.pending = newGuard(c, connectTimeout)
	return k.pending, nil
}

// greeting completes the CONNECT packet. Limits are announced because without
// them the library reserves 65,535 places for messages.
func (k *keeper) greeting(c *paho.Connect, _ *url.URL) (*paho.Connect, error) {
	c.CleanStart = k.o.SessionExpiry == 0
	c.Properties = &paho.ConnectProperties{
		SessionExpiryInterval: new(uint32(k.o.SessionExpiry / time.Second)),
		ReceiveMaximum:        new(uint16(receiveMaximum)),
		MaximumPacketSize:     new(uint32(maxPacket)),
		RequestProblemInfo:    true,
	}
	c.Username, c.UsernameFlag = k.o.Username, k.o.Username != ""
	if k.o.Password == nil {
		return c, nil
	}
	password, err := k.o.Password()
	if err != nil {
		return nil, fmt.Errorf("password: %w", err)
	}
	c.Password, c.PasswordFlag = []byte(password), true
	return c, nil
}

func (k *keeper) onUp(_ *autopaho.ConnectionManager, ack *paho.Connack) {
	now := time.Now()
	keepalive := k.o.Keepalive
	if p := ack.Properties; p != nil && p.ServerKeepAlive != nil && *p.ServerKeepAlive > 0 {
		keepalive = time.Duration(*p.ServerKeepAlive) * time.Second
	}
	k.pending.watch(keepalive * 22 / 10)
	c := newConnection(k.pending, k.session, ack)
	k.pace.Connected(now)
	down := k.status.connected(now)
	k.o.Logger.Info("connected", "broker", k.at.url.Host, "after", down.Round(time.Millisecond))
	k.up.Store(c)
	replace(k.fresh, c)
}

func (k *keeper) onDown() bool {
	now := time.Now()
	k.up.Store(nil)
	k.pace.Lost(now)
	problem := "connection lost"
	if err := k.pending.fault(); err != nil {
		problem = words(err)
		if r, ok := refused(err); ok {
			k.pace.refused(r.code, now)
		}
	}
	if k.pace.churning() {
		problem += ", again and again: does another client use the same client id?"
	}
	up := k.status.lost(problem, now)
	k.o.Logger.Warn("connection lost", "broker", k.at.url.Host, "problem", problem, "after", up.Round(time.Millisecond))
	return true
}

func (k *keeper) onError(err error) {
	r, ok := refused(err)
	if ok {
		k.pace.refused(r.code, time.Now())
	}
	if k.status.trouble(words(err)) {
		k.o.Logger.Warn("no connection", "broker", k.at.url.Host, "problem", words(err))
	}
	if k.byCertificate() && (alerted(err) || ok && (r.code == unauthorized || r.code == badUser)) {
		replace(k.fatal, fmt.Errorf("%w: %s", ErrCertificate, words(err)))
	}
}

// byCertificate tells whether a certificate is all that the broker knows us by.
func (k *keeper) byCertificate() bool {
	t := k.o.TLS
	return k.at.secure && k.o.Username == "" && t != nil && (len(t.Certificates) > 0 || t.GetClientCertificate != nil)
}

// hand delivers a message.
func (l *Link) hand(p *packets.Publish) {
	m := Message{Topic: p.Topic, Payload: p.Payload, Retain: p.Retain, Dup: p.Duplicate, Received: time.Now()}
	if p.Properties != nil {
		m.Reply, m.Correlation = p.Properties.ResponseTopic, p.Properties.CorrelationData
	}
	if l.o.Handle != nil {
		l.o.Handle(m)
	} else {
		l.put(m)
	}
	runtime.Gosched() // the receiver first, then the acknowledgement
}

// put leaves a message for whoever takes Messages. It never waits (F-041): a
// full channel is the business of Overflow.
func (l *Link) put(m Message) {
	select {
	case l.messages <- m:
	default:
		l.status.drop()
		if l.o.Overflow != nil {
			l.o.Overflow(m)
		}
	}
}

// serve looks after the subscriptions until ctx ends or another try is pointless.
func (k *keeper) serve(ctx context.Context) error {
	again := time.NewTicker(retryRefused)
	defer again.Stop()
	var c *connection
	var refused []Subscription
	for {
		select {
		case c = <-k.fresh:
			refused = k.subscribe(ctx, c, k.o.Subscriptions, true)
		case <-again.C:
			if len(refused) > 0 && c == k.up.Load() {
				refused = k.subscribe(ctx, c, refused, false)
			}
		case err := <-k.fatal:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// stop says DISCONNECT and waits until nothing of the library runs any more.
func (k *keeper) stop(manager *autopaho.ConnectionManager) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	err := manager.Disconnect(ctx)
	if c := k.up.Swap(nil); c != nil && err != nil {
		_ = c.Close() // a peer that does not read holds the DISCONNECT up
	}
	<-manager.Done()
	k.status.lost("stopped", time.Now())
}

// replace puts the newest value into a channel of capacity 1. Only one goroutine
// may send.
func replace[T any](c chan T, v T) {
	select {
	case <-c:
	default:
	}
	c <- v
}
