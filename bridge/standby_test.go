package bridge_test

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// second is another daemon with the same configuration but a state folder of its
// own; it is not started.
func (d *daemon) second() *daemon {
	d.Helper()
	return &daemon{T: d.T, way: d.way, dir: d.T.TempDir(), cage: d.cage, lg: d.lg, local: d.local, sim: d.sim, broker: d.broker, topics: d.topics}
}

// crash ends the daemon's connections as kill -9 would, and then the daemon in a
// way that nobody hears of.
func (d *daemon) crash() {
	d.Helper()
	local := d.local
	d.local = &thinqtest.Network{} // nobody is there any more
	d.broker.Cut(d.store.Instance())
	d.stop()
	d.local = local
}

func (d *daemon) snapshot() bridge.Snapshot {
	d.Helper()
	s, err := d.bridge.Snapshot(d.Context())
	if err != nil {
		d.Fatal(err)
	}
	return s
}

// publishers are the clients that published below the base topic since a
// subscription was made, with the topics of each.
func publishers(messages <-chan linktest.Msg) map[string][]string {
	all := map[string][]string{}
	for {
		select {
		case m := <-messages:
			if !slices.Contains(all[m.Client], m.Topic) {
				all[m.Client] = append(all[m.Client], m.Topic)
			}
		default:
			return all
		}
	}
}

// results are the results of an appliance's commands from now on.
func (d *daemon) results(slug string) <-chan linktest.Msg {
	d.Helper()
	c, err := d.broker.Subscribe(d.topics.Result(slug))
	if err != nil {
		d.Fatal(err)
	}
	return c
}

func (d *daemon) hear(filter string) <-chan linktest.Msg {
	d.Helper()
	synctest.Wait() // the broker reads what is retained without a lock
	c, err := d.broker.Subscribe(filter)
	if err != nil {
		d.Fatal(err)
	}
	d.after(time.Second)
	publishers(c) // what was retained
	return c
}

// instanceAtWork is the bridge that published bridge/info last.
func (d *daemon) instanceAtWork() string {
	d.Helper()
	var info struct{ Instance string }
	if err := json.Unmarshal([]byte(d.retained(d.topics.Bridge("info"))), &info); err != nil {
		d.Fatal(err)
	}
	return info.Instance
}

// A second bridge at one base topic keeps still and says so, and takes over when
// the first one is gone, or says nothing any more.
func TestF044Standby(t *testing.T) {
	for name, end := range map[string]func(*daemon, *hole){
		"stopped": func(d *daemon, _ *hole) { d.stop() },
		"lost":    func(d *daemon, _ *hole) { d.crash() },
		"silent":  func(_ *daemon, w *hole) { w.deaf.Store(true); w.mute.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			withWay(t, personal, small, func(d *daemon) {
				var last atomic.Pointer[hole]
				d.restart(func() {
					d.wire = func(c net.Conn) net.Conn {
						last.Store(&hole{Conn: c})
						return last.Load()
					}
				})
				first := d.store.Instance()
				everything := d.hear("#")
				other := d.second()
				other.start()
				defer func() {
					other.stop()
					if d.Failed() {
						d.Logf("the second one:\n%s", other.log.String())
					}
				}()
				d.after(5 * time.Minute)
				for client, topics := range publishers(everything) {
					if strings.HasPrefix(client, other.store.Instance()) && !slices.Equal(topics, []string{d.topics.Presence()}) {
						d.Errorf("the second one published %q", topics)
					}
				}
				if s := other.snapshot(); s.Ready || s.Standby == "" || !slices.ContainsFunc(s.Awaited, func(what string) bool { return strings.Contains(what, "stand") }) {
					d.Errorf("the second one says %+v", s)
				}
				if !strings.Contains(other.log.String(), "this one stands by") || !strings.Contains(d.log.String(), "it stands by") {
					d.Errorf("the logs say nothing:\n%s", other.log.String())
				}
				if !d.snapshot().Ready {
					d.Error("the first one is not ready")
				}
				end(d, last.Load())
				d.after(32 * time.Second)
				if got := d.instanceAtWork(); got == first {
					d.Error("nobody took over")
				}
				if got := d.retained(d.topics.Bridge("state")); got != online {
					d.Errorf("bridge/state = %q", got)
				}
				if s := other.snapshot(); !s.Ready {
					d.Errorf("after taking over: %+v", s.Awaited)
				}
				_, slug := d.slugOf(guestRoom)
				d.publish(d.topics.SetAttr(slug, "air_con_operation_mode"), "power_on")
				d.after(5 * time.Second)
				if n := len(d.controls(0)); n != 1 {
					d.Errorf("%d control calls", n)
				}
				if name != "silent" { // else it notices by itself
					d.start()
				}
				d.after(time.Minute)
				if s := d.snapshot(); s.Standby == "" {
					d.Error("the first one does not stand by when it is back")
				}
			})
		})
	}
}

