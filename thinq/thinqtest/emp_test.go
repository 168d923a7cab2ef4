package thinqtest_test

import (
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest/bounds"
)

var (
	formTag  = regexp.MustCompile(`<form id="sign-in" method="post" action="([^"]*)">`)
	inputTag = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	empToken = regexp.MustCompile(`^[0-9a-f]{96}$`)
	alertTag = regexp.MustCompile(`<p class="alert" id="alert" role="alert">([^<]*)</p>`)
)

func TestAuthorize(t *testing.T) {
	v := newVisitor(t, thinqtest.Options{Samples: fleet()[:1]})
	for _, tt := range []struct {
		name, method, path string
		query              url.Values
		found              bool
	}{
		{"complete", "GET", "/authorize", v.asked(), true},
		{"the front page", "GET", "/empsign_in", v.asked(), true},
		{"redirect that is not registered", "GET", "/authorize", v.asked("redirect_uri", "https://evil.test/"), true},
		{"no response_type", "GET", "/authorize", v.asked("response_type", ""), false},
		{"response_type token", "GET", "/authorize", v.asked("response_type", "token"), false},
		{"no client_id", "GET", "/authorize", v.asked("client_id", ""), false},
		{"another client", "GET", "/authorize", v.asked("client_id", "APP1"), false},
		{"no redirect_uri", "GET", "/authorize", v.asked("redirect_uri", ""), false},
		{"relative redirect", "GET", "/authorize", v.asked("redirect_uri", "/callback"), false},
		{"redirect with a fragment", "GET", "/authorize", v.asked("redirect_uri", home+"#x"), false},
		{"no state", "GET", "/authorize", v.asked("state", ""), false},
		{"an empty state", "GET", "/authorize", url.Values{
			"response_type": {"code"}, "client_id": {v.s.ClientID}, "redirect_uri": {home}, "state": {""}}, false},
		{"a scope", "GET", "/authorize", v.asked("scope", "all"), false},
		{"PKCE", "GET", "/authorize", v.asked("code_challenge", "x", "code_challenge_method", "S256"), false},
		{"nothing", "GET", "/authorize", nil, false},
		{"two states", "GET", "/authorize", url.Values{
			"response_type": {"code"}, "client_id": {v.s.ClientID}, "redirect_uri": {home}, "state": {"a", "b"}}, false},
		{"posted", "POST", "/authorize", v.asked(), false},
		{"another path", "GET", "/login", v.asked(), false},
		{"token asked for with GET", "GET", "/token", v.codeForm("x"), false},
	} {
		got := v.do(tt.method, tt.path+"?"+tt.query.Encode(), "")
		status, part := http.StatusInternalServerError, `<h1 id="error">Page not found</h1>`
		if tt.found {
			status, part = http.StatusOK, `<form id="sign-in"`
		}
		if got.status != status || !strings.Contains(got.body, part) || got.kind != "text/html; charset=utf-8" {
			t.Errorf("%s: got %+v", tt.name, got)
		}
	}
}

