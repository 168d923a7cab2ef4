package bridge

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// aSite needs no bridge to say who may ask.
func aSite() *Site {
	return &Site{Version: VersionInfo{Version: "1.0.0"}, Metrics: prometheus.NewRegistry(), Names: []string{"nas.lan", "bridge.example.com:8443", "203.0.113.7"}}
}

// asked is the answer to one request.
func asked(s *Site, method, path string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Host = "localhost:8099"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func TestS16Host(t *testing.T) {
	t.Parallel()
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(machine, ".")
	for host, known := range map[string]bool{
		"localhost": true, "localhost:8099": true, "LocalHost:8099": true, "a.localhost": true, "127.0.0.1:8099": true, "127.8.8.8": true,
		"[::1]": true, "[::1]:8099": true, "[::ffff:127.0.0.1]:8099": true, "[fe80::1]": true, "[fd00::5]:8099": true,
		"192.168.1.5:8099": true, "172.17.0.2": true, "10.0.0.1:80": true, "169.254.1.1": true, "100.101.102.103:8099": true,
		machine: true, strings.ToUpper(machine) + ":8099": true, first + ".local": true,
		"nas.lan": true, "NAS.lan:8099": true, "bridge.example.com:8443": true, "203.0.113.7:8099": true,
		"198.51.100.3:8099": true, // where the test's requests arrive

		"": false, ":8099": false, "0.0.0.0:8099": false, "0.0.0.0": false, "[::]:8099": false, "[::ffff:0.0.0.0]": false, "224.0.0.1": false,
		"evil.example.com": false, "evil.example.com:8099": false, "localhost.evil.com": false, "fritz.box": false, "evil.box": false, "me.fritz.box": false,
		"evil.lan": false, "evil.local": false, "evil": false, "box": false, "localhost.": false, "127.0.0.1.": false, "nas.lan.": false, ".localhost.": false,
		"127.0.0.1.nip.io": false, "bridge.example.com": false, "bridge.example.com:8099": false, "bridge.example.com:": false,
		"a@localhost": false, "localhost@evil.com": false, "localhost:evil": false, "localhost/evil": false, "localhost:8099:8099": false,
		"::1": false, "[fe80::1%25eth0]": false, "[::1": false, "[::1]evil": false, "203.0.113.8": false, "[2001:db8::1]:8099": false, "2130706433": false, "0x7f.1": false, "127.1": false,
	} {
		at := func(r *http.Request) {
			r.Host = host
			own := &net.TCPAddr{IP: net.IPv4(198, 51, 100, 3), Port: 8099}
			*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, own))
		}
		want := map[bool]int{true: 200, false: 421}[known]
		if got := asked(aSite(), "GET", "/version", at).Code; got != want {
			t.Errorf("Host %q: %d, want %d", host, got, want)
		}
		if got := asked(aSite(), "GET", "/livez", at).Code; got != 200 {
			t.Errorf("Host %q: liveness answers %d", host, got)
		}
		if got := asked(aSite(), "POST", "/version", func(r *http.Request) {
			at(r)
			r.Header.Set("Origin", "http://evil.example.com")
		}).Code; got != map[bool]int{true: 403, false: 421}[known] {
			t.Errorf("Host %q: %d to a POST of another site", host, got)
		}
	}
}

// What only a connection can say: no Host at all, and another address in the
// first line, which counts then.
func TestS16HostOnTheWire(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(aSite().Handler())
	defer server.Close()
	for request, want := range map[string]int{
		"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n":                          200,
		"GET /version HTTP/1.1\r\n\r\n":                                             400,
		"GET /version HTTP/1.1\r\nHost: localhost\r\nHost: evil.com\r\n\r\n":        400,
		"GET /version HTTP/1.0\r\n\r\n":                                             421,
		"GET http://evil.example.com/version HTTP/1.1\r\nHost: localhost\r\n\r\n":   421,
		"GET http://localhost/version HTTP/1.1\r\nHost: localhost\r\n\r\n":          200,
		"GET http://me@localhost/version HTTP/1.1\r\nHost: localhost\r\n\r\n":       200, // the user part is no part of the host
		"GET /version HTTP/1.1\r\nHost: me@localhost\r\n\r\n":                       400,
		"CONNECT localhost:8099 HTTP/1.1\r\nHost: localhost\r\n\r\n":                405,
		"POST /version HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx":   405,
		"GET /version HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000\r\n\r\n": 413,
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, request)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		conn.Close()
		if err != nil || res.StatusCode != want {
			t.Errorf("%q: %v, %v; want %d", request, res, err, want)
		}
	}
}

