package bridge_test

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
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

// A trouble is a kind of fault. Begin makes it and returns what ends it.
type trouble struct {
	name  string
	bound time.Duration
	local bool // between the sender of commands and the bridge
	begin func(*ordeal, *fault) (end func())
}

// A fault is a trouble at its time.
type fault struct {
	trouble
	at, lasts time.Duration
	random    *rand.Rand
	word      string // what the trouble chose
}

func (f *fault) String() string {
	return strings.TrimSpace(fmt.Sprintf("%v +%v %s %s", f.at, f.lasts, f.name, f.word))
}

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

// manyCalls is how many may use up the hour's share of calls.
const manyCalls = 90

const (
	runTime   = 10 * time.Minute
	reception = 90 * time.Second // within it a command has ended and its result arrived
)

var homes = []string{guestRoom, "humidifier_studio", "washtower_one_piece", "refrigerator_two_units"}

const newcomer = dishwasher

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

// troubles is the table of everything that goes wrong.
var troubles = []trouble{
	{"LG refuses for rate", byPause + byRead, false, (*ordeal).rate},
	{"LG refuses the token", bySignIn, false, (*ordeal).auth},
	{"LG's gateway answers", byRead, false, (*ordeal).spoil},
	{"LG's gateway answers", byRead, false, (*ordeal).spoil},
	{"LG's API is slow", byRead, false, (*ordeal).slow},
	{"LG does it and its answer is lost", byRead, false, (*ordeal).swallow},
	{"an appliance is busy", byRead, false, (*ordeal).busy},
	{"events are", byRead, false, (*ordeal).mistreat},
	{"events are", byRead, false, (*ordeal).mistreat},
	{"LG's event broker", byRead, false, (*ordeal).kick},
	{"LG's event broker is away", byRead, false, (*ordeal).stopEvents},
	{"way to LG cut", byRead, false, (*ordeal).cutCloud},
	{"way to LG frozen", byRead, false, (*ordeal).freezeCloud},
	{"way to the broker cut", soon, true, (*ordeal).cutLocal},
	{"way to the broker frozen", 2 * time.Minute, true, (*ordeal).freezeLocal},
	{"broker restarted empty", 2 * time.Minute, true, (*ordeal).restartBroker},
	{"bridge restarted", byRead, true, (*ordeal).restart},
	{"bridge killed", byRead, true, (*ordeal).kill},
	{"appliance offline", byRead, false, (*ordeal).unplug},
	{"appliance added", byList, false, (*ordeal).add},
	{"appliance removed", byList, false, (*ordeal).remove},
	{"appliance renamed", byList, false, (*ordeal).rename},
	{"the clock of LG ahead", byRead, false, (*ordeal).advance},
}

// break makes a fault of the API, for all calls or for some.
func (o *ordeal) spoilAPI(f *fault, what thinqtest.Fault) func() {
	if what.Match == (thinqtest.Match{}) {
		what.Match = o.some(f)
	}
	f.word += fmt.Sprintf(" %+v", what)
	o.api[f] = what
	o.setAPI()
	return func() {
		delete(o.api, f)
		o.setAPI()
	}
}

// some is all calls, those of a kind, or those for an appliance. Where somebody
// signs in, that is no call to the API.
func (o *ordeal) some(f *fault) thinqtest.Match {
	switch f.random.IntN(4) {
	case 0:
		return thinqtest.Match{Method: "GET"}
	case 1:
		all := o.sim.Devices()
		return thinqtest.Match{Device: all[f.random.IntN(len(all))].ID}
	}
	if o.way.signedIn() {
		return thinqtest.Match{Method: "GET"}
	}
	return thinqtest.Match{}
}

func (o *ordeal) setAPI() {
	o.sim.ClearFaults()
	for _, f := range o.faults {
		if what, holds := o.api[f]; holds {
			if err := o.sim.Fault(what); err != nil {
				o.Error(err)
			}
		}
	}
}

func oneOf[T any](r *rand.Rand, all ...T) T { return all[r.IntN(len(all))] }

func (o *ordeal) rate(f *fault) func() {
	what := thinqtest.Fault{Code: oneOf(f.random, "1306", "1314", ""), RetryAfter: thinqtest.Duration(oneOf(f.random, 0, 20*time.Second, 3*time.Minute))}
	if what.Code == "" {
		what.Status = 429
	}
	return o.spoilAPI(f, what)
}

func (o *ordeal) auth(f *fault) func() {
	end := o.spoilAPI(f, thinqtest.Fault{Code: oneOf(f.random, "1103", "1302", "1218")})
	fixed := f.random.IntN(2) == 0
	f.word += map[bool]string{true: " then somebody signs in", false: ""}[fixed]
	return func() {
		end()
		if fixed && o.down == 0 {
			if err := o.bridge.Retry(o.Context()); err != nil {
				o.Error(err)
			}
		}
	}
}

func (o *ordeal) spoil(f *fault) func() {
	what := thinqtest.Fault{Body: oneOf(f.random, "html", "empty", "invalid", "reset")}
	if what.Body != "reset" {
		what.Status = oneOf(f.random, 0, 500, 502, 503)
	}
	return o.spoilAPI(f, what)
}

func (o *ordeal) slow(f *fault) func() {
	return o.spoilAPI(f, thinqtest.Fault{Delay: thinqtest.Duration(oneOf(f.random, time.Second, 8*time.Second, 14*time.Second, time.Hour))})
}

