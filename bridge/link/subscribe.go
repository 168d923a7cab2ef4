package link

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"
)

// perSubscribe is the most filters that LG's broker (AWS IoT) takes in one packet.
const perSubscribe = 8

// subscribe asks for all subscriptions of a connection, whatever the broker
// remembers of the session, and gives those that were refused. An unanswered
// SUBSCRIBE ends the connection: a link that hears nothing is not up.
func (k *keeper) subscribe(ctx context.Context, c *connection, subs []Subscription, announce bool) (refused []Subscription) {
	var complaints []string
	for chunk := range slices.Chunk(subs, perSubscribe) {
		codes, err := c.subscribe(ctx, chunk)
		if err != nil {
			if ctx.Err() == nil {
				c.fail(fmt.Errorf("subscribe: %w", err))
				_ = c.Close()
			}
			return nil
		}
		for i, s := range chunk {
			if codes[i] >= 0x80 {
				refused = append(refused, s)
				complaints = append(complaints, fmt.Sprintf("subscription to %s refused: %s", s.Filter, describe(codes[i], "")))
			}
		}
	}
	if announce {
		k.ready(c)
	}
	k.complain(strings.Join(complaints, "; "))
	return refused
}

// complain names the subscriptions that were refused, or takes that back.
func (k *keeper) complain(problem string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.status.troubleUp(problem) && problem != "" {
		k.tell(slog.LevelWarn, "subscription refused", problem)
	}
}

// subscribe sends one SUBSCRIBE and gives one reason code for each subscription.
func (c *connection) subscribe(ctx context.Context, subs []Subscription) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, ackTimeout, errNoAck)
	defer cancel()
	p := &packets.Subscribe{Properties: &packets.Properties{}}
	for _, s := range subs {
		p.Subscriptions = append(p.Subscriptions, s.options())
	}
	answer, err := c.send(ctx, time.Now().Add(ackTimeout), p)
	if err != nil {
		return nil, err
	}
	a, err := c.await(ctx, answer)
	if err != nil {
		return nil, err
	}
	ack, ok := a.Content.(*packets.Suback)
	if !ok || len(ack.Reasons) != len(subs) {
		return nil, fmt.Errorf("the broker's answer does not fit")
	}
	return ack.Reasons, nil
}

// options asks to see the retain flag as it was published, so that a command
// that somebody retains is known for one when it comes, not only after the next
// connection.
func (s Subscription) options() packets.SubOptions {
	o := packets.SubOptions{Topic: s.Filter, QoS: 1, RetainAsPublished: true, RetainHandling: packets.RetainDoNotSend}
	if s.Retained {
		o.RetainHandling = packets.RetainSendOnSubscribe
	}
	return o
}
