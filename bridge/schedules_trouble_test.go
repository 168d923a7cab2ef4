package bridge_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
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

// manyCalls is how many may use up the hour's share of calls.
const manyCalls = 90

const newcomer = dishwasher

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
