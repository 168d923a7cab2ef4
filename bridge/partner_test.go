package bridge

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// notOffered is what the client says of a call that an API family lacks.
type notOffered struct{}

func (notOffered) Error() string      { return "not offered" }
func (notOffered) Class() thinq.Class { return thinq.Unsupported }

// switched makes the event connection of a home come and go at will.
func switched(h *home) (turn func(thinq.Flow)) {
	var ep thinq.Endpoint
	h.o.Subscriber = func(ctx context.Context, at thinq.Endpoint, _ func([]byte)) error {
		ep = at
		<-ctx.Done()
		return nil
	}
	return func(now thinq.Flow) {
		ep.Told(now)
		h.after(time.Second)
	}
}

// What was missed is read, however short the gap, even one that nobody noticed;
// what the broker has kept is told afterwards, and is read only after a while.
func TestGapIsRead(t *testing.T) {
	for _, tt := range []struct {
		name  string
		again thinq.Flow
		gap   time.Duration // zero: nobody noticed it
		reads int
	}{
		{"nothing kept", thinq.FreshFlow, time.Second, 2},
		{"nothing kept, unnoticed", thinq.FreshFlow, 0, 2},
		{"kept, short", thinq.ResumedFlow, 30 * time.Second, 0},
		{"kept, unnoticed", thinq.ResumedFlow, 0, 0},
		{"kept, long", thinq.ResumedFlow, 2 * time.Minute, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inHome(t, []string{ac, dish}, func(h *home) {
				turn := switched(h)
				h.run()
				turn(thinq.FreshFlow)
				h.after(30 * time.Second)
				for range 3 {
					h.cloud.forget()
					if tt.gap > 0 {
						turn(thinq.NoFlow)
						if s, _ := h.bridge.Snapshot(h.Context()); s.Push != pushConnecting {
							t.Errorf("push = %q", s.Push)
						}
						h.after(tt.gap - time.Second)
					}
					turn(tt.again)
					h.after(5 * time.Second)
					if n := len(h.cloud.made("state")); n != tt.reads {
						t.Errorf("%d reads after %v", n, tt.gap)
					}
					if s, _ := h.bridge.Snapshot(h.Context()); s.Push != pushLive {
						t.Errorf("push = %q", s.Push)
					}
				}
			})
		})
	}
}

// Where LG does not tell which subscriptions there are, all are asked for again after a
// connection of which nothing was kept, but not those of the last hour.
func TestF055GapWithoutList(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		turn := switched(h)
		h.run()
		turn(thinq.FreshFlow)
		for _, wait := range []time.Duration{30 * time.Minute, 2 * time.Hour} {
			h.after(wait)
			h.cloud.forget()
			turn(thinq.FreshFlow)
			h.after(5 * time.Second)
			want := map[bool]int{true: 2}[wait > time.Hour]
			if n := len(h.cloud.made("event")); n != want {
				t.Errorf("%d of %d subscriptions asked for after %v", n, want, wait)
			}
		}
	})
}

// A connection that is up late has missed what happened since the first reads,
// unless it goes on with the session of an earlier run.
func TestLateEvents(t *testing.T) {
	for now, reads := range map[thinq.Flow]int{thinq.FreshFlow: 2, thinq.ResumedFlow: 0} {
		inHome(t, []string{ac, dish}, func(h *home) {
			turn := switched(h)
			h.start()
			h.cloud.forget()
			turn(now)
			if n := len(h.cloud.made("state")); n != reads {
				t.Errorf("%d reads, not %d", n, reads)
			}
		})
	}
}

