package discovery

import (
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest/bounds"
)

// FuzzTopics: a topic means at most one thing, and that thing has this topic and
// no other. Nothing that is told to the bridge makes it write outside.
func FuzzTopics(f *testing.F) {
	for _, topic := range []string{
		"b/bridge/request/refresh", "b/bridge/info", "b/oven_1/set/target", "b/oven_1/set", "b/oven_1", "b/oven_1/get", "b/oven_1/availability",
		"b/oven_1/event/notification", "b/oven_1/state/x", "b/oven_1/result", "p/status", "p/device/thinq2mqtt_oven_1/config",
		"p/device/thinq2mqtt_bridge/config", "b/", "b//set", "b/bridge", "b/a/set/b/c", "b/+/set", "b/#", "$SYS/x", "b/\x00", "b/bridge/request/",
	} {
		f.Add("b", "p", topic)
	}
	f.Add("a/b", "a", "a/b/status")
	f.Add("home", "home", "home/status")
	f.Fuzz(func(t *testing.T, base, prefix, topic string) {
		defer bounds.Keep(t)()
		topics := Topics{Base: base, Prefix: prefix}
		if topics.Answerable(topic) && (strings.ContainsAny(topic, "+#\x00") || !strings.HasPrefix(topic, base+"/") && !strings.HasPrefix(topic, prefix+"/")) {
			t.Errorf("%q may be written to", topic)
		}
		target, ok := topics.Parse(topic)
		if !ok {
			return
		}
		if got := topics.of(target); got != topic {
			t.Errorf("%q means %+v, which is %q", topic, target, got)
		}
	})
}

// of is the topic of a target.
func (t Topics) of(target Target) string {
	if target.Slug == BridgeLevel && target.Kind == KindDiscovery {
		return t.Discovery(BridgeLevel)
	}
	keyless := target.Key == ""
	switch target.Kind {
	case KindState:
		return t.State(target.Slug)
	case KindAvailability:
		return t.Availability(target.Slug)
	case KindSet:
		if keyless {
			return t.Set(target.Slug)
		}
		return t.SetAttr(target.Slug, target.Key)
	case KindGet:
		return t.Get(target.Slug)
	case KindResult:
		return t.Result(target.Slug)
	case KindEvent:
		return t.Event(target.Slug, target.Key)
	case KindExtra:
		return t.Extra(target.Slug, target.Key)
	case KindBridge:
		return t.Bridge(target.Key)
	case KindRequest:
		return t.Request(target.Key)
	case KindResponse:
		return t.Response(target.Key)
	case KindDiscovery:
		return t.Discovery(target.Slug)
	}
	return t.Birth()
}
