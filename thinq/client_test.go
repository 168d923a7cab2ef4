package thinq

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// canary is the token of every test client. It must show up nowhere but in the
// Authorization header.
const canary = "thinqpat_canary0123456789abcdef"

// lg is a server that answers every call with a function, and remembers them.
type lg struct {
	*httptest.Server
	answer func(http.ResponseWriter, *http.Request)
	pipes  *pipes

	mu    sync.Mutex
	calls []seen
}

type seen struct {
	Method, Path, Body string
	Header             http.Header
}

func newLG(t *testing.T, answer func(http.ResponseWriter, *http.Request)) *lg {
	t.Helper()
	s := &lg{answer: answer, pipes: newPipes()}
	s.Server = httptest.NewUnstartedServer(s)
	s.Listener.Close()
	s.Listener = s.pipes
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// pipes are a network with one server on it, which works under virtual time.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

func newPipes() *pipes {
	closed := make(chan struct{})
	return &pipes{make(chan net.Conn), closed, sync.OnceFunc(func() { close(closed) })}
}

func (p *pipes) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.close(); return nil }
func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "example.com:443" } // the name in httptest's certificate

func (s *lg) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.calls = append(s.calls, seen{r.Method, r.URL.RequestURI(), string(body), r.Header})
	s.mu.Unlock()
	s.answer(w, r)
}

func (s *lg) seen() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.calls...)
}

func (s *lg) options() Options {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return Options{Country: "de", APIURL: s.URL, Roots: roots, Token: token(canary), Dial: s.pipes.Dial}
}

func (s *lg) client(t *testing.T) *Client {
	t.Helper()
	return newTestClient(t, s.options())
}

func newTestClient(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func token(s string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return s, nil }
}

func says(status int, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func ok(response string) string {
	return `{"messageId":"x","timestamp":"2026-03-01T09:15:42.318745","response":` + response + `}`
}

func fail(code string) string {
	return `{"messageId":"x","timestamp":"2026-03-01T09:15:42.319002","error":{"message":"not now","code":` + code + `}}`
}

func TestHeaders(t *testing.T) {
	s := newLG(t, says(200, ok("{}")))
	c := s.client(t)
	ctx := t.Context()
	if _, err := c.State(ctx, "dev/1"); err != nil {
		t.Fatal(err)
	}
	if err := c.Control(ctx, "dev1", []byte(`{"a":{"b":1}}`)); err != nil {
		t.Fatal(err)
	}
	calls := s.seen()
	want := http.Header{
		"Authorization":   {"Bearer " + canary},
		"Accept":          {"application/json"},
		"Accept-Encoding": {"gzip"},
		"User-Agent":      {"thinq2mqtt"},
		"X-Country":       {"DE"},
		"X-Client-Id":     {c.clientID()},
		"X-Api-Key":       {publicAPIKey},
		"X-Service-Phase": {"OP"},
	}
	read, control := calls[0], calls[1]
	ids := []string{read.Header.Get("x-message-id"), control.Header.Get("x-message-id")}
	form := regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)
	if !form.MatchString(ids[0]) || !form.MatchString(ids[1]) || ids[0] == ids[1] {
		t.Errorf("message ids %q", ids)
	}
	read.Header.Del("x-message-id")
	if diff := cmp.Diff(want, read.Header); diff != "" {
		t.Errorf("headers of a read (-want +got):\n%s", diff)
	}
	control.Header.Del("x-message-id")
	want["Content-Type"] = []string{"application/json"}
	want["Content-Length"] = []string{"13"}
	want["X-Conditional-Control"] = []string{"true"}
	if diff := cmp.Diff(want, control.Header); diff != "" {
		t.Errorf("headers of a control call (-want +got):\n%s", diff)
	}
	if read.Path != "/devices/dev%2F1/state" || control.Path != "/devices/dev1/control" || control.Body != `{"a":{"b":1}}` {
		t.Errorf("asked for %s and %s with %s", read.Path, control.Path, control.Body)
	}
}

func TestMessageIDsNeverRepeat(t *testing.T) {
	ids := map[string]bool{}
	for range 10_000 {
		ids[messageID()] = true
	}
	if len(ids) != 10_000 {
		t.Errorf("%d different message ids in 10000", len(ids))
	}
}

