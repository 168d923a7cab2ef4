package thinq

import (
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
)

// What surely never reached LG is told apart from what may have had its effect.
func TestF069NotSent(t *testing.T) {
	refused := func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }
	hang := func(name string) func(*testing.T, *lg, *Options) {
		return func(t *testing.T, s *lg, o *Options) { o.Dial = hangs[name](t, s) }
	}
	tests := []struct {
		name string
		way  func(t *testing.T, s *lg, o *Options)
		want bool
	}{
		{"nobody listens", func(_ *testing.T, _ *lg, o *Options) { o.Dial = refused }, true},
		{"no connection", hang("connecting"), true},
		{"no handshake", hang("handshake"), true},
		{"no token", func(_ *testing.T, _ *lg, o *Options) {
			o.Token = func(context.Context) (string, error) { return "", errors.New("sign in") }
		}, true},
		{"no leave", func(_ *testing.T, _ *lg, o *Options) {
			o.Budget = NewBudget(1, 1, BudgetState{})
			o.Budget.settle(pass{}, &Error{Code: "1314"})
		}, true},
		{"no answer", hang("answer"), false},
		{"half an answer", hang("body"), false},
		{"connection broken", func(_ *testing.T, s *lg, _ *Options) {
			s.answer = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		}, false},
		{"refused", func(_ *testing.T, s *lg, _ *Options) {
			s.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newLG(t, nil)
				o := s.options()
				tt.way(t, s, &o)
				err := newTestClient(t, o).Control(t.Context(), "d", []byte("{}"))
				if err == nil || NotSent(err) != tt.want {
					t.Errorf("%v: not sent = %v, want %v", err, NotSent(err), tt.want)
				}
			})
		})
	}
}
