package bridge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A daemon is all of it, as the command wires it, between the simulated cloud
// and the embedded broker: no sockets, virtual time.
type daemon struct {
	*testing.T
	way       way
	sim       *thinqtest.Server
	tokens    *thinq.TokenSource // nil: there is a personal token
	broker    *linktest.Broker
	brokerMu  sync.Mutex // while it is replaced
	lg        *thinqtest.Network
	away      atomic.Bool // nobody at LG takes connections
	local     *thinqtest.Network
	store     *bridge.Store
	dir       string
	link      *link.Link
	bridge    *bridge.Bridge
	topics    discovery.Topics
	owner     discovery.Settings      // of every appliance
	reconcile time.Duration           // between reads; 0: as usual
	wire      func(net.Conn) net.Conn // what stands between the daemon and its broker; may be nil
	again     atomic.Int32            // requests for a restart
	cage      *cage                   // of secrets, which must not come out
	registry  *prometheus.Registry
	log       bytes.Buffer
	logMu     sync.Mutex
	stop      func()
}

// logger keeps what is logged, and more of it goes to others.
func (d *daemon) logger(others ...slog.Handler) *slog.Logger {
	return slog.New(slog.NewMultiHandler(append(others, audible{slog.NewTextHandler(d, &slog.HandlerOptions{Level: slog.LevelDebug})}, d.cage.handler())...))
}

func (d *daemon) Write(p []byte) (int, error) {
	d.logMu.Lock()
	defer d.logMu.Unlock()
	return d.log.Write(p)
}

// withWay runs a test in a bubble.
func withWay(t *testing.T, w way, o thinqtest.Options, f func(d *daemon)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := &daemon{T: t, way: w, dir: dir, cage: new(cage), lg: &thinqtest.Network{}, topics: discovery.Topics{Base: "thinq2mqtt", Prefix: "homeassistant"}}
		d.serve(o)
		d.start()
		defer d.close()
		f(d)
	})
}

// close ends everything, also after a test that failed.
func (d *daemon) close() {
	d.searchPages()
	d.stop()
	d.checkCanaries()
	d.sim.Close()
	if err := d.broker.Close(); err != nil {
		d.Error(err)
	}
	if d.Failed() {
		d.Log(d.log.String())
	}
}

func samples(names ...string) []thinqtest.Sample {
	return slices.DeleteFunc(thinqtest.Samples(), func(s thinqtest.Sample) bool { return !slices.Contains(names, s.Name) })
}

func (d *daemon) serve(o thinqtest.Options) {
	d.Helper()
	err := d.way.open(d.lg, &o)
	if err != nil {
		d.Fatal(err)
	}
	if d.sim, err = thinqtest.NewServer(o); err != nil {
		d.Fatal(err)
	}
	d.cage.guard("token", d.sim.Token)
	d.listen()
}

// listen starts the local broker, empty.
func (d *daemon) listen() {
	d.Helper()
	d.local = &thinqtest.Network{}
	l, err := d.local.Listen("broker.test:1883")
	if err != nil {
		d.Fatal(err)
	}
	if d.broker, err = linktest.NewBroker(linktest.Options{Listener: l, Username: "bridge", Password: brokerPassword}); err != nil {
		d.Fatal(err)
	}
}

// start starts the daemon on its state folder.
func (d *daemon) start() {
	d.Helper()
	var err error
	if d.store, err = bridge.OpenStore(d.dir); err != nil {
		d.Fatal(err)
	}
	budget := thinq.NewBudget(100, 40, d.store.Budget())
	options, subscriber := d.way.connect(d, thinq.Options{
		Country: "KR", APIURL: d.sim.URL, Roots: d.sim.Roots(), Dial: d.dialLG, Budget: budget,
		Identity: d.store.Identity(), Save: d.saveIdentity, Logger: d.logger(),
	})
	client, err := thinq.NewClient(options)
	if err != nil {
		d.Fatal(err)
	}
	tell, spill := bridge.NewLogHandler(), bridge.NewSpill()
	log := d.logger(tell)
	broker, password := d.brokerSecrets()
	d.link = link.New(link.Options{
		URL: broker, ClientID: d.store.Instance(), Will: bridge.Will(d.topics), Subscriptions: bridge.Subscriptions(d.topics),
		Username: "bridge", Password: password, Dial: d.watched, Logger: log, Overflow: spill.Take,
	})
	d.bridge = bridge.New(bridge.Options{
		Cloud: client, Broker: d.link, Budget: budget, Store: d.store, HomeAssistant: true, Logger: log, Log: tell, Metrics: d.metrics(), Version: "1.0.0",
		Restart:    func() { d.again.Add(1) },
		Subscriber: subscriber, Spill: spill, Reconcile: d.reconcile,
		Discovery: discovery.Options{
			Topics: d.topics, Unit: "auto", Instance: d.store.Instance(),
			Settings: func(string, string) discovery.Settings { return d.owner },
		},
	})
	d.run(client)
}

