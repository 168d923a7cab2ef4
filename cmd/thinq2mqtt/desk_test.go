package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A desk is a person with a terminal and a browser, and a simulated LG.
type desk struct {
	*testing.T
	cloud  *thinqtest.Server
	dir    string
	config string
	out    *transcript
	keys   *io.PipeWriter // what the person types
	code   chan int
	stop   context.CancelFunc
}

// A transcript is what a command printed so far.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return s.text.Write(p)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// freePort is an address that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func newDesk(t *testing.T, api string, o thinqtest.Options) *desk {
	t.Helper()
	o.Plain = true
	return deskWith(t, api, o)
}

func deskWith(t *testing.T, api string, o thinqtest.Options) *desk {
	t.Helper()
	var err error
	if o.OAuth, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if o.RedirectURLs == nil {
		o.RedirectURLs = []string{"http://" + freePort(t) + "/callback"}
	}
	o.Samples = homeOf(t, 2)
	cloud, err := thinqtest.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	d := &desk{T: t, cloud: cloud, dir: t.TempDir()}
	d.config = filepath.Join(d.dir, "config.yaml")
	text := strings.ReplaceAll(partnerConfigFor(d.dir, cloud), "    api: v2\n", "    api: "+api+"\n")
	text = regexp.MustCompile(`(?m)^ *(websocket_url|events):.*\n`).ReplaceAllString(text, "")
	for name, data := range map[string][]byte{d.config: []byte(text), filepath.Join(d.dir, "ca.pem"): cloud.CA} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// edit changes the configuration.
func (d *desk) edit(old, new string) {
	d.Helper()
	data, err := os.ReadFile(d.config)
	if err != nil || !strings.Contains(string(data), old) {
		d.Fatalf("no %q in the configuration: %v", old, err)
	}
	if err := os.WriteFile(d.config, []byte(strings.ReplaceAll(string(data), old, new)), 0o600); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) state() string { return filepath.Join(d.dir, "state-oauth") }

// begin runs a command in this process.
func (d *desk) begin(args ...string) {
	d.Helper()
	ctx, cancel := context.WithCancel(d.Context())
	d.out, d.stop, d.code = &transcript{more: make(chan struct{}, 1)}, cancel, make(chan int, 1)
	in, keys := io.Pipe()
	d.keys = keys
	d.Cleanup(func() {
		cancel()
		keys.Close()
	})
	args = append(args, "--config", d.config)
	go func() {
		a := &app{secrets: new(redactor)}
		root := a.root()
		root.SetArgs(args)
		root.SetIn(in)
		root.SetOut(d.out)
		root.SetErr(d.out)
		err := root.ExecuteContext(ctx)
		if err != nil {
			fmt.Fprintf(d.out, "thinq2mqtt: %s\n", a.secrets.text(err.Error()))
		}
		d.code <- codeOf(err)
	}()
}

// told waits until the command has printed something that matches, and returns
// what did.
func (d *desk) told(pattern string) string {
	d.Helper()
	want := regexp.MustCompile(pattern)
	end := time.After(patience)
	for {
		if found := want.FindString(d.out.String()); found != "" {
			return found
		}
		select {
		case <-d.out.more:
		case <-end:
			d.Fatalf("nothing that matches %s in\n%s", pattern, d.out)
		}
	}
}

func (d *desk) types(text string) {
	d.Helper()
	if _, err := io.WriteString(d.keys, text); err != nil {
		d.Fatal(err)
	}
}

// exits waits until the command has ended.
func (d *desk) exits(want int, patterns ...string) {
	d.Helper()
	select {
	case code := <-d.code:
		if code != want {
			d.Errorf("exit code %d, want %d\n%s", code, want, d.out)
		}
	case <-time.After(patience):
		d.Fatalf("goes on for ever\n%s", d.out)
	}
	for _, pattern := range patterns {
		if !regexp.MustCompile(pattern).MatchString(d.out.String()) {
			d.Errorf("nothing that matches %s in\n%s", pattern, d.out)
		}
	}
}

// start is the address that login prints.
func (d *desk) start() string {
	d.Helper()
	return d.told(`http://127\.0\.0\.1:\d+/sign-in/[A-Z2-7]{26}`)
}

// A browser has cookies of its own.
type webBrowser struct {
	*desk
	http.Client
}

func (d *desk) browser() *webBrowser {
	jar, _ := cookiejar.New(nil) // never fails
	transport := &http.Transport{}
	d.Cleanup(transport.CloseIdleConnections)
	return &webBrowser{d, http.Client{Jar: jar, Transport: transport}}
}

// open shows a page and says where it really is.
func (b *webBrowser) open(address string) (at *url.URL, text string) {
	b.Helper()
	res, err := b.Get(address)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	return res.Request.URL, string(body)
}

// press presses a button of LG's page, and says where that leads.
func (b *webBrowser) press(page *url.URL, choice string) (to string) {
	b.Helper()
	form := page.Query()
	form.Set("choice", choice)
	once := b.Client
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := once.PostForm(b.cloud.OAuthURL+"/empsign_in", form)
	if err != nil {
		b.Fatal(err)
	}
	res.Body.Close()
	return res.Header.Get("Location")
}

// stored is the token in the state folder.
func (d *desk) stored() (t thinq.Token) {
	d.Helper()
	if saved := bridge.SignIn(d.state()); saved != nil {
		if err := json.Unmarshal(saved, &t); err != nil {
			d.Fatal(err)
		}
	}
	return t
}

func (d *desk) wantNothing() {
	d.Helper()
	found, _ := filepath.Glob(filepath.Join(d.state(), "*"))
	for _, name := range found {
		if strings.Contains(name, "token") || strings.Contains(name, "signin") {
			d.Errorf("%s was stored", name)
		}
	}
}

// tokenOf is a sign-in as it is stored, maybe with another access token.
func tokenOf(t *testing.T, cloud *thinqtest.Server, access string, life time.Duration) json.RawMessage {
	t.Helper()
	token, err := thinq.ParseToken(cloud.EMPToken(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	token.Expiry = time.Now().Add(life)
	token.AccessToken = cmp.Or(access, token.AccessToken)
	data, err := json.Marshal(token)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
