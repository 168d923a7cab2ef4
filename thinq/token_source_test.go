package thinq

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
)

// signIn is LG's side of renewals, and the disk.
type signIn struct {
	t      *testing.T
	took   time.Duration // of a renewal
	err    error         // of a renewal
	full   error         // of the disk
	life   time.Duration
	during func() // called while LG thinks

	mu       sync.Mutex
	asked    []string // the refresh tokens that came
	at       []time.Time
	saved    []string // access tokens
	inFlight int
}

func newLGSignIn(t *testing.T) *signIn { return &signIn{t: t, life: time.Hour, took: time.Second} }

func (g *signIn) refresh(ctx context.Context, old Token) (Token, error) {
	g.mu.Lock()
	g.asked, g.at = append(g.asked, old.RefreshToken), append(g.at, time.Now())
	n, err := len(g.asked), g.err
	if g.inFlight++; g.inFlight > 1 {
		g.t.Error("two renewals at a time")
	}
	g.mu.Unlock()
	if g.during != nil {
		g.during()
	}
	sleep(ctx, g.took)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inFlight--
	if ctx.Err() != nil {
		return Token{}, context.Cause(ctx)
	}
	return old.renewedBy(tokenOf(fmt.Sprintf("a%d", n), "", g.life)), err
}

func (g *signIn) save(t Token) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.full == nil {
		g.saved = append(g.saved, t.AccessToken)
	}
	return g.full
}

func (g *signIn) renewals() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.asked)
}

func (g *signIn) source(t Token) *TokenSource {
	s := NewTokenSource(t, g.refresh, g.save)
	g.t.Cleanup(s.Close)
	return s
}

func tokenOf(access, refresh string, life time.Duration) Token {
	return Token{Token: oauth2.Token{AccessToken: access, RefreshToken: refresh, Expiry: time.Now().Add(life)}}
}

// get asks for a token, and fails unless it is the wanted one.
func get(t *testing.T, s *TokenSource, want string) {
	t.Helper()
	if got, err := s.Token(t.Context()); got != want || err != nil {
		t.Errorf("token %q, want %q: %v", got, want, err)
	}
}

// TestF005OneRenewal has fifty callers with a token that is over, fifty with one
// that LG refused, and fifty that come while it is renewed early.
func TestF005OneRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLGSignIn(t)
		s := g.source(tokenOf("a0", "r", -time.Minute))
		all := func(ask func() (string, error), want string) {
			t.Helper()
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					if got, err := ask(); got != want || err != nil {
						t.Errorf("token %q, want %q: %v", got, want, err)
					}
				})
			}
			wg.Wait()
		}
		all(func() (string, error) { return s.Token(t.Context()) }, "a1")
		time.Sleep(10 * time.Minute)
		all(func() (string, error) { return s.Renew(t.Context(), "a1") }, "a2")
		all(func() (string, error) { return s.Renew(t.Context(), "a1") }, "a2")
		time.Sleep(50 * time.Minute)
		all(func() (string, error) { return s.Token(t.Context()) }, "a2")
		synctest.Wait()
		time.Sleep(2 * g.took)
		all(func() (string, error) { return s.Token(t.Context()) }, "a3")
		if n := g.renewals(); n != 3 {
			t.Errorf("%d renewals", n)
		}
	})
}

// TestRenewalIsEarly asks all day long.
func TestRenewalIsEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLGSignIn(t)
		s := g.source(tokenOf("a0", "r", time.Hour))
		for range 24 * 60 {
			start := time.Now()
			if _, err := s.Token(t.Context()); err != nil || time.Since(start) != 0 {
				t.Fatalf("%v after %v", err, time.Since(start))
			}
			time.Sleep(time.Minute)
		}
		if n := g.renewals(); n != 29 || len(g.saved) != n {
			t.Errorf("%d renewals, %d saved", n, len(g.saved))
		}
		for i, at := range g.at[1:] {
			if d := at.Sub(g.at[i]); d < 48*time.Minute || d > 50*time.Minute {
				t.Errorf("renewed after %v", d)
			}
		}
	})
}

// TestF005SavedBeforeUse looks at the disk when the token is handed out.
func TestF005SavedBeforeUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLGSignIn(t)
		s := g.source(tokenOf("a0", "r", -1))
		get(t, s, "a1")
		if len(g.saved) != 1 || g.saved[0] != "a1" {
			t.Errorf("saved %q", g.saved)
		}
	})
}

// TestF005DiskFull renews once, and goes on trying to save.
func TestF005DiskFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLGSignIn(t)
		g.full = errors.New("no space left on device")
		s := g.source(tokenOf("a0", "r", 5*time.Minute))
		time.Sleep(4*time.Minute + time.Second)
		for range 40 { // the old one is good for another minute
			get(t, s, "a0")
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		for range 100 {
			_, err := s.Token(t.Context())
			if ClassOf(err) != Busy || !errors.Is(err, g.full) || !strings.Contains(err.Error(), "cannot be saved") {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		g.mu.Lock()
		g.full = nil
		g.mu.Unlock()
		time.Sleep(savingPause)
		get(t, s, "a1")
		if n := g.renewals(); n != 1 {
			t.Errorf("%d renewals", n)
		}
	})
}

