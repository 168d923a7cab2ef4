package bridge

import (
	"sync"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

// aloud is how many rejected commands a minute are told one by one on
// bridge/event; of the others the number.
const aloud = 10

// A ration says what of a flood is told.
type ration struct {
	begun  time.Time
	told   int
	untold int
}

// take reports whether the next one is among those that are told.
func (r *ration) take(now time.Time) bool {
	if now.Sub(r.begun) >= time.Minute {
		r.begun, r.told = now, 0
	}
	if r.told >= aloud {
		r.untold++
		return false
	}
	r.told++
	return true
}

// rest is how many were not told since it was last asked.
func (r *ration) rest() (n int) {
	n, r.untold = r.untold, 0
	return n
}

// tellRejected tells on bridge/event of a rejected command whose sender has no topic
// on which to hear it.
func (b *Bridge) tellRejected(topic string, why *rejection) {
	now := time.Now()
	if !b.noise.take(now) {
		b.summUp(now)
		return
	}
	b.bridgeEvent("command_rejected", map[string]any{"topic": discovery.Excerpt(topic), "reason": why.Reason, "message": why.Message})
}

// summUp makes the appointment to tell the number of those that were not told.
func (b *Bridge) summUp(now time.Time) {
	b.later.soonest("rejected", now.Add(time.Minute), func() {
		if n := b.noise.rest(); n > 0 {
			b.bridgeEvent("command_rejected", map[string]any{"reason": "many", "message": "more commands were rejected", "count": n})
		}
	})
}

// spillSize is how many messages that found no room may wait to be answered.
const spillSize = 1024

// A Spill is where the link's messages go that find its buffer full, so that none
// of them stays without an answer. Make one with [NewSpill].
type Spill struct {
	mu    sync.Mutex
	some  []link.Message
	lost  int
	ready chan struct{} // has an element when there is something to answer
}

// NewSpill makes an empty one.
func NewSpill() *Spill { return &Spill{ready: make(chan struct{}, 1)} }

// Take is the [link.Options.Overflow] of the bridge's link. It never blocks.
func (s *Spill) Take(m link.Message) {
	s.mu.Lock()
	if len(s.some) < spillSize {
		s.some = append(s.some, cropped(m))
	} else {
		s.lost++
	}
	s.mu.Unlock()
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// cropped is a message without what is too much of it to be read in any case.
func cropped(m link.Message) link.Message {
	m.Payload = m.Payload[:min(len(m.Payload), commandPayload+1)]
	return m
}

// messages are those that wait, and how many more there were.
func (s *Spill) messages() (some []link.Message, lost int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	some, lost = s.some, s.lost
	s.some, s.lost = nil, 0
	return some, lost
}

// spilled has an element when messages wait; a nil Spill never has.
func (s *Spill) spilled() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.ready
}

var overrun = &rejection{Reason: "busy", Message: "more commands came than can be taken in; send it again"}

// overran answers what found the link's buffer full.
func (b *Bridge) overran() {
	some, lost := b.o.Spill.messages()
	b.m.mqttDropped.WithLabelValues("overflow").Add(float64(len(some) + lost))
	b.turnAllAway(some)
	if lost > 0 {
		b.noise.untold += lost
		b.summUp(time.Now())
	}
}

// turnAllAway answers messages for which there was no room.
func (b *Bridge) turnAllAway(some []link.Message) {
	for _, m := range some {
		switch t, ok := b.topics.Parse(m.Topic); {
		case !ok || m.Retain || b.overhear(m, t) || b.hold(m, t):
		case t.Kind == discovery.KindSet:
			b.guard(nil, func() { b.turnAway(m, t) })
		case t.Kind == discovery.KindRequest:
			b.guard(nil, func() { b.request(m, t.Key, errBusy) })
		}
	}
}

// turnAway rejects a command for which there was no room. It is remembered: its
// redelivery must not be carried out after all.
func (b *Bridge) turnAway(m link.Message, t discovery.Target) {
	c, _ := b.newCommand(m, t)
	if !b.repeated(m) {
		b.end(c, rejected, overrun)
	}
}
