package thinq

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const testRedirect = "http://127.0.0.1:8765/callback"

func testEMP(redirect string) EMP {
	return EMP{ClientID: "app", RedirectURL: redirect, URL: "https://emp.test/emp/v2"}
}

// answered is the address to which LG sends the browser.
func answered(l *Login, query string) string {
	return l.callback.String() + "?" + strings.ReplaceAll(query, "STATE", l.state)
}

// A visitor is a browser that does not follow redirects.
type visitor struct {
	*testing.T
	login   *Login
	cookies []*http.Cookie
}

func (v *visitor) get(address string) *http.Response {
	v.Helper()
	r := httptest.NewRequest(http.MethodGet, address, nil)
	for _, c := range v.cookies {
		if strings.HasPrefix(r.URL.Path, c.Path) {
			r.AddCookie(c)
		}
	}
	w := httptest.NewRecorder()
	v.login.Handler().ServeHTTP(w, r)
	v.cookies = append(v.cookies, w.Result().Cookies()...)
	return w.Result()
}

// started is a browser in which a sign-in was begun.
func started(t *testing.T, l *Login) *visitor {
	t.Helper()
	v := &visitor{T: t, login: l}
	if to := v.get(l.StartURL()).Header.Get("Location"); to != l.URL() {
		t.Fatalf("the start page leads to %q, want %q", to, l.URL())
	}
	return v
}

// ended is how the sign-in ended, nil if it did not.
func ended(l *Login) *answerOf {
	select {
	case a := <-l.answers:
		return &a
	default:
		return nil
	}
}

func TestS23StateIsRandom(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		l := testEMP(testRedirect).Begin()
		for _, secret := range []string{l.state, l.cookie, l.start} {
			// 26 letters of an alphabet of 32 are 130 bits.
			if len(strings.TrimPrefix(secret, pages)) < 26 || seen[secret] {
				t.Fatalf("%q is short or repeated", secret)
			}
			seen[secret] = true
		}
		u, err := url.Parse(l.URL())
		if err != nil || u.Query().Get("state") != l.state || u.Query().Get("redirect_uri") != testRedirect || u.Query().Get("response_type") != "code" {
			t.Fatalf("%v, %v", u, err)
		}
		if strings.Contains(l.StartURL(), l.state) || strings.Contains(l.StartURL(), l.cookie) || strings.Contains(l.URL(), l.cookie) {
			t.Fatal("an address holds a secret that it need not")
		}
	}
}

func TestS23Cookie(t *testing.T) {
	l := testEMP(testRedirect).Begin()
	v := started(t, l)
	if len(v.cookies) != 1 {
		t.Fatalf("cookies %v", v.cookies)
	}
	c := v.cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 600 || c.Path != "/callback" || c.Domain != "" {
		t.Errorf("cookie %v", c)
	}
	v.cookies = v.cookies[:1]
	v.get(answered(l, "code=c&state=STATE"))
	if last := v.cookies[len(v.cookies)-1]; last.MaxAge >= 0 || last.Value != "" {
		t.Errorf("the cookie stays: %v", last)
	}
}

