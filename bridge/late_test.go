package bridge

import (
	"context"
	"net"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A slowCloud makes control calls with the real client, whose tokens are long in
// coming, and to whom nobody answers.
type slowCloud struct {
	*fakeCloud
	client *thinq.Client
	waits  chan time.Duration // for a token; none: at once
	dials  atomic.Int32
}

func (c *slowCloud) Control(ctx context.Context, id string, body []byte) error {
	return c.client.Control(ctx, id, body)
}

func (c *slowCloud) token(ctx context.Context) (string, error) {
	select {
	case wait := <-c.waits:
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	default:
	}
	return "token", nil
}

func (c *slowCloud) dial(context.Context, string, string) (net.Conn, error) {
	c.dials.Add(1)
	return nil, syscall.ECONNREFUSED
}

// slowly is a home with an air conditioner, and a cloud whose tokens take so long.
func slowly(t *testing.T, waits []time.Duration, f func(h *home, c *slowCloud)) {
	t.Helper()
	inHome(t, []string{ac}, func(h *home) {
		h.cloud.quietly("ac", `{"operation":{"airConOperationMode":"POWER_ON"},"airConJobMode":{"currentJobMode":"COOL"}}`)
		c := &slowCloud{fakeCloud: h.cloud, waits: make(chan time.Duration, len(waits))}
		for _, wait := range waits {
			c.waits <- wait
		}
		var err error
		if c.client, err = thinq.NewClient(thinq.Options{Country: "KR", Token: c.token, Dial: c.dial}); err != nil {
			h.Fatal(err)
		}
		h.o.Cloud = c
		h.start()
		f(h, c)
	})
}

// A call that cannot begin within the life of its command is not made, whatever it
// waits for.
func TestF060S33LateToken(t *testing.T) {
	slowly(t, []time.Duration{12 * time.Second}, func(h *home, c *slowCloud) {
		h.set("ac", `{"target_temperature":24}`)
		h.after(commandLife)
		h.wantStages("ac", "expired:expired")
		h.after(time.Minute)
		if n := c.dials.Load(); n != 0 {
			t.Errorf("%d calls begun", n)
		}
	})
}

// What it cannot be made for any more does not keep it from what is younger.
func TestF060S33LateForOne(t *testing.T) {
	slowly(t, []time.Duration{8 * time.Second, 4 * time.Second}, func(h *home, c *slowCloud) {
		h.set("ac", `{"current_job_mode":"fan"}`)
		h.after(time.Second)
		h.set("ac", `{"target_temperature":24}`)
		h.after(6 * time.Second)
		h.set("ac", `{"wind_strength":"high"}`)
		h.after(time.Minute)
		if got := h.stages("ac"); !slices.Equal(got, []string{"rejected:unreachable", "expired:expired", "rejected:unreachable"}) {
			t.Errorf("stages = %q", got)
		}
		if n := c.dials.Load(); n != 2 {
			t.Errorf("%d calls begun, want those of the first and the last", n)
		}
	})
}

// An order to be off does not wait for a token that another call waits for, and that
// call is not made any more.
func TestF066S32OffBehindToken(t *testing.T) {
	slowly(t, []time.Duration{12 * time.Second}, func(h *home, c *slowCloud) {
		h.set("ac", `{"target_temperature":24}`)
		h.after(time.Second)
		h.set("ac", `{"air_con_operation_mode":"power_off"}`)
		h.after(urgentWait)
		h.wantStages("ac", "superseded:superseded", "rejected:unreachable")
		if n := c.dials.Load(); n != 1 {
			t.Errorf("%d calls begun", n)
		}
	})
}
