package bridge_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// reopen replaces the local broker by one with rules, empty.
func (d *daemon) reopen(allow func(client, topic string, write bool) bool) {
	d.Helper()
	d.replace(linktest.Options{Allow: allow})
}

func (d *daemon) replace(o linktest.Options) {
	d.Helper()
	if err := d.broker.Close(); err != nil {
		d.Fatal(err)
	}
	d.after(5 * time.Second)
	var err error
	if o.Listener, err = d.local.Listen("broker.test:1883"); err != nil {
		d.Fatal(err)
	}
	d.brokerMu.Lock() // its rules may ask for it before we have it
	defer d.brokerMu.Unlock()
	if d.broker, err = linktest.NewBroker(o); err != nil {
		d.Fatal(err)
	}
}

// cut is for the rules of a broker, which ask before we have it.
func (d *daemon) cut(client string) {
	d.brokerMu.Lock()
	broker := d.broker
	d.brokerMu.Unlock()
	broker.Cut(client)
}

func (d *daemon) info() (info struct {
	Problems []string
	MQTT     struct{ Commands string }
}) {
	d.Helper()
	if err := json.Unmarshal([]byte(d.retained(d.topics.Bridge("info"))), &info); err != nil {
		d.Fatal(err)
	}
	return info
}

// A message that makes the broker hang up is found out and rests; all the others
// get through.
func TestF046Quarantine(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		_, slug := d.slugOf(dishwasher)
		poison := d.topics.State(slug)
		hangUps := 0
		d.reopen(func(client, topic string, write bool) bool {
			if write && topic == poison {
				hangUps++
				d.cut(client)
				return false
			}
			return true
		})
		d.after(50 * time.Minute)
		if hangUps > 3 {
			d.Errorf("the broker hung up %d times", hangUps)
		}
		_, other := d.slugOf(guestRoom)
		for _, topic := range []string{d.topics.State(other), d.topics.Availability(other), d.topics.Bridge("state"), d.topics.Availability(slug)} {
			if d.retained(topic) == "" {
				d.Errorf("%s did not get through", topic)
			}
		}
		if got := d.info().Problems; len(got) != 1 || !strings.Contains(got[0], poison) {
			d.Errorf("problems = %q", got)
		}
	})
}

// What the broker's rules forbid is one problem for each kind of message, said
// once, tried again every five minutes, and ended when they allow it.
func TestF054DeniedFamily(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		var denied atomic.Bool
		var tries atomic.Int32
		denied.Store(true)
		d.reopen(func(_, topic string, write bool) bool {
			if write && denied.Load() && strings.HasPrefix(topic, "homeassistant/") {
				tries.Add(1)
				return false
			}
			return true
		})
		d.after(time.Hour)
		if said := strings.Count(d.log.String(), "the broker does not take a message"); said != 1 {
			d.Errorf("said %d times", said)
		}
		if got := d.info().Problems; len(got) != 1 || !strings.Contains(got[0], "homeassistant/device/") {
			d.Errorf("problems = %q", got)
		}
		if n := tries.Load(); n < 3*10 || n > 3*20 {
			d.Errorf("%d tries of three messages in an hour", n)
		}
		denied.Store(false)
		d.after(6 * time.Minute)
		if got := d.info().Problems; len(got) != 0 {
			d.Errorf("problems = %q", got)
		}
		if len(d.ghosts("homeassistant/")) != 3 {
			d.Errorf("announced: %q", d.ghosts("homeassistant/"))
		}
	})
}

// A broker that grants a subscription and never delivers is found out.
func TestF055SilentSubscription(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		if got := d.info().MQTT.Commands; got != "verified" {
			d.Errorf("commands are %q", got)
		}
		d.reopen(func(_, topic string, write bool) bool {
			return write || !strings.HasSuffix(topic, "/set")
		})
		d.after(2 * time.Minute)
		if got := d.info(); got.MQTT.Commands != "unverified" || len(got.Problems) != 1 {
			d.Errorf("commands are %q, problems %q", got.MQTT.Commands, got.Problems)
		}
	})
}