func TestSignInPage(t *testing.T) {
	const odd, evil = `a"b<c>&d=é+ /%2B`, "https://evil.test/callback"
	v := newVisitor(t, thinqtest.Options{Samples: fleet()[:1], RedirectURLs: []string{home, "app.test:/back?from=emp"}})
	for _, tt := range []struct {
		name, button, redirect, state string
		location                      string // pattern
		alert                         string
	}{
		{"success", "allow", home, "Zm9v", `^http://127\.0\.0\.1:8765/callback\?code=[0-9a-f]{40}&state=Zm9v$`, ""},
		{"state comes back as it was", "allow", home, odd, `&state=` + regexp.QuoteMeta(url.QueryEscape(odd)) + `$`, ""},
		{"redirect with a query", "allow", "app.test:/back?from=emp", "s", `^app\.test:/back\?from=emp&code=[0-9a-f]{40}&state=s$`, ""},
		{"refused", "refuse", home, "s", "", "You refused. The service has not been told."},
		{"terms", "terms", home, "s", "", "This service is not currently supported in your country."},
		{"not registered", "allow", evil, "s", "", "Mismathing Redirect URI Error"},
		{"another port", "allow", "http://127.0.0.1:8766/callback", "s", "", "Mismathing Redirect URI Error"},
		{"not registered, with Google", "google", evil, "s", "", "Mismathing Redirect URI Error"},
		{"as if not registered", "redirect", home, "s", "", "Mismathing Redirect URI Error"},
		{"Google", "google", home, "s", `^http://127\.0\.0\.1:8765/callback\?returnCode=910&returnDescription=confirm_ggl$`, ""},
	} {
		page := v.do("GET", "/authorize?"+v.asked("redirect_uri", tt.redirect, "state", tt.state).Encode(), "")
		got := v.press(page, tt.button)
		if tt.alert == "" {
			if got.status != http.StatusFound || !regexp.MustCompile(tt.location).MatchString(got.location) {
				t.Errorf("%s: got %d %s", tt.name, got.status, got.location)
			}
			continue
		}
		alert := alertTag.FindStringSubmatch(got.body)
		if got.status != http.StatusOK || got.location != "" || alert == nil || alert[1] != tt.alert {
			t.Errorf("%s: got %d %q %s", tt.name, got.status, alert, got.location)
		}
		if tt.redirect == home { // the page serves on
			if again := v.press(got, "allow"); again.status != http.StatusFound {
				t.Errorf("%s: then %d", tt.name, again.status)
			}
		}
	}
}

// A form that the page would not send is not understood.
func TestForgedForm(t *testing.T) {
	v := newVisitor(t, thinqtest.Options{Samples: fleet()[:1]})
	for name, form := range map[string]string{
		"no choice":      v.asked().Encode(),
		"another choice": v.asked("choice", "steal").Encode(),
		"another client": v.asked("choice", "allow", "client_id", "APP1").Encode(),
		"no state":       v.asked("choice", "allow", "state", "").Encode(),
		"broken":         v.asked("choice", "allow").Encode() + "&x=%zz",
	} {
		if got := v.do("POST", "/empsign_in", form); got.status != http.StatusInternalServerError || got.location != "" {
			t.Errorf("%s: got %d %s", name, got.status, got.location)
		}
	}
}

// An app that signed its user in with Google comes back with three headers.
func TestThirdParty(t *testing.T) {
	v := newVisitor(t, thinqtest.Options{Samples: fleet()[:1]})
	path := "/empsign_in?" + v.asked().Encode()
	header := []string{"user_id_type", "GGL", "user_id", "1234", "user_thirdparty_token", "secret of Google"}
	got := v.do("GET", path, "", header...)
	u, err := url.Parse(got.location)
	if err != nil || got.status != http.StatusFound {
		t.Fatalf("got %+v", got)
	}
	if a := v.token(v.codeForm(u.Query().Get("code"))); a.Access == "" {
		t.Errorf("got %+v", a)
	}
	for i := range 3 {
		if got := v.do("GET", path, "", append(header[:2*i:2*i], header[2*i+2:]...)...); got.status != http.StatusOK {
			t.Errorf("without %s: got %d", header[2*i], got.status)
		}
	}
}

