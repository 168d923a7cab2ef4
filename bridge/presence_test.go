package bridge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
)

// What waits for the answer who is at work is answered, all of it, and nothing is
// done too late.
func TestF041F044WaitersAreAnswered(t *testing.T) {
	const sent = heldMost + 20
	cooling(t, func(h *home) {
		h.obedient(100 * time.Millisecond)
		h.broker.cut()
		for i := range sent {
			h.set("ac", fmt.Sprintf(`{"target_temperature":24,"transaction":"c%d"}`, i))
			h.after(0)
		}
		h.broker.connect()
		h.after(30 * time.Second)
		finals := map[string]int{}
		for _, r := range h.results("ac") {
			if r.Status != accepted {
				finals[string(r.Transaction)]++
			}
		}
		for i := range sent {
			if n := finals[fmt.Sprintf(`"c%d"`, i)]; n != 1 {
				t.Errorf("command %d ended %d times", i, n)
			}
		}
	})
	cooling(t, func(h *home) {
		h.broker.cut()
		h.bridgeRequest("log_level", `{"level":"debug"}`)
		h.after(time.Minute)
		h.broker.connect()
		h.after(time.Second)
		if got := h.broker.on(base + "/bridge/response/log_level"); len(got) != 1 || !strings.Contains(got[0], "in time") {
			t.Errorf("answers %q", got)
		}
	})
}

// What comes by a connection of which the loop has not heard yet is nobody's word to
// act on: another bridge may be at work since. It is not said that this one is, and no
// command is carried out before it is known.
func TestF044FasterThanItsConnection(t *testing.T) {
	for _, taken := range []bool{true, false} {
		cooling(t, func(h *home) {
			h.broker.cut()
			if taken {
				h.send(link.Message{Topic: base + "/bridge/info", Payload: []byte(`{"run":"other","instance":"thinq2mqtt_0therone","started":"2000-01-01T00:00:20Z"}`), Retain: true})
			}
			h.set("ac", `{"target_temperature":24}`)
			h.after(time.Second)
			h.wantControls(0)
			h.broker.connect()
			h.after(time.Second)
			h.wantControls(map[bool]int{true: 0, false: 1}[taken])
			s, err := h.bridge.Snapshot(h.Context())
			if err != nil {
				t.Fatal(err)
			}
			claims := strings.Join(h.broker.on(base+"/bridge/request/presence"), "")
			if (s.Standby != "") != taken || strings.Contains(claims, presenceActive) {
				t.Errorf("standby %q, claims %s", s.Standby, claims)
			}
		})
	}
}
