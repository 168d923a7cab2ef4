package bridge

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

// obedient appliances report after a while what they were told.
func (h *home) obedient(after time.Duration) {
	h.cloud.obey = func(id string, body []byte) {
		time.AfterFunc(after, func() { h.cloud.report(id, string(body)) })
	}
}

// cooling is a home with an air conditioner that runs.
func cooling(t *testing.T, f func(h *home)) {
	t.Helper()
	inHome(t, []string{ac}, func(h *home) {
		h.cloud.quietly("ac", `{"operation":{"airConOperationMode":"POWER_ON"},"airConJobMode":{"currentJobMode":"COOL"}}`)
		h.start()
		h.cloud.forget()
		h.broker.forget()
		f(h)
	})
}

func (h *home) wantStages(id string, want ...string) {
	h.Helper()
	if got := h.stages(id); !slices.Equal(got, want) {
		h.Errorf("stages = %q, want %q", got, want)
	}
}

func (h *home) wantControls(n int) {
	h.Helper()
	if got := h.cloud.made("control"); len(got) != n {
		h.Errorf("%d control calls, want %d: %q", len(got), n, got)
	}
}

func TestCommandConfirmedByReport(t *testing.T) {
	cooling(t, func(h *home) {
		h.obedient(500 * time.Millisecond)
		h.set("ac", `{"target_temperature":24,"transaction":"t1"}`)
		h.after(time.Second)
		h.wantControls(1)
		h.wantStages("ac", "accepted", "confirmed")
		for _, r := range h.results("ac") {
			if string(r.Transaction) != `"t1"` || string(r.Attributes) != `{"target_temperature":24}` {
				t.Errorf("transaction %s, attributes %s", r.Transaction, r.Attributes)
			}
		}
		if got := h.results("ac")[1].Duration; got != 500 {
			t.Errorf("duration_ms = %d, want 500", got)
		}
		if h.state("ac", "target_temperature") != 24.0 {
			t.Error("the state does not show it")
		}
	})
}

// The report may overtake the answer of the call.
func TestCommandConfirmedBeforeAnswer(t *testing.T) {
	cooling(t, func(h *home) {
		h.cloud.delay = time.Second
		h.send(link.Message{Topic: h.topic("ac", "/set/target_temperature"), Payload: []byte("24")})
		h.after(300 * time.Millisecond)
		h.cloud.report("ac", `{"temperature":{"targetTemperature":24}}`)
		h.after(5 * time.Second)
		h.wantStages("ac", "confirmed")
	})
}

func TestCommandConfirmedByRead(t *testing.T) {
	cooling(t, func(h *home) {
		h.cloud.obey = func(id string, body []byte) { h.cloud.quietly(id, string(body)) }
		h.set("ac", `{"target_temperature":24}`)
		h.after(9 * time.Second)
		h.wantStages("ac", "accepted")
		h.after(2 * time.Second)
		h.wantStages("ac", "accepted", "confirmed")
		if n := len(h.cloud.made("state")); n != 1 {
			t.Errorf("%d reads, want 1", n)
		}
	})
}

func TestF065NeverShown(t *testing.T) {
	cooling(t, func(h *home) {
		h.set("ac", `{"target_temperature":24}`)
		h.after(time.Minute)
		h.wantStages("ac", "accepted", "unknown:not_shown")
		h.wantControls(1)
	})
}

// A time-out leaves it open whether LG did it. It is never sent again.
func TestCommandWithUnclearAnswer(t *testing.T) {
	tests := []struct {
		name string
		done bool
		err  error
		want []string
	}{
		{"done", true, context.DeadlineExceeded, []string{"confirmed"}},
		{"not done", false, lgError("2209", 400), []string{"unknown:not_shown"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cooling(t, func(h *home) {
				h.cloud.fail(`control ac {"temperature":{"targetTemperature":24}}`, tt.err)
				h.set("ac", `{"target_temperature":24}`)
				h.after(time.Second)
				if tt.done {
					h.cloud.quietly("ac", `{"temperature":{"targetTemperature":24}}`)
				}
				h.after(time.Minute)
				h.wantStages("ac", tt.want...)
				h.wantControls(1)
			})
		})
	}
}

