package thinq

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A TokenSource hands out the access token of a sign-in and renews it in time:
// when a fifth of its life is left, one renewal at a time, and saved before it
// is used. It can be used by several goroutines.
type TokenSource struct {
	refresh func(context.Context, Token) (Token, error)
	save    func(Token) error
	disk    chan struct{} // full while somebody saves: the latest sign-in is what stays saved

	mu         sync.Mutex
	token      Token
	generation int                // of sign-ins: counts those that Replace took
	renewal    time.Time          // when to renew
	renewed    time.Time          // when token came from a renewal; zero: it did not
	unsaved    *Token             // renewed, but not saved yet and so not used
	failed     error              // why the last attempt failed
	failures   int                // in a row
	again      time.Time          // after a failure: no earlier than this
	flying     chan struct{}      // closed when the attempt under way has ended
	giveUp     context.CancelFunc // ends that attempt
	closed     bool
}

const (
	earlyShare   = 5                // renewed when one part of so many is left
	renewalLimit = 35 * time.Second // for a renewal, which may take two calls
	renewalPause = 30 * time.Second // after a failure that time may heal; doubles with every further one
	longestPause = 2 * time.Minute  // but not beyond this: who asks for tokens waits as well
	savingPause  = 30 * time.Second // between attempts to save
	retryRefused = 6 * time.Hour    // after a failure that only a person can heal
	freshFor     = 10 * time.Second // between a renewal and the next one, at least
	expiryMargin = 10 * time.Second // a token that ends so soon may not live to see LG
	closingGrace = 5 * time.Second  // for a renewal under way at the end
)

// NewTokenSource starts with the token of a sign-in or of an earlier run; the
// zero token stands for no sign-in. Save is called with every new token before
// anybody gets it, because the old refresh token may be worth nothing any more.
// Save must not ask the source for anything.
func NewTokenSource(t Token, refresh func(context.Context, Token) (Token, error), save func(Token) error) *TokenSource {
	s := &TokenSource{refresh: refresh, save: save, disk: make(chan struct{}, 1)}
	s.take(t)
	return s
}

