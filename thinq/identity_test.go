package thinq

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEventsNewCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newEventLG(t)
		o := s.options()
		o.Identity = enrolled(t, s)
		before := s.certificates()
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		seen := map[string]bool{}
		err := newTestClient(t, o).Events(ctx, func(_ context.Context, ep Endpoint, _ func([]byte)) error {
			seen[string(ep.TLS.Certificates[0].Certificate[0])] = true
			return errors.Join(ErrCertificate, errors.New("bad certificate"))
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		// After 0, 10, 30, 70, 150, 310, 630 and 1270 minutes.
		if n := s.certificates() - before; n != 8 || len(seen) != 9 {
			t.Errorf("%d new certificates, %d tried", n, len(seen))
		}
		if want := append(slices.Clone(fullEnrolment), "POST /client", "POST /client/certificate"); !slices.Equal(s.asked()[:5], want) {
			t.Errorf("calls %q", s.asked())
		}
	})
}

func TestEventsRenewal(t *testing.T) {
	for name, life := range map[string]time.Duration{"a year": 365 * 24 * time.Hour, "a day": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newEventLG(t)
				s.life = life
				o := s.options()
				o.Identity = enrolled(t, s)
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), life)
				defer cancel()
				var ends []time.Duration
				err := newTestClient(t, o).Events(ctx, func(ctx context.Context, ep Endpoint, _ func([]byte)) error {
					<-ctx.Done()
					ends = append(ends, time.Since(start))
					if !time.Now().Before(ep.TLS.Certificates[0].Leaf.NotAfter) {
						t.Error("connected with a certificate that is over")
					}
					return nil
				}, nil)
				if want := life - min(30*24*time.Hour, life/3); err != nil || ends[0].Round(time.Second) != want || s.certificates() != 2 {
					t.Errorf("%v, %d certificates, connections ended after %v", err, s.certificates(), ends)
				}
			})
		})
	}
}

// TestEventsRenewalFails keeps the certificate while it is good.
func TestEventsRenewalFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newEventLG(t)
		s.life = 90 * 24 * time.Hour
		o := s.options()
		o.Identity = enrolled(t, s)
		s.fail = func(string) (int, string) { return 500, fail(`"2000"`) }
		ctx, cancel := context.WithTimeout(t.Context(), s.life-time.Hour)
		defer cancel()
		connections := 0
		err := newTestClient(t, o).Events(ctx, until(func(Endpoint) { connections++ }), nil)
		// Once an hour for 30 days; the connection is made anew each time.
		if err != nil || connections < 700 || connections > 725 || s.certificates() > 725 {
			t.Errorf("%v after %d connections and %d certificates", err, connections, s.certificates())
		}
	})
}

// TestEventsBadCertificates never hands out a certificate that is of no use, nor
// asks for many.
func TestEventsBadCertificates(t *testing.T) {
	other := func(string) string { return amazonRoots }
	broken := func(cert string) string { return strings.Replace(cert, "M", "N", 1) }
	for name, mangle := range map[string]func(string) string{"another key": other, "corrupt": broken, "empty": func(string) string { return "" }} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newEventLG(t)
				s.mangle = mangle
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
				defer cancel()
				err := newTestClient(t, s.options()).Events(ctx, until(func(Endpoint) { t.Error("connected") }), nil)
				if id := s.saved[len(s.saved)-1]; err != nil || id.Certificate != "" || id.Key != "" || s.certificates() > 4 {
					t.Errorf("%v after %d certificates, identity %+v", err, s.certificates(), id)
				}
			})
		})
	}
}

// TestEventsCannotSave uses nothing that could not be saved.
func TestEventsCannotSave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newEventLG(t)
		o := s.options()
		full := false
		o.Save = func(Identity) error {
			if full {
				return errors.New("disk full")
			}
			return nil
		}
		c := newTestClient(t, o)
		id := c.whoami()
		full = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		err := c.Events(ctx, until(func(Endpoint) { t.Error("connected") }), nil)
		if diff := cmp.Diff(id, c.whoami()); err != nil || diff != "" || s.certificates() > 0 {
			t.Errorf("%v, %d certificates, identity changed:\n%s", err, s.certificates(), diff)
		}
	})
}

func TestUnregister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newEventLG(t)
		o := s.options()
		o.Identity = enrolled(t, s)
		if err := newTestClient(t, o).Unregister(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(Identity{ClientID: o.Identity.ClientID}, s.saved[len(s.saved)-1]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
