package bridge_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// An oracle watches commands: each has one final result and at most one call, and
// no call comes later than ten seconds after it.
type oracle struct {
	*daemon
	orders  []*watched
	open    map[string]*watched // by transaction
	latest  map[string]*watched // by appliance and what the body of its call has
	results <-chan linktest.Msg
	seen    int // calls of the simulator
	ended   map[string]int
}

// A watched command is one that an oracle knows of.
type watched struct {
	transaction string
	sent        time.Time
	calls       int
	results     int
	status      string
}

func watch(d *daemon) *oracle {
	d.Helper()
	results, err := d.broker.Subscribe("thinq2mqtt/+/result")
	if err != nil {
		d.Fatal(err)
	}
	return &oracle{daemon: d, open: map[string]*watched{}, latest: map[string]*watched{}, results: results, ended: map[string]int{}}
}

// order sends a command whose call is known by a part of its body.
func (o *oracle) order(id, slug, attr string, value any, body string) {
	w := &watched{transaction: fmt.Sprint("t", len(o.orders)), sent: time.Now()}
	o.orders = append(o.orders, w)
	o.open[w.transaction], o.latest[id+body] = w, w
	payload, err := json.Marshal(map[string]any{attr: value, "transaction": w.transaction})
	if err != nil {
		o.Fatal(err)
	}
	o.publish(o.topics.Set(slug), string(payload))
}

// look takes in what has happened since.
func (o *oracle) look() {
	o.Helper()
	for _, c := range o.sim.Calls(o.seen) {
		o.seen = c.N
		if isControl(c) {
			o.called(c)
		}
	}
	for {
		select {
		case m := <-o.results:
			var r struct{ Transaction, Status string }
			if err := json.Unmarshal(m.Payload, &r); err != nil {
				o.Fatal(err)
			}
			if w := o.open[r.Transaction]; r.Status != "accepted" && w != nil {
				w.results, w.status = w.results+1, r.Status
				o.ended[r.Status]++
			}
		default:
			return
		}
	}
}

// called finds the command of a control call.
func (o *oracle) called(c thinqtest.Call) {
	o.Helper()
	for key, w := range o.latest {
		id, body := key[:64], key[64:]
		if !strings.Contains(c.Path, id) || !strings.Contains(string(c.Body), body) {
			continue
		}
		w.calls++
		if late := c.Time.Sub(w.sent); late > 10*time.Second {
			o.Errorf("%s: a call %v after the command", w.transaction, late)
		}
		return
	}
	o.Errorf("a call without a command: %s %s", c.Path, c.Body)
}

// judge says what is wrong with the commands.
func (o *oracle) judge() {
	o.Helper()
	for _, w := range o.orders {
		if w.calls > 1 || w.results != 1 {
			o.Errorf("%s, sent %v: %d calls, %d results, %s", w.transaction, w.sent, w.calls, w.results, w.status)
		}
	}
}

// mishaps is what may go wrong with a control call.
var mishaps = []thinqtest.Fault{
	{Body: "reset"}, {Body: "reset", After: true},
	{Delay: thinqtest.Duration(3 * time.Second)}, {Delay: thinqtest.Duration(12 * time.Second)},
	{Delay: thinqtest.Duration(25 * time.Second), After: true},
	{Code: "2209", Status: 400}, {Code: "2209", Status: 400, After: true},
	{Code: "2301", Status: 400}, {Body: "html"}, {Body: "html", After: true}, {Body: "empty", After: true},
}

// fleet is an air conditioner so many times.
func fleet(t *testing.T, n int) []thinqtest.Sample {
	t.Helper()
	var all []thinqtest.Sample
	for i := range n {
		s := samples(guestRoom)[0]
		s.Name = fmt.Sprint(guestRoom, "_", i)
		s.Device = []byte(strings.Replace(string(s.Device), `"2f3df9f5`, fmt.Sprintf(`"%08x`, i+1), 1))
		s.Status = []byte(strings.NewReplacer("POWER_OFF", "POWER_ON", `"HEAT"`, `"COOL"`).Replace(string(s.Status)))
		all = append(all, s)
	}
	return all
}

// Ten thousand commands for temperatures, fans and the start of a dishwasher, a
// third of which meet a fault: each has one result and one effect at most, and
// none comes late.
func TestS34CommandOracle(t *testing.T) {
	if testing.Short() {
		t.Skip("ten thousand commands")
	}
	const appliances, commands, gap = 8, 10_000, 25 * time.Second
	fans := []string{"slow", "low", "mid", "high"}
	o := thinqtest.Options{Samples: append(fleet(t, appliances), samples(dishwasher)...), ReportDelay: 300 * time.Millisecond, CallsPerHour: -1}
	withWay(t, personal, o, func(d *daemon) {
		d.after(2 * time.Minute)
		r := rand.New(rand.NewPCG(34, 34))
		oracle := watch(d)
		oracle.seen = len(d.sim.Calls(0))
		dish, dishSlug := d.slugOf(dishwasher)
		fail := func(id string) {
			if r.IntN(3) > 0 {
				return
			}
			f := mishaps[r.IntN(len(mishaps))]
			f.Match, f.Times = thinqtest.Match{Method: "POST", Device: id}, 1
			if err := d.sim.Fault(f); err != nil {
				d.Fatal(err)
			}
		}
		for round := 0; len(oracle.orders) < commands; round++ {
			for i := range appliances {
				id := fleetID(i)
				slug := fleetSlug(i)
				fail(id)
				n := 17 + (round+i)%15
				oracle.order(id, slug, "target_temperature", n, fmt.Sprintf(`"targetTemperature":%d`, n))
				if round%2 == 0 {
					d.after(time.Duration(r.IntN(300)) * time.Millisecond)
				}
				fan := fans[(round+i)%len(fans)]
				oracle.order(id, slug, "wind_strength", fan, fmt.Sprintf(`"windStrength":%q`, strings.ToUpper(fan)))
			}
			if round%4 == 0 {
				fail(dish)
				if err := d.sim.Patch(dish, []byte(`{"runState":{"currentState":"INITIAL"}}`)); err != nil {
					d.Fatal(err)
				}
				oracle.order(dish, dishSlug, "start", "PRESS", "START")
			}
			if round%20 == 19 {
				d.lg.Cut()
			}
			d.after(gap)
			oracle.look()
		}
		d.after(2 * time.Minute)
		oracle.look()
		oracle.judge()
		d.Logf("%d commands ended as %v", len(oracle.orders), oracle.ended)
		if oracle.ended["confirmed"] < commands/2 {
			d.Errorf("ended as %v", oracle.ended)
		}
	})
}

func fleetID(i int) string {
	return fmt.Sprintf("%08x", i+1) + "5af780ea90acedc5fc19dd5605f6e77053d77cf9a802108601d56042"
}

func fleetSlug(i int) string { return discovery.Slug("DEVICE_AIR_CONDITIONER", fleetID(i)) }
