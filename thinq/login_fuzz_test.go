package thinq

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest/bounds"
)

func FuzzPaste(f *testing.F) {
	for _, query := range []string{"?code=c&state=STATE", "?state=STATE", "?error=access_denied&state=STATE", "?returnCode=910", "?code=%zz&state=STATE", ";", "?state=STATE#x"} {
		f.Add(testRedirect + query)
	}
	f.Fuzz(func(t *testing.T, address string) {
		defer bounds.Keep(t)()
		l := testEMP(testRedirect).Begin()
		address = strings.ReplaceAll(address, "STATE", l.state)
		code, backend, err := l.Paste(address)
		switch {
		case err == nil && (code == "" || !strings.Contains(address, l.state) || len(backend) > longestBackend):
			t.Errorf("code %q from %q", code, address)
		case err != nil && strings.Contains(err.Error(), l.state):
			t.Errorf("the error holds the state: %v", err)
		case (err == nil) && !l.Over():
			t.Error("the state can be used again")
		}
		_, known := refusals[(&LoginError{Reason: reasonOf(err)}).Reason]
		if err != nil && !known {
			t.Errorf("no words for %v", err)
		}
		r := &http.Request{Method: http.MethodGet, Host: l.callback.Host, URL: &url.URL{Path: "/callback", RawQuery: address}}
		w := httptest.NewRecorder()
		l.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusSeeOther || strings.Contains(w.Header().Get("Location"), "?") {
			t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
		}
	})
}

// FuzzCallback: whatever a browser asks of the page, it is no way to end a
// sign-in but with its state and from its browser, and nothing secret comes back.
func FuzzCallback(f *testing.F) {
	for _, path := range []string{"/callback", "/", "/begin", "//callback", "/callback/", "/%2e"} {
		f.Add("GET", "127.0.0.1:8765", path, "code=c&state=STATE", "")
		f.Add("GET", "127.0.0.1:8765", path, "code=c&state=STATE", "thinq2mqtt=x")
	}
	f.Add("POST", "127.0.0.1:8765", "/callback", "", "")
	f.Add("GET", "evil.test", "/callback", "code=c&state=STATE", "a=b; c=d")
	f.Add("HEAD", "", "/callback", "error=access_denied&state=STATE&state=x", "=;;")
	f.Fuzz(func(t *testing.T, method, host, path, query, cookie string) {
		defer bounds.Keep(t)()
		l := testEMP(testRedirect).Begin()
		r := &http.Request{Method: method, Host: host, URL: &url.URL{Path: path, RawQuery: strings.ReplaceAll(query, "STATE", l.state)},
			Header: http.Header{"Cookie": {cookie}}}
		w := httptest.NewRecorder()
		l.Handler().ServeHTTP(w, r)
		if l.over {
			t.Errorf("%s %s%s?%s with %q ended the sign-in of another browser", method, host, path, query, cookie)
		}
		told := w.Body.String() + w.Header().Get("Location")
		if strings.Contains(told, l.state) || strings.Contains(told, l.cookie) || w.Code < 300 && method != http.MethodGet && method != http.MethodHead {
			t.Errorf("%s %s: %d, %q", method, path, w.Code, told)
		}
	})
}

func reasonOf(err error) Refusal {
	if e, ok := errors.AsType[*LoginError](err); ok {
		return e.Reason
	}
	return ""
}
