package thinqtest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

func TestToken(t *testing.T) {
	const missing, dead = "412", "LG.OAUTH.EC.4001"
	v := newVisitor(t, thinqtest.Options{Samples: fleet()[:1]})
	secret := v.s.ClientSecret
	code := func(changes ...string) func() url.Values {
		return func() url.Values { return v.codeForm(v.signIn().Get("code"), changes...) }
	}
	renewal := func(changes ...string) func() url.Values {
		return func() url.Values { return v.renewal(v.issued().Refresh, changes...) }
	}
	for _, tt := range []struct {
		name    string
		form    func() url.Values
		code    string
		message string
	}{
		{"code", code(), "", ""},
		{"code with backend", code("backend_url", "https://kr.lgeapi.test/"), "", ""},
		{"code with the secret", code("client_secret", secret), "", ""},
		{"nothing", func() url.Values { return nil }, missing, "required client_id"},
		{"code without client", code("client_id", ""), missing, "required client_id"},
		{"code without grant", code("grant_type", ""), missing, "required grant_type"},
		{"code without code", code("code", ""), missing, "required code"},
		{"code without redirect", code("redirect_uri", ""), missing, "required redirect_uri"},
		{"code without both", code("code", "", "redirect_uri", ""), missing, "required code"},
		{"missing comes before wrong", code("code", "", "client_id", "APP1"), missing, "required code"},
		{"another client", code("client_id", "APP1"), "401", "not allowed client_id"},
		{"wrong secret", code("client_secret", "x"), "401", "not allowed client_id"},
		{"another backend", code("backend_url", "https://evil.test/"), dead, "OAuth2 processing error"},
		{"another grant", code("grant_type", "password"), dead, "OAuth2 processing error"},
		{"unknown code", code("code", "x"), dead, "OAuth2 processing error"},
		{"code for another redirect", code("redirect_uri", "https://evil.test/"), dead, "OAuth2 processing error"},
		{"renewal", renewal(), "", ""},
		{"renewal with redirect", renewal("redirect_uri", home), "", ""},
		{"renewal with backend and secret", renewal("backend_url", "https://kr.lgeapi.test/", "client_secret", secret), "", ""},
		{"renewal without client", renewal("client_id", ""), missing, "required client_id"},
		{"renewal without grant", renewal("grant_type", ""), missing, "required grant_type"},
		{"renewal without token", renewal("refresh_token", ""), missing, "required refresh_token"},
		{"renewal for another client", renewal("client_id", "APP1"), "401", "not allowed client_id"},
		{"renewal with a wrong secret", renewal("client_secret", "x"), "401", "not allowed client_id"},
		{"unknown refresh token", renewal("refresh_token", "x"), dead, "OAuth2 processing error"},
		{"access token for a refresh token", func() url.Values { return v.renewal(v.issued().Access) }, dead, "OAuth2 processing error"},
	} {
		got := v.token(tt.form())
		if tt.code == "" && (got.Status != http.StatusOK || !empToken.MatchString(got.Access) || got.Error != "") ||
			tt.code != "" && got != (answer{Status: 200, Error: tt.code, Message: tt.message}) {
			t.Errorf("%s: got %+v", tt.name, got)
		}
	}
}

// The parameters may come in the form, in the query, and in both; nowhere else.
func TestTokenParameters(t *testing.T) {
	v := newVisitor(t, thinqtest.Options{Samples: fleet()[:1]})
	form := func() url.Values { return v.renewal(v.issued().Refresh) }
	all := form()
	half := url.Values{"client_id": all["client_id"], "grant_type": all["grant_type"]}
	asJSON, _ := json.Marshal(map[string]string{"client_id": v.s.ClientID, "grant_type": "refresh_token", "refresh_token": v.issued().Refresh})
	for _, tt := range []struct {
		name, query, body, kind string
		good                    bool
	}{
		{"form", "", all.Encode(), "application/x-www-form-urlencoded", true},
		{"query", "?" + all.Encode(), "", "", true},
		{"both", "?" + half.Encode(), url.Values{"refresh_token": all["refresh_token"]}.Encode(), "application/x-www-form-urlencoded", true},
		{"form without its type", "", all.Encode(), "text/plain", false},
		{"JSON", "", string(asJSON), "application/json", false},
		{"broken form", "?" + all.Encode(), "%zz", "application/x-www-form-urlencoded", false},
	} {
		got := v.do("POST", "/token"+tt.query, tt.body, "Content-Type", tt.kind)
		if got.status != http.StatusOK || strings.Contains(got.body, `"access_token"`) != tt.good {
			t.Errorf("%s: got %+v", tt.name, got)
		}
	}
}

func TestCodes(t *testing.T) {
	v := newVisitor(t, thinqtest.Options{Samples: fleet()[:1]})
	redeems := func(code string, changes ...string) bool { return v.token(v.codeForm(code, changes...)).Access != "" }
	code := v.signIn().Get("code")
	if !redeems(code) || redeems(code) {
		t.Error("a code must be good exactly once")
	}
	if code = v.signIn().Get("code"); redeems(code, "redirect_uri", "https://evil.test/") || redeems(code) {
		t.Error("a code that was shown with another redirect must be used up")
	}
	if code = v.signIn().Get("code"); redeems(code, "code", "") || !redeems(code) {
		t.Error("a call that misses something must leave the code good")
	}
	code = v.signIn().Get("code")
	if v.s.Advance(5*time.Minute - time.Second); !redeems(code) {
		t.Error("dead before five minutes")
	}
	code = v.signIn().Get("code")
	if v.s.Advance(5 * time.Minute); redeems(code) {
		t.Error("good after five minutes")
	}
	code = v.signIn().Get("code")
	if v.s.RevokeSignIns(); redeems(code) {
		t.Error("good after the sign-ins were revoked")
	}
}