func TestAnswers(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	tests := []struct {
		name   string
		status int
		body   string
		want   string // response of a success
		class  Class  // of an error
		code   string
	}{
		{"response", 200, ok(`{"a":1}`), `{"a":1}`, "", ""},
		{"array", 200, ok(`[{"a":1}]`), `[{"a":1}]`, "", ""},
		{"null response", 200, ok("null"), "{}", "", ""},
		{"no response", 200, `{"messageId":"x"}`, "{}", "", ""},
		{"empty object", 200, `{}`, "{}", "", ""},
		{"empty body", 200, "", "{}", "", ""},
		{"no content", 204, "", "{}", "", ""},
		{"unknown members", 200, `{"response":{"a":1},"news":[1]}`, `{"a":1}`, "", ""},
		{"null error", 200, `{"response":{"a":1},"error":null}`, `{"a":1}`, "", ""},
		{"state with an error of its own", 200, ok(`{"error":"WATER_LEAK"}`), `{"error":"WATER_LEAK"}`, "", ""},
		{"nested as deep as allowed", 200, ok(deep(maxNesting - 1)), deep(maxNesting - 1), "", ""},

		{"code as string", 400, fail(`"1103"`), "", Auth, "1103"},
		{"code as number", 401, fail(`1314`), "", Rate, "1314"},
		{"zero as number", 500, fail(`0`), "", Unknown, "0000"},
		{"too many calls as 401", 401, fail(`"1306"`), "", Rate, "1306"},
		{"offline", 416, fail(`"1222"`), "", Offline, "1222"},
		{"error under 200", 200, fail(`"1222"`), "", Offline, "1222"},
		{"error in the response", 400, ok(`{"error":{"code":"1222","message":"x"}}`), "", Offline, "1222"},
		{"error in the response under 200", 200, `{"responseCode":"1222","response":{"error":{"code":"1222"}}}`, "", Offline, "1222"},
		{"response code only", 200, `{"responseCode":"1222"}`, "", Offline, "1222"},
		{"unknown code", 400, fail(`"9876"`), "", Unknown, "9876"},
		{"unknown code, message about calls", 401, `{"error":{"code":"9876","message":"Exceeded User API calls"}}`, "", Rate, "9876"},
		{"unknown code with 503", 503, fail(`"9876"`), "", Busy, "9876"},
		{"code that is none", 403, fail(`"FORBIDDEN"`), "", Auth, ""},
		{"code as object", 500, fail(`{}`), "", Busy, ""},
		{"error as word", 401, `{"error":"invalid_token"}`, "", Auth, ""},
		{"gateway's message", 403, `{"message":"Forbidden"}`, "", Auth, ""},
		{"429 with nothing", 429, "", "", Rate, ""},
		{"502 with HTML", 502, "<html><body>Bad gateway</body></html>", "", Busy, ""},
		{"503 with nothing", 503, "", "", Busy, ""},
		{"200 with HTML", 200, "<!doctype html><title>Log in</title>", "", Busy, ""},
		{"200 with an array", 200, "[]", "", Busy, ""},
		{"200 with a word", 200, `"ok"`, "", Busy, ""},
		{"truncated", 200, `{"response":{"a":`, "", Busy, ""},
		{"two values", 200, `{} {}`, "", Busy, ""},
		{"nested too deep", 200, ok(deep(maxNesting)), "", Busy, ""},
		{"not found with nothing", 404, "", "", Unknown, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := newLG(t, says(tt.status, tt.body)).client(t).State(t.Context(), "d")
			if string(got) != tt.want || ClassOf(err) != tt.class {
				t.Fatalf("got %s, %v (class %q); want %s, class %q", got, err, ClassOf(err), tt.want, tt.class)
			}
			if e, ok := errors.AsType[*Error](err); ok {
				if e.Code != tt.code || e.Status != tt.status || e.Endpoint != "GET /devices/{id}/state" {
					t.Errorf("got %+v", e)
				}
				if e.Text() == "" || strings.ContainsAny(e.Error(), "\r\n") {
					t.Errorf("Text %q, Error %q", e.Text(), e)
				}
			}
		})
	}
}

func TestSizeLimits(t *testing.T) {
	filler := func(n int) string { return ok(`"` + strings.Repeat("x", n-len(ok(`""`))) + `"`) }
	bomb := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write([]byte(ok(`"` + strings.Repeat("x", 64<<20) + `"`)))
		z.Close()
	}
	tests := []struct {
		name    string
		answer  func(http.ResponseWriter, *http.Request)
		profile bool
		fits    bool
	}{
		{"state at the limit", says(200, filler(smallAnswer)), false, true},
		{"state above", says(200, filler(smallAnswer+1)), false, false},
		{"profile at the limit", says(200, filler(largeAnswer)), true, true},
		{"profile above", says(200, filler(largeAnswer+1)), true, false},
		{"compressed", bomb, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newLG(t, tt.answer).client(t)
			call := c.State
			if tt.profile {
				call = c.Profile
			}
			if _, err := call(t.Context(), "d"); (err == nil) != tt.fits || ClassOf(err) != map[bool]Class{false: Busy}[tt.fits] {
				t.Errorf("error %v, class %q", err, ClassOf(err))
			}
		})
	}
}

