package thinq

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
)

// Secrets of a sign-in. They must show up nowhere but in forms.
const (
	canaryCode    = "canarycode0123456789"
	canaryRefresh = "canaryrefresh0123456789/+="
	canarySecret  = "canarysecret0123456789"
)

func (s *lg) emp() EMP {
	return EMP{
		ClientID: "APP1", ClientSecret: canarySecret, RedirectURL: "http://127.0.0.1:8765/callback",
		URL: s.URL + "/emp/v2/", Roots: s.options().Roots, Dial: s.pipes.Dial,
	}
}

// signsIn answers with tokens.
func signsIn(members string) func(http.ResponseWriter, *http.Request) {
	return says(200, `{"access_token":"a1","expires_in":"3600"`+members+`}`)
}

func TestAuthorizeURL(t *testing.T) {
	e := EMP{ClientID: "APP1", RedirectURL: "http://127.0.0.1:8765/callback", URL: EMPURL("KR")}
	u, err := url.Parse(e.AuthorizeURL("s&1"))
	if err != nil || u.Scheme+"://"+u.Host+u.Path != "https://kr.m.lgaccount.com/emp/v2/authorize" {
		t.Fatal(u, err)
	}
	want := url.Values{"response_type": {"code"}, "client_id": {"APP1"}, "redirect_uri": {e.RedirectURL}, "state": {"s&1"}}
	if diff := cmp.Diff(want, u.Query()); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
}

func TestExchange(t *testing.T) {
	s := newLG(t, signsIn(`,"refresh_token":"r1","oauth2_backend_url":"https://kr.example/"`))
	start := time.Now()
	got, err := s.emp().Exchange(t.Context(), canaryCode, "https://first.example/")
	if err != nil {
		t.Fatal(err)
	}
	if got.AccessToken != "a1" || got.RefreshToken != "r1" || got.Backend != "https://kr.example/" ||
		got.Expiry.Before(start.Add(time.Hour-time.Second)) || got.Expiry != got.Expiry.Round(0) {
		t.Errorf("token %+v", [...]any{got.AccessToken, got.RefreshToken, got.Backend, got.Expiry})
	}
	call := s.seen()[0]
	form, err := url.ParseQuery(call.Body)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"APP1"}, "client_secret": {canarySecret}, "code": {canaryCode},
		"redirect_uri": {"http://127.0.0.1:8765/callback"}, "backend_url": {"https://first.example/"},
	}
	if diff := cmp.Diff(want, form); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
	if call.Method != "POST" || call.Path != "/emp/v2/token" || call.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("%s %s %v", call.Method, call.Path, call.Header)
	}
	s.answer = signsIn("")
	if got, err = s.emp().Exchange(t.Context(), canaryCode, "https://first.example/"); err != nil || got.Backend != "https://first.example/" {
		t.Errorf("%v, back end %q", err, got.Backend)
	}
}

// LG need not repeat what it said at the sign-in.
func TestRefresh(t *testing.T) {
	s := newLG(t, signsIn(","))
	e := s.emp()
	e.ClientSecret = ""
	old := Token{Token: oauth2.Token{AccessToken: "a0", RefreshToken: "r0"}, Backend: "https://kr.example/"}
	got, err := e.Refresh(t.Context(), old)
	if err != nil || got.AccessToken != "a1" || got.RefreshToken != "r0" || got.Backend != old.Backend {
		t.Errorf("%v, token %+v", err, [...]any{got.AccessToken, got.RefreshToken, got.Backend})
	}
	form, err := url.ParseQuery(s.seen()[0].Body)
	want := url.Values{"grant_type": {"refresh_token"}, "client_id": {"APP1"}, "refresh_token": {"r0"}, "backend_url": {old.Backend}}
	if diff := cmp.Diff(want, form); diff != "" || err != nil {
		t.Errorf("form (-want +got): %v\n%s", err, diff)
	}
	s.answer = signsIn(`,"refresh_token":"r1","oauth2_backend_url":"https://new.example/"`)
	if got, err = e.Refresh(t.Context(), got); err != nil || got.RefreshToken != "r1" || got.Backend != "https://new.example/" {
		t.Errorf("%v, token %+v", err, [...]any{got.RefreshToken, got.Backend})
	}
	if _, err := e.Refresh(t.Context(), Token{}); ClassOf(err) != Auth || len(s.seen()) != 2 {
		t.Errorf("without a refresh token: %v", err)
	}
}

// TestQueryIsTried has LG read the query alone, as one of its documents has it.
func TestQueryIsTried(t *testing.T) {
	for _, tt := range []struct {
		missing string
		calls   int
	}{{"required refresh_token", 2}, {"Required client_id.", 2}, {"required backend_url", 1}, {"not allowed client_id", 1}} {
		s := newLG(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery == "" {
				says(200, `{"httpError":"412","message":"`+tt.missing+`"}`)(w, r)
				return
			}
			signsIn("")(w, r)
		})
		_, err := s.emp().Refresh(t.Context(), Token{Token: oauth2.Token{RefreshToken: canaryRefresh}})
		calls := s.seen()
		if (err == nil) != (tt.calls == 2) || len(calls) != tt.calls {
			t.Fatalf("%s: %v after %d calls", tt.missing, err, len(calls))
		}
		if last := calls[len(calls)-1]; tt.calls == 2 && (last.Body != "" || last.Path != "/emp/v2/token?"+calls[0].Body) {
			t.Errorf("repeated as %s with %q", last.Path, last.Body)
		}
	}
	s := newLG(t, says(200, `{"httpError":"412","message":"required code"}`))
	if _, err := s.emp().Exchange(t.Context(), canaryCode, ""); ClassOf(err) != Auth || len(s.seen()) != 2 {
		t.Errorf("%v after %d calls", err, len(s.seen()))
	}
}

func TestEMPAddress(t *testing.T) {
	for address, good := range map[string]bool{
		"https://kr.m.lgaccount.com/emp/v2": true, "http://127.0.0.1:8080/emp/v2": true, "http://localhost/": true, "http://[::1]:1": true,
		"": false, "kr.m.lgaccount.com": false, "http://kr.m.lgaccount.com/emp/v2": false, "http://127.0.0.1.example/": false, "ftp://localhost": false,
		"https://": false, "https://user:pass@kr.example/": false, "https://kr.example/?a=b": false, "https://kr.example/#a": false, "https://%zz": false,
	} {
		e := EMP{URL: address, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("dialled") }}
		if err := e.Check(); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
		if _, err := e.Exchange(t.Context(), "c", ""); strings.HasSuffix(err.Error(), "dialled") != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestEMPVerifiesTLS(t *testing.T) {
	s := newLG(t, signsIn(""))
	e := s.emp()
	e.Roots = nil
	if _, err := e.Exchange(t.Context(), canaryCode, ""); err == nil || len(s.seen()) != 0 {
		t.Errorf("%v after %d calls", err, len(s.seen()))
	}
}

func TestEMPTimeouts(t *testing.T) {
	for hang, want := range map[string]time.Duration{
		"connecting": connectTimeout, "handshake": tlsTimeout, "answer": headerTimeout, "body": callTimeout,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newLG(t, nil)
			e := s.emp()
			e.Dial = hangs[hang](t, s)
			start := time.Now()
			if _, err := e.Exchange(t.Context(), canaryCode, ""); ClassOf(err) != Busy || time.Since(start) != want {
				t.Errorf("%s: %v after %v", hang, err, time.Since(start))
			}
		})
	}
}
