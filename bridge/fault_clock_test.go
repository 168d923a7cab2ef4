package bridge

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A patientCloud waits before it looks for events a second time.
type patientCloud struct {
	*fakeCloud
	waited bool
}

func (c *patientCloud) Events(ctx context.Context, sub thinq.Subscriber, handle func(thinq.Event)) error {
	if c.waited {
		return c.fakeCloud.Events(ctx, sub, handle)
	}
	c.waited = true
	select {
	case <-time.After(24 * time.Hour):
	case <-ctx.Done():
	}
	return nil
}

// A machine that starts in 1970, or in 2069: the bridge asks for a look at the
// clock, tries every 15 s for ten minutes and then less often, and goes on by
// itself when the time is right.
func TestF094ClockWrongAtBoot(t *testing.T) {
	for _, test := range []struct {
		name, says string
		now        time.Time
		after      time.Duration // until it is set
		within     time.Duration // until all is well
	}{
		{"1970", "1 January 1970, which is before this program was made", time.Unix(60, 0), 5 * time.Minute, 40 * time.Second},
		{"2069", "2 March 2069, and LG's certificate is not valid then", time.Date(2069, 3, 2, 0, 0, 0, 0, time.UTC), 2 * time.Hour, 6 * time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			inHome(t, []string{ac}, func(h *home) {
				h.o.Cloud = &patientCloud{fakeCloud: h.cloud}
				h.o.Built = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
				h.o.Wall = func() time.Time { return test.now }
				notValid := x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired}
				for range 1000 {
					h.cloud.fail("*", fmt.Errorf("GET /devices: %w", &tls.CertificateVerificationError{Err: notValid}))
				}
				log := h.diary()
				h.run()
				h.after(time.Minute)
				if got := h.cloudInfo(); got.State != condClock || !strings.Contains(got.Text, test.says) || !strings.HasSuffix(got.Problem, "check the clock.") {
					t.Errorf("%+v", got)
				}
				h.after(test.after - time.Minute)
				if got := h.cloudInfo(); got.State != condClock {
					t.Errorf("%+v", got)
				}
				frequent := int(min(test.after, 10*time.Minute) / (15 * time.Second))
				rare := int(test.after / (4 * time.Minute))
				if n := len(h.cloud.made("")); n < frequent*3/4 || n > frequent*3/2+rare {
					t.Errorf("%d calls", n)
				}
				if got := log.of("check the clock"); len(got) != 1 {
					t.Errorf("%d lines: %q", len(got), got)
				}
				h.cloud.change(func() { clear(h.cloud.faults) })
				h.after(test.within)
				if got := h.cloudInfo(); got.State != condOK || h.availability("ac") != online || h.push() != pushLive {
					t.Errorf("afterwards: %+v, %s, push %s", got, h.availability("ac"), h.push())
				}
			})
		})
	}
}
