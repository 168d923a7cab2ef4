package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest/bounds"
)

// configFile writes a file and returns the source that reads it.
func configFile(t *testing.T, text string, environ ...string) source {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return source{path: path, environ: environ}
}

// sound is a configuration without a fault, to be broken by a test.
const sound = "thinq: {country: KR, token: thinqpat_x}\n"

// partner is the same for a partner account.
const partner = "thinq:\n  country: KR\n  oauth: {client_id: c, service_id: s, service_key: k}\n"

func TestConfigLayers(t *testing.T) {
	t.Parallel()
	s := configFile(t, `
thinq:
  country: US
  token: x
  reconcile: 10m
mqtt:
  url: mqtts://me:canary@broker
  base_topic: lg
http:
log: {level: debug}
`, "THINQ2MQTT_LOG__LEVEL=warn", "THINQ2MQTT_DEVICES__OVEN_1A2B3C4D__REMOTE_START=true",
		"THINQ2MQTT_HTTP__LISTEN=", "THINQ2MQTT_CONFIG=/elsewhere", "THINQ2MQTTER=x")
	got, err := s.load()
	if err != nil {
		t.Fatal(err)
	}
	want := defaults()
	want.ThinQ.Country, want.ThinQ.Token, want.ThinQ.Reconcile = "US", "x", 10*time.Minute
	want.MQTT.URL, want.MQTT.Username, want.MQTT.Password = "mqtts://broker", "me", "canary"
	want.MQTT.BaseTopic = "lg"
	want.Log.Level = "warn"
	want.HTTP.Listen = ""
	want.Devices = map[string]Device{"oven_1a2b3c4d": {RemoteStart: true}}
	if diff := cmp.Diff(&want, got, cmpopts.IgnoreUnexported(Config{})); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestConfigAccountsHaveDefaults(t *testing.T) {
	t.Parallel()
	s := configFile(t, "accounts:\n  home: {country: KR, token: x, budget: {calls_per_hour: 50}}\n",
		"THINQ2MQTT_ACCOUNTS__HOME__EVENTS=off", "THINQ2MQTT_ACCOUNTS__FARM__COUNTRY=US")
	cfg, err := s.load()
	if err != nil {
		t.Fatal(err)
	}
	home, farm := defaultAccount(), defaultAccount()
	home.Country, home.Token, home.Budget.CallsPerHour, home.Events = "KR", "x", 50, "off"
	farm.Country = "US"
	if diff := cmp.Diff(map[string]Account{"home": home, "farm": farm}, cfg.Accounts); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
}

// How LG tells what changes follows from the way in, unless it is set.
func TestConfigEventsFollowTheWayIn(t *testing.T) {
	t.Parallel()
	tests := []struct{ file, variable, want string }{
		{sound, "", "mqtt"},
		{partner, "", "websocket"},
		{partner + "  events: off\n", "", "off"},
		{partner + "  events:\n", "", "websocket"},
		{sound, "THINQ2MQTT_THINQ__OAUTH__CLIENT_ID=c", "websocket"},
	}
	for _, tt := range tests {
		cfg, err := configFile(t, tt.file, tt.variable).load()
		if err != nil {
			t.Fatal(err)
		}
		if got := cfg.ThinQ.Events; got != tt.want {
			t.Errorf("%s %s: events %s, want %s", tt.file, tt.variable, got, tt.want)
		}
	}
	cfg, err := configFile(t, "accounts:\n  home: {country: KR, token: x}\n  shop: {country: KR, oauth: {client_id: c}}\n").load()
	if err != nil {
		t.Fatal(err)
	}
	if home, shop := cfg.Accounts["home"].Events, cfg.Accounts["shop"].Events; home != "mqtt" || shop != "websocket" {
		t.Errorf("events %s at home and %s in the shop", home, shop)
	}
}

func TestConfigFileIsFound(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("config.yaml", []byte("state_dir: here\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	named := filepath.Join(dir, "other.yaml")
	if err := os.WriteFile(named, []byte("state_dir: named\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, want string
		source     source
	}{
		{"in the working folder", "here", source{}},
		{"by variable", "named", source{environ: []string{"THINQ2MQTT_CONFIG=" + named}}},
		{"by flag", "named", source{path: named, environ: []string{"THINQ2MQTT_CONFIG=/nonexistent"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := tt.source.load()
			if err != nil {
				t.Fatal(err)
			}
			if cfg.StateDir != tt.want {
				t.Errorf("state_dir %q, want %q", cfg.StateDir, tt.want)
			}
		})
	}
	_, err := source{path: "nonexistent.yaml"}.load()
	if want := "nonexistent.yaml: cannot be read: no such file or directory: create it, or correct the path"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// The sample in the repository is the one that the program prints, and it is a
// configuration without a fault once its secret exists.
func TestConfigExample(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := writeExample(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "../../config.example.yaml", b.String())

	text := strings.ReplaceAll(b.String(), "\n  token_file: /run/secrets/thinq_token", "\n  token: x")
	if got := complaints(t, configFile(t, text)); got != nil {
		t.Errorf("complaints about the sample: %q", got)
	}
	for line := range strings.Lines(b.String()) { // nothing that is commented out is unknown either
		if key, sample, ok := strings.Cut(strings.TrimPrefix(line, "# "), ": {"); ok {
			got := complaints(t, configFile(t, key+": {"+sample))
			for _, g := range got {
				if strings.Contains(g, "not a setting") || strings.Contains(g, "must be") {
					t.Errorf("sample %q: %s", line, g)
				}
			}
		}
	}
}

// Every key of the schema is a key of the loader and the other way round.
func TestConfigSchema(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := writeSchema(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/schema.json", b.String())
	var s struct {
		Properties map[string]struct{ Properties map[string]json.RawMessage }
	}
	if err := json.Unmarshal(b.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	for key, f := range settings(reflect.TypeFor[Config]()) {
		section, ok := s.Properties[key]
		if !ok {
			t.Errorf("the schema lacks %s", key)
		}
		for name, sub := range settings(f.Type) {
			if _, ok := section.Properties[name]; ok == (sub.Tag.Get("doc") == "-") {
				t.Errorf("%s.%s: in the schema: %v", key, name, ok)
			}
		}
	}
}

// Each key says what it is for.
func TestConfigIsDocumented(t *testing.T) {
	t.Parallel()
	var walk func(reflect.Type, string)
	walk = func(t2 reflect.Type, section string) {
		for key, f := range settings(t2) {
			if f.Tag.Get("doc") == "" {
				t.Errorf("%s has no doc", join(section, key))
			}
			walk(f.Type, join(section, key))
		}
	}
	walk(reflect.TypeFor[Config](), "")
	walk(reflect.TypeFor[Device](), "devices.*")
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(sound), "THINQ2MQTT_MQTT__URL=mqtt://h")
	f.Add([]byte(partner), "THINQ2MQTT_THINQ__OAUTH__API=v1")
	f.Add([]byte("thinq: &a\n  <<: *a\n"), "THINQ2MQTT_DEVICES__X__NAME=")
	f.Add([]byte("accounts: {a: , b: {token: 1}}\ndevices: {1: {slug: a/b}}\n"), "THINQ2MQTT_____=")
	var b bytes.Buffer
	if err := writeExample(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes(), "THINQ2MQTT_LOG__LEVEL=debug")
	f.Fuzz(func(t *testing.T, data []byte, variable string) {
		defer bounds.Keep(t)()
		path := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := source{path: path, environ: []string{variable}}.load()
		if err != nil {
			return // in whatever words: it must only not panic
		}
		o := cfg.ThinQ.OAuth
		if cfg.ThinQ.TokenFile+o.ClientSecretFile+o.ServiceKeyFile == "" && cfg.MQTT.PasswordFile == "" && len(cfg.Accounts) == 0 {
			_ = cfg.Validate() // does not read files that the fuzzer names
		}
	})
}