// What does not belong to the sign-in is refused and leaves it as it is: the
// user's own answer still works. The rest ends it, and each says why.
func TestS23Answers(t *testing.T) {
	for _, c := range []struct {
		name, query string
		stranger    bool // another browser
		want        Refusal
		goesOn      bool
	}{
		{name: "well", query: "code=the-code&state=STATE&oauth2_backend_url=https%3A%2F%2Fkr.test%2F&user_number=KR1"},
		{name: "endless backend", query: "code=the-code&state=STATE&oauth2_backend_url=" + strings.Repeat("x", longestBackend+1)},
		{name: "missing", query: "code=c", want: NoState, goesOn: true},
		{name: "nothing", query: "", want: NoState, goesOn: true},
		{name: "empty", query: "code=c&state=", want: WrongState, goesOn: true},
		{name: "forged", query: "code=c&state=AAAAAAAAAAAAAAAAAAAAAAAAAA", want: WrongState, goesOn: true},
		{name: "cut", query: "code=c&state=STAT", want: WrongState, goesOn: true},
		{name: "twice", query: "code=c&state=STATE&state=STATE", want: WrongState, goesOn: true},
		{name: "no query", query: "code=c;x&state=STATE", want: WrongState, goesOn: true},
		{name: "another browser", query: "code=c&state=STATE", stranger: true, want: OtherBrowser, goesOn: true},
		{name: "denied by a stranger", query: "error=access_denied&state=x", want: WrongState, goesOn: true},
		{name: "denied", query: "error=access_denied&state=STATE", want: Denied},
		{name: "denied in another browser", query: "error=access_denied&state=STATE", stranger: true, want: OtherBrowser, goesOn: true},
		{name: "other error", query: "error=server_error&error_description=%1b[31mred&state=STATE", want: Failed},
		{name: "google, as documented", query: "returnCode=910&returnDescription=confirm_ggl", want: WantsApp, goesOn: true},
		{name: "google", query: "returnCode=910&returnDescription=confirm_ggl&state=STATE", want: WantsApp},
		{name: "other company", query: "returnCode=17&returnDescription=cancel&state=STATE", want: OtherCompany},
		{name: "no code", query: "state=STATE", want: NoCode},
		{name: "empty code", query: "code=&state=STATE", want: NoCode},
		{name: "two codes", query: "code=a&code=b&state=STATE", want: NoCode},
		{name: "long code", query: "code=" + strings.Repeat("x", longestCode+1) + "&state=STATE", want: NoCode},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := testEMP(testRedirect).Begin()
			own := started(t, l)
			asker := own
			if c.stranger {
				asker = &visitor{T: t, login: l, cookies: []*http.Cookie{{Name: loginCookie, Value: "other", Path: "/callback"}}}
			}
			res := asker.get(answered(l, c.query))
			page := welcome
			if c.want != "" {
				page = string(c.want)
			}
			if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != pages+page {
				t.Errorf("%s to %q, want %q", res.Status, res.Header.Get("Location"), page)
			}
			if l.Over() == c.goesOn {
				t.Errorf("over: %v", l.Over())
			}
			if c.goesOn {
				if a := ended(l); a != nil {
					t.Fatalf("ended by %+v", a)
				}
				own.get(answered(l, "code=real&state=STATE"))
				if a := ended(l); a == nil || a.code != "real" {
					t.Errorf("the real answer: %+v", a)
				}
				return
			}
			a := ended(l)
			e, refused := errors.AsType[*LoginError](a.err)
			if c.want == "" && (a.err != nil || a.code != "the-code" || a.backend != "https://kr.test/" && c.name == "well" || len(a.backend) > longestBackend) {
				t.Errorf("%+v", a)
			} else if c.want != "" && (!refused || e.Reason != c.want || a.code != "") {
				t.Errorf("%+v, want %s", a, c.want)
			}
		})
	}
}

func TestS23StateOnce(t *testing.T) {
	l := testEMP(testRedirect).Begin()
	v := started(t, l)
	v.get(answered(l, "code=first&state=STATE"))
	for range 3 {
		if to := v.get(answered(l, "code=again&state=STATE")).Header.Get("Location"); to != pages+string(UsedState) {
			t.Errorf("replayed: %q", to)
		}
	}
	if a := ended(l); a.code != "first" || ended(l) != nil {
		t.Errorf("%+v", a)
	}
	if _, _, err := l.Paste(answered(l, "code=again&state=STATE")); !refusedAs(err, UsedState) {
		t.Errorf("pasted again: %v", err)
	}
}

func refusedAs(err error, want Refusal) bool {
	e, ok := errors.AsType[*LoginError](err)
	return ok && e.Reason == want
}

func TestS23StateExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := testEMP(testRedirect).Begin()
		v := started(t, l)
		time.Sleep(SignInTime - time.Second)
		if l.Over() {
			t.Error("over too early")
		}
		time.Sleep(time.Second)
		if to := v.get(answered(l, "code=late&state=STATE")).Header.Get("Location"); to != pages+string(Expired) || ended(l) != nil {
			t.Errorf("late: %q", to)
		}
		if _, _, err := l.Paste(answered(l, "code=late&state=STATE")); !refusedAs(err, Expired) || !l.Over() {
			t.Errorf("pasted late: %v", err)
		}
	})
}

// The state of another process, or of another sign-in of this one, is worth
// nothing.
func TestS24StateOfAnotherSignIn(t *testing.T) {
	mine, other := testEMP(testRedirect).Begin(), testEMP(testRedirect).Begin()
	v := started(t, mine)
	started(t, other)
	if to := v.get(answered(other, "code=attacker&state=STATE")).Header.Get("Location"); to != pages+string(WrongState) || ended(mine) != nil {
		t.Errorf("%q", to)
	}
	if _, _, err := mine.Paste(answered(other, "code=attacker&state=STATE")); !refusedAs(err, WrongState) {
		t.Errorf("pasted: %v", err)
	}
}

