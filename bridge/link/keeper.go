package link

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

const (
	// stopTimeout bounds the DISCONNECT at the end, and what comes after it.
	stopTimeout = 3 * time.Second
	// retryRefused is how often a refused subscription is asked for again.
	retryRefused = 5 * time.Minute
	// patience is how long a connection manager may try without success before
	// another takes its place (F-040), looked at every watchTick.
	patience  = 10 * time.Minute
	watchTick = time.Minute
	// mostStuck is how many managers may be left behind because they do not end.
	mostStuck = 3
)

// A keeper is one connection manager of the library: what it asks on its
// goroutine, and what it hands over to ours. Its callbacks never block. They
// count only while the keeper is in charge of the link: a manager that stands
// still and wakes up late finds another in its place.
type keeper struct {
	*Link
	session *memory
	fresh   chan *connection // a connection that wants its subscriptions; newest wins
	fatal   chan error
	began   time.Time
	look    guise

	pending *guard                    // only the manager's goroutine: the connection being made
	rest    atomic.Pointer[time.Time] // until when a refusal keeps us away
}

func newKeeper(l *Link) *keeper {
	k := &keeper{
		Link:    l,
		session: &memory{hand: l.hand},
		fresh:   make(chan *connection, 1),
		fatal:   make(chan error, 1),
		began:   time.Now(),
		look:    l.guise(),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keeper = k
	return k
}

// enter begins a callback; it is to be left with Unlock if the answer is yes.
func (k *keeper) enter() (inCharge bool) {
	k.mu.Lock()
	if k.keeper == k {
		return true
	}
	k.mu.Unlock()
	return false
}

func (k *keeper) config() autopaho.ClientConfig {
	c := autopaho.ClientConfig{
		ServerUrls:            []*url.URL{k.at.url},
		KeepAlive:             uint16(k.o.Keepalive / time.Second),
		SessionExpiryInterval: uint32(k.o.SessionExpiry / time.Second),
		ConnectTimeout:        connectTimeout,
		ReconnectBackoff:      func(int) time.Duration { return k.wait() },
		AttemptConnection:     k.attempt,
		ConnectPacketBuilder:  k.greeting,
		OnConnectionUp:        k.onUp,
		OnConnectionDown:      k.onDown,
		OnConnectError:        k.onError,
	}
	c.ClientID = k.o.ClientID + k.look.alias
	c.Session = k.session
	c.PingHandler = heartbeat{k.o.Keepalive}
	// Only messages with QoS 0 come this way, the others go through the session.
	c.OnPublishReceived = []func(paho.PublishReceived) (bool, error){func(r paho.PublishReceived) (bool, error) {
		k.hand(r.Packet.Packet())
		return true, nil
	}}
	if w := k.o.Will; w != nil && !k.look.bare {
		c.WillMessage = &paho.WillMessage{Topic: w.Topic, Payload: w.Payload, Retain: w.Retain, QoS: 1}
	}
	return c
}

// wait says when to try next, and marks a wait that is longer than any backoff.
func (k *keeper) wait() time.Duration {
	if !k.enter() {
		return patience // until the manager's context ends
	}
	defer k.mu.Unlock()
	now := time.Now()
	d := k.pace.Next(now)
	var rest time.Time
	if d > k.pace.Max {
		rest = now.Add(d)
		k.rest.Store(&rest)
	}
	k.status.resting(rest)
	return d
}

// attempt is given a context without a deadline; dial sets one.
func (k *keeper) attempt(ctx context.Context, _ autopaho.ClientConfig, _ *url.URL) (net.Conn, error) {
	if !k.enter() {
		return nil, errRetired
	}
	family := k.family
	k.mu.Unlock()
	c, err := k.dial(ctx, family)
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
	if !ack.SessionPresent {
		k.status.gap() // now: the next connection finds the session that this one has begun
	}
	if !k.enter() {
		_ = k.pending.Close()
		return
	}
	defer k.mu.Unlock()
	k.pending.watch(shorter(k.o.Keepalive, asked(ack)) * 22 / 10)
	c := newConnection(k.pending, k.session, ack)
	k.pace.Connected(time.Now())
	k.up.Store(c)
	replace(k.fresh, c)
}

// asked is the keepalive that the broker wants, zero if it leaves that to us.
func asked(ack *paho.Connack) time.Duration {
	if p := ack.Properties; p != nil && p.ServerKeepAlive != nil {
		return time.Duration(*p.ServerKeepAlive) * time.Second
	}
	return 0
}

// ready is called when the subscriptions of a connection stand, not before: a
// link that hears nothing is not up (F-108).
func (k *keeper) ready(c *connection) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.up.Load() != c {
		return
	}
	c.stands = true
	now := time.Now()
	down := k.status.connected(now)
	k.tell(slog.LevelInfo, "connected", "", "after", down.Round(time.Millisecond))
	k.warn()
	replace(k.signal, struct{}{})
}

