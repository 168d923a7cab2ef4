package bridge

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest/bounds"
)

// FuzzCommand: whatever comes on a command topic is refused in words that fit an
// answer, or is attributes with values; and what is repeated of it is JSON, short
// where nobody knows what is in it.
func FuzzCommand(f *testing.F) {
	for _, payload := range []string{
		"", "21.5", "ON", "null", `{"target_temperature":21.5}`, `{"a":"x","transaction":7}`, `{"a":{"b":[1,{}]},"transaction":{"c":null}}`,
		`{"transaction":`, `[1]`, `"x"`, "\xff", `{"a":1,"a":2}`, `{"":0}`, `{"a":1e999}`, strings.Repeat("[", 3000), `{"a":"` + strings.Repeat("x", 4090) + `"}`,
		strings.Repeat("x", commandPayload), strings.Repeat("x", commandPayload+1),
	} {
		f.Add("", []byte(payload))
		f.Add("target_temperature", []byte(payload))
	}
	f.Fuzz(func(t *testing.T, attr string, payload []byte) {
		defer bounds.Keep(t)()
		b := &Bridge{devices: map[string]*device{}, slugs: map[string]*half{}}
		m := link.Message{Topic: "b/x/set/" + attr, Payload: payload, Received: time.Now()}
		c, parsed := b.newCommand(m, discovery.Target{Kind: discovery.KindSet, Slug: "x", Key: attr})
		if len(payload) > commandPayload && parsed == nil || !utf8.Valid(payload) && parsed == nil {
			t.Errorf("%d bytes are taken", len(payload))
		}
		if parsed == nil && len(c.attrs) == 0 {
			t.Errorf("%q is a command for nothing", payload)
		}
		why := b.refusal(m, discovery.Target{Kind: discovery.KindSet, Slug: "x", Key: attr}, c, parsed)
		if why == nil || why.Reason == "" || !utf8.ValidString(why.Message) {
			t.Errorf("refused with %+v", why)
		}
		answer, err := json.Marshal(result{Transaction: c.transaction, Status: rejected, Attributes: excerpts(c.echo), Error: why})
		if err != nil || bytes.ContainsAny(answer, "\r\n") || len(answer) > 16*commandPayload {
			t.Errorf("%d bytes of answer to %q: %v", len(answer), payload, err)
		}
	})
}

// A command and its topic may be as long as the limit, and no longer.
func TestS27CommandSizes(t *testing.T) {
	b := &Bridge{devices: map[string]*device{}, slugs: map[string]*half{}}
	for over := -1; over <= 1; over++ {
		want := nobody.Reason // the next thing to be said against it
		if over > 0 {
			want = "too_large"
		}
		for _, m := range []link.Message{
			{Topic: "b/x/set/a", Payload: bytes.Repeat([]byte("x"), commandPayload+over)},
			{Topic: "b/x/set/" + strings.Repeat("a", commandTopic-len("b/x/set/")+over), Payload: []byte("1")},
		} {
			target := discovery.Target{Kind: discovery.KindSet, Slug: "x", Key: "a"}
			c, parsed := b.newCommand(m, target)
			if why := b.refusal(m, target, c, parsed); why == nil || why.Reason != want {
				t.Errorf("topic of %d, payload of %d bytes: %+v, want %s", len(m.Topic), len(m.Payload), why, want)
			}
		}
	}
}
