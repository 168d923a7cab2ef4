package bridge_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A specimen is a simulated appliance as it truly is, in the bridge's words.
type specimen struct {
	thinq.Device
	online  bool
	profile *thinq.Profile
	state   thinq.State
}

// A truth looks at the simulated cloud past all faults. It remembers profiles.
type truth struct {
	*daemon
	models map[string]*discovery.Model
}

func newTruth(d *daemon) *truth {
	x := &truth{daemon: d, models: map[string]*discovery.Model{}}
	for _, s := range thinqtest.Samples() {
		p, err := thinq.ParseProfile(s.Profile)
		if err != nil {
			continue
		}
		var element struct {
			ID string `json:"deviceId"`
		}
		if err := json.Unmarshal(s.Device, &element); err != nil {
			d.Fatal(err)
		}
		x.models[element.ID] = discovery.NewModel(p)
	}
	return x
}

func (x *truth) options() discovery.Options {
	return discovery.Options{
		Topics: x.topics, Unit: "auto", Instance: x.store.Instance(),
		Settings: func(string, string) discovery.Settings { return x.owner },
	}
}

func (x *truth) appliances() (all []specimen) {
	x.Helper()
	for _, d := range x.sim.Devices() {
		s := specimen{online: d.Online}
		var info struct {
			Type  string `json:"deviceType"`
			Model string `json:"modelName"`
			Alias string `json:"alias"`
		}
		if err := json.Unmarshal(d.Info, &info); err != nil {
			x.Fatal(err)
		}
		s.Device = thinq.Device{ID: d.ID, Type: info.Type, Model: info.Model, Alias: info.Alias, Reportable: true}
		m := x.models[d.ID]
		s.profile = m.Profile
		var err error
		if s.state, err = m.Profile.Decode(d.State); err != nil {
			x.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// halves are the devices that one appliance makes: a tower's two, else one.
func (x *truth) halves(s specimen) []*discovery.Device {
	return x.models[s.ID].Describe(s.Device, s.state, x.options())
}

// wrong is the state oracle: what the broker retains and is not so.
func (x *truth) wrong() (all []string) {
	x.Helper()
	complain := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if got := x.retained(x.topics.Bridge("state")); got != `{"state":"online"}` {
		complain("bridge/state is %q", got)
	}
	there := map[string]bool{}
	for _, s := range x.appliances() {
		for _, h := range x.halves(s) {
			there[h.Slug] = true
			all = append(all, x.compare(s, h)...)
		}
	}
	for topic, payload := range x.broker.Messages("#") {
		if t, ok := x.topics.Parse(topic); ok && t.Slug != "" && !there[t.Slug] && len(payload) > 0 && !strings.Contains(topic, "thinq2mqtt_bridge_") {
			complain("%s is left of an appliance that is gone", topic)
		}
	}
	return all
}

// compare is wrong for one appliance, or for half of one.
func (x *truth) compare(s specimen, h *discovery.Device) (all []string) {
	complain := func(format string, args ...any) {
		all = append(all, h.Slug+": "+fmt.Sprintf(format, args...))
	}
	word := map[bool]string{true: `{"state":"online"}`, false: `{"state":"offline"}`}[s.online]
	if got := x.retained(x.topics.Availability(h.Slug)); got != word {
		complain("availability is %q, not %s", got, word)
	}
	announced := x.retained(x.topics.Discovery(h.Slug))
	for _, difference := range different(components(announced), slices.Sorted(maps.Keys(h.Components()))) {
		complain("announced is %s", difference)
	}
	if !strings.Contains(announced, string(quoted(h.Name))) {
		complain("is not announced as %q", h.Name)
	}
	if !s.online {
		return all // its last state is kept
	}
	var got, want map[string]any
	if err := json.Unmarshal([]byte(x.retained(x.topics.State(h.Slug))), &got); err != nil {
		complain("its state is no document: %v", err)
		return all
	}
	if err := json.Unmarshal(h.Payload(s.state), &want); err != nil {
		x.Fatal(err)
	}
	for _, key := range said(h) {
		if !reflect.DeepEqual(got[key], want[key]) {
			complain("%s is %v, not %v", key, got[key], want[key])
		}
	}
	return all
}

func quoted(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

func components(announcement string) []string {
	var message struct{ Components map[string]any }
	if json.Unmarshal([]byte(announcement), &message) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(message.Components))
}

// different says what one list of components has and the other has not. Meters
// are found out about later.
func different(got, want []string) (all []string) {
	for _, key := range got {
		if !slices.Contains(want, key) && !strings.HasPrefix(key, "energy_usage_") {
			all = append(all, key+", which it has not")
		}
	}
	for _, key := range want {
		if !slices.Contains(got, key) {
			all = append(all, "no "+key)
		}
	}
	return all
}

// workedOut end the keys of values that follow from others and from when they
// came.
var workedOut = regexp.MustCompile(`_(at|remaining)$`)

// said are the keys of the document that repeat what LG says and nothing that
// the bridge works out.
func said(h *discovery.Device) (keys []string) {
	for _, e := range h.Entities {
		for _, b := range e.Bindings {
			if len(b.Props) > 0 && !workedOut.MatchString(b.Attr) && !slices.ContainsFunc(b.Props, func(p thinq.Property) bool { return !p.Readable }) {
				keys = append(keys, b.Attr)
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// An order is a command that was sent, and what became of it.
type order struct {
	transaction string
	device      string
	slug        string
	attr, value string
	path        thinq.Path
	goal        any
	sent        time.Time
	clear       bool            // nothing stood between its sender and the bridge
	stages      []string        // that its sender heard of
	effect      bool            // a call made it
	restored    map[*order]bool // what was wished for again, if this is a new mode
}

func (o *order) String() string {
	return fmt.Sprintf("%s %s %s=%s at %s %q", o.transaction, o.slug, o.attr, o.value, o.sent.Format(clockFace), o.stages)
}

const clockFace = "15:04:05.0"

// A ledger is the command oracle.
type ledger struct {
	*daemon
	orders  map[string]*order
	inOrder []*order
	results <-chan linktest.Msg
	thaws   []time.Time // when calls that were stuck on their way went on
	leaps   []leap      // of the cloud's clock
}

type leap struct {
	at time.Time
	by time.Duration
}

// when is the time of a call; the record has the cloud's.
func (l *ledger) when(c thinqtest.Call) time.Time {
	var ahead time.Duration
	for _, p := range l.leaps {
		if !c.Time.Before(p.at.Add(ahead + p.by)) {
			ahead += p.by
		}
	}
	return c.Time.Add(-ahead)
}

func newLedger(d *daemon) *ledger {
	l := &ledger{daemon: d, orders: map[string]*order{}}
	l.listen()
	return l
}

// listen hears of results from now on; a broker that was started anew knows
// nobody.
func (l *ledger) listen() {
	l.Helper()
	var err error
	if l.results, err = l.broker.Subscribe(l.topics.Result("+")); err != nil {
		l.Fatal(err)
	}
}

// hear takes what came.
func (l *ledger) hear() {
	for {
		select {
		case m := <-l.results:
			var r struct{ Transaction, Status string }
			if err := json.Unmarshal(m.Payload, &r); err != nil {
				l.Error(err)
			}
			if o := l.orders[r.Transaction]; o != nil {
				o.stages = append(o.stages, r.Status)
			}
		default:
			return
		}
	}
}

// send gives an order.
func (l *ledger) send(o order) {
	l.Helper()
	o.transaction, o.sent, o.restored = fmt.Sprint("c", len(l.inOrder)), time.Now(), map[*order]bool{}
	l.orders[o.transaction] = &o
	l.inOrder = append(l.inOrder, &o)
	l.publish(l.topics.Set(o.slug), fmt.Sprintf(`{%q:%q,"transaction":%q}`, o.attr, o.value, o.transaction))
}

// ended are how often the log says that each command ended.
func (l *ledger) ended() map[string]int {
	l.logMu.Lock()
	defer l.logMu.Unlock()
	counts := map[string]int{}
	for line := range bytes.Lines(l.log.Bytes()) {
		_, rest, ok := bytes.Cut(line, []byte(`msg=command `))
		if ok && !bytes.Contains(rest, []byte(" times=")) { // which sums up
			_, rest, _ = bytes.Cut(rest, []byte("transaction="))
			name, _, _ := bytes.Cut(rest, []byte(" "))
			counts[string(name)]++
		}
	}
	return counts
}

// wrong is what must not have happened to commands.
func (l *ledger) wrong() (all []string) {
	l.hear()
	ended := l.ended()
	for _, o := range l.inOrder {
		finals := len(o.stages)
		interim := 0
		for _, s := range o.stages {
			if s == "accepted" {
				interim++
			}
		}
		finals -= interim
		switch {
		case finals > 1, interim > 1, ended[o.transaction] > 1:
			all = append(all, fmt.Sprintf("ended %d times in the log: %v", ended[o.transaction], o))
		case interim == 1 && finals == 1 && o.stages[1] == "accepted":
			all = append(all, fmt.Sprintf("accepted after its end: %v", o))
		case o.clear && (finals != 1 || ended[o.transaction] != 1):
			all = append(all, fmt.Sprintf("ended %d times, %d in the log: %v", finals, ended[o.transaction], o))
		}
	}
	return append(all, l.effects()...)
}

// effects are calls that nobody ordered, or not so late, or not so often.
func (l *ledger) effects() (all []string) {
	for _, c := range l.sim.Calls(0) {
		if isControl(c) && !l.justified(c) && !l.wakes(c) && !l.restores(c) {
			all = append(all, fmt.Sprintf("call %d at %s %s %s (%d %s): nobody ordered this then, but%s", c.N, l.when(c).Format(clockFace), c.Path, c.Body, c.Status, c.Code, l.near(c)))
		}
	}
	return all
}

// near are the orders for the appliance of a call from about its time.
func (l *ledger) near(c thinqtest.Call) (text string) {
	for _, o := range l.inOrder {
		if late := l.when(c).Sub(o.sent); strings.Contains(c.Path, o.device) && late > -5*time.Second && late < time.Minute {
			text += fmt.Sprintf("\n    %v (%v)", o, map[bool]string{true: "carried out", false: "not carried out"}[o.effect])
		}
	}
	return text
}

// wakes reports whether a call switches on what another order needs to be on: it
// came when the appliance was about to be off, which its sender did not know.
func (l *ledger) wakes(c thinqtest.Call) bool {
	at := l.when(c)
	return strings.Contains(string(c.Body), `"POWER_ON"`) && slices.ContainsFunc(l.inOrder, func(o *order) bool {
		late := at.Sub(o.sent)
		return strings.Contains(c.Path, o.device) && late >= 0 && late <= lifeOfOrders && o.goal != any("POWER_ON")
	})
}

// restores reports whether a call wishes again for what a new mode undoes: a
// dashboard had sent both at once. Each mode does so once for each such order.
func (l *ledger) restores(c thinqtest.Call) bool {
	at := l.when(c)
	for i, o := range l.inOrder {
		if !o.effect || !discovery.Fleeting(o.path) || !strings.Contains(c.Path, o.device) || !carries(c.Body, o.path, o.goal) {
			continue
		}
		for _, mode := range l.inOrder[i+1:] {
			if mode.slug == o.slug && strings.HasSuffix(mode.path.Resource, "obMode") && !mode.restored[o] &&
				mode.sent.Sub(o.sent) <= 100*time.Millisecond && at.After(mode.sent) && at.Sub(mode.sent) <= lifeOfOrders {
				mode.restored[o] = true
				return true
			}
		}
	}
	return false
}

// justified finds the orders behind a call. An order justifies one that LG did
// not refuse.
func (l *ledger) justified(c thinqtest.Call) bool {
	found := map[string]bool{} // by what was set
	at := l.when(c)
	for _, o := range l.inOrder {
		late := at.Sub(o.sent)
		name := o.path.String() + fmt.Sprint(o.goal)
		if o.effect || found[name] || late < 0 || late > lifeOfOrders && !l.stuck(at) ||
			!strings.Contains(c.Path, o.device) || !carries(c.Body, o.path, o.goal) {
			continue
		}
		found[name] = true
		o.effect = c.Code == ""
	}
	return len(found) > 0
}

// lifeOfOrders is how late a command may be carried out, and what a new
// connection to LG may take.
const lifeOfOrders = 10*time.Second + 500*time.Millisecond

// stuck reports whether a call came when the network let go of what it held.
func (l *ledger) stuck(at time.Time) bool {
	return slices.ContainsFunc(l.thaws, func(t time.Time) bool { d := at.Sub(t); return d >= 0 && d < 10*time.Second })
}

// carries reports whether a call sets a path to a value, however LG nests it.
func carries(body any, p thinq.Path, value any) bool {
	into := func(e any) bool { return carries(e, p, value) }
	switch v := body.(type) {
	case json.RawMessage:
		var parsed any
		return json.Unmarshal(v, &parsed) == nil && into(parsed)
	case []any:
		return slices.ContainsFunc(v, into)
	case map[string]any:
		if half, ok := v[p.Part]; ok {
			p.Part = ""
			return into(half)
		}
		if place, ok := v["locationName"]; ok && place != p.Location {
			return false
		}
		for k, e := range v {
			if p.Part == "" && strings.HasPrefix(k, p.Name) && reflect.DeepEqual(e, value) || into(e) {
				return true
			}
		}
	}
	return false
}

// An oracle that nothing escapes is worth its place: it finds what somebody
// broke on purpose.
func TestOracles(t *testing.T) {
	withDaemon(t, small, func(d *daemon) {
		d.after(time.Minute)
		x, l := newTruth(d), newLedger(d)
		if got := x.wrong(); len(got) > 0 {
			d.Fatalf("all is well, and yet:\n%s", strings.Join(got, "\n"))
		}
		_, slug := d.slugOf(guestRoom)
		for topic, payload := range map[string]string{
			d.topics.State(slug):        strings.Replace(d.retained(d.topics.State(slug)), `"target_temperature":21`, `"target_temperature":22`, 1),
			d.topics.Availability(slug): `{"state":"offline"}`,
			d.topics.Discovery(slug):    "",
			d.topics.Bridge("state"):    `{"state":"offline"}`,
			d.topics.State("gone_1234"): `{}`,
		} {
			was := d.retained(topic)
			if err := d.broker.Publish(topic, []byte(payload), true); err != nil {
				d.Fatal(err)
			}
			if got := x.wrong(); len(got) == 0 {
				d.Errorf("%s = %s is not found", topic, payload)
			}
			if err := d.broker.Publish(topic, []byte(was), true); err != nil {
				d.Fatal(err)
			}
		}
		if got := append(x.wrong(), l.wrong()...); len(got) > 0 {
			d.Errorf("all is well again, and yet:\n%s", strings.Join(got, "\n"))
		}
	})
}

// What a new mode undoes may be wished for again: once, at once, and only where
// both were ordered together.
func TestOracleKnowsWhatIsRestored(t *testing.T) {
	begin := time.Unix(0, 0)
	for name, test := range map[string]struct {
		pause time.Duration // between the two orders
		late  time.Duration // of the call after them
		path  thinq.Path
		mode  string // resource of the other order
		times int    // it is right so often
	}{
		"together":       {50 * time.Millisecond, 2 * time.Second, thinq.Path{Resource: "airFlow", Name: "windStrength"}, "airConJobMode", 1},
		"apart":          {150 * time.Millisecond, 2 * time.Second, thinq.Path{Resource: "airFlow", Name: "windStrength"}, "airConJobMode", 0},
		"the other way":  {-50 * time.Millisecond, 2 * time.Second, thinq.Path{Resource: "airFlow", Name: "windStrength"}, "airConJobMode", 0},
		"late":           {50 * time.Millisecond, 11 * time.Second, thinq.Path{Resource: "airFlow", Name: "windStrength"}, "airConJobMode", 0},
		"no mode":        {50 * time.Millisecond, 2 * time.Second, thinq.Path{Resource: "airFlow", Name: "windStrength"}, "timer", 0},
		"nothing undone": {50 * time.Millisecond, 2 * time.Second, thinq.Path{Resource: "timer", Name: "windStrength"}, "airConJobMode", 0},
	} {
		t.Run(name, func(t *testing.T) {
			wish := &order{device: "ac", slug: "ac", path: test.path, goal: "MID", sent: begin, effect: true}
			mode := &order{device: "ac", slug: "ac", path: thinq.Path{Resource: test.mode, Name: "currentJobMode"}, sent: begin.Add(test.pause), restored: map[*order]bool{}}
			l := &ledger{inOrder: []*order{wish, mode}}
			if test.pause < 0 {
				slices.Reverse(l.inOrder)
			}
			call := thinqtest.Call{Method: "POST", Path: "/devices/ac/control", Body: json.RawMessage(`{"airFlow":{"windStrength":"MID"}}`), Time: mode.sent.Add(test.late)}
			times := 0
			for range 3 {
				if l.restores(call) {
					times++
				}
			}
			if times != test.times {
				t.Errorf("right %d times, not %d", times, test.times)
			}
		})
	}
}
