package thinq

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRepeats(t *testing.T) {
	var r repeats
	for i := range 10 * repeatsKept {
		id := fmt.Sprint("m", i)
		if r.again(id) || !r.again(id) || !r.again(fmt.Sprint("m", max(0, i-repeatsKept+1))) {
			t.Fatalf("message %d", i)
		}
	}
	if len(r.seen) != repeatsKept || r.again("m0") {
		t.Errorf("%d ids kept", len(r.seen))
	}
	for range 2 { // no ids
		if r.again("") || r.again(strings.Repeat("x", longestID+1)) {
			t.Error("nothing was there before")
		}
	}
}

// TestF034OncePerMessage delivers over two connections, as the change from one to
// the next does.
func TestF034OncePerMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLG(t, says(200, ok("{}")))
		for _, surface := range []Surface{Personal, PartnerV1, PartnerV2} {
			o := s.options()
			o.Surface, o.Service = surface, Service{"service", "key"}
			var dropped []string
			o.Dropped = func(reason string) { dropped = append(dropped, reason) }
			c := newTestClient(t, o)
			var got []string
			messages := []string{
				`{"messageId":"m1","event":{"pushType":"DEVICE_STATUS","deviceId":"nested","report":{}}}`,
				`{"messageId":"m2","push":{"pushType":"DEVICE_PUSH","deviceId":"notice","pushCode":"DONE"}}`,
				`{"pushType":"DEVICE_STATUS","deviceId":"flat","report":{}}`,
				`{"pushType":"DEVICE_DANCED"}`, `half`,
			}
			for range 2 {
				c.subscribe(t.Context(), func(_ context.Context, _ Endpoint, handle func([]byte)) error {
					for _, m := range messages {
						handle([]byte(m))
					}
					return nil
				}, Endpoint{}, time.Time{}, func(e Event) { got = append(got, e.Device) })
			}
			if diff := cmp.Diff([]string{"nested", "notice", "flat", "flat"}, got); diff != "" {
				t.Errorf("%s: events (-want +got):\n%s", surface, diff)
			}
			if diff := cmp.Diff(strings.Fields("malformed malformed duplicate duplicate malformed malformed"), dropped); diff != "" {
				t.Errorf("%s: dropped (-want +got):\n%s", surface, diff)
			}
		}
	})
}
