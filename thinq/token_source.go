package thinq

import (
	"context"
	"sync"
	"time"
)

// A TokenSource hands out the access token of a sign-in and renews it in time:
// when a fifth of its life is left, one renewal at a time, and saved before it
// is used. It can be used by several goroutines.
type TokenSource struct {
	refresh func(context.Context, Token) (Token, error)
	save    func(Token) error

	mu      sync.Mutex
	signIns int // counts them: a renewal of an earlier one is worth nothing
	token   Token
	taken   time.Time     // when token came
	renewal time.Time     // when to renew
	again   time.Time     // after a failed renewal: no earlier than this
	failed  error         // why it failed
	flying  chan struct{} // closed when the renewal under way has ended
}

const (
	earlyShare   = 5                // renewed when one part of so many is left
	renewalPause = 30 * time.Second // after a failure that time may heal
	retryRefused = 6 * time.Hour    // after one that only a person can
	freshFor     = time.Minute      // a token that is refused so soon is not renewed: it is not to blame
)

// NewTokenSource starts with the token of a sign-in or of an earlier run. Save
// is called with every new token before anybody gets it; a token that cannot be
// saved is not used, because its refresh token would be lost. Save must not ask
// the source for anything.
func NewTokenSource(t Token, refresh func(context.Context, Token) (Token, error), save func(Token) error) *TokenSource {
	s := &TokenSource{refresh: refresh, save: save}
	s.take(t)
	return s
}

// Token is an access token that LG takes, for [Options].Token. While it is being
// renewed early the old one serves on; once that is over everybody waits for
// the one renewal under way. The error is that of the renewal.
func (s *TokenSource) Token(ctx context.Context) (string, error) {
	for {
		s.mu.Lock()
		now := time.Now()
		valid := now.Before(s.token.Expiry)
		if s.flying == nil && (!valid || !now.Before(s.renewal)) && !now.Before(s.again) {
			s.begin()
		}
		token, flying, failed := s.token.AccessToken, s.flying, s.failed
		s.mu.Unlock()
		switch {
		case valid:
			return token, nil
		case flying == nil:
			return "", failed
		}
		select {
		case <-flying:
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

// Renew is an access token in the place of one that LG refused, for
// [Options].Renew: the present one if that is another already, or else a new
// one. The refused token comes back where it is itself fresh from a renewal.
func (s *TokenSource) Renew(ctx context.Context, refused string) (string, error) {
	s.mu.Lock()
	now := time.Now()
	if s.token.AccessToken == refused && now.Sub(s.taken) >= freshFor && !now.Before(s.again) {
		s.token.Expiry = now // nobody is to use it any more
	}
	s.mu.Unlock()
	return s.Token(ctx)
}

// begin starts the one renewal; mu is held. It does not belong to whoever asked
// first: his patience is not that of the others.
func (s *TokenSource) begin() {
	s.flying = make(chan struct{})
	old, signIn := s.token, s.signIns
	go func() {
		next, err := s.refresh(context.Background(), old)
		s.mu.Lock()
		defer s.mu.Unlock()
		if signIn == s.signIns {
			s.settle(next, err)
		}
		close(s.flying)
		s.flying = nil
	}()
}

// settle takes what a renewal brought; mu is held, so that nothing is saved over
// another sign-in.
func (s *TokenSource) settle(next Token, err error) {
	if err == nil {
		err = s.save(next)
	}
	if s.failed = err; err == nil {
		s.take(next)
	} else {
		s.again = time.Now().Add(pauseAfter(err))
	}
}

func pauseAfter(err error) time.Duration {
	if ClassOf(err) == Auth {
		return retryRefused
	}
	return renewalPause
}

func (s *TokenSource) take(t Token) {
	s.token, s.taken, s.again = t, time.Now(), time.Time{}
	s.renewal = t.Expiry.Add(-time.Until(t.Expiry) / earlyShare)
}

// Replace takes the token of another sign-in.
func (s *TokenSource) Replace(t Token) {
	_, _ = s.ReplaceBy(func() (Token, bool, error) { return t, true, nil })
}

// ReplaceBy takes the token of another sign-in if take says that there is one.
// While take saves it no renewal of the old one is saved, nor is afterwards.
func (s *TokenSource) ReplaceBy(take func() (t Token, changed bool, err error)) (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, changed, err := take()
	if changed {
		s.take(t)
		s.failed = nil
		s.signIns++
	}
	return changed, err
}

// ErrNoSignIn says that nobody has signed in yet.
var ErrNoSignIn error = noSignIn{}

type noSignIn struct{}

func (noSignIn) Error() string { return "nobody has signed in: run \"thinq2mqtt login\"" }
func (noSignIn) Class() Class  { return Auth }
func (noSignIn) Text() string  { return "Nobody has signed in yet. Run \"thinq2mqtt login\"." }
