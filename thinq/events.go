package thinq

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

const (
	certificateEvery  = 10 * time.Minute // at most; doubles with every further one
	certificateSlowly = 24 * time.Hour   // the longest such interval
	unknownRetry      = 20 * time.Minute // after an answer nobody understands
	routeDoubt        = 2                // subscribers that gave up before the route is asked for again
)

// busyRetries are the waits after failures to get ready, ±20 %.
var busyRetries = []time.Duration{2 * time.Second, 8 * time.Second, 30 * time.Second, 2 * time.Minute, 5 * time.Minute}

// eventState is the memory of [Client.Events] across calls.
type eventState struct {
	refused  bool                      // the broker did not accept the present certificate
	next     time.Time                 // no new certificate earlier
	interval time.Duration             // and this long after that one
	lost     int                       // requests for one, in a row, whose answers were lost
	gaveUp   int                       // subscribers that ended with an error, in a row
	former   *url.URL                  // the broker before LG named another one
	flowed   bool                      // messages could come from the present one, since LG was asked
	key      func() (*signable, error) // made, or being made, and not yet certified
	repeats  repeats

	malformed int       // messages that were no events, since that was told
	grumbled  time.Time // when that was
}

// Events delivers LG's messages until ctx ends: it finds the endpoint (route,
// registration, certificate; each only if the identity lacks it), hands it to
// sub, and obtains a new certificate when the endpoint refuses the old one, or
// when it is about to end. Its calls are of lane Start; it grants them itself.
//
// It waits and tries again by itself while LG cannot be reached, is busy, or
// says "too many calls". It returns nil when ctx ended, and an error only if LG
// refuses for good or sub gave up; the caller decides when to try again. After
// sub gave up twice in a row, the next call asks for the route anew.
// Only one call may run at a time.
func (c *Client) Events(ctx context.Context, sub Subscriber, handle func(Event)) error {
	for failures := 0; ctx.Err() == nil; {
		ep, until, err := c.endpoint(ctx)
		if err == nil {
			failures = 0
			err = c.subscribe(ctx, sub, ep, until, handle)
			if err == nil {
				continue
			}
			return unlessDone(ctx, err)
		}
		wait, again := retry(err, failures)
		if !again {
			return unlessDone(ctx, err)
		}
		if failures++; failures == 1 && ctx.Err() == nil {
			c.log.Warn("events are not available yet", "error", err)
		}
		sleep(ctx, wait)
	}
	return nil
}

// subscribe runs sub until it ends or the certificate wants to be renewed; nil
// asks for another round.
func (c *Client) subscribe(ctx context.Context, sub Subscriber, ep Endpoint, until time.Time, handle func(Event)) error {
	inner, cancel := context.WithCancel(ctx)
	if !until.IsZero() {
		inner, cancel = context.WithDeadline(ctx, until)
	}
	defer cancel()
	var heard, flowed atomic.Bool
	ep.Watch(func(now Flow) {
		if now != NoFlow {
			flowed.Store(true)
			c.proven()
		}
	})
	err := sub(inner, ep, func(payload []byte) {
		heard.Store(true)
		c.deliver(payload, handle)
	})
	if heard.Load() {
		c.events.gaveUp = 0
	}
	c.events.flowed = c.events.flowed || flowed.Load()
	switch {
	case inner.Err() != nil:
		return nil
	case errors.Is(err, ErrCertificate):
		c.events.refused = true
		return nil
	case err == nil:
		err = errors.New("the subscriber ended by itself")
	}
	c.events.gaveUp++
	return fmt.Errorf("events: %w", err)
}

// deliver hands on what is an event, and none twice.
func (c *Client) deliver(payload []byte, handle func(Event)) {
	e, err := ParseEvent(payload)
	switch {
	case err != nil:
		c.grumble(payload, err)
		c.drop("malformed")
	case c.events.repeats.again(e.ID):
		c.log.Debug("event came twice", "kind", e.Kind)
		c.drop("duplicate")
	default:
		handle(e)
	}
}

// grumble tells of messages that are no events, once an hour: how many there
// were, and of the last one what it takes to know it again, but nothing that is
// in it.
func (c *Client) grumble(payload []byte, err error) {
	e := &c.events
	e.malformed++
	if !e.grumbled.IsZero() && time.Since(e.grumbled) < time.Hour {
		return
	}
	sum := sha256.Sum256(payload)
	c.log.Warn("messages not understood", "count", e.malformed, "bytes", len(payload), "sha256", hex.EncodeToString(sum[:8]))
	c.log.Debug("the last of them", "error", err)
	e.grumbled, e.malformed = time.Now(), 0
}

