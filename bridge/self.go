package bridge

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

// rosterDebounce gathers changes of many appliances into one bridge/devices.
const rosterDebounce = time.Second

// originName is what announcements of this program say of where they come from.
const originName = "thinq2mqtt"

// selfEntities are the entities of the bridge's own device. Their values are in
// bridge/info, except that it runs, which the broker says even when it does not.
var selfEntities = map[string]map[string]any{
	"running":    {"platform": "binary_sensor", "name": "Running", "device_class": "connectivity", "value_template": "{{ value_json.state }}", "payload_on": "online", "payload_off": "offline"},
	"cloud":      {"platform": "binary_sensor", "name": "LG cloud", "device_class": "connectivity", "value_template": "{{ 'ON' if value_json.cloud.state == 'ok' else 'OFF' }}"},
	"account":    {"platform": "sensor", "name": "Account", "icon": "mdi:account-key", "value_template": "{{ value_json.cloud.state }}"},
	"push":       {"platform": "sensor", "name": "Push", "icon": "mdi:message-flash", "value_template": "{{ value_json.cloud.push_state }}"},
	"problem":    {"platform": "binary_sensor", "name": "Problem", "device_class": "problem", "value_template": "{{ 'ON' if value_json.cloud.problem else 'OFF' }}", "json_attributes_template": "{{ {'reason': value_json.cloud.problem} | tojson }}"},
	"calls_left": {"platform": "sensor", "name": "Calls left", "icon": "mdi:counter", "state_class": "measurement", "value_template": "{{ value_json.cloud.calls_left }}"},
	"appliances": {"platform": "sensor", "name": "Appliances", "icon": "mdi:washing-machine", "state_class": "measurement", "value_template": "{{ value_json.devices }}"},
	"available":  {"platform": "sensor", "name": "Appliances available", "icon": "mdi:washing-machine", "state_class": "measurement", "value_template": "{{ value_json.devices_online }}"},
	"blocked":    {"platform": "binary_sensor", "name": "Commands blocked", "device_class": "problem", "value_template": "{{ 'ON' if value_json.commands_blocked else 'OFF' }}"},
	"started":    {"platform": "sensor", "name": "Started", "device_class": "timestamp", "value_template": "{{ value_json.started }}"},
	"version":    {"platform": "sensor", "name": "Version", "icon": "mdi:tag", "value_template": "{{ value_json.version }}"},
	"restart":    {"platform": "button", "name": "Restart", "device_class": "restart", "payload_press": "{}"},
	"discover":   {"platform": "button", "name": "Discover", "icon": "mdi:magnify", "payload_press": "{}"},
	"refresh":    {"platform": "button", "name": "Read again", "icon": "mdi:refresh", "payload_press": "{}"},
}

// A selfWord is a state of an entity of the bridge, and what it says to people.
type selfWord struct{ Word, Name string }

// selfWords are all states of those entities that show words.
var selfWords = map[string][]selfWord{
	"account": {
		{Word: condStarting, Name: "Starting"}, {Word: condOK, Name: "All well"}, {Word: condRate, Name: "Call limit reached"},
		{Word: condAuth, Name: "Sign-in needed"}, {Word: condTerms, Name: "Terms to be accepted"},
		{Word: condCountry, Name: "Wrong country"}, {Word: condBlocked, Name: "Blocked"}, {Word: condUnreachable, Name: "Unreachable"},
		{Word: condClock, Name: "Check the clock"},
	},
	"push": {
		{Word: pushOff, Name: "Off"}, {Word: pushConnecting, Name: "Connecting"},
		{Word: pushLive, Name: "Live"}, {Word: pushSuspect, Name: "Suspect"},
		{Word: pushPolling, Name: "Polling"}, {Word: pushTwin, Name: "Duplicate instance"},
	},
}

// choices lists the states of an entity of the bridge, as labels where options are
// shown as such.
func (b *Bridge) choices(key string, c map[string]any) {
	words := selfWords[key]
	if len(words) == 0 {
		return
	}
	options, labels := make([]string, len(words)), make([]string, len(words))
	for i, w := range words {
		options[i] = w.Word
		if b.o.Discovery.Labels {
			options[i] = discovery.Translate(b.o.Discovery.Language, w.Name)
			labels[i] = "'" + w.Word + "':'" + options[i] + "'"
		}
	}
	c["device_class"], c["options"] = "enum", options
	if text, ok := c["value_template"].(string); ok && b.o.Discovery.Labels {
		value := strings.TrimSuffix(strings.TrimPrefix(text, "{{ "), " }}")
		c["value_template"] = "{{ {" + strings.Join(labels, ",") + "}.get(" + value + ", " + value + ") }}"
	}
}

// selfSlug stands in the topic of the bridge's own announcement. It carries the
// installation, so that two bridges at one broker do not overwrite each other.
func (b *Bridge) selfSlug() string {
	if id := strings.TrimPrefix(b.o.Discovery.Instance, instanceStem); id != "" {
		return "bridge_" + id
	}
	return "bridge"
}

// announceSelf announces the bridge's own device, to which all others are
// joined.
func (b *Bridge) announceSelf() {
	if !b.o.HomeAssistant {
		return
	}
	id := b.o.Discovery.Instance
	if id == "" {
		id = "thinq2mqtt_bridge"
	}
	components := map[string]any{}
	for key, entity := range selfEntities {
		components[key] = b.selfEntity(id, key, entity)
	}
	name := discovery.Translate(b.o.Discovery.Language, "ThinQ bridge")
	if b.o.Account != "" {
		name += " " + b.o.Account
	}
	message, err := json.Marshal(map[string]any{
		"device": map[string]any{
			"identifiers": []string{id}, "name": name, "manufacturer": originName,
			"model": "LG ThinQ to MQTT", "sw_version": b.o.Version,
		},
		"origin":     map[string]any{"name": originName, "sw_version": b.o.Version, "support_url": "https://github.com/thinq2mqtt/thinq2mqtt"},
		"qos":        1,
		"components": components,
	})
	if err == nil {
		b.retain("", "discovery", b.topics.Discovery(b.selfSlug()), message, rankAnnounce)
	}
}

