package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest/mosquitto"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

const canary = "thinqpat_canary+/?\"1234567890"

// A secret has no form that shows it, and neither has what holds some, but for
// the JSON of what the state folder keeps.
func TestS03NeverShowsItself(t *testing.T) {
	t.Parallel()
	s := Secret(canary)
	holder := struct {
		S Secret
		P *Secret
		M map[string]Secret
		O thinq.Options
		E thinq.EMP
	}{s, &s, map[string]Secret{"k": s}, thinq.Options{APIKey: s, Service: thinq.Service{Key: s}}, thinq.EMP{ClientSecret: s}}
	id := thinq.Identity{Key: canary, Former: &thinq.Pair{Key: canary}}
	var all []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v"} {
		for _, v := range []any{s, holder, []Secret{s}, fmt.Errorf("because of %v", s), id, *id.Former, id.Key, []thinq.StoredSecret{id.Key}} {
			all = append(all, fmt.Sprintf(verb, v))
		}
	}
	holder.O.Token, holder.O.Dial, holder.E.Dial = nil, nil, nil // JSON knows no functions
	data, err := json.Marshal([]any{s, holder.P, holder.M, holder.O.Service, holder.O.APIKey, holder.E.ClientSecret})
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, string(data), s.String(), s.GoString(), fmt.Sprint(s), fmt.Sprintln(&s), id.Key.String())
	for _, v := range []any{s, id.Key, id} { // a handler of logs need not ask for text
		if v := slog.AnyValue(v).Resolve(); v.Kind() != slog.KindString {
			t.Errorf("%T is handed to logs", v.Any())
		}
	}
	for _, format := range []string{"text", "json", "tint"} {
		var b bytes.Buffer
		h, _ := newHandler(Log{Level: "debug", Format: format}, &b, source{})
		slog.New(h).Info("message", "secret", s, "holder", holder.M, "identity", id, "group", slog.GroupValue(slog.Any("s", s)))
		all = append(all, b.String())
	}
	for _, text := range all {
		if strings.Contains(text, "canary") || strings.Contains(text, fmt.Sprintf("%x", "canary")) {
			t.Errorf("shows the secret: %s", text)
		}
	}
}

