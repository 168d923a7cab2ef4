package bridge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

// drying runs with a dryer that a person made ready to be started from afar.
func drying(t *testing.T, leave bool, f func(h *home)) {
	t.Helper()
	inHome(t, []string{"dry=dryer_heat_pump"}, func(h *home) {
		h.o.Discovery.Settings = func(string, string) discovery.Settings { return discovery.Settings{RemoteStart: leave} }
		h.cloud.quietly("dry", `{"runState":{"currentState":"INITIAL"},"remoteControlEnable":{"remoteControlEnabled":true}}`)
		h.start()
		h.cloud.forget()
		h.broker.forget()
		f(h)
	})
}

// Nothing that is sent over MQTT gives the owner's leave.
func TestS31LeaveIsNotGivenByMQTT(t *testing.T) {
	drying(t, false, func(h *home) {
		for _, options := range []string{
			`{"remote_start":true}`, `{"allow":["operation.dryerOperationMode"]}`, `{"RemoteStart":true}`, `{"name":"Dry","remote_start":true}`,
		} {
			if answer := h.bridgeRequest("device/options", fmt.Sprintf(`{"id":"dry","options":%s}`, options)); !strings.Contains(answer, `"status":"error"`) {
				t.Errorf("%s: %s", options, answer)
			}
		}
		for _, payload := range []string{`{"remote_start":true}`, `{"start":"PRESS","remote_start":true}`, `{"start":"PRESS"}`, `{"dryer_operation_mode":"start"}`} {
			h.set("dry", payload)
			h.after(time.Second)
		}
		h.wantStages("dry", "rejected:unknown_attribute", "rejected:unknown_attribute", "rejected:remote_start", "rejected:remote_start")
		h.set("dry", `{"power_off":"PRESS"}`)
		h.after(time.Second)
		if calls := h.cloud.made("control dry"); len(calls) != 1 || !strings.Contains(calls[0], "POWER_OFF") {
			t.Errorf("calls: %q", calls)
		}
	})
}

// The owner's leave is for the model that the owner knows.
func TestS31LeaveIsWithdrawn(t *testing.T) {
	drying(t, true, func(h *home) {
		press := func() string {
			h.send(link.Message{Topic: h.topic("dry", "/set/start"), Payload: []byte("PRESS")})
			h.after(time.Minute)
			return h.lastStage("dry")
		}
		h.cloud.change(func() { h.cloud.devices[0].Model = "ANOTHER" })
		h.bridgeRequest("discover", "")
		if got := press(); got != "rejected:remote_start" {
			t.Errorf("start of another model: %s", got)
		}
		h.reconfigure(func(*discovery.Options) {})
		h.cloud.quietly("dry", `{"runState":{"currentState":"INITIAL"}}`)
		if got := press(); strings.HasPrefix(got, "rejected") {
			t.Errorf("start after the configuration was read anew: %s", got)
		}
	})
}
