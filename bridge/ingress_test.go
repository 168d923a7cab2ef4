package bridge

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// Behind Home Assistant's ingress only its Supervisor is answered, by whatever
// name people reach Home Assistant, and may show the page in a frame. People have
// signed in there.
func TestS22S43Ingress(t *testing.T) {
	t.Parallel()
	s := aSite()
	s.Ingress = netip.MustParseAddr("172.30.32.2")
	s.Password = func() (string, error) { return "secret", nil }
	for _, tt := range []struct {
		name, peer, host, path string
		change                 map[string]string
		want                   int
		frame                  string
	}{
		{"panel", "172.30.32.2:40000", "home.example.com", "/", map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 200, "SAMEORIGIN"},
		{"by address", "172.30.32.2:40000", "192.168.1.2:8123", "/version", nil, 200, "SAMEORIGIN"},
		{"from IPv6", "[::ffff:172.30.32.2]:40000", "home.example.com", "/version", nil, 200, "SAMEORIGIN"},
		{"another site's frame", "172.30.32.2:40000", "home.example.com", "/", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403, "SAMEORIGIN"},
		{"another site's script", "172.30.32.2:40000", "home.example.com", "/", map[string]string{"Origin": "https://evil.example.com"}, 403, "SAMEORIGIN"},
		{"another app", "172.30.33.5:40000", "localhost", "/", nil, 403, "DENY"},
		{"another app that claims to be it", "172.30.33.5:40000", "localhost", "/metrics", map[string]string{"X-Forwarded-For": "172.30.32.2", "X-Ingress-Path": "/"}, 403, "DENY"},
		{"the house", "192.168.1.7:40000", "192.168.1.2:8099", "/", map[string]string{"Authorization": "Basic OnNlY3JldA=="}, 403, "DENY"},
		{"health check", "127.0.0.1:40000", "127.0.0.1:8099", "/readyz", map[string]string{"Authorization": "Basic OnNlY3JldA=="}, 200, "DENY"},
		{"without the password", "127.0.0.1:40000", "127.0.0.1:8099", "/readyz", nil, 401, "DENY"},
		{"liveness", "172.30.33.5:40000", "x", "/livez", nil, 200, "DENY"},
	} {
		w := asked(s, "GET", tt.path, func(r *http.Request) {
			r.RemoteAddr, r.Host = tt.peer, tt.host
			for name, value := range tt.change {
				r.Header.Set(name, value)
			}
		})
		if w.Code != tt.want || w.Header().Get("X-Frame-Options") != tt.frame {
			t.Errorf("%s: %d with %q, want %d with %q", tt.name, w.Code, w.Header().Get("X-Frame-Options"), tt.want, tt.frame)
		}
		framed := strings.Contains(w.Header().Get("Content-Security-Policy"), "frame-ancestors 'self'")
		if framed != (tt.frame == "SAMEORIGIN") {
			t.Errorf("%s: in a frame %v", tt.name, framed)
		}
	}
	if asked(s, "POST", "/", func(r *http.Request) { r.RemoteAddr = "172.30.32.2:40000" }).Code != 405 {
		t.Error("the Supervisor may change something")
	}
}

// Links of the page are relative: ingress serves it below a path.
func TestS43RelativeLinks(t *testing.T) {
	t.Parallel()
	for _, absolute := range []string{`href="/`, `src="/`, `action="/`, `url=/`, "http://", "https://"} {
		if strings.Contains(statusHTML, absolute) {
			t.Errorf("the page has %s", absolute)
		}
	}
}
