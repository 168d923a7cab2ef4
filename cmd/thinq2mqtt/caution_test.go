package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// What LG learns of a bridge at work: its name and version, and nothing of where
// it runs.
func TestS14AtWork(t *testing.T) {
	t.Parallel()
	r := newRig(t, thinqtest.Options{Samples: homeOf(t, 1)})
	defer r.start()()
	r.await("events", func() bool {
		return slices.ContainsFunc(r.cloud.Calls(0), func(c thinqtest.Call) bool { return strings.HasPrefix(c.Path, "/event/") })
	})
	known := []string{"accept", "accept-encoding", "authorization", "content-length", "content-type", "user-agent", "x-api-key",
		"x-client-id", "x-country", "x-message-id", "x-service-phase"}
	machine := must(os.Hostname())
	for _, c := range r.cloud.Calls(0) {
		if got := c.Headers["user-agent"]; got != "thinq2mqtt/"+thisBuild().Version {
			t.Errorf("%s %s by %q", c.Method, c.Path, got)
		}
		for name, value := range c.Headers {
			if !slices.Contains(known, name) || len(machine) > 3 && strings.Contains(value, machine) {
				t.Errorf("%s %s with %s: %s", c.Method, c.Path, name, value)
			}
		}
		if len(machine) > 3 && strings.Contains(string(c.Body), machine) {
			t.Errorf("%s %s with %s", c.Method, c.Path, c.Body)
		}
	}
}

// That is said by the daemon itself, at each start and once.
func TestS12SaidAtTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yaml")
	text := fmt.Sprintf("thinq: {country: KR, token: x, api_url: 'https://lg.example'}\nhttp: {listen: ''}\nstate_dir: %q\n", dir)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it ends as soon as it has begun
	for range 2 {
		var said bytes.Buffer
		if code := run(ctx, []string{"run", "--config", file}, nil, &said, &said); code != 0 || strings.Count(said.String(), "thinq.api_url: what is there is trusted in the place of LG") != 1 {
			t.Errorf("exit code %d, said %s", code, &said)
		}
	}
}

// Whoever is trusted in the place of LG, and a proxy that the environment names in
// vain, are told at every start, and nothing else is.
func TestS12OverrideIsTold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, file string
		environ    []string
		want       []string
	}{
		{"LG's own", sound, []string{"NO_PROXY=x", "HTTP_PROXY=http://p:1"}, nil},
		{"another API", "thinq: {country: KR, token: x, api_url: 'https://lg.example'}\n", nil, []string{
			"thinq.api_url: what is there is trusted in the place of LG: remove it unless it is yours",
		}},
		{"another one by variable", sound, []string{"THINQ2MQTT_THINQ__API_URL=https://lg.example"}, []string{
			"thinq.api_url: what is there is trusted in the place of LG: remove it unless it is yours",
		}},
		{"another sign-in", partnerWith("emp_url: 'https://h/emp'", "websocket_url: 'wss://h/x'"), nil, []string{
			"thinq.oauth.emp_url: what is there is trusted in the place of LG: remove it unless it is yours",
			"thinq.oauth.websocket_url: what is there is trusted in the place of LG: remove it unless it is yours",
		}},
		{"a proxy of the environment", sound, []string{"HTTPS_PROXY=http://me:canary@p:1"}, []string{
			"HTTPS_PROXY is not followed: set thinq.proxy if there is a proxy on the way to LG",
		}},
		{"a proxy of both", "thinq: {country: KR, token: x, proxy: 'http://p:1'}\n", []string{"https_proxy=http://q:1"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := configFile(t, tt.file, tt.environ...).load()
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(cfg.cautions(source{environ: tt.environ}), "\n"); got != strings.Join(tt.want, "\n") {
				t.Errorf("cautions:\n%s", got)
			}
		})
	}
}
