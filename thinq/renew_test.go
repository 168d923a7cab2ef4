package thinq

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// wants is a server that takes one token, which can be changed.
type wants struct {
	*lg
	mu    sync.Mutex
	token string
	delay time.Duration
}

func newWants(t *testing.T, token string) *wants {
	w := &wants{token: token}
	w.lg = newLG(t, func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		good, delay := r.Header.Get("Authorization") == "Bearer "+w.token, w.delay
		w.mu.Unlock()
		sleep(r.Context(), delay)
		if !good {
			says(400, fail(`"1103"`))(rw, r)
			return
		}
		says(200, ok("{}"))(rw, r)
	})
	return w
}

func (w *wants) sent() (tokens []string) {
	for _, call := range w.seen() {
		tokens = append(tokens, strings.TrimPrefix(call.Header.Get("Authorization"), "Bearer "))
	}
	return tokens
}

// TestRefusedCallsRenewOnce has fifty callers with a token that LG no longer
// takes, one of which controls an appliance.
func TestRefusedCallsRenewOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWants(t, "a1")
		w.delay = time.Second
		g := newLGSignIn(t)
		source := g.source(tokenOf("a0", "r", time.Hour))
		o := w.partner(PartnerV2)
		o.Token, o.Renew, o.Budget = source.Token, source.Renew, NewBudget(1000, 1000, BudgetState{})
		c := newTestClient(t, o)
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				err := c.Control(t.Context(), "d", []byte("{}"))
				if i > 0 {
					_, err = c.State(t.Context(), "d")
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := g.renewals(); n != 1 {
			t.Errorf("%d renewals", n)
		}
	})
}

// TestRefusedCallIsRepeatedOnce counts what is sent, and what is charged.
func TestRefusedCallIsRepeatedOnce(t *testing.T) {
	refused := errors.New("not this time")
	for _, tt := range []struct {
		name   string
		renew  func(ctx context.Context, refused string) (string, error)
		accept string
		sent   []string
		class  Class
	}{
		{"accepted", nil, "a0", []string{"a0"}, ""},
		{"nobody to ask", nil, "a1", []string{"a0"}, Auth},
		{"renewed", as("a1", nil), "a1", []string{"a0", "a1"}, ""},
		{"renewed in vain", as("a1", nil), "a2", []string{"a0", "a1"}, Auth},
		{"no other", as("a0", nil), "a1", []string{"a0"}, Auth},
		{"no sign-in", as("", ErrNoSignIn), "a1", []string{"a0"}, Auth},
		{"sign-in over", as("", &SignInError{Status: 200, Code: "LG.OAUTH.EC.4001"}), "a1", []string{"a0"}, Auth},
		{"sign-in in trouble", as("", &SignInError{Status: 502}), "a1", []string{"a0"}, Busy},
		{"sign-in cannot be reached", as("", refused), "a1", []string{"a0"}, Busy},
		{"a token that cannot be sent", as("a b", nil), "a1", []string{"a0"}, Auth},
	} {
		for _, control := range []bool{false, true} {
			w := newWants(t, tt.accept)
			o := w.partner(PartnerV1)
			var observed []string
			o.Observe = func(call Call) { observed = append(observed, call.Code) }
			o.Token, o.Renew, o.Budget = token("a0"), tt.renew, NewBudget(1000, 1000, BudgetState{})
			c := newTestClient(t, o)
			lane, err := Background, error(nil)
			if control {
				lane, err = Command, c.Control(t.Context(), "d", []byte(`{"a":1}`))
			} else {
				_, err = c.State(t.Context(), "d")
			}
			if ClassOf(err) != tt.class {
				t.Errorf("%s: %v", tt.name, err)
			}
			if diff := cmp.Diff(tt.sent, w.sent()); diff != "" || len(observed) != len(tt.sent) {
				t.Errorf("%s: sent, and observed %q (-want +got):\n%s", tt.name, observed, diff)
			}
			if n := len(o.Budget.State().Calls[lane]); n != len(tt.sent) {
				t.Errorf("%s: %d calls charged", tt.name, n)
			}
			if calls := w.seen(); len(calls) == 2 && (calls[0].Body != calls[1].Body || calls[0].Path != calls[1].Path ||
				calls[0].Header.Get("x-message-id") == calls[1].Header.Get("x-message-id")) {
				t.Errorf("%s: not the same call: %+v", tt.name, calls)
			}
			checkRemedy(t, tt.name, tt.renew, err)
		}
	}
}

func as(token string, err error) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return token, err }
}

