package thinqtest

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// empPath is where EMP is on its listener.
const empPath = "/emp/v2"

// A Renewal is what EMP answers to grant_type=refresh_token.
type Renewal string

// The renewals. LG's documents show keep, and once the stray comma.
const (
	RenewalKeep   Renewal = "keep"   // a new access token alone: the refresh token stays good
	RenewalRotate Renewal = "rotate" // with a new refresh token, the old one is dead; expires_in is a number
	RenewalComma  Renewal = "comma"  // as keep, with a comma before the closing brace
)

func (r Renewal) check() error {
	switch r {
	case RenewalKeep, RenewalRotate, RenewalComma:
		return nil
	}
	return fmt.Errorf("renewal %q is none of keep, rotate, comma", string(r))
}

// SignInErrors is how EMP's token endpoint answers errors: LG's documents
// contradict each other.
type SignInErrors string

// The forms of errors.
const (
	ErrorsOK     SignInErrors = "ok"     // HTTP 200, {"httpError":"412","message":"required code"}
	ErrorsStatus SignInErrors = "status" // the same with HTTP 412
	ErrorsText   SignInErrors = "text"   // HTTP 412, the message as plain text
)

func (e SignInErrors) check() error {
	switch e {
	case ErrorsOK, ErrorsStatus, ErrorsText:
		return nil
	}
	return fmt.Errorf("errors %q are none of ok, status, text", string(e))
}

// emp is what LG's Enterprise Membership Platform remembers; Server.mu guards
// it.
type emp struct {
	codes   map[string]signInCode
	access  map[string]time.Time // the end of each access token
	refresh map[string]time.Time // of each refresh token; zero: none
	renewal Renewal
	errors  SignInErrors
}

// becomePartner makes what LG gives to a partner.
func (s *Server) becomePartner() {
	part := base64.RawURLEncoding.EncodeToString
	s.ClientID, s.ClientSecret = "APP"+randomHex(5), randomHex(16)
	s.ServiceID = randomHex(12)
	s.ServiceKey = part([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." +
		part([]byte(`{"serviceId":"`+s.ServiceID+`"}`)) + "." + part([]byte(randomHex(32)))
	s.RedirectURLs = s.o.RedirectURLs
	s.emp = emp{
		codes: map[string]signInCode{}, access: map[string]time.Time{}, refresh: map[string]time.Time{},
		renewal: s.o.Renewal, errors: s.o.SignInErrors,
	}
}

// empToken says whether an access token of EMP's is good: one that was never
// issued is refused otherwise than one that is over or was revoked.
func (s *Server) empToken(token string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	end, known := s.emp.access[token]
	switch {
	case !known:
		return refuse("1103", "Invalid token")
	case !s.clock.Now().Before(end):
		return refuse("1302", "Not found token")
	}
	return nil
}

// A signInCode is what a user's consent is worth until it is redeemed.
type signInCode struct {
	redirect string // where it was sent, and nobody else may redeem it
	end      time.Time
}

// codeLife is how long a code can be redeemed. LG does not say; OAuth allows ten
// minutes at most, and other services give five.
const codeLife = 5 * time.Minute

// issueCode makes the code of a sign-in.
func (s *Server) issueCode(redirect string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	maps.DeleteFunc(s.emp.codes, func(_ string, c signInCode) bool { return !now.Before(c.end) })
	code := randomHex(20)
	s.emp.codes[code] = signInCode{redirect, now.Add(codeLife)}
	return code
}

// EMPToken is what the token endpoint answers to the code of a sign-in, as if
// somebody had just signed in.
func (s *Server) EMPToken() json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issue()
}

// issue answers a sign-in; mu is held.
func (s *Server) issue() json.RawMessage {
	now := s.clock.Now()
	return mustJSON(map[string]string{
		"access_token":       s.emp.issueAccess(now.Add(s.o.TokenLife)),
		"expires_in":         s.lifeInSeconds(),
		"refresh_token":      s.emp.issueRefresh(now, s.o.RefreshLife),
		"oauth2_backend_url": s.backendURL(),
	})
}

// renewalFrom answers a renewal; mu is held.
func (s *Server) renewalFrom(refresh string) json.RawMessage {
	now := s.clock.Now()
	access, life := s.emp.issueAccess(now.Add(s.o.TokenLife)), s.lifeInSeconds()
	switch s.emp.renewal {
	case RenewalRotate:
		delete(s.emp.refresh, refresh)
		return mustJSON(map[string]any{
			"access_token": access, "expires_in": json.Number(life), "refresh_token": s.emp.issueRefresh(now, s.o.RefreshLife),
		})
	case RenewalComma:
		return json.RawMessage(`{"access_token":"` + access + `","expires_in":"` + life + `",}`)
	}
	return mustJSON(map[string]string{"access_token": access, "expires_in": life})
}

func (s *Server) lifeInSeconds() string { return strconv.Itoa(int(s.o.TokenLife / time.Second)) }

// backendURL is where EMP keeps the sessions of its users. Nobody calls it.
func (s *Server) backendURL() string {
	return "https://" + strings.ToLower(s.o.Country) + ".lgeapi.test/"
}

// issueAccess makes an access token. LG's are 96 hexadecimal digits.
func (e *emp) issueAccess(end time.Time) string {
	token := randomHex(48)
	e.access[token] = end
	return token
}

func (e *emp) issueRefresh(now time.Time, life time.Duration) string {
	token := randomHex(48)
	if e.refresh[token] = now.Add(life); life == 0 {
		e.refresh[token] = time.Time{}
	}
	return token
}

// RevokeSignIns ends every sign-in: no token and no code of before is good any
// more.
func (s *Server) RevokeSignIns() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	for token := range s.emp.access {
		s.emp.access[token] = now
	}
	clear(s.emp.refresh)
	clear(s.emp.codes)
	s.callback.each((*socket).wake)
}