// Where LG sends no news of the account's appliances they are not asked for
// again: the list tells, at each reconcile, and within the budget.
func TestListWhereThereAreNoNews(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		for range 10 {
			h.cloud.fail("lifecycle", notOffered{})
		}
		h.start()
		h.after(time.Minute)
		h.cloud.forget()
		h.after(6 * time.Hour)
		if n := len(h.cloud.made("lifecycle")); n > 0 {
			t.Errorf("asked for news %d times more", n)
		}
		if n := len(h.cloud.made("list")); n < 11 || n > 14 {
			t.Errorf("%d lists in six hours", n)
		}
		h.add(dish)
		h.after(40 * time.Minute)
		if h.availability("dish") != online {
			t.Error("an appliance that was added is not found")
		}
		if s, _ := h.bridge.Snapshot(h.Context()); s.Cloud != condOK || s.Devices[0].Problem != "" {
			t.Errorf("snapshot %+v", s)
		}
	})
}

// Where LG offers no energy there are no calls for it and no entities.
func TestNoEnergyOffered(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.cloud.meters = map[string][]string{}
		for range 10 {
			h.cloud.fail("meters ac", notOffered{})
		}
		h.start()
		h.after(3 * 24 * time.Hour)
		if n := len(h.energyCalls()); n != 1 {
			t.Errorf("%d calls", n)
		}
		announced := h.broker.last("homeassistant/device/thinq2mqtt_" + h.slug("ac") + "/config")
		if announced == "" || strings.Contains(announced, "energy_usage") {
			t.Errorf("announced %s", announced)
		}
		if s, _ := h.bridge.Snapshot(h.Context()); s.Energy != "" || s.Cloud != condOK {
			t.Errorf("snapshot %+v", s)
		}
	})
}

// signInErrors are errors of a sign-in, with what a person reads.
var signInErrors = []struct {
	err  error
	text string
}{
	{&thinq.SignInError{Status: 200, Code: "LG.OAUTH.EC.4001"}, `LG does not accept the sign-in any more. Run "thinq2mqtt login" again.`},
	{thinq.ErrNoSignIn, `Nobody has signed in yet. Run "thinq2mqtt login".`},
	{&thinq.Error{Endpoint: "GET /devices", Status: 400, Code: "1103", SignIn: true}, `LG does not accept the sign-in any more. Run "thinq2mqtt login" again.`},
}

// A sign-in that is over is told everywhere in its own words, keeps calls and
// commands from being made, and is forgotten at once when somebody signs in.
func TestSignInRefused(t *testing.T) {
	for _, tt := range signInErrors {
		cooling(t, func(h *home) {
			for range 100 {
				h.cloud.fail("*", fmt.Errorf("GET /devices: token: %w", tt.err))
			}
			h.bridgeRequest("refresh", "")
			h.after(10 * time.Minute)
			if calls := h.cloud.made(""); len(calls) > 2 {
				t.Errorf("%d calls without a sign-in", len(calls))
			}
			s, _ := h.bridge.Snapshot(h.Context())
			if s.Cloud != condAuth || s.CloudText != tt.text {
				t.Errorf("%q: %q", s.Cloud, s.CloudText)
			}
			for _, topic := range []string{"info", "event"} {
				if got := h.broker.on(base + "/bridge/" + topic); !strings.Contains(strings.ReplaceAll(strings.Join(got, "\n"), `\"`, `"`), tt.text) {
					t.Errorf("bridge/%s: %q", topic, got)
				}
			}
			if page := h.ask("/").Body.String(); !strings.Contains(page, strings.ReplaceAll(tt.text, `"`, "&#34;")) {
				t.Error("the page does not say what to do")
			}
			h.set("ac", `{"target_temperature":24}`)
			h.after(time.Second)
			h.wantStages("ac", "rejected:auth_required")
			if why := h.results("ac")[0].Error; why.Message != tt.text {
				t.Errorf("rejected with %q", why.Message)
			}
			h.wantControls(0)
			h.cloud.change(func() { clear(h.cloud.faults) })
			if err := h.bridge.Retry(h.Context()); err != nil {
				t.Fatal(err)
			}
			h.after(time.Second)
			if s, _ := h.bridge.Snapshot(h.Context()); s.Cloud != condOK || s.CloudText != "" || h.availability("ac") != online {
				t.Errorf("after the sign-in %q: %q, %s", s.Cloud, s.CloudText, h.availability("ac"))
			}
		})
	}
}