func TestCommandRefused(t *testing.T) {
	tests := []struct {
		name, code   string
		status       int
		want         string
		availability string
	}{
		{"by the appliance", "2301", 400, "rejected:refused", ""},
		{"not connected", "1222", 416, "rejected:offline", offline},
		{"unsupported", "2201", 400, "rejected:unsupported", ""},
		{"token", "1218", 401, "rejected:auth_required", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cooling(t, func(h *home) {
				h.cloud.fail(`control ac {"temperature":{"targetTemperature":24}}`, lgError(tt.code, tt.status))
				h.set("ac", `{"target_temperature":24}`)
				h.after(time.Second)
				h.wantStages("ac", tt.want)
				if r := h.results("ac")[0]; r.Error.Code != tt.code || r.Error.Message == "" {
					t.Errorf("error = %+v", r.Error)
				}
				if len(h.broker.on(h.topic("ac", ""))) == 0 {
					t.Error("the true state was not published again")
				}
				if got := h.broker.on(h.topic("ac", "/availability")); tt.availability != "" && !slices.Contains(got, tt.availability) {
					t.Errorf("availability = %q", got)
				}
			})
		})
	}
}

func TestCommandRateLimited(t *testing.T) {
	cooling(t, func(h *home) {
		h.cloud.fail("*", lgError("1314", 401))
		h.set("ac", `{"target_temperature":24}`)
		h.after(time.Second)
		h.wantStages("ac", "rejected:rate_limited")
		if until := h.results("ac")[0].Error.Until; until == nil || until.Before(time.Now()) {
			t.Errorf("until = %v", until)
		}
		s, _ := h.bridge.Snapshot(h.Context())
		if s.Cloud != condRate || s.Paused.IsZero() {
			t.Errorf("snapshot: %q, %v", s.Cloud, s.Paused)
		}
	})
}

func TestCommandNotSent(t *testing.T) {
	big := `{"target_temperature":"` + strings.Repeat("2", commandPayload) + `"}`
	tests := []struct {
		name    string
		message link.Message // below the appliance's topic
		want    string
	}{
		{"retained", link.Message{Topic: "/set", Payload: []byte(`{"target_temperature":24}`), Retain: true}, "rejected:retained"},
		{"no JSON", link.Message{Topic: "/set", Payload: []byte(`24`)}, "rejected:invalid_payload"},
		{"empty object", link.Message{Topic: "/set", Payload: []byte(`{"transaction":5}`)}, "rejected:invalid_payload"},
		{"null", link.Message{Topic: "/set", Payload: []byte(`{"target_temperature":null}`)}, "rejected:invalid_payload"},
		{"not UTF-8", link.Message{Topic: "/set/target_temperature", Payload: []byte{0xff, 0xfe}}, "rejected:invalid_payload"},
		{"too large", link.Message{Topic: "/set", Payload: []byte(big)}, "rejected:too_large"},
		{"unknown attribute", link.Message{Topic: "/set/nonsense", Payload: []byte(`1`)}, "rejected:unknown_attribute"},
		{"wrong type", link.Message{Topic: "/set/target_temperature", Payload: []byte(`warm`)}, "rejected:invalid_value"},
		{"out of range", link.Message{Topic: "/set/target_temperature", Payload: []byte(`99`)}, "rejected:out_of_range"},
		{"unknown word", link.Message{Topic: "/set/wind_strength", Payload: []byte(`hurricane`)}, "rejected:invalid_value"},
		{"read-only", link.Message{Topic: "/set/current_temperature", Payload: []byte(`20`)}, "rejected:read_only"},
		{"so already", link.Message{Topic: "/set/target_temperature", Payload: []byte(`21`)}, "confirmed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cooling(t, func(h *home) {
				tt.message.Topic = h.topic("ac", tt.message.Topic)
				h.send(tt.message)
				h.after(time.Minute)
				h.wantStages("ac", tt.want)
				h.wantControls(0)
			})
		})
	}
}

func TestCommandForNobody(t *testing.T) {
	cooling(t, func(h *home) {
		h.send(link.Message{Topic: base + "/nobody/set", Payload: []byte(`{"a":1}`), Reply: base + "/answers"})
		h.after(time.Second)
		if got := h.broker.on(base + "/nobody/result"); len(got) > 0 {
			t.Errorf("a topic of the sender's making: %q", got)
		}
		if got := h.broker.on(base + "/answers"); len(got) != 1 || !strings.Contains(got[0], "unknown_device") {
			t.Errorf("answer = %q", got)
		}
	})
}

