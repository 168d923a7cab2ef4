package main

import (
	"strings"
	"testing"
)

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
