package thinqtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
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
		access: map[string]time.Time{}, refresh: map[string]time.Time{},
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

// EMPToken is what the token endpoint answers to the code of a sign-in, as if
// somebody had just signed in.
func (s *Server) EMPToken() json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return mustJSON(s.emp.signIn(s.clock.Now(), s.o))
}

// signIn issues a pair of tokens.
func (e *emp) signIn(now time.Time, o Options) map[string]string {
	return map[string]string{
		"access_token":       e.issueAccess(now.Add(o.TokenLife)),
		"expires_in":         strconv.Itoa(int(o.TokenLife / time.Second)),
		"refresh_token":      e.issueRefresh(now, o.RefreshLife),
		"oauth2_backend_url": backendURL,
	}
}

// backendURL is where EMP keeps the sessions. Nobody calls it.
const backendURL = "https://kr.lgeapi.test/"

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

// empHandler is LG's Enterprise Membership Platform.
func (s *Server) empHandler() http.Handler { return http.NotFoundHandler() }