func TestCommandReply(t *testing.T) {
	tests := []struct {
		topic string
		want  int
	}{
		{base + "/answers/1", 2}, {"homeassistant/answers", 2}, {"elsewhere/answers", 0}, {base + "/#", 0},
	}
	for _, tt := range tests {
		t.Run(tt.topic, func(t *testing.T) {
			cooling(t, func(h *home) {
				h.obedient(time.Second)
				h.send(link.Message{Topic: h.topic("ac", "/set"), Payload: []byte(`{"target_temperature":24}`), Reply: tt.topic, Correlation: []byte("c1")})
				h.after(5 * time.Second)
				if got := h.broker.on(tt.topic); len(got) != tt.want {
					t.Errorf("answers = %q", got)
				}
				for _, m := range h.broker.log() {
					if m.Topic == tt.topic && string(m.Correlation) != "c1" {
						t.Errorf("correlation = %q", m.Correlation)
					}
				}
			})
		})
	}
}

func TestCommandsExpireAndOverflow(t *testing.T) {
	cooling(t, func(h *home) {
		h.cloud.delay = 15 * time.Second
		attrs := []string{"target_temperature:25", "wind_strength:high", "current_job_mode:fan", "air_con_operation_mode:power_off",
			"climate_mode:heat", "climate_temperature:22", "climate_fan_mode:low", "absolute_hour_to_start:3", "absolute_minute_to_start:5", "wind_strength:mid"}
		for _, a := range attrs {
			name, value, _ := strings.Cut(a, ":")
			h.send(link.Message{Topic: h.topic("ac", "/set/"+name), Payload: []byte(value)})
		}
		h.after(time.Minute)
		stages := h.stages("ac")
		count := map[string]int{}
		for _, s := range stages {
			count[s]++
		}
		if count["expired:expired"] == 0 {
			t.Errorf("nothing expired: %q", stages)
		}
		h.wantEachEnded("ac", len(attrs))
		if h.cloud.peak > 2 {
			t.Errorf("%d calls at once", h.cloud.peak)
		}
	})
}

// A redelivery after a lost link is no second command.
func TestCommandRedelivered(t *testing.T) {
	cooling(t, func(h *home) {
		h.obedient(100 * time.Millisecond)
		m := link.Message{Topic: h.topic("ac", "/set"), Payload: []byte(`{"target_temperature":24}`)}
		h.send(m)
		h.after(5 * time.Second)
		h.cloud.report("ac", `{"temperature":{"targetTemperature":20}}`)
		m.Dup = true
		h.send(m)
		h.after(5 * time.Second)
		h.wantControls(1)
	})
}

func TestCommandOptimistic(t *testing.T) {
	cooling(t, func(h *home) {
		h.stop()
		h.o.Discovery.Settings = func(string, string) discovery.Settings { return discovery.Settings{Optimistic: true} }
		h.start()
		h.broker.forget()
		h.cloud.delay = time.Second
		h.cloud.fail(`control ac {"temperature":{"targetTemperature":24}}`, lgError("2301", 400))
		h.set("ac", `{"target_temperature":24}`)
		h.after(500 * time.Millisecond)
		if got := h.state("ac", "target_temperature"); got != 24.0 {
			t.Errorf("while it is on its way: %v", got)
		}
		h.after(time.Second)
		if got := h.state("ac", "target_temperature"); got != 21.0 {
			t.Errorf("after the refusal: %v", got)
		}
	})
}

// A broker that delivers what it was asked not to makes no difference: a retained
// command is refused, and that it is cleared is no command.
func TestF061RetainedIsCleared(t *testing.T) {
	cooling(t, func(h *home) {
		for _, attr := range []string{"/set", "/set/target_temperature"} {
			for _, payload := range []string{`{"target_temperature":24}`, ""} {
				h.send(link.Message{Topic: h.topic("ac", attr), Payload: []byte(payload), Retain: true})
				h.after(time.Second)
			}
		}
		h.wantStages("ac", "rejected:retained", "rejected:retained")
		h.wantControls(0)
	})
}