// The text follows what is so now: from expired to signed out.
func TestSignedOut(t *testing.T) {
	cooling(t, func(h *home) {
		for range 100 {
			h.cloud.fail("*", signInErrors[0].err)
		}
		h.bridgeRequest("refresh", "")
		h.after(time.Minute)
		h.cloud.change(func() { clear(h.cloud.faults) })
		for range 100 {
			h.cloud.fail("*", signInErrors[1].err)
		}
		if err := h.bridge.Retry(h.Context()); err != nil {
			t.Fatal(err)
		}
		h.after(time.Minute)
		if s, _ := h.bridge.Snapshot(h.Context()); s.Cloud != condAuth || s.CloudText != signInErrors[1].text {
			t.Errorf("%q: %q", s.Cloud, s.CloudText)
		}
	})
}

// A credential that changed or went while all was well is noticed at once: no
// call is due for a while, and another account has other appliances.
func TestRetryAsks(t *testing.T) {
	cooling(t, func(h *home) {
		before := len(h.cloud.made("list"))
		for range 100 {
			h.cloud.fail("*", signInErrors[1].err)
		}
		if err := h.bridge.Retry(h.Context()); err != nil {
			t.Fatal(err)
		}
		h.after(time.Second)
		if s, _ := h.bridge.Snapshot(h.Context()); s.Cloud != condAuth {
			t.Errorf("%q after the sign-out", s.Cloud)
		}
		if n := len(h.cloud.made("list")) - before; n != 1 {
			t.Errorf("%d lists", n)
		}
	})
}

// The event connection learns of it as well, and comes back at once.
func TestSignInRefusedToEvents(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.cloud.refuse = fmt.Errorf("events: token: %w", thinq.ErrNoSignIn)
		h.start()
		s, _ := h.bridge.Snapshot(h.Context())
		if s.Push != pushConnecting {
			t.Errorf("push = %q", s.Push)
		}
		h.cloud.change(func() { h.cloud.refuse = nil })
		if err := h.bridge.Retry(h.Context()); err != nil {
			t.Fatal(err)
		}
		h.after(5 * time.Second)
		if s, _ := h.bridge.Snapshot(h.Context()); s.Push != pushLive || s.Cloud != condOK {
			t.Errorf("push = %q, cloud = %q", s.Push, s.Cloud)
		}
	})
}

// A sign-in in trouble is an outage, not something for a person to do.
func TestSignInBusy(t *testing.T) {
	cooling(t, func(h *home) {
		for range 500 {
			h.cloud.fail("*", fmt.Errorf("GET /devices: token: %w", &thinq.SignInError{Status: 500, Code: "LG.OAUTH.EC.1", Message: "oauth date time error"}))
		}
		h.bridgeRequest("refresh", "")
		h.after(4 * time.Minute)
		s, _ := h.bridge.Snapshot(h.Context())
		if s.Cloud != condOK || !strings.Contains(s.CloudText, "trouble") || h.availability("ac") != online {
			t.Errorf("at first %q: %q", s.Cloud, s.CloudText)
		}
		h.after(6 * time.Minute)
		if s, _ := h.bridge.Snapshot(h.Context()); s.Cloud != condUnreachable || h.availability("ac") != offline {
			t.Errorf("later %q: %q", s.Cloud, s.CloudText)
		}
		h.cloud.change(func() { clear(h.cloud.faults) })
		h.after(6 * time.Minute)
		if s, _ := h.bridge.Snapshot(h.Context()); s.Cloud != condOK || h.availability("ac") != online {
			t.Errorf("afterwards %q", s.Cloud)
		}
	})
}
