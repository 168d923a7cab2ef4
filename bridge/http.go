package bridge

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// VersionInfo is what /version answers.
type VersionInfo struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Date    string `json:"date,omitempty"`
	Go      string `json:"go,omitempty"`
}

// A site serves the status page and the endpoints for machines.
type site struct {
	version VersionInfo
	bridges []*Bridge
}

// snapshotWait bounds what a page waits for a loop.
const snapshotWait = time.Second

// Handler serves the status page and the endpoints for machines (contract
// section 5). It answers GET and HEAD only and changes nothing.
func Handler(version VersionInfo, g prometheus.Gatherer, bridges ...*Bridge) http.Handler {
	s := &site{version: version, bridges: bridges}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /livez", s.livez)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, version) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(g, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	return protect(mux)
}

// headers keep what others may do with our pages to nothing at all.
var headers = map[string]string{
	"Content-Security-Policy":      "default-src 'none'; style-src '" + styleHash + "'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cache-Control":                "no-store",
}

// protect refuses what a page of somebody else could make a browser send. The
// probe for liveness says nothing and is open to all.
func protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		case r.URL.Path == "/livez":
			next.ServeHTTP(w, r)
		case !localName(r.Host):
			http.Error(w, "this server is not known under that name", http.StatusMisdirectedRequest)
		case foreign(r):
			http.Error(w, "not for other sites", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// localSuffixes are names that nobody can register on the internet, so that no
// page of a stranger can be served under them (DNS rebinding).
var localSuffixes = []string{".localhost", ".local", ".lan", ".home", ".internal", ".home.arpa", ".localdomain", ".fritz.box"}

// localName reports whether a Host header names an address, this machine, or
// a name that only the local network can give.
func localName(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	if host == "" || strings.HasSuffix(host, ".") {
		return false
	}
	if !strings.Contains(host, ".") { // a container or machine name
		return strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
	}
	for _, suffix := range localSuffixes {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	name, err := os.Hostname()
	return err == nil && host == strings.ToLower(name)
}

// foreign recognises requests that a page of another site makes. Following a
// link is no such request.
func foreign(r *http.Request) bool {
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		return true
	}
	origin := r.Header.Get("Origin")
	return origin != "" && origin != "http://"+r.Host && origin != "https://"+r.Host
}

// livez answers whether a restart would help: it would if a loop stands still.
func (s *site) livez(w http.ResponseWriter, _ *http.Request) {
	for _, b := range s.bridges {
		if !b.turns() {
			http.Error(w, "a loop stands still", http.StatusServiceUnavailable)
			return
		}
	}
	fmt.Fprintln(w, "ok")
}

// readyz answers whether every bridge does its job.
func (s *site) readyz(w http.ResponseWriter, r *http.Request) {
	code := http.StatusOK
	var lines []string
	for _, snap := range s.snapshots(r.Context()) {
		name := cmp.Or(snap.Account, "bridge")
		if !snap.Ready {
			code = http.StatusServiceUnavailable
		}
		lines = append(lines, snap.checks(name)...)
	}
	if !r.URL.Query().Has("verbose") {
		lines = []string{map[bool]string{true: "ok", false: "not ready"}[code == http.StatusOK]}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	fmt.Fprintln(w, strings.Join(lines, "\n"))
}

// checks are the parts of readiness line by line: what is well, unless the loop
// does not say, and what is waited for.
func (s Snapshot) checks(name string) []string {
	var lines []string
	for _, check := range []string{"broker", "cloud", "device list", "first state"} {
		if !s.Started.IsZero() && !slices.ContainsFunc(s.Awaited, func(what string) bool { return strings.HasPrefix(what, check) }) {
			lines = append(lines, "[+]"+name+" "+check+" ok")
		}
	}
	for _, what := range s.Awaited {
		lines = append(lines, "[-]"+name+" waits for "+what)
	}
	return lines
}

// healthz is everything, for a machine, without the names that people gave
// their appliances. The status is always 200.
func (s *site) healthz(w http.ResponseWriter, r *http.Request) {
	snaps := s.snapshots(r.Context())
	status := "ok"
	for i := range snaps {
		if !snaps[i].Ready {
			status = "degraded"
		}
		for j := range snaps[i].Devices {
			snaps[i].Devices[j].ID, snaps[i].Devices[j].Name = cut(snaps[i].Devices[j].ID, 8), ""
		}
	}
	writeJSON(w, map[string]any{"status": status, "version": s.version, "bridges": snaps})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	_ = out.Encode(v) // the reader has gone away
}

// snapshots asks every bridge. One that does not answer is shown as such.
func (s *site) snapshots(ctx context.Context) []Snapshot {
	ctx, cancel := context.WithTimeout(ctx, snapshotWait)
	defer cancel()
	var all []Snapshot
	for _, b := range s.bridges {
		snap, err := b.Snapshot(ctx)
		if err != nil {
			snap = Snapshot{Account: b.o.Account, Cloud: condStarting, Push: pushOff, Awaited: []string{"the loop: " + err.Error()}}
		}
		all = append(all, snap)
	}
	return all
}
