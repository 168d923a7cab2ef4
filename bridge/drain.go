package bridge

import (
	"context"
	"time"
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
	b.retain("", "bridge", b.topics.Bridge("state"), condition(false), rankLast)
	if b.stand.role == roleActive {
		b.say(presenceGone)
	}
	flush, cancel := context.WithTimeout(work, drainFlush)
	defer cancel()
	b.outbox.flush(flush)
}

// awaitControls goes on with the loop while control calls are under way.
func (b *Bridge) awaitControls(work context.Context) {
	limit, cancel := context.WithTimeout(work, drainCalls)
	defer cancel()
	for b.controls > 0 && limit.Err() == nil {
		b.turn(limit.Done())
	}
}