func (c *Client) drop(reason string) {
	if c.o.Dropped != nil {
		c.o.Dropped(reason)
	}
}

func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// retry says how long to wait after a failure to get ready, and whether to try
// again at all.
func retry(err error, failures int) (time.Duration, bool) {
	if b, ok := errors.AsType[*BudgetError](err); ok {
		return max(time.Until(b.Until), time.Second), true
	}
	if _, ok := errors.AsType[badBroker](err); ok {
		return 0, false
	}
	switch ClassOf(err) {
	case Busy:
		d := busyRetries[min(failures, len(busyRetries)-1)]
		return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64())), true
	case Rate:
		if e, ok := errors.AsType[*Error](err); ok && e.RetryAfter > 0 {
			return e.RetryAfter, true
		}
		return pauseFirst, true
	case Unknown:
		return unknownRetry, true
	}
	return 0, false
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// endpoint makes the identity complete and says where and as whom to connect,
// and until when; zero: for ever.
func (c *Client) endpoint(ctx context.Context) (ep Endpoint, until time.Time, err error) {
	if c.surface.callback {
		return c.callback(), until, nil
	}
	ctx = WithLane(ctx, Start)
	if c.whoami().Certificate == "" {
		c.prepareKey() // while the route is asked for
	}
	broker, err := c.broker(ctx)
	if err != nil {
		return ep, until, err
	}
	pair, until, err := c.credentials(ctx)
	if err != nil {
		return ep, until, err
	}
	id := c.whoami()
	return Endpoint{URL: broker, ClientID: id.ClientID, Topics: slices.Clone(id.Topics), TLS: c.eventTLS(broker, pair)}, until, nil
}

func (c *Client) eventTLS(broker *url.URL, pair tls.Certificate) *tls.Config {
	cfg := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		ServerName:   broker.Hostname(),
		RootCAs:      eventRoots(c.o.Roots),
		Certificates: []tls.Certificate{pair},
	}
	if broker.Port() == "443" {
		cfg.NextProtos = []string{"x-amzn-mqtt-ca"} // AWS IoT Core: MQTT with a client certificate on the port of HTTPS
	}
	return cfg
}

// broker is the address of the event broker: as it was when last asked, unless
// connecting there failed again and again.
func (c *Client) broker(ctx context.Context) (*url.URL, error) {
	known, err := c.checkBroker(serverURL(c.whoami().MQTT, "mqtts", "8883"))
	if err == nil && c.events.gaveUp < routeDoubt {
		return known, nil
	}
	found, err := c.askBroker(ctx)
	if err != nil && known != nil && ctx.Err() == nil {
		c.log.Debug("route not found, the former one stays", "error", err)
		return known, nil
	}
	return found, err
}

// askBroker asks LG for the event broker. Where LG sticks to one that was in vain,
// others get a chance in turn (see brokers), unless its own has served meanwhile.
func (c *Client) askBroker(ctx context.Context) (*url.URL, error) {
	c.o.Budget.Grant(1)
	route, err := c.Route(ctx)
	if err != nil {
		return nil, err
	}
	broker, err := c.checkBroker(route.MQTT)
	if err != nil {
		return nil, err
	}
	served := c.events.flowed
	c.events.gaveUp, c.events.flowed = 0, false
	present, all := c.whoami().MQTT, c.brokers(broker)
	switch i := slices.IndexFunc(all, func(u *url.URL) bool { return u.String() == present }); {
	case i < 0:
		c.events.former, _ = c.checkBroker(serverURL(present, "mqtts", "8883"))
	case served && all[i].Hostname() == broker.Hostname():
		broker = all[i]
	default:
		broker = all[(i+1)%len(all)]
	}
	return broker, c.keep(func(id *Identity) { id.MQTT = broker.String() })
}

// otherPort are the ports of Amazon's event brokers: many a firewall closes the
// first.
var otherPort = map[string]string{"8883": "443", "443": "8883"}

