package bridge

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

func linkMessage(topic, payload string) link.Message {
	return link.Message{Topic: topic, Payload: []byte(payload)}
}

// drop takes an appliance out of the list.
func (c *fakeCloud) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.devices = slices.DeleteFunc(slices.Clone(c.devices), func(d thinq.Device) bool { return d.ID == id })
}

func TestApplianceAdded(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.start()
		h.cloud.forget()
		h.add(dish)
		for range 5 {
			h.cloud.handle(thinq.Event{Kind: thinq.Joined, Device: "dish"})
		}
		h.after(30 * time.Second)
		if h.availability("dish") != online {
			t.Errorf("availability = %q", h.availability("dish"))
		}
		want := []string{"event dish", "list", "profile dish", "push dish", "state dish"}
		if got := slices.Sorted(slices.Values(h.cloud.made(""))); !slices.Equal(got, want) {
			t.Errorf("calls = %q, want %q", got, want)
		}
		if got := h.broker.on(base + "/bridge/event"); !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "device_joined") }) {
			t.Errorf("events = %q", got)
		}
		if !strings.Contains(h.broker.last(base+"/bridge/devices"), h.slug("dish")) {
			t.Error("bridge/devices does not have it")
		}
	})
}

// A new name changes the announcement and nothing else.
func TestApplianceRenamed(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.start()
		slug := h.slug("ac")
		h.cloud.change(func() { h.cloud.devices[0].Alias = "Attic" })
		h.cloud.handle(thinq.Event{Kind: thinq.Renamed, Device: "ac", Alias: "Attic"})
		h.after(30 * time.Second)
		if !strings.Contains(h.broker.last("homeassistant/device/thinq2mqtt_"+slug+"/config"), `"Attic"`) {
			t.Error("the new name is not announced")
		}
		if got := h.broker.on(base + "/bridge/event"); !strings.Contains(got[len(got)-1], "device_renamed") {
			t.Errorf("events = %q", got)
		}
	})
}

func (h *home) wantGone(id, slug string) {
	h.Helper()
	for topic, payload := range h.broker.kept() {
		if strings.Contains(topic, slug) && payload != "" {
			h.Errorf("%s remains of %s", topic, id)
		}
	}
}

// LG says that it was removed, and one list agrees.
func TestF013Removed(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.start()
		slug := h.slug("ac")
		h.cloud.drop("ac")
		h.cloud.handle(thinq.Event{Kind: thinq.Left, Device: "ac"})
		h.after(0)
		if got := h.broker.last(base + "/" + slug + "/availability"); got != offline {
			t.Errorf("availability while in doubt = %q", got)
		}
		h.after(30 * time.Second)
		h.wantGone("ac", slug)
		h.cloud.forget()
		h.after(2 * time.Hour)
		if calls := h.cloud.made("state ac"); len(calls) > 0 {
			t.Error("a removed appliance is still read")
		}
	})
}

// A list may lack an appliance by mistake.
func TestF013MissingOnce(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.start()
		all := slices.Clone(h.cloud.devices)
		h.cloud.drop("ac")
		h.bridgeRequest("discover", "")
		h.after(time.Minute)
		h.cloud.change(func() { h.cloud.devices = all })
		if h.availability("ac") != offline {
			t.Errorf("availability while in doubt = %q", h.availability("ac"))
		}
		h.after(15 * time.Minute)
		if h.availability("ac") != online {
			t.Errorf("availability afterwards = %q", h.availability("ac"))
		}
	})
}

func TestF013MissingTwice(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.start()
		slug := h.slug("ac")
		h.cloud.drop("ac")
		h.bridgeRequest("discover", "")
		h.bridgeRequest("discover", "")
		h.after(5 * time.Minute)
		if h.broker.last(base+"/"+slug) == "" {
			t.Error("removed after five minutes")
		}
		h.after(10 * time.Minute)
		h.wantGone("ac", slug)
	})
}

// An empty list is not believed for a day.
func TestF013EmptyList(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.start()
		slug := h.slug("ac")
		h.cloud.drop("ac")
		h.bridgeRequest("discover", "")
		h.after(20 * time.Hour)
		if h.broker.last(base+"/"+slug) == "" {
			t.Error("removed because a list was empty")
		}
		h.after(10 * time.Hour)
		h.wantGone("ac", slug)
	})
}

