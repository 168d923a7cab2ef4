package mosquitto

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
)

// A Ground is what a relay is measured on: a broker that wants a client
// certificate, as LG's does, and a plain one, as at home.
type Ground struct {
	Cloud, Local *Server
	TLS          *tls.Config // what a relay shows to Cloud

	authority *Authority
	t         testing.TB
	publisher *link.Link
	heard     chan link.Message // from both subscribers
}

// A Route is one way for a message: what is published to In at the cloud's
// broker comes out at Out of the local one.
type Route struct {
	Name    string
	In, Out string
	// Encode makes the message with a number, Decode finds the number in what
	// comes out. Default: the number, padded to 256 bytes.
	Encode func(n int) []byte
	Decode func(payload []byte) (n int, ok bool)
}

// A Result is the time from the call that publishes to the arrival, over all
// messages of a route at a rate.
type Result struct {
	Route       string
	Rate        int // messages per second
	Sent, Came  int
	Median, P95 time.Duration
}

// NewGround starts the two brokers and the clients that measure.
func NewGround(t testing.TB) *Ground {
	t.Helper()
	a := NewAuthority(t)
	g := &Ground{
		Cloud: Start(t, Options{Authority: a, Mutual: true, Quiet: true}),
		Local: Start(t, Options{Quiet: true}),
		TLS:   a.Client(t, "relay"), authority: a, t: t,
		heard: make(chan link.Message, 1<<16),
	}
	g.publisher = g.client("publisher", g.Cloud)
	return g
}

// Files are what a relay in a process of its own shows to Cloud: the authority's
// certificate, its own, and the key.
func (g *Ground) Files(name string) (ca, cert, key string) {
	g.t.Helper()
	cert, key = g.authority.Files(g.t, name)
	return g.authority.File(g.t), cert, key
}

func (g *Ground) client(id string, s *Server, filters ...string) *link.Link {
	g.t.Helper()
	o := link.Options{URL: s.URL, ClientID: id, TLS: g.TLS, Buffer: 1 << 16}
	for _, f := range filters {
		o.Subscriptions = append(o.Subscriptions, link.Subscription{Filter: f})
	}
	l := link.New(o)
	Run(g.t, l)
	return l
}

// Run keeps a link up until the test ends, and waits for its first connection.
func Run(t testing.TB, l *link.Link) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = l.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	select {
	case <-l.Up():
	case <-time.After(time.Minute):
		t.Fatalf("no connection: %s", l.Status().Problem)
	}
}

// Direct is the route without a relay, from the cloud's broker itself: what is
// above its time is what a relay adds.
func (g *Ground) Direct() Route {
	g.listen("direct", g.Cloud, "direct/x")
	return Route{Name: "direct", In: "direct/x", Out: "direct/x"}
}

// Bridge is a third Mosquitto that joins the two as a bridge: the yardstick.
func (g *Ground) Bridge() Route {
	cert, key := g.authority.Files(g.t, "bridge")
	common := []string{"bridge_protocol_version mqttv50", "cleansession true", "notifications false", "try_private false"}
	lines := slices.Concat(
		[]string{"connection cloud", "address " + g.Cloud.URL.Host, "topic bridged/x in 1",
			"bridge_cafile " + g.authority.File(g.t), "bridge_certfile " + cert, "bridge_keyfile " + key}, common,
		[]string{"connection local", "address " + g.Local.URL.Host, "topic bridged/x out 1"}, common)
	Start(g.t, Options{Lines: lines, Quiet: true})
	g.listen("bridged", g.Local, "bridged/x")
	return Route{Name: "mosquitto", In: "bridged/x", Out: "bridged/x"}
}

// Listen hears what comes out of a route; call it once for each route of your own.
func (g *Ground) Listen(r Route) Route {
	g.t.Helper()
	g.listen(r.Name, g.Local, r.Out)
	return r
}

func (g *Ground) listen(id string, s *Server, filter string) {
	g.t.Helper()
	l := g.client("listener-"+id, s, filter)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case m := <-l.Messages():
				g.heard <- m
			case <-ctx.Done():
				return
			}
		}
	})
	g.t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
}

// A Measurement sends messages over several routes at one rate.
type Measurement struct {
	g              *Ground
	rate, messages int
	routes         []Route
	times          [][]time.Duration
	rounds         int
}

