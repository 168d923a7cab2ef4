package thinq

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// A call that may not begin any more is not sent, whatever it waited for, and one
// that has begun is not cut short.
func TestF060BeginBefore(t *testing.T) {
	const limit = 3 * time.Second
	slow := func(ctx context.Context) (string, error) {
		select {
		case <-time.After(10 * time.Second):
			return canary, nil
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
	deaf := func(context.Context) (string, error) {
		time.Sleep(10 * time.Second)
		return canary, nil
	}
	tests := []struct {
		name string
		way  func(t *testing.T, s *lg, o *Options)
		sent int
		took time.Duration
		done bool
	}{
		{"at once", func(*testing.T, *lg, *Options) {}, 1, 0, true},
		{"token", func(_ *testing.T, _ *lg, o *Options) { o.Token = slow }, 0, limit, false},
		{"token of one who does not listen", func(_ *testing.T, _ *lg, o *Options) { o.Token = deaf }, 0, 10 * time.Second, false},
		{"connection", func(t *testing.T, s *lg, o *Options) { o.Dial = hangs["connecting"](t, s) }, 0, limit, false},
		{"handshake", func(t *testing.T, s *lg, o *Options) { o.Dial = hangs["handshake"](t, s) }, 0, limit, false},
		{"another token", func(_ *testing.T, s *lg, o *Options) {
			s.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }
			o.Renew = func(ctx context.Context, _ string) (string, error) { return slow(ctx) }
		}, 1, limit, false},
		{"answer", func(_ *testing.T, s *lg, _ *Options) {
			quick := s.answer
			s.answer = func(w http.ResponseWriter, r *http.Request) {
				sleep(r.Context(), 2*limit)
				quick(w, r)
			}
		}, 1, 2 * limit, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newLG(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"response":{}}`)) })
				o := s.options()
				tt.way(t, s, &o)
				begun := time.Now()
				err := newTestClient(t, o).Control(BeginBefore(t.Context(), begun.Add(limit)), "d", []byte("{}"))
				if tt.done != (err == nil) || !tt.done && !NotSent(err) || time.Since(begun) != tt.took {
					t.Errorf("%v after %v, not sent: %v", err, time.Since(begun), NotSent(err))
				}
				if n := len(s.seen()); n != tt.sent {
					t.Errorf("%d calls, want %d", n, tt.sent)
				}
			})
		})
	}
}
