package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// cloudLink is how LG's event broker wants to be treated: Amazon keeps a
// session for an hour and refuses clients that connect in a hurry.
var cloudLink = link.Options{
	Keepalive:     60 * time.Second,
	SessionExpiry: time.Hour,
	Backoff:       link.Backoff{Min: 2 * time.Second, Max: 5 * time.Minute, Stable: 10 * time.Minute, PerMinute: 3},
}

// Subscriber makes a [thinq.Subscriber] that has its events over MQTT. Of the
// options it uses Logger, Dial, Backoff and Buffer; where to connect, and as
// whom, comes with each endpoint.
func Subscriber(o link.Options) thinq.Subscriber {
	if o.Backoff == (link.Backoff{}) {
		o.Backoff = cloudLink.Backoff
	}
	o.Keepalive, o.SessionExpiry = cloudLink.Keepalive, cloudLink.SessionExpiry
	return func(ctx context.Context, ep thinq.Endpoint, handle func([]byte)) error {
		return subscribe(ctx, o, ep, handle)
	}
}

func subscribe(ctx context.Context, o link.Options, ep thinq.Endpoint, handle func([]byte)) error {
	o.URL, o.ClientID, o.TLS = ep.URL, ep.ClientID, ep.TLS
	o.Subscriptions = nil
	for _, topic := range ep.Topics {
		o.Subscriptions = append(o.Subscriptions, link.Subscription{Filter: topic, Retained: true})
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := link.New(o)
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	return deliver(l, ep, ended, handle)
}

// deliver hands over what comes until the link has ended.
func deliver(l *link.Link, ep thinq.Endpoint, ended <-chan error, handle func([]byte)) error {
	tell := ep.Up
	if tell == nil {
		tell = func(bool) {}
	}
	defer tell(false)
	watch := time.NewTicker(5 * time.Second) // a lost connection has no signal of its own
	defer watch.Stop()
	up := false
	for {
		select {
		case m := <-l.Messages():
			handle(m.Payload)
		case <-l.Up():
			up = true
			tell(true)
		case <-watch.C:
			if connected := l.Status().Connected; connected != up {
				up = connected
				tell(up)
			}
		case err := <-ended:
			if errors.Is(err, link.ErrCertificate) {
				return errors.Join(thinq.ErrCertificate, err)
			}
			return err
		}
	}
}