func TestS17Origin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		origin, site, mode, dest string
		want                     int
	}{
		{"", "", "", "", 200},
		{"http://localhost:8099", "same-origin", "cors", "empty", 200},
		{"https://localhost:8099", "same-origin", "cors", "empty", 200}, // a proxy speaks TLS
		{"HTTP://LOCALHOST:8099", "", "", "", 200},
		{"", "none", "navigate", "document", 200}, // typed
		{"", "same-origin", "navigate", "document", 200},
		{"", "cross-site", "navigate", "document", 200}, // a link
		{"", "same-site", "navigate", "document", 200},
		{"", "cross-site", "navigate", "", 200}, // of an older browser
		{"", "cross-site", "navigate", "iframe", 403},
		{"", "same-site", "navigate", "frame", 403},
		{"", "cross-site", "navigate", "object", 403},
		{"", "cross-site", "no-cors", "image", 403},
		{"", "cross-site", "no-cors", "script", 403},
		{"", "same-site", "no-cors", "image", 403},
		{"", "cross-site", "cors", "empty", 403},
		{"", "cross-site", "", "", 403},
		{"", "something-new", "no-cors", "image", 403},
		{"null", "", "", "", 403},
		{"null", "cross-site", "navigate", "document", 403}, // a form
		{"http://localhost", "", "", "", 403},
		{"http://localhost:3000", "same-site", "cors", "empty", 403},
		{"http://127.0.0.1:8099", "", "", "", 403},
		{"http://localhost:8099.evil.com", "", "", "", 403},
		{"http://evil.example.com", "", "", "", 403},
		{"chrome-extension://abcdef", "", "", "", 403},
		{"file://", "", "", "", 403},
		{"http://evil.example.com", "same-origin", "cors", "empty", 403},
	}
	for _, tt := range tests {
		change := func(r *http.Request) {
			for name, value := range map[string]string{"Origin": tt.origin, "Sec-Fetch-Site": tt.site, "Sec-Fetch-Mode": tt.mode, "Sec-Fetch-Dest": tt.dest} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
		}
		for path := range aSite().routes() {
			path = strings.TrimSuffix(path, "{$}")
			want := tt.want
			if path == "/livez" {
				want = 200
			}
			w := asked(aSite(), "GET", path, change)
			if w.Code != want {
				t.Errorf("%s, %+v: %d", path, tt, w.Code)
			}
			for name := range w.Header() {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s, %+v: %s is sent", path, tt, name)
				}
			}
		}
	}
	if w := asked(aSite(), "GET", "/version", func(r *http.Request) {
		r.Header["Origin"] = []string{"http://localhost:8099", "http://evil.example.com"}
	}); w.Code != 403 {
		t.Errorf("two origins: %d", w.Code)
	}
}

