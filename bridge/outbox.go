package bridge

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
)

const (
	outboxFlight  = 16              // publishes under way at once; brokers take 20 and more
	outboxRing    = 100             // events waiting for a broker
	outboxResults = 2000            // answers to commands, each of which somebody waits for
	outboxRefused = 5 * time.Minute // until a refused topic is tried again
	outboxRetry   = time.Second     // after a fault that is no refusal
	outboxRest    = time.Hour       // of a message that the broker hangs up on
	outboxPace    = 50              // republished messages a second: brokers drop bursts
)

// A rank orders the messages of one appliance: nothing shows as available
// before it is announced and its state is true.
type rank int

const (
	rankAnnounce rank = iota + 1
	rankState
	rankAvailability
	rankInfo
	rankLast // bridge/state: after everything else of the whole bridge
	rankGone // that this bridge is gone: after that, too
)

// An item is one message to be published.
type item struct {
	link.Message
	kind   string // for metrics: state, availability, discovery, event, result, bridge, presence
	group  string // slug; rank orders within it
	rank   rank
	paced  bool      // part of a republication
	slim   bool      // an announcement without some of its entities
	guest  bool      // on a topic that a sender named: if it is refused, that is no problem of ours
	until  time.Time // events: dropped when still here then
	flying bool
	again  time.Time // not before
	on     int       // connection it was last sent on
}

// An outbox holds the newest payload of every topic until the broker has it,
// and a short ring of events. Its mutex is the only one of the bridge: the loop
// puts, Run takes.
type outbox struct {
	broker  Broker
	log     *slog.Logger
	metrics *Metrics

	mu     sync.Mutex
	items  []*item          // waiting and flying, oldest first
	topic  map[string]*item // the waiting one of each retained topic
	flying int
	sent   []time.Time // of the last paced messages
	down   bool
	only   limits
	on     int                          // counts connections
	denied map[string]map[string]string // by kind and topic: why the broker does not take it
	doubts map[string]bool              // topics that were under way when the link was lost: they travel alone
	poison map[string]time.Time         // topics on which it was lost twice, and until when they rest
	wake   chan struct{}
}

func newOutbox(broker Broker, log *slog.Logger, m *Metrics) *outbox {
	return &outbox{
		broker: broker, log: log, metrics: m, down: true,
		topic: map[string]*item{}, denied: map[string]map[string]string{},
		doubts: map[string]bool{}, poison: map[string]time.Time{}, wake: make(chan struct{}, 1),
	}
}

// put adds a message. A retained one takes the place of an older one that waits
// for the same topic; its own place in the queue is kept.
func (o *outbox) put(it item) {
	o.add(&it)
	if o.poke() {
		runtime.Gosched() // the message first, then the rest of what its sender does
	}
}

func (o *outbox) add(it *item) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.only == outboxMute && it.kind != presenceKind {
		return
	}
	if it.Retain {
		if old := o.topic[it.Topic]; old != nil {
			old.Payload, old.paced = it.Payload, old.paced && it.paced
			return
		}
		o.topic[it.Topic] = it
	} else {
		o.trim(it.kind)
	}
	if rest := o.poison[it.Topic]; rest.After(time.Now()) {
		it.again = rest
	}
	o.items = append(o.items, it)
}

// trim keeps the rings of events and of answers bounded: the oldest that is not
// under way goes.
func (o *outbox) trim(kind string) {
	events, oldest, most := 0, -1, outboxRing
	if kind == "result" {
		most = outboxResults
	}
	for i, it := range o.items {
		if it.Retain || it.flying || it.kind == presenceKind || (it.kind == "result") != (kind == "result") {
			continue
		}
		if oldest < 0 {
			oldest = i
		}
		events++
	}
	if events >= most {
		o.metrics.publishFailed(o.items[oldest].kind, "overflow")
		o.items = slices.Delete(o.items, oldest, oldest+1)
	}
}

// up lets it publish again after a new connection. What waited is void: the
// bridge puts everything anew, in the right order.
func (o *outbox) up() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down = false
	o.on++
	o.items = slices.DeleteFunc(o.items, func(it *item) bool { return it.Retain && !it.flying })
	clear(o.topic)
	o.poke()
}

// limits say what may be published at all.
type limits int

const (
	outboxOpen limits = iota
	outboxHeld        // only what bridges say to each other; the rest waits
	outboxMute        // likewise; the rest is void
)

// presenceKind is the kind of what bridges say to each other.
const presenceKind = "presence"

// restrict sets what may be published. What an open outbox was about to say of
// commands is still said.
func (o *outbox) restrict(to limits) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if to == outboxMute {
		o.items = slices.DeleteFunc(o.items, func(it *item) bool {
			return !it.flying && (it.Retain || o.only == outboxHeld && it.kind != presenceKind)
		})
		clear(o.topic)
	}
	o.only = to
	o.poke()
}

// waiting is how many messages the broker does not have yet.
func (o *outbox) waiting() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.items)
}

// poke wakes run, unless it has been woken and did not come yet.
func (o *outbox) poke() (woken bool) {
	select {
	case o.wake <- struct{}{}:
		return true
	default:
		return false
	}
}

// A departure is a message on the wire.
type departure struct {
	*item
	begun time.Time
	wait  func() error // for its acknowledgement
}

