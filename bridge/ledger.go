package bridge

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

// A ledger is what the broker keeps of this bridge: under another base topic,
// prefix or slug nobody else would ever take it back.
type ledger struct {
	Base   string   `json:"base"`
	Prefix string   `json:"prefix"`
	Topics []string `json:"topics,omitempty"`
}

// note keeps the ledger when a retained message goes out.
func (b *Bridge) note(topic string, payload []byte) {
	if b.stand.role == roleAside {
		return
	}
	if len(payload) == 0 {
		delete(b.kept, topic)
		return
	}
	if !b.kept[topic] {
		b.kept[topic] = true
		b.dirty()
	}
	delete(b.former, topic)
}

// inherit takes over the ledger of an earlier run.
func (b *Bridge) inherit(l ledger) {
	for _, topic := range l.Topics {
		b.former[topic] = l
	}
}

// disown forgets all that was published: it is another bridge's now.
func (b *Bridge) disown() {
	clear(b.kept)
	clear(b.former)
	b.dirty()
}

// bequest is the ledger to save.
func (b *Bridge) bequest() ledger {
	topics := slices.AppendSeq(slices.Collect(maps.Keys(b.kept)), maps.Keys(b.former))
	slices.Sort(topics)
	return ledger{b.topics.Base, b.topics.Prefix, slices.Compact(topics)}
}

const leftoverPeriod = time.Hour

// clearLeftovers takes back what an earlier run published and this one does not,
// once the list says for sure what there is.
func (b *Bridge) clearLeftovers() {
	if len(b.former) == 0 || !b.listed || b.stand.role != roleActive || !b.o.Broker.Status().Connected {
		return
	}
	for topic, l := range b.former {
		if b.awaits(topic) {
			continue
		}
		kind := "state"
		if strings.HasPrefix(topic, l.Prefix+"/") {
			kind = "discovery"
		}
		b.log.Info("leftover cleared", "topic", topic)
		b.m.orphans.Inc()
		b.retain("", kind, topic, nil, rankInfo)
		delete(b.former, topic)
	}
	b.dirty()
	b.later.soonest("leftovers", time.Now().Add(leftoverPeriod), b.clearLeftovers)
}

// awaits reports whether a topic may yet be published by this run: it is that of
// an appliance that has not said a word.
func (b *Bridge) awaits(topic string) bool {
	t, ours := b.topics.Parse(topic)
	if !ours {
		return false
	}
	if t.Kind == discovery.KindBridge {
		return true
	}
	d := b.find(t.Slug)
	return d != nil && !d.ignored && d.state == nil
}