// Measure waits until all routes are open. The first should be Direct, the second
// the yardstick; messages is the number per route and round.
func (g *Ground) Measure(rate, messages int, routes ...Route) *Measurement {
	g.t.Helper()
	m := &Measurement{g: g, rate: rate, messages: messages, routes: slices.Clone(routes), times: make([][]time.Duration, len(routes))}
	for i := range m.routes {
		m.routes[i].complete()
		g.await(m.routes[i])
	}
	return m
}

// Round sends over every route in turn, so that what else the machine does
// strikes all of them alike.
func (m *Measurement) Round() {
	m.g.t.Helper()
	for i, r := range m.routes {
		m.times[i] = append(m.times[i], m.g.run(r, m.rate, m.messages)...)
	}
	m.rounds++
}

// Results are those of all rounds together, in the order of the routes.
func (m *Measurement) Results() []Result {
	results := make([]Result, len(m.routes))
	for i, r := range m.routes {
		slices.Sort(m.times[i])
		results[i] = Result{Route: r.Name, Rate: m.rate, Sent: m.messages * m.rounds, Came: len(m.times[i])}
		if n := len(m.times[i]); n > 0 {
			results[i].Median, results[i].P95 = m.times[i][n/2], m.times[i][n*95/100]
		}
	}
	return results
}

func (r *Route) complete() {
	if r.Encode == nil {
		r.Encode = func(n int) []byte { return fmt.Appendf(nil, "%-256d", n) }
	}
	if r.Decode == nil {
		r.Decode = func(p []byte) (int, bool) {
			n, err := strconv.Atoi(string(bytes.TrimSpace(p)))
			return n, err == nil
		}
	}
}

// run publishes at an even pace and gives the times of those that came within
// two seconds after the last.
func (g *Ground) run(r Route, rate, messages int) []time.Duration {
	sent := make([]time.Time, messages)
	waits := make(chan func() error, messages)
	var wg sync.WaitGroup
	wg.Go(func() {
		for wait := range waits {
			if err := wait(); err != nil {
				g.t.Errorf("publish: %v", err)
			}
		}
	})
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for i := range messages {
		<-tick.C
		payload := r.Encode(i)
		sent[i] = time.Now()
		wait, err := g.publisher.Send(g.t.Context(), link.Message{Topic: r.In, Payload: payload})
		if err != nil {
			g.t.Fatal(err)
		}
		waits <- wait
	}
	close(waits)
	wg.Wait()
	return g.collect(r, sent)
}

func (g *Ground) collect(r Route, sent []time.Time) (times []time.Duration) {
	late := time.NewTimer(2 * time.Second)
	defer late.Stop()
	came := make(map[int]bool, len(sent))
	for len(came) < len(sent) {
		select {
		case m := <-g.heard:
			n, ok := r.Decode(m.Payload)
			if ok && m.Topic == r.Out && n >= 0 && n < len(sent) && !came[n] {
				came[n] = true
				times = append(times, m.Received.Sub(sent[n]))
			}
		case <-late.C:
			return times
		}
	}
	return times
}

// await publishes until a route is open.
func (g *Ground) await(r Route) {
	g.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if err := g.publisher.Publish(g.t.Context(), link.Message{Topic: r.In, Payload: r.Encode(0)}); err != nil {
			g.t.Fatal(err)
		}
		select {
		case m := <-g.heard:
			if m.Topic == r.Out {
				g.settle()
				return
			}
		case <-tick.C:
		}
	}
	g.t.Fatalf("nothing comes over route %s", r.Name)
}

// settle takes what is still on its way from an earlier run.
func (g *Ground) settle() {
	for {
		select {
		case <-g.heard:
		case <-time.After(300 * time.Millisecond):
			return
		}
	}
}

// Table shows results with what each route adds to the first one and how that
// compares with the second, the yardstick.
func Table(results []Result) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%-12s %6s %10s %10s %10s %10s %7s\n", "route", "msg/s", "came", "median", "p95", "added", "ratio")
	for _, r := range results {
		added := r.Median - results[0].Median
		ratio := float64(added) / float64(cmp.Or(results[1].Median-results[0].Median, 1))
		fmt.Fprintf(&b, "%-12s %6d %4d/%-5d %10v %10v %10v %7.2f\n", r.Route, r.Rate, r.Came, r.Sent,
			r.Median.Round(time.Microsecond), r.P95.Round(time.Microsecond), added.Round(time.Microsecond), ratio)
	}
	return b.String()
}

// Ratio is what a route adds against the yardstick.
func Ratio(direct, yardstick, route Result) float64 {
	return float64(route.Median-direct.Median) / float64(yardstick.Median-direct.Median)
}
