package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC // the tests name days
	goleak.VerifyTestMain(m)
}

// A fakeCloud answers from memory after a delay, and remembers every call.
type fakeCloud struct {
	delay time.Duration

	mu       sync.Mutex
	devices  []thinq.Device
	profiles map[string]json.RawMessage
	states   map[string]json.RawMessage
	faults   map[string][]error // by call, taken from the front; "*" for all
	calls    []string
	at       []time.Time
	busy     int
	peak     int
	handle   func(thinq.Event)
	meters   map[string][]string                                            // by device
	counted  func(id, meter string, day time.Time) (wh float64, known bool) // what the meters say
	longest  int                                                            // days that LG answers at once; 0: any
	obey     func(id string, body []byte)                                   // what the appliances do about a control call
	setup    int                                                            // calls that Events makes first
	refuse   error                                                          // of Events
	endpoint thinq.Endpoint                                                 // of Events

	subscribed func() []string       // the list of event subscriptions; nil: there is none
	granted    func(id string) error // what another one is answered; may be nil
}

func (c *fakeCloud) call(ctx context.Context, name string) error {
	c.mu.Lock()
	c.calls, c.at = append(c.calls, name), append(c.at, time.Now())
	c.busy++
	c.peak = max(c.peak, c.busy)
	var err error
	for _, key := range []string{name, "*"} {
		if queue := c.faults[key]; len(queue) > 0 && err == nil {
			err, c.faults[key] = queue[0], queue[1:]
		}
	}
	delay := c.delay
	c.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy--
	return err
}

func (c *fakeCloud) Devices(ctx context.Context) ([]thinq.Device, error) {
	err := c.call(ctx, "list")
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]thinq.Device{}, c.devices...), err
}

func (c *fakeCloud) read(ctx context.Context, kind, id string, from map[string]json.RawMessage) (json.RawMessage, error) {
	c.mu.Lock()
	before := from[id] // an answer tells what was so when the call came
	c.mu.Unlock()
	return before, c.call(ctx, kind+" "+id)
}

func (c *fakeCloud) Profile(ctx context.Context, id string) (json.RawMessage, error) {
	return c.read(ctx, "profile", id, c.profiles)
}

func (c *fakeCloud) State(ctx context.Context, id string) (json.RawMessage, error) {
	return c.read(ctx, "state", id, c.states)
}

func (c *fakeCloud) Control(ctx context.Context, id string, body []byte) error {
	err := c.call(ctx, "control "+id+" "+string(body))
	if c.obey != nil && err == nil {
		c.obey(id, body)
	}
	return err
}

func (c *fakeCloud) SubscribePush(ctx context.Context, id string) error {
	return c.call(ctx, "push "+id)
}

func (c *fakeCloud) SubscribeEvents(ctx context.Context, id string) error {
	err := c.call(ctx, "event "+id)
	if c.granted != nil && err == nil {
		return c.granted(id)
	}
	return err
}

// EventSubscriptions are by default what a family of LG's says that has no list.
func (c *fakeCloud) EventSubscriptions(ctx context.Context) ([]string, error) {
	if c.subscribed == nil {
		return nil, lgError("1220", 406)
	}
	err := c.call(ctx, "subscriptions")
	return c.subscribed(), err
}

func (c *fakeCloud) SubscribeLifecycle(ctx context.Context) error { return c.call(ctx, "lifecycle") }

func (c *fakeCloud) Events(ctx context.Context, sub thinq.Subscriber, handle func(thinq.Event)) error {
	for i := range c.setup {
		if err := c.call(ctx, fmt.Sprintf("setup %d", i)); err != nil {
			return err
		}
	}
	if c.refuse != nil {
		return c.refuse
	}
	c.mu.Lock()
	c.handle = handle
	c.mu.Unlock()
	return sub(ctx, c.endpoint, nil)
}