// brokers are the addresses to try: the one that LG names; the other port of that
// host, if it is one of LG's; and the one that LG named before, for it has named
// hosts that do not exist.
func (c *Client) brokers(named *url.URL) []*url.URL {
	all := []*url.URL{named}
	if c.o.APIURL == "" && knownBroker(named) {
		all = append(all, &url.URL{Scheme: named.Scheme, Host: net.JoinHostPort(named.Hostname(), otherPort[named.Port()])})
	}
	if c.events.former != nil {
		all = append(all, c.events.former)
	}
	return all
}

// brokerDomains are where LG's event brokers live.
var brokerDomains = []string{".amazonaws.com", ".lgthinq.com"}

// badBroker says that an address is no event broker of LG.
type badBroker struct{ reason string }

func (e badBroker) Error() string { return "LG's event broker: " + e.reason }
func (badBroker) Class() Class    { return Unknown }

// checkBroker refuses an address that is not one of LG's event brokers. With an
// API address of the user's own, the broker may be anywhere.
func (c *Client) checkBroker(u *url.URL) (*url.URL, error) {
	switch {
	case u == nil:
		return nil, badBroker{"the route names none"}
	case u.Scheme != "mqtts" && u.Scheme != "ssl" && u.Scheme != "tls":
		return nil, badBroker{"the address is not encrypted"}
	case u.User != nil, strings.Trim(u.Path, "/") != "", u.RawQuery != "", u.Fragment != "":
		return nil, badBroker{"the address is more than host and port"}
	}
	if c.o.APIURL == "" && !knownBroker(u) {
		return nil, badBroker{fmt.Sprintf("%s is not one of LG's hosts", clip(u.Host))}
	}
	return &url.URL{Scheme: "mqtts", Host: u.Host}, nil
}

func knownBroker(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	for _, domain := range brokerDomains {
		if strings.HasSuffix(host, domain) && (u.Port() == "8883" || u.Port() == "443") {
			return true
		}
	}
	return false
}

// credentials are the client certificate and when to renew it. It asks for a new
// one if there is none or the broker refused it, and tries to if it ends soon;
// but for no more than two a day, restarts or not.
func (c *Client) credentials(ctx context.Context) (tls.Certificate, time.Time, error) {
	if c.events.refused {
		c.fallBack()
	}
	id := c.whoami()
	pair, err := id.certificate(time.Now())
	usable := err == nil && !c.events.refused
	if usable && time.Now().Before(renewal(pair.Leaf)) {
		return pair, renewal(pair.Leaf), nil
	}
	if usable && time.Now().Before(c.events.next) {
		return pair, c.events.next, nil
	}
	sleep(ctx, time.Until(c.events.next))
	if free := id.free(time.Now()); !free.IsZero() {
		return c.makeDo(pair, err, free)
	}
	if err := c.enrol(ctx); err != nil {
		if !usable || ctx.Err() != nil {
			return pair, time.Time{}, err
		}
		c.log.Debug("certificate not renewed, the present one stays", "error", err)
		return pair, later(c.events.next, time.Now().Add(time.Hour)), nil
	}
	pair, err = c.whoami().certificate(time.Now())
	if err != nil {
		return pair, time.Time{}, badCertificate{err}
	}
	return pair, later(renewal(pair.Leaf), c.events.next), nil
}

// makeDo tries the certificate that there is until another one may be asked for.
func (c *Client) makeDo(pair tls.Certificate, err error, free time.Time) (tls.Certificate, time.Time, error) {
	if err != nil {
		return pair, time.Time{}, enoughCertificates{free}
	}
	c.spaceCertificates()
	c.events.refused = false
	return pair, later(renewal(pair.Leaf), free), nil
}

// enrol registers the client if need be and has it given a certificate. A
// refused certificate may mean that LG forgot the registration.
func (c *Client) enrol(ctx context.Context) error {
	c.o.Budget.Grant(2)
	if !c.whoami().Registered || c.events.refused {
		if err := c.Register(ctx); err != nil {
			return err
		}
		if err := c.keep(func(id *Identity) { id.Registered = true }); err != nil {
			return err
		}
	}
	if err := c.newCertificate(ctx); err != nil {
		return err
	}
	c.events.refused = false
	return nil
}

// spaceCertificates keeps certificates, and attempts with a refused one, apart, however broker and disk behave.
func (c *Client) spaceCertificates() {
	e, now := &c.events, time.Now()
	if now.Sub(e.next) > certificateSlowly {
		e.interval = 0
	}
	e.interval = min(max(2*e.interval, certificateEvery), certificateSlowly)
	e.next = now.Add(e.interval)
}
