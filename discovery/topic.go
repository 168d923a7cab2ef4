package discovery

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Topics builds and parses every topic; nobody else does.
type Topics struct {
	Base   string // "thinq2mqtt"
	Prefix string // "homeassistant"
}

// BridgeLevel is the topic level of the bridge itself; no slug may be it.
const BridgeLevel = "bridge"

// announcementStem precedes the slug in the object id of an announcement.
const announcementStem = "thinq2mqtt_"

// Kind says what a topic is for.
type Kind int

// The kinds of topics.
const (
	KindState        Kind = iota + 1 // <base>/<slug>
	KindAvailability                 // <base>/<slug>/availability
	KindSet                          // <base>/<slug>/set, or with a Key <base>/<slug>/set/<key>
	KindGet                          // <base>/<slug>/get
	KindResult                       // <base>/<slug>/result
	KindEvent                        // <base>/<slug>/event/<key>
	KindExtra                        // <base>/<slug>/state/<key>
	KindBridge                       // <base>/bridge/<key>
	KindRequest                      // <base>/bridge/request/<key>
	KindResponse                     // <base>/bridge/response/<key>
	KindDiscovery                    // <prefix>/device/thinq2mqtt_<slug>/config
	KindBirth                        // <prefix>/status
)

// A Target is what a topic means.
type Target struct {
	Kind Kind
	Slug string // of an appliance, empty for topics of the bridge
	Key  string // attribute, event, extra state, verb or bridge topic
}

// State is the topic of the state document.
func (t Topics) State(slug string) string { return t.Base + "/" + slug }

// Availability is the topic that says whether the appliance can be reached.
func (t Topics) Availability(slug string) string { return t.State(slug) + "/availability" }

// Set is the command topic that takes a JSON object of attributes.
func (t Topics) Set(slug string) string { return t.State(slug) + "/set" }

// SetAttr is the command topic that takes one bare value.
func (t Topics) SetAttr(slug, attr string) string { return t.Set(slug) + "/" + attr }

// Get is the topic that asks for one read.
func (t Topics) Get(slug string) string { return t.State(slug) + "/get" }

// Result is the topic of the fates of commands.
func (t Topics) Result(slug string) string { return t.State(slug) + "/result" }

// Event is the topic of one event entity.
func (t Topics) Event(slug, key string) string { return t.State(slug) + "/event/" + key }

// Extra is the topic of a state in a shape of its own, see [Device.Extra].
func (t Topics) Extra(slug, key string) string { return t.State(slug) + "/state/" + key }

// Bridge is a topic of the bridge itself: state, info, devices, event, logging.
func (t Topics) Bridge(name string) string { return t.Base + "/" + BridgeLevel + "/" + name }

// Request is the topic of a request to the bridge.
func (t Topics) Request(verb string) string { return t.Bridge("request/" + verb) }

// Presence is where bridges at one base topic tell each other that they are there.
// [Topics.Commands] cover it.
func (t Topics) Presence() string { return t.Request(PresenceVerb) }

// PresenceVerb ends [Topics.Presence].
const PresenceVerb = "presence"

// Others are the filters under which another bridge at the base topic is known.
// With them a bridge has eight, which fit one packet everywhere.
func (t Topics) Others() []string { return []string{t.Bridge("info"), t.Bridge("state")} }

// Response is the topic of the answer to a request.
func (t Topics) Response(verb string) string { return t.Bridge("response/" + verb) }

// Discovery is the topic of the announcement of a device. For the bridge's own
// device the slug is "bridge".
func (t Topics) Discovery(slug string) string {
	return t.Prefix + "/device/" + announcementStem + slug + "/config"
}

// Birth is where Home Assistant says that it has started.
func (t Topics) Birth() string { return t.Prefix + "/status" }

// Commands are the filters to subscribe to for everything the bridge obeys.
func (t Topics) Commands() []string {
	return []string{
		t.Set("+"), t.SetAttr("+", "+"), t.Get("+"),
		t.Request("#"),
		t.Birth(),
	}
}

// Announcements is the filter under which earlier announcements can be read
// back. Other bridges' messages match it as well; see [Topics.Parse].
func (t Topics) Announcements() string { return t.Prefix + "/device/+/config" }

// Answerable reports whether a response topic of MQTT 5 may be used: only below
// the base or the prefix, so that nobody makes the bridge write elsewhere.
func (t Topics) Answerable(topic string) bool {
	if topic == "" || strings.ContainsAny(topic, "+#\x00") {
		return false
	}
	return strings.HasPrefix(topic, t.Base+"/") || strings.HasPrefix(topic, t.Prefix+"/")
}

// Parse says what a topic means; false if it is none of ours.
func (t Topics) Parse(topic string) (Target, bool) {
	if strings.HasSuffix(topic, "/") {
		return Target{}, false
	}
	if rest, ok := strings.CutPrefix(topic, t.Base+"/"); ok {
		if target, ok := parseBase(rest); ok {
			return target, true
		}
	}
	if rest, ok := strings.CutPrefix(topic, t.Prefix+"/"); ok {
		return parsePrefix(rest)
	}
	return Target{}, false
}

// single are the topics of an appliance that have no key.
var single = map[string]Kind{
	"": KindState, "availability": KindAvailability, "set": KindSet, "get": KindGet, "result": KindResult,
}

// keyed are the topics of an appliance that end in a key.
var keyed = map[string]Kind{"set": KindSet, "event": KindEvent, "state": KindExtra}

// bridged are the topics of the bridge that end in a verb.
var bridged = map[string]Kind{"request": KindRequest, "response": KindResponse}

func parseBase(rest string) (Target, bool) {
	slug, rest, _ := strings.Cut(rest, "/")
	word, key, deep := strings.Cut(rest, "/")
	switch {
	case slug == "":
		return Target{}, false
	case slug == BridgeLevel && !deep:
		return Target{Kind: KindBridge, Key: word}, word != ""
	case slug == BridgeLevel:
		kind := bridged[word]
		return Target{Kind: kind, Key: key}, kind != 0
	case deep:
		kind := keyed[word]
		return Target{Kind: kind, Slug: slug, Key: key}, kind != 0 && !strings.Contains(key, "/")
	default:
		kind := single[word]
		return Target{Kind: kind, Slug: slug}, kind != 0
	}
}

func parsePrefix(rest string) (Target, bool) {
	if rest == "status" {
		return Target{Kind: KindBirth}, true
	}
	id, isConfig := strings.CutSuffix(rest, "/config")
	slug, isOurs := strings.CutPrefix(id, "device/"+announcementStem)
	return Target{Kind: KindDiscovery, Slug: slug}, isConfig && isOurs && (slug == BridgeLevel || ValidSlug(slug))
}

// Slug is the default slug of an appliance: its type and eight hex digits of
// the SHA-256 of its id, so that it neither moves with LG's alias nor shows the
// id (contract: <slug>).
func Slug(deviceType, id string) string {
	sum := sha256.Sum256([]byte(id))
	word := slugWord(strings.TrimPrefix(deviceType, typePrefix))
	return word[:min(len(word), longestType)] + "_" + hex.EncodeToString(sum[:4])
}

// longestType is how much of a type is part of a slug: LG's own are half as long.
const longestType = 48

// slugWord makes a topic level of any word.
func slugWord(s string) string {
	word := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(s))
	if word == "" {
		return "appliance"
	}
	return word
}

// ValidSlug reports whether s can stand in topics and discovery ids: Home
// Assistant takes letters, digits, underscore and hyphen. "bridge" is taken.
func ValidSlug(s string) bool {
	if s == "" || s == BridgeLevel || len(s) > 64 {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}