func TestS25Paste(t *testing.T) {
	for _, c := range []struct {
		name, redirect, address string
		want                    Refusal
	}{
		{name: "well", address: "http://127.0.0.1:8765/callback?code=c&state=STATE"},
		{name: "with blanks", address: "  \"http://127.0.0.1:8765/callback?code=c&state=STATE\"\r\n"},
		{name: "elsewhere", redirect: "https://bridge.test/cb", address: "https://bridge.test/cb?code=c&state=STATE"},
		{name: "other host", address: "http://127.0.0.2:8765/callback?code=c&state=STATE", want: NotTheAddress},
		{name: "other port", address: "http://127.0.0.1:8766/callback?code=c&state=STATE", want: NotTheAddress},
		{name: "other path", address: "http://127.0.0.1:8765/callback/?code=c&state=STATE", want: NotTheAddress},
		{name: "same path otherwise", address: "http://127.0.0.1:8765/call%62ack?code=c&state=STATE", want: NotTheAddress},
		{name: "other scheme", address: "https://127.0.0.1:8765/callback?code=c&state=STATE", want: NotTheAddress},
		{name: "with a user", address: "http://u@127.0.0.1:8765/callback?code=c&state=STATE", want: NotTheAddress},
		{name: "only the code", address: "c", want: NotTheAddress},
		{name: "LG's page", address: "https://emp.test/emp/v2/authorize?state=STATE", want: NotTheAddress},
		{name: "no address", address: "http://[", want: NotTheAddress},
		{name: "endless", address: "http://127.0.0.1:8765/callback?code=c&state=STATE&x=" + strings.Repeat("x", longestAnswer), want: NotTheAddress},
		{name: "forged", address: "http://127.0.0.1:8765/callback?code=c&state=x", want: WrongState},
		{name: "missing", address: "http://127.0.0.1:8765/callback?code=c", want: NoState},
		{name: "denied", address: "http://127.0.0.1:8765/callback?error=access_denied&state=STATE", want: Denied},
	} {
		t.Run(c.name, func(t *testing.T) {
			redirect := testRedirect
			if c.redirect != "" {
				redirect = c.redirect
			}
			l := testEMP(redirect).Begin()
			code, _, err := l.Paste(strings.ReplaceAll(c.address, "STATE", l.state))
			if c.want == "" && (err != nil || code != "c") || c.want != "" && !refusedAs(err, c.want) {
				t.Errorf("code %q, %v", code, err)
			}
			if l.Over() != (c.want == "" || c.want == Denied) {
				t.Errorf("over: %v", l.Over())
			}
		})
	}
}

func TestS25OnlyItsPaths(t *testing.T) {
	l := testEMP(testRedirect).Begin()
	v := started(t, l)
	for _, c := range []struct {
		method, path, host string
		want               int
	}{
		{"GET", "/", "", 404},
		{"GET", "/callback/", "", 404},
		{"GET", "/call%62ack", "", 404},
		{"GET", "//callback", "", 404},
		{"GET", "/sign-in/", "", 404},
		{"GET", "/sign-in/AAAAAAAAAAAAAAAAAAAAAAAAAA", "", 404},
		{"GET", "/favicon.ico", "", 404},
		{"GET", "/metrics", "", 404},
		{"POST", "/callback", "", 405},
		{"HEAD", "/callback", "", 405},
		{"OPTIONS", "/callback", "", 405},
		{"POST", l.start, "", 405},
		{"GET", "/callback", "localhost:8765", 421},
		{"GET", "/callback", "attacker.test:8765", 421},
		{"GET", "/callback", "127.0.0.1", 421},
		{"GET", l.start, "attacker.test", 421},
		{"GET", "/callback", "", 303},
		{"GET", "/sign-in/done", "", 200},
		{"GET", "/sign-in/denied", "", 403},
	} {
		r := httptest.NewRequest(c.method, "http://127.0.0.1:8765"+c.path+"?code=c&state="+l.state, nil)
		r.AddCookie(v.cookies[0])
		if c.host != "" {
			r.Host = c.host
		}
		w := httptest.NewRecorder()
		l.Handler().ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s %s at %q: %d, want %d", c.method, c.path, c.host, w.Code, c.want)
		}
		if c.want != 303 && c.want != 200 && c.want != 403 && ended(l) != nil {
			t.Errorf("%s %s at %q ended the sign-in", c.method, c.path, c.host)
		}
		for name, value := range loginHeaders {
			if w.Header().Get(name) != value {
				t.Errorf("%s %s: %s is %q", c.method, c.path, name, w.Header().Get(name))
			}
		}
	}
}

