package thinq

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// EMP is LG's Enterprise Membership Platform, where the users of a partner sign
// in: an OAuth 2.0 authorization-code service with ways of its own.
type EMP struct {
	ClientID     string // LG calls it the app key
	ClientSecret string // sent where there is one; LG's documents know none
	RedirectURL  string // as registered with LG, letter by letter
	URL          string // see EMPURL
	HTTP         *http.Client
}

// EMPURL is where the users of a country sign in.
func EMPURL(country string) string {
	return "https://" + strings.ToLower(country) + ".m.lgaccount.com/emp/v2"
}

// AuthorizeURL is the page on which the user signs in and consents. The state
// comes back with the code.
func (e EMP) AuthorizeURL(state string) string {
	c := oauth2.Config{
		ClientID: e.ClientID, RedirectURL: e.RedirectURL,
		Endpoint: oauth2.Endpoint{AuthURL: strings.TrimSuffix(e.URL, "/") + "/authorize"},
	}
	return c.AuthCodeURL(state)
}

// Exchange turns the code of a sign-in into a token. Backend is the
// oauth2_backend_url that came with the code, if one did. The error is a
// *[SignInError] where LG answered.
func (e EMP) Exchange(ctx context.Context, code, backend string) (Token, error) {
	t, err := e.ask(ctx, url.Values{
		"grant_type": {"authorization_code"}, "redirect_uri": {e.RedirectURL}, "code": {code},
	}, backend)
	return Token{Backend: backend}.renewedBy(t), err
}

// Refresh renews a token. LG may leave the refresh token out of its answer: the
// old one stays good.
func (e EMP) Refresh(ctx context.Context, t Token) (Token, error) {
	if t.RefreshToken == "" {
		return Token{}, &SignInError{Message: "there is no refresh token"}
	}
	next, err := e.ask(ctx, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {t.RefreshToken},
	}, t.Backend)
	return t.renewedBy(next), err
}

// ask sends a form, and where LG misses something that was in it, the same as a
// query: its documents show both.
func (e EMP) ask(ctx context.Context, form url.Values, backend string) (Token, error) {
	form.Set("client_id", e.ClientID)
	for name, value := range map[string]string{"client_secret": e.ClientSecret, "backend_url": backend} {
		if value != "" {
			form.Set(name, value)
		}
	}
	t, err := e.post(ctx, "", form)
	if refusal, ok := errors.AsType[*SignInError](err); ok && form.Has(refusal.missing()) {
		return e.post(ctx, "?"+form.Encode(), nil)
	}
	return t, err
}

func (e EMP) post(ctx context.Context, query string, form url.Values) (Token, error) {
	ctx, cancel := withTimeout(ctx, callTimeout, "no answer")
	defer cancel()
	address := strings.TrimSuffix(e.URL, "/") + "/token"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+query, strings.NewReader(form.Encode()))
	if err != nil {
		return Token{}, errors.New("sign-in: the address of LG's sign-in is none")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := e.client().Do(req)
	if err != nil {
		return Token{}, signInFault(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, smallAnswer))
	if err != nil {
		return Token{}, signInFault(ctx, err)
	}
	t, err := ParseToken(body, time.Now())
	if err != nil {
		return Token{}, refusalOf(resp.StatusCode, resp.Header.Get("Content-Type"), body, err)
	}
	return t, nil
}

func (e EMP) client() *http.Client {
	if e.HTTP != nil {
		return e.HTTP
	}
	return http.DefaultClient
}

// signInFault words a fault of the network. The address stays out: the query
// may hold the refresh token.
func signInFault(ctx context.Context, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return fmt.Errorf("sign-in: %w", err)
}

// A SignInError is an answer of LG's sign-in that holds no token.
type SignInError struct {
	Status  int    // of HTTP, 200 included: LG answers errors with it
	Code    string // "412", "LG.OAUTH.EC.4001"; empty where LG sent none
	Message string // LG's words
}

// signIns are the errors of LG's two versions of the token endpoint, by code and
// a part of the message.
var signIns = []struct {
	code, part string
	class      Class
	text       string
}{
	{"LG.OAUTH.EC.4001", "", Auth, newSignIn},
	{"", "required code", Auth, "LG misses the code of the sign-in, or knows it no longer. Run \"thinq2mqtt login\" again."},
	{"", "required refresh_token", Auth, "LG misses the refresh token, or knows it no longer. Run \"thinq2mqtt login\" again."},
	{"", "required redirect_uri", Auth, "LG wants another redirect address. oauth.redirect_url must be the one registered with LG."},
	{"", "required", Auth, "LG misses a parameter. Look at oauth.client_id and oauth.redirect_url."},
	{"", "not allowed client_id", Auth, "LG does not allow this client id. oauth.client_id must be the app key that LG gave you."},
	{"", "app_id", Auth, "LG does not know this client id. oauth.client_id must be the app key that LG gave you."},
	{"", "oauth date time error", Busy, "LG's sign-in has trouble of its own. It is tried again."},
}

// Class is Auth where only a person can help, and Busy where time may.
func (e *SignInError) Class() Class {
	class, _ := e.meaning()
	return class
}

// Text is what happened, and what to do, as a sentence for a person.
func (e *SignInError) Text() string {
	_, text := e.meaning()
	return text
}

func (e *SignInError) meaning() (Class, string) {
	message := strings.ToLower(e.Message)
	for _, m := range signIns {
		if (m.code == "" || m.code == e.Code) && strings.Contains(message, m.part) {
			return m.class, m.text
		}
	}
	if e.Status >= 500 || e.Code == "" && e.Status != http.StatusUnauthorized && e.Status != http.StatusBadRequest && e.Status != 0 {
		return Busy, "Something else than LG's sign-in answered, or it has trouble. It is tried again."
	}
	return Auth, "LG does not accept the sign-in. Run \"thinq2mqtt login\" again."
}

func (e *SignInError) Error() string {
	text := "sign-in"
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text + ". " + e.Text()
}

// missing is the parameter that LG says it lacks.
func (e *SignInError) missing() string {
	_, name, _ := strings.Cut(e.Message, "required ")
	return strings.TrimSpace(name)
}

// refusalOf reads an answer without a token. LG's errors come as
// {"httpError":"412","message":…}, in OAuth's own form, or as plain text; no
// text of theirs is long enough to hold a secret that we sent.
func refusalOf(status int, contentType string, body []byte, cause error) *SignInError {
	e := &SignInError{Status: status}
	var answer struct {
		HTTPError   json.RawMessage `json:"httpError"`
		Code        string          `json:"code"`
		Error       string          `json:"error"`
		Message     string          `json:"message"`
		Description string          `json:"error_description"`
	}
	switch {
	case decodeObject(body, &answer) == nil:
		e.Code = clip(cmp.Or(answer.Code, strings.Trim(string(answer.HTTPError), `"`), answer.Error))
		e.Message = clip(cmp.Or(answer.Message, answer.Description, cause.Error()))
	case status < 300 || len(body) > maxMessage:
		e.Message = unreadable(contentType, nil, cause)
	default:
		e.Message = clip(string(body))
	}
	return e
}
