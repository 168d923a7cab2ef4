package thinq

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/oauth2"
)

// A Token is what a sign-in at LG gave: access for an hour, what to renew it
// with, and where LG keeps the session.
type Token struct {
	oauth2.Token
	Backend string `json:"oauth2_backend_url,omitempty"` // to be sent along with every renewal
}

// Format keeps the token out of texts; only JSON has all of it.
func (Token) Format(f fmt.State, _ rune) { io.WriteString(f, "[token]") }

// LogValue does so for structured logs.
func (Token) LogValue() slog.Value { return slog.StringValue("[token]") }

// usualLife is how long an access token lives where LG does not say.
const usualLife = time.Hour

// ParseToken reads the answer of LG's token endpoint, received at a time. What
// counts is an access token, whatever the HTTP status was: LG sends errors as
// 200. The life of the token may be text or a number of seconds, and a comma
// before the closing brace is passed over, because LG's documents show one.
//
// LG's hubs for Korean homes answer in the same two shapes (POST /token on port
// 5010 of the hub): with a refresh token to the grant "password", and without
// one to "refresh_token", when the old one stays good. They have no back end.
func ParseToken(data []byte, now time.Time) (Token, error) {
	var answer struct {
		AccessToken  Secret          `json:"access_token"`
		RefreshToken Secret          `json:"refresh_token"`
		ExpiresIn    json.RawMessage `json:"expires_in"`
		Backend      string          `json:"oauth2_backend_url"`
	}
	data = trailingComma.ReplaceAll(bytes.TrimSpace(data), []byte("$1"))
	if err := decodeObject(data, &answer); err != nil {
		return Token{}, err
	}
	switch {
	case answer.AccessToken == "":
		return Token{}, errors.New("it has no access_token")
	case !sendable(string(answer.AccessToken)):
		return Token{}, tokenError{}
	}
	return Token{Backend: answer.Backend, Token: oauth2.Token{
		AccessToken: string(answer.AccessToken), RefreshToken: string(answer.RefreshToken), Expiry: wall(now.Add(lifeOf(answer.ExpiresIn))),
	}}, nil
}

// wall is a time by the clock on the wall, which goes on while the machine
// sleeps.
func wall(t time.Time) time.Time { return t.Round(0) }

// trailingComma is a comma that JSON does not allow at the end of an object. No
// token and no address has one before a brace.
var trailingComma = regexp.MustCompile(`,\s*(}\s*)$`)

// lifeOf reads "3600" and 3600; what makes no sense counts as LG's usual hour.
func lifeOf(seconds json.RawMessage) time.Duration {
	n, err := strconv.ParseFloat(string(bytes.Trim(seconds, `"`)), 64)
	if err != nil || n <= 0 || n > 1e8 {
		return usualLife
	}
	return time.Duration(n * float64(time.Second))
}

// renewedBy is the token after a renewal: LG answers with a new access token
// alone, so the rest stays as it was.
func (t Token) renewedBy(next Token) Token {
	if next.RefreshToken == "" {
		next.RefreshToken = t.RefreshToken
	}
	if next.Backend == "" {
		next.Backend = t.Backend
	}
	return next
}
