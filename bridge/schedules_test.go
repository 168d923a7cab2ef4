package bridge_test

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

var (
	schedules = flag.Int("schedules", 20, "so many random schedules of faults, from the seed on")
	firstSeed = flag.Uint64("seed", 1, "of the first schedule")
	keepOnly  = flag.String("only", "", "faults of a schedule to keep, by their places in it: 0,2")
)

// How long things may take to be right again after the last fault, as promised
// for the worst that the fault may have done.
const (
	soon     = time.Minute
	byPush   = 6 * time.Minute  // the longest wait of the event connection, and of a call
	byRead   = 35 * time.Minute // a reconcile read, where the push channel lied
	byPause  = 26 * time.Minute // LG's second refusal for rate within the hour
	byList   = 7 * time.Hour    // of added and removed appliances, where the news was lost
	bySignIn = 8 * time.Hour    // after a refused token that nobody replaced
)

// An ordeal is one run.
type ordeal struct {
	*daemon
	*truth
	*ledger
	random *rand.Rand
	faults []*fault
	agenda []deed
	api    map[*fault]thinqtest.Fault // that hold
	frozen map[*thinqtest.Network]int
	ill    []span // when results may be lost, or commands
	down   int    // the daemon does not run
	turn   map[string]int
	bound  time.Duration
}

type span struct{ from, to time.Time }

// A deed is something that happens at a time of the run.
type deed struct {
	at time.Duration
	do func()
}

func (o *ordeal) plan(at time.Duration, do func()) { o.agenda = append(o.agenda, deed{at, do}) }

const (
	runTime   = 10 * time.Minute
	reception = 90 * time.Second // within it a command has ended and its result arrived
)

var homes = []string{guestRoom, "humidifier_studio", "washtower_one_piece", "refrigerator_two_units"}

func TestSchedules(t *testing.T) {
	for i := range *schedules {
		seed := *firstSeed + uint64(i)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 4))
			w := ways[random.IntN(len(ways))]
			names := slices.Clone(homes)
			if leave := random.IntN(2 * len(names)); leave < len(names) {
				names = slices.Delete(names, leave, leave+1)
			}
			o := thinqtest.Options{Samples: samples(names...), Seed: seed}
			withWay(t, w, o, func(d *daemon) { newOrdeal(d, random).run() })
		})
	}
}

func newOrdeal(d *daemon, random *rand.Rand) *ordeal {
	o := &ordeal{daemon: d, truth: newTruth(d), ledger: newLedger(d), random: random, bound: soon,
		api: map[*fault]thinqtest.Fault{}, frozen: map[*thinqtest.Network]int{}, turn: map[string]int{}}
	for range 1 + random.IntN(4) {
		f := &fault{trouble: troubles[random.IntN(len(troubles))], random: rand.New(rand.NewPCG(random.Uint64(), 0)),
			at:    10*time.Second + time.Duration(random.Int64N(int64(7*time.Minute))).Round(100*time.Millisecond),
			lasts: 5*time.Second + time.Duration(random.Int64N(int64(2*time.Minute))).Round(100*time.Millisecond)}
		if random.IntN(3) > 0 && len(o.faults) > 0 { // together with another one
			f.at = o.faults[0].at + time.Duration(random.Int64N(int64(o.faults[0].lasts))).Round(100*time.Millisecond)
		}
		o.faults = append(o.faults, f)
	}
	o.choose()
	return o
}

// choose leaves the faults that the command line wants.
func (o *ordeal) choose() {
	if *keepOnly == "" {
		return
	}
	var kept []*fault
	for _, place := range strings.Split(*keepOnly, ",") {
		if i, err := strconv.Atoi(place); err == nil && i < len(o.faults) {
			kept = append(kept, o.faults[i])
		}
	}
	o.faults = kept
}

func (o *ordeal) run() {
	for _, f := range o.faults {
		o.plan(f.at, func() { o.strike(f) })
	}
	o.planLives()
	begin := time.Now()
	end := runTime
	for len(o.agenda) > 0 {
		slices.SortStableFunc(o.agenda, func(a, b deed) int { return cmp.Compare(a.at, b.at) })
		next := o.agenda[0]
		o.agenda = o.agenda[1:]
		o.after(time.Until(begin.Add(next.at)))
		next.do()
		o.ledger.hear()
		end = max(end, next.at)
	}
	o.after(time.Until(begin.Add(end)))
	o.judge(begin)
}

// strike begins a fault and plans its end.
func (o *ordeal) strike(f *fault) {
	o.bound = max(o.bound, f.bound)
	begun := time.Now()
	end := f.begin(o, f)
	o.plan(f.at+time.Since(begun)+f.lasts, func() {
		if end != nil {
			end()
		}
		if f.local {
			o.ill = append(o.ill, span{begun.Add(-2 * time.Second), time.Now().Add(time.Minute)})
		}
	})
}

// planLives has the appliances change by themselves, and commands come.
func (o *ordeal) planLives() {
	for range 30 {
		o.plan(time.Duration(o.random.Int64N(int64(runTime))), o.change)
	}
	for range 25 {
		at := time.Duration(o.random.Int64N(int64(runTime)))
		o.plan(at, o.command)
		if o.random.IntN(4) == 0 { // as somebody drags a slider
			for i := range 1 + o.random.IntN(6) {
				o.plan(at+time.Duration(i*o.random.IntN(400))*time.Millisecond, o.command)
			}
		}
	}
}

