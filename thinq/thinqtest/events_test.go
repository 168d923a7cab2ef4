package thinqtest_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

func TestEventModes(t *testing.T) {
	for mode, want := range map[thinqtest.EventMode]string{
		thinqtest.EventsOK:        "1 2 3 4 5",
		thinqtest.EventsSilent:    "",
		thinqtest.EventsDuplicate: "1 1 2 2 3 3 4 4 5 5",
		thinqtest.EventsReorder:   "2 1 4 3 5",
		thinqtest.EventsDrop:      "2 4",
	} {
		t.Run(string(mode), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := listen(t, "ac", thinqtest.Options{})
				if err := e.s.SetEvents(mode); err != nil {
					t.Fatal(err)
				}
				for i := range 5 {
					e.s.Push("ac", fmt.Sprint(i+1))
				}
				if got := strings.Join(e.hear(time.Minute), " "); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
				e.s.SetEvents(thinqtest.EventsOK)
				e.s.Push("ac", "6")
				if got := e.hear(time.Minute); !cmp.Equal(got, []string{"6"}) {
					t.Errorf("afterwards %s", got)
				}
			})
		})
	}
	s, _ := newServer(t, thinqtest.Options{Samples: fleet()[:1]})
	if s.SetEvents("late") == nil {
		t.Error("an unknown mode was taken")
	}
}

func TestNestedEnvelope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := listen(t, "ac", thinqtest.Options{NestedEvents: true})
		e.s.Push("ac", "WATER_IS_FULL")
		if got := e.sub.next(t); !strings.Contains(got, `"push":{"pushType":"DEVICE_PUSH"`) || !strings.Contains(got, `"messageId":"`) {
			t.Errorf("got %s", got)
		}
		e.s.Patch("ac", []byte(`{"airFlow":{"windStrength":"LOW"}}`))
		if got := e.sub.next(t); !strings.Contains(got, `"event":{"pushType":"DEVICE_STATUS"`) {
			t.Errorf("got %s", got)
		}
	})
}