// Whatever two bridges at one base topic do, a command is carried out once.
func TestF044NothingTwice(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		other := d.second()
		other.start() // at the same moment
		defer func() { other.stop() }()
		d.after(time.Minute)
		if d.snapshot().Ready == other.snapshot().Ready {
			d.Fatalf("both are ready, or none: %q, %q", d.snapshot().Awaited, other.snapshot().Awaited)
		}
		_, slug := d.slugOf(guestRoom)
		sent := 0
		for i := range 30 {
			d.publish(d.topics.SetAttr(slug, "air_con_operation_mode"), []string{"power_on", "power_off"}[i%2])
			sent++
			if i%5 == 2 {
				d.local.Cut()
			}
			d.after(20 * time.Second)
		}
		if n := len(d.controls(0)); n > sent || n < sent/2 {
			d.Errorf("%d control calls for %d commands", n, sent)
		}
		if d.snapshot().Ready == other.snapshot().Ready {
			d.Errorf("both are ready, or none: %q, %q", d.snapshot().Awaited, other.snapshot().Awaited)
		}
	})
}

// A copied state folder has the same client id: the two do not throw each other
// out for ever, and only one of them works.
func TestF044CopiedFolder(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(2 * time.Minute)
		other := d.second()
		copyFolder(d.T, d.dir, other.dir)
		other.start()
		defer func() { other.stop() }()
		d.after(15 * time.Minute)
		if d.store.Instance() != other.store.Instance() {
			d.Fatal("the copy has another instance")
		}
		one, two := d.link.Status().Connects, other.link.Status().Connects
		if one > 8 || two > 8 {
			d.Errorf("%d and %d connections", one, two)
		}
		if d.snapshot().Ready == other.snapshot().Ready {
			d.Errorf("both are ready, or none: %q, %q", d.snapshot().Awaited, other.snapshot().Awaited)
		}
		if log := d.log.String() + other.log.String(); !strings.Contains(log, "copy of its state folder") {
			d.Error("nobody says why")
		}
		_, slug := d.slugOf(guestRoom)
		d.publish(d.topics.SetAttr(slug, "air_con_operation_mode"), "power_on")
		d.after(10 * time.Second)
		if n := len(d.controls(0)); n != 1 {
			d.Errorf("%d control calls", n)
		}
		d.after(30 * time.Minute)
		if more := d.link.Status().Connects + other.link.Status().Connects - one - two; more > 0 {
			d.Errorf("%d connections later", more)
		}
	})
}

func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(from, "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%q, %v", names, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(name)), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A bridge that stands by and is lost does not take the other one offline.
func TestF044StandbyIsLost(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		other := d.second()
		other.start()
		d.after(time.Minute)
		state := d.hear(d.topics.Bridge("state"))
		other.crash()
		d.after(time.Minute)
		for range len(state) {
			if m := <-state; string(m.Payload) != online {
				d.Errorf("bridge/state was %s", m.Payload)
			}
		}
	})
}

// A bridge that was killed and comes back waits for nobody: what is retained of
// its own last run is its own.
func TestF044KilledAndBack(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(2 * time.Minute)
		d.crash()
		if err := d.broker.Publish(d.topics.Bridge("state"), []byte(online), true); err != nil { // it has not noticed yet
			d.Fatal(err)
		}
		d.start()
		d.after(3 * time.Second)
		if s := d.snapshot(); s.Standby != "" {
			d.Error("it waits for itself")
		}
		if got := d.retained(d.topics.Bridge("state")); got != online {
			d.Errorf("bridge/state = %q", got)
		}
	})
}

// The last will of somebody else does not stand.
func TestF080ForeignWill(t *testing.T) {
	withWay(t, personal, small, func(d *daemon) {
		d.after(time.Minute)
		if err := d.broker.Publish(d.topics.Bridge("state"), []byte(`{"state":"offline"}`), true); err != nil {
			d.Fatal(err)
		}
		d.after(time.Second)
		if got := d.retained(d.topics.Bridge("state")); got != online {
			d.Errorf("bridge/state = %q", got)
		}
	})
}

const online = `{"state":"online"}`
