package bridge

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

const (
	eventLife  = 10 * time.Minute // of a notification without a broker
	resultLife = time.Minute      // of an answer without a broker
	stubPause  = 2 * time.Second  // Home Assistant takes entities back meanwhile
)

// connected follows every new connection to the broker. It may have lost all
// that was retained, whatever it says about sessions.
func (b *Bridge) connected() {
	b.log.Debug("connected to the broker") // the link tells of it
	b.m.mqttConnected.Set(1)
	b.stand.connects = b.o.Broker.Status().Connects
	if b.stand.role == roleAside {
		b.outbox.up()
		b.notice()
		return
	}
	b.outbox.restrict(outboxHeld)
	b.outbox.up()
	b.lookRound()
}

// reborn follows the birth message of Home Assistant, which drops what comes
// in its first instants.
func (b *Bridge) reborn() {
	b.m.births.Inc()
	wait := 2*time.Second + rand.N(5*time.Second)
	b.later.soonest("birth", time.Now().Add(wait), func() { b.republish("birth") })
}

// republish publishes all that is retained: announcements, states,
// availability, and last that the bridge is online. After a connection it goes
// as fast as the broker acknowledges; otherwise at a pace, because Home
// Assistant has all of it already and may be busy starting.
func (b *Bridge) republish(reason string) {
	b.pacing = reason != "start"
	defer func() { b.pacing = false }()
	b.announceSelf()
	for _, d := range b.ordered() {
		b.guard(d, func() { b.republishDevice(d, reason) })
	}
	b.info, b.roster = nil, nil
	b.publishInfo()
	b.publishRoster()
	b.retain("", "bridge", b.topics.Bridge("state"), condition(!b.stopping), rankLast)
}

func (b *Bridge) republishDevice(d *device, reason string) {
	if d.state == nil {
		return
	}
	for _, h := range d.halves {
		h.announcement, h.payload, h.extra, h.availability = [sha256.Size]byte{}, nil, nil, ""
		b.announce(h, reason)
	}
	b.publishState(d, true)
	b.publishAvailability(d, true)
}

// retain puts a retained message into the outbox.
func (b *Bridge) retain(group, kind, topic string, payload []byte, r rank) {
	b.note(topic, payload)
	b.outbox.put(item{
		Message: link.Message{Topic: topic, Payload: payload, Retain: true},
		kind:    kind, group: group, rank: r, paced: b.pacing,
	})
}

// emit puts an event into the outbox: never retained, never replayed.
func (b *Bridge) emit(kind, group, topic string, payload []byte, life time.Duration) {
	b.outbox.put(item{
		Message: link.Message{Topic: topic, Payload: payload},
		kind:    kind, group: group, rank: rankInfo, until: time.Now().Add(life),
	})
}

// announce announces a device if that differs from what was announced.
// Entities that are no more are first reduced to their platform, which makes
// Home Assistant forget them, and then left out.
func (b *Bridge) announce(h *half, reason string) {
	now := keysOf(h.Device)
	gone := vanished(h.announced, now)
	h.announced = now
	announcement := h.Announcement()
	digest := sha256.Sum256(announcement)
	if digest == h.announcement {
		return
	}
	h.announcement = digest
	b.touch()
	if !b.o.HomeAssistant {
		return
	}
	b.m.discovered.WithLabelValues(reason).Inc()
	topic := b.topics.Discovery(h.Slug)
	if len(gone) == 0 {
		b.retain(h.Slug, "discovery", topic, announcement, rankAnnounce)
		return
	}
	b.retain(h.Slug, "discovery", topic, withStubs(announcement, gone), rankAnnounce)
	b.later.set("stubs "+h.Slug, time.Now().Add(stubPause), func() {
		if b.slugs[h.Slug] == h {
			b.retain(h.Slug, "discovery", topic, h.Announcement(), rankAnnounce)
		}
	})
}

// vanished are the entities of the first that the second lacks or has on another
// platform, which Home Assistant takes for another entity.
func vanished(old, now keys) keys {
	gone := maps.Clone(old)
	maps.DeleteFunc(gone, func(key string, p discovery.Platform) bool { return now[key] == p })
	return gone
}

// withStubs adds components that consist of their platform only (HA rule: so
// a component is removed).
func withStubs(announcement []byte, gone keys) []byte {
	var message, components map[string]json.RawMessage
	if json.Unmarshal(announcement, &message) != nil || json.Unmarshal(message["components"], &components) != nil {
		return announcement
	}
	for key, platform := range gone {
		components[key], _ = json.Marshal(map[string]any{"platform": platform})
	}
	message["components"], _ = json.Marshal(components)
	stubbed, err := json.Marshal(message)
	if err != nil {
		return announcement
	}
	return stubbed
}

