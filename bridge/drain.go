package bridge

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

// Of the ten seconds that a stop may take.
const (
	drainCalls = 5 * time.Second // for the control calls under way
	drainFlush = 2 * time.Second // for the broker to take the farewell
)

// drain says farewell: no more commands, those that wait are answered, those
// under way get a moment, then the event connection is closed (our registration
// at LG stays) and the bridge is offline. It needs no network.
func (b *Bridge) drain(work context.Context, hangUp context.CancelFunc) {
	b.stopping = true
	for _, d := range b.ordered() {
		b.guard(d, func() { b.finish(d) })
	}
	b.awaitControls(work)
	for _, d := range b.ordered() {
		b.guard(d, func() { b.finishSent(d) })
	}
	hangUp()
	b.turnOut()
	b.retain("", "bridge", b.topics.Bridge("state"), condition(false), rankLast)
	if b.stand.role == roleActive {
		b.say(presenceGone)
	}
	flush, cancel := context.WithTimeout(work, drainFlush)
	defer cancel()
	b.outbox.flush(flush)
	for b.turnOut() && flush.Err() == nil { // the link takes messages until it is stopped
		b.outbox.flush(flush)
	}
}

// turnOut rejects what came and was not looked at: what waits to know who is at
// work here, what is in the link, and what found no room there. It reports
// whether there was anything.
func (b *Bridge) turnOut() bool {
	b.doubtRole()
	s := &b.stand
	some := slices.Concat(s.held, s.excess, b.buffered())
	s.held, s.excess = nil, nil
	if b.o.Spill != nil {
		spilled, lost := b.o.Spill.messages()
		b.m.mqttDropped.WithLabelValues("overflow").Add(float64(len(spilled) + lost))
		some = append(some, spilled...)
	}
	if s.role == roleAside {
		return false // they are for another bridge
	}
	for _, m := range some {
		b.guard(nil, func() { b.tellStopping(m) })
	}
	return len(some) > 0
}

// buffered are the messages that are in the link.
func (b *Bridge) buffered() (some []link.Message) {
	for range spillSize {
		select {
		case m := <-b.o.Broker.Messages():
			some = append(some, m)
		default:
			return some
		}
	}
	return some
}

// tellStopping answers a command or a request that comes too late.
func (b *Bridge) tellStopping(m link.Message) {
	t, ok := b.topics.Parse(m.Topic)
	switch {
	case !ok, t.Key == discovery.PresenceVerb, t.Key == probeVerb, m.Topic == b.topics.Set(discovery.BridgeLevel):
		// Of bridges among themselves.
	case t.Kind == discovery.KindSet:
		b.command(m, t)
	case t.Kind == discovery.KindRequest:
		b.request(m, t.Key, errStopping)
	}
}

var errStopping = errors.New(shuttingDown.Message)

// awaitControls goes on with the loop while control calls are under way.
func (b *Bridge) awaitControls(work context.Context) {
	limit, cancel := context.WithTimeout(work, drainCalls)
	defer cancel()
	for b.controls > 0 && limit.Err() == nil {
		b.turn(limit.Done())
	}
}