// A broker that delivers nothing to one connection, and to the next one again, as
// some do after two of a client at once: another connection is made, once.
func TestF055DeafConnection(t *testing.T) {
	for name, deaf := range map[string]int{"one": 1, "all": 1000} {
		t.Run(name, func(t *testing.T) {
			withWay(t, personal, small, func(d *daemon) {
				d.after(time.Minute)
				before := d.link.Status().Connects
				d.reopen(func(_, topic string, write bool) bool {
					return write || d.link.Status().Connects >= before+deaf || !strings.HasSuffix(topic, "/set") && !strings.Contains(topic, "/request/")
				})
				d.after(2 * time.Minute)
				if n := d.link.Status().Connects - before; n != 2 {
					d.Errorf("connected %d times", n)
				}
				want, problems := "verified", 0
				if deaf > 2 {
					want, problems = "unverified", 1
				}
				if got := d.info(); got.MQTT.Commands != want || len(got.Problems) != problems {
					d.Errorf("commands are %q, problems %q", got.MQTT.Commands, got.Problems)
				}
			})
		})
	}
}

// Whenever the broker loses all that it kept, it is all there again.
func TestF052BrokerLosesAll(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		id, slug := d.slugOf(guestRoom)
		random := rand.New(rand.NewPCG(5, 2))
		for i := range 60 {
			if err := d.sim.Patch(id, fmt.Appendf(nil, `{"temperature":{"targetTemperature":%d}}`, 17+i%13)); err != nil {
				d.Fatal(err)
			}
			d.after(time.Duration(random.Int64N(int64(2 * time.Second))))
			d.reopen(nil)
			d.after(time.Duration(random.Int64N(int64(20 * time.Second))))
		}
		d.after(3 * time.Minute)
		if got, want := d.value(slug, "target_temperature"), float64(17+59%13); got != want {
			d.Errorf("target_temperature = %v, want %v", got, want)
		}
		want := []string{d.topics.State(slug), d.topics.Availability(slug), d.topics.Discovery(slug), d.topics.Bridge("state"), d.topics.Bridge("info"), d.topics.Bridge("devices")}
		for _, topic := range want {
			if d.retained(topic) == "" {
				d.Errorf("%s is not there", topic)
			}
		}
	})
}

// However the bridge ends, or its connection, bridge/state is right soon.
func TestF080FinalAvailability(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		state := d.topics.Bridge("state")
		check := func(when, want string) {
			d.Helper()
			if got := d.retained(state); got != want {
				d.Errorf("%s: bridge/state = %q", when, got)
			}
		}
		d.broker.Cut(d.store.Instance())
		d.after(time.Minute)
		check("after a cut", online)
		d.local.Freeze(true)
		d.after(5 * time.Minute)
		d.local.Freeze(false)
		d.after(2 * time.Minute)
		check("after a line that was dead", online)
		d.crash()
		check("after kill -9", `{"state":"offline"}`)
		d.start()
		d.after(10 * time.Second)
		check("back again", online)
		d.stop()
		check("after a stop", `{"state":"offline"}`)
		d.start()
	})
}

// A stop in any phase of the start is done in ten seconds, and nothing is online
// after it.
func TestF099StopAnyMoment(t *testing.T) {
	if testing.Short() {
		t.Skip("two hundred starts")
	}
	withWay(t, personal, small, func(d *daemon) {
		random := rand.New(rand.NewPCG(9, 9))
		d.stop()
		for range 200 {
			d.start()
			d.after(time.Duration(random.Int64N(int64(5 * time.Second))))
			begun := time.Now()
			d.stop()
			if took := time.Since(begun); took > 10*time.Second {
				d.Fatalf("the stop took %v", took)
			}
			for topic, payload := range d.broker.Messages("#") {
				if topic == d.topics.Bridge("state") && string(payload) != `{"state":"offline"}` {
					d.Fatalf("%s = %s", topic, payload)
				}
			}
		}
		d.start()
	})
}