func TestRedirectsAreRefused(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := newLG(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/here" {
				says(200, ok("{}"))(w, r)
				return
			}
			to := "https://elsewhere.example/"
			if r.Header.Get("x-country") == "KR" {
				to = "/here"
			}
			http.Redirect(w, r, to, status)
		})
		for _, country := range []string{"DE", "KR"} {
			o := s.options()
			o.Country = country
			_, err := newTestClient(t, o).State(t.Context(), "d")
			if e, ok := errors.AsType[*Error](err); !ok || e.Status != status || e.Class() != Busy {
				t.Errorf("%d: error %v", status, err)
			}
		}
		if n := len(s.seen()); n != 2 {
			t.Errorf("%d: %d calls instead of 2", status, n)
		}
	}
}

func TestTLSIsVerified(t *testing.T) {
	s := newLG(t, says(200, ok("{}")))
	o := s.options()
	o.Roots = x509.NewCertPool()
	_, err := newTestClient(t, o).State(t.Context(), "d")
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok || ClassOf(err) != Busy || len(s.seen()) != 0 {
		t.Errorf("error %v after %d calls", err, len(s.seen()))
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := map[string]time.Duration{
		"":                              0,
		"30":                            30 * time.Second,
		"0":                             time.Second,
		"1000000000":                    6 * time.Hour,
		"99999999999999999999999":       0,
		"-5":                            0,
		"soon":                          0,
		"Sun, 01 Mar 2026 12:01:00 GMT": time.Minute,
		"Sun, 01 Mar 2026 11:00:00 GMT": 0,
		"Tue, 01 Mar 2033 11:00:00 GMT": 6 * time.Hour,
	}
	for value, want := range tests {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q: got %v, want %v", value, got, want)
		}
	}
	s := newLG(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "42")
		w.WriteHeader(429)
	})
	_, err := s.client(t).State(t.Context(), "d")
	if e, ok := errors.AsType[*Error](err); !ok || e.RetryAfter != 42*time.Second {
		t.Errorf("got %v", err)
	}
}

// TestSecretsStayInside lets a server and a network echo everything they know.
func TestSecretsStayInside(t *testing.T) {
	var log bytes.Buffer
	s := newLG(t, func(w http.ResponseWriter, r *http.Request) {
		echo := fmt.Sprintf("refused %v for user DE2301012345678 at %s", r.Header, r.URL)
		switch r.Header.Get("x-country") {
		case "DE":
			says(400, `{"error":{"code":"1103","message":`+quote(echo)+`}}`)(w, r)
		case "KR":
			says(502, "<html>"+echo)(w, r)
		default:
			panic(http.ErrAbortHandler)
		}
	})
	for _, country := range []string{"DE", "KR", "US"} {
		o := s.options()
		o.Country = country
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c := newTestClient(t, o)
		_, err := c.State(t.Context(), "0123456789abcdef")
		if err == nil {
			t.Fatal("no error")
		}
		fmt.Fprintf(&log, "%v %+v\n", err, err)
	}
	for _, secret := range []string{canary, publicAPIKey, "DE2301012345678"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%s in\n%s", secret, &log)
		}
	}
}

func quote(s string) string {
	data, _ := json.Marshal(s)
	return string(data)
}

