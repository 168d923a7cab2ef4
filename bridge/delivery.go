package bridge

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

const (
	probeVerb = "probe"
	probeWait = 10 * time.Second
)

// probeDelivery sends a message to ourselves on the topics that commands and
// requests come by. Some brokers grant a subscription that their rules forbid,
// and never deliver.
func (b *Bridge) probeDelivery() {
	b.stand.probes = map[string]bool{}
	for _, topic := range []string{b.topics.Request(probeVerb), b.topics.Set(discovery.BridgeLevel)} {
		b.stand.probes[topic] = true
		b.outbox.put(item{
			Message: link.Message{Topic: topic, Payload: []byte(b.stand.run)},
			kind:    presenceKind, rank: rankInfo, until: time.Now().Add(probeWait),
		})
	}
	b.later.set("probe delivery", time.Now().Add(probeWait), b.judgeDelivery)
}

func (b *Bridge) heardProbe(m link.Message) {
	if string(m.Payload) != b.stand.run || m.Retain {
		return
	}
	delete(b.stand.probes, m.Topic)
	if len(b.stand.probes) == 0 {
		b.later.cancel("probe delivery")
		b.judgeDelivery()
	}
}

// judgeDelivery says in bridge/info whether commands reach this bridge. Where they
// did before, the broker may have mixed up two connections of ours: another one
// helps then, and is tried once.
func (b *Bridge) judgeDelivery() {
	was := b.delivery
	b.delivery = "verified"
	if len(b.stand.probes) > 0 {
		b.delivery = "unverified"
	}
	switch {
	case b.delivery == was:
		return
	case b.delivery == "verified":
		b.well(troubleDelivery)
	default:
		b.troubled(troubleDelivery, "the broker does not deliver to this bridge what is sent to "+
			strings.Join(slices.Sorted(maps.Keys(b.stand.probes)), " and ")+", so commands may not arrive: look at its access rules")
	}
	b.publishInfo()
	if was == "verified" {
		b.reappear(true)
	}
}
