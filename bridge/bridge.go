// Package bridge relays between LG's cloud and the local broker: it announces
// appliances, publishes their states, and turns commands into control calls.
//
// One goroutine, the loop in [Bridge.Run], owns all state. It does no input or
// output itself: calls to LG run in goroutines that post their answers back,
// and what is to be published goes through the outbox.
package bridge

import (
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// Cloud is what the bridge needs of [thinq.Client].
type Cloud interface {
	Devices(ctx context.Context) ([]thinq.Device, error)
	Profile(ctx context.Context, id string) (json.RawMessage, error)
	State(ctx context.Context, id string) (json.RawMessage, error)
	Control(ctx context.Context, id string, body []byte) error
	SubscribePush(ctx context.Context, id string) error
	SubscribeEvents(ctx context.Context, id string) error
	SubscribeLifecycle(ctx context.Context) error
	EventSubscriptions(ctx context.Context) ([]string, error)
	EnergyProfile(ctx context.Context, id string) ([]string, error)
	EnergyUsage(ctx context.Context, id, meter string, p thinq.Period, from, to time.Time) ([]thinq.Usage, error)
	Events(ctx context.Context, sub thinq.Subscriber, handle func(thinq.Event)) error
}

// Broker is what the bridge needs of [link.Link].
type Broker interface {
	// Send puts a message on the wire; wait, which must be called, returns when the
	// broker has acknowledged it, or will not: it does not take forever.
	Send(ctx context.Context, m link.Message) (wait func() error, err error)
	Messages() <-chan link.Message
	Up() <-chan struct{}
	Status() link.Status
	// Reappear connects anew, with alias behind the client id, with or without a
	// last will.
	Reappear(alias string, will bool)
}

var (
	_ Cloud  = (*thinq.Client)(nil)
	_ Broker = (*link.Link)(nil)
)

// Options configure a [Bridge].
type Options struct {
	Account       string // label; empty for the only one
	Cloud         Cloud
	Broker        Broker
	Subscriber    thinq.Subscriber // how events are had; nil: reconcile reads only
	Budget        *thinq.Budget    // may be nil: no limit
	Store         *Store           // may be nil: nothing is kept
	Discovery     discovery.Options
	HomeAssistant bool           // announce devices
	Reconcile     time.Duration  // between reads of one appliance; default 30 min
	Zone          *time.Location // in which the days of the household begin; default the machine's
	Version       string
	Commit        string
	Country       string // of the account, and who serves it: for texts
	Region        string
	Config        any              // without secrets, for bridge/info
	Logger        *slog.Logger     // default: none
	Level         *slog.LevelVar   // for bridge/request/log_level; may be nil
	Metrics       *Metrics         // default: its own, seen by nobody
	Restart       func()           // for bridge/request/restart; may be nil
	Log           *LogHandler      // where bridge/logging comes from; may be nil
	Spill         *Spill           // where the broker's messages are that found no room; may be nil
	Fallen        func()           // deferred in goroutines, to tell of a panic that ends the process; default: Go does
	Trouble       func() []string  // what is wrong around the bridge, for a person; may be nil
	Token         func() Token     // what is known of the account's token, for the page; may be nil
	Built         time.Time        // when this program was made; no clock can be right before
	Wall          func() time.Time // what the clock says; default time.Now
}

// eventBuffer is how many events may wait for the loop before they are dropped
// and made good by reads.
const eventBuffer = 64

// A Bridge serves one account.
type Bridge struct {
	o      Options
	log    *slog.Logger
	m      *Metrics
	topics discovery.Topics
	outbox *outbox

	events  chan thinq.Event
	answers chan func() // what calls found, to be done by the loop
	asks    chan func()
	ended   chan struct{} // closed when Run returns
	born    time.Time
	beat    atomic.Int64 // how long after that the loop last turned; 0: not yet
	lost    atomic.Int64 // events that found the buffer full
	saving  atomic.Bool  // the cache is being written
	ahead   reserve
	work    crew

	// All below is owned by the loop.
	started    time.Time
	turned     time.Time   // the loop, last
	panics     []time.Time // in the loop itself
	later      schedule
	alarm      *time.Timer        // wakes the loop
	rings      time.Time          // when; zero: it rang
	stirred    bool               // calls may be possible that were not
	devices    map[string]*device // by id
	busy       map[*device]bool   // with commands on their way
	slugs      map[string]*half
	listed     bool // a list was had in this run
	settled    bool // the calls of the start are made
	lists      listing
	jobs       []*job
	running    int
	hanging    int // of them those that take long
	controls   int // control calls under way
	account    account
	grumbled   time.Time // when it was last said that LG does not answer
	hurried    time.Time // when LG was last asked because of a command that could not get there
	energy     energy
	asked      int // requests for history
	push       push
	grants     grants
	unlisted   bool            // LG has no list of event subscriptions, or none that can be believed
	strangers  map[string]bool // announcements that nobody stands behind: whether they are ours
	pacing     bool            // what is published now is a repetition that nobody waits for
	overrides  map[string]discovery.Settings
	withdrawn  map[string]bool // by device id: another model is in its place than the owner spoke of
	lifecycle  time.Time       // when to ask for lifecycle news again
	noise      ration          // what bridge/event said of rejected commands
	made       int64           // losses that reads have made good
	stopping   bool
	sleep      struct{ begin, end time.Time } // when the process was last kept from running
	saved      time.Time
	dup        memory             // recent commands, against redelivery
	info       []byte             // bridge/info as last published
	reproached map[string]bool    // mappings that do nothing and were told
	roster     []byte             // bridge/devices as last published
	unknown    map[string]bool    // types without a table, of which it was said
	stand      stance             // towards other bridges at the base topic
	trail      *audit             // nil: there is no folder for it
	delivery   string             // whether commands reach us, as far as it is known
	troubles   map[string]trouble // by kind
	kept       map[string]bool    // topics of ours that the broker keeps
	former     map[string]ledger  // topics that an earlier run left, and under which names
}

// New makes a bridge; Run starts it.
func New(o Options) *Bridge {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(prometheus.NewRegistry())
	}
	if o.Reconcile <= 0 {
		o.Reconcile = 30 * time.Minute
	}
	if o.Wall == nil {
		o.Wall = time.Now
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.Fallen == nil {
		o.Fallen = func() {}
	}
	if o.Budget == nil {
		o.Budget = thinq.NewBudget(math.MaxInt32, math.MaxInt32, thinq.BudgetState{})
	}
	if o.Account != "" {
		o.Logger = o.Logger.With("account", o.Account)
	}
	log := hushedLog(o.Logger)
	b := &Bridge{
		o: o, log: log, m: o.Metrics, topics: o.Discovery.Topics,
		outbox:  newOutbox(o.Broker, log, o.Metrics),
		born:    time.Now(),
		events:  make(chan thinq.Event, eventBuffer),
		answers: make(chan func(), eventBuffer),
		asks:    make(chan func()),
		ended:   make(chan struct{}),
		work:    crew{fallen: o.Fallen},
		devices: map[string]*device{}, busy: map[*device]bool{}, slugs: map[string]*half{},
		strangers: map[string]bool{}, overrides: map[string]discovery.Settings{}, withdrawn: map[string]bool{}, reproached: map[string]bool{}, unknown: map[string]bool{},
		troubles: map[string]trouble{}, kept: map[string]bool{}, former: map[string]ledger{},
		trail: newAudit(o.Store), account: account{condition: condStarting}, stand: stance{run: newRun(), guests: map[string]bool{}},
	}
	configured := o.Discovery.Settings
	b.o.Discovery.Settings = func(id, slug string) discovery.Settings { return b.settings(configured, id, slug) }
	return b
}

// Run is the loop: the one goroutine that owns all state. It returns nil when
// ctx ended and the farewell was said. The broker must outlive it: its link is
// to be stopped afterwards.
func (b *Bridge) Run(ctx context.Context) error {
	defer close(b.ended)
	// Calls and the outbox must outlive ctx for the farewell.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	events, hangUp := context.WithCancel(work)
	defer hangUp()
	b.started = time.Now()
	b.alarm, b.stirred = time.NewTimer(0), true
	defer b.alarm.Stop()
	b.restore()
	b.begin()
	b.work.Go(func() { b.outbox.run(work) })
	if b.trail != nil {
		b.work.Go(func() { b.keepAudit(work, b.trail) })
	}
	round := func() {
		b.dispatch(work, events)
		b.turn(ctx.Done())
	}
	for ctx.Err() == nil {
		b.guard(nil, round)
	}
	b.drain(work, hangUp)
	stop()
	b.work.Wait()
	b.ahead.left = 0 // nothing more is called
	b.save(b.snapshotCache())
	return nil
}

// turn waits for one thing to happen, and handles it. LG's events are what there
// is most of, so a turn for one costs the same whatever the size of the home:
// what lets calls start is noted in stirred.
func (b *Bridge) turn(done <-chan struct{}) {
	b.wind(time.Now())
	stirred := true
	select {
	case <-done:
	case e := <-b.events:
		b.observe(e)
		stirred = false
	case m := <-b.o.Broker.Messages():
		b.rouse(time.Now())
		b.doubtRole()
		b.receive(m)
	case <-b.o.Spill.spilled():
		b.doubtRole()
		b.overran()
	case <-b.o.Broker.Up():
		b.connected()
	case f := <-b.answers:
		f()
	case f := <-b.asks:
		f()
	case record := <-b.o.Log.records():
		b.publishLog(record)
	case <-b.alarm.C:
		b.rings = time.Time{}
	}
	b.makeGood()
	if b.later.run(time.Now(), func(do func()) { b.guard(nil, do) }) || stirred {
		b.stirred = true
	}
}

// wakeTime is how long it may take, after the process did not run for a while,
// to read what came meanwhile.
const wakeTime = 2 * time.Second

// rouse notes when the loop turned, and whether the process was kept from running
// so long (stopped, or the whole machine) that commands which are read now may be
// too old to be carried out. It goes by the wall clock, which runs on meanwhile.
func (b *Bridge) rouse(now time.Time) {
	last := b.turned
	b.turned = now
	b.beat.Store(int64(max(1, now.Sub(b.born))))
	if asleep := now.Round(0).Sub(last.Round(0)); !last.IsZero() && asleep >= commandLife {
		b.sleep.begin, b.sleep.end = now.Add(-asleep), now
		b.log.Info("the process did not run for a while", "duration", asleep.Round(time.Second))
	}
}

// heartbeat is how often the loop turns even if nothing happens.
const heartbeat = 5 * time.Second

// wind sets the alarm, unless it rings soon enough: an alarm that is moved with
// every event wakes the thread that waits for the network.
func (b *Bridge) wind(now time.Time) {
	b.rouse(now)
	at := now.Add(heartbeat)
	if next, ok := b.later.next(); ok && next.Before(at) {
		at = next
	}
	if b.rings.IsZero() || at.Before(b.rings) {
		b.rings = at
		b.alarm.Reset(max(0, at.Sub(now)))
	}
}

// A crew works beside the loop.
type crew struct {
	sync.WaitGroup
	fallen func()
}

// Go is that of [sync.WaitGroup], with somebody to tell of a panic.
func (c *crew) Go(f func()) {
	c.WaitGroup.Go(func() {
		defer c.fallen()
		f()
	})
}

// post hands an answer to the loop, or drops it when nobody is there any more.
func (b *Bridge) post(ctx context.Context, f func()) {
	select {
	case b.answers <- f:
	case <-ctx.Done():
	}
}

// every sets an appointment that repeats, with a tenth of jitter.
func (b *Bridge) every(name string, period time.Duration, do func()) {
	b.later.set(name, time.Now().Add(jitter(period, 0.1)), func() {
		b.every(name, period, do)
		do()
	})
}

// jitter spreads a duration by a part of it to both sides, so that many
// installations and many appliances do not call in step.
func jitter(d time.Duration, part float64) time.Duration {
	return time.Duration(float64(d) * (1 + part*(2*rand.Float64()-1)))
}

// Subscriptions are what the local link must subscribe to. Retained commands
// are not wanted; announcements are, to find our own that are stale, and so is
// what another bridge says of itself.
func Subscriptions(t discovery.Topics) []link.Subscription {
	var subs []link.Subscription
	for _, filter := range t.Commands() {
		subs = append(subs, link.Subscription{Filter: filter})
	}
	for _, filter := range append(t.Others(), t.Announcements()) {
		subs = append(subs, link.Subscription{Filter: filter, Retained: true})
	}
	return subs
}

// Will is the message the local broker publishes when the bridge is lost.
func Will(t discovery.Topics) *link.Message {
	return &link.Message{Topic: t.Bridge("state"), Payload: condition(false), Retain: true}
}

// condition is the payload of bridge/state and of every availability topic.
func condition(online bool) []byte {
	if online {
		return []byte(`{"state":"online"}`)
	}
	return []byte(`{"state":"offline"}`)
}
