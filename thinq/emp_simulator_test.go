package thinq_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// newEMP is a simulated EMP without sockets, a client of it, and a browser that
// follows no redirect.
func newEMP(t *testing.T, o thinqtest.Options) (*thinqtest.Server, thinq.EMP, *http.Client) {
	t.Helper()
	network := &thinqtest.Network{}
	var err error
	if o.OAuth, err = network.Listen("emp.test:443"); err != nil {
		t.Fatal(err)
	}
	s, err := thinqtest.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	transport := &http.Transport{DialContext: network.Dial, TLSClientConfig: &tls.Config{RootCAs: s.Roots()}}
	t.Cleanup(transport.CloseIdleConnections)
	browser := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s, thinq.EMP{
		ClientID: s.ClientID, ClientSecret: thinq.Secret(s.ClientSecret), RedirectURL: s.RedirectURLs[0], URL: s.OAuthURL,
		Roots: s.Roots(), Dial: network.Dial,
	}, browser
}

var hiddenInput = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"&]*)">`)

// press opens a sign-in's page and presses one of its buttons; the answer is the
// address to which the browser is sent.
func press(t *testing.T, browser *http.Client, login *thinq.Login, button string) string {
	t.Helper()
	page, err := browser.Get(login.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	body, err := io.ReadAll(page.Body)
	if err != nil || page.StatusCode != http.StatusOK {
		t.Fatalf("%s %s (%v)", page.Status, body, err)
	}
	form := url.Values{"choice": {button}}
	for _, input := range hiddenInput.FindAllStringSubmatch(string(body), -1) {
		form.Set(input[1], input[2])
	}
	address, err := page.Request.URL.Parse("empsign_in")
	if err != nil {
		t.Fatal(err)
	}
	back, err := browser.PostForm(address.String(), form)
	if err != nil {
		t.Fatal(err)
	}
	back.Body.Close()
	return back.Header.Get("Location")
}

// A sign-in from the page to its end, against every form of LG's answers that
// the documents leave open.
func TestSimulatedSignIn(t *testing.T) {
	for name, o := range map[string]thinqtest.Options{
		"as documented":           {},
		"comma, statuses":         {Renewal: "comma", SignInErrors: "status"},
		"rotation, text":          {Renewal: "rotate", SignInErrors: "text"},
		"rotation, backend":       {Renewal: "rotate", Backend: true},
		"errors as text, backend": {SignInErrors: "text", Backend: true},
	} {
		t.Run(name, func(t *testing.T) {
			s, emp, browser := newEMP(t, o)
			login := emp.Begin()
			code, backend, err := login.Paste(press(t, browser, login, "allow"))
			if err != nil {
				t.Fatal(err)
			}
			first, err := emp.Exchange(t.Context(), code, backend)
			if err != nil {
				t.Fatal(err)
			}
			second := renewed(t, emp, first)
			third := renewed(t, emp, second)
			if same := third.RefreshToken == second.RefreshToken; same == (o.Renewal == "rotate") {
				t.Errorf("the refresh token stayed: %t", same)
			}
			if _, err := emp.Exchange(t.Context(), code, backend); thinq.ClassOf(err) != thinq.Auth {
				t.Errorf("the code again: %v", err)
			}
			s.Fault(thinqtest.Fault{Match: thinqtest.Match{Path: "/emp/v2/token"}, Code: "500", Times: 1})
			if _, err := emp.Refresh(t.Context(), third); thinq.ClassOf(err) != thinq.Busy {
				t.Errorf("LG in trouble: %v", err)
			}
			s.RevokeSignIns()
			if _, err := emp.Refresh(t.Context(), third); thinq.ClassOf(err) != thinq.Auth {
				t.Errorf("revoked: %v", err)
			}
		})
	}
}

func renewed(t *testing.T, emp thinq.EMP, old thinq.Token) thinq.Token {
	t.Helper()
	next, err := emp.Refresh(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	if next.AccessToken == old.AccessToken || next.RefreshToken == "" || next.Backend != "https://kr.lgeapi.test/" || next.Expiry.Before(old.Expiry) {
		t.Errorf("got %+v", next)
	}
	return next
}

// What LG's page does to those who do not get in.
func TestSimulatedRefusals(t *testing.T) {
	_, emp, browser := newEMP(t, thinqtest.Options{})
	for _, button := range []string{"refuse", "terms", "redirect"} {
		if to := press(t, browser, emp.Begin(), button); to != "" {
			t.Errorf("%s: the browser is sent to %s", button, to)
		}
	}
	login := emp.Begin()
	if _, _, err := login.Paste(press(t, browser, login, "google")); err == nil || !strings.Contains(err.Error(), "910") {
		t.Errorf("Google: %v", err)
	}
	if login.Over() {
		t.Error("an answer without the state has ended a sign-in")
	}
	emp.ClientID = "APP1"
	page, err := browser.Get(emp.Begin().URL())
	if err != nil {
		t.Fatal(err)
	}
	page.Body.Close()
	if page.StatusCode != http.StatusInternalServerError {
		t.Errorf("another client: %s", page.Status)
	}
	if _, err := emp.Exchange(t.Context(), "x", ""); thinq.ClassOf(err) != thinq.Auth {
		t.Errorf("another client: %v", err)
	}
}