func TestTokens(t *testing.T) {
	s := newLG(t, says(200, ok("{}")))
	sour := errors.New("the file is gone")
	tests := []struct {
		name  string
		token func(context.Context) (string, error)
		class Class
	}{
		{"good", token("thinqpat_1"), ""},
		{"empty", token(""), Auth},
		{"with a line break", token("a\r\nx-evil: 1"), Auth},
		{"with a blank", token("a b"), Auth},
		{"none to be had", func(context.Context) (string, error) { return "", sour }, Busy},
		{"refused by its source", func(context.Context) (string, error) { return "", tokenError{} }, Auth},
	}
	for _, tt := range tests {
		o := s.options()
		o.Token = tt.token
		if _, err := newTestClient(t, o).State(t.Context(), "d"); ClassOf(err) != tt.class {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if n := len(s.seen()); n != 1 {
		t.Errorf("%d calls instead of 1", n)
	}
}

func TestNewClient(t *testing.T) {
	full := errors.New("disk full")
	tests := []struct {
		name string
		o    Options
		good bool
	}{
		{"minimal", Options{Country: "us", Token: token("x")}, true},
		{"no token", Options{Country: "US"}, false},
		{"no country", Options{Token: token("x")}, false},
		{"unknown country", Options{Country: "WW", Token: token("x")}, false},
		{"API in clear", Options{Country: "US", Token: token("x"), APIURL: "http://localhost"}, false},
		{"API with password", Options{Country: "US", Token: token("x"), APIURL: "https://a:b@localhost"}, false},
		{"API below a path", Options{Country: "US", Token: token("x"), APIURL: "https://localhost/lg/"}, true},
		{"identity cannot be saved", Options{Country: "US", Token: token("x"), Save: func(Identity) error { return full }}, false},
		{"client id for another topic", Options{Country: "US", Token: token("x"), Identity: &Identity{ClientID: "a/#"}}, false},
	}
	for _, tt := range tests {
		if c, err := NewClient(tt.o); (err == nil) != tt.good {
			t.Errorf("%s: %v, %v", tt.name, c, err)
		}
	}
	c := newTestClient(t, Options{Country: "us", Token: token("x")})
	if c.base != "https://api-aic.lgthinq.com" {
		t.Errorf("API at %s", c.base)
	}
}

func TestDeviceIDsCannotLeaveTheirPath(t *testing.T) {
	s := newLG(t, says(200, ok("{}")))
	c := s.client(t)
	for _, id := range []string{"", ".", ".."} {
		if _, err := c.State(t.Context(), id); err == nil {
			t.Errorf("%q was asked for", id)
		}
	}
	for _, id := range []string{"../client", "a?b", "a#b", "a\r\nb", "%2e", "ä"} {
		if _, err := c.State(t.Context(), id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
		call := s.seen()[len(s.seen())-1]
		if call.Path != "/devices/"+url.PathEscape(id)+"/state" {
			t.Errorf("%q became %s", id, call.Path)
		}
	}
}

func TestObserve(t *testing.T) {
	var calls []Call
	answers := []func(http.ResponseWriter, *http.Request){
		says(200, ok("{}")), says(416, fail(`"1222"`)), says(400, fail(`"9876"`)), says(502, "<html>"),
		func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	n := 0
	s := newLG(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		answers[min(n, len(answers))-1](w, r)
	})
	o := s.options()
	o.Observe = func(c Call) { calls = append(calls, c) }
	c := newTestClient(t, o)
	for range answers {
		c.Control(t.Context(), "d", []byte("{}"))
	}
	var got []string
	for _, call := range calls {
		got = append(got, call.Endpoint+" "+call.Code)
	}
	const ep = "POST /devices/{id}/control "
	if diff := cmp.Diff([]string{ep + "ok", ep + "1222", ep + "http_400", ep + "http_502", ep + "network"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParallelCalls(t *testing.T) {
	s := newLG(t, says(200, ok("{}")))
	o := s.options()
	o.Budget = NewBudget(1000, 1000, BudgetState{})
	c := newTestClient(t, o)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.State(t.Context(), "d"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(o.Budget.State().Calls[Background]); n != 20 {
		t.Errorf("%d calls counted", n)
	}
}

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{ok(`{"a":[1]}`), fail(`"1222"`), fail(`1314`), `{"response":{"error":{"code":"1"}}}`,
		`{"error":"x"}`, "<html>", "null", `{"responseCode":1}`, `{"a":"\"[[["}`, "\xff\xfe{"} {
		f.Add(200, seed)
		f.Add(500, seed)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		response, err := parseAnswer(status, "", []byte(body))
		if err == nil {
			if status < 200 || status > 299 {
				t.Errorf("%d is a success", status)
			}
			if response != nil && !json.Valid(response) {
				t.Errorf("response %q", response)
			}
			entries[deviceEntry](response, "devices")
			entries[idEntry](response, "devices")
			return
		}
		if response != nil || err.Text() == "" || strings.ContainsAny(err.Error(), "\r\n") || len([]rune(err.Message)) > maxMessage+1 {
			t.Errorf("%q, %q, %q", response, err, err.Text())
		}
	})
}
