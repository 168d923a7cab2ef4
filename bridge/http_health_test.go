package bridge

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// refusing makes LG answer everything with a code from now on.
func refusing(code string, status int) func(*home) {
	return func(h *home) {
		for range 200 {
			h.cloud.fail("*", lgError(code, status))
		}
		h.bridgeRequest("refresh", "")
		h.after(2 * time.Minute)
	}
}

// What each fault makes of the three answers: liveness only if a restart would
// help, readiness if the bridge does not do its job, and always the reason.
func TestF102HealthTable(t *testing.T) {
	well := func(h *home) { h.start() }
	tests := []struct {
		name         string
		begin, fault func(*home)
		live, ready  int
		awaits, says string // in /readyz?verbose, in /healthz
	}{
		{"nothing", well, nil, 200, 200, "[+]bridge cloud ok", `"status": "ok"`},
		{"broker away", well, func(h *home) { h.broker.cut() }, 200, 503, "[-]bridge waits for broker", `"connected": false`},
		{"broker away from the start", (*home).runDown, func(h *home) { h.after(time.Minute) }, 200, 503, "[-]bridge waits for broker", `"connected": false`},
		{"cloud away from the start", func(h *home) {
			for range 200 {
				h.cloud.fail("*", errors.New("dial tcp: no route to host"))
			}
			h.start()
		}, nil, 200, 503, "[-]bridge waits for device list", "no route to host"},
		{"cloud away for a moment", well, func(h *home) {
			h.cloud.fail("state ac", errors.New("dial tcp: connection refused"))
			h.bridgeRequest("refresh", "")
			h.after(time.Second)
		}, 200, 200, "[+]bridge cloud ok", `"status": "ok"`},
		{"cloud away, and no events either", func(h *home) { h.o.Subscriber = nil; h.start() }, func(h *home) {
			for range 100 {
				h.cloud.fail("*", errors.New("dial tcp: connection refused"))
			}
			h.bridgeRequest("refresh", "")
			h.after(time.Minute)
		}, 200, 503, "[-]bridge waits for cloud: dial tcp: connection refused", "connection refused"},
		{"token refused", well, refusing("1218", 400), 200, 503, "[-]bridge waits for cloud: auth_required", `"cloud": "auth_required"`},
		{"terms", well, refusing("1304", 400), 200, 503, "[-]bridge waits for cloud: terms_required", `"cloud": "terms_required"`},
		{"wrong country", well, refusing("1307", 400), 200, 503, "[-]bridge waits for cloud: wrong_country", `"cloud": "wrong_country"`},
		{"too many calls", well, refusing("1314", 401), 200, 200, "[+]bridge cloud ok", `"cloud": "rate_limited"`}, // a named state that passes by itself
		{"events refused", func(h *home) { h.cloud.refuse = lgError("1309", 400); h.start() }, nil, 200, 200, "[+]bridge cloud ok", `"push": "connecting"`},
		{"events not wanted", func(h *home) { h.o.Subscriber = nil; h.start() }, nil, 200, 200, "[+]bridge cloud ok", `"push": "off"`},
		{"an appliance without a profile", func(h *home) {
			for range 200 {
				h.cloud.fail("profile ac", lgError("1221", 406))
			}
			h.start()
		}, nil, 200, 200, "[+]bridge first state ok", `"status": "ok"`},
		{"no appliance", func(h *home) { h.cloud.devices = nil; h.start() }, nil, 200, 200, "[+]bridge device list ok", `Is thinq.country the country`},
		{"the loop stands still", well, func(h *home) {
			release := make(chan struct{})
			h.bridge.answers <- func() { <-release }
			h.after(time.Minute)
			stop := h.stop
			h.stop = func() { close(release); stop() }
		}, 503, 503, "[-]bridge waits for the loop", `"status": "degraded"`},
		{"stopped", well, func(h *home) { h.stop(); h.after(time.Minute) }, 503, 503, "[-]bridge waits for the loop: the bridge has ended", `"status": "degraded"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inHome(t, []string{ac}, func(h *home) {
				tt.begin(h)
				if tt.fault != nil {
					tt.fault(h)
				}
				if got := h.ask("/livez").Code; got != tt.live {
					t.Errorf("livez: %d, want %d", got, tt.live)
				}
				if w := h.ask("/readyz?verbose"); w.Code != tt.ready || !strings.Contains(w.Body.String(), tt.awaits) {
					t.Errorf("readyz: %d, want %d and %q: %s", w.Code, tt.ready, tt.awaits, w.Body)
				}
				w := h.ask("/healthz")
				var health struct{ Status string }
				if err := json.Unmarshal(w.Body.Bytes(), &health); err != nil || w.Code != http.StatusOK || (health.Status == "ok") != (tt.ready == 200) || !strings.Contains(w.Body.String(), tt.says) {
					t.Errorf("healthz: %d, want %q: %s", w.Code, tt.says, w.Body)
				}
			})
		})
	}
}

// How long ago an event last proved that push is alive is there for alarms.
func TestF102AgeOfTheLastEvent(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		registry := prometheus.NewRegistry()
		h.o.Metrics = NewMetrics(registry)
		h.start()
		h.cloud.report("ac", `{"temperature":{"currentTemperature":21}}`)
		h.after(time.Second)
		at := time.Now().Add(-time.Second)
		h.after(time.Hour)
		if got := testutil.ToFloat64(h.o.Metrics.pushLast); int64(got) != at.Unix() {
			t.Errorf("the last event was at %v, want %v", int64(got), at.Unix())
		}
	})
}

// The gauges are those of the moment in which they are asked for.
func TestMetricsOfTheMoment(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		registry := prometheus.NewRegistry()
		h.o.Metrics = NewMetrics(registry)
		h.start()
		handler := (&Site{Metrics: registry, Bridges: []*Bridge{h.bridge}}).Handler()
		for _, online := range []string{"1", "0", "1"} {
			h.bridge.asks <- func() { h.bridge.account.dark = online == "0" }
			r := httptest.NewRequestWithContext(h.Context(), http.MethodGet, "http://localhost/metrics", nil)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if want := `thinq2mqtt_devices{account="",status="online"} ` + online; !strings.Contains(w.Body.String(), want) {
				t.Errorf("no %q in %s", want, w.Body)
			}
		}
	})
}

// It is not ready before it knows that no other bridge is at work: until then it
// publishes nothing.
func TestF044NotReadyBeforeTheAnswer(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		h.start()
		h.bridge.asks <- func() { h.bridge.stand.role = roleAsking }
		if w := h.ask("/readyz?verbose"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "waits for broker: whether another bridge is at work") {
			t.Errorf("%d: %s", w.Code, w.Body)
		}
	})
}
