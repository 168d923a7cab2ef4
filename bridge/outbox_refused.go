package bridge

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
)

// suspect notes what was under way when the link was lost: the broker may have
// hung up on it. It travels alone from then on, so that the next loss tells; then
// it rests, or it would end every connection.
func (o *outbox) suspect(it *item, err error, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case !errors.Is(err, link.ErrDown):
		delete(o.doubts, it.Topic)
		delete(o.poison, it.Topic)
	case it.on != o.on:
	case o.doubts[it.Topic]:
		delete(o.doubts, it.Topic)
		o.poison[it.Topic] = now.Add(outboxRest)
		o.refuse(it, "quarantined", "the connection was lost twice while it was sent; it is tried again in an hour")
	case len(o.poison)+len(o.doubts) < outboxRing:
		o.doubts[it.Topic] = true
	}
}

// shorten makes an announcement fit that is larger than the broker accepts. An
// appliance with some of its entities is better than none, if it is said.
func (o *outbox) shorten(it *item, err error) bool {
	over, tooLarge := errors.AsType[*link.SizeError](err)
	if !tooLarge || it.kind != "discovery" {
		return false
	}
	payload, without := slimmed(it.Payload, len(it.Payload)-(over.Size-over.Limit))
	if payload == nil {
		return false
	}
	it.Payload, it.slim = payload, true
	o.refuse(it, "too_large", fmt.Sprintf("%v; announced without %d of its entities", err, without))
	return true
}

// complain logs a standing refusal once.
func (o *outbox) complain(it *item, err error) {
	reason := "refused"
	switch {
	case errors.Is(err, link.ErrTooLarge):
		reason = "too_large"
	case errors.Is(err, link.ErrTopic):
		reason = "bad_topic"
	}
	o.refuse(it, reason, err.Error())
}

// refuse notes that the broker does not take what is sent on a topic: one line
// for each kind of message.
func (o *outbox) refuse(it *item, reason, text string) {
	o.metrics.publishFailed(it.kind, reason)
	if it.guest {
		return
	}
	of := o.denied[it.kind]
	if of == nil {
		of = map[string]string{}
		o.denied[it.kind] = of
		o.log.Error("the broker does not take a message", "kind", it.kind, "topic", it.Topic, "bytes", len(it.Payload), "err", text)
	}
	if it.Retain || len(of) == 0 {
		of[it.Topic] = text
	}
}

// took notes that the broker took what it refused before.
func (o *outbox) took(it *item) {
	of := o.denied[it.kind]
	delete(of, it.Topic)
	if of != nil && len(of) == 0 {
		delete(o.denied, it.kind)
		o.log.Info("the broker takes such messages again", "kind", it.kind)
	}
}

// refusals are what the broker does not take, by kind, in words.
func (o *outbox) refusals() map[string]string {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := map[string]string{}
	for kind, of := range o.denied {
		topics := slices.Sorted(maps.Keys(of))
		all[kind] = "the broker does not take " + topics[0] + ": " + of[topics[0]]
		if more := topics[1:min(len(topics), 4)]; len(more) > 0 {
			all[kind] += " (" + strings.Join(more, ", ") + " likewise)"
		}
		if left := len(topics) - 4; left > 0 {
			all[kind] += fmt.Sprintf(" (and %d more messages of its kind)", left)
		}
	}
	return all
}