// A browser leaves the usual port out, even where the redirect address has it.
func TestS25UsualPort(t *testing.T) {
	for redirect, host := range map[string]string{
		"http://127.0.0.1:80/callback": "127.0.0.1", "http://localhost/callback": "localhost:80", "http://[::1]:80/callback": "[::1]",
	} {
		l := testEMP(redirect).Begin()
		r := httptest.NewRequest("GET", "http://"+host+l.start, nil)
		w := httptest.NewRecorder()
		if l.Handler().ServeHTTP(w, r); w.Code != 303 {
			t.Errorf("%s under the name %s: %d", redirect, host, w.Code)
		}
		if _, _, err := l.Paste("http://" + host + "/callback?code=c&state=" + l.state); err != nil {
			t.Errorf("%s, pasted with %s: %v", redirect, host, err)
		}
	}
	l := testEMP("https://bridge.test/callback").Begin()
	if _, _, err := l.Paste("https://bridge.test:80/callback?code=c&state=" + l.state); !refusedAs(err, NotTheAddress) {
		t.Errorf("another port: %v", err)
	}
}

// No answer of ours repeats what LG sent: neither headers nor page.
func TestS26NoResidue(t *testing.T) {
	for _, query := range []string{"code=c0de&state=STATE", "code=c0de&state=other", "error=c0de&state=STATE", "returnCode=c0de&state=STATE"} {
		l := testEMP(testRedirect).Begin()
		v := started(t, l)
		res := v.get(answered(l, query))
		page := v.get("http://127.0.0.1:8765" + res.Header.Get("Location"))
		for _, r := range []*http.Response{res, page} {
			body, _ := io.ReadAll(r.Body)
			text := string(body)
			for name, values := range r.Header {
				text += name + strings.Join(values, " ")
			}
			for _, secret := range []string{"c0de", l.state, l.cookie, "callback?"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s: %q in %s", query, secret, text)
				}
			}
		}
		if a := ended(l); a != nil && a.err != nil && strings.Contains(a.err.Error(), l.state) {
			t.Errorf("the error holds the state: %v", a.err)
		}
	}
}

// Every refusal says what to do, and its page shows it.
func TestRefusals(t *testing.T) {
	l := testEMP(testRedirect).Begin()
	for _, r := range []Refusal{NoState, WrongState, OtherBrowser, NotTheAddress, UsedState, Expired, NoAnswer, Denied, Failed, WantsApp, OtherCompany, NoCode} {
		text := (&LoginError{Reason: r}).Text()
		if len(text) < 60 || !strings.HasSuffix(text, ".") {
			t.Errorf("%s: %q", r, text)
		}
		res := (&visitor{T: t, login: l}).get("http://127.0.0.1:8765" + pages + string(r))
		if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusForbidden || !strings.Contains(string(body), text[:20]) {
			t.Errorf("%s: %s %s", r, res.Status, body)
		}
	}
	if len(refusals) != 12 {
		t.Errorf("%d refusals", len(refusals))
	}
	e := &LoginError{Reason: Failed, Detail: "why"}
	if !strings.HasSuffix(e.Error(), "(why)") || ClassOf(e) != Auth {
		t.Errorf("%v, %s", e, ClassOf(e))
	}
}

func TestLoginAddresses(t *testing.T) {
	for _, c := range []struct {
		redirect, addresses, start string
		local                      bool
	}{
		{"http://127.0.0.1:8765/callback", "127.0.0.1:8765", "http://127.0.0.1:8765/sign-in/", true},
		{"http://[::1]:8765/callback", "[::1]:8765", "http://[::1]:8765/sign-in/", true},
		{"http://LOCALHOST:1/callback", "127.0.0.1:1 [::1]:1", "http://LOCALHOST:1/sign-in/", true},
		{"http://127.0.0.1/callback", "127.0.0.1:80", "http://127.0.0.1/sign-in/", true},
		{"https://127.0.0.1:8765/callback", "127.0.0.1:8765", "", false},
		{"https://bridge.test/callback", "bridge.test:80", "", false},
		{"http://localhost.bridge.test/callback", "localhost.bridge.test:80", "", false},
		{"http://%zz", ":80", "", false},
	} {
		l := testEMP(c.redirect).Begin()
		if got := strings.Join(l.Addresses(), " "); got != c.addresses || l.Local() != c.local {
			t.Errorf("%s: %s, local %v", c.redirect, got, l.Local())
		}
		if c.local && !strings.HasPrefix(l.StartURL(), c.start) {
			t.Errorf("%s: starts at %s", c.redirect, l.StartURL())
		}
	}
}