// TestF005DiskFullAtTheEnd saves what could not be saved when it is closed.
func TestF005DiskFullAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLGSignIn(t)
		g.full = errors.New("no space left on device")
		s := g.source(tokenOf("a0", "r", -1))
		if _, err := s.Token(t.Context()); err == nil {
			t.Error("no error")
		}
		g.full = nil
		s.Close()
		s.Close()
		if len(g.saved) != 1 {
			t.Errorf("saved %q", g.saved)
		}
	})
}

// TestF005LateAnswer signs in anew while LG thinks about the old sign-in.
func TestF005LateAnswer(t *testing.T) {
	for name, life := range map[string]time.Duration{"new token": time.Hour, "new token that is over": -time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			g := newLGSignIn(t)
			s := g.source(tokenOf("a0", "r0", -1))
			g.during = func() {
				g.during = nil
				s.Replace(tokenOf("b0", "r1", life))
			}
			want := "b0"
			if life < 0 {
				want = "a2" // the answer to r1
			}
			start := time.Now()
			get(t, s, want)
			if d := time.Since(start); d > g.took {
				t.Errorf("%s: after %v", name, d)
			}
			if len(g.saved) > 1 || g.asked[len(g.asked)-1] == "r0" && life < 0 {
				t.Errorf("%s: asked with %q, saved %q", name, g.asked, g.saved)
			}
			time.Sleep(time.Minute)
			get(t, s, want)
		})
	}
}

// TestF005AnswerBesideASignIn has an answer come while the new sign-in is
// written to the disk: it must not be written over it.
func TestF005AnswerBesideASignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLGSignIn(t)
		s := g.source(tokenOf("a0", "r0", -1))
		go s.Token(t.Context())
		synctest.Wait()
		changed, err := s.ReplaceBy(func() (Token, bool, error) {
			err := g.save(tokenOf("b0", "r1", time.Hour))
			time.Sleep(2 * g.took)
			return tokenOf("b0", "r1", time.Hour), true, err
		})
		if !changed || err != nil {
			t.Error(changed, err)
		}
		get(t, s, "b0")
		synctest.Wait()
		if last := g.saved[len(g.saved)-1]; last != "b0" {
			t.Errorf("saved %q", g.saved)
		}
		if changed, err := s.ReplaceBy(func() (Token, bool, error) { return Token{}, false, g.err }); changed || err != nil {
			t.Error(changed, err)
		}
		get(t, s, "b0")
	})
}

// TestRevokedSignIn is asked all day long, and heals by another sign-in.
func TestRevokedSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLGSignIn(t)
		g.err = &SignInError{Status: 200, Code: "LG.OAUTH.EC.4001"}
		s := g.source(tokenOf("a0", "r", time.Hour))
		for range 54 { // until the token is over nobody notices
			get(t, s, "a0")
			time.Sleep(time.Minute)
		}
		time.Sleep(6 * time.Minute)
		for range 24 * 60 {
			_, err := s.Token(t.Context())
			if e, ok := errors.AsType[*SignInError](err); !ok || ClassOf(err) != Auth || !strings.Contains(e.Text(), "thinq2mqtt login") {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if n := g.renewals(); n != 5 {
			t.Errorf("%d renewals in a day", n)
		}
		g.err = nil
		s.Replace(tokenOf("b0", "r1", time.Hour))
		get(t, s, "b0")
		s.Replace(Token{})
		if _, err := s.Token(t.Context()); !errors.Is(err, ErrNoSignIn) || ClassOf(err) != Auth || g.renewals() != 5 {
			t.Errorf("after the sign-out: %v", err)
		}
	})
}

// TestTroubledRenewal has LG in trouble for three hours.
func TestTroubledRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLGSignIn(t)
		g.err = &SignInError{Status: 502}
		s := g.source(tokenOf("a0", "r", -1))
		for range 3 * 60 * 60 {
			if _, err := s.Token(t.Context()); ClassOf(err) != Busy {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if n := g.renewals(); n < 88 || n > 94 {
			t.Errorf("%d renewals in three hours", n)
		}
		g.mu.Lock()
		g.err = nil
		g.mu.Unlock()
		time.Sleep(longestPause)
		if got, err := s.Token(t.Context()); got == "" || err != nil {
			t.Error(err)
		}
	})
}

