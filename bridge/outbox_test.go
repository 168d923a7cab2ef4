package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
)

// withOutbox runs an outbox before a broker that takes a while for each message.
func withOutbox(t *testing.T, f func(o *outbox, k *fakeBroker)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := &fakeBroker{retained: map[string]string{}, refuse: map[string]error{}, latency: 10 * time.Millisecond}
		o := newOutbox(k, slog.New(slog.DiscardHandler), NewMetrics(prometheus.NewRegistry()))
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { o.run(ctx) })
		defer wg.Wait()
		defer cancel()
		f(o, k)
	})
}

func retained(topic, payload string) item {
	return item{Message: link.Message{Topic: topic, Payload: []byte(payload), Retain: true}, kind: "state", group: topic, rank: rankState}
}

func event(topic, payload string, life time.Duration) item {
	return item{Message: link.Message{Topic: topic, Payload: []byte(payload)}, kind: "event", rank: rankInfo, until: time.Now().Add(life)}
}

func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestOutboxNewestWins(t *testing.T) {
	withOutbox(t, func(o *outbox, k *fakeBroker) {
		o.up()
		for i := range 20 {
			o.put(retained("a", fmt.Sprint(i)))
		}
		settle(time.Second)
		got := k.on("a")
		if last := got[len(got)-1]; last != "19" || len(got) > 2 {
			t.Errorf("published %q", got)
		}
		if o.waiting() != 0 {
			t.Errorf("%d still wait", o.waiting())
		}
	})
}

// A topic has one message under way at a time, so that the newest is the last
// that the broker gets; different topics travel side by side.
func TestOutboxOrderAndParallel(t *testing.T) {
	withOutbox(t, func(o *outbox, k *fakeBroker) {
		o.up()
		begun := time.Now()
		for i := range outboxFlight {
			o.put(retained(fmt.Sprint("topic", i), "1"))
		}
		settle(10 * time.Millisecond)
		if n := len(k.log()); n != outboxFlight {
			t.Errorf("%d messages after one round trip, want %d", n, outboxFlight)
		}
		for i := range 5 {
			o.put(event("e", fmt.Sprint(i), time.Minute))
		}
		settle(time.Second)
		if got := k.on("e"); !slices.Equal(got, []string{"0", "1", "2", "3", "4"}) {
			t.Errorf("events = %q", got)
		}
		if took := k.stamps()[0].Sub(begun); took != 10*time.Millisecond {
			t.Errorf("the first message took %v", took)
		}
	})
}

func TestOutboxWithoutBroker(t *testing.T) {
	withOutbox(t, func(o *outbox, k *fakeBroker) {
		for i := range 10000 {
			o.put(retained(fmt.Sprint("topic", i%7), fmt.Sprint(i)))
			o.put(event("e", fmt.Sprint(i), time.Hour))
		}
		if n := o.waiting(); n != 7+outboxRing {
			t.Errorf("%d wait, want %d", n, 7+outboxRing)
		}
		settle(2 * time.Hour)
		o.up()
		settle(time.Second)
		if got := k.on("e"); len(got) > 0 {
			t.Errorf("%d events published two hours late", len(got))
		}
		if n := o.waiting(); n != 0 {
			t.Errorf("%d wait", n)
		}
	})
}

// What was on its way when the link was lost is sent again, but never over a
// newer payload.
func TestOutboxLink(t *testing.T) {
	withOutbox(t, func(o *outbox, k *fakeBroker) {
		o.up()
		o.put(retained("a", "old"))
		settle(time.Millisecond)
		k.cut()
		o.put(retained("a", "new"))
		settle(time.Minute)
		if got := k.on("a"); len(got) > 0 {
			t.Fatalf("published %q without a link", got)
		}
		k.down = false
		o.up()
		o.put(retained("a", "new"))
		settle(time.Second)
		if got := k.on("a"); !slices.Equal(got, []string{"new"}) {
			t.Errorf("published %q", got)
		}
	})
}

// An event that was not acknowledged goes again by the next connection, once, and
// never by the same one: there it has arrived.
func TestF050UnacknowledgedEvent(t *testing.T) {
	for name, fault := range map[string]func(*fakeBroker){
		"no answer":    func(k *fakeBroker) { k.refuse["e"] = errors.New("no acknowledgement") },
		"a lost line":  func(k *fakeBroker) { k.refuse["e"] = link.ErrDown },
		"not by rules": func(k *fakeBroker) { k.refuse["e"] = link.ErrRefused },
	} {
		t.Run(name, func(t *testing.T) {
			withOutbox(t, func(o *outbox, k *fakeBroker) {
				o.up()
				fault(k)
				o.put(event("e", "1", time.Minute))
				settle(10 * time.Second)
				k.mu.Lock()
				clear(k.refuse)
				k.mu.Unlock()
				settle(20 * time.Second)
				if got := k.on("e"); len(got) > 0 {
					t.Errorf("by the same connection: %q", got)
				}
				for range 2 {
					o.up()
					settle(time.Second)
				}
				if got, want := len(k.on("e")), map[bool]int{true: 0, false: 1}[name == "not by rules"]; got != want || o.waiting() > 0 {
					t.Errorf("%d times, want %d; %d wait", got, want, o.waiting())
				}
			})
		})
	}
}

// A refusal is tried again every five minutes; what is too large never, nor what
// has no topic to go to.
func TestOutboxRefused(t *testing.T) {
	withOutbox(t, func(o *outbox, k *fakeBroker) {
		o.up()
		k.refuse["denied"], k.refuse["large"], k.refuse["a/+"] = link.ErrRefused, link.ErrTooLarge, link.ErrTopic
		o.put(retained("denied", "1"))
		o.put(retained("large", "1"))
		o.put(retained("a/+", "1"))
		o.put(retained("fine", "1"))
		settle(time.Second)
		if n := o.waiting(); n != 1 || len(k.on("fine")) != 1 {
			t.Errorf("%d wait; fine published %d times", n, len(k.on("fine")))
		}
		k.mu.Lock()
		clear(k.refuse)
		k.mu.Unlock()
		settle(outboxRefused)
		if got := k.on("denied"); len(got) != 1 {
			t.Errorf("denied = %q", got)
		}
		for _, topic := range []string{"large", "a/+"} {
			if got := k.on(topic); len(got) != 0 {
				t.Errorf("%s = %q", topic, got)
			}
		}
	})
}

func TestOutboxRanks(t *testing.T) {
	withOutbox(t, func(o *outbox, k *fakeBroker) {
		o.up()
		put := func(group, topic string, r rank) {
			it := retained(topic, "1")
			it.group, it.rank = group, r
			o.put(it)
		}
		k.slow = map[string]time.Duration{"a1": time.Second, "b2": time.Second}
		for _, slug := range []string{"a", "b"} {
			put(slug, slug+"1", rankAnnounce)
			put(slug, slug+"2", rankState)
			put(slug, slug+"3", rankAvailability)
		}
		put("", "last", rankLast)
		settle(time.Minute)
		got := k.keptTopics()
		for _, slug := range []string{"a", "b"} {
			if !(slices.Index(got, slug+"1") < slices.Index(got, slug+"2") && slices.Index(got, slug+"2") < slices.Index(got, slug+"3")) {
				t.Errorf("order = %q", got)
			}
		}
		if got[len(got)-1] != "last" {
			t.Errorf("order = %q", got)
		}
	})
}