// timers have several values that must fit.
var timers = regexp.MustCompile(`(?i)timer`)

// change turns a knob of an appliance.
func (o *ordeal) change() {
	all := o.appliances()
	s := all[o.random.IntN(len(all))]
	var free []thinq.Property
	for _, p := range s.profile.Properties {
		if plain := p.Path.Part == "" && p.Path.Location == "" && p.Path.Unit == "" && !timers.MatchString(p.Path.Resource); plain && p.Readable && len(o.values(p)) > 1 && s.state[p.Path] != nil {
			free = append(free, p)
		}
	}
	if len(free) == 0 {
		return
	}
	p := free[o.random.IntN(len(free))]
	v := o.values(p)[o.random.IntN(len(o.values(p)))]
	if err := o.sim.Patch(s.ID, quoted(map[string]any{p.Path.Resource: map[string]any{p.Path.Name: v}})); err != nil {
		o.Error(err)
	}
}

// values are what a property can be.
func (o *ordeal) values(p thinq.Property) []any {
	v := p.Read
	switch p.Type {
	case thinq.Enum:
		return v.Options
	case thinq.Range:
		var all []any
		for x := v.Min; x <= v.Max && len(all) < 100; x += max(v.Step, 1) {
			all = append(all, x)
		}
		return all
	}
	return nil
}

// command orders something that one call can do, and each time another value, so
// that it can be told whose call it was.
func (o *ordeal) command() {
	all := o.appliances()
	s := all[o.random.IntN(len(all))]
	halves := o.halves(s)
	h := halves[o.random.IntN(len(halves))]
	var free []discovery.Binding
	for _, e := range h.Entities {
		for _, b := range e.Bindings {
			if len(b.Props) == 1 && b.Props[0].Writable && b.Props[0].Readable && len(b.With) == 0 && b.Codec.Take != nil && b.Props[0].Type != thinq.Bool {
				free = append(free, b)
			}
		}
	}
	if len(free) == 0 {
		return
	}
	b := free[o.random.IntN(len(free))]
	if o.random.IntN(2) == 0 { // many for one, and few for the others
		b = free[0]
	}
	p := b.Props[0]
	values := o.values(p)
	for range values {
		o.turn[h.Slug+b.Attr]++
		v := values[o.turn[h.Slug+b.Attr]%len(values)]
		word := strings.ToLower(fmt.Sprint(v))
		calls, err := h.Wish(map[string]string{b.Attr: word}, s.state)
		if err == nil && len(calls) == 1 && !discovery.Local(calls[0]) && calls[0][p.Path] == v {
			o.send(order{device: s.ID, slug: h.Slug, attr: b.Attr, value: word, path: p.Path, goal: v, clear: o.reachable(h.Slug)})
			return
		}
	}
}

// reachable reports whether a command that is sent now must reach the bridge,
// and the bridge knows the appliance.
func (o *ordeal) reachable(slug string) bool {
	return o.down == 0 && o.retained(o.topics.Discovery(slug)) != "" && o.frozen[o.local] == 0 && o.link.Status().Connected && o.retained(o.topics.Bridge("state")) == `{"state":"online"}`
}

// judge waits until all is right, and for the rest of the commands.
func (o *ordeal) judge(begin time.Time) {
	over := time.Now()
	step := time.Second
	if len(o.sim.Calls(0)) >= manyCalls {
		o.bound += time.Hour // until there are calls for the background again
	}
	var wrong []string
	for wrong = o.look(); len(wrong) > 0 && time.Since(over) <= o.bound; wrong = o.look() {
		o.after(step)
		step = min(2*step, time.Minute)
	}
	healed := time.Since(over) - reception
	for _, c := range o.inOrder {
		for _, s := range o.ill {
			c.clear = c.clear && (c.sent.After(s.to) || c.sent.Add(reception).Before(s.from))
		}
	}
	wrong = append(wrong, o.ledger.wrong()...)
	if len(wrong) > 0 {
		o.Errorf("%s since %s, over at %s, bound %v:\n  %s\n%s", o.way.name, begin.Format(clockFace), over.Format(clockFace), o.bound,
			strings.Join(wrong, "\n  "), o.schedule())
		for _, c := range o.sim.Calls(0) {
			o.Log(c.N, o.when(c).Format(clockFace), c.Method, c.Path, c.Status, c.Code, string(c.Body))
		}
		return
	}
	o.Logf("right after %v of %v; %d commands\n%s", healed.Round(time.Second), o.bound, len(o.inOrder), o.schedule())
}

// look says what is wrong. Nothing is when that stays so for a while.
func (o *ordeal) look() []string {
	o.ledger.hear()
	if wrong := o.truth.wrong(); len(wrong) > 0 {
		return wrong
	}
	o.after(reception)
	return o.truth.wrong()
}

func (o *ordeal) schedule() string {
	var b strings.Builder
	for i, f := range o.faults {
		fmt.Fprintf(&b, "  fault %d: %v\n", i, f)
	}
	return b.String()
}
