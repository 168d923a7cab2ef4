package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// press opens an address that leads to the simulated sign-in, and presses one of
// the buttons there.
func press(client *http.Client, address, button string) (*http.Response, error) {
	page, err := client.Get(address)
	if err != nil {
		return nil, err
	}
	page.Body.Close()
	form := page.Request.URL.Query()
	form.Set("choice", button)
	return client.PostForm(page.Request.URL.ResolveReference(&url.URL{Path: "empsign_in"}).String(), form)
}

// newBrowser has cookies and no connections that stay.
func newBrowser() *http.Client {
	jar, _ := cookiejar.New(nil) // fails for no options
	return &http.Client{Jar: jar, Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
}

// A partnerCloud is a simulated cloud with the configuration that fits it.
type partnerCloud struct {
	*thinqtest.Server
	app      *app
	cfg      *Config
	restarts *int
}

func newPartnerCloud(t *testing.T) partnerCloud {
	t.Helper()
	var o thinqtest.Options
	for _, to := range []*net.Listener{&o.OAuth, &o.WebSocket} {
		l, err := net.Listen("tcp", anyPort)
		if err != nil {
			t.Fatal(err)
		}
		*to = l
	}
	cloud, err := thinqtest.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	dir := t.TempDir()
	if err := writeOut(dir, cloud); err != nil {
		t.Fatal(err)
	}
	a := &app{secrets: new(redactor)}
	cfg, err := a.configuration(filepath.Join(dir, "config-oauth.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return partnerCloud{cloud, a, cfg, new(int)}
}

// token is what somebody's sign-in gives.
func (c partnerCloud) token(t *testing.T) (thinq.Token, json.RawMessage) {
	t.Helper()
	token, err := thinq.ParseToken(c.EMPToken(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(token)
	if err != nil {
		t.Fatal(err)
	}
	return token, data
}

// open is the sign-in of a daemon that starts.
func (c partnerCloud) open(t *testing.T) (*signIn, *bridge.Store) {
	t.Helper()
	store, err := bridge.OpenStore(c.cfg.StateDir)
	if err != nil {
		t.Fatal(err)
	}
	b := builder{app: c.app, cfg: c.cfg, restart: func() { *c.restarts++ }}
	return b.signIn("", store, slog.New(slog.DiscardHandler)), store
}

func wantAuth(t *testing.T, when string, err error, part string) {
	t.Helper()
	if thinq.ClassOf(err) != thinq.Auth || !strings.Contains(err.Error(), part) {
		t.Errorf("%s: %v, want one of class auth with %q", when, err, part)
	}
}

// A daemon without a sign-in says so, takes over the one that comes, and lets it
// go again.
func TestSignInIsTakenOver(t *testing.T) {
	t.Parallel()
	c := newPartnerCloud(t)
	s, store := c.open(t)
	defer store.Close()
	defer s.tokens.Close()
	if s.changed() {
		t.Error("changed although nobody signed in")
	}
	_, err := s.tokens.Token(t.Context())
	wantAuth(t, "at first", err, "thinq2mqtt login")

	token, data := c.token(t)
	if err := bridge.HandOver(c.cfg.StateDir, data); err != nil {
		t.Fatal(err)
	}
	if !s.changed() || s.changed() {
		t.Error("a sign-in is to be noticed once")
	}
	if got, err := s.tokens.Token(t.Context()); got != token.AccessToken || err != nil {
		t.Errorf("after the sign-in: %q, %v", got, err)
	}
	if got := c.app.secrets.text(token.AccessToken + token.RefreshToken); got != masked+masked {
		t.Errorf("written: %s", got)
	}

	if err := bridge.HandOver(c.cfg.StateDir, nil); err != nil {
		t.Fatal(err)
	}
	if !s.changed() {
		t.Error("the sign-out was not noticed")
	}
	_, err = s.tokens.Token(t.Context())
	wantAuth(t, "after the sign-out", err, "thinq2mqtt login")
	if _, err := os.Stat(filepath.Join(c.cfg.StateDir, "token.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after the sign-out: %v", err)
	}
}

// F-005, S-26: a renewal is on the disk before it is used, and the next run goes
// on with it; one that LG refuses names the remedy.
func TestF005SignInOutlivesRestart(t *testing.T) {
	t.Parallel()
	c := newPartnerCloud(t)
	token, data := c.token(t)
	if err := bridge.HandOver(c.cfg.StateDir, data); err != nil {
		t.Fatal(err)
	}
	s, store := c.open(t)
	renewed, err := s.tokens.Renew(t.Context(), token.AccessToken)
	if err != nil || renewed == token.AccessToken {
		t.Fatalf("renewed: %q, %v", renewed, err)
	}
	if got := c.app.secrets.text(renewed); got != masked {
		t.Errorf("written: %s", got)
	}
	if saved := s.known(store.Token()); saved.AccessToken != renewed || saved.RefreshToken != token.RefreshToken || saved.Backend != token.Backend {
		t.Error("the renewed token is not what was saved")
	}
	s.tokens.Close()
	store.Close()

	c.RevokeSignIns()
	s, store = c.open(t)
	defer store.Close()
	defer s.tokens.Close()
	if got, err := s.tokens.Token(t.Context()); got != renewed || err != nil {
		t.Errorf("after the restart: %q, %v", got, err)
	}
	_, err = s.tokens.Renew(t.Context(), renewed)
	wantAuth(t, "revoked", err, "thinq2mqtt login")
}

// What the configuration names by file is read again for every use.
func TestSignInReadsFilesAnew(t *testing.T) {
	t.Parallel()
	c := newPartnerCloud(t)
	o := &c.cfg.ThinQ.OAuth
	o.ClientSecret, o.ClientSecretFile = "", filepath.Join(t.TempDir(), "secret")
	for _, want := range []string{"first", "second"} {
		if err := os.WriteFile(o.ClientSecretFile, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		emp, err := c.app.emp(c.cfg, "")
		if err != nil || !emp.ClientSecret.Is(want) || c.app.secrets.text(want) != masked {
			t.Errorf("secret %q, %v; want %s", emp.ClientSecret, err, want)
		}
	}
	if err := os.Remove(o.ClientSecretFile); err != nil {
		t.Fatal(err)
	}
	if _, err := c.app.emp(c.cfg, ""); err == nil || !strings.Contains(err.Error(), "thinq.oauth.client_secret_file: "+o.ClientSecretFile+" cannot be read") {
		t.Errorf("without the file: %v", err)
	}
}

// Another service key has the daemon start anew, once.
func TestServiceKeyIsReplaced(t *testing.T) {
	t.Parallel()
	c := newPartnerCloud(t)
	o := &c.cfg.ThinQ.OAuth
	o.ServiceKey, o.ServiceKeyFile = "", filepath.Join(t.TempDir(), "key")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(o.ServiceKeyFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	s, store := c.open(t)
	defer store.Close()
	defer s.tokens.Close()
	for i, step := range []struct {
		key  string
		want int
	}{{"first", 0}, {"", 0}, {"second", 1}, {"second", 1}} {
		write(step.key)
		if s.changed() || *c.restarts != step.want {
			t.Errorf("step %d: %d restarts, want %d", i, *c.restarts, step.want)
		}
	}
}

// The address of the sign-in is LG's for the country, unless it is set.
func TestSignInAddress(t *testing.T) {
	t.Parallel()
	a := &app{secrets: new(redactor)}
	for file, want := range map[string]string{
		partner: "https://kr.m.lgaccount.com/emp/v2",
		partnerWith("emp_url: http://127.0.0.1:1/emp"): "http://127.0.0.1:1/emp",
	} {
		cfg, err := configFile(t, file).load()
		if err != nil {
			t.Fatal(err)
		}
		if emp, err := a.emp(cfg, ""); emp.URL != want || emp.ClientID != "c" || err != nil {
			t.Errorf("%+v, %v; want %s", emp, err, want)
		}
	}
}
