package bridge

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
)

// headers keep what others may do with our pages to nothing at all.
var headers = map[string]string{
	"Content-Security-Policy":      "default-src 'none'; style-src '" + styleHash + "'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cache-Control":                "no-store",
}

// framed are the headers that differ where Home Assistant shows the page: it does
// so in a frame of its own.
var framed = map[string]string{
	"Content-Security-Policy": strings.Replace(headers["Content-Security-Policy"], "frame-ancestors 'none'", "frame-ancestors 'self'", 1),
	"X-Frame-Options":         "SAMEORIGIN",
}

// bodyLimit bounds what may come with a request; nothing needs to.
const bodyLimit = 16 << 10

// protect refuses what a page of somebody else could make a browser send, and
// what nobody needs to. Every answer carries the headers.
func (s *Site) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		if s.ingress(r) {
			for name, value := range framed {
				w.Header().Set(name, value)
			}
		}
		if text, code := s.refusal(w.Header(), r); code != 0 {
			http.Error(w, text, code)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// refusal says why a request is not served, with the code of that; 0: it is. The
// probe for liveness says nothing that anybody could use, so it is open to all.
func (s *Site) refusal(answer http.Header, r *http.Request) (text string, code int) {
	open := r.URL.Path == "/livez"
	switch {
	case !open && s.Ingress.IsValid() && !s.ingress(r) && !fromHere(r):
		return "this page is shown in Home Assistant only", http.StatusForbidden
	case !open && !s.meant(r):
		return "this server is not known under that name: ask for it by its address, or add the name to http.allowed_hosts", http.StatusMisdirectedRequest
	case !open && foreign(r):
		return "not for other sites", http.StatusForbidden
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		answer.Set("Allow", "GET, HEAD")
		return "only GET and HEAD", http.StatusMethodNotAllowed
	case r.ContentLength > bodyLimit || r.ContentLength < 0:
		answer.Set("Connection", "close") // or the rest of it would be read
		return "nothing is to be sent here", http.StatusRequestEntityTooLarge
	case !open && !s.admits(r):
		answer.Set("WWW-Authenticate", `Basic realm="thinq2mqtt", charset="UTF-8"`)
		return "the password is wanted that http.password_file holds; any user name will do", http.StatusUnauthorized
	}
	return "", 0
}

// meant reports whether the Host header means us: by an address that no stranger
// has, or a name that is ours. All other names may be a stranger's that leads
// here, to make a browser believe that our pages are his (DNS rebinding).
func (s *Site) meant(r *http.Request) bool {
	if s.ingress(r) {
		return true // it passes on by what name it was asked itself
	}
	host, port, ok := hostOf(r.Host)
	if !ok {
		return false
	}
	if slices.Contains(s.Names, host) || port != "" && slices.Contains(s.Names, net.JoinHostPort(host, port)) {
		return true
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return atHome(ip.Unmap()) || ip.Unmap() == ownAddress(r)
	}
	return slices.Contains(machineNames(), host) || strings.HasSuffix(host, ".localhost")
}

// hostOf takes a Host header apart; ok is false for what is none.
func hostOf(header string) (host, port string, ok bool) {
	u, err := url.Parse("//" + header)
	if err != nil || u.Host != header || u.Hostname() == "" {
		return "", "", false // a user part, a path, nothing at all
	}
	return strings.ToLower(u.Hostname()), u.Port(), true
}

// carrierGrade are addresses behind a provider's or an overlay network's
// translation (RFC 6598).
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

// atHome reports whether an address belongs to this machine or to a network of
// its owner. That for "any" does not: browsers let pages of strangers ask it.
func atHome(ip netip.Addr) bool {
	return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || carrierGrade.Contains(ip)
}

// ownAddress is the address at which a request arrived.
func ownAddress(r *http.Request) netip.Addr {
	at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return netip.Addr{}
	}
	own, _ := netip.ParseAddrPort(at.String()) // none for a socket of another kind
	return own.Addr().Unmap()
}

// machineNames are what this machine is called by itself and by its network.
func machineNames() []string {
	names := []string{"localhost"}
	if machine, err := os.Hostname(); err == nil && machine != "" {
		machine = strings.ToLower(machine)
		first, _, _ := strings.Cut(machine, ".")
		names = append(names, machine, first, first+".local")
	}
	return names
}

// foreign recognises requests that a page of another site makes. Following a
// link is no such request; showing us in a frame is.
func foreign(r *http.Request) bool {
	for _, origin := range r.Header.Values("Origin") {
		if !strings.EqualFold(origin, "http://"+r.Host) && !strings.EqualFold(origin, "https://"+r.Host) {
			return true
		}
	}
	if slices.Contains([]string{"", "same-origin", "none"}, r.Header.Get("Sec-Fetch-Site")) {
		return false
	}
	frame := r.Header.Get("Sec-Fetch-Dest")
	return r.Header.Get("Sec-Fetch-Mode") != "navigate" || frame != "" && frame != "document"
}

// fromHere reports whether a request comes from this machine.
func fromHere(r *http.Request) bool {
	peer := peerOf(r)
	return peer.IsLoopback() || peer.IsValid() && peer == ownAddress(r)
}

// ingress reports whether a request comes by way of Home Assistant.
func (s *Site) ingress(r *http.Request) bool {
	return s.Ingress.IsValid() && peerOf(r) == s.Ingress
}

// peerOf is the address that a request comes from.
func peerOf(r *http.Request) netip.Addr {
	at, _ := netip.ParseAddrPort(r.RemoteAddr) // none for a socket of another kind
	return at.Addr().Unmap()
}

// admits reports whether a request has what it needs: the password, unless there
// is none, nobody else gets here, or who sent it signed in elsewhere. Where others
// do get here, what forwards their connections makes them look like this machine.
func (s *Site) admits(r *http.Request) bool {
	if s.Password == nil || s.Local && fromHere(r) || s.ingress(r) {
		return true
	}
	wanted, err := s.Password()
	_, given, _ := r.BasicAuth()
	a, b := sha256.Sum256([]byte(wanted)), sha256.Sum256([]byte(given))
	return err == nil && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