// Token is an access token that LG takes, for [Options].Token. While it is being
// renewed early the old one serves on; once that is over everybody waits for
// the one renewal under way. The error is that of the renewal: of class Auth
// where somebody must sign in, and else Busy.
func (s *TokenSource) Token(ctx context.Context) (string, error) {
	for {
		token, flying, err := s.look()
		if flying == nil {
			return token, err
		}
		select {
		case <-flying:
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

// look is the token, why there is none, or what to wait for; it begins a
// renewal whose time has come.
func (s *TokenSource) look() (token string, flying chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, fresh := wall(time.Now()), s.fresh()
	valid := fresh || now.Add(expiryMargin).Before(s.token.Expiry)
	early := !fresh && !now.Before(s.renewal)
	switch {
	case s.token.AccessToken == "" && s.token.RefreshToken == "":
		return "", nil, ErrNoSignIn
	case s.flying == nil && !s.closed && (!valid || early) && !time.Now().Before(s.again):
		s.begin()
	}
	switch {
	case valid:
		return s.token.AccessToken, nil, nil
	case s.flying != nil:
		return "", s.flying, nil
	case s.failed != nil:
		return "", nil, s.failed
	}
	return "", nil, errClosed
}

var errClosed = errors.New("the sign-in is not renewed any more")

// Renew is an access token in the place of one that LG refused, for
// [Options].Renew: the present one if that is another already, or else a new
// one. For a token that is itself fresh from a renewal there is none yet, which
// is an error of class Busy: nobody needs to sign in for that.
func (s *TokenSource) Renew(ctx context.Context, refused string) (string, error) {
	s.mu.Lock()
	current, fresh := s.token.AccessToken == refused, s.fresh()
	if current && !fresh {
		s.token.Expiry = time.Time{} // nobody is to use it any more
	}
	s.mu.Unlock()
	if current && fresh {
		return "", refusedFresh{}
	}
	return s.Token(ctx)
}

// fresh reports whether the token has just come from a renewal: another one so
// soon would help nobody, whatever LG or its life says. mu is held.
func (s *TokenSource) fresh() bool {
	return !s.renewed.IsZero() && time.Since(s.renewed) < freshFor
}

// refusedFresh says that LG does not take what it gave a moment ago.
type refusedFresh struct{}

func (refusedFresh) Error() string {
	return "LG refuses an access token that it gave a moment ago; soon it is asked for another one"
}
func (refusedFresh) Class() Class { return Busy }

// begin starts the one attempt; mu is held. It does not belong to whoever asked
// first: his patience is not that of the others.
func (s *TokenSource) begin() {
	ctx, cancel := withTimeout(context.Background(), renewalLimit, "no new token")
	s.flying, s.giveUp = make(chan struct{}), cancel
	go func(old Token, next *Token, generation int) {
		defer cancel()
		err := s.attempt(ctx, old, next, generation)
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil && s.generation == generation {
			s.fail(err)
		}
		close(s.flying)
		s.flying = nil
	}(s.token, s.unsaved, s.generation)
}

// attempt gets a new token, unless there is one that only could not be saved,
// and makes it the present one when it is saved.
func (s *TokenSource) attempt(ctx context.Context, old Token, next *Token, generation int) error {
	if next == nil {
		renewed, err := s.refresh(ctx, old)
		if err != nil {
			return err
		}
		next = &renewed
	}
	defer s.hold()()
	if !s.keep(next, generation) {
		return nil
	}
	if err := s.save(*next); err != nil {
		return &savingError{err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take(*next)
	s.renewed = time.Now()
	return nil
}

// hold waits for the disk, and returns what gives it back.
func (s *TokenSource) hold() (release func()) {
	s.disk <- struct{}{}
	return func() { <-s.disk }
}

// keep remembers a token that is about to be saved. False: somebody signed in
// meanwhile, so it is the answer to a question of old.
func (s *TokenSource) keep(next *Token, generation int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation != generation {
		return false
	}
	s.unsaved = next
	return true
}

// fail remembers why there is no new token, and when to try again; mu is held.
func (s *TokenSource) fail(err error) {
	s.failed = err
	s.again = time.Now().Add(s.pause(err))
	s.failures++
}

func (s *TokenSource) pause(err error) time.Duration {
	if _, ok := errors.AsType[*savingError](err); ok {
		return savingPause
	}
	if ClassOf(err) == Auth {
		return retryRefused
	}
	return min(renewalPause<<min(s.failures, 10), longestPause)
}

// take makes a token the present one; mu is held.
func (s *TokenSource) take(t Token) {
	t.Expiry = wall(t.Expiry)
	s.token, s.unsaved, s.renewed = t, nil, time.Time{}
	s.failed, s.failures, s.again = nil, 0, time.Time{}
	s.renewal = t.Expiry.Add(-time.Until(t.Expiry) / earlyShare)
}

// Replace takes the token of another sign-in, the zero token after a sign-out.
func (s *TokenSource) Replace(t Token) {
	_, _ = s.ReplaceBy(func() (Token, bool, error) { return t, true, nil })
}

// ReplaceBy takes the token of another sign-in if take says that there is one.
// While take saves it no renewal of the old one is saved, nor is afterwards.
func (s *TokenSource) ReplaceBy(take func() (t Token, changed bool, err error)) (changed bool, err error) {
	defer s.hold()()
	t, changed, err := take()
	if !changed {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
	s.take(t)
	if s.flying != nil {
		s.giveUp()
	}
	return true, err
}

// Close ends renewals. One under way gets a moment to finish, so that what LG
// gives is saved; a token that could not be saved gets another chance.
func (s *TokenSource) Close() {
	s.mu.Lock()
	s.closed = true
	flying, giveUp := s.flying, s.giveUp
	s.mu.Unlock()
	if flying != nil {
		defer time.AfterFunc(closingGrace, giveUp).Stop()
		<-flying
	}
	defer s.hold()()
	if s.unsaved != nil && s.save(*s.unsaved) == nil {
		s.unsaved = nil
	}
}

// A savingError says that there is a new token that nobody can use yet.
type savingError struct{ err error }

func (e *savingError) Error() string {
	return fmt.Sprintf("LG gave a new access token, but it cannot be saved, so it is not used yet: %v", e.err)
}
func (e *savingError) Unwrap() error { return e.err }
func (*savingError) Class() Class    { return Busy }

// ErrNoSignIn says that nobody has signed in yet.
var ErrNoSignIn error = noSignIn{}

type noSignIn struct{}

func (noSignIn) Error() string { return "nobody has signed in: run \"thinq2mqtt login\"" }
func (noSignIn) Class() Class  { return Auth }
func (noSignIn) Text() string  { return "Nobody has signed in yet. Run \"thinq2mqtt login\"." }