func (d *daemon) run(client *thinq.Client) {
	ctx, cancel := context.WithCancel(d.Context())
	wires, cut := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := d.link.Run(wires); err != nil {
			d.Error(err)
		}
	})
	ended := make(chan error, 1)
	go func() { ended <- d.bridge.Run(ctx) }()
	d.stop = func() {
		d.Helper()
		cancel()
		if err := <-ended; err != nil {
			d.Error(err)
		}
		cut()
		wg.Wait()
		if d.tokens != nil {
			d.tokens.Close()
		}
		client.Close()
		if err := d.store.Close(); err != nil {
			d.Error(err)
		}
		d.searchFolder()
	}
}

func (d *daemon) after(wait time.Duration) {
	time.Sleep(wait)
	synctest.Wait()
}

func (d *daemon) retained(topic string) string {
	payload, _ := d.broker.Retained(topic)
	return string(payload)
}

func (d *daemon) slugOf(name string) (id, slug string) {
	d.Helper()
	found := samples(name)
	if len(found) == 0 {
		d.Fatalf("no sample %q", name)
	}
	var element struct {
		ID   string `json:"deviceId"`
		Info struct {
			Type string `json:"deviceType"`
		} `json:"deviceInfo"`
	}
	if err := json.Unmarshal(found[0].Device, &element); err != nil {
		d.Fatal(err)
	}
	return element.ID, discovery.Slug(element.Info.Type, element.ID)
}

// value is one value of a state document.
func (d *daemon) value(slug, key string) any {
	d.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(d.retained(d.topics.State(slug))), &doc); err != nil {
		d.Fatalf("state of %s: %v", slug, err)
	}
	return doc[key]
}

func (d *daemon) publish(topic, payload string) {
	d.Helper()
	if err := d.broker.Publish(topic, []byte(payload), false); err != nil {
		d.Fatal(err)
	}
}

// calls are those to the API since a call; the callback's handshakes are none.
func (d *daemon) calls(since int) (calls []string) {
	for _, c := range d.sim.Calls(since) {
		if c.Path != "/websocket" {
			calls = append(calls, c.Method+" "+c.Path)
		}
	}
	return calls
}

// statuses are the stages of commands on a result topic so far.
func statuses(t *testing.T, results <-chan linktest.Msg) []string {
	t.Helper()
	var all []string
	for {
		select {
		case m := <-results:
			var r struct{ Status string }
			if err := json.Unmarshal(m.Payload, &r); err != nil {
				t.Fatal(err)
			}
			all = append(all, r.Status)
		default:
			return all
		}
	}
}

const (
	guestRoom  = "air_conditioner_one_setpoint"
	dishwasher = "dish_washer_integrated"
)

var small = thinqtest.Options{Samples: samples(guestRoom, dishwasher)}

func TestDaemon(t *testing.T) {
	withDaemon(t, small, func(d *daemon) {
		d.after(time.Minute)
		id, slug := d.slugOf(guestRoom)
		if got := d.retained(d.topics.Availability(slug)); got != `{"state":"online"}` {
			d.Fatalf("availability = %q", got)
		}
		if calls := d.calls(0); len(calls) > 4*2+4 {
			d.Errorf("calls at a cold start of two: %q", calls)
		}
		results := d.results(slug)
		d.publish(d.topics.SetAttr(slug, "air_con_operation_mode"), "power_on")
		d.after(5 * time.Second)
		if got := statuses(d.T, results); !slices.Equal(got, []string{"accepted", "confirmed"}) {
			d.Errorf("stages = %q", got)
		}
		if err := d.sim.Patch(id, []byte(`{"temperature":{"targetTemperature":28}}`)); err != nil {
			d.Fatal(err)
		}
		d.after(5 * time.Second)
		if got := d.value(slug, "target_temperature"); got != 28.0 {
			d.Errorf("target_temperature = %v after the appliance's own report", got)
		}
	})
}

func TestDaemonRestart(t *testing.T) {
	withDaemon(t, small, func(d *daemon) {
		d.after(time.Minute)
		d.stop()
		if got := d.retained(d.topics.Bridge("state")); got != `{"state":"offline"}` {
			d.Errorf("bridge/state = %q after a stop", got)
		}
		before := len(d.sim.Calls(0))
		d.start()
		d.after(time.Minute)
		if calls := d.calls(before); len(calls) > 3 {
			d.Errorf("calls of a warm start: %q", calls)
		}
		_, slug := d.slugOf(guestRoom)
		if got := d.retained(d.topics.Availability(slug)); got != `{"state":"online"}` {
			d.Errorf("availability = %q", got)
		}
	})
}

