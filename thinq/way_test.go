package thinq

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// detours are answers that send a client elsewhere: to the same host, to another
// port of it, and to another host.
var (
	detours   = []int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect}
	elsewhere = []string{"/here", "https://example.com:8443/here", "https://elsewhere.example/"}
)

// dials is a network that notes where one wants to go.
type dials struct {
	dial dialFunc
	mu   sync.Mutex
	to   []string
}

func (d *dials) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d.mu.Lock()
	d.to = append(d.to, addr)
	d.mu.Unlock()
	return d.dial(ctx, network, addr)
}

// redirected lets a call run into every detour, and checks that nobody else is
// asked or even called.
func redirected(t *testing.T, call func(s *lg, dial dialFunc) error, refused func(err error, status int) bool) {
	t.Helper()
	for _, status := range detours {
		for _, to := range elsewhere {
			s := newLG(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/here" {
					says(200, ok("{}"))(w, r)
					return
				}
				http.Redirect(w, r, to, status)
			})
			d := &dials{dial: s.pipes.Dial}
			if err := call(s, d.Dial); !refused(err, status) || strings.Contains(fmt.Sprint(err), canary) {
				t.Errorf("%d to %s: %v", status, to, err)
			}
			u, _ := url.Parse(s.URL)
			if len(s.seen()) != 1 || !slices.Equal(d.to, []string{u.Host}) {
				t.Errorf("%d to %s: %d calls, dialled %q", status, to, len(s.seen()), d.to)
			}
		}
	}
}

// The token goes nowhere but where the call went.
func TestF021Redirects(t *testing.T) {
	redirected(t, func(s *lg, dial dialFunc) error {
		o := s.options()
		o.Dial = dial
		_, err := newTestClient(t, o).State(t.Context(), "d")
		return err
	}, func(err error, status int) bool {
		e, ok := errors.AsType[*Error](err)
		return ok && e.Status == status && e.Class() == Busy
	})
}

// Neither do the code, the refresh token and the client secret of a sign-in, nor
// the token of a call that changes something.
func TestS11Redirects(t *testing.T) {
	refused := func(err error, _ int) bool { return ClassOf(err) == Busy && !strings.Contains(err.Error(), canaryCode) }
	redirected(t, func(s *lg, dial dialFunc) error {
		e := s.emp()
		e.Dial = dial
		_, err := e.Exchange(t.Context(), canaryCode, "")
		return err
	}, refused)
	redirected(t, func(s *lg, dial dialFunc) error {
		o := s.options()
		o.Dial = dial
		return newTestClient(t, o).Control(t.Context(), "d", []byte("{}"))
	}, refused)
}

// Whatever the environment says of proxies (see TestMain), LG is called at its
// own address.
func TestF104ProxyVariable(t *testing.T) {
	s := newLG(t, says(200, ok("{}")))
	d := &dials{dial: s.pipes.Dial}
	o, e := s.options(), s.emp()
	o.Dial, e.Dial = d.Dial, d.Dial
	if _, err := newTestClient(t, o).State(t.Context(), "d"); err != nil {
		t.Error(err)
	}
	_, _ = e.Exchange(t.Context(), canaryCode, "")
	u, _ := url.Parse(s.URL)
	if want := []string{u.Host, u.Host}; !slices.Equal(d.to, want) {
		t.Errorf("dialled %q, want %q", d.to, want)
	}
}

// A proxy of the configuration is told the address and nothing else: behind it
// the certificate is LG's own, or there is no call.
func TestF104ProxyByConfiguration(t *testing.T) {
	good, other := newLG(t, says(200, ok("{}"))), newLG(t, says(200, ok("{}")))
	for _, behind := range []*lg{good, other} {
		var asked *http.Request
		proxy := func(_ context.Context, network, addr string) (net.Conn, error) {
			near, far := net.Pipe()
			if addr != "proxy.test:3128" {
				t.Errorf("dialled %s", addr)
			}
			go func() {
				r := bufio.NewReader(far)
				asked, _ = http.ReadRequest(r)
				io.WriteString(far, "HTTP/1.1 200 OK\r\n\r\n")
				conn, err := behind.pipes.Dial(t.Context(), network, addr)
				if err != nil {
					far.Close()
					return
				}
				go io.Copy(far, conn)
				io.Copy(conn, r)
				conn.Close()
				far.Close()
			}()
			return near, nil
		}
		o := good.options()
		o.Dial, o.Proxy = proxy, &url.URL{Scheme: "http", Host: "proxy.test:3128"}
		if behind == other {
			o.Roots = nil
		}
		c := newTestClient(t, o)
		_, err := c.State(t.Context(), "d")
		if (err == nil) != (behind == good) || asked.Method != http.MethodConnect || asked.Header.Get("Authorization") != "" {
			t.Errorf("%v: %v, proxy asked %v", behind == good, err, asked)
		}
		c.Close()
	}
}
