package thinqtest_test

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

const home = "http://127.0.0.1:8765/callback"

// A visitor is a browser in front of EMP that follows no redirect, and the
// service that sent it there.
type visitor struct {
	t    *testing.T
	s    *thinqtest.Server
	http *http.Client
}

func newVisitor(t *testing.T, o thinqtest.Options) visitor {
	s, network := newServer(t, o)
	return visitorOf(t, s, newCaller(t, s, network).http)
}

func visitorOf(t *testing.T, s *thinqtest.Server, c *http.Client) visitor {
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return visitor{t, s, c}
}

// A view is what came back.
type view struct {
	status         int
	kind, location string
	body           string
}

func (v visitor) do(method, path, body string, header ...string) view {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.s.OAuthURL+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := v.http.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return view{res.StatusCode, res.Header.Get("Content-Type"), res.Header.Get("Location"), string(data)}
}

// asked are the parameters of a right request, with changes: name and value,
// an empty value takes the parameter out.
func (v visitor) asked(changes ...string) url.Values {
	q := url.Values{"response_type": {"code"}, "client_id": {v.s.ClientID}, "redirect_uri": {home}, "state": {"Zm9v"}}
	return changed(q, changes)
}

func changed(q url.Values, changes []string) url.Values {
	for i := 0; i < len(changes); i += 2 {
		if q.Del(changes[i]); changes[i+1] != "" {
			q.Set(changes[i], changes[i+1])
		}
	}
	return q
}

// press presses a button of a page.
func (v visitor) press(page view, button string) view {
	v.t.Helper()
	form := formTag.FindStringSubmatch(page.body)
	if form == nil || !strings.Contains(page.body, `<button`) || !strings.Contains(page.body, ` id="`+button+`" name="choice" value="`+button+`">`) {
		v.t.Fatalf("no button %q in %d %s", button, page.status, page.body)
	}
	fields := url.Values{"choice": {button}}
	for _, input := range inputTag.FindAllStringSubmatch(page.body, -1) {
		fields.Add(input[1], html.UnescapeString(input[2]))
	}
	return v.do("POST", "/"+form[1], fields.Encode())
}

// signIn walks the page and returns what was sent back to the service.
func (v visitor) signIn(changes ...string) url.Values {
	v.t.Helper()
	back := v.press(v.do("GET", "/authorize?"+v.asked(changes...).Encode(), ""), "allow")
	u, err := url.Parse(back.location)
	if err != nil || back.status != http.StatusFound {
		v.t.Fatalf("got %+v (%v)", back, err)
	}
	return u.Query()
}

// answer is one of the token endpoint's.
type answer struct {
	Status    int    `json:"-"`
	Access    string `json:"access_token"`
	Refresh   string `json:"refresh_token"`
	ExpiresIn any    `json:"expires_in"` // text or number
	Backend   string `json:"oauth2_backend_url"`
	Error     string `json:"httpError"`
	Message   string `json:"message"`
}

// token asks the token endpoint.
func (v visitor) token(form url.Values) answer {
	v.t.Helper()
	got := v.do("POST", "/token", form.Encode())
	a := answer{Status: got.status}
	if err := json.Unmarshal([]byte(got.body), &a); err != nil {
		v.t.Fatalf("%v in %+v", err, got)
	}
	return a
}

func (v visitor) codeForm(code string, changes ...string) url.Values {
	return changed(url.Values{
		"grant_type": {"authorization_code"}, "client_id": {v.s.ClientID}, "redirect_uri": {home}, "code": {code},
	}, changes)
}

func (v visitor) renewal(token string, changes ...string) url.Values {
	return changed(url.Values{
		"grant_type": {"refresh_token"}, "client_id": {v.s.ClientID}, "refresh_token": {token},
	}, changes)
}

// issued is a token answer as if somebody had signed in.
func (v visitor) issued() answer {
	var a answer
	if err := json.Unmarshal(v.s.EMPToken(), &a); err != nil {
		v.t.Fatal(err)
	}
	return a
}

// accepts asks the callback websocket, without the rest of its handshake.
func (v visitor) accepts(token string) bool {
	address := "https" + strings.TrimPrefix(v.s.WebSocketURL, "wss") + "?access_token=" + token
	r, err := http.NewRequestWithContext(v.t.Context(), "GET", address, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	res, err := v.http.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode != http.StatusUnauthorized
}
