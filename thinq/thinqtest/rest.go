package thinqtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// apiKey is the constant that LG publishes for everybody.
const apiKey = "v6GFvkweNo7DK7yD3ylIZ9w52aKBU0eJ7wLXkSR3"

// A surface is one of LG's API families, as far as callers can tell them apart.
type surface struct {
	prefix    string // of the paths
	endpoints []endpoint
	country   string // name of the header
	// caller says in whose name subscriptions are kept, by the headers beside
	// those for country and token.
	caller  func(*Server, http.Header) (string, error)
	token   func(*Server, string, Scope) error
	hours   int // of a subscription to events at most
	nothing any // the response of a call that has none
	wrap    func(answer any, refused *refusal) map[string]any
}

// An endpoint is one row of LG's interface.
type endpoint struct {
	pattern string
	scope   Scope // that the token needs; empty: none
	answer  func(*Server, *request) (any, error)
}

// personal is the API for owners of appliances. A {id} is looked up before
// answer is called.
var personal = surface{
	country: "x-country",
	caller:  (*Server).installation,
	token:   (*Server).checkToken,
	hours:   4464,
	nothing: struct{}{},
	wrap:    wrap,
	endpoints: []endpoint{
		{"GET /route", "", (*Server).getRoute},
		{"GET /devices", ScopeDevices, (*Server).getDevices},
		{"GET /devices/{id}/profile", ScopeDevices, (*Server).getProfile},
		{"GET /devices/{id}/state", ScopeState, (*Server).getState},
		{"POST /devices/{id}/control", ScopeControl, (*Server).postControl},
		{"POST /client", "", (*Server).postClient},
		{"DELETE /client", "", (*Server).deleteClient},
		{"POST /client/certificate", "", (*Server).postCertificate},
		{"GET /push", ScopePush, (*Server).getPush},
		{"POST /push/{id}/subscribe", ScopePush, (*Server).subscribePush},
		{"DELETE /push/{id}/unsubscribe", ScopePush, (*Server).unsubscribePush},
		{"GET /push/devices", ScopePush, (*Server).getLifecycle},
		{"POST /push/devices", ScopePush, (*Server).subscribeLifecycle},
		{"DELETE /push/devices", ScopePush, (*Server).unsubscribeLifecycle},
		{"GET /event", ScopeEvents, (*Server).getEvent},
		{"POST /event/{id}/subscribe", ScopeEvents, (*Server).subscribeEvent},
		{"DELETE /event/{id}/unsubscribe", ScopeEvents, (*Server).unsubscribeEvent},
		{"GET /devices/energy/{id}/profile", ScopeEnergy, (*Server).getEnergyProfile},
		{"GET /devices/energy/{id}/usage", ScopeEnergy, (*Server).getEnergyUsage},
	},
}

// A request is one call after its headers were found good.
type request struct {
	*http.Request
	surface *surface
	client  string // in whose name; see surface.caller
	body    []byte
	device  *appliance // of {id}
}

// restHandler answers as LG does. LG has a host for each surface; here it is the
// header that only partners send.
func (s *Server) restHandler() http.Handler {
	owners, partners := s.surfaces(&personal), s.surfaces(&ext, &connect)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header.Values("x-service-id")) > 0 {
			partners.ServeHTTP(w, r)
			return
		}
		owners.ServeHTTP(w, r)
	})
}

func (s *Server) surfaces(list ...*surface) http.Handler {
	mux := http.NewServeMux()
	for _, f := range list {
		for _, e := range f.endpoints {
			mux.Handle(e.pattern, s.endpoint(f, e))
		}
		mux.Handle(f.prefix+"/", s.endpoint(f, endpoint{answer: func(*Server, *request) (any, error) {
			return nil, refuse("1000", "no such API")
		}}))
	}
	return mux
}

func (s *Server) endpoint(f *surface, e endpoint) http.Handler {
	return s.exchange(
		func(r *http.Request, body []byte) *reply {
			return s.handle(e, &request{Request: r, surface: f, body: body})
		},
		func(r *http.Request, code string) *reply {
			return s.envelope(f, r.Header.Get("x-message-id"), nil, refuse(code, "Simulated fault"))
		})
}

// exchange serves calls of one kind: it records them and lets faults strike.
// Refuse is what the kind answers where an error code is all that is known.
func (s *Server) exchange(answer func(*http.Request, []byte) *reply, refuse func(*http.Request, string) *reply) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		record := s.record(r, body)
		if !s.pause(r.Context(), s.o.APIDelay) {
			panic(http.ErrAbortHandler)
		}
		fault := s.strike(r.Method, r.URL.Path, r.PathValue("id"))
		reply := s.suffer(fault, r,
			func() *reply { return answer(r, body) },
			func(code string) *reply { return refuse(r, code) })
		s.settle(record, reply)
		reply.write(w)
	})
}

