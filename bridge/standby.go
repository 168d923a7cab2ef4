package bridge

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
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
	heldMost     = 64               // commands that may wait until it is decided
)

// A role is what a bridge does at its base topic.
type role int

const (
	roleAsking role = iota // it has not connected, or does not know yet
	roleActive             // it publishes and obeys
	roleAside              // another one does; it says so and nothing else
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

// A stance is what a bridge knows of others at its base topic.
type stance struct {
	role     role
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
	held     []link.Message // commands that came meanwhile
	guests   map[string]bool
	probes   map[string]bool // topics on which nothing came back yet
}

func newRun() string {
	var digits [8]byte
	rand.Read(digits[:])
	return hex.EncodeToString(digits[:])
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

// lookRound asks who is at work here. Until that is known nothing is published, and
// commands wait.
func (b *Bridge) lookRound() {
	b.stand.role = roleAsking
	b.say(presenceAsking)
	b.later.set("presence", time.Now().Add(askWait), b.unheard)
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

// unheard follows a question that did not come back: the broker's rules do not
// let us read the topic. Then nobody else can be heard either.
func (b *Bridge) unheard() {
	if b.stand.role != roleAsking {
		return
	}
	if !b.stand.deaf && b.waitsForTwin() == nil {
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
	case b.waitsForTwin() != nil:
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
	held := s.held
	s.held = nil
	for _, m := range held {
		b.receive(m)
	}
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
	s.role, s.heard, s.held = roleAside, time.Now(), nil
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

// hold reports whether a message is not to be obeyed now: it waits until it is
// known who is at work, or is for another bridge.
func (b *Bridge) hold(m link.Message, t discovery.Target) bool {
	if t.Kind == discovery.KindDiscovery || b.stand.role == roleActive {
		return false
	}
	if b.stand.role == roleAsking && len(b.stand.held) < heldMost {
		b.stand.held = append(b.stand.held, m)
		return true
	}
	b.m.mqttDropped.WithLabelValues("standby").Inc()
	return true
}

// standing is what to tell people while another bridge is at work; else empty.
func (b *Bridge) standing() string {
	if b.stand.role != roleAside {
		return ""
	}
	return "standing by: another bridge (" + cut(b.stand.other.Instance, 64) + ") is at work at the base topic " + b.topics.Base
}

const (
	probeVerb = "probe"
	probeWait = 10 * time.Second
)

// probeDelivery sends a message to ourselves on the topics that commands and
// requests come by. Some brokers grant a subscription that their rules forbid,
// and never deliver.
func (b *Bridge) probeDelivery() {
	b.stand.probes = map[string]bool{}
	for _, topic := range []string{b.topics.Request(probeVerb), b.topics.Set(discovery.BridgeLevel)} {
		b.stand.probes[topic] = true
		b.outbox.put(item{
			Message: link.Message{Topic: topic, Payload: []byte(b.stand.run)},
			kind:    presenceKind, rank: rankInfo, until: time.Now().Add(probeWait),
		})
	}
	b.later.set("probe delivery", time.Now().Add(probeWait), b.judgeDelivery)
}

func (b *Bridge) heardProbe(m link.Message) {
	if string(m.Payload) != b.stand.run || m.Retain {
		return
	}
	delete(b.stand.probes, m.Topic)
	if len(b.stand.probes) == 0 {
		b.later.cancel("probe delivery")
		b.judgeDelivery()
	}
}

// judgeDelivery says in bridge/info whether commands reach this bridge.
func (b *Bridge) judgeDelivery() {
	word := "verified"
	if len(b.stand.probes) > 0 {
		word = "unverified"
		if b.delivery != word {
			b.troubled(troubleDelivery, "the broker does not deliver to this bridge what is sent to "+
				strings.Join(slices.Sorted(maps.Keys(b.stand.probes)), " and ")+", so commands may not arrive: look at its access rules")
		}
	}
	if word == "verified" {
		b.well(troubleDelivery)
	}
	if b.delivery != word {
		b.delivery = word
		b.publishInfo()
	}
}