func TestTokenShape(t *testing.T) {
	v := newVisitor(t, thinqtest.Options{Samples: fleet()[:1]})
	shape := func(a answer) answer {
		for _, token := range []*string{&a.Access, &a.Refresh} {
			if empToken.MatchString(*token) {
				*token = "96 digits"
			}
		}
		return a
	}
	first := v.token(v.codeForm(v.signIn().Get("code")))
	want := answer{Access: "96 digits", Refresh: "96 digits", ExpiresIn: "3600", Backend: "https://kr.lgeapi.test/"}
	if diff := cmp.Diff(want, shape(v.issued())); diff != "" {
		t.Errorf("EMPToken (-want +got):\n%s", diff)
	}
	want.Status = 200
	if diff := cmp.Diff(want, shape(first)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRenewals(t *testing.T) {
	for _, tt := range []struct {
		renewal thinqtest.Renewal
		pattern string
		stays   bool // the refresh token
	}{
		{"", `^\{"access_token":"([0-9a-f]{96})","expires_in":"1800"\}$`, true},
		{"keep", `^\{"access_token":"([0-9a-f]{96})","expires_in":"1800"\}$`, true},
		{"comma", `^\{"access_token":"([0-9a-f]{96})","expires_in":"1800",\}$`, true},
		{"rotate", `^\{"access_token":"([0-9a-f]{96})","expires_in":1800,"refresh_token":"([0-9a-f]{96})"\}$`, false},
	} {
		v := newVisitor(t, thinqtest.Options{Samples: fleet()[:1], Renewal: tt.renewal, TokenLife: 30 * time.Minute})
		first := v.issued()
		renew := func(token string) []string {
			got := v.do("POST", "/token", v.renewal(token).Encode())
			return regexp.MustCompile(tt.pattern).FindStringSubmatch(got.body)
		}
		got := renew(first.Refresh)
		if got == nil || got[1] == first.Access || !v.accepts(got[1]) || !v.accepts(first.Access) {
			t.Errorf("%q: got %q", tt.renewal, got)
			continue
		}
		if again := renew(first.Refresh); (again != nil) != tt.stays {
			t.Errorf("%q: again %q", tt.renewal, again)
		}
		if !tt.stays && renew(got[2]) == nil {
			t.Errorf("%q: the new refresh token is not good", tt.renewal)
		}
	}
}

func TestTokenLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVisitor(t, thinqtest.Options{Samples: fleet()[:1], RefreshLife: 24 * time.Hour})
		a := v.issued()
		if !v.accepts(a.Access) || v.accepts(a.Refresh) || v.accepts("") || v.accepts(v.s.Token) {
			t.Error("only an access token of EMP's opens the callback")
		}
		time.Sleep(30 * time.Minute)
		if v.s.Advance(30*time.Minute - time.Second); !v.accepts(a.Access) {
			t.Error("the token is over before its hour")
		}
		if v.s.Advance(time.Second); v.accepts(a.Access) {
			t.Error("the token outlives its hour")
		}
		v.s.Advance(22*time.Hour + 59*time.Minute)
		if v.token(v.renewal(a.Refresh)).Access == "" {
			t.Error("the refresh token is over before its day")
		}
		v.s.Advance(time.Minute)
		if got := v.token(v.renewal(a.Refresh)); got.Error != "LG.OAUTH.EC.4001" {
			t.Errorf("a refresh token after its day: %+v", got)
		}
	})
	v := newVisitor(t, thinqtest.Options{Samples: fleet()[:1]})
	a := v.issued()
	v.s.Advance(1000 * 24 * time.Hour)
	renewed := v.token(v.renewal(a.Refresh))
	if renewed.Access == "" || !v.accepts(renewed.Access) {
		t.Errorf("a refresh token lives until it is revoked; got %+v", renewed)
	}
	v.s.RevokeSignIns()
	if got := v.token(v.renewal(a.Refresh)); v.accepts(renewed.Access) || got.Error != "LG.OAUTH.EC.4001" {
		t.Errorf("after the sign-ins were revoked: %+v", got)
	}
	if a = v.issued(); !v.accepts(a.Access) || v.token(v.renewal(a.Refresh)).Access == "" {
		t.Error("nobody can sign in again")
	}
}

// A renewal whose answer is lost has had its effect, as the fault says.
func TestLostRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVisitor(t, thinqtest.Options{Samples: fleet()[:1], Renewal: "rotate"})
		for _, after := range []bool{false, true} {
			a := v.issued()
			v.s.Fault(thinqtest.Fault{Body: "reset", Delay: thinqtest.Duration(20 * time.Second), After: after, Times: 1})
			start := time.Now()
			res, err := v.http.PostForm(v.s.OAuthURL+"/token", v.renewal(a.Refresh))
			if err == nil {
				res.Body.Close()
				t.Errorf("got %s", res.Status)
			}
			if took := time.Since(start); took != 20*time.Second {
				t.Errorf("took %v", took)
			}
			if lives := v.token(v.renewal(a.Refresh)).Access != ""; lives == after {
				t.Errorf("after=%t: the old refresh token lives: %t", after, lives)
			}
		}
	})
}