// Where a secret may come from, what is refused, and what is said.
func TestS02SecretFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := func(name, to string) string {
		path := filepath.Join(dir, name)
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	foreign := func(path string) string {
		if os.Geteuid() == 0 {
			if err := os.Chown(path, 4711, 4711); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	const written = "can be written by others, so it cannot be trusted: chmod go-w it"
	tests := []struct {
		name          string
		source        secretSource
		want, wantErr string
		warned        bool
	}{
		{"value", secretSource{value: "x"}, "x", "", false},
		{"file", secretSource{file: write("a", "x\n", 0o600)}, "x", "", false},
		{"file of another system", secretSource{file: write("b", " x \r\n\n", 0o400)}, " x ", "", false},
		{"readable by the group", secretSource{file: write("c", "x", 0o640)}, "x", "", true},
		{"readable by all", secretSource{file: write("d", "x", 0o644)}, "x", "", true},
		{"writable by all", secretSource{file: write("e", "x", 0o666)}, "", written, true},
		{"writable by the group", secretSource{file: write("i", "x", 0o620)}, "", written, false},
		{"readable and writable by the group", secretSource{file: write("j", "x", 0o660)}, "", written, true},
		{"writable by strangers only", secretSource{file: write("k", "x", 0o602)}, "", written, false},
		{"of another user", secretSource{file: foreign(write("l", "x", 0o600))}, "x", "", os.Geteuid() == 0},
		{"link", secretSource{file: link("m", write("n", "x", 0o600))}, "x", "", false},
		{"link to a file that all can write", secretSource{file: link("o", write("p", "x", 0o606))}, "", written, true},
		{"link to nothing", secretSource{file: link("q", filepath.Join(dir, "nothing"))}, "", "cannot be read: no such file or directory: create it, or correct the path", false},
		{"link to itself", secretSource{file: link("r", filepath.Join(dir, "r"))}, "", "cannot be read: too many levels of symbolic links: name a file that this user can read", false},
		{"empty", secretSource{file: write("f", "\n", 0o600)}, "", "is empty: put the secret into it", false},
		{"two lines", secretSource{file: write("g", "x\ny\n", 0o600)}, "", "holds more than one line: put only the secret into it", false},
		{"huge", secretSource{file: write("h", strings.Repeat("x", secretLimit+1), 0o600)}, "", "holds more than one line: put only the secret into it", false},
		{"missing", secretSource{file: filepath.Join(dir, "z")}, "", "cannot be read: no such file or directory: create it, or correct the path", false},
		{"folder", secretSource{file: dir}, "", "cannot be read: is a directory: name a file in it", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.source.Read()
			if got != tt.want || fmt.Sprint(err) != fmt.Sprint(errorOf(tt.wantErr)) {
				t.Errorf("read %q, %v; want %q, %s", got, err, tt.want, tt.wantErr)
			}
			if warned := tt.source.Warning() != ""; warned != tt.warned {
				t.Errorf("warned: %v, want %v", warned, tt.warned)
			}
		})
	}
}

// A secret in the configuration file itself is as open as that file, and told; one in
// a variable is not.
func TestS02SecretsInTheConfiguration(t *testing.T) {
	t.Parallel()
	const label = "accounts: {home: {country: KR, token: x}}\n"
	const shared = "accounts: {home: &a {country: KR, token: x}, away: {<<: *a, country: US}}\n"
	for _, tt := range []struct {
		file, environ string
		want          []string
	}{
		{sound, "", []string{"thinq.token"}},
		{label, "", []string{"accounts.home.token"}},
		{shared, "", []string{"accounts.away.token", "accounts.home.token"}},
		{partnerWith("client_secret: x"), "", []string{"thinq.oauth.client_secret", "thinq.oauth.service_key"}},
		{"mqtt: {password: x}\nhttp: {password: x}\n", "", []string{"mqtt.password", "http.password"}},
		{"mqtt: {url: 'mqtt://u:x@h'}\n", "", []string{"mqtt.password"}},
		{"mqtt: {url: 'mqtt://h', username: u}\n", "THINQ2MQTT_MQTT__PASSWORD=x", nil},
		{"mqtt: {username: u}\n", "THINQ2MQTT_MQTT__URL=mqtt://u:x@h", nil},
		{"mqtt: {username: ''}\n", "THINQ2MQTT_MQTT__URL=mqtt://u:x@h", nil},
		{sound, "THINQ2MQTT_THINQ__TOKEN=y", nil},
	} {
		s := configFile(t, tt.file, tt.environ)
		for mode, want := range map[os.FileMode][]string{0o600: nil, 0o640: tt.want, 0o644: tt.want} {
			if err := os.Chmod(s.path, mode); err != nil {
				t.Fatal(err)
			}
			cfg, err := s.load()
			if err != nil {
				t.Fatal(err)
			}
			var keys []string
			for _, w := range cfg.warnings() {
				key, rest, _ := strings.Cut(w, ": ")
				if keys = append(keys, key); rest != s.path+" can be read by others: chmod 600 it, or put the secret into a file of its own and name that as "+key+"_file" {
					t.Errorf("warning %q", w)
				}
			}
			if !slices.Equal(keys, want) {
				t.Errorf("%s%s, mode %o: warnings of %q, want %q", tt.file, tt.environ, mode, keys, want)
			}
		}
	}
}

// The key of a client certificate is a secret file like the others.
func TestS02ClientKey(t *testing.T) {
	t.Parallel()
	cert, key := mosquitto.NewAuthority(t).Files(t, "bridge")
	s := configFile(t, sound+fmt.Sprintf("mqtt: {cert_file: %q, key_file: %q}\n", cert, key))
	for _, tt := range []struct {
		mode    os.FileMode
		wrong   []string
		warning []string
	}{
		{0o600, nil, nil},
		{0o644, nil, []string{"mqtt.key_file: " + key + " can be read by others: chmod 600 it"}},
		{0o620, []string{"config.yaml:2: mqtt.cert_file: and key_file cannot be used: " + key + " can be written by others, so it cannot be trusted: chmod go-w it"}, nil},
	} {
		if err := os.Chmod(key, tt.mode); err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(tt.wrong, complaints(t, s)); diff != "" {
			t.Errorf("mode %o: complaints (-want +got):\n%s", tt.mode, diff)
		}
		cfg, err := s.load()
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(tt.warning, cfg.warnings()); diff != "" {
			t.Errorf("mode %o: warnings (-want +got):\n%s", tt.mode, diff)
		}
		secure, err := brokerTLS(cfg.MQTT)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := secure.GetClientCertificate(nil); (err != nil) != (tt.wrong != nil) {
			t.Errorf("mode %o: at a connection: %v", tt.mode, err)
		}
	}
}

func errorOf(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}

// A replaced file counts at the next use.
func TestSecretIsReadAnew(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	s := secretSource{file: path}
	for _, want := range []string{"old", "new"} {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Read(); got != want || err != nil {
			t.Errorf("read %q, %v; want %q", got, err, want)
		}
	}
}

// systemd's credentials folder counts when neither key is set.
func TestCredentialsFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"thinq_token": "t", "mqtt_password": "p", "accounts_home_token": "h"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environ := "CREDENTIALS_DIRECTORY=" + dir
	tests := []struct {
		file, label, token, password string
	}{
		{"thinq: {country: KR}\n", "", "t", "p"},
		{"accounts: {home: {country: KR}}\n", "home", "h", "p"},
		{"thinq: {country: KR, token: mine}\nmqtt: {url: 'mqtt://u:mine@h'}\n", "", "mine", "p"},
		{"mqtt: {password: mine}\n", "", "t", "mine"},
	}
	for _, tt := range tests {
		cfg, err := configFile(t, tt.file, environ).load()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := cfg.token(tt.label).Read(); got != tt.token || err != nil {
			t.Errorf("%s: token %q, %v; want %q", tt.file, got, err, tt.token)
		}
		if got, err := cfg.password().Read(); got != tt.password || err != nil {
			t.Errorf("%s: password %q, %v; want %q", tt.file, got, err, tt.password)
		}
	}
}

