package thinq

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest/bounds"
)

var signInRefusals = []struct {
	name   string
	status int
	body   string
	code   string
	class  Class
	text   string // a part of it
}{
	{"v2 as LG's documents say", 200, `{"httpError":"412","message":"required code"}`, "412", Auth, "code of the sign-in"},
	{"v2 with a status", 412, `{"httpError":"412","message":"required refresh_token"}`, "412", Auth, "refresh token"},
	{"v2 in plain words", 412, "required redirect_uri", "", Auth, "oauth.redirect_url"},
	{"v2 in plain words under 200", 200, "required backend_url", "", Auth, "back end"},
	{"v2 by a number", 200, `{"httpError":412,"message":"required grant_type"}`, "412", Auth, "a parameter"},
	{"v2 without words", 200, `{"httpError":"412"}`, "412", Auth, "a parameter"},
	{"v2 with words in the one documented member", 200, `{"httpError":"required client_id"}`, "", Auth, "app key"},
	{"v2 client", 401, `{"httpError":"401","message":"not allowed client_id"}`, "401", Auth, "app key"},
	{"v2 client without words", 401, ``, "", Auth, "app key"},
	{"v2 in trouble", 500, `{"httpError":"500","message":"oauth date time error"}`, "500", Busy, "trouble"},
	{"v2 in trouble under 200", 200, `{"httpError":"500","message":"oauth date time error",}`, "500", Busy, "trouble"},
	{"v2 in trouble of another kind", 200, `{"httpError":"500","message":"out of luck"}`, "500", Busy, "trouble"},
	{"v1 client", 400, `{"code":"400","message":"App_id Fail"}`, "400", Auth, "app key"},
	{"v1 client at the door", 400, "app_id is invalid", "", Auth, "app key"},
	{"v1 parameter", 200, `{"code":"LG.OAUTH.EC.4001","message":"OAuth2 processing error"}`, "LG.OAUTH.EC.4001", Auth, "login"},
	{"v1 parameter in an object", 400, `{"error":{"code":"LG.OAUTH.EC.4001","message":"OAuth2 processing error"}}`, "LG.OAUTH.EC.4001", Auth, "login"},
	{"v1 parameter in words", 200, "OAuth2 processing error", "", Auth, "login"},
	{"v1 parameter by its code", 200, `{"httpError":"LG.OAUTH.EC.4001"}`, "LG.OAUTH.EC.4001", Auth, "login"},
	{"OAuth's own form", 400, `{"error":"invalid_grant","error_description":"it is over"}`, "invalid_grant", Auth, "login"},
	{"a code nobody knows, in trouble", 503, `{"code":"LG.OAUTH.EC.5001"}`, "LG.OAUTH.EC.5001", Busy, "trouble"},
	{"a gateway", 502, "<html>bad gateway", "", Busy, "trouble"},
	{"a login page", 200, "<html>log in", "", Busy, "login page"},
	{"nothing", 200, "", "", Busy, "login page"},
	{"no token", 200, `{"expires_in":"3600"}`, "", Busy, "login page"},
	{"a token of another kind", 200, `{"access_token":5}`, "", Busy, "login page"},
	{"a token that cannot be sent", 200, `{"access_token":"a b"}`, "", Busy, "login page"},
	{"half an answer", 200, `{"access_token":"` + canary, "", Busy, "login page"},
	{"null", 200, "null", "", Busy, "login page"},
	{"wrong path", 404, "Page not found", "", Busy, "login page"},
	{"too many calls", 429, "", "", Busy, "login page"},
	{"a token as a form", 200, "access_token=" + canary, "", Busy, "login page"},
	{"a token in a list", 200, `["` + canary + `"]`, "", Busy, "login page"},
	{"too much", 200, `{"access_token":"a"` + strings.Repeat(" ", smallAnswer) + "}", "", Busy, ""},
}

func TestSignInErrors(t *testing.T) {
	s := newLG(t, nil)
	for _, tt := range signInRefusals {
		t.Run(tt.name, func(t *testing.T) {
			s.answer = says(tt.status, tt.body)
			_, err := s.emp().Exchange(t.Context(), canaryCode, "https://kr.example")
			if ClassOf(err) != tt.class || strings.Contains(fmt.Sprint(err), canary) {
				t.Errorf("class %q: %v", ClassOf(err), err)
			}
			e, ok := errors.AsType[*SignInError](err)
			if tt.text == "" {
				return
			}
			if !ok || e.Code != tt.code || e.Status != tt.status || !strings.Contains(e.Text(), tt.text) || !strings.HasSuffix(err.Error(), e.Text()) {
				t.Errorf("%+v: %v", e, err)
			}
			if n := len(err.Error()); n > 500 || strings.ContainsAny(err.Error(), "\r\n<") {
				t.Errorf("%d characters: %v", n, err)
			}
		})
	}
}