// Another of LG's apps gets the address of the backend with the code, and must
// give it back.
func TestBackend(t *testing.T) {
	v := newVisitor(t, thinqtest.Options{Samples: fleet()[:1], Backend: true})
	back := v.signIn()
	if got := back.Get("oauth2_backend_url"); got != "https://kr.lgeapi.test/" || back.Get("user_number") == "" || len(back) != 4 {
		t.Errorf("sent back: %v", back)
	}
	missing := answer{Status: 200, Error: "412", Message: "required backend_url"}
	if diff := cmp.Diff(missing, v.token(v.codeForm(back.Get("code")))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	a := v.token(v.codeForm(back.Get("code"), "backend_url", back.Get("oauth2_backend_url")))
	if a.Access == "" || a.Backend != back.Get("oauth2_backend_url") {
		t.Errorf("got %+v", a)
	}
	if diff := cmp.Diff(missing, v.token(v.renewal(a.Refresh))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every error of LG's tables, in each of the three forms.
func TestSignInErrors(t *testing.T) {
	for _, form := range []thinqtest.SignInErrors{"", "ok", "status", "text"} {
		v := newVisitor(t, thinqtest.Options{Samples: fleet()[:1], SignInErrors: form})
		for _, tt := range []struct {
			fault         string
			form          url.Values
			code, message string
			status        int
		}{
			{"", nil, "412", "required client_id", 412},
			{"", v.codeForm("x", "client_id", "APP1"), "401", "not allowed client_id", 401},
			{"", v.codeForm("x"), "LG.OAUTH.EC.4001", "OAuth2 processing error", 400},
			{"400", nil, "400", "App_id Fail", 400},
			{"401", nil, "401", "not allowed client_id", 401},
			{"412", nil, "412", "required code", 412},
			{"500", nil, "500", "oauth date time error", 500},
			{"LG.OAUTH.EC.4001", nil, "LG.OAUTH.EC.4001", "OAuth2 processing error", 400},
			{"9999", nil, "9999", "Simulated fault", 400},
		} {
			if tt.fault != "" {
				fault := thinqtest.Fault{Match: thinqtest.Match{Path: "/emp/v2/token"}, Code: tt.fault, Times: 1}
				if err := v.s.Fault(fault); err != nil {
					t.Fatal(err)
				}
			}
			got := v.do("POST", "/token", tt.form.Encode())
			want := view{tt.status, "application/json", "", `{"httpError":"` + tt.code + `","message":"` + tt.message + `"}`}
			switch form {
			case "", "ok":
				want.status = 200
			case "text":
				want.kind, want.body = "text/plain", tt.message
			}
			if got != want {
				t.Errorf("%q, %+v: got %+v", form, tt, got)
			}
			if calls := v.s.Calls(0); calls[len(calls)-1].Code != tt.code || calls[len(calls)-1].Status != want.status {
				t.Errorf("recorded %+v", calls[len(calls)-1])
			}
		}
	}
}

func TestEMPFaults(t *testing.T) {
	const gateway = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
	v := newVisitor(t, thinqtest.Options{Samples: fleet()[:1]})
	authorize := "/authorize?" + v.asked().Encode()
	for _, tt := range []struct {
		fault, method, path string
		status              int
		part                string // of the body; "": it is empty
	}{
		{`{"match":{"path":"/emp/v2/token"},"status":503}`, "POST", "/token", 503, ""},
		{`{"match":{"path":"/emp/v2/token"},"code":"500","status":503}`, "POST", "/token", 503, `"oauth date time error"`},
		{`{"match":{"path":"/emp/v2/token"},"body":"html"}`, "POST", "/token", 502, gateway},
		{`{"match":{"path":"/emp/v2/token"},"body":"empty"}`, "POST", "/token", 200, ""},
		{`{"match":{"path":"/emp/v2/token"},"body":"invalid"}`, "POST", "/token", 200, `"resp`},
		{`{"match":{"path":"/emp/v2/authorize"},"code":"500"}`, "GET", authorize, 500, "Page not found"},
		{`{"match":{"path":"/emp/v2/authorize"},"code":"400"}`, "GET", authorize, 400, "app_id is invalid"},
		{`{"match":{"path":"/emp/v2/authorize"},"body":"html"}`, "GET", authorize, 502, gateway},
		{`{"match":{"path":"/emp/v2/authorize"},"status":500}`, "POST", "/token", 200, "required client_id"},
	} {
		v.s.ClearFaults()
		var f thinqtest.Fault
		if err := json.Unmarshal([]byte(tt.fault), &f); err != nil {
			t.Fatal(err)
		}
		if err := v.s.Fault(f); err != nil {
			t.Fatal(err)
		}
		got := v.do(tt.method, tt.path, "")
		if got.status != tt.status || !strings.Contains(got.body, tt.part) || (got.body == "") != (tt.part == "") {
			t.Errorf("%s: got %+v", tt.fault, got)
		}
	}
}

// The admin door changes what EMP does from then on.
func TestAdminOAuth(t *testing.T) {
	v := newVisitor(t, thinqtest.Options{Samples: fleet()[:1]})
	change := func(body string) int {
		w := httptest.NewRecorder()
		v.s.AdminHandler().ServeHTTP(w, httptest.NewRequest("POST", "/sim/oauth", strings.NewReader(body)))
		return w.Code
	}
	a := v.issued()
	if change(`{"renewal":"rotate"}`) != 200 || v.token(v.renewal(a.Refresh)).Refresh == "" {
		t.Error("the renewal does not rotate")
	}
	a = v.issued()
	if change(`{"errors":"never","revoke":true}`) != 400 || !v.accepts(a.Access) {
		t.Error("a change that makes no sense in part was made in part")
	}
	if change(`{"errors":"status"}`) != 200 || v.token(nil).Status != 412 || v.token(v.renewal(a.Refresh)).Refresh == "" {
		t.Error("the errors did not change, or not they alone")
	}
	if change(`{"revoke":true}`) != 200 || v.accepts(a.Access) {
		t.Error("not revoked")
	}
}

// The record of calls tells secrets apart and shows none.
func TestEMPCallLog(t *testing.T) {
	v := newVisitor(t, thinqtest.Options{Samples: fleet()[:1]})
	code := v.signIn().Get("code")
	first := v.token(v.codeForm(code, "client_secret", v.s.ClientSecret))
	v.do("POST", "/token?"+v.renewal(first.Refresh).Encode(), "")
	v.do("POST", "/token?refresh%5Ftoken="+first.Refresh+"&access_token="+first.Access+"&client_secret=%zz", "")
	v.do("GET", "/empsign_in", "", "user_thirdparty_token", code)
	inJSON, _ := json.Marshal(map[string]string{"refresh_token": first.Refresh})
	v.do("POST", "/token", string(inJSON), "Content-Type", "application/json")
	v.accepts(first.Access)
	calls := v.s.Calls(0)
	data, _ := json.Marshal(calls)
	for name, secret := range map[string]string{
		"code": code, "access token": first.Access, "refresh token": first.Refresh, "client secret": v.s.ClientSecret,
	} {
		if secret == "" || strings.Contains(string(data), secret) {
			t.Errorf("the %s is in the record", name)
		}
	}
	const hash = `sha256:[0-9a-f]{12}`
	for i, pattern := range []string{
		`^/emp/v2/authorize\?client_id=APP\w+&redirect_uri=[^&]+&response_type=code&state=Zm9v $`,
		`^/emp/v2/empsign_in\? "choice=allow&client_id=APP\w+&redirect_uri=[^&]+&response_type=code&state=Zm9v"$`,
		`^/emp/v2/token\? "client_id=APP\w+&client_secret=` + hash + `&code=` + hash + `&grant_type=authorization_code&redirect_uri=[^&]+"$`,
		`^/emp/v2/token\?client_id=APP\w+&grant_type=refresh_token&refresh_token=` + hash + ` $`,
		`^/emp/v2/token\?refresh%5Ftoken=` + hash + `&access_token=` + hash + `&client_secret=` + hash + ` $`,
		`^/emp/v2/empsign_in\? $`,
		`^/emp/v2/token\? {"refresh_token":"` + hash + `"}$`,
	} {
		got := calls[i].Path + "?" + calls[i].Query + " " + strings.ReplaceAll(string(calls[i].Body), `\u0026`, "&")
		if !regexp.MustCompile(pattern).MatchString(got) {
			t.Errorf("call %d: %s", i+1, got)
		}
	}
	same := regexp.MustCompile(`refresh(?:_|%5F)token=(` + hash + `)`)
	if a, b := same.FindStringSubmatch(calls[3].Query), same.FindStringSubmatch(calls[4].Query); a == nil || b == nil || a[1] != b[1] {
		t.Errorf("one token has two hashes: %q %q", a, b)
	}
	if got := calls[5].Headers["user_thirdparty_token"]; !regexp.MustCompile("^" + hash + "$").MatchString(got) {
		t.Errorf("recorded %q", got)
	}
}

// TestPlainEMP walks over real sockets, without TLS, as a person's browser does.
func TestPlainEMP(t *testing.T) {
	oauth, err1 := net.Listen("tcp", "127.0.0.1:0")
	socket, err2 := net.Listen("tcp", "127.0.0.1:0")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	s, err := thinqtest.NewServer(thinqtest.Options{Samples: fleet()[:1], OAuth: oauth, WebSocket: socket, Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if want := "http://" + oauth.Addr().String() + "/emp/v2"; s.OAuthURL != want {
		t.Errorf("EMP is at %s", s.OAuthURL)
	}
	if want := "ws://" + socket.Addr().String() + "/websocket"; s.WebSocketURL != want {
		t.Errorf("the callback is at %s", s.WebSocketURL)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	v := visitorOf(t, s, &http.Client{Transport: transport})
	if a := v.token(v.codeForm(v.signIn().Get("code"))); a.Access == "" {
		t.Errorf("got %+v", a)
	}
}

// Whatever is sent to EMP: it answers in its own way, and leads nobody to an
// address that is not registered.
func FuzzEMP(f *testing.F) {
	network := &thinqtest.Network{}
	s, err := serverOn(network, thinqtest.Options{Samples: fleet()[:1]})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.Close)
	transport := &http.Transport{DialContext: network.Dial, TLSClientConfig: &tls.Config{RootCAs: s.Roots()}}
	f.Cleanup(transport.CloseIdleConnections)
	asked := "response_type=code&state=s&choice=allow&client_id=CLIENT&redirect_uri="
	f.Add(byte(0), "response_type=code&state=s&client_id=CLIENT&redirect_uri="+url.QueryEscape(home), "")
	f.Add(byte(1), "", asked+url.QueryEscape(home))
	f.Add(byte(1), "", asked+url.QueryEscape("https://evil.test/"))
	f.Add(byte(1), "", asked+url.QueryEscape(home+"@evil.test/"))
	f.Add(byte(2), "client_id=CLIENT&grant_type=authorization_code", "code=x&redirect_uri="+url.QueryEscape(home))
	f.Add(byte(2), "%zz", "grant_type=refresh_token&client_id=CLIENT&refresh_token=x&backend_url=y;z")
	f.Fuzz(func(t *testing.T, door byte, query, body string) {
		defer bounds.Keep(t)()
		v := visitorOf(t, s, &http.Client{Transport: transport})
		fill := func(text string) string { return strings.ReplaceAll(text, "CLIENT", s.ClientID) }
		switch door % 3 {
		case 0:
			query, err := url.ParseQuery(fill(query))
			if got := v.do("GET", "/authorize?"+query.Encode(), ""); err == nil && got.status != 200 && got.status != 500 {
				t.Errorf("got %+v", got)
			}
		case 1:
			got := v.do("POST", "/empsign_in", fill(body))
			if to := strings.HasPrefix(got.location, home+"?"); to != (got.status == http.StatusFound) || !to && got.location != "" {
				t.Errorf("got %+v", got)
			}
		case 2:
			query, _ := url.ParseQuery(fill(query))
			got := v.do("POST", "/token?"+query.Encode(), fill(body))
			if got.status != 200 || !strings.HasPrefix(got.body, `{"httpError":"`) || !json.Valid([]byte(got.body)) {
				t.Errorf("got %+v", got)
			}
		}
	})
}

func TestPartner(t *testing.T) {
	v := newVisitor(t, thinqtest.Options{Samples: fleet()[:1]})
	for name, tt := range map[string]struct{ got, pattern string }{
		"EMP":         {v.s.OAuthURL, `^https://emp\.test:443/emp/v2$`},
		"callback":    {v.s.WebSocketURL, `^wss://socket\.test:443/websocket$`},
		"client id":   {v.s.ClientID, `^APP[0-9a-f]{10}$`},
		"secret":      {v.s.ClientSecret, `^[0-9a-f]{32}$`},
		"service id":  {v.s.ServiceID, `^[0-9a-f]{24}$`},
		"service key": {v.s.ServiceKey, `^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+$`},
		"redirects":   {strings.Join(v.s.RedirectURLs, " "), `^` + regexp.QuoteMeta(home) + `$`},
	} {
		if !regexp.MustCompile(tt.pattern).MatchString(tt.got) {
			t.Errorf("%s: %q", name, tt.got)
		}
	}
}
