package bridge

import (
	"encoding/json"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

// What bridges say of themselves on bridge/request/presence.
const (
	presenceAsking  = "asking"
	presenceActive  = "active"
	presenceStandby = "standby"
	presenceGone    = "gone"
)

// A presence is what a bridge says of itself.
type presence struct {
	Run      string    `json:"run"` // made anew by every process
	Instance string    `json:"instance"`
	Started  time.Time `json:"started"`
	State    string    `json:"state,omitempty"`
}

// me is what this process says of itself.
func (b *Bridge) me(state string) presence {
	return presence{Run: b.stand.run, Instance: b.o.Discovery.Instance, Started: b.started.UTC().Truncate(time.Second), State: state}
}

// before decides between two bridges that both began to work. Both decide
// alike, whatever their clocks say.
func (p presence) before(q presence) bool {
	if !p.Started.Equal(q.Started) {
		return p.Started.Before(q.Started)
	}
	return p.Run < q.Run
}

// say tells the others what this one does.
func (b *Bridge) say(state string) {
	payload, err := json.Marshal(b.me(state))
	if err != nil {
		return
	}
	r := rankInfo
	if state == presenceGone {
		r = rankGone
	}
	b.outbox.put(item{
		Message: link.Message{Topic: b.topics.Presence(), Payload: payload},
		kind:    presenceKind, rank: r, until: time.Now().Add(askWait),
	})
}

// overhear takes in what bridges say of themselves; true if the message was
// such.
func (b *Bridge) overhear(m link.Message, t discovery.Target) bool {
	switch {
	case t.Kind == discovery.KindRequest && t.Key == discovery.PresenceVerb:
		b.heardPresence(m)
	case t.Kind == discovery.KindBridge && t.Key == "info":
		b.heardInfo(m)
	case t.Kind == discovery.KindBridge && t.Key == "state":
		b.heardState(string(m.Payload) == string(condition(true)))
	case b.stand.probes[m.Topic] || m.Topic == b.topics.Request(probeVerb) || m.Topic == b.topics.Set(discovery.BridgeLevel):
		b.heardProbe(m)
	default:
		return false
	}
	return true
}

func (b *Bridge) heardPresence(m link.Message) {
	var p presence
	if m.Retain || len(m.Payload) > commandPayload || json.Unmarshal(m.Payload, &p) != nil || p.Run == "" {
		return
	}
	if p.Run == b.stand.run {
		if b.stand.role == roleAsking && p.State == presenceAsking {
			b.takeRole()
		}
		return
	}
	switch p.State {
	case presenceActive:
		b.heardActive(p)
	case presenceAsking, presenceStandby:
		b.heardGuest(p)
	case presenceGone:
		if p.Run == b.stand.other.Run {
			b.takeOver()
		}
	}
}

// heardActive follows the word of another one that it is at work.
func (b *Bridge) heardActive(p presence) {
	s := &b.stand
	switch {
	case s.role == roleAsking, s.role == roleActive && p.before(b.me("")):
		s.other, s.dead = p, ""
		b.stepAside(p)
	case s.role == roleActive:
		b.answerPresence()
	default:
		s.other, s.dead, s.heard = p, "", time.Now()
		b.later.cancel("take over")
	}
}

// heardGuest follows the word of another one that it would work.
func (b *Bridge) heardGuest(p presence) {
	s := &b.stand
	switch {
	case s.role == roleActive:
		b.answerPresence()
		if p.State == presenceStandby && !s.guests[p.Run] && len(s.guests) < heldMost {
			s.guests[p.Run] = true
			b.log.Warn("another bridge was started at this base topic; it stands by", "base_topic", b.topics.Base, "other", p.Instance)
		}
	case s.role == roleAsking && p.State == presenceAsking && p.before(b.me("")):
		s.other = p
		b.stepAside(p)
	}
}

// answerPresence says that this one is at work, once for many that ask.
func (b *Bridge) answerPresence() {
	at := latest(time.Now(), b.stand.answered.Add(answerPause))
	b.later.soonest("answer", at, func() {
		if b.stand.role == roleActive && !b.stopping {
			b.stand.answered = time.Now()
			b.say(presenceActive)
		}
	})
}

// heardInfo notes who published bridge/info last.
func (b *Bridge) heardInfo(m link.Message) {
	var p presence
	if b.stand.role == roleAside {
		return
	}
	if json.Unmarshal(m.Payload, &p) != nil || p.Run == b.stand.run || p.Run == "" {
		b.stand.other = presence{}
		return
	}
	b.stand.other = p
	if b.stand.role == roleActive {
		b.answerPresence() // two began at once, or the broker was slow to say who was there
	}
}

// heardState compares bridge/state with what is so. The last will of another
// one, or of an earlier connection of ours, may have come late.
func (b *Bridge) heardState(online bool) {
	s := &b.stand
	s.offline = !online
	switch {
	case s.role == roleActive && !online && !b.stopping:
		b.later.soonest("state", time.Now().Add(stateDebounce), b.contradict)
	case s.role == roleAside && online:
		b.later.cancel("take over")
	case s.role == roleAside:
		b.later.soonest("take over", time.Now().Add(returnWait), b.takeOver)
	}
}

// stateDebounce keeps two programs that contradict each other from flooding the
// broker.
const stateDebounce = 100 * time.Millisecond

func (b *Bridge) contradict() {
	if b.stand.offline && b.stand.role == roleActive && !b.stopping {
		b.retain("", "bridge", b.topics.Bridge("state"), condition(true), rankLast)
	}
}