func TestGet(t *testing.T) {
	cooling(t, func(h *home) {
		h.send(link.Message{Topic: h.topic("ac", "/get")})
		h.after(time.Second)
		if calls := h.cloud.made(""); !slices.Equal(calls, []string{"state ac"}) {
			t.Errorf("calls = %q", calls)
		}
		if n := len(h.broker.on(h.topic("ac", ""))); n != 1 {
			t.Errorf("the state was published %d times", n)
		}
	})
}

// What was sent while the process stood still is too old when it goes on, also if
// it was only read then.
func TestF060S33AfterSleep(t *testing.T) {
	tests := []struct {
		asleep, read time.Duration
		want         string
	}{
		{2 * time.Second, 0, "confirmed"}, {15 * time.Second, 0, "expired:expired"},
		{2 * time.Second, 2 * time.Second, "confirmed"}, {15 * time.Second, 15 * time.Second, "expired:expired"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%v, read after %v", tt.asleep, tt.read), func(t *testing.T) {
			cooling(t, func(h *home) {
				h.obedient(100 * time.Millisecond)
				h.bridge.asks <- func() { time.Sleep(tt.asleep) }
				h.broker.messages <- link.Message{Topic: h.topic("ac", "/set"), Payload: []byte(`{"target_temperature":24}`), Received: time.Now().Add(tt.read)}
				h.after(20 * time.Second)
				if got := h.stages("ac"); len(got) == 0 || got[len(got)-1] != tt.want {
					t.Errorf("stages = %q, want %q last", got, tt.want)
				}
				h.set("ac", `{"target_temperature":26}`)
				h.after(20 * time.Second)
				if got := h.stages("ac"); got[len(got)-1] != "confirmed" {
					t.Errorf("stages = %q afterwards", got)
				}
			})
		})
	}
}

// No call of a command goes out later than it lives, also not the later calls
// of several commands that travel together over a slow connection.
func TestCommandsInStepsExpire(t *testing.T) {
	cooling(t, func(h *home) {
		h.cloud.delay = 6 * time.Second
		h.obedient(time.Second)
		begun := time.Now()
		for _, a := range []string{"target_temperature:25", "wind_strength:high", "relative_to_stop:120", "climate_swing_mode:on", "current_job_mode:fan"} {
			name, value, _ := strings.Cut(a, ":")
			h.send(link.Message{Topic: h.topic("ac", "/set/"+name), Payload: []byte(value)})
		}
		h.after(time.Minute)
		for i, at := range h.cloud.at {
			if at.Sub(begun) > commandLife {
				t.Errorf("call %d after %v", i+1, at.Sub(begun))
			}
		}
		if got := h.stages("ac"); !slices.Contains(got, "expired:expired") {
			t.Errorf("nothing expired: %q", got)
		}
		h.wantEachEnded("ac", len(h.transactions("ac")))
	})
}

// A thing that is switched there and back before it reported is where it was:
// both commands end as confirmed, and both calls are made.
func TestCommandThereAndBack(t *testing.T) {
	cooling(t, func(h *home) {
		h.obedient(800 * time.Millisecond)
		h.set("ac", `{"target_temperature":24}`)
		h.after(300 * time.Millisecond)
		h.set("ac", `{"target_temperature":21}`)
		h.after(5 * time.Second)
		h.wantControls(2)
		h.wantEachEnded("ac", 2)
		if got := h.stages("ac"); got[len(got)-1] != "confirmed" {
			t.Errorf("stages = %q", got)
		}
	})
}

// What is so already ends at once, also in the company of what is not.
func TestCommandSoAlreadyInCompany(t *testing.T) {
	cooling(t, func(h *home) {
		h.obedient(800 * time.Millisecond)
		h.set("ac", `{"target_temperature":24}`)
		h.after(10 * time.Millisecond)
		h.set("ac", `{"wind_strength":"high"}`)
		h.set("ac", `{"current_job_mode":"cool","transaction":"so"}`)
		h.after(5 * time.Second)
		h.wantEachEnded("ac", 3)
		for _, r := range h.results("ac") {
			if string(r.Transaction) == `"so"` && (r.Status != confirmed || r.Duration > 4000) {
				t.Errorf("%+v", r)
			}
		}
	})
}

// transactions are those that ended, each once.
func (h *home) transactions(id string) map[string]bool {
	all := map[string]bool{}
	for _, r := range h.results(id) {
		all[string(r.Transaction)] = true
	}
	return all
}