// SetRenewal changes Options.Renewal.
func (s *Server) SetRenewal(r Renewal) error {
	if err := r.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emp.renewal = r
	return nil
}

// SetSignInErrors changes Options.SignInErrors.
func (s *Server) SetSignInErrors(e SignInErrors) error {
	if err := e.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emp.errors = e
	return nil
}

// empHandler is LG's Enterprise Membership Platform. What it does not know is
// "Page not found", as LG has it.
func (s *Server) empHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+empPath+"/authorize", s.exchange(s.getAuthorize, refuseAuthorize))
	mux.Handle("GET "+empPath+"/empsign_in", s.exchange(s.getSignIn, refuseAuthorize))
	mux.Handle("POST "+empPath+"/empsign_in", s.exchange(s.postSignIn, refuseAuthorize))
	mux.Handle("POST "+empPath+"/token", s.exchange(s.postToken, func(_ *http.Request, code string) *reply {
		return s.tokenRefusal(code, cmp.Or(tokenErrors[code], "Simulated fault"))
	}))
	mux.Handle("/", s.exchange(func(*http.Request, []byte) *reply { return pageNotFound() }, refuseAuthorize))
	return mux
}

// processing is EMP's word for a parameter that is not good, whichever.
const processing = "LG.OAUTH.EC.4001"

// tokenErrors are the words of the token endpoint by code, for faults; 400 is
// that of the earlier version 1.
var tokenErrors = map[string]string{
	"400":      "App_id Fail",
	"401":      "not allowed client_id",
	"412":      "required code",
	"500":      "oauth date time error",
	processing: "OAuth2 processing error",
}

// postToken takes its parameters from the form, from the query, or from both:
// LG's documents show either.
func (s *Server) postToken(r *http.Request, body []byte) *reply {
	r.Body = io.NopCloser(bytes.NewReader(body))
	err := r.ParseForm()
	if err != nil {
		err = refuse(processing, tokenErrors[processing])
	}
	var answer json.RawMessage
	if err == nil {
		answer, err = s.grant(r.Form)
	}
	if e, refused := err.(*refusal); refused {
		return s.tokenRefusal(e.code, e.message)
	}
	return &reply{status: http.StatusOK, headers: tokenHeaders("application/json"), body: answer}
}

func tokenHeaders(contentType string) map[string]string {
	return map[string]string{"Content-Type": contentType, "Cache-Control": "no-store"}
}

// grant looks for what is missing before it looks at what is wrong. LG's own
// order is not known.
func (s *Server) grant(form url.Values) (json.RawMessage, error) {
	grants := map[string]func(url.Values) (json.RawMessage, bool){"authorization_code": s.redeem, "refresh_token": s.renew}
	if name := s.missing(form); name != "" {
		return nil, refuse("412", "required "+name)
	}
	if form.Get("client_id") != s.ClientID || form.Has("client_secret") && form.Get("client_secret") != s.ClientSecret {
		return nil, refuse("401", tokenErrors["401"])
	}
	grant := grants[form.Get("grant_type")]
	if grant != nil && (!form.Has("backend_url") || form.Get("backend_url") == s.backendURL()) {
		if answer, ok := grant(form); ok {
			return answer, nil
		}
	}
	return nil, refuse(processing, tokenErrors[processing])
}

// missing is the first parameter that a call lacks, in the order of LG's table.
func (s *Server) missing(form url.Values) string {
	needed := []string{"client_id", "grant_type"}
	if s.o.Backend {
		needed = []string{"client_id", "backend_url", "grant_type"}
	}
	switch form.Get("grant_type") {
	case "authorization_code":
		needed = append(needed, "code", "redirect_uri")
	case "refresh_token":
		needed = append(needed, "refresh_token")
	}
	for _, name := range needed {
		if form.Get(name) == "" {
			return name
		}
	}
	return ""
}

// redeem takes a code for tokens. A code that was shown once is used up, also by
// a call that is refused.
func (s *Server) redeem(form url.Values) (json.RawMessage, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	code, known := s.emp.codes[form.Get("code")]
	delete(s.emp.codes, form.Get("code"))
	if !known || code.redirect != form.Get("redirect_uri") || !s.clock.Now().Before(code.end) {
		return nil, false
	}
	return s.issue(), true
}

func (s *Server) renew(form url.Values) (json.RawMessage, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := form.Get("refresh_token")
	end, known := s.emp.refresh[token]
	if !known || !end.IsZero() && !s.clock.Now().Before(end) {
		return nil, false
	}
	return s.renewalFrom(token), true
}

// tokenRefusal is an error of the token endpoint, in the form that is set.
func (s *Server) tokenRefusal(code, message string) *reply {
	s.mu.Lock()
	form := s.emp.errors
	s.mu.Unlock()
	status, err := strconv.Atoi(code)
	if err != nil || http.StatusText(status) == "" {
		status = http.StatusBadRequest
	}
	if form == ErrorsText {
		return &reply{status: status, code: code, headers: tokenHeaders("text/plain"), body: []byte(message)}
	}
	if form == ErrorsOK {
		status = http.StatusOK
	}
	body := mustJSON(map[string]string{"httpError": code, "message": message})
	return &reply{status: status, code: code, headers: tokenHeaders("application/json"), body: body}
}
