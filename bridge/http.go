package bridge

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
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

// A Site is the status page and the endpoints for machines.
type Site struct {
	Version  VersionInfo
	Metrics  prometheus.Gatherer
	Names    []string               // by which it may be asked for, beside this machine's; a port counts if there is one
	Password func() (string, error) // that whoever asks must send; nil: none
	Local    bool                   // it listens where other machines do not get; then this one needs no password
	Ingress  netip.Addr             // of the only one who asks on behalf of others, who signed in there; zero: nobody does
	Bridges  []*Bridge
}

// snapshotWait bounds what a page waits for a loop.
const snapshotWait = time.Second

// Handler serves the site (contract section 5). It answers GET and HEAD only and
// changes nothing.
func (s *Site) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, handler := range s.routes() {
		mux.Handle("GET "+path, handler)
	}
	return s.protect(mux)
}

// routes are all there is.
func (s *Site) routes() map[string]http.Handler {
	return map[string]http.Handler{
		"/{$}":     http.HandlerFunc(s.page),
		"/livez":   http.HandlerFunc(s.livez),
		"/readyz":  http.HandlerFunc(s.readyz),
		"/healthz": http.HandlerFunc(s.healthz),
		"/version": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.Version) }),
		"/metrics": s.measured(promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{EnableOpenMetrics: true})),
	}
}

// measured has every loop bring its gauges up to date first. One that does not
// answer leaves them as they are.
func (s *Site) measured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, b := range s.Bridges {
			b.measured(r.Context())
		}
		next.ServeHTTP(w, r)
	})
}

// livez answers whether a restart would help: it would if a loop stands still.
func (s *Site) livez(w http.ResponseWriter, _ *http.Request) {
	for _, b := range s.Bridges {
		if !b.turns() {
			http.Error(w, "a loop stands still", http.StatusServiceUnavailable)
			return
		}
	}
	fmt.Fprintln(w, "ok")
}

// readyz answers whether every bridge does its job: it has the broker, its list
// of appliances and their first states, and LG answers, or will when a pause has
// passed. Events that do not come are not part of that, because reads stand in
// for them: /healthz and /metrics have them.
func (s *Site) readyz(w http.ResponseWriter, r *http.Request) {
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
func (s *Site) healthz(w http.ResponseWriter, r *http.Request) {
	snaps := s.snapshots(r.Context())
	status := "ok"
	for i := range snaps {
		if !snaps[i].Ready {
			status = "degraded"
		}
		snaps[i] = snaps[i].anonymous()
	}
	writeJSON(w, map[string]any{"status": status, "version": s.Version, "bridges": snaps})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	_ = out.Encode(v) // the reader has gone away
}

// A Token is what others may know of a token: that there is one, and since when.
type Token struct {
	Present bool      `json:"present"`
	Since   time.Time `json:"since,omitzero"`
}

// snapshots asks every bridge. One that does not answer is shown as such.
func (s *Site) snapshots(ctx context.Context) []Snapshot {
	ctx, cancel := context.WithTimeout(ctx, snapshotWait)
	defer cancel()
	var all []Snapshot
	for _, b := range s.Bridges {
		snap, err := b.Snapshot(ctx)
		if err != nil {
			snap = Snapshot{Account: b.o.Account, Cloud: condStarting, Push: pushOff, Awaited: []string{"the loop: " + err.Error()}}
		}
		if b.o.Token != nil { // files are not the loop's business
			snap.Token = new(b.o.Token())
		}
		all = append(all, snap)
	}
	return all
}