// run publishes until ctx ends. It sends; another goroutine takes the
// acknowledgements, which come in the order of the messages (MQTT 5 section 4.6).
func (o *outbox) run(ctx context.Context) {
	flights := make(chan departure, outboxFlight)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { o.collect(flights) })
	defer close(flights)
	for {
		it, wait := o.take(time.Now())
		if it != nil {
			o.send(ctx, it, flights)
			continue
		}
		var alarm <-chan time.Time
		if wait > 0 {
			alarm = time.After(wait)
		}
		select {
		case <-ctx.Done():
			return
		case <-o.wake:
		case <-alarm:
		}
	}
}

// flush waits until the broker has everything, or cannot have it now.
func (o *outbox) flush(ctx context.Context) {
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		o.mu.Lock()
		done := o.down || o.only == outboxHeld || !slices.ContainsFunc(o.items, o.moves)
		o.mu.Unlock()
		if done {
			tick.Stop()
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return
		}
	}
}

// moves reports whether a message may still go by this connection.
func (o *outbox) moves(it *item) bool { return it.flying || it.Retain || it.on != o.on }

// take finds the next message that may go now, or how long to wait for one
// (zero: until poked).
func (o *outbox) take(now time.Time) (next *item, wait time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire(now)
	if o.down || o.flying >= outboxFlight {
		return nil, 0
	}
	for _, it := range o.items {
		ready := o.readyAt(it, now)
		switch {
		case it.flying, o.only != outboxOpen && it.kind != presenceKind, !o.moves(it):
		case ready.After(now): // asked before blocked, which is slower
			if d := ready.Sub(now); wait == 0 || d < wait {
				wait = d
			}
		case o.blocked(it):
		default:
			o.launch(it, now)
			return it, 0
		}
	}
	return nil, wait
}

func (o *outbox) expire(now time.Time) {
	o.items = slices.DeleteFunc(o.items, func(it *item) bool {
		old := !it.flying && !it.until.IsZero() && now.After(it.until)
		if old {
			o.metrics.publishFailed(it.kind, "expired")
		}
		return old
	})
}

// readyAt is when the pace and the last fault allow the message.
func (o *outbox) readyAt(it *item, now time.Time) time.Time {
	if it.paced && len(o.sent) == outboxPace {
		if free := o.sent[0].Add(time.Second); free.After(now) && free.After(it.again) {
			return free
		}
	}
	return it.again
}

// blocked reports whether something else must be acknowledged first: an older
// message of the topic; for a state or an availability what ranks before it for
// the appliance; for an event the announcement of its type; for the last rank
// all that is retained.
func (o *outbox) blocked(it *item) bool {
	for _, other := range o.items {
		switch {
		case other == it:
		case other.flying && (o.doubts[it.Topic] || o.doubts[other.Topic]):
			return true
		case other.Topic == it.Topic && other.flying:
			return true
		case !other.Retain || other.rank >= it.rank || !other.again.IsZero():
		case it.rank >= rankLast:
			return true
		case it.group == "" || it.group != other.group:
		case it.Retain || other.rank == rankAnnounce:
			return true
		}
	}
	return false
}

func (o *outbox) launch(it *item, now time.Time) {
	it.flying, it.on = true, o.on
	o.flying++
	if o.topic[it.Topic] == it {
		delete(o.topic, it.Topic) // a newer payload from now on is a new item
	}
	if !it.paced {
		return
	}
	if len(o.sent) == outboxPace {
		o.sent = o.sent[1:]
	}
	o.sent = append(o.sent, now)
}

func (o *outbox) send(ctx context.Context, it *item, flights chan<- departure) {
	begun := time.Now()
	wait, err := o.broker.Send(ctx, it.Message)
	if err != nil {
		o.settle(it, err, time.Now())
		return
	}
	flights <- departure{it, begun, wait} // there is room: no more than that are under way
}

func (o *outbox) collect(flights <-chan departure) {
	for f := range flights {
		err := f.wait()
		now := time.Now()
		o.suspect(f.item, err, now)
		o.settle(f.item, err, now)
		if err == nil {
			o.metrics.published(f.kind, now.Sub(f.begun))
		}
	}
}

// settle decides what becomes of a message after an attempt.
func (o *outbox) settle(it *item, err error, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flying--
	it.flying = false
	switch {
	case err == nil:
		if !it.slim {
			o.took(it)
		}
		o.drop(it)
	case errors.Is(err, link.ErrDown):
		o.down = o.down || it.on == o.on // a late answer says nothing about the new connection
		o.retry(it, time.Time{})
	case o.shorten(it, err):
		o.retry(it, time.Time{})
	case errors.Is(err, link.ErrRefused) && it.Retain:
		o.complain(it, err)
		o.retry(it, now.Add(outboxRefused))
	case errors.Is(err, link.ErrTooLarge), errors.Is(err, link.ErrTopic), errors.Is(err, link.ErrRefused):
		o.complain(it, err)
		o.drop(it)
	default:
		o.retry(it, now.Add(outboxRetry))
	}
	if len(o.items) > 0 {
		o.poke()
	}
}

// retry keeps a message, unless a newer one of its topic came meanwhile. An event
// goes again by another connection only: while this one lasts, it is on its way.
func (o *outbox) retry(it *item, again time.Time) {
	it.again = again
	if rest := o.poison[it.Topic]; rest.After(again) {
		it.again = rest
	}
	switch {
	case !it.Retain:
	case o.topic[it.Topic] == nil:
		o.topic[it.Topic] = it
	default:
		o.drop(it)
	}
}

func (o *outbox) drop(it *item) {
	if i := slices.Index(o.items, it); i >= 0 {
		o.items = slices.Delete(o.items, i, i+1)
	}
}
