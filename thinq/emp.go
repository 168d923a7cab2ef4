package thinq

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// EMP is LG's Enterprise Membership Platform, where the users of a partner sign
// in: an OAuth 2.0 authorization-code service with ways of its own. No error of
// its methods holds a code, a token or the client secret.
type EMP struct {
	ClientID     string // LG calls it the app key
	ClientSecret Secret // sent where there is one; LG's documents know none
	RedirectURL  string // as registered with LG, letter by letter
	URL          string // see EMPURL
	Roots        *x509.CertPool
	Agent        string   // see [Options]
	Proxy        *url.URL // so, too
	// Dial, if set, replaces net.Dialer: tests use in-memory pipes.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// EMPURL is where the users of a country sign in.
func EMPURL(country string) string {
	return "https://" + strings.ToLower(country) + ".m.lgaccount.com/emp/v2"
}

// Check says what is wrong with the address: codes and tokens go there, so it
// must be encrypted unless it stays on this machine.
func (e EMP) Check() error {
	u, err := url.Parse(e.URL)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "https" && (u.Scheme != "http" || !Loopback(u.Hostname())) {
		return badAddress{}
	}
	return nil
}

// badAddress says that no sign-in can be asked for.
type badAddress struct{}

func (badAddress) Error() string {
	return "the address of LG's sign-in must be https://host[:port][/path]"
}
func (badAddress) Class() Class { return Unknown }

func (e EMP) endpoint(name string) string { return strings.TrimRight(e.URL, "/") + "/" + name }

// AuthorizeURL is the page on which the user signs in and consents. The state
// comes back with the code.
func (e EMP) AuthorizeURL(state string) string {
	c := oauth2.Config{
		ClientID: e.ClientID, RedirectURL: e.RedirectURL, Endpoint: oauth2.Endpoint{AuthURL: e.endpoint("authorize")},
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
	if err != nil {
		return Token{}, err
	}
	return Token{Backend: backend}.renewedBy(t), nil
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
	if err != nil {
		return Token{}, err
	}
	return t.renewedBy(next), nil
}

// ask sends a form, and where LG misses something that was in it, the same as a
// query: its documents show both.
func (e EMP) ask(ctx context.Context, form url.Values, backend string) (Token, error) {
	form.Set("client_id", e.ClientID)
	for name, value := range map[string]string{"client_secret": string(e.ClientSecret), "backend_url": backend} {
		if value != "" {
			form.Set(name, value)
		}
	}
	t, err := e.post(ctx, form, false)
	if refusal, ok := errors.AsType[*SignInError](err); ok && form.Has(refusal.missing()) {
		return e.post(ctx, form, true)
	}
	return t, err
}

// post makes one call, with the parameters in its body or, if inQuery, in its
// address.
func (e EMP) post(ctx context.Context, form url.Values, inQuery bool) (Token, error) {
	if err := e.Check(); err != nil {
		return Token{}, err
	}
	ctx, cancel := withTimeout(ctx, callTimeout, "no answer")
	defer cancel()
	address, body := e.endpoint("token"), form.Encode()
	if inQuery {
		address, body = address+"?"+body, ""
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return Token{}, badAddress{}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", cmp.Or(e.Agent, agent))
	client := e.client()
	defer client.CloseIdleConnections() // there is one call an hour
	resp, err := client.Do(req)
	if err != nil {
		return Token{}, e.fault(ctx, err, form)
	}
	defer resp.Body.Close()
	answer, err := readAnswer(resp.Body, endpoint{})
	if err != nil {
		return Token{}, e.fault(ctx, err, form)
	}
	t, err := ParseToken(answer, time.Now())
	if err != nil {
		return Token{}, refusalOf(resp, answer, err, secretsOf(form))
	}
	return t, nil
}

func (e EMP) client() *http.Client {
	return &http.Client{Transport: newTransport(Options{Roots: e.Roots, Proxy: e.Proxy, Dial: e.Dial}), CheckRedirect: stay}
}

// secretsOf are the values of a form that must show up nowhere else.
func secretsOf(form url.Values) (secrets []string) {
	for _, name := range []string{"code", "refresh_token", "client_secret"} {
		secrets = append(secrets, form[name]...)
	}
	return secrets
}

// fault words a fault of the network. The address stays out: the query
// may hold the refresh token.
func (e EMP) fault(ctx context.Context, err error, form url.Values) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return fmt.Errorf("sign-in: %w", hush(distrusted(e.URL, err), secretsOf(form)...))
}
