package bridge

import (
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

// Only one bridge may be at work at a base topic, or every command would be
// carried out twice. Each therefore asks who is there when it has connected, on
// a topic that all of them hear. What the broker kept comes before its own
// question does, so that a bridge that is alone loses no time.
const (
	askWait      = 2 * time.Second  // for our own question to come back
	noticePeriod = 10 * time.Second // of one that stands by; whoever is at work answers it
	silenceLimit = 25 * time.Second // without an answer the other one is gone
	returnWait   = 15 * time.Second // for one that was lost to come back
	answerPause  = time.Second      // between two answers
	heldMost     = 64               // messages that may wait until it is decided
)

// A role is what a bridge does at its base topic.
type role int

const (
	roleAsking role = iota // it has not connected, or does not know yet
	roleActive             // it publishes and obeys
	roleAside              // another one does; it says so and nothing else
)

// A stance is what a bridge knows of others at its base topic.
type stance struct {
	role     role
	connects int // the connection that the role was asked for on
	run      string
	other    presence       // who published last there, if not we
	heard    time.Time      // when it last showed that it lives
	offline  bool           // bridge/state as the broker has it
	dead     string         // the run that did not answer any more
	told     bool           // this process has been at work
	bare     bool           // connected without a last will
	alias    string         // behind the client id, when a copy of this installation has that
	deaf     bool           // the broker does not deliver to us what it should
	duel     time.Time      // when another one was last met that may have our client id
	answered time.Time      // when we last said that we are at work
	held     []link.Message // what came meanwhile
	excess   []link.Message // what came when that was full, to be turned away
	guests   map[string]bool
	probes   map[string]bool // topics on which nothing came back yet
}

func newRun() string {
	var digits [8]byte
	rand.Read(digits[:])
	return hex.EncodeToString(digits[:])
}

// lookRound asks who is at work here. Until that is known nothing is published, and
// commands wait.
func (b *Bridge) lookRound() {
	b.stand.role = roleAsking
	b.say(presenceAsking)
	b.later.set("presence", time.Now().Add(askWait), b.unheard)
}

// unheard follows a question that did not come back: the broker's rules do not
// let us read the topic. Then nobody else can be heard either.
func (b *Bridge) unheard() {
	if b.stand.role != roleAsking {
		return
	}
	if !b.stand.deaf && !b.waits() {
		b.stand.deaf = true
		b.log.Warn("the broker does not deliver what is published on a topic of this bridge; a second bridge would not be noticed", "topic", b.topics.Presence())
	}
	b.act()
}

// takeRole follows our own question, after all that the broker had kept.
func (b *Bridge) takeRole() {
	s := &b.stand
	o := s.other
	own := o.Instance == b.o.Discovery.Instance
	switch {
	case o.Run == "" || o.Run == s.dead || own && !s.told:
		b.act() // nobody, or an earlier run of ours
	case s.alias == "" && b.duels(o, own):
		b.rename(o)
	case b.waits():
		// Until the question has gone unanswered for a while.
	case s.offline:
		b.act()
	default:
		b.stepAside(o)
	}
}

// duels reports whether another bridge has our client id: one of our own instance
// that began after us, or one that is at work, and offline, time and again when
// we come back.
func (b *Bridge) duels(o presence, own bool) bool {
	if own || !b.stand.told || !b.stand.offline {
		return own && b.me("").before(o)
	}
	last := b.stand.duel
	b.stand.duel = time.Now()
	return !last.IsZero() && time.Since(last) < duelMemory
}

// duelMemory is how soon a second such meeting is no coincidence.
const duelMemory = 10 * time.Minute

// waits reports whether the answer counts and not what the broker shows: there may
// be a twin, or it is our own last will that says offline while another one is at
// work since.
func (b *Bridge) waits() bool {
	s := &b.stand
	return b.waitsForTwin() != nil || s.told && s.offline && s.other.Run != ""
}

// waitsForTwin is the process that published here since we did, under our own
// instance, and began before us: a broker that lost its memory may show an
// earlier run of ours, or there is a copy of our state folder.
func (b *Bridge) waitsForTwin() *presence {
	if o := b.stand.other; b.stand.told && o.Run != "" && o.Instance == b.o.Discovery.Instance && o.before(b.me("")) {
		return &b.stand.other
	}
	return nil
}

// rename takes another client id: the broker lets only one client of an id stay.
func (b *Bridge) rename(o presence) {
	b.log.Warn("another bridge uses the client id of this one, maybe out of a copy of its state folder; this one goes on under another id. Give each of them a state folder and a client id of its own.",
		"other", o.Instance, "other_started", o.Started)
	b.stand.alias = "_" + b.stand.run[:4]
	b.reappear(true)
}

// reappear connects anew, with or without a last will: the will of one that
// stands by must not declare the one at work offline. Each time it is another
// client id: some brokers still tidy up after the last connection of an id when
// the next one is there.
func (b *Bridge) reappear(will bool) {
	b.stand.bare = !will
	alias := b.stand.alias
	if !will {
		alias += "_" + presenceStandby
	}
	b.o.Broker.Reappear(alias, will)
}

// act begins, or goes on, to work.
func (b *Bridge) act() {
	s := &b.stand
	b.later.cancel("presence")
	if s.bare {
		b.reappear(true) // and ask again
		return
	}
	s.role, s.told, s.other = roleActive, true, presence{}
	b.outbox.restrict(outboxOpen)
	b.republish("start")
	b.later.set("strangers", time.Now().Add(clearDelay), b.clearStrangers)
	b.later.set("leftovers", time.Now().Add(clearDelay), b.clearLeftovers)
	b.probeDelivery()
	held, excess := s.held, s.excess
	s.held, s.excess = nil, nil
	for _, m := range held {
		b.receive(m)
	}
	b.turnAllAway(excess)
}

// stepAside steps aside for another bridge.
func (b *Bridge) stepAside(o presence) {
	s := &b.stand
	if s.role == roleAside {
		return
	}
	b.log.Warn("another bridge is at work at this base topic; this one stands by: it neither publishes nor obeys until the other one is gone. Stop one of them, or give it another mqtt.base_topic.",
		"base_topic", b.topics.Base, "other", o.Instance, "other_started", o.Started)
	for _, d := range b.ordered() {
		b.abandon(d, rejection{Reason: "standby", Message: "another bridge is at work at this base topic"})
	}
	s.role, s.heard, s.held, s.excess = roleAside, time.Now(), nil, nil
	b.later.cancel("presence")
	b.outbox.restrict(outboxMute)
	b.disown()
	if o.Instance == b.o.Discovery.Instance {
		s.alias = "_" + s.run[:4]
	}
	b.notice()
	if !s.bare {
		b.later.set("reappear", time.Now().Add(answerPause/10), b.strip)
	}
}

// strip gives up the last will, when all is said.
func (b *Bridge) strip() {
	if b.stand.role == roleAside {
		b.reappear(false)
	}
}

// notice says that this one stands by, which the one at work answers.
func (b *Bridge) notice() {
	s := &b.stand
	if s.role != roleAside {
		return
	}
	now := time.Now()
	if !b.o.Broker.Status().Connected {
		s.heard = now // nobody can be heard
	}
	if now.Sub(s.heard) >= silenceLimit {
		b.takeOver()
		return
	}
	b.say(presenceStandby)
	b.later.set("notice", now.Add(min(noticePeriod, s.heard.Add(silenceLimit).Sub(now))), b.notice)
}

// takeOver follows the end of the one at work.
func (b *Bridge) takeOver() {
	s := &b.stand
	if s.role != roleAside {
		return
	}
	b.log.Warn("the other bridge is gone; this one takes over", "base_topic", b.topics.Base, "other", s.other.Instance)
	s.role, s.dead = roleAsking, s.other.Run
	b.later.cancel("notice")
	b.later.cancel("take over")
	b.reappear(true)
}

// doubtRole follows what came in: by a connection that the loop has not heard of yet,
// or no longer has, another bridge may be at work.
func (b *Bridge) doubtRole() {
	if s := b.o.Broker.Status(); b.stand.role == roleActive && !(s.Connected && s.Connects == b.stand.connects) {
		b.stand.role = roleAsking
	}
}

// hold reports whether a message is not to be obeyed now: it waits until it is
// known who is at work, or is for another bridge.
func (b *Bridge) hold(m link.Message, t discovery.Target) bool {
	if t.Kind == discovery.KindDiscovery || b.stand.role == roleActive {
		return false
	}
	switch s := &b.stand; {
	case s.role == roleAsking && len(s.held) < heldMost:
		s.held = append(s.held, m)
	case s.role == roleAsking && len(s.excess) < spillSize:
		s.excess = append(s.excess, cropped(m))
	default:
		b.m.mqttDropped.WithLabelValues("standby").Inc()
	}
	return true
}

// standing is what to tell people while another bridge is at work; else empty.
func (b *Bridge) standing() string {
	if b.stand.role != roleAside {
		return ""
	}
	return "standing by: another bridge (" + cut(b.stand.other.Instance, 64) + ") is at work at the base topic " + b.topics.Base
}