// TestRenew covers what LG can refuse.
func TestRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLGSignIn(t)
		s := g.source(tokenOf("a0", "r", time.Hour))
		renew := func(refused, want string) {
			t.Helper()
			if got, err := s.Renew(t.Context(), refused); got != want || err != nil {
				t.Errorf("in the place of %s: %q, want %q: %v", refused, got, want, err)
			}
		}
		renew("other", "a0") // a token of old
		renew("a0", "a1")    // right after the start, and still not fresh
		renew("a0", "a1")
		for range 3 { // fresh: another one so soon would be no better, but a person could do nothing about it
			if got, err := s.Renew(t.Context(), "a1"); got != "" || ClassOf(err) != Busy {
				t.Errorf("fresh and refused: %q, %v", got, err)
			}
		}
		get(t, s, "a1")
		time.Sleep(freshFor)
		renew("a1", "a2")
		g.err = &SignInError{Status: 502}
		time.Sleep(freshFor)
		for range 3 { // what LG refused is not handed out again, even if there is no other
			if got, err := s.Renew(t.Context(), "a2"); got != "" || ClassOf(err) != Busy {
				t.Errorf("%q: %v", got, err)
			}
		}
		if n := g.renewals(); n != 3 {
			t.Errorf("%d renewals", n)
		}
	})
}

// A life of seconds must not lead to a renewal for every call.
func TestShortLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLGSignIn(t)
		g.life = time.Second
		s := g.source(tokenOf("a0", "r", -1))
		for range 600 {
			if _, err := s.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if n := g.renewals(); n > 61 {
			t.Errorf("%d renewals in ten minutes", n)
		}
	})
}

// Tokens of half a minute work too: none is handed out when it is over.
func TestTokensOfHalfAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLGSignIn(t)
		g.life = 30 * time.Second
		s := g.source(tokenOf("a0", "r", -1))
		for range 600 {
			token, err := s.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if n := g.renewals(); token != fmt.Sprintf("a%d", n) && token != fmt.Sprintf("a%d", n-1) || time.Since(g.at[len(g.at)-1]) > g.life {
				t.Fatalf("%s, %v after renewal %d", token, time.Since(g.at[len(g.at)-1]), n)
			}
			time.Sleep(time.Second)
		}
	})
}

// A token that ends before a call can reach LG is not handed out.
func TestAlmostOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLGSignIn(t)
		get(t, g.source(tokenOf("a0", "r", expiryMargin)), "a1")
		get(t, g.source(tokenOf("b0", "r", expiryMargin+time.Second)), "b0")
	})
}

// TestImpatientCaller leaves; the renewal goes on for the others.
func TestImpatientCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLGSignIn(t)
		s := g.source(tokenOf("a0", "r", -1))
		ctx, cancel := context.WithTimeout(t.Context(), g.took/2)
		defer cancel()
		if _, err := s.Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		get(t, s, "a1")
		if g.renewals() != 1 {
			t.Errorf("%d renewals", g.renewals())
		}
	})
}

// TestCloseWaits lets a renewal under way end, but not for ever.
func TestCloseWaits(t *testing.T) {
	for _, tt := range []struct{ took, want time.Duration }{{2 * time.Second, 2 * time.Second}, {time.Hour, closingGrace}} {
		synctest.Test(t, func(t *testing.T) {
			g := newLGSignIn(t)
			g.took = tt.took
			s := g.source(tokenOf("a0", "r", time.Minute))
			time.Sleep(45 * time.Second)
			begun := make(chan error)
			time.Sleep(4 * time.Second)
			get(t, s, "a0")
			go func() {
				_, err := s.Renew(t.Context(), "a0")
				begun <- err
			}()
			synctest.Wait()
			start := time.Now()
			s.Close()
			if d := time.Since(start); d != tt.want {
				t.Errorf("closed after %v", d)
			}
			err := <-begun
			if saved := len(g.saved); (err == nil) != (tt.took == tt.want) || saved == 1 != (tt.took == tt.want) {
				t.Errorf("%d saved: %v", saved, err)
			}
			time.Sleep(10 * time.Hour)
			if _, err := s.Token(t.Context()); err == nil || g.renewals() != 1 {
				t.Errorf("%d renewals: %v", g.renewals(), err)
			}
		})
	}
}

// TestStuckRenewal has a refresh that never ends by itself.
func TestStuckRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLGSignIn(t)
		g.took = time.Hour
		s := g.source(tokenOf("a0", "r", -1))
		start := time.Now()
		if _, err := s.Token(t.Context()); ClassOf(err) != Busy || time.Since(start) != renewalLimit {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// TestWallClock makes sure that a machine may sleep while a token ends.
func TestWallClock(t *testing.T) {
	s := NewTokenSource(tokenOf("a0", "r", time.Hour), nil, nil)
	for _, at := range []time.Time{s.token.Expiry, s.renewal} {
		if strings.Contains(at.String(), "m=") {
			t.Errorf("%v goes by a clock that stops while the machine sleeps", at)
		}
	}
}