func TestSignInTexts(t *testing.T) {
	var seen []string
	for i, m := range signIns {
		if !strings.HasSuffix(m.text, ".") || m.class != Auth && m.class != Busy || m.part != strings.ToLower(m.part) || m.code+m.part == "" {
			t.Errorf("%+v", m)
		}
		for _, earlier := range signIns[:i] {
			if earlier.code == "" && strings.Contains(m.part, earlier.part) {
				t.Errorf("%q is never reached", m.part)
			}
		}
		seen = append(seen, m.code+" "+m.part)
	}
	slices.Sort(seen)
	if len(slices.Compact(seen)) != len(signIns) {
		t.Error("a line is there twice")
	}
}

// echoes are answers that repeat what nobody is to see.
var echoes = map[string]string{
	"code": `{"code":%q}`, "httpError": `{"httpError":%q,"message":"no"}`, "message": `{"message":"required x, got %s"}`,
	"error": `{"error":%q,"error_description":%[1]q}`, "nested": `{"error":{"code":%q,"message":%[1]q}}`,
	"plain": "no: %s", "page": "<html>%s", "form": "access_token=%s", "broken": `{"message":%q`, "array": `[%q]`, "member": `{%q:1}`,
	"the edge of the line": `{"message":"` + strings.Repeat("x ", maxMessage/2-5) + `%s"}`,
	"escaped":              `{"message":"\u006eo %s"}`,
}

// TestSignInSecretsStayInside lets LG, and a network, echo everything they know,
// and tokens that they make up.
func TestSignInSecretsStayInside(t *testing.T) {
	made := strings.Repeat("0123456789abcdef", 6)
	s := newLG(t, nil)
	for name, echo := range echoes {
		for _, secret := range []string{canaryCode, canaryRefresh, url.QueryEscape(canaryRefresh), canarySecret, made} {
			for _, status := range []int{200, 400, 502} {
				s.answer = func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(status)
					fmt.Fprintf(w, echo, secret)
				}
				_, err1 := s.emp().Exchange(t.Context(), canaryCode, "")
				_, err2 := s.emp().Refresh(t.Context(), Token{Token: oauth2.Token{RefreshToken: canaryRefresh}})
				text := fmt.Sprintf("%v %+v %#v", errors.Join(err1, err2), err1, err2)
				sent := map[string]error{canaryCode: err1, canaryRefresh: err2, url.QueryEscape(canaryRefresh): err2}
				if only, ok := sent[secret]; ok {
					text = fmt.Sprintf("%v %+v %#v", only, only, only)
				}
				if err1 == nil || err2 == nil || strings.Contains(text, secret[:16]) {
					t.Errorf("%s of %s under %d: %s", name, secret, status, text)
				}
			}
		}
	}
}

// TestNetworkEchoesNothing has a server that throws the request back.
func TestNetworkEchoesNothing(t *testing.T) {
	echo := func(network, addr string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			buf := make([]byte, 4096)
			n, _ := far.Read(buf)
			_, after, _ := strings.Cut(string(buf[:n]), "Authorization: ")
			if n == 0 {
				return
			}
			_, body, _ := strings.Cut(string(buf[:n]), "\r\n\r\n")
			io.WriteString(far, body+after+"\r\n\r\n")
		}()
		return near, nil
	}
	e := EMP{URL: "http://127.0.0.1/emp/v2", ClientSecret: canarySecret,
		Dial: func(_ context.Context, network, addr string) (net.Conn, error) { return echo(network, addr) }}
	_, err1 := e.Exchange(t.Context(), canaryCode, "")
	_, err2 := e.Refresh(t.Context(), Token{Token: oauth2.Token{RefreshToken: canaryRefresh}})
	text := fmt.Sprint(err1, err2)
	for _, secret := range []string{canaryCode, url.QueryEscape(canaryRefresh), canarySecret} {
		if strings.Contains(text, secret) {
			t.Errorf("%s in %s", secret, text)
		}
	}
	if !strings.Contains(text, "[secret]") || ClassOf(err1) != Busy {
		t.Errorf("nothing was echoed: %s", text)
	}
}

// Whatever answers, the error has one line, a class and something to do.
func FuzzSignInAnswer(f *testing.F) {
	for _, tt := range signInRefusals {
		if len(tt.body) < 1000 {
			f.Add(tt.status, "application/json", []byte(tt.body))
		}
	}
	for _, echo := range echoes {
		f.Add(200, "text/plain", fmt.Appendf(nil, echo, canaryCode))
	}
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		defer bounds.Keep(t)()
		resp := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}}}
		e := refusalOf(resp, body, errors.New("it has no access_token"), []string{canaryCode})
		text := e.Error()
		if class := e.Class(); class != Auth && class != Busy {
			t.Errorf("class %q", class)
		}
		if e.Text() == "" || len([]rune(text)) > 600 || strings.ContainsAny(text, "\r\n") || strings.Contains(text, canaryCode) {
			t.Errorf("%q", text)
		}
	})
}
