package bridge

import (
	"encoding/json"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

// result is what stands on <slug>/result.
type result struct {
	Transaction json.RawMessage `json:"transaction"`
	Status      string          `json:"status"`
	Attributes  json.RawMessage `json:"attributes,omitempty"`
	Error       *rejection      `json:"error,omitempty"`
	Duration    int64           `json:"duration_ms"`
}

// end publishes how a command ended, once.
func (b *Bridge) end(c *command, status string, why *rejection) {
	if c.ended {
		return
	}
	c.ended, c.status, c.why = true, status, why
	c.again = nil // or each would keep all that came before it
	b.answer(c, status, why)
	b.noteEnd(c, status, why)
	for _, twin := range c.twins {
		b.end(twin, status, why)
	}
}

// answer publishes a stage of a command where its sender looks for it.
func (b *Bridge) answer(c *command, status string, why *rejection) {
	echo := c.echo
	if status == rejected {
		echo = excerpts(echo)
	}
	payload, err := json.Marshal(result{
		Transaction: c.transaction, Status: status, Attributes: echo, Error: why,
		Duration: time.Since(c.received).Milliseconds(),
	})
	if err != nil {
		payload = []byte(`{"status":"` + status + `"}`)
	}
	if c.slug != "" {
		b.emit("result", c.slug, b.topics.Result(c.slug), payload, resultLife)
	}
	if heard := b.reply(c.reply, c.correlation, payload); !heard && c.slug == "" && why != nil {
		b.tellRejected(c.topic, why)
	}
}

// excerpts is an echo fit to be repeated although nobody knows what is in it:
// short and clean. What is so stays as it came.
func excerpts(echo json.RawMessage) json.RawMessage {
	var object map[string]json.RawMessage
	if json.Unmarshal(echo, &object) != nil || object == nil {
		return echo
	}
	clean := map[string]any{}
	for name, raw := range object {
		var text string
		switch err := json.Unmarshal(raw, &text); {
		case err == nil && string(raw) != "null":
			clean[discovery.Excerpt(name)] = discovery.Excerpt(text)
		case len(raw) > echoLength:
			clean[discovery.Excerpt(name)] = discovery.Excerpt(string(raw))
		default:
			clean[discovery.Excerpt(name)] = raw
		}
	}
	short, err := json.Marshal(clean)
	if err != nil {
		return nil
	}
	return short
}

// reply answers on the response topic that the sender asked for, if we may.
func (b *Bridge) reply(topic string, correlation, payload []byte) bool {
	if !b.topics.Answerable(topic) || b.spokenFor(topic) {
		return false
	}
	b.outbox.put(item{
		Message: link.Message{Topic: topic, Payload: payload, Correlation: correlation},
		kind:    "result", rank: rankInfo, until: time.Now().Add(resultLife), guest: true,
	})
	return true
}

// spokenFor reports whether a topic has a meaning of its own, so that an answer
// there would be taken for a command or a state.
func (b *Bridge) spokenFor(topic string) bool {
	t, ok := b.topics.Parse(topic)
	switch {
	case !ok, t.Kind == discovery.KindResponse, t.Kind == discovery.KindResult:
		return false
	case t.Slug == "", t.Kind == discovery.KindSet, t.Kind == discovery.KindGet, t.Kind == discovery.KindDiscovery:
		return true
	}
	return b.find(t.Slug) != nil
}

// noteEnd leaves one line for every command, and counts it.
func (b *Bridge) noteEnd(c *command, status string, why *rejection) {
	kind := "unknown"
	if c.half != nil && c.half.Known { // a type that nobody knows is a text of LG's
		kind = c.half.Type
	}
	took := time.Since(c.received)
	b.record(c.recorded("end", status, why.word()))
	b.m.commands.WithLabelValues(b.o.Account, kind, status).Inc()
	b.m.commandDuration.WithLabelValues(status).Observe(took.Seconds())
	log, name := b.o.Logger, "device"
	if status == rejected { // a sender that is rejected again and again fills no log
		log = b.log
	}
	if c.half == nil {
		name = "nobody"
	}
	args := []any{name, c.slug, "transaction", c.label(), "attributes", cut(string(c.echo), 200), "status", status, "duration", took}
	if why != nil {
		args = append(args, "reason", why.Reason, "code", why.Code)
	}
	log.Info("command", args...)
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}