// A broker that comes back empty gets everything again: of each appliance first what
// it is, then its state, then that it is there, and last that the bridge is online.
func TestF073BrokerForgets(t *testing.T) {
	withDaemon(t, small, func(d *daemon) {
		d.after(time.Minute)
		want := slices.Sorted(maps.Keys(d.broker.Messages("#")))
		if err := d.broker.Close(); err != nil {
			d.Fatal(err)
		}
		d.after(10 * time.Second)
		l, err := d.local.Listen("broker.test:1883")
		if err != nil {
			d.Fatal(err)
		}
		if d.broker, err = linktest.NewBroker(linktest.Options{Listener: l, Username: "bridge", Password: brokerPassword}); err != nil {
			d.Fatal(err)
		}
		heard, err := d.broker.Subscribe("#")
		if err != nil {
			d.Fatal(err)
		}
		d.after(2 * time.Minute)
		if got := slices.Sorted(maps.Keys(d.broker.Messages("#"))); !slices.Equal(got, want) {
			d.Errorf("retained topics:\n%q\nwant\n%q", got, want)
		}
		var order []string
		for len(heard) > 0 {
			order = append(order, (<-heard).Topic)
		}
		_, slug := d.slugOf(guestRoom)
		last := -1
		for _, topic := range []string{d.topics.Discovery(slug), d.topics.State(slug), d.topics.Availability(slug), d.topics.Bridge("state")} {
			at := slices.Index(order, topic)
			if at <= last {
				d.Errorf("%s comes as number %d, after %d: %q", topic, at, last, order)
			}
			last = at
		}
		if slices.ContainsFunc(order[last:], func(topic string) bool { return strings.HasSuffix(topic, "/availability") }) {
			d.Errorf("online before all appliances are there: %q", order)
		}
	})
}

// That the dishes are done is told once, though the connections and the bridge
// begin anew right after it: it is not retained, and nobody tells it again.
func TestF083OneEvent(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		id, slug := d.slugOf(dishwasher)
		events := d.hear(d.topics.Event(slug, "+"))
		d.do(d.sim.Push(id, "CLEANING_IS_COMPLETE"))
		d.after(time.Second)
		d.local.Cut()
		d.lg.Cut()
		d.restart(nil)
		d.crash()
		d.start()
		d.after(10 * time.Minute)
		var told []string
		for len(events) > 0 {
			told = append(told, (<-events).Topic)
		}
		if !slices.Equal(told, []string{d.topics.Event(slug, "notification")}) {
			d.Errorf("told: %q", told)
		}
		if kept := d.broker.Messages(d.topics.Event(slug, "+")); len(kept) > 0 {
			d.Errorf("retained: %q", kept)
		}
	})
}

func TestDaemonLifecycle(t *testing.T) {
	withDaemon(t, small, func(d *daemon) {
		d.after(time.Minute)
		added := samples("humidifier_studio")[0]
		if err := d.sim.Add(added); err != nil {
			d.Fatal(err)
		}
		d.after(d.way.news)
		id, slug := d.slugOf("humidifier_studio")
		if got := d.retained(d.topics.Availability(slug)); got != `{"state":"online"}` {
			d.Errorf("availability of the added one = %q", got)
		}
		if err := d.sim.Rename(id, "Nursery"); err != nil {
			d.Fatal(err)
		}
		d.after(d.way.news)
		if !strings.Contains(d.retained(d.topics.Discovery(slug)), "Nursery") {
			d.Error("the new name is not announced")
		}
		if err := d.sim.Remove(id); err != nil {
			d.Fatal(err)
		}
		d.after(d.way.news)
		for topic := range d.broker.Messages("#") {
			if strings.Contains(topic, slug) {
				d.Errorf("%s remains of a removed appliance", topic)
			}
		}
	})
}

// The whole sample home under a storm of faults; when they end, what is
// retained is what the appliances are.
func TestDaemonFaults(t *testing.T) {
	names := []string{guestRoom, dishwasher, "washtower_one_piece", "humidifier_studio"}
	withDaemon(t, thinqtest.Options{Samples: samples(names...)}, func(d *daemon) {
		d.after(2 * time.Minute)
		for _, body := range []string{"html", "empty", "invalid", "reset"} {
			if err := d.sim.Fault(thinqtest.Fault{Times: 3, Status: 502, Body: body}); err != nil {
				d.Fatal(err)
			}
		}
		id, slug := d.slugOf(guestRoom)
		for i := range 40 {
			if err := d.sim.Patch(id, fmt.Appendf(nil, `{"temperature":{"targetTemperature":%d}}`, 17+i%14)); err != nil {
				d.Fatal(err)
			}
			switch i % 10 {
			case 3:
				d.lg.Cut()
			case 6:
				d.local.Cut()
			}
			d.after(20 * time.Second)
		}
		d.after(45 * time.Minute)
		if got, want := d.value(slug, "target_temperature"), float64(17+39%14); got != want {
			d.Errorf("target_temperature = %v, want %v", got, want)
		}
		if got := d.retained(d.topics.Bridge("state")); got != `{"state":"online"}` {
			d.Errorf("bridge/state = %q", got)
		}
	})
}