// checkRemedy looks for the error of the sign-in, which is worth more than LG's
// refusal, and for the partner's remedy where that is all there is.
func checkRemedy(t *testing.T, name string, renew func(context.Context, string) (string, error), err error) {
	t.Helper()
	if renew == nil || err == nil {
		return
	}
	if _, failed := renew(t.Context(), ""); failed != nil && !errors.Is(err, failed) {
		t.Errorf("%s: the sign-in's error is lost: %v", name, err)
	}
	if strings.Contains(err.Error(), "connect-pat") {
		t.Errorf("%s: %v", name, err)
	}
}

// TestRefusedForOtherReasons renews nothing.
func TestRefusedForOtherReasons(t *testing.T) {
	for code, class := range map[string]Class{"1314": Rate, "1304": Terms, "1309": Blocked, "1222": Offline, "2000": Busy} {
		s := newLG(t, says(401, fail(`"`+code+`"`)))
		o := s.partner(PartnerV1)
		o.Renew = func(context.Context, string) (string, error) { t.Error(code + ": renewed"); return "x", nil }
		if _, err := newTestClient(t, o).State(t.Context(), "d"); ClassOf(err) != class || len(s.seen()) != 1 {
			t.Errorf("%s: %v after %d calls", code, err, len(s.seen()))
		}
	}
}

// TestAnswersEchoNoToken has a gateway throw the request back.
func TestAnswersEchoNoToken(t *testing.T) {
	s := newLG(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 "+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")+r.Header.Get("x-service-key")+" OK\r\n\r\n")
	})
	o := s.partner(PartnerV2)
	o.Service.Key = "canarykey0123456789"
	_, err := newTestClient(t, o).State(t.Context(), "d")
	if text := fmt.Sprint(err); ClassOf(err) != Busy || !strings.Contains(text, "[secret]") || strings.Contains(text, canary) || strings.Contains(text, string(o.Service.Key)) {
		t.Error(text)
	}
}

// TestCutMessagesEchoNoToken has the token where a message is cut.
func TestCutMessagesEchoNoToken(t *testing.T) {
	for _, body := range []string{`{"error":{"code":"1103","message":"%s"}}`, `<html>%s`} {
		s := newLG(t, says(400, strings.ReplaceAll(body, "%s", strings.Repeat("x ", maxMessage/2-10)+canary)))
		if _, err := s.client(t).State(t.Context(), "d"); err == nil || strings.Contains(err.Error(), canary[:6]) {
			t.Error(err)
		}
	}
}

// TestBudgetEndsBeforeTheRepetition has one call left.
func TestBudgetEndsBeforeTheRepetition(t *testing.T) {
	w := newWants(t, "a1")
	o := w.partner(PartnerV1)
	o.Token, o.Renew, o.Budget = token("a0"), as("a1", nil), NewBudget(1, 1, BudgetState{})
	_, err := newTestClient(t, o).State(t.Context(), "d")
	if _, ok := errors.AsType[*BudgetError](err); !ok || len(w.sent()) != 1 {
		t.Errorf("%v after %q", err, w.sent())
	}
}

// TestCallsOverTwelveHours uses a real EMP client: tokens that end every hour, no
// call with one that is over, and never two renewals at a time.
func TestCallsOverTwelveHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		flying, renewals := 0, 0
		emp := newLG(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			flying++
			renewals++
			if flying > 1 {
				t.Error("two renewals at a time")
			}
			mu.Unlock()
			sleep(r.Context(), 2*time.Second)
			mu.Lock()
			flying--
			mu.Unlock()
			io.WriteString(w, `{"access_token":"until-`+time.Since(start).Truncate(time.Second).String()+`","expires_in":"3600"}`)
		})
		api := newLG(t, func(w http.ResponseWriter, r *http.Request) {
			_, made, _ := strings.Cut(r.Header.Get("Authorization"), "until-")
			if at, err := time.ParseDuration(made); err != nil || time.Since(start) > at+time.Hour {
				t.Errorf("a token of %s at %v", made, time.Since(start))
			}
			says(200, ok("{}"))(w, r)
		})
		var saved []Token
		source := NewTokenSource(tokenOf("until-0s", "r", time.Hour), emp.emp().Refresh, func(t Token) error { saved = append(saved, t); return nil })
		defer source.Close()
		o := api.partner(PartnerV2)
		o.Token, o.Renew = source.Token, source.Renew
		c := newTestClient(t, o)
		for time.Since(start) < 12*time.Hour {
			for range 3 {
				if _, err := c.State(t.Context(), "d"); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(90 * time.Second)
		}
		if renewals < 12 || renewals > 15 || len(saved) != renewals || saved[len(saved)-1].RefreshToken != "r" {
			t.Errorf("%d renewals, %d saved", renewals, len(saved))
		}
	})
}