// The headers of every answer that is ours, errors included.
func TestS19Headers(t *testing.T) {
	t.Parallel()
	locked := aSite()
	locked.Password = func() (string, error) { return "right", nil }
	cases := []struct {
		name, method, path string
		site               *Site
		change             func(*http.Request)
	}{
		{"page", "GET", "/", aSite(), nil},
		{"livez", "GET", "/livez", aSite(), nil},
		{"readyz", "GET", "/readyz", aSite(), nil},
		{"healthz", "GET", "/healthz", aSite(), nil},
		{"version", "HEAD", "/version", aSite(), nil},
		{"metrics", "GET", "/metrics", aSite(), nil},
		{"nothing there", "GET", "/nothing", aSite(), nil},
		{"a path to be cleaned", "GET", "//livez", aSite(), nil},
		{"a foreign name", "GET", "/", aSite(), func(r *http.Request) { r.Host = "evil.com" }},
		{"a foreign site", "GET", "/", aSite(), func(r *http.Request) { r.Header.Set("Origin", "null") }},
		{"a method", "DELETE", "/", aSite(), nil},
		{"a method of liveness", "POST", "/livez", aSite(), nil},
		{"a body", "GET", "/", aSite(), func(r *http.Request) { r.ContentLength = bodyLimit + 1 }},
		{"no password", "GET", "/", locked, nil},
		{"a bridge that stands still", "GET", "/readyz", &Site{Bridges: []*Bridge{{ended: closed()}}}, nil},
	}
	var said strings.Builder
	fmt.Fprintln(&said, "every answer:")
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		fmt.Fprintf(&said, "  %s: %s\n", name, strings.ReplaceAll(headers[name], styleHash, "STYLE"))
	}
	for _, c := range cases {
		w := asked(c.site, c.method, c.path, c.change)
		fmt.Fprintf(&said, "%s: %s %s: %d\n", c.name, c.method, c.path, w.Code)
		for _, name := range slices.Sorted(maps.Keys(w.Header())) {
			if value := strings.Join(w.Header()[name], " | "); value != headers[name] {
				fmt.Fprintf(&said, "  %s: %s\n", name, value)
			}
		}
		for name := range headers {
			if w.Header().Get(name) == "" {
				t.Errorf("%s: no %s", c.name, name)
			}
		}
	}
	golden(t, "headers.txt", said.String())
}

func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// Whoever asks needs the password, if there is one, but for this machine where no
// other gets.
func TestS22Password(t *testing.T) {
	t.Parallel()
	s := aSite()
	for _, tt := range []struct {
		peer, user, password string
		local                bool
		failing              error
		want                 int
	}{
		{peer: "127.0.0.1:1", local: true, want: 200},
		{peer: "[::1]:1", local: true, want: 200},
		{peer: "[::ffff:127.0.0.1]:1", local: true, want: 200},
		{peer: "192.168.1.9:1", local: true, want: 401},
		{peer: "127.0.0.1:1", want: 401}, // passed on from another machine, maybe
		{peer: "[::1]:1", want: 401},
		{peer: "[::ffff:127.0.0.1]:1", want: 401},
		{peer: "198.51.100.3:1", want: 401}, // where it arrives
		{peer: "127.0.0.1:1", user: "me", password: "right", want: 200},
		{peer: "192.168.1.9:1", want: 401},
		{peer: "192.168.1.9:1", user: "me", password: "wrong", want: 401},
		{peer: "192.168.1.9:1", user: "me", password: "right", want: 200},
		{peer: "192.168.1.9:1", password: "right", want: 200},
		{peer: "[2001:db8::9]:1", user: "me", password: "right and more", want: 401},
		{peer: "192.168.1.9:1", failing: os.ErrPermission, want: 401}, // not even with an empty one
		{peer: "", password: "right", want: 200},
		{peer: "@", want: 401},
	} {
		s.Local = tt.local
		s.Password = func() (string, error) {
			if tt.failing != nil {
				return "", tt.failing
			}
			return "right", nil
		}
		change := func(r *http.Request) {
			r.RemoteAddr = tt.peer
			own := &net.TCPAddr{IP: net.IPv4(198, 51, 100, 3), Port: 8099}
			*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, own))
			if tt.user+tt.password != "" || tt.failing != nil {
				r.SetBasicAuth(tt.user, tt.password)
			}
		}
		for path := range s.routes() {
			want := tt.want
			if path == "/livez" {
				want = 200
			}
			if got := asked(s, "GET", strings.TrimSuffix(path, "{$}"), change).Code; got != want {
				t.Errorf("%s, %+v: %d", path, tt, got)
			}
		}
	}
}

// Nothing that tells of memory or code is served.
func TestS09NoProfiling(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/debug", "/debug/pprof", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/pprof/profile", "/debug/vars", "/debug/requests"} {
		if got := asked(aSite(), "GET", path, nil).Code; got != 404 {
			t.Errorf("%s: %d", path, got)
		}
	}
}