// warn says once that the broker lets everybody in, who may then publish
// commands as others do: MQTT tells nobody from whom they come.
func (k *keeper) warn() {
	if k.public || k.o.Password != nil || k.byCertificate() {
		return
	}
	k.public = true
	k.o.Logger.Warn("the broker asks for no password: whoever reaches it can control the appliances", "broker", k.at.url.Host)
}

func (k *keeper) onDown() bool {
	if !k.enter() {
		return false
	}
	defer k.mu.Unlock()
	now := time.Now()
	k.up.Store(nil)
	k.pace.Lost(now)
	problem, err := "connection lost", k.pending.fault()
	if err != nil {
		problem = words(err)
		k.keepAway(err, now)
	}
	if k.pace.churning() && hungUp(err) {
		problem += ", again and again: does another client use the same client id?"
	}
	up := k.status.lost(problem, now)
	k.tell(slog.LevelWarn, "connection lost", problem, "after", up.Round(time.Millisecond))
	return true
}

func (k *keeper) onError(err error) {
	if !k.enter() {
		return
	}
	defer k.mu.Unlock()
	if unanswered(err) {
		k.pace.Excuse()
	}
	r, ok := k.keepAway(err, time.Now())
	problem := words(err)
	if k.o.Username != "" && ok && (r.code == badUser || r.code == unauthorized) {
		problem += fmt.Sprintf(", for user %q at %s", k.o.Username, k.at.url.Host)
	}
	k.status.trouble(problem)
	k.tell(slog.LevelWarn, "no connection", problem)
	if k.byCertificate() && (alerted(err) || ok && (r.code == unauthorized || r.code == badUser)) {
		replace(k.fatal, fmt.Errorf("%w: %s", ErrCertificate, words(err)))
	}
}

// keepAway makes the next attempt as late as the fault asks for, and over
// another family of addresses when this one led nowhere.
func (k *keeper) keepAway(err error, now time.Time) (r refusal, ok bool) {
	if r, ok = refused(err); ok {
		k.pace.refused(r.code, now)
	}
	if r.code == takenOver {
		k.status.duel(now)
	}
	if vanished(err) {
		k.family = other[k.family]
	}
	return r, ok
}

// other is what to dial when what was sent has vanished: the dialler of the
// standard library turns to IPv4 only while a connection opens, and a path of
// IPv6 that drops large packets lets it open.
var other = map[string]string{"tcp": "tcp4", "tcp4": "tcp"}

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

// serve looks after the subscriptions until ctx ends, another try is pointless,
// or the manager has to be replaced.
func (k *keeper) serve(ctx context.Context) error {
	again, watch := time.NewTicker(retryRefused), time.NewTicker(watchTick)
	defer again.Stop()
	defer watch.Stop()
	var c *connection
	for {
		select {
		case c = <-k.fresh:
			if err := k.subscribe(ctx, c, k.o.Subscriptions); err != nil {
				return err
			}
		case <-again.C:
			refused := k.refused()
			if len(refused) == 0 || c != k.up.Load() {
				continue
			}
			if err := k.subscribe(ctx, c, refused); err != nil {
				return err
			}
		case <-watch.C:
			if k.stands(c) {
				return errStands
			}
			k.settle()
		case <-k.again:
			return errAgain
		case err := <-k.fatal:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// stands tells whether the manager has had its time: no CONNACK for long, though
// nothing kept it from trying. It trusts nothing that the manager says of itself;
// c is the newest connection.
func (k *keeper) stands(c *connection) bool {
	since := k.began
	if c != nil {
		select {
		case <-c.lost:
			since = c.ended
		default:
			return false
		}
	}
	if rest := k.rest.Load(); rest != nil && rest.After(since) {
		since = *rest
	}
	if time.Since(since) < patience {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.status.anew()
	k.tell(slog.LevelWarn, "not let in for 10 min, starting over with a new connection manager", "")
	return true
}

// settle says what was left unsaid while the link was up and down, once it has
// stayed up.
func (k *keeper) settle() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.status.get(); s.Connected && time.Since(s.Since) >= k.pace.Stable {
		if k.say.settle() {
			k.o.Logger.Info("connected, and stays so", "broker", k.at.url.Host, "since", s.Since.Format(time.TimeOnly))
		}
	}
}

// tell logs a line that is news; mu must be held.
func (k *keeper) tell(level slog.Level, what, problem string, more ...any) {
	if problem != "" {
		more = append([]any{"problem", problem}, more...)
	}
	if !k.say.news(what, problem, time.Now()) {
		level = slog.LevelDebug
	}
	k.o.Logger.Log(context.Background(), level, what, append([]any{"broker", k.at.url.Host}, more...)...)
}

// stop says DISCONNECT and waits until nothing of the library runs any more, but
// not for a manager that does not end.
func (k *keeper) stop(manager *autopaho.ConnectionManager) (gone bool) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	gone = manager.Disconnect(ctx) == nil
	if c := k.up.Swap(nil); c != nil && !gone {
		_ = c.Close() // a peer that does not read holds the DISCONNECT up
	}
	if !gone {
		late := time.NewTimer(stopTimeout)
		defer late.Stop()
		select {
		case <-manager.Done():
			gone = true
		case <-late.C:
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keeper = nil
	return gone
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
