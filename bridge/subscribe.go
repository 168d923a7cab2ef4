package bridge

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// cloudLink is how LG's event broker wants to be treated: Amazon refuses clients
// that connect in a hurry. It would keep what is sent meanwhile for an hour, and
// send it ten a second; after ten minutes reads tell more than old news (F-035).
var cloudLink = link.Options{
	Vital:         true,
	Keepalive:     60 * time.Second,
	SessionExpiry: 10 * time.Minute,
	Backoff:       link.Backoff{Min: 2 * time.Second, Max: 5 * time.Minute, Stable: 10 * time.Minute, PerMinute: 3},
}

const (
	linkLook   = 5 * time.Second  // a lost connection has no signal of its own
	linkAbsent = 12 * time.Minute // without a connection, until the endpoint itself is in doubt
)

// Subscriber makes a [thinq.Subscriber] that has its events over MQTT. Of the
// options it uses Logger, Dial and Backoff; where to connect, and as whom, comes
// with each endpoint. It gives up after twelve minutes without a connection: LG
// may have moved its broker (F-012). It is for one client id, and one run at a time.
func Subscriber(o link.Options) thinq.Subscriber {
	o.Logger = hushedLog(cmp.Or(o.Logger, slog.New(slog.DiscardHandler)))
	if o.Backoff == (link.Backoff{}) {
		o.Backoff = cloudLink.Backoff
	}
	o.Vital, o.Keepalive, o.SessionExpiry = cloudLink.Vital, cloudLink.Keepalive, cloudLink.SessionExpiry
	return (&subscriber{Options: o}).subscribe
}

// A subscriber is what lasts from one link to the next.
type subscriber struct {
	link.Options
	gaps   int  // of the present link, that were told
	missed bool // a gap of a former one was not told

	mu     sync.Mutex // of what follows: a former link may still be reading
	handed [handedKept]handed
	next   int
}

const (
	handedKept = 128              // twice as many as the broker may have under way
	handedFor  = 10 * time.Minute // as long as it keeps them
)

// handed is a message that was handed over.
type handed struct {
	sum [sha256.Size]byte
	at  time.Time
}

// again reports whether a message is a notice, sent again, that was handed over
// before: its acknowledgement was lost. A report that comes twice does no harm, and
// an equal one may be news.
func (s *subscriber) again(m link.Message) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256(m.Payload)
	known := func(h handed) bool { return h.sum == sum && m.Received.Sub(h.at) < handedFor }
	if m.Dup && slices.ContainsFunc(s.handed[:], known) {
		if e, err := thinq.ParseEvent(m.Payload); err == nil && e.Kind == thinq.Notice {
			return true
		}
	}
	s.handed[s.next] = handed{sum, m.Received}
	s.next = (s.next + 1) % handedKept
	return false
}

func (s *subscriber) subscribe(ctx context.Context, ep thinq.Endpoint, handle func([]byte)) error {
	o := s.Options
	o.URL, o.ClientID, o.TLS = ep.URL, ep.ClientID, ep.TLS
	o.Subscriptions = nil
	for _, topic := range ep.Topics {
		o.Subscriptions = append(o.Subscriptions, link.Subscription{Filter: topic, Retained: true})
	}
	// On the goroutine that reads: an event has one hop to the loop, not two.
	o.Handle = func(m link.Message) {
		if s.again(m) {
			if ep.Dropped != nil {
				ep.Dropped("duplicate")
			}
			return
		}
		handle(m.Payload)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := link.New(o)
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	s.gaps = 0
	err := s.watch(l, ep, ended)
	if errors.Is(err, errAbsent) {
		cancel()
		<-ended // nothing is handed over any more
	}
	s.missed = s.missed || l.Status().Gaps > s.gaps
	return err
}

var errAbsent = errors.New("no connection for 12 minutes")

// flow is how messages come over a link that is up, with all gaps that were not
// told: another link may go on with a session that the last one began in vain.
func (s *subscriber) flow(gaps int) thinq.Flow {
	missed := s.missed || gaps > s.gaps
	s.missed, s.gaps = false, gaps
	if missed {
		return thinq.FreshFlow
	}
	return thinq.ResumedFlow
}

// watch tells what the link is up to, until it has ended or has been down for
// too long. That the broker has sent it away for a while does not count: another
// link would not keep to it.
func (s *subscriber) watch(l *link.Link, ep thinq.Endpoint, ended <-chan error) error {
	tell, tellTwin := ep.Told, ep.Twin
	if tell == nil {
		tell = func(thinq.Flow) {}
	}
	if tellTwin == nil {
		tellTwin = func(string) {}
	}
	defer tell(thinq.NoFlow)
	defer tellTwin("")
	look := time.NewTicker(linkLook)
	defer look.Stop()
	up, twin := false, ""
	for {
		select {
		case <-l.Up():
			up = true
			tell(s.flow(l.Status().Gaps))
		case <-look.C:
			now := l.Status()
			if now.Twin != twin {
				twin = now.Twin
				tellTwin(twin)
			}
			if up && !now.Connected {
				up = false
				tell(thinq.NoFlow)
			}
			if !up && time.Since(latest(now.Since, now.Resting)) >= linkAbsent {
				return fmt.Errorf("%w: %s", errAbsent, now.Problem)
			}
		case err := <-ended:
			if errors.Is(err, link.ErrCertificate) {
				return errors.Join(thinq.ErrCertificate, err)
			}
			return err
		}
	}
}
