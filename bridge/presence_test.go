package bridge

import (
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
)

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