// suffer answers a call that a fault may have struck, before or after its
// effect.
func (s *Server) suffer(fault *Fault, r *http.Request, normal func() *reply, refuse func(code string) *reply) *reply {
	if fault == nil {
		return normal()
	}
	var answer *reply
	if fault.After {
		answer = normal()
	}
	if !s.pause(r.Context(), time.Duration(fault.Delay)) {
		return &reply{}
	}
	if spoilt := fault.spoil(r, refuse); spoilt != nil {
		return spoilt
	}
	if answer == nil {
		answer = normal()
	}
	return answer
}

// handle checks a call and answers it.
func (s *Server) handle(e endpoint, r *request) *reply {
	answer, err := func() (any, error) {
		if err := s.check(r, e.scope); err != nil {
			return nil, err
		}
		if id := r.PathValue("id"); id != "" {
			if r.device = s.find(id); r.device == nil {
				return nil, refuse("1205", "Not exist device")
			}
		}
		return e.answer(s, r)
	}()
	return s.envelope(r.surface, r.Header.Get("x-message-id"), answer, err)
}

var messageID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,22}$`)

// check stops at the first fault. LG's own order is not known.
func (s *Server) check(r *request, scope Scope) (err error) {
	switch country := r.Header.Get(r.surface.country); {
	case !messageID.MatchString(r.Header.Get("x-message-id")):
		return refuse("1104", "Invalid message ID")
	case regionOf(country) == "":
		return refuse("1307", "Not supported country")
	case regionOf(country) != s.region:
		return refuse("1310", "Not supported domain")
	}
	if r.client, err = r.surface.caller(s, r.Header); err != nil {
		return err
	}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		return refuse("1103", "Invalid token")
	}
	if err := r.surface.token(s, token, scope); err != nil {
		return err
	}
	return s.spend()
}

// installation is somebody's software, by the id that it made for itself.
func (s *Server) installation(h http.Header) (string, error) {
	switch {
	case h.Get("x-api-key") != apiKey:
		return "", refuse("1301", "Invalid service key")
	case h.Get("x-client-id") == "" || h.Get("x-service-phase") == "":
		return "", refuse("1216", "Incorrect header")
	}
	return h.Get("x-client-id"), nil
}

// checkToken is about personal access tokens.
func (s *Server) checkToken(token string, scope Scope) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	grant, known := s.tokens[token]
	switch {
	case !known:
		return refuse("1103", "Invalid token")
	case !grant.Expires.IsZero() && !s.clock.Now().Before(grant.Expires):
		return refuse("1302", "Not found token")
	case scope != "" && grant.Scopes != nil && !slices.Contains(grant.Scopes, scope):
		return refuse("1305", "Not allowed API")
	}
	return nil
}

// spend takes a call out of the user's quota, which is one for all surfaces.
func (s *Server) spend() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	s.quota = slices.DeleteFunc(s.quota, func(t time.Time) bool { return now.Sub(t) >= time.Hour })
	if s.o.CallsPerHour > 0 && len(s.quota) >= s.o.CallsPerHour {
		return refuse("1314", "Exceeded User API calls")
	}
	s.quota = append(s.quota, now)
	return nil
}

// A refusal is an answer with an error code.
type refusal struct{ code, message string }

func (e *refusal) Error() string { return e.code + " " + e.message }

func refuse(code, message string) error { return &refusal{code, message} }

func (e *refusal) members() map[string]string {
	return map[string]string{"message": e.message, "code": e.code}
}

// statuses are the HTTP statuses of LG's error codes: those in which they
// differ, by their first two digits, and 400 for the rest.
var statuses = map[string]int{
	"00": 500, "20": 500, "2101": 503, "2201": 503, "2203": 503, "2212": 412, "2213": 412,
	"12": 404, "1216": 400, "1217": 400, "1218": 400, "1219": 406, "1220": 406, "1221": 406, "1222": 416, "1223": 416,
	"13": 401, "1312": 400,
}

func statusOf(code string) int {
	if status, ok := statuses[code]; ok {
		return status
	}
	if status, ok := statuses[code[:min(2, len(code))]]; ok {
		return status
	}
	return http.StatusBadRequest
}

// A reply is what goes back to the caller. The zero status breaks the
// connection.
type reply struct {
	status  int
	code    string // of LG, empty: none
	headers map[string]string
	body    []byte
	upgrade func(http.ResponseWriter) // instead: to another protocol
}

func (r *reply) write(w http.ResponseWriter) {
	if r.status == 0 {
		panic(http.ErrAbortHandler)
	}
	if r.upgrade != nil {
		r.upgrade(w)
		return
	}
	for name, value := range r.headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(r.status)
	w.Write(r.body)
}

// envelope puts an answer as the surface does.
func (s *Server) envelope(f *surface, messageID string, answer any, err error) *reply {
	if answer == nil {
		answer = f.nothing
	}
	refused, _ := err.(*refusal)
	out := f.wrap(answer, refused)
	out["messageId"], out["timestamp"] = messageID, s.timestamp()
	re := &reply{status: http.StatusOK, headers: map[string]string{"Content-Type": "application/json"}, body: mustJSON(out)}
	if refused != nil {
		re.status, re.code = statusOf(refused.code), refused.code
	}
	return re
}

// wrap is LG's usual envelope.
func wrap(answer any, refused *refusal) map[string]any {
	if refused != nil {
		return map[string]any{"error": refused.members()}
	}
	return map[string]any{"response": answer}
}

// timestamp is the time as LG gives it: it is UTC and does not say so.
func (s *Server) timestamp() string {
	return s.clock.Now().UTC().Format("2006-01-02T15:04:05.000000")
}

// object reads a call's body; some of LG's newer examples put it into "body".
func (r *request) object() (map[string]any, error) {
	if len(bytes.TrimSpace(r.body)) == 0 {
		return nil, nil
	}
	var v any
	if err := json.Unmarshal(r.body, &v); err != nil {
		return nil, refuse("1000", "Bad request")
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, refuse("1101", "Missing parameters")
	}
	if inner, ok := object["body"].(map[string]any); ok && len(object) == 1 {
		return inner, nil
	}
	return object, nil
}

// A Call is one call that reached the REST interface, EMP or the callback
// websocket. Tokens, codes and secrets are in it as hashes, the same secret
// always as the same.
type Call struct {
	N       int               `json:"n"` // 1 for the first
	Time    time.Time         `json:"time"`
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Query   string            `json:"query"`
	Status  int               `json:"status"`  // of the answer; 0 while there is none, and for a broken connection
	Code    string            `json:"code"`    // LG's, empty for success
	Headers map[string]string `json:"headers"` // by lower-case name
	Body    json.RawMessage   `json:"body"`    // as sent if it is JSON, else as text; null: none
}

// secretHeaders and secretParameters are what the record of calls hides.
var (
	secretHeaders    = []string{"authorization", "x-service-key", "user_thirdparty_token"}
	secretParameters = []string{"code", "access_token", "refresh_token", "client_secret"}
)

// hashed stands for a secret.
func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return "sha256:" + hex.EncodeToString(sum[:6])
}

// hidden is a query or a form without its secrets, and else as it was sent.
func hidden(form string) string {
	pairs := strings.Split(form, "&")
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil && slices.Contains(secretParameters, plain) {
			if plain, err = url.QueryUnescape(value); err != nil {
				plain = value
			}
			pairs[i] = name + "=" + hashed(plain)
		}
	}
	return strings.Join(pairs, "&")
}

// hiddenMembers is the same for JSON. No call has secrets there, unless its
// caller takes EMP for another service.
func hiddenMembers(body []byte) json.RawMessage {
	var object map[string]any
	if json.Unmarshal(body, &object) != nil {
		return body
	}
	found := false
	for _, name := range secretParameters {
		if secret, ok := object[name].(string); ok {
			object[name], found = hashed(secret), true
		}
	}
	if !found {
		return body
	}
	return mustJSON(object)
}

// callsKept is how far back the record of calls goes.
const callsKept = 10_000

func (s *Server) record(r *http.Request, body []byte) *Call {
	c := &Call{Method: r.Method, Path: r.URL.Path, Query: hidden(r.URL.RawQuery), Headers: map[string]string{}}
	for name := range r.Header {
		c.Headers[strings.ToLower(name)] = r.Header.Get(name)
	}
	for _, name := range secretHeaders {
		if value := c.Headers[name]; value != "" {
			token, bearer := strings.CutPrefix(value, "Bearer ")
			if c.Headers[name] = hashed(token); bearer {
				c.Headers[name] = "Bearer " + c.Headers[name]
			}
		}
	}
	if json.Valid(body) {
		c.Body = hiddenMembers(body)
	} else if len(body) > 0 {
		c.Body = mustJSON(hidden(string(body)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.N, c.Time = 1, s.clock.Now()
	if n := len(s.calls); n > 0 {
		c.N = s.calls[n-1].N + 1
	}
	s.calls = append(s.calls, c)
	if len(s.calls) > 2*callsKept {
		s.calls = slices.Clone(s.calls[callsKept:])
	}
	return c
}

func (s *Server) settle(c *Call, r *reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Status, c.Code = r.status, r.code
}

// Calls lists the calls after the one with number since (0: all; at least
// the last 10,000), oldest first.
func (s *Server) Calls(since int) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := []Call{}
	for _, c := range s.calls {
		if c.N > since {
			copied := *c
			copied.Headers = maps.Clone(c.Headers)
			calls = append(calls, copied)
		}
	}
	return calls
}

// ForgetCalls empties the record of calls but for the last, from which numbers
// go on: what runs for long is to be measured without it.
func (s *Server) ForgetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = slices.Clone(s.calls[max(0, len(s.calls)-1):])
}

func (s *Server) getRoute(*request) (any, error) {
	return map[string]string{
		"apiServer":       s.URL,
		"mqttServer":      "mqtts://" + s.MQTTAddr,
		"webSocketServer": fmt.Sprintf("wss://%s/mqtt", s.MQTTAddr),
	}, nil
}