func (o *ordeal) swallow(f *fault) func() {
	return o.spoilAPI(f, thinqtest.Fault{After: true, Body: oneOf(f.random, "reset", "html"), Delay: thinqtest.Duration(oneOf(f.random, 0, 3*time.Second))})
}

func (o *ordeal) busy(f *fault) func() {
	all := o.sim.Devices()
	return o.spoilAPI(f, thinqtest.Fault{Code: oneOf(f.random, "2208", "2209", "2212", "0000"), Match: thinqtest.Match{Device: all[f.random.IntN(len(all))].ID}})
}

func (o *ordeal) mistreat(f *fault) func() {
	mode := oneOf(f.random, thinqtest.EventsSilent, thinqtest.EventsDrop, thinqtest.EventsDuplicate, thinqtest.EventsReorder)
	f.word = string(mode)
	o.do(o.sim.SetEvents(mode))
	return func() { o.do(o.sim.SetEvents(thinqtest.EventsOK)) }
}

func (o *ordeal) kick(f *fault) func() {
	action := oneOf(f.random, "disconnect", "takeover")
	f.word, f.lasts = action, 0
	o.do(o.sim.BrokerAction(action))
	return nil
}

func (o *ordeal) stopEvents(f *fault) func() {
	o.do(o.sim.BrokerAction("stop"))
	return func() { o.do(o.sim.BrokerAction("start")) }
}

func (o *ordeal) cutCloud(f *fault) func() {
	f.lasts = 0
	o.lg.Cut()
	return nil
}

// freeze holds a network, however many want that.
func (o *ordeal) freeze(n *thinqtest.Network) (thaw func()) {
	o.frozen[n]++
	n.Freeze(true)
	return func() {
		if o.frozen[n]--; o.frozen[n] == 0 {
			n.Freeze(false)
			o.thaws = append(o.thaws, time.Now())
		}
	}
}

func (o *ordeal) freezeCloud(*fault) func() { return o.freeze(o.lg) }

func (o *ordeal) cutLocal(f *fault) func() {
	f.lasts = 0
	o.local.Cut()
	return nil
}

func (o *ordeal) freezeLocal(*fault) func() { return o.freeze(o.local) }

func (o *ordeal) restartBroker(f *fault) func() {
	f.lasts = min(f.lasts, 40*time.Second)
	if f.random.IntN(2) == 0 {
		f.word = "killed"
		o.local.Cut()
	}
	o.do(o.broker.Close())
	return func() {
		l, err := o.local.Listen("broker.test:1883")
		if err != nil {
			return // another fault has it
		}
		if o.broker, err = linktest.NewBroker(linktest.Options{Listener: l}); err != nil {
			o.Fatal(err)
		}
		o.ledger.listen()
	}
}

func (o *ordeal) restart(f *fault) func() {
	if o.down++; o.down == 1 {
		o.stop()
	}
	return o.rise
}

func (o *ordeal) rise() {
	if o.down--; o.down == 0 {
		o.start()
	}
}

// kill ends the daemon so that the world and its state folder look as if the
// process had ended at once.
func (o *ordeal) kill(f *fault) func() {
	if o.down++; o.down > 1 {
		return o.rise
	}
	kept, thaws := o.TempDir(), []func(){o.freeze(o.local), o.freeze(o.lg)}
	o.do(os.CopyFS(kept, os.DirFS(o.dir)))
	cut := func() { o.local.Cut(); o.lg.Cut() }
	cut()
	o.stop()
	cut()
	o.after(time.Second)
	for _, thaw := range thaws {
		thaw()
	}
	o.do(os.RemoveAll(o.dir))
	o.do(os.CopyFS(o.dir, os.DirFS(kept)))
	return o.rise
}

func (o *ordeal) unplug(f *fault) func() {
	all := o.sim.Devices()
	id := all[f.random.IntN(len(all))].ID
	forGood := f.random.IntN(3) == 0
	f.word = id[:8] + map[bool]string{true: " for good"}[forGood]
	_ = o.sim.SetOnline(id, false) // it may have been removed
	if forGood {
		return nil
	}
	return func() { _ = o.sim.SetOnline(id, true) }
}

func (o *ordeal) add(f *fault) func() {
	f.lasts = 0
	_ = o.sim.Add(samples(newcomer)[0]) // it may be there
	return nil
}

func (o *ordeal) remove(f *fault) func() {
	f.lasts = 0
	if all := o.sim.Devices(); len(all) > 2 {
		_ = o.sim.Remove(all[f.random.IntN(len(all))].ID)
	}
	return nil
}

func (o *ordeal) rename(f *fault) func() {
	f.lasts = 0
	all := o.sim.Devices()
	_ = o.sim.Rename(all[f.random.IntN(len(all))].ID, fmt.Sprint("Renamed ", f.random.IntN(100)))
	return nil
}

func (o *ordeal) advance(f *fault) func() {
	f.lasts = 0
	hours := 1 + f.random.IntN(20)
	f.word = fmt.Sprint(hours, " h")
	o.leaps = append(o.leaps, leap{time.Now(), time.Duration(hours) * time.Hour})
	o.sim.Advance(time.Duration(hours) * time.Hour)
	return nil
}
