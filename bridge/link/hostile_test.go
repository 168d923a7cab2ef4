package link_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
)

// packet is one of any kind, with a body of any kind.
func packet(first byte, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	p := []byte{first}
	for n := len(body); ; {
		b := byte(n & 0x7f)
		if n >>= 7; n > 0 {
			b |= 0x80
		}
		if p = append(p, b); n == 0 {
			return append(p, body...)
		}
	}
}

// properties are those of a packet, each as its bytes.
func properties(all ...[]byte) []byte { return packet(0, all...)[1:] }

func text(s string) []byte { return append([]byte{byte(len(s) >> 8), byte(len(s))}, s...) }

const steering = "\x1b[2J\x1b]0;owned\a\nlevel=ERROR msg=forged\x00\u202e"

// rude are the first words of brokers that mean no good, or know no better.
var rude = map[string][]byte{
	"reason that steers":       packet(0x20, []byte{0, 0x87}, properties([]byte{0x1f}, text(strings.Repeat(steering, 100)))),
	"endless reason":           packet(0x20, []byte{0, 0x80}, properties([]byte{0x1f}, text(strings.Repeat("R", 60_000)))),
	"another server":           packet(0x20, []byte{0, 0x9c}, properties([]byte{0x1c}, text("evil.example:1883"))),
	"a name that steers":       packet(0x20, []byte{0, 0}, properties([]byte{0x12}, text(steering))),
	"no room to receive":       packet(0x20, []byte{0, 0}, properties([]byte{0x21, 0, 0})),
	"no packet may be sent":    packet(0x20, []byte{0, 0}, properties([]byte{0x27, 0, 0, 0, 0})),
	"packets of one byte":      packet(0x20, []byte{0, 0}, properties([]byte{0x27, 0, 0, 0, 1})),
	"no keepalive":             packet(0x20, []byte{0, 0}, properties([]byte{0x13, 0, 0})),
	"keepalive of a second":    packet(0x20, []byte{0, 0}, properties([]byte{0x13, 0, 1})),
	"property of no kind":      packet(0x20, []byte{0, 0}, properties([]byte{0x7f, 0})),
	"a property twice":         packet(0x20, []byte{0, 0}, properties([]byte{0x27, 0, 0, 16, 0}, []byte{0x27, 0, 0, 16, 0})),
	"properties that end late": packet(0x20, []byte{0, 0, 0x7f}),
	"many properties":          packet(0x20, []byte{0, 0}, properties(bytes.Repeat(append([]byte{0x26}, append(text("k"), text("v")...)...), 2_000))),
	"nothing retained":         packet(0x20, []byte{0, 0}, properties([]byte{0x25, 0}, []byte{0x28, 0}, []byte{0x24, 0})),
	"greeting twice":           bytes.Repeat(packet(0x20, []byte{0, 0, 0}), 2),
	"a session of others":      packet(0x20, []byte{1, 0, 0}),
	"message before all":       packet(0x30, text("a"), []byte{0}, []byte("x")),
	"a challenge":              packet(0xf0, []byte{0x18}, properties([]byte{0x15}, text("SCRAM"), []byte{0x16}, text("x"))),
	"farewell before all":      packet(0xe0, []byte{0x8b}, properties([]byte{0x1f}, text(steering))),
	"zeros":                    make([]byte, 100), "ones": bytes.Repeat([]byte{0xff}, 100),
	"length without end": append([]byte{0x20}, bytes.Repeat([]byte{0xff}, 100)...),
	"a website":          []byte("HTTP/1.1 400 Bad Request\r\nServer: " + steering + "\r\n\r\n"),
}

// later is what they may say when they have greeted well.
var later = map[string][]byte{
	"topic that is a filter":       packet(0x32, text("+/#"), []byte{0, 1, 0}, []byte("x")),
	"topic that is no text":        packet(0x32, text("\xff\x00"), []byte{0, 2, 0}, []byte("x")),
	"topic alias of nothing":       packet(0x32, text(""), []byte{0, 3}, properties([]byte{0x23, 0xff, 0xff}), []byte("x")),
	"message to be confirmed more": packet(0x34, text("a"), []byte{0, 5, 0}, []byte("{}")),
	"quality that is none":         packet(0x36, text("a"), []byte{0, 5, 0}, []byte("{}")),
	"message without a number":     packet(0x32, text("a"), []byte{0, 0, 0}, []byte("{}")),
	"answers to nothing":           append(packet(0x40, []byte{0x12, 0x34}), packet(0x90, []byte{0x12, 0x34, 0, 0})...),
	"releases of nothing":          append(packet(0x62, []byte{0, 1}), packet(0x70, []byte{0, 1})...),
	"a client's word":              packet(0x10, text("MQTT"), []byte{5, 2, 0, 60, 0}, text("x")),
	"pongs":                        bytes.Repeat([]byte{0xd0, 0}, 1_000),
	"pong with something in it":    packet(0xd0, []byte("x")),
	"message too large":            packet(0x30, text("a"), []byte{0}, make([]byte, 300_000)),
	"flood":                        bytes.Repeat(packet(0x30, text("a"), []byte{0}, []byte("{}")), 1_000),
	"farewell that steers":         packet(0xe0, []byte{0x8e}, properties([]byte{0x1f}, text(steering))),
	"farewell that is none":        packet(0xe0, []byte{4, 0x7f}),
}

// Whatever a broker says, the link survives it, says so in one clean line, and is
// there when the broker has come to its senses.
func TestS28RudeBroker(t *testing.T) {
	play := func(t *testing.T, begin func(w wire)) {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			s := &script{play: func(w wire, n int) {
				if n <= 2 {
					go func() {
						defer w.Close()
						begin(w)
						time.Sleep(5 * time.Second)
					}()
					_, _ = io.Copy(io.Discard, w) // or who waits for a lock would stop the clock
					return
				}
				w.accept()
				w.serve(func(byte) bool { return true })
			}}
			l, stop := start(t, link.Options{URL: &url.URL{Scheme: "mqtt", Host: "broker.test"}, Dial: s.Dial,
				Subscriptions: []link.Subscription{{Filter: "a"}}, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			for range 120 {
				time.Sleep(10 * time.Second)
				for len(l.Messages()) > 0 {
					<-l.Messages() // nobody obeys
				}
				said, _ := json.Marshal(l.Status())
				if problem := l.Status().Problem; len(said) > 1000 || strings.ContainsFunc(problem, unicode.IsControl) || strings.ContainsRune(problem, '\u202e') {
					t.Errorf("says %q", said)
					break
				}
			}
			if !l.Status().Connected {
				t.Errorf("does not come back: %+v", l.Status())
			}
			_ = stop()
			if log.Len() > 10_000 || strings.ContainsAny(log.String(), "\x1b\x00\a") || strings.Contains(log.String(), "\nlevel=ERROR msg=forged") {
				t.Errorf("%d bytes are logged: %.500q", log.Len(), &log)
			}
		})
	}
	for name, words := range rude {
		t.Run(name, func(t *testing.T) { play(t, func(w wire) { w.say(words...) }) })
	}
	for name, words := range later {
		t.Run(name, func(t *testing.T) {
			play(t, func(w wire) {
				w.accept()
				time.Sleep(time.Second)
				w.say(words...)
			})
		})
	}
}
