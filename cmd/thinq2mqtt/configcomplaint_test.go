package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// complaints loads and validates, and returns the errors line by line, without
// the folder of the file.
func complaints(t *testing.T, s source) []string {
	t.Helper()
	cfg, err := s.load()
	if err == nil {
		err = cfg.Validate()
	}
	if err == nil {
		return nil
	}
	return strings.Split(strings.ReplaceAll(err.Error(), filepath.Dir(s.path)+"/", ""), "\n")
}

// partnerWith is a partner account with more lines about the sign-in, from line
// seven on.
func partnerWith(lines ...string) string {
	return "thinq:\n  country: KR\n  oauth:\n    client_id: c\n    service_id: s\n    service_key: k\n    " + strings.Join(lines, "\n    ") + "\n"
}

func TestConfigComplaints(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		file    string
		environ []string
		want    []string
	}{
		{"sound", sound, nil, nil},
		{"nothing at all", "", nil, []string{
			"config.yaml: thinq.country: is missing: set the two letters of the account's country, as in KR or US",
			"config.yaml: thinq.token_file: is missing: name a file that holds the secret, or set thinq.token",
		}},
		{"syntax", "thinq:\n\tcountry: KR\n", nil, []string{
			"config.yaml:2: is not valid YAML (found character that cannot start any token): mind indentation (blanks, not tabs), colons and quotes",
		}},
		{"list at the top", "- a\n", nil, []string{
			"config.yaml:1: must be a section with keys of its own: thinq, accounts, mqtt, homeassistant, http, state_dir, log, devices, mappings",
		}},
		{"two documents", sound + "---\n" + sound, nil, []string{
			"config.yaml: holds more than one document: remove the --- in between",
		}},
		{"misspelt key", sound + "mqtt:\n  usrname: me\n", nil, []string{
			"config.yaml:3: mqtt.usrname: is not a setting: did you mean mqtt.username?",
		}},
		{"key in the wrong section", sound + "base_topic: x\n", nil, []string{
			"config.yaml:2: base_topic: is not a setting: did you mean mqtt.base_topic?",
		}},
		{"key nobody knows", sound + "http:\n  certificate: x\n", nil, []string{
			"config.yaml:3: http.certificate: is not a setting: http takes listen, allowed_hosts, password, password_file, ingress",
		}},
		{"short word that nothing resembles", sound + "foo: 1\n", nil, []string{
			"config.yaml:2: foo: is not a setting: the file takes thinq, accounts, mqtt, homeassistant, http, state_dir, log, devices, mappings",
		}},
		{"port that cannot be", sound + "mqtt:\n  url: mqtt://h:99999\n", nil, []string{
			`config.yaml:3: mqtt.url: has the port "99999": use 1 to 65535, as in mqtt://localhost:1883`,
		}},
		{"set twice", sound + "mqtt:\n  username: a\n  username: b\n", nil, []string{
			"config.yaml:4: mqtt.username: is set twice, first in line 3: remove one",
		}},
		{"several at once", "thinq: {country: KR, token: x, tokn: y}\nhttp: {port: 1}\n", nil, []string{
			"config.yaml:1: thinq.tokn: is not a setting: did you mean thinq.token?",
			"config.yaml:2: http.port: is not a setting: http takes listen, allowed_hosts, password, password_file, ingress",
		}},
		{"section that is none", "thinq: KR\n", nil, []string{
			"config.yaml:1: thinq: must be a section with keys of its own: country, token, token_file, events, api_url, ca_file, proxy, oauth, budget, reconcile",
		}},
		{"value that is a list", "thinq: {country: [KR]}\n", nil, []string{
			"config.yaml:1: thinq.country: must be one value, not a list or a section",
		}},
		{"number as text", sound + "mqtt:\n  username: 7\n", nil, []string{
			"config.yaml:3: mqtt.username: must be text, not 7: put it into quotes",
		}},
		{"number as secret", "thinq:\n  country: KR\n  token: 0123456\n", nil, []string{
			"config.yaml:3: thinq.token: must be text: put it into quotes",
		}},
		{"word as boolean", sound + "homeassistant: {enabled: yes}\n", nil, []string{
			`config.yaml:2: homeassistant.enabled: must be true or false, not "yes"`,
		}},
		{"text as number", "thinq:\n  country: KR\n  token: x\n  budget:\n    calls_per_hour: many\n", nil, []string{
			`config.yaml:5: thinq.budget.calls_per_hour: must be a whole number, not "many"`,
		}},
		{"missing unit", "thinq:\n  country: KR\n  token: x\n  reconcile: 30\n", nil, []string{
			"config.yaml:4: thinq.reconcile: 30 needs a unit, as in 30s or 30m",
		}},
		{"odd duration", "thinq:\n  country: KR\n  token: x\n  reconcile: often\n", nil, []string{
			`config.yaml:4: thinq.reconcile: "often" is not a span of time: write it as in 30s, 10m or 1h30m`,
		}},
		{"too often", "thinq:\n  country: KR\n  token: x\n  reconcile: 1s\n", nil, []string{
			"config.yaml:4: thinq.reconcile: 1s is too often: at least 10s, 30m is the default",
		}},
		{"no such country", "thinq:\n  country: XX\n  token: x\n", nil, []string{
			`config.yaml:2: thinq.country: country "XX" is not served by LG ThinQ; give the two letters of the LG account's country, as in DE or US`,
		}},
		{"norway", "thinq:\n  country: NO\n  token: x\n", nil, nil},
		{"events", "thinq: {country: KR, token: x, events: maybe}\n", nil, []string{
			`config.yaml:1: thinq.events: "maybe" is not possible: use mqtt, websocket, off`,
		}},
		{"websocket with a token", "thinq: {country: KR, token: x, events: websocket}\n", nil, []string{
			"config.yaml:1: thinq.events: websocket is for partner accounts (oauth): use mqtt",
		}},
		{"partner", partner, nil, nil},
		{"partner without events", partner + "  events: off\n", nil, nil},
		{"partner with the events of others", partner + "  events: mqtt\n", nil, []string{
			"config.yaml:4: thinq.events: mqtt is for accounts with a token: remove it, or use websocket or off",
		}},
		{"partner with a token", partner + "  token_file: /y\n", nil, []string{
			"config.yaml:4: thinq.token_file: cannot stand beside oauth.client_id: remove one of them; a partner account has thinq2mqtt login instead",
		}},
		{"oauth without client id", "thinq:\n  country: KR\n  oauth:\n    service_id: s\n", nil, []string{
			"config.yaml:3: thinq.oauth.client_id: is missing: set the app key that LG gave you, or remove oauth and use token_file",
		}},
		{"oauth with a client id only", "thinq:\n  country: KR\n  oauth:\n    client_id: c\n", nil, []string{
			"config.yaml:3: thinq.oauth.service_id: is missing: set the id of your service at LG",
			"config.yaml:3: thinq.oauth.service_key_file: is missing: name a file that holds the secret, or set thinq.oauth.service_key",
		}},
		{"ids that are none", "thinq:\n  country: KR\n  oauth: {client_id: a b, service_id: ü, service_key: k}\n", nil, []string{
			`config.yaml:3: thinq.oauth.client_id: "a b" holds characters that LG gives to nobody: copy it again`,
			`config.yaml:3: thinq.oauth.service_id: "ü" holds characters that LG gives to nobody: copy it again`,
		}},
		{"oauth secrets that are none", "thinq:\n  country: KR\n  oauth:\n    client_id: c\n    service_id: s\n    service_key: canäry\n    client_secret: 'a canary'\n", nil, []string{
			"config.yaml:7: thinq.oauth.client_secret: holds a blank or another character that LG gives to nobody: copy it again",
			"config.yaml:6: thinq.oauth.service_key: holds a blank or another character that LG gives to nobody: copy it again",
		}},
		{"token that is none", "thinq:\n  country: KR\n  token: 'canary\t'\n", nil, []string{
			"config.yaml:3: thinq.token: holds a blank or another character that LG gives to nobody: copy it again",
		}},
		{"oauth secrets twice", "thinq:\n  country: KR\n  oauth: {client_id: c, service_id: s, service_key: k, service_key_file: /y, client_secret: x, client_secret_file: /nonexistent}\n", nil, []string{
			"config.yaml:3: thinq.oauth.client_secret: is set, and thinq.oauth.client_secret_file as well: remove one of them",
			"config.yaml:3: thinq.oauth.service_key: is set, and thinq.oauth.service_key_file as well: remove one of them",
		}},
		{"oauth secret missing", "thinq:\n  country: KR\n  oauth:\n    client_id: c\n    service_id: s\n    service_key_file: /nonexistent\n", nil, []string{
			"config.yaml:6: thinq.oauth.service_key_file: /nonexistent cannot be read: no such file or directory: create it, or correct the path",
		}},
		{"oauth over http", partnerWith("redirect_url: 'http://h/c'", "emp_url: 'http://h'", "websocket_url: 'ws://h'"), nil, []string{
			`config.yaml:7: thinq.oauth.redirect_url: has the scheme "http": use https, as in http://127.0.0.1:8765/callback`,
			`config.yaml:8: thinq.oauth.emp_url: has the scheme "http": use https, as in https://kr.m.lgaccount.com/emp/v2`,
			`config.yaml:9: thinq.oauth.websocket_url: has the scheme "ws": use wss, as in wss://host/websocket`,
		}},
		{"oauth over http on this machine", partnerWith("redirect_url: 'http://localhost/c'", "emp_url: 'http://127.0.0.1:1'", "websocket_url: 'ws://[::1]:1/x'"), nil, nil},
		{"oauth addresses with more than a path", partnerWith("redirect_url: 'https://h/c#d'", "emp_url: 'https://h?a=b'", "websocket_url: 'wss://me:canary@h'"), nil, []string{
			"config.yaml:7: thinq.oauth.redirect_url: must end with its path: write it as in http://127.0.0.1:8765/callback",
			"config.yaml:8: thinq.oauth.emp_url: must end with its path: write it as in https://kr.m.lgaccount.com/emp/v2",
			"config.yaml:9: thinq.oauth.websocket_url: must not carry a user or password: use the keys made for them",
		}},
		{"no redirect", partnerWith("redirect_url: ''"), nil, []string{
			`config.yaml:7: thinq.oauth.redirect_url: has the scheme "": use https, as in http://127.0.0.1:8765/callback`,
		}},
		{"no such api", partnerWith("api: v3"), nil, []string{
			`config.yaml:7: thinq.oauth.api: "v3" is not possible: use v1, v2`,
		}},
		{"api that is a number", partnerWith("api: 2"), nil, []string{
			"config.yaml:7: thinq.oauth.api: must be text, not 2: put it into quotes",
		}},
		{"partner under a label", "accounts:\n  shop:\n    country: KR\n    oauth: {client_id: c}\n", nil, []string{
			"config.yaml:4: accounts.shop.oauth.service_id: is missing: set the id of your service at LG",
			"config.yaml:4: accounts.shop.oauth.service_key_file: is missing: name a file that holds the secret, or set accounts.shop.oauth.service_key",
		}},
		{"partner by variables", "thinq: {country: KR}\n", []string{
			"THINQ2MQTT_THINQ__OAUTH__CLIENT_ID=c", "THINQ2MQTT_THINQ__OAUTH__SERVICE_ID=s", "THINQ2MQTT_THINQ__OAUTH__SERVICE_KEY_FILE=/nonexistent",
		}, []string{
			"THINQ2MQTT_THINQ__OAUTH__SERVICE_KEY_FILE: thinq.oauth.service_key_file: /nonexistent cannot be read: no such file or directory: create it, or correct the path",
		}},
		{"api over http", "thinq: {country: KR, token: x, api_url: 'http://h'}\n", nil, []string{
			`config.yaml:1: thinq.api_url: has the scheme "http": use https, as in https://host:port`,
		}},
		{"proxy with a password", "thinq: {country: KR, token: x, proxy: 'http://me:canary@h:3128'}\n", nil, []string{
			"config.yaml:1: thinq.proxy: must not carry a user or password: use the keys made for them",
		}},
		{"proxy without a scheme", "thinq: {country: KR, token: x, proxy: 'h:3128'}\n", nil, []string{
			`config.yaml:1: thinq.proxy: has the scheme "h": use http, as in http://proxy:3128`,
		}},
		{"two sources of a secret", "thinq:\n  country: KR\n  token: x\n  token_file: /y\n", nil, []string{
			"config.yaml:3: thinq.token: is set, and thinq.token_file as well: remove one of them",
		}},
		{"secret file missing", "thinq:\n  country: KR\n  token_file: /nonexistent\n", nil, []string{
			"config.yaml:3: thinq.token_file: /nonexistent cannot be read: no such file or directory: create it, or correct the path",
		}},
		{"no calls", "thinq: {country: KR, token: x, budget: {calls_per_hour: 0}}\n", nil, []string{
			"config.yaml:1: thinq.budget.calls_per_hour: 0 leaves nothing to call with: the default is 100",
		}},
		{"more background than calls", "thinq: {country: KR, token: x, budget: {background_per_hour: 101}}\n", nil, []string{
			"config.yaml:1: thinq.budget.background_per_hour: 101 is not within 1 and calls_per_hour (100)",
		}},
		{"thinq beside accounts", sound + "accounts:\n  home: {country: KR, token: x}\n", nil, []string{
			"config.yaml:1: thinq: cannot stand beside accounts: move it there under a label of its own",
		}},
		{"label", "accounts:\n  My Home: {country: KR, token: x}\n", nil, []string{
			"config.yaml:2: accounts.My Home: the label must be made of lower-case letters, digits and single underscores",
		}},
		{"account without a country", "accounts:\n  a: {token: x}\n  b: {token: x, country: US}\n", nil, []string{
			"config.yaml:2: accounts.a.country: is missing: set the two letters of the account's country, as in KR or US",
		}},
		{"empty account", "accounts:\n  a:\n", nil, []string{
			"config.yaml:2: accounts.a.country: is missing: set the two letters of the account's country, as in KR or US",
			"config.yaml:2: accounts.a.token_file: is missing: name a file that holds the secret, or set accounts.a.token",
		}},
		{"broker without scheme", sound + "mqtt:\n  url: localhost:1883\n", nil, []string{
			`config.yaml:3: mqtt.url: has the scheme "localhost": use mqtt, mqtts, ws, wss, as in mqtt://localhost:1883`,
		}},
		{"broker without host", sound + "mqtt:\n  url: 'mqtt://'\n", nil, []string{
			"config.yaml:3: mqtt.url: names no host: write it as in mqtt://localhost:1883",
		}},
		{"broker user twice", sound + "mqtt:\n  url: mqtt://me:canary@h\n  username: you\n", nil, []string{
			"config.yaml:3: mqtt.url: must not carry a user or password: use the keys made for them",
		}},
		{"certificate without key", sound + "mqtt:\n  cert_file: /dev/null\n", nil, []string{
			"config.yaml:3: mqtt.cert_file: needs its counterpart: set both cert_file and key_file, or none",
		}},
		{"authority missing", sound + "mqtt:\n  ca_file: /nonexistent\n", nil, []string{
			"config.yaml:3: mqtt.ca_file: /nonexistent cannot be read: no such file or directory: create it, or correct the path",
		}},
		{"wildcard in a topic", sound + "mqtt:\n  base_topic: a/+\n", nil, []string{
			`config.yaml:3: mqtt.base_topic: "a/+" is not a topic to publish to: leave out + and #, and $ at the front`,
		}},
		{"topic without room for what follows", sound + "mqtt:\n  base_topic: " + strings.Repeat("a", 257) + "\n", nil, []string{
			"config.yaml:3: mqtt.base_topic: has 257 bytes: use 256 at most, because appliance and attribute follow",
		}},
		{"slash at the end", sound + "homeassistant:\n  discovery_prefix: ha/\n", nil, []string{
			`config.yaml:3: homeassistant.discovery_prefix: "ha/" has an empty level: remove the slash`,
		}},
		{"temperature unit", sound + "homeassistant:\n  temperature_unit: K\n", nil, []string{
			`config.yaml:3: homeassistant.temperature_unit: "K" is not possible: use auto, C, F`,
		}},
		{"listen", sound + "http: {listen: '8099'}\n", nil, []string{
			`config.yaml:2: http.listen: "8099" is not host:port: write it as in 127.0.0.1:8099, or leave it empty`,
		}},
		{"names that are none", sound + "http: {allowed_hosts: 'nas.lan, *.example.com, http://h, h/p, a.b:8443, 203.0.113.1, 2001:db8::1, x., x:99999999'}\n", nil, []string{
			`config.yaml:2: http.allowed_hosts: "*.example.com" is no name: write it as in bridge.example.com or nas.lan:8099, without http:// and path, and a comma between two`,
			`config.yaml:2: http.allowed_hosts: "http://h" is no name: write it as in bridge.example.com or nas.lan:8099, without http:// and path, and a comma between two`,
			`config.yaml:2: http.allowed_hosts: "h/p" is no name: write it as in bridge.example.com or nas.lan:8099, without http:// and path, and a comma between two`,
			`config.yaml:2: http.allowed_hosts: "x." is no name: write it as in bridge.example.com or nas.lan:8099, without http:// and path, and a comma between two`,
			`config.yaml:2: http.allowed_hosts: "x:99999999" is no name: write it as in bridge.example.com or nas.lan:8099, without http:// and path, and a comma between two`,
		}},
		{"no state folder", sound + "state_dir: ''\n", nil, []string{
			"config.yaml:2: state_dir: is empty: name a folder that thinq2mqtt may write to",
		}},
		{"log level", sound + "log: {level: trace}\n", nil, []string{
			`config.yaml:2: log.level: "trace" is not possible: use debug, info, warn, error`,
		}},
		{"slug", sound + "devices:\n  a: {slug: my oven}\n", nil, []string{
			`config.yaml:3: devices.a.slug: "my oven" cannot be part of a topic: use letters, digits, _ and -, and not the word bridge`,
		}},
		{"slug of another", sound + "devices:\n  a: {slug: x}\n  b: {slug: x}\n", nil, []string{
			`config.yaml:4: devices.b.slug: "x" is the slug of a already: choose another`,
		}},
		{"anchor in itself", "thinq: &a\n  <<: *a\n", nil, []string{
			"config.yaml:1: thinq: is nested too deeply",
		}},
		{"unknown variable", sound, []string{"THINQ2MQTT_MQTT__URI=x"}, []string{
			"THINQ2MQTT_MQTT__URI: is not a setting: did you mean mqtt.url?",
		}},
		{"variable with one underscore", sound, []string{"THINQ2MQTT_MQTT_URL=x"}, []string{
			"THINQ2MQTT_MQTT_URL: is not a setting: the file takes thinq, accounts, mqtt, homeassistant, http, state_dir, log, devices, mappings",
		}},
		{"variable of a section", sound, []string{"THINQ2MQTT_LOG=debug"}, []string{
			"THINQ2MQTT_LOG: log: is a section: set level, format below it",
		}},
		{"variable without unit", sound, []string{"THINQ2MQTT_THINQ__RECONCILE=30"}, []string{
			"THINQ2MQTT_THINQ__RECONCILE: thinq.reconcile: 30 needs a unit, as in 30s or 30m",
		}},
		{"variable of another type", sound, []string{"THINQ2MQTT_HOMEASSISTANT__ENABLED=on", "THINQ2MQTT_THINQ__BUDGET__CALLS_PER_HOUR=x"}, []string{
			`THINQ2MQTT_HOMEASSISTANT__ENABLED: homeassistant.enabled: must be true or false, not "on"`,
			`THINQ2MQTT_THINQ__BUDGET__CALLS_PER_HOUR: thinq.budget.calls_per_hour: must be a whole number, not "x"`,
		}},
		{"variable with a bad value", sound, []string{"THINQ2MQTT_MQTT__URL=tcp://x"}, []string{
			`THINQ2MQTT_MQTT__URL: mqtt.url: has the scheme "tcp": use mqtt, mqtts, ws, wss, as in mqtt://localhost:1883`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := complaints(t, configFile(t, tt.file, tt.environ...))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("complaints (-want +got):\n%s", diff)
			}
		})
	}
}
