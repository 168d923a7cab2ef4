package thinq

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
)

func tokenFor(access string, life time.Duration) Token {
	return Token{Token: oauth2.Token{AccessToken: access, RefreshToken: "refresh " + access, Expiry: time.Now().Add(life)}}
}

// A renewal that is under way when somebody signs in anew neither takes the
// place of the new sign-in nor is saved over it.
func TestRenewalOfFormerSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		saved := ""
		s := NewTokenSource(tokenFor("old", -time.Second), func(context.Context, Token) (Token, error) {
			time.Sleep(10 * time.Second)
			return tokenFor("renewed", time.Hour), nil
		}, func(next Token) error {
			saved = next.AccessToken
			return nil
		})
		got := make(chan string)
		go func() {
			token, _ := s.Token(t.Context())
			got <- token
		}()
		time.Sleep(time.Second)
		if changed, err := s.ReplaceBy(func() (Token, bool, error) { return Token{}, false, nil }); changed || err != nil {
			t.Errorf("nothing to take: %v, %v", changed, err)
		}
		changed, err := s.ReplaceBy(func() (Token, bool, error) {
			saved = "new"
			return tokenFor("new", time.Hour), true, nil
		})
		if !changed || err != nil {
			t.Errorf("%v, %v", changed, err)
		}
		if token := <-got; token != "new" || saved != "new" {
			t.Errorf("token %q, saved %q", token, saved)
		}
	})
}
