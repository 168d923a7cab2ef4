package thinqtest

import "net/http"

// ext is LG's first API for partners: companies that call it in the name of a
// service, for users who signed in through EMP.
var ext = surface{
	country: "x-country-code",
	caller:  (*Server).service,
	token:   (*Server).signedIn,
	hours:   24,
	wrap:    wrap,
	endpoints: []endpoint{
		{"GET /devices", "", (*Server).getDevices},
		{"GET /devices/profile/{id}", "", (*Server).getProfile},
		{"GET /devices/{id}", "", (*Server).getState},
		{"POST /devices/{id}", "", (*Server).postControl},
		{"GET /push", "", (*Server).getPush},
		{"POST /push/{id}", "", (*Server).subscribePush},
		{"DELETE /push/{id}", "", (*Server).unsubscribePush},
		{"POST /event/{id}", "", (*Server).subscribeEvent},
		{"DELETE /event/{id}", "", (*Server).unsubscribeEvent},
		{"GET /users", "", (*Server).getUser},
		{"DELETE /user/service", "", (*Server).disconnectUser},
	},
}

// connect is the second one. The twins of its calls that answer at the partner's
// own address ("-async") are not here.
var connect = surface{
	prefix:  "/v2",
	country: ext.country,
	caller:  ext.caller,
	token:   ext.token,
	hours:   ext.hours,
	wrap:    wrapCoded,
	endpoints: []endpoint{
		{"GET /v2/devices", "", (*Server).getDevices},
		{"GET /v2/devices/profile/{id}", "", (*Server).getProfile},
		{"GET /v2/devices/status/{id}", "", (*Server).getState},
		{"POST /v2/devices/control/{id}", "", (*Server).postControl},
		{"GET /v2/devices/push", "", (*Server).getPush},
		{"POST /v2/devices/push/{id}", "", (*Server).subscribePush},
		{"DELETE /v2/devices/push/{id}", "", (*Server).unsubscribePush},
		{"GET /v2/devices/event", "", (*Server).getEvent},
		{"POST /v2/devices/event/{id}", "", (*Server).subscribeEvent},
		{"DELETE /v2/devices/event/{id}", "", (*Server).unsubscribeEvent},
		{"POST /v2/users/push", "", (*Server).subscribeLifecycle},
		{"DELETE /v2/users/push", "", (*Server).unsubscribeLifecycle},
	},
}

// wrapCoded is the envelope of the second API: it has a code for success, too,
// and errors are a response.
func wrapCoded(answer any, refused *refusal) map[string]any {
	if refused != nil {
		return map[string]any{"responseCode": refused.code, "response": map[string]any{"error": refused.members()}}
	}
	return map[string]any{"responseCode": "0000", "response": answer}
}

// service checks in whose name a partner calls.
func (s *Server) service(h http.Header) (string, error) {
	if h.Get("x-service-id") != s.ServiceID || h.Get("x-service-key") != s.ServiceKey {
		return "", refuse("1301", "Invalid service key")
	}
	return s.partner(), nil
}

// partner is what subscriptions of partners belong to: a service and a user.
func (s *Server) partner() string { return s.ServiceID + "/" + s.user() }

// signedIn is about access tokens of EMP, which know no scopes.
func (s *Server) signedIn(token string, _ Scope) error { return s.empToken(token) }

func (s *Server) getUser(*request) (any, error) {
	return map[string]string{"userNumber": s.user()}, nil
}

// disconnectUser takes the user's subscriptions with the sign-in; whether LG
// does so, too, is not known.
func (s *Server) disconnectUser(r *request) (any, error) {
	s.RevokeSignIns()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, r.client)
	return nil, nil
}
