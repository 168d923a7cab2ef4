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

// refusals are the reason codes from here on (MQTT 5 section 3.9.3).
const refusals byte = 0x80

// subscribe asks for subscriptions of a connection, whatever the broker remembers
// of the session. An unanswered SUBSCRIBE ends the connection: a link that hears
// nothing is not up. An error says that another try is pointless.
func (k *keeper) subscribe(ctx context.Context, c *connection, subs []Subscription) error {
	late := false
	for chunk := range slices.Chunk(subs, perSubscribe) {
		codes, err := c.subscribe(ctx, chunk)
		if err != nil {
			if ctx.Err() == nil {
				c.fail(fmt.Errorf("subscribe: %w", err))
				_ = c.Close()
			}
			return nil
		}
		late = k.learn(chunk, codes) || late
	}
	switch refused := k.refused(); {
	case k.o.Vital && len(refused) > 0 && len(refused) == len(k.o.Subscriptions):
		return k.deaf(c)
	case !c.stands:
		k.ready(c)
	case late && k.o.Vital:
		replace(k.signal, struct{}{})
	}
	k.complain(k.complaints())
	return nil
}

// learn keeps the broker's answers, and tells whether it grants what it refused
// before. Of such a subscription it has kept nothing, whatever it kept of a session.
func (k *keeper) learn(subs []Subscription, codes []byte) (late bool) {
	for i, s := range subs {
		if k.answers[s.Filter] >= refusals && codes[i] < refusals {
			k.status.gap()
			late = true
		}
		k.answers[s.Filter] = codes[i]
	}
	return late
}

// refused are the subscriptions that the broker did not grant.
func (k *keeper) refused() []Subscription {
	return slices.DeleteFunc(slices.Clone(k.o.Subscriptions), func(s Subscription) bool { return k.answers[s.Filter] < refusals })
}

// complaints are about subscriptions that were refused, or granted for messages
// that may get lost on the way.
func (k *keeper) complaints() string {
	var all []string
	for _, s := range k.o.Subscriptions {
		switch code := k.answers[s.Filter]; {
		case code >= refusals:
			all = append(all, fmt.Sprintf("subscription to %s refused: %s", s.Filter, describe(code, "")))
		case code < 1:
			all = append(all, fmt.Sprintf("subscription to %s granted with QoS 0 only: messages may get lost", s.Filter))
		}
	}
	return strings.Join(all, "; ")
}

// deaf is called when the broker refuses all that a vital link is there for. A
// certificate may have the right to other topics than it came with.
func (k *keeper) deaf(c *connection) error {
	problem := k.complaints()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.up.Load() != c {
		return nil
	}
	k.status.trouble(problem)
	k.tell(slog.LevelWarn, "subscription not granted", problem)
	forbidden := func(s Subscription) bool { return k.answers[s.Filter] == unauthorized }
	if k.byCertificate() && len(slices.DeleteFunc(k.refused(), forbidden)) == 0 {
		return fmt.Errorf("%w: %s", ErrCertificate, problem)
	}
	return nil
}

// complain names the subscriptions that are not as they should be, or takes that
// back.
func (k *keeper) complain(problem string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.status.troubleUp(problem) && problem != "" {
		k.tell(slog.LevelWarn, "subscription not granted", problem)
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