// The same goes for the secrets of a partner.
func TestCredentialsFolderOfPartner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"thinq_oauth_client_secret", "thinq_oauth_service_key", "accounts_home_oauth_client_secret", "accounts_home_oauth_service_key"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for label, section := range map[string]string{"": "thinq: ", "home": "accounts:\n  home: "} {
		s := configFile(t, section+"{country: KR, oauth: {client_id: c, service_id: s}}\n", "CREDENTIALS_DIRECTORY="+dir)
		if got := complaints(t, s); got != nil {
			t.Errorf("complaints %q", got)
		}
		cfg, err := s.load()
		if err != nil {
			t.Fatal(err)
		}
		stem := strings.ReplaceAll(cmp.Or(label, "thinq"), "home", "accounts_home") + "_oauth_"
		for name, source := range map[string]secretSource{"client_secret": cfg.clientSecret(label), "service_key": cfg.serviceKey(label)} {
			if got, err := source.Read(); got != stem+name || err != nil {
				t.Errorf("%s: read %q, %v; want %q", source.key, got, err, stem+name)
			}
		}
		if got := cfg.warnings(); len(got) != 2 {
			t.Errorf("warnings %q, want one for each file that others can read", got)
		}
	}
}

// S-03, S-20: no form of the configuration that others see holds a secret.
func TestSecretsAreNotPublic(t *testing.T) {
	t.Parallel()
	cfg, err := configFile(t, `
thinq: {country: KR, token: canary-1}
accounts:
  shop: {country: KR, oauth: {client_id: c, client_secret: canary-2, service_id: s, service_key: canary-3}}
mqtt: {password: canary-4}
`).load()
	if err != nil {
		t.Fatal(err)
	}
	public, err := json.Marshal(cfg.public())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(public), fmt.Sprintf("%+v %#v", cfg, cfg)} {
		if strings.Contains(text, "canary") {
			t.Errorf("shows a secret: %s", text)
		}
	}
	if got := strings.Count(string(public), `"[secret]"`); got != 4 {
		t.Errorf("%d secrets are masked, want 4: %s", got, public)
	}
}

// What a reload cannot take over is named by its key, never by its value.
func TestDifferencesNameKeys(t *testing.T) {
	t.Parallel()
	old, err := configFile(t, partnerWith("client_secret: canary-1", "api: v1")).load()
	if err != nil {
		t.Fatal(err)
	}
	next, err := configFile(t, partnerWith("client_secret: canary-2", "emp_url: https://h")).load()
	if err != nil {
		t.Fatal(err)
	}
	got := differences(reflect.ValueOf(*old), reflect.ValueOf(*next), "")
	want := []string{"thinq.oauth.client_secret", "thinq.oauth.emp_url", "thinq.oauth.api"}
	if !slices.Equal(got, want) {
		t.Errorf("differences %q, want %q", got, want)
	}
}