// Whatever people call an appliance, its topics are made of safe characters, and
// its name is what can be shown of it.
func TestF048F090OddNames(t *testing.T) {
	aliases := []string{"a+b#c/d$e\x00f", "\u202Ereversed\u202C", "🧺 Wäsche", strings.Repeat("long ", 2000), "bad \xff\xfe utf-8", "\x1b[31mred\nline", "{{ states('x') }}", ""}
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		id, slug := d.slugOf(dishwasher)
		news := d.hear(d.topics.Bridge("event"))
		for _, alias := range aliases {
			if err := d.sim.Rename(id, alias); err != nil {
				d.Fatal(err)
			}
			d.after(time.Minute)
			said := texts(d.T, []byte(d.retained(d.topics.Bridge("devices"))))
			for len(news) > 0 {
				said = append(said, texts(d.T, (<-news).Payload)...)
			}
			if i := slices.IndexFunc(said, odd); i >= 0 {
				d.Errorf("of %.40q: %.200q", alias, said[i])
			}
			var message struct{ Device struct{ Name string } }
			if err := json.Unmarshal([]byte(d.retained(d.topics.Discovery(slug))), &message); err != nil {
				d.Fatal(err)
			}
			name := message.Device.Name
			if name == "" || len([]rune(name)) > 128 || strings.ContainsAny(name, "\x00\x1b\n\u202E") {
				d.Errorf("%q is shown as %q", alias, name)
			}
			if i := slices.IndexFunc(d.snapshot().Devices, func(row bridge.DeviceSnapshot) bool { return row.Slug == slug }); strings.ContainsAny(d.snapshot().Devices[i].Name, "\x00\x1b\n\u202E") {
				d.Errorf("on the page: %q", d.snapshot().Devices[i].Name)
			}
			for topic := range d.broker.Messages("#") {
				if strings.Trim(topic, "abcdefghijklmnopqrstuvwxyz0123456789_/") != "" {
					d.Errorf("topic %q", topic)
				}
			}
		}
		if s := d.snapshot(); !s.Ready {
			d.Errorf("not ready: %q", s.Awaited)
		}
		if log := strings.ReplaceAll(d.log.String(), "\n", ""); odd(log) {
			d.Error("the log tells a name as it came")
		}
	})
}

// odd reports whether a text is not fit to be shown.
func odd(text string) bool {
	return strings.ContainsAny(text, "\x00\x1b\n\u202E") || strings.Contains(text, strings.Repeat("long ", 30))
}

// texts are all that stand in a JSON document.
func texts(t *testing.T, document []byte) (all []string) {
	t.Helper()
	var tree any
	if err := json.Unmarshal(document, &tree); err != nil {
		t.Fatal(err)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			all = append(all, v)
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		case map[string]any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	walk(tree)
	return all
}

// A broker that takes only small packets gets an announcement with what fits, and
// people are told; the values are there.
func TestF047SmallBroker(t *testing.T) {
	o := thinqtest.Options{Samples: thinqtest.Samples()}
	o.Samples = slices.DeleteFunc(o.Samples, func(s thinqtest.Sample) bool { return !strings.Contains(string(s.Device), "DEVICE_REFRIGERATOR") })[:1]
	withWay(t, personal, o, func(d *daemon) {
		d.after(time.Minute)
		slug := d.snapshot().Devices[0].Slug
		topic := d.topics.Discovery(slug)
		entities := func() (n, diagnostic int) {
			var m struct {
				Components map[string]struct {
					Category string `json:"entity_category"`
				}
			}
			if err := json.Unmarshal([]byte(d.retained(topic)), &m); err != nil {
				d.Fatal(err)
			}
			for _, c := range m.Components {
				if c.Category == "diagnostic" {
					diagnostic++
				}
			}
			return len(m.Components), diagnostic
		}
		all, _ := entities()
		most := all
		for _, limit := range []int{20_000, 3_000, 2_000} {
			d.replace(linktest.Options{Limit: limit})
			d.after(3 * time.Minute)
			n, diagnostic := entities()
			if n == 0 || n > most || n < all && diagnostic > 0 {
				d.Errorf("%d: %d entities of %d, %d of them diagnostic", limit, n, all, diagnostic)
			}
			said := strings.Join(d.snapshot().Problems, "; ")
			if n < all && (!strings.Contains(said, fmt.Sprintf("%d allowed", limit)) || !strings.Contains(said, slug)) {
				d.Errorf("%d: problems %q", limit, said)
			}
			most = n
		}
		d.replace(linktest.Options{})
		d.after(5 * time.Minute)
		if n, _ := entities(); n != all || len(d.info().Problems) != 0 {
			d.Errorf("%d entities of %d, problems %q", n, all, d.info().Problems)
		}
	})
}
