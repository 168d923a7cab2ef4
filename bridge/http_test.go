package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

var update = flag.Bool("update", false, "write golden files anew")

// ask makes a request as a browser on this machine would.
func (h *home) ask(target string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	h.Helper()
	r := httptest.NewRequestWithContext(h.Context(), http.MethodGet, target, nil)
	r.Host = "localhost:8099"
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.site().Handler().ServeHTTP(w, r)
	return w
}

func (h *home) site() *Site {
	return &Site{Version: VersionInfo{Version: "1.0.0", Commit: "abc"}, Metrics: prometheus.NewRegistry(), Bridges: []*Bridge{h.bridge}}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", name, diff)
	}
}

// The page, with names that would like to be more than text.
func TestS20PageContent(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.cloud.devices[0].Alias = `<script>alert("1")</script> & {{.}} 'x'`
		h.cloud.devices[1].Model = `"><img src=x onerror=y>` + "\x1b[2J\x1b]0;owned\a\u202e\x00\u0085\n\r\ttab"
		h.o.Token = func() Token { return Token{Present: true, Since: time.Now().Add(-29 * time.Hour)} }
		h.start()
		w := h.ask("/")
		if w.Code != http.StatusOK {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		golden(t, "status.html", w.Body.String())
		_, style, _ := strings.Cut(w.Body.String(), "<style>")
		style, _, _ = strings.Cut(style, "</style>")
		digest := sha256.Sum256([]byte(style))
		if hash := base64.StdEncoding.EncodeToString(digest[:]); !strings.Contains(w.Header().Get("Content-Security-Policy"), "'sha256-"+hash+"'") {
			t.Error("the content policy does not let the page's own style through")
		}
		for _, bad := range []string{"<script", "<img", "unsafe-inline"} {
			if strings.Contains(w.Body.String(), bad) {
				t.Errorf("the page contains %q", bad)
			}
		}
		for line := range strings.Lines(w.Body.String()) {
			if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
				t.Errorf("the page steers who reads it: %q", line)
			}
		}
		if !strings.Contains(w.Body.String(), "of 29h0m ago") {
			t.Error("the page does not say how old the token is")
		}
	})
}

// Whether there is a token is told, and nothing of it; whose appliances are known
// needs no more of their ids than tells them apart.
func TestS20TokenAndIDs(t *testing.T) {
	for there, want := range map[bool]string{true: `present</span></div>`, false: `absent</span></div>`} {
		inHome(t, []string{ac}, func(h *home) {
			id := strings.Repeat("0123456789abcdef", 4)
			h.cloud.devices[0].ID, h.cloud.profiles[id], h.cloud.states[id] = id, h.cloud.profiles["ac"], h.cloud.states["ac"]
			h.o.Token = func() Token { return Token{Present: there} }
			h.start()
			if page := h.ask("/").Body.String(); !strings.Contains(page, "<b>Token</b>") || !strings.Contains(page, want) || strings.Contains(page, id[:9]) {
				t.Errorf("token there: %v\n%s", there, page)
			}
			if health := h.ask("/healthz").Body.String(); strings.Contains(health, id[:9]) || !strings.Contains(health, id[:8]) || !strings.Contains(health, fmt.Sprintf(`"present": %v`, there)) {
				t.Errorf("token there: %v\n%s", there, health)
			}
		})
	}
}

// The answers to what does not change anything do not.
func TestS18GetChangesNothing(t *testing.T) {
	inHome(t, []string{ac, dish}, func(h *home) {
		h.start()
		site := h.site()
		look := func() string {
			s, err := h.bridge.Snapshot(h.Context())
			if err != nil {
				t.Fatal(err)
			}
			var cache cache
			if err := h.bridge.ask(h.Context(), func() { cache = h.bridge.snapshotCache() }); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			text, err := json.Marshal([]any{s, cache, h.cloud.made(""), h.broker.sent})
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		before := look()
		paths := slices.Collect(maps.Keys(site.routes()))
		for _, link := range regexp.MustCompile(`href="([^"]+)"`).FindAllStringSubmatch(h.ask("/").Body.String(), -1) {
			paths = append(paths, "/"+link[1])
		}
		for _, path := range append(paths, "/nothing", "/set", "/"+h.slug("ac")+"/set", "/bridge/request/restart") {
			for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
				for _, query := range []string{"", "?refresh=1&power=on"} {
					asked(site, method, strings.TrimSuffix(path, "{$}")+query, nil)
				}
			}
		}
		synctest.Wait()
		if diff := cmp.Diff(before, look()); diff != "" {
			t.Errorf("changed (-before +after)\n%s", diff)
		}
	})
}

func TestReadiness(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.cloud.delay = time.Second
		h.runDown()
		synctest.Wait()
		w := h.ask("/readyz?verbose")
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "broker") || !strings.Contains(w.Body.String(), "device list") {
			t.Errorf("%d: %s", w.Code, w.Body)
		}
		if w := h.ask("/livez"); w.Code != http.StatusOK {
			t.Errorf("livez: %d", w.Code)
		}
		h.broker.connect()
		h.after(30 * time.Second)
		if w := h.ask("/readyz"); w.Code != http.StatusOK || w.Body.String() != "ok\n" {
			t.Errorf("%d: %s", w.Code, w.Body)
		}
		h.broker.cut()
		if w := h.ask("/readyz"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("without broker: %d", w.Code)
		}
	})
}

// A loop that stands still is found out by liveness, within the time that a
// probe has.
func TestLivenessOfAStuckLoop(t *testing.T) {
	inHome(t, nil, func(h *home) {
		h.run()
		release := make(chan struct{})
		h.bridge.answers <- func() { <-release }
		h.after(time.Minute)
		if w := h.ask("/livez"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("livez = %d", w.Code)
		}
		begun := time.Now()
		if w := h.ask("/readyz?verbose"); w.Code != http.StatusServiceUnavailable || time.Since(begun) > 2*time.Second {
			t.Errorf("readyz = %d after %v", w.Code, time.Since(begun))
		}
		close(release)
	})
}

func TestS08HealthNamesNobody(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.cloud.devices[0].Alias = "Bedroom of Jane"
		h.start()
		h.unannounced("ac", 0)
		h.unannounced("ac", 1)
		if page := h.ask("/").Body.String(); !strings.Contains(page, "Changes of Bedroom of Jane") {
			t.Errorf("its household is told nothing: %s", page)
		}
		w := h.ask("/healthz")
		if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "Jane") {
			t.Errorf("%d: %s", w.Code, w.Body)
		}
		var health struct{ Status string }
		if err := json.Unmarshal(w.Body.Bytes(), &health); err != nil || health.Status != "ok" {
			t.Errorf("%v: %s", err, w.Body)
		}
	})
}

func TestSnapshotWithoutLoop(t *testing.T) {
	b := New(Options{Broker: &fakeBroker{}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := b.Snapshot(ctx); err == nil {
		t.Error("a snapshot of a bridge that does not run")
	}
}

func TestMetricsAreGoodStyle(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		registry := prometheus.NewPedanticRegistry()
		h.o.Metrics = NewMetrics(registry)
		h.start()
		h.set("ac", `{"target_temperature":24}`)
		h.after(2 * time.Minute)
		problems, err := testutil.GatherAndLint(registry)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range append([]promlint.Problem(nil), problems...) {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
		if n, err := testutil.GatherAndCount(registry, "thinq2mqtt_push_connected", "thinq2mqtt_devices", "thinq2mqtt_device_online"); err != nil || n != 5 {
			t.Errorf("%d series, %v", n, err)
		}
	})
}
