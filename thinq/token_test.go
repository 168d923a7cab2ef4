package thinq

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest/bounds"
)

var tokens = []struct {
	name, data      string
	access, refresh string // no access: it is none
	life            time.Duration
}{
	{"as LG's documents show it", `{"access_token":"a","expires_in":"3600","refresh_token":"r","oauth2_backend_url":"https://b/"}`, "a", "r", time.Hour},
	{"renewed", `{"access_token":"a","expires_in":"3600"}`, "a", "", time.Hour},
	{"renewed, as printed by LG", "{ \"access_token\" : \"a\",\n \"expires_in\" : \"3600\",\n}\n", "a", "", time.Hour},
	{"of a hub, grant password", `{"access_token":"a","expires_in":"3600","refresh_token":"r"}`, "a", "r", time.Hour},
	{"of a hub, grant refresh_token", `{"access_token":"a","expires_in":"1800"}`, "a", "", 30 * time.Minute},
	{"life as a number", `{"access_token":"a","expires_in":1800}`, "a", "", 30 * time.Minute},
	{"life as a fraction", `{"access_token":"a","expires_in":"1799.5"}`, "a", "", 30*time.Minute - time.Second/2},
	{"no life", `{"access_token":"a"}`, "a", "", time.Hour},
	{"a life that is over", `{"access_token":"a","expires_in":-1}`, "a", "", time.Hour},
	{"an endless life", `{"access_token":"a","expires_in":"1e300"}`, "a", "", time.Hour},
	{"a life that is none", `{"access_token":"a","expires_in":{"s":1}}`, "a", "", time.Hour},
	{"members of another kind", `{"access_token":"a","refresh_token":null,"oauth2_backend_url":7}`, "a", "", time.Hour},
	{"beside an error", `{"access_token":"a","httpError":"200"}`, "a", "", time.Hour},
	{"empty", ``, "", "", 0},
	{"an error", `{"httpError":"412","message":"required code"}`, "", "", 0},
	{"an empty token", `{"access_token":"","expires_in":"3600"}`, "", "", 0},
	{"a token of another kind", `{"access_token":17}`, "", "", 0},
	{"a token of two lines", `{"access_token":"a\r\nx-evil: 1"}`, "", "", 0},
	{"a list", `[{"access_token":"a"}]`, "", "", 0},
	{"a page", `<html>`, "", "", 0},
	{"two commas", `{"access_token":"a",,}`, "", "", 0},
	{"half of it", `{"access_token":"a"`, "", "", 0},
	{"too deep", `{"access_token":"a","x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "", "", 0},
}

func TestParseToken(t *testing.T) {
	now := time.Now()
	for _, tt := range tokens {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseToken([]byte(tt.data), now)
			if (err == nil) != (tt.access != "") {
				t.Fatal(err)
			}
			if err == nil && (got.AccessToken != tt.access || got.RefreshToken != tt.refresh || !got.Expiry.Equal(now.Round(0).Add(tt.life))) {
				t.Errorf("%q, %q until %v", got.AccessToken, got.RefreshToken, got.Expiry)
			}
			if strings.Contains(got.Expiry.String(), "m=") {
				t.Error("the token's end goes by a clock that stops while the machine sleeps")
			}
		})
	}
}

// TestTokenIsKept saves a token and reads it again.
func TestTokenIsKept(t *testing.T) {
	token, err := ParseToken([]byte(tokens[0].data), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	saved, err := json.Marshal(token)
	if err != nil {
		t.Fatal(err)
	}
	var again Token
	if err := json.Unmarshal(saved, &again); err != nil || again.AccessToken != "a" || again.RefreshToken != "r" ||
		again.Backend != "https://b/" || !again.Expiry.Equal(token.Expiry) {
		t.Errorf("%v, saved as %s", err, saved)
	}
}

func TestTokenPrintsNothing(t *testing.T) {
	token := Token{Token: oauth2.Token{AccessToken: canary, RefreshToken: canaryRefresh}}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%v %+v %#v %s %q %x %v %+v", token, token, token, token, token, token, &token, []any{token})
	slog.New(slog.NewJSONHandler(&out, nil)).Info("token", "token", token)
	slog.New(slog.NewTextHandler(&out, nil)).Info("token", "token", token)
	if text := out.String(); strings.Contains(text, canary) || strings.Contains(text, "canary") || strings.Contains(text, fmt.Sprintf("%x", canary)) {
		t.Error(text)
	}
}

// Whatever is a token can be sent, ends some day, and survives being saved.
func FuzzToken(f *testing.F) {
	for _, tt := range tokens {
		f.Add([]byte(tt.data))
	}
	for _, s := range odd {
		f.Add([]byte(s))
	}
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, data []byte) {
		defer bounds.Keep(t)()
		token, err := ParseToken(data, now)
		if err != nil {
			if len(err.Error()) > 200 {
				t.Errorf("%d characters of error", len(err.Error()))
			}
			return
		}
		if !sendable(token.AccessToken) || !token.Expiry.After(now) || token.Expiry.After(now.AddDate(4, 0, 0)) {
			t.Errorf("%q until %v", token.AccessToken, token.Expiry)
		}
		saved, err := json.Marshal(token)
		if err != nil {
			t.Fatal(err)
		}
		var again Token
		if err := json.Unmarshal(saved, &again); err != nil || again.AccessToken != token.AccessToken || !again.Expiry.Equal(token.Expiry) {
			t.Errorf("%v, saved as %s", err, saved)
		}
	})
}