func (b *Bridge) selfEntity(id, key string, entity map[string]any) map[string]any {
	state := b.topics.Bridge("state")
	c := map[string]any{"unique_id": id + "_" + key, "entity_category": "diagnostic"}
	for k, v := range entity {
		c[k] = v
	}
	if name, ok := entity["name"].(string); ok {
		c["name"] = discovery.Translate(b.o.Discovery.Language, name)
	}
	b.choices(key, c)
	switch {
	case key == "running":
		c["state_topic"] = state
		return c // it must say "off" when it is, so it is always available
	case entity["platform"] == "button":
		c["command_topic"], c["entity_category"] = b.topics.Request(key), "config"
	default:
		c["state_topic"] = b.topics.Bridge("info")
		if c["json_attributes_template"] != nil {
			c["json_attributes_topic"] = c["state_topic"]
		}
	}
	c["availability"] = []any{map[string]any{"topic": state, "value_template": "{{ value_json.state }}"}}
	return c
}

// publishInfo publishes bridge/info if it differs from what is there.
func (b *Bridge) publishInfo() {
	online := 0
	for _, d := range b.devices {
		if b.available(d) {
			online++
		}
	}
	left, paused := b.o.Budget.Left()
	cloud := map[string]any{
		"region": b.o.Region, "state": b.account.condition, "text": b.account.text,
		"push_state": b.pushState(), "push_text": b.pushText(), "calls_left": left, "problem": b.problem(),
	}
	if polled := b.polled(); len(polled) > 0 {
		cloud["polled"] = b.slugsOf(polled)
	}
	if !paused.IsZero() {
		cloud["paused_until"] = paused.UTC().Format(time.RFC3339)
	}
	info := map[string]any{
		"version": b.o.Version, "commit": b.o.Commit, "instance": b.o.Discovery.Instance, "run": b.stand.run,
		"started": b.started.UTC().Format(time.RFC3339), "cloud": cloud,
		"mqtt":    map[string]any{"base_topic": b.topics.Base, "discovery_prefix": b.topics.Prefix, "commands": b.delivery},
		"devices": len(b.devices), "devices_online": online, "config": b.o.Config, "commands_blocked": b.blocked(),
		"problems": b.problems(),
	}
	if b.o.Account != "" {
		info["account"] = b.o.Account
	}
	if b.o.Level != nil {
		info["log_level"] = strings.ToLower(b.o.Level.Level().String())
	}
	payload, err := json.Marshal(info)
	if err != nil || bytes.Equal(payload, b.info) {
		return
	}
	b.info = payload
	b.retain("", "bridge", b.topics.Bridge("info"), payload, rankInfo)
}

// problem is what is wrong with the account, or with the bridge itself, for a
// person; empty: nothing.
func (b *Bridge) problem() string {
	if a := b.account; a.condition != condOK && a.condition != condStarting {
		return cmp.Or(a.text, a.condition)
	}
	all := append([]string{cmp.Or(b.emptyText(), b.pushText())}, b.problems()...)
	return strings.TrimPrefix(strings.Join(all, "; "), "; ")
}

// publishRoster publishes bridge/devices if it differs from what is there.
func (b *Bridge) publishRoster() {
	b.reproach()
	payload, err := json.Marshal(b.rows())
	if err != nil || bytes.Equal(payload, b.roster) {
		return
	}
	b.roster = payload
	b.retain("", "bridge", b.topics.Bridge("devices"), payload, rankInfo)
	b.later.soonest("info", time.Now().Add(rosterDebounce), b.publishInfo)
}

// measure looks at what nobody tells of by itself, for the log and the gauges.
func (b *Bridge) measure() {
	b.checkOutbox()
	b.checkDisk()
	b.checkShare()
	b.gauge()
}

// gauge brings the gauges up to date.
func (b *Bridge) gauge() {
	a := b.o.Account
	status := b.o.Broker.Status()
	b.m.mqttConnected.Set(map[bool]float64{true: 1}[status.Connected])
	b.m.mqttOutbox.Set(float64(b.outbox.waiting()))
	left, paused := b.o.Budget.Left()
	b.m.cloudRemaining.WithLabelValues(a).Set(float64(left))
	until := latest(paused, b.account.until)
	b.m.cloudBackoff.WithLabelValues(a).Set(max(0, time.Until(until).Seconds()))
	b.m.pushConnected.WithLabelValues(a).Set(map[bool]float64{true: 1}[b.push.live])
	one(b.m.pushState, a, b.pushState(), []string{pushOff, pushConnecting, pushLive, pushSuspect, pushPolling, pushTwin})
	b.m.pushSilent.WithLabelValues(a).Set(float64(len(b.suspects())))
	count, pending := map[string]float64{"online": 0, "offline": 0, "ignored": 0}, 0
	for _, d := range b.devices {
		count[b.word(d)]++
		pending += len(d.orders.all())
	}
	for word, n := range count {
		b.m.devices.WithLabelValues(a, word).Set(n)
	}
	b.m.commandsPending.WithLabelValues(a).Set(float64(pending))
	b.m.blocked.WithLabelValues(a).Set(float64(len(b.blocked())))
}

// word is the condition of an appliance for people and metrics.
func (b *Bridge) word(d *device) string {
	switch {
	case d.ignored:
		return "ignored"
	case b.available(d):
		return "online"
	}
	return "offline"
}
