package bridge

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

// told are the events of a type.
func (h *home) told(kind string) (all []map[string]any) {
	for _, payload := range h.broker.on(base + "/bridge/event") {
		var e struct {
			Type string
			Data map[string]any
		}
		if err := json.Unmarshal([]byte(payload), &e); err != nil {
			h.Error(err)
		}
		if e.Type == kind {
			all = append(all, e.Data)
		}
	}
	return all
}

// A thousand commands for appliances that are not there make no topic; ten a
// minute are told of, and then how many there were.
func TestF068ThousandTopics(t *testing.T) {
	cooling(t, func(h *home) {
		topics := len(h.broker.kept())
		for i := range 1000 {
			h.send(link.Message{Topic: fmt.Sprintf("%s/evil\n%d%s/set/x", base, i, strings.Repeat("y", 100)), Payload: []byte("1")})
		}
		h.after(2 * time.Minute)
		all := h.told("command_rejected")
		if len(all) != aloud+1 {
			t.Fatalf("%d events", len(all))
		}
		for _, e := range all[:aloud] {
			if topic, _ := e["topic"].(string); e["reason"] != "unknown_device" || utf8.RuneCountInString(topic) > 65 || strings.ContainsFunc(topic, unicode.IsControl) {
				t.Errorf("event: %q", e)
			}
		}
		if got := all[aloud]["count"]; got != 1000.0-aloud {
			t.Errorf("%v more", got)
		}
		if n := len(h.broker.kept()); n != topics {
			t.Errorf("%d topics are retained, there were %d", n, topics)
		}
		for _, m := range h.broker.log() {
			if strings.Contains(m.Topic, "evil") {
				t.Fatalf("a topic of the sender's making: %q", m.Topic)
			}
		}
	})
}

// Whoever gave a topic for the answer hears it there, and nobody else does; an
// unknown or read-only attribute is answered by its appliance.
func TestF068Answered(t *testing.T) {
	cooling(t, func(h *home) {
		h.send(link.Message{Topic: base + "/nobody/set/x", Payload: []byte("1"), Reply: base + "/answers"})
		h.send(link.Message{Topic: h.topic("ac", "/set/nonsense"), Payload: []byte("1")})
		h.send(link.Message{Topic: h.topic("ac", "/set/current_temperature"), Payload: []byte("1")})
		h.after(time.Second)
		h.wantStages("ac", "rejected:unknown_attribute", "rejected:read_only")
		if n := len(h.broker.on(base + "/answers")); n != 1 {
			t.Errorf("%d answers", n)
		}
		if all := h.told("command_rejected"); len(all) > 0 {
			t.Errorf("events: %q", all)
		}
		h.send(link.Message{Topic: base + "/nobody/get"})
		h.after(time.Second)
		if all := h.told("command_rejected"); len(all) != 1 {
			t.Errorf("events about a get: %q", all)
		}
	})
}

// An answer that is wanted where the broker takes none is its sender's affair: the
// one on the appliance's own topic stands, and nothing is called broken.
func TestF054AnswerElsewhere(t *testing.T) {
	cooling(t, func(h *home) {
		h.obedient(100 * time.Millisecond)
		long := base + "/" + strings.Repeat("x", 600)
		h.broker.refuse = map[string]error{base + "/forbidden": link.ErrRefused, long: link.ErrTopic}
		for topic := range h.broker.refuse {
			h.send(link.Message{Topic: h.topic("ac", "/set"), Payload: []byte(`{"target_temperature":24}`), Reply: topic})
			h.after(time.Minute)
		}
		h.wantEachEnded("ac", 2)
		if info := h.broker.last(base + "/bridge/info"); strings.Contains(info, "does not take") {
			t.Errorf("bridge/info = %s", info)
		}
	})
}

// What finds the link's buffer full is answered all the same, is not carried out
// when it is delivered again, and never blocks the link.
func TestF041Overflow(t *testing.T) {
	cooling(t, func(h *home) {
		h.stop()
		spill := NewSpill()
		h.o.Spill = spill
		h.start()
		h.cloud.forget()
		m := link.Message{Topic: h.topic("ac", "/set"), Payload: []byte(`{"target_temperature":24,"transaction":"t"}`), Received: time.Now()}
		spill.Take(m)
		spill.Take(link.Message{Topic: base + "/bridge/request/health_check", Payload: []byte(`{"transaction":7}`)})
		for range 2 * spillSize {
			spill.Take(link.Message{Topic: base + "/nobody/set", Payload: make([]byte, 100_000)})
		}
		h.after(time.Second)
		h.wantStages("ac", "rejected:busy")
		if r := h.results("ac")[0]; string(r.Transaction) != `"t"` {
			t.Errorf("transaction = %s", r.Transaction)
		}
		if got := h.bridgeAnswer("health_check"); !strings.Contains(got, `"status":"error"`) || !strings.Contains(got, `"transaction":7`) {
			t.Errorf("answer = %s", got)
		}
		m.Dup = true
		h.send(m)
		h.after(time.Minute)
		h.wantControls(0)
		all := h.told("command_rejected")
		if n := len(all); n != aloud+1 || all[n-1]["count"] != float64(2*spillSize-aloud) {
			t.Errorf("%d events, the last %v", n, all[n-1])
		}
	})
}

