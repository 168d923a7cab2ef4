package thinq

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A browser on a network inside the process, which follows redirects but never
// to LG.
func browser(t *testing.T, n *thinqtest.Network) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: n.Dial}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "emp.test" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

type served struct {
	code string
	err  error
	took time.Duration
}

// serving is a sign-in that waits for its answer on a network of its own.
func serving(ctx context.Context, t *testing.T) (*Login, *thinqtest.Network, <-chan served) {
	t.Helper()
	n := new(thinqtest.Network)
	l := testEMP(testRedirect).Begin()
	listener, err := n.Listen(l.Addresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan served, 1)
	go func() {
		begun := time.Now()
		code, _, err := l.Serve(ctx, listener)
		done <- served{code, err, time.Since(begun)}
	}()
	synctest.Wait()
	return l, n, done
}

func closed(t *testing.T, n *thinqtest.Network) {
	t.Helper()
	if conn, err := n.Dial(t.Context(), "tcp", "127.0.0.1:8765"); err == nil {
		conn.Close()
		t.Error("the port is still open")
	}
}

func TestS25PortClosesAfterAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, n, done := serving(t.Context(), t)
		b := browser(t, n)
		for _, address := range []string{l.StartURL(), answered(l, "code=forged&state=x"), answered(l, "code=real&state=STATE")} {
			res, err := b.Get(address)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if strings.Contains(res.Request.URL.String(), "code=") {
				t.Errorf("the history has %s", res.Request.URL)
			}
		}
		b.CloseIdleConnections()
		if s := <-done; s.code != "real" || s.err != nil || s.took > time.Second {
			t.Errorf("%+v", s)
		}
		closed(t, n)
	})
}

// A browser that never asks for the page keeps the port open for no more than a
// moment.
func TestS25PortClosesThoughNobodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, n, done := serving(t.Context(), t)
		b := browser(t, n)
		b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		for _, address := range []string{l.StartURL(), answered(l, "error=access_denied&state=STATE")} {
			res, err := b.Get(address)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
		}
		b.CloseIdleConnections()
		if s := <-done; !refusedAs(s.err, Denied) || s.took != lingers {
			t.Errorf("%+v", s)
		}
		closed(t, n)
	})
}

func TestS25PortClosesAfterTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, n, done := serving(t.Context(), t)
		b := browser(t, n)
		res, err := b.Get(answered(l, "code=forged&state=x"))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		b.CloseIdleConnections()
		if s := <-done; !refusedAs(s.err, NoAnswer) || s.took != 10*time.Minute || ClassOf(s.err) != Busy {
			t.Errorf("%+v", s)
		}
		closed(t, n)
	})
}

func TestS25PortClosesOnInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		interrupted := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		_, n, done := serving(ctx, t)
		idle, err := n.Dial(t.Context(), "tcp", "127.0.0.1:8765")
		if err != nil {
			t.Fatal(err)
		}
		defer idle.Close()
		cancel(interrupted)
		if s := <-done; !errors.Is(s.err, interrupted) || s.took > 6*time.Second {
			t.Errorf("%+v", s)
		}
		closed(t, n)
		if _, err := idle.Read(make([]byte, 1)); err == nil {
			t.Error("a connection is still open")
		}
	})
}

// Whatever a browser asks for, the answer is kept nowhere and tells no other site
// of the address; the one to LG's answer leads to an address without it.
func TestS26AnswersLeaveNothing(t *testing.T) {
	l := testEMP(testRedirect).Begin()
	v := started(t, l)
	for address, status := range map[string]int{
		l.StartURL(): http.StatusSeeOther, answered(l, "code=c&state=x"): http.StatusSeeOther, answered(l, "code=c&state=STATE"): http.StatusSeeOther,
		"http://127.0.0.1:8765" + pages + welcome: http.StatusOK, "http://127.0.0.1:8765/nothing": http.StatusNotFound,
	} {
		res := v.get(address)
		for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Frame-Options": "DENY"} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s %q", address, name, got)
			}
		}
		to := res.Header.Get("Location")
		if res.StatusCode != status || to != l.URL() && strings.Contains(to, "?") || !strings.HasPrefix(res.Header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-") {
			t.Errorf("%s: %s to %q, %v", address, res.Status, to, res.Header)
		}
	}
}

func TestServeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(thinqtest.Network)
		listener, err := n.Listen("127.0.0.1:8765")
		if err != nil {
			t.Fatal(err)
		}
		listener.Close()
		if _, _, err := testEMP(testRedirect).Begin().Serve(t.Context(), listener); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v", err)
		}
	})
}