// Nor does it count as the first of two lists that agree: LG may answer with a part
// while it recovers.
func TestF013PartAfterEmpty(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.start()
		all, slug := slices.Clone(h.cloud.devices), h.slug("ac")
		for _, part := range [][]thinq.Device{nil, all[1:], all} {
			h.cloud.change(func() { h.cloud.devices = part })
			h.bridgeRequest("discover", "")
			h.after(time.Minute)
			if len(part) == 0 {
				h.after(25 * time.Minute)
			}
			if h.broker.last(base+"/"+slug) == "" {
				t.Fatalf("removed after a list of %d", len(part))
			}
		}
		if h.availability("ac") != online {
			t.Errorf("availability afterwards = %q", h.availability("ac"))
		}
	})
}

// A call that is answered "no such appliance" asks for the list, once.
func TestApplianceDoubted(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.start()
		h.cloud.forget()
		gone := lgError("1205", 404)
		for range 20 {
			h.cloud.fail("state ac", gone)
		}
		for range 10 {
			h.bridgeRequest("refresh", "ac")
			h.after(20 * time.Second)
		}
		if got := h.cloud.made("list"); len(got) != 1 {
			t.Errorf("%d lists, want 1", len(got))
		}
		if h.availability("ac") != offline {
			t.Errorf("availability = %q", h.availability("ac"))
		}
	})
}

// Announcements of this installation that nobody stands behind are cleared;
// those of others are not.
func TestStaleAnnouncements(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.start()
		announcement := func(via, origin string) string {
			return `{"device":{"identifiers":["x"],"via_device":"` + via + `"},"origin":{"name":"` + origin + `"},"components":{}}`
		}
		ours, theirs, other := "homeassistant/device/thinq2mqtt_oven_11111111/config", "homeassistant/device/thinq2mqtt_oven_22222222/config", "homeassistant/device/zigbee_3/config"
		h.broker.retained[ours], h.broker.retained[theirs], h.broker.retained[other] = "x", "x", "x"
		h.broker.messages <- link.Message{Topic: ours, Payload: []byte(announcement("thinq2mqtt_0badcafe", "thinq2mqtt")), Retain: true}
		h.broker.messages <- link.Message{Topic: theirs, Payload: []byte(announcement("thinq2mqtt_deadbeef", "thinq2mqtt")), Retain: true}
		h.broker.messages <- link.Message{Topic: other, Payload: []byte(announcement("thinq2mqtt_0badcafe", "zigbee")), Retain: true}
		own := "homeassistant/device/thinq2mqtt_" + h.slug("ac") + "/config"
		h.broker.messages <- link.Message{Topic: own, Payload: []byte(h.broker.last(own)), Retain: true}
		h.after(time.Minute)
		if h.broker.last(ours) != "" || h.broker.last(theirs) == "" || h.broker.last(other) == "" || h.broker.last(own) == "" {
			t.Errorf("retained: ours %q, theirs %q, other %q, own %d bytes", h.broker.last(ours), h.broker.last(theirs), h.broker.last(other), len(h.broker.last(own)))
		}
	})
}

// Entities that vanish from a profile are taken back inside the announcement,
// first by their platform alone, then by leaving them out.
func TestEntityVanishes(t *testing.T) {
	cooling(t, func(h *home) {
		h.cloud.change(func() {
			h.cloud.profiles["ac"] = without(t, h.cloud.profiles["ac"], "property", "timer")
			h.cloud.states["ac"] = without(t, h.cloud.states["ac"], "timer")
		})
		h.after(30 * time.Hour) // the profile is read again daily
		got := h.broker.on("homeassistant/device/thinq2mqtt_" + h.slug("ac") + "/config")
		if len(got) != 2 {
			t.Fatalf("%d announcements", len(got))
		}
		if !strings.Contains(got[0], `"absolute_to_start":{"platform":"text"}`) {
			t.Errorf("not taken back: %s", got[0])
		}
		if strings.Contains(got[1], "absolute_to_start") {
			t.Errorf("left in: %s", got[1])
		}
	})
}

// without is a JSON document without the member at a path.
func without(t *testing.T, doc json.RawMessage, path ...string) json.RawMessage {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(doc, &members); err != nil {
		t.Fatal(err)
	}
	if len(path) == 1 {
		delete(members, path[0])
	} else {
		members[path[0]] = without(t, members[path[0]], path[1:]...)
	}
	out, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