func (c *fakeCloud) EnergyProfile(ctx context.Context, id string) ([]string, error) {
	if c.meters == nil {
		return nil, lgError("1221", 406) // as if nobody had asked, in tests of all else
	}
	if err := c.call(ctx, "meters "+id); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.meters[id]) == 0 {
		return nil, lgError("1221", 406)
	}
	return c.meters[id], nil
}

func (c *fakeCloud) EnergyUsage(ctx context.Context, id, meter string, p thinq.Period, from, to time.Time) ([]thinq.Usage, error) {
	if err := c.call(ctx, fmt.Sprintf("usage %s %s %s %s", id, meter, from.Format("0102"), to.Format("0102"))); err != nil {
		return nil, err
	}
	var usage []thinq.Usage
	for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
		if wh, known := c.counted(id, meter, day); known {
			usage = append(usage, thinq.Usage{Start: day, WattHours: wh})
		}
	}
	if c.longest > 0 && to.Sub(from) >= time.Duration(c.longest)*24*time.Hour {
		return nil, lgError("1102", 400)
	}
	return usage, nil
}

// report makes an appliance report, and changes its state accordingly.
func (c *fakeCloud) report(id, body string) {
	c.mu.Lock()
	c.states[id] = overlay(c.states[id], body)
	handle := c.handle
	c.mu.Unlock()
	handle(thinq.Event{Kind: thinq.Report, Device: id, Report: json.RawMessage(body)})
}

// quietly changes an appliance without a report.
func (c *fakeCloud) quietly(id, body string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.states[id] = overlay(c.states[id], body)
}

func overlay(state json.RawMessage, body string) json.RawMessage {
	var old, change map[string]map[string]any
	if json.Unmarshal(state, &old) != nil || json.Unmarshal([]byte(body), &change) != nil {
		return json.RawMessage(body)
	}
	for resource, values := range change {
		for name, v := range values {
			old[resource][name] = v
		}
	}
	merged, _ := json.Marshal(old)
	return merged
}

func (c *fakeCloud) fail(call string, errs ...error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults[call] = append(c.faults[call], errs...)
}

// made are the calls that begin with a word.
func (c *fakeCloud) made(prefix string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var some []string
	for _, call := range c.calls {
		if strings.HasPrefix(call, prefix) {
			some = append(some, call)
		}
	}
	return some
}

// change changes what the cloud knows.
func (c *fakeCloud) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func (c *fakeCloud) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls, c.at, c.peak = nil, nil, 0
}

// A home is a bridge between the two doubles, inside a synctest bubble.
type home struct {
	*testing.T
	cloud  *fakeCloud
	broker *fakeBroker
	bridge *Bridge
	o      Options
	stop   func()
}

const base = "thinq2mqtt"

// sampleOf is a built-in appliance under an id of our own.
func sampleOf(t *testing.T, name, id string) (thinq.Device, thinqtest.Sample) {
	t.Helper()
	for _, s := range thinqtest.Samples() {
		if s.Name != name {
			continue
		}
		var element struct {
			Info struct {
				Type  string `json:"deviceType"`
				Model string `json:"modelName"`
				Alias string `json:"alias"`
			} `json:"deviceInfo"`
		}
		if err := json.Unmarshal(s.Device, &element); err != nil {
			t.Fatal(err)
		}
		return thinq.Device{ID: id, Type: element.Info.Type, Model: element.Info.Model, Alias: element.Info.Alias, Reportable: true}, s
	}
	t.Fatalf("no sample %q", name)
	panic("unreachable")
}

// newHome makes a home with appliances; id=sample.
func newHome(t *testing.T, appliances ...string) *home {
	t.Helper()
	h := &home{T: t,
		cloud: &fakeCloud{profiles: map[string]json.RawMessage{}, states: map[string]json.RawMessage{}, faults: map[string][]error{}},
	}
	for _, a := range appliances {
		h.add(a)
	}
	h.o = Options{
		Cloud: h.cloud, HomeAssistant: true, Version: "1.0.0",
		Discovery:  discovery.Options{Topics: discovery.Topics{Base: base, Prefix: "homeassistant"}, Unit: "auto", Instance: "thinq2mqtt_0badcafe"},
		Subscriber: subscribeFake,
	}
	return h
}

