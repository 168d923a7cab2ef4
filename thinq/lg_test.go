package thinq

import (
	"context"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
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
	s.EnableHTTP2 = true // as LG does
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
