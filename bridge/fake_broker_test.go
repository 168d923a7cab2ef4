package bridge

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
)

// A fakeBroker takes everything at once, and remembers it in order.
type fakeBroker struct {
	mu       sync.Mutex
	sent     []link.Message
	times    []time.Time
	retained map[string]string
	down     bool
	latency  time.Duration
	slow     map[string]time.Duration // latency of some topics
	refuse   map[string]error
	messages chan link.Message
	ups      chan struct{}
}

func (k *fakeBroker) Send(_ context.Context, m link.Message) (wait func() error, err error) {
	comes := time.Now().Add(cmp.Or(k.slow[m.Topic], k.latency))
	return func() error {
		time.Sleep(time.Until(comes)) // virtual: the broker's side of the wire
		return k.take(m)
	}, nil
}

func (k *fakeBroker) take(m link.Message) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.down {
		return link.ErrDown
	}
	if err := k.refuse[m.Topic]; err != nil {
		return err
	}
	k.sent, k.times = append(k.sent, m), append(k.times, time.Now())
	if m.Retain {
		k.retained[m.Topic] = string(m.Payload)
	}
	if slices.Contains([]string{base + "/bridge/request/presence", base + "/bridge/set", base + "/bridge/request/probe"}, m.Topic) {
		select {
		case k.messages <- m:
		default:
		}
	}
	return nil
}

// Reappear does nothing: the fake one knows no wills.
func (k *fakeBroker) Reappear(string, bool) {}

func (k *fakeBroker) Messages() <-chan link.Message { return k.messages }
func (k *fakeBroker) Up() <-chan struct{}           { return k.ups }
func (k *fakeBroker) Status() link.Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	return link.Status{Connected: !k.down}
}

func (k *fakeBroker) cut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.down = true
}

func (k *fakeBroker) connect() {
	k.mu.Lock()
	k.down = false
	k.mu.Unlock()
	k.ups <- struct{}{}
}

// on are the payloads sent on a topic, in order.
func (k *fakeBroker) on(topic string) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []string
	for _, m := range k.sent {
		if m.Topic == topic {
			all = append(all, string(m.Payload))
		}
	}
	return all
}

// kept are the retained messages.
func (k *fakeBroker) kept() map[string]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.retained)
}

// stamps are the times of all messages.
func (k *fakeBroker) stamps() []time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.times)
}

// log are all messages, in order.
func (k *fakeBroker) log() []link.Message {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.sent)
}

func (k *fakeBroker) last(topic string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.retained[topic]
}

// keptTopics are the topics of the retained messages, in order.
func (k *fakeBroker) keptTopics() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []string
	for _, m := range k.sent {
		if m.Retain {
			all = append(all, m.Topic)
		}
	}
	return all
}

func (k *fakeBroker) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sent, k.times = nil, nil
}
