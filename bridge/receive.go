package bridge

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

// clearDelay is how long announcements of ours may take to come back from the
// broker, after a connection and after the first list, before those that nobody
// stands behind are cleared.
const clearDelay = 5 * time.Second

// receive handles one message of the local broker.
func (b *Bridge) receive(m link.Message) {
	t, ok := b.topics.Parse(m.Topic)
	if !ok {
		b.m.mqttDropped.WithLabelValues("unknown_topic").Inc()
		return
	}
	if b.overhear(m, t) || b.hold(m, t) {
		return
	}
	switch t.Kind {
	case discovery.KindSet:
		b.m.mqttReceived.WithLabelValues("set").Inc()
		b.guard(nil, func() { b.command(m, t) })
	case discovery.KindGet:
		b.m.mqttReceived.WithLabelValues("get").Inc()
		b.get(m, t)
	case discovery.KindRequest:
		b.m.mqttReceived.WithLabelValues("request").Inc()
		b.guard(nil, func() { b.request(m, t.Key, tooLate(m)) })
	case discovery.KindBirth:
		b.m.mqttReceived.WithLabelValues("ha_status").Inc()
		if string(m.Payload) == "online" {
			b.reborn()
		}
	case discovery.KindDiscovery:
		b.readBack(m, t.Slug)
	}
}

// tooLate is why a request is not done any more: it has waited, as for a
// connection, longer than a command may.
func tooLate(m link.Message) error {
	if !m.Received.IsZero() && time.Since(m.Received) > commandLife {
		return errLate
	}
	return nil
}

// get reads one appliance, as the budget allows.
func (b *Bridge) get(m link.Message, t discovery.Target) {
	d := b.find(t.Slug)
	if m.Retain || d == nil || d.ignored {
		b.m.mqttDropped.WithLabelValues("get").Inc()
		if d == nil && !m.Retain {
			b.tellRejected(m.Topic, nobody)
		}
		return
	}
	d.shout = true
	b.read(d, orderAsked, "asked")
}

// readBack looks at an announcement on the broker. Those at our base topic that
// belong to no appliance are remembered as strangers.
func (b *Bridge) readBack(m link.Message, slug string) {
	if len(m.Payload) == 0 {
		delete(b.strangers, slug)
		if h := b.slugs[slug]; h != nil && !m.Retain {
			b.log.Info("announcement deleted by somebody else; it comes back at the next start of Home Assistant", "device", slug)
		}
		return
	}
	own := b.ours(m.Payload)
	if b.slugs[slug] == nil && slug != b.selfSlug() && (own || b.hangsHere(m.Payload, slug)) {
		b.strangers[slug] = own
		if b.listed {
			b.later.soonest("strangers", time.Now().Add(clearDelay), b.clearStrangers)
		}
	}
}

// ours reports whether an announcement comes from this installation: it names
// us as its origin, and our own device or one of our devices as its way.
func (b *Bridge) ours(payload []byte) bool {
	var message struct {
		Device struct {
			Via string `json:"via_device"`
		} `json:"device"`
		Origin struct {
			Name string `json:"name"`
		} `json:"origin"`
		Availability []struct {
			Topic string `json:"topic"`
		} `json:"availability"`
	}
	if json.Unmarshal(payload, &message) != nil || message.Origin.Name != originName {
		return false
	}
	if message.Device.Via == b.o.Discovery.Instance {
		return true
	}
	// The dryer of a one-piece wash tower is joined to the washer, not to us.
	return message.Device.Via != "" && b.half(message.Device.Via) &&
		len(message.Availability) > 0 && message.Availability[0].Topic == b.topics.Bridge("state")
}

// hangsHere reports whether an announcement of another installation hangs on our
// base topic: that of a demo, or ours before its state folder was lost.
func (b *Bridge) hangsHere(payload []byte, slug string) bool {
	topic, _ := json.Marshal(b.topics.Availability(slug)) // of a text
	return bytes.Contains(payload, topic)
}

// half reports whether an identifier is that of one of our devices, or may be of a
// stranger that is being cleared.
func (b *Bridge) half(id string) bool {
	for _, h := range b.slugs {
		if h.ID == id {
			return true
		}
	}
	return slices.Contains(slices.Collect(maps.Values(b.strangers)), true)
}

// clearStrangers clears announcements of ours that no appliance stands behind,
// once the list says for sure what there is. Those of others are not ours to
// clear; with us online they would seem to live, so they become unavailable.
func (b *Bridge) clearStrangers() {
	if !b.listed || !b.o.Broker.Status().Connected {
		return
	}
	for slug, own := range b.strangers {
		if d := b.find(slug); d != nil && !d.ignored {
			continue
		}
		if !own {
			b.log.Info("nobody stands behind an announcement of another installation at this base topic; it is shown as unavailable", "device", slug)
			b.retain(slug, "availability", b.topics.Availability(slug), condition(false), rankAvailability)
			continue
		}
		b.log.Info("stale announcement cleared", "device", slug)
		b.m.orphans.Inc()
		b.retain(slug, "discovery", b.topics.Discovery(slug), nil, rankAnnounce)
		b.clearTopics(slug)
	}
	clear(b.strangers)
}
