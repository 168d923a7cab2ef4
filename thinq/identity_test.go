package thinq

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A broker that takes no certificate at all is given two new ones a day, in each
// sliding day and however often the daemon starts anew, and is tried in
// between.
func TestF020TwoCertificatesADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newEventLG(t)
		var issued []time.Time
		s.mangle = func(cert string) string { issued = append(issued, time.Now()); return cert }
		o := s.options()
		tries, days := 0, 4
		begun := time.Now()
		for time.Since(begun) < time.Duration(days)*24*time.Hour {
			ctx, cancel := context.WithTimeout(t.Context(), 7*time.Hour)
			err := newTestClient(t, o).Events(ctx, func(context.Context, Endpoint, func([]byte)) error {
				tries++
				return errors.Join(ErrCertificate, errors.New("bad certificate"))
			}, nil)
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			o.Identity = new(s.saved[len(s.saved)-1])
		}
		for i := 2; i < len(issued); i++ {
			if d := issued[i].Sub(issued[i-2]); d < 24*time.Hour {
				t.Errorf("three certificates within %v", d)
			}
		}
		if len(issued) < 2*days-2 || tries < 5*days || tries > 40*days {
			t.Errorf("%d certificates and %d tries in %d days", len(issued), tries, days)
		}
	})
}

// LG signs, and its answers are lost: it is asked some ten times in the first
// hours, and then no more than twice a day. When its answers come, a certificate
// is had in half a day. What LG has not seen, or refused, is not counted.
func TestF020LostAnswers(t *testing.T) {
	const day, trouble = 24 * time.Hour, 5 * 24 * time.Hour
	tests := []struct {
		name   string
		status int // 0: the connection breaks
		body   string
		unsent bool
		late   time.Duration // after the trouble until a certificate is had, at most
	}{
		{"server trouble", 503, "", false, day / 2},
		{"a page", 200, "<html>log in", false, day / 2},
		{"nothing", 200, "", false, day / 2},
		{"connection lost", 0, "", false, day / 2},
		{"not sent", 0, "", true, 10 * time.Minute},
		{"refused", 400, fail(`"9876"`), false, 30 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newEventLG(t)
				begun, had := time.Now(), time.Duration(0)
				var asked []time.Duration
				s.fail = func(path string) (int, string) {
					if path != "/client/certificate" || time.Since(begun) >= trouble {
						return 0, ""
					}
					asked = append(asked, time.Since(begun))
					if tt.status == 0 {
						panic(http.ErrAbortHandler)
					}
					return tt.status, tt.body
				}
				o := s.options()
				o.Token = func(context.Context) (string, error) {
					if tt.unsent && len(s.asked()) == 2 && time.Since(begun) < trouble {
						return "", errors.New("not now")
					}
					return canary, nil
				}
				ctx, cancel := context.WithTimeout(t.Context(), trouble+2*day)
				defer cancel()
				err := newTestClient(t, o).Events(ctx, until(func(Endpoint) { had = time.Since(begun); cancel() }), nil)
				if err != nil || had < trouble || had > trouble+tt.late+time.Minute {
					t.Errorf("%v, connected after %v", err, had)
				}
				if tt.late < time.Hour {
					return
				}
				if len(asked) < 12 || len(asked) > 22 || asked[5] > 15*time.Minute {
					t.Fatalf("asked %d times: %v", len(asked), asked)
				}
				for i := 14; i < len(asked); i++ {
					if asked[i]-asked[i-2] < day {
						t.Errorf("three requests within a day: %v", asked[i-2:i+1])
					}
				}
			})
		})
	}
}

// A new certificate takes the place of one that is still good only when the
// broker has taken it. One that it refuses is gone at once, and what was there
// before serves on.
func TestF037OldPairUntilTheNewWorks(t *testing.T) {
	for _, taken := range []bool{true, false} {
		t.Run(fmt.Sprint("taken: ", taken), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newEventLG(t)
				s.life = 90 * 24 * time.Hour
				o := s.options()
				o.Identity = enrolled(t, s)
				old := o.Identity.Certificate
				ctx, cancel := context.WithTimeout(t.Context(), s.life*2/3+36*time.Hour)
				defer cancel()
				c := newTestClient(t, o)
				last, refusals := "", 0
				err := c.Events(ctx, func(ctx context.Context, ep Endpoint, _ func([]byte)) error {
					id := c.whoami()
					isNew := id.Certificate != old
					if isNew && (id.Former == nil || id.Former.Certificate != old) && refusals == 0 && last == old {
						t.Error("the former certificate is gone before the new one has connected")
					}
					if isNew && !taken {
						refusals++
						return ErrCertificate
					}
					ep.Told(FreshFlow)
					if last = id.Certificate; c.whoami().Former != nil {
						t.Error("the former certificate is kept for ever")
					}
					<-ctx.Done()
					return nil
				}, nil)
				if err != nil || (last != old) != taken || (refusals > 0) == taken {
					t.Errorf("%v; at the end another certificate: %v, after %d refusals", err, last != old, refusals)
				}
				if saved := s.saved[len(s.saved)-1]; (saved.Certificate != old) != taken || saved.Former != nil {
					t.Errorf("saved: another certificate: %v, a former one: %v", saved.Certificate != old, saved.Former != nil)
				}
			})
		})
	}
}

// A certificate is renewed thirty days before its end, or after two thirds of a
// short life.
func TestF037RenewedInTime(t *testing.T) {
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
		// Twice a day for 30 days, once the first ten were in vain; the connection is made anew each time.
		if err != nil || connections < 65 || connections > 75 || s.certificates() > 75 {
			t.Errorf("%v after %d connections and %d certificates", err, connections, s.certificates())
		}
	})
}

// A certificate that is of no use is never handed out, and nobody asks for many:
// the second one is the last of the day, and that is told.
func TestF037BadCertificates(t *testing.T) {
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
				if id := s.saved[len(s.saved)-1]; ClassOf(err) != Blocked || id.Certificate != "" || id.Key != "" || s.certificates() != 2 {
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