// S-04: what libraries put into their errors stops at the handler.
func TestRedactor(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	r := new(redactor)
	r.hide(canary)
	r.hide(canary)
	r.hide("abc") // too short to be told from a word
	u := url.URL{Scheme: "mqtt", User: url.UserPassword("me", canary), Host: "h"}
	for _, format := range []string{"text", "json", "tint"} {
		h, _ := newHandler(Log{Level: "debug", Format: format}, &b, source{})
		log := slog.New(r.handler(h)).With("url", u).WithGroup("g").With("token", canary)
		log.Error("dial "+u.String(), "err", errors.New("refused "+canary), "query", url.QueryEscape(canary), "word", "abc",
			slog.Group("deep", "quoted", fmt.Sprintf("%q", canary), "any", []string{canary}))
	}
	b.WriteString(r.text(canary))
	if got := b.String(); strings.Contains(got, "canary") || !strings.Contains(got, masked) || !strings.Contains(got, "abc") {
		t.Errorf("written:\n%s", got)
	}
}

// S-04, S-06: tokens that are renewed every hour are known as long as they are
// good for anything, and no longer: nothing grows with the years.
func TestRedactorFollowsRenewals(t *testing.T) {
	t.Parallel()
	r := new(redactor)
	r.hide("password")
	r.hideLatest("home", "access-home", "refresh-home")
	for n := range 1000 {
		r.hideLatest("shop", fmt.Sprintf("access-%d", n), "refresh-shop", "")
	}
	text := "password access-home refresh-home refresh-shop access-999 access-998 access-997 access-5"
	want := strings.Repeat(masked+" ", 7) + "access-5"
	if got := r.text(text); got != want {
		t.Errorf("written %q, want %q", got, want)
	}
}

func TestLogFormats(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		c       Log
		environ []string
		want    string
	}{
		{"text", Log{"info", "text"}, []string{"JOURNAL_STREAM=8:1"}, `level=INFO msg=hello n=1 took=1.5s` + "\n"},
		{"auto away from a terminal", Log{"info", "auto"}, []string{"JOURNAL_STREAM=8:1"}, `level=INFO msg=hello n=1 took=1.5s` + "\n"},
		{"json", Log{"info", "json"}, []string{"JOURNAL_STREAM=8:1"}, `{"level":"INFO","msg":"hello","n":1,"took":"1.5s"}` + "\n"},
		{"below the level", Log{"warn", "text"}, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			h, _ := newHandler(tt.c, &b, source{environ: tt.environ})
			log := slog.New(h)
			log.Debug("quiet")
			log.Info("hello", "n", 1, "took", 1500*time.Millisecond)
			if got := b.String(); got != tt.want {
				t.Errorf("logged %q, want %q", got, tt.want)
			}
		})
	}
}

// A line stays a line, whatever is in it, and stays short.
func TestS40OneLine(t *testing.T) {
	t.Parallel()
	const steering = "a\nlevel=ERROR msg=forged\r\n\x1b[2J\x1b]0;owned\a\x00\u0085\u2028\u202eb"
	huge := strings.Repeat("ä", 1<<20)
	for _, format := range []string{"text", "json", "tint"} {
		for name, log := range map[string]func(*slog.Logger){
			"value":        func(l *slog.Logger) { l.Info("m", "alias", steering) },
			"error":        func(l *slog.Logger) { l.Info("m", "err", errors.New(steering)) },
			"message":      func(l *slog.Logger) { l.Info(steering) },
			"in a group":   func(l *slog.Logger) { l.Info("m", slog.Group("g", "alias", steering)) },
			"with":         func(l *slog.Logger) { l.With("alias", steering).Info("m") },
			"key":          func(l *slog.Logger) { l.Info("m", steering, 1) },
			"list":         func(l *slog.Logger) { l.Info("m", "aliases", []string{steering}) },
			"huge alias":   func(l *slog.Logger) { l.Info("m", "alias", huge) },
			"huge error":   func(l *slog.Logger) { l.Info("m", "err", errors.New(huge)) },
			"huge message": func(l *slog.Logger) { l.Info(huge) },
			"huge list":    func(l *slog.Logger) { l.Info("m", "aliases", []string{huge}) },
			"huge group":   func(l *slog.Logger) { l.Info("m", slog.Group("g", "alias", huge)) },
			"huge steered": func(l *slog.Logger) { l.Info("m", "alias", strings.Repeat(steering, 1<<15)) },
		} {
			var b bytes.Buffer
			h, _ := newHandler(Log{"info", format}, &b, source{environ: []string{"NO_COLOR=1"}})
			log(slog.New(new(redactor).handler(h)))
			got := b.String()
			line := strings.TrimSuffix(got, "\n")
			if len(got) > 3000 || line == got || strings.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u202e' }) {
				t.Errorf("%s, %s: %d bytes: %.300q", format, name, len(got), got)
			}
			if format == "json" && !json.Valid(b.Bytes()) {
				t.Errorf("%s: no JSON: %.300q", name, got)
			}
		}
	}
}