// clear takes back all that was retained for a device.
func (b *Bridge) clear(h *half) {
	delete(b.slugs, h.Slug)
	b.later.cancel("stubs " + h.Slug)
	if b.o.HomeAssistant {
		b.retain(h.Slug, "discovery", b.topics.Discovery(h.Slug), nil, rankAnnounce)
		b.m.discovered.WithLabelValues("removal").Inc()
	}
	b.clearTopics(h.Slug)
	for topic := range h.extra {
		b.retain(h.Slug, "state", topic, nil, rankState)
	}
}

func (b *Bridge) clearTopics(slug string) {
	b.retain(slug, "state", b.topics.State(slug), nil, rankState)
	b.retain(slug, "availability", b.topics.Availability(slug), nil, rankAvailability)
}

// publishState publishes the documents of an appliance that changed, or
// all of them.
func (b *Bridge) publishState(d *device, force bool) {
	shown := b.shown(d)
	for _, h := range d.halves {
		payload := h.Payload(shown)
		if force || !bytes.Equal(payload, h.payload) {
			h.payload = payload
			b.retain(h.Slug, "state", b.topics.State(h.Slug), payload, rankState)
		} else {
			b.m.mqttSuppressed.WithLabelValues("state").Inc()
		}
		b.publishExtra(h, h.Extra(shown), force)
	}
}

func (b *Bridge) publishExtra(h *half, extra map[string][]byte, force bool) {
	for topic, payload := range extra {
		if force || !bytes.Equal(payload, h.extra[topic]) {
			b.retain(h.Slug, "state", topic, payload, rankState)
		}
	}
	h.extra = extra
}

// publishAvailability publishes whether an appliance can be reached, when that
// changed or force says so.
func (b *Bridge) publishAvailability(d *device, force bool) {
	word := "offline"
	if b.available(d) {
		word = "online"
	}
	b.m.deviceOnline.WithLabelValues(b.o.Account, d.slug).Set(map[string]float64{"online": 1}[word])
	for _, h := range d.halves {
		if d.state == nil || !force && h.availability == word {
			continue
		}
		h.availability = word
		b.retain(h.Slug, "availability", b.topics.Availability(h.Slug), condition(word == "online"), rankAvailability)
		b.touch()
	}
}

func (b *Bridge) refreshAvailability() {
	for _, d := range b.ordered() {
		b.publishAvailability(d, false)
	}
}

func (b *Bridge) publishEvent(h *half, e discovery.Event, at time.Time) {
	b.emit("event", h.Slug, b.topics.Event(h.Slug, e.Key), e.Payload(at), eventLife)
}

// bridgeEvent says on bridge/event what happened.
func (b *Bridge) bridgeEvent(kind string, data map[string]any) {
	payload, err := json.Marshal(map[string]any{"type": kind, "data": data})
	if err == nil {
		b.emit("bridge", "", b.topics.Bridge("event"), payload, eventLife)
	}
}

func (b *Bridge) publishLog(record []byte) {
	b.emit("bridge", "", b.topics.Bridge("logging"), record, eventLife)
}

// slimmed is an announcement without so many entities that it is no longer than
// room; nil if none would be left.
func slimmed(announcement []byte, room int) (short []byte, without int) {
	var message, components map[string]json.RawMessage
	if json.Unmarshal(announcement, &message) != nil || json.Unmarshal(message["components"], &components) != nil {
		return nil, 0
	}
	keys := slices.SortedFunc(maps.Keys(components), func(x, y string) int {
		return cmp.Or(cmp.Compare(worth(components[x]), worth(components[y])), cmp.Compare(x, y))
	})
	excess := len(announcement) - room
	for _, key := range keys {
		if excess <= 0 {
			break
		}
		excess -= len(key) + len(components[key]) + len(`"":,`)
		delete(components, key)
		without++
	}
	if len(components) == 0 {
		return nil, 0
	}
	message["components"], _ = json.Marshal(components)
	short, _ = json.Marshal(message)
	return short, without
}

// worth orders entities: first those that are missed least. A stub, which takes
// an entity back, is tiny.
func worth(component []byte) int {
	var c struct {
		Platform string
		Category string `json:"entity_category"`
		Unique   string `json:"unique_id"`
	}
	_ = json.Unmarshal(component, &c) // of our own making
	switch {
	case c.Unique == "":
		return 4
	case c.Category == "diagnostic":
		return 0
	case c.Category != "":
		return 1
	case slices.Contains([]string{"sensor", "binary_sensor", "event"}, c.Platform):
		return 2
	}
	return 3
}