// junk is a payload that somebody might send by mistake or in bad faith.
func junk(r *rand.Rand) []byte {
	shapes := []func() string{
		func() string { return "" },
		func() string {
			return []string{"NaN", "Infinity", "-Inf", "1e400", "-0", "007", "0x1A", "1_000", "٣", "2٫5"}[r.IntN(10)]
		},
		func() string { return strings.Repeat("[", 1+r.IntN(4000)) },
		func() string { return strings.Repeat(`{"a":`, 1+r.IntN(700)) + "1" },
		func() string { return `{"target_temperature":` + strings.Repeat("9", 1+r.IntN(400)) + "}" },
		func() string { return `{"target_temperature":{"a":[1,2,null]}}` },
		func() string {
			return `{"target_temperature":true,"wind_strength":"` + strings.Repeat("é\u202e", r.IntN(500)) + `"}`
		},
		func() string { return `{"transaction":` + strings.Repeat("[", r.IntN(50)) + `,"x":1}` },
		func() string {
			binary := make([]byte, r.IntN(200))
			for i := range binary {
				binary[i] = byte(r.Uint32())
			}
			return string(binary)
		},
		func() string { return strings.Repeat("x", r.IntN(commandPayload+100)) },
		func() string { return `{"target_temperature":24` + strings.Repeat(" ", commandPayload) + "}" },
		func() string { return `{"` + strings.Repeat("\\u0000", r.IntN(300)) + `":"\n\t\u001b[31m"}` },
	}
	return []byte(shapes[r.IntN(len(shapes))]())
}

// Of ten thousand payloads none is carried out, each is answered once, and an
// answer repeats at most 64 clean characters of what was sent.
func TestF067TenThousandPayloads(t *testing.T) {
	if testing.Short() {
		t.Skip("ten thousand payloads")
	}
	cooling(t, func(h *home) {
		r := rand.New(rand.NewPCG(1, 67))
		attrs := []string{"/set", "/set/target_temperature", "/set/wind_strength", "/set/air_con_operation_mode", "/set/climate_mode", "/set/nonsense"}
		const n = 10_000
		for i := range n {
			payload := junk(r)
			if i%2000 == 0 {
				payload = make([]byte, 1<<20)
			}
			h.send(link.Message{Topic: h.topic("ac", attrs[r.IntN(len(attrs))]), Payload: payload})
			if i%50 == 0 {
				h.after(time.Second)
			}
		}
		h.after(time.Minute)
		h.wantControls(0)
		all := h.results("ac")
		if len(all) != n {
			t.Errorf("%d answers to %d commands", len(all), n)
		}
		for _, a := range all {
			if a.Status != rejected || !tidy(a.Error.Message) {
				t.Fatalf("%+v: %+v", a, a.Error)
			}
			var echo map[string]any
			if a.Attributes != nil && json.Unmarshal(a.Attributes, &echo) != nil {
				t.Fatalf("attributes = %s", a.Attributes)
			}
			for name, v := range echo {
				if text, isText := v.(string); !tidy(name) || isText && (!tidy(text) || utf8.RuneCountInString(text) > 65) {
					t.Fatalf("attributes = %q", echo)
				}
			}
		}
	})
}

// What is repeated of a command stays of its kind, and is there even if nothing of
// it can be read.
func TestEcho(t *testing.T) {
	for payload, want := range map[string]string{
		`{"a":null,"b":true,"c":"x\ny","d":7,"transaction":1}`: `{"a":null,"b":true,"c":"x�y","d":7}`,
		`[1]`:                                 `{}`,
		"\xff\xfe":                            `{}`,
		strings.Repeat("x", commandPayload+1): `{}`,
	} {
		c, _ := new(Bridge).newCommand(link.Message{Payload: []byte(payload)}, discovery.Target{Kind: discovery.KindSet})
		if got := string(excerpts(c.echo)); got != want {
			t.Errorf("%.30q is repeated as %s, want %s", payload, got, want)
		}
	}
}

// tidy reports whether a text can be shown.
func tidy(s string) bool {
	return utf8.ValidString(s) && len(s) < 1000 && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