// subscribeFake is a connection that is up until it is told to end.
func subscribeFake(ctx context.Context, ep thinq.Endpoint, _ func([]byte)) error {
	ep.Told(thinq.FreshFlow)
	<-ctx.Done()
	return nil
}

func (h *home) add(appliance string) {
	h.Helper()
	id, name, _ := strings.Cut(appliance, "=")
	d, s := sampleOf(h.T, name, id)
	h.cloud.mu.Lock()
	defer h.cloud.mu.Unlock()
	h.cloud.devices = append(h.cloud.devices, d)
	h.cloud.profiles[id], h.cloud.states[id] = s.Profile, s.Status
}

// run starts the bridge with a broker that is connected.
func (h *home) run() {
	h.Helper()
	h.runDown()
	h.broker.connect()
	synctest.Wait()
}

func (h *home) runDown() {
	h.broker = &fakeBroker{down: true, retained: map[string]string{}, refuse: map[string]error{},
		messages: make(chan link.Message, 64), ups: make(chan struct{}, 1)}
	h.o.Broker = h.broker
	h.bridge = New(h.o)
	ctx, cancel := context.WithCancel(h.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.bridge.Run(ctx) }()
	h.stop = func() {
		h.Helper()
		cancel()
		if err := <-ended; err != nil {
			h.Errorf("Run: %v", err)
		}
		h.stop = func() {}
	}
}

// start runs it until the cold start is over.
func (h *home) start() {
	h.Helper()
	h.run()
	h.after(30 * time.Second)
}

// after lets virtual time pass.
func (h *home) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// slug is that of an appliance.
func (h *home) slug(id string) string {
	h.Helper()
	for _, d := range h.cloud.devices {
		if d.ID == id {
			return discovery.Slug(d.Type, id)
		}
	}
	h.Fatalf("no appliance %s", id)
	return ""
}

func (h *home) topic(id, rest string) string { return base + "/" + h.slug(id) + rest }

// set sends a command.
func (h *home) set(id, payload string) {
	h.send(link.Message{Topic: h.topic(id, "/set"), Payload: []byte(payload)})
}

func (h *home) send(m link.Message) {
	m.Received = time.Now()
	h.broker.messages <- m
}

// results are the stages of all commands of an appliance.
func (h *home) results(id string) []result {
	h.Helper()
	var all []result
	for _, payload := range h.broker.on(h.topic(id, "/result")) {
		var r result
		if err := json.Unmarshal([]byte(payload), &r); err != nil {
			h.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// stages are the stages in short: "status" or "status:reason".
func (h *home) stages(id string) []string {
	h.Helper()
	var all []string
	for _, r := range h.results(id) {
		word := r.Status
		if r.Error != nil {
			word += ":" + r.Error.Reason
		}
		all = append(all, word)
	}
	return all
}

// state is one value of the state document.
func (h *home) state(id, key string) any {
	h.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(h.broker.last(h.topic(id, ""))), &doc); err != nil {
		h.Fatalf("state of %s: %v", id, err)
	}
	return doc[key]
}

func (h *home) availability(id string) string { return h.broker.last(h.topic(id, "/availability")) }

// inHome runs a test under virtual time.
func inHome(t *testing.T, appliances []string, f func(h *home)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t, appliances...)
		h.stop = func() {}
		defer func() { h.stop() }()
		f(h)
	})
}

const (
	online  = `{"state":"online"}`
	offline = `{"state":"offline"}`
)

// lgError is an answer of LG with a code.
func lgError(code string, status int) error {
	return &thinq.Error{Endpoint: "GET /devices", Code: code, Status: status}
}
