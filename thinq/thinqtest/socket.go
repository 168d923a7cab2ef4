package thinqtest

import "net/http"

// socketHandler is the callback websocket.
func (s *Server) socketHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.empToken(r.URL.Query().Get("access_token")); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusNotImplemented)
	})
}
