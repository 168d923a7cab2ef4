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

func TestLogin(t *testing.T) {
	t.Parallel()
	for _, api := range []string{"v1", "v2"} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, api, thinqtest.Options{Backend: true})
			d.begin("login", "--no-browser")
			b := d.browser()
			at, text := b.open(d.start())
			if !strings.HasPrefix(at.String(), d.cloud.OAuthURL+"/authorize?") || !strings.Contains(text, "Sign in") {
				t.Fatalf("%s: %s", at, text)
			}
			at, text = b.open(b.press(at, "allow"))
			if at.Path != "/sign-in/done" || at.RawQuery != "" || !strings.Contains(text, "Signed in at LG") {
				t.Errorf("ends at %s: %s", at, text)
			}
			d.told(`Store this sign-in\? \[y/N\] $`)
			d.wantNothing()
			d.types("y\n")
			d.exits(0, `Appliances:\n  .+ \([a-z_]+\)\n  .+ \([a-z_]+\)\n`, `The sign-in is stored\. It counts from the next start`)
			if shown := strings.Contains(d.out.String(), "User number: KR"); shown != (api == "v1") {
				t.Errorf("user number shown: %v\n%s", shown, d.out)
			}
			token := d.stored()
			if token.AccessToken == "" || token.RefreshToken == "" || token.Backend == "" {
				t.Error("the token lacks something")
			}
			for _, secret := range []string{token.AccessToken, token.RefreshToken, d.cloud.ClientSecret, d.cloud.ServiceKey} {
				if strings.Contains(d.out.String(), secret) {
					t.Errorf("%s was printed", secret)
				}
			}
		})
	}
}

func TestLoginPasted(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "v2", thinqtest.Options{RedirectURLs: []string{"https://bridge.test/back"}})
	d.begin("login", "--paste", "--yes")
	b := d.browser()
	at, _ := b.open(d.told(regexp.QuoteMeta(d.cloud.OAuthURL) + `/authorize\S+`))
	d.types("what is asked for?\n")
	d.told(`not the address to which LG sent the browser.*https://bridge\.test/back`)
	d.types("https://bridge.test/back?code=forged&state=AAAAAAAAAAAAAAAAAAAAAAAAAA\n")
	d.told(`belongs to another sign-in`)
	d.types(b.press(at, "allow") + "\n")
	d.exits(0, `Appliances:`, `is stored`)
	if d.stored().AccessToken == "" {
		t.Error("nothing stored")
	}
}

// Only a yes counts.
func TestS24NotConfirmed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "v2", thinqtest.Options{})
	for _, answer := range []string{"n\n", "\n", "yesterday\n", ""} {
		d.begin("login", "--no-browser")
		b := d.browser()
		at, _ := b.open(d.start())
		b.open(b.press(at, "allow"))
		d.told(`Store this sign-in`)
		d.types(answer)
		d.keys.Close()
		d.exits(1, `was not confirmed, so nothing was stored`)
		d.wantNothing()
	}
}

// The code of an attacker in the victim's browser, before and after the victim
// began a sign-in, is refused, and the victim's own goes on.
func TestS24AttackersCode(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "v2", thinqtest.Options{})
	attacker := d.browser()
	page, _ := attacker.open(d.cloud.OAuthURL + "/authorize?response_type=code&client_id=" + d.cloud.ClientID + "&state=x&redirect_uri=" + url.QueryEscape(d.cloud.RedirectURLs[0]))
	foisted := attacker.press(page, "allow")
	d.begin("login", "--no-browser", "--yes")
	b := d.browser()
	start := d.start()
	for range 2 {
		if at, _ := b.open(foisted); at.Path != "/sign-in/wrong-state" {
			t.Errorf("ends at %s", at)
		}
		page, _ = b.open(start)
	}
	own := b.press(page, "allow")
	if at, text := attacker.open(own); at.Path != "/sign-in/other-browser" || !strings.Contains(text, "another browser") {
		t.Errorf("another browser ends at %s", at)
	}
	if at, _ := b.open(own); at.Path != "/sign-in/done" {
		t.Errorf("the victim's own ends at %s", at)
	}
	d.exits(0, `is stored`)
}

// How a sign-in ends otherwise: each with its exit code and what to do.
func TestLoginEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		options thinqtest.Options
		fault   thinqtest.Fault
		answer  string // query instead of LG's; STATE is the state
		code    int
		says    string
	}{
		{name: "denied", answer: "error=access_denied&state=STATE", code: 77, says: `Access was denied`},
		{name: "google", answer: "returnCode=910&returnDescription=confirm_ggl&state=STATE", code: 77, says: `910`},
		{name: "other company", answer: "returnCode=12&state=STATE", code: 77, says: `another company failed.*\(12\)`},
		{name: "without a code", answer: "state=STATE", code: 77, says: `no code`},
		{name: "false code", answer: "code=false&state=STATE", code: 77, says: `nothing was stored: sign-in`},
		{name: "false code, told by status", options: thinqtest.Options{SignInErrors: thinqtest.ErrorsStatus}, answer: "code=false&state=STATE", code: 77, says: `nothing was stored`},
		{name: "false code, told as text", options: thinqtest.Options{SignInErrors: thinqtest.ErrorsText}, answer: "code=false&state=STATE", code: 77, says: `nothing was stored`},
		{name: "sign-in in trouble", fault: thinqtest.Fault{Match: thinqtest.Match{Path: "/emp/v2/token"}, Code: "500"}, code: 75, says: `again later: sign-in 500: .*may pass by itself`},
		{name: "sign-in answers with a page", fault: thinqtest.Fault{Match: thinqtest.Match{Path: "/emp/v2/token"}, Body: "html", Status: 502}, code: 75, says: `nothing was stored`},
		{name: "sign-in breaks off", fault: thinqtest.Fault{Match: thinqtest.Match{Path: "/emp/v2/token"}, Body: "reset"}, code: 69, says: `cannot be reached`},
		{name: "API refuses", fault: thinqtest.Fault{Match: thinqtest.Match{Path: "/v2/devices"}, Code: "1304"}, code: 77, says: `nothing was stored.*terms`},
		{name: "API in trouble", fault: thinqtest.Fault{Match: thinqtest.Match{Path: "/v2/devices"}, Status: 503, Body: "html"}, code: 75, says: `nothing was stored`},
		{name: "API says nothing", fault: thinqtest.Fault{Match: thinqtest.Match{Path: "/v2/devices"}, Status: 200, Body: "empty"}, code: 75, says: `no list of appliances.*nothing was stored`},
		{name: "API breaks off", fault: thinqtest.Fault{Match: thinqtest.Match{Path: "/v2/devices"}, Body: "reset"}, code: 69, says: `cannot be reached`},
		{name: "wrong country", fault: thinqtest.Fault{Match: thinqtest.Match{Path: "/v2/devices"}, Code: "1307"}, code: 78, says: `nothing was stored`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, "v2", c.options)
			if c.fault.Match.Path != "" {
				if err := d.cloud.Fault(c.fault); err != nil {
					t.Fatal(err)
				}
			}
			d.begin("login", "--no-browser", "--yes")
			b := d.browser()
			page, _ := b.open(d.start())
			back := b.press(page, "allow")
			if c.answer != "" {
				back = d.cloud.RedirectURLs[0] + "?" + strings.ReplaceAll(c.answer, "STATE", page.Query().Get("state"))
			}
			b.open(back)
			d.exits(c.code, c.says)
			d.wantNothing()
			if strings.Contains(d.out.String(), page.Query().Get("state")) {
				t.Errorf("the state was printed\n%s", d.out)
			}
		})
	}
}

// What LG shows as a message and never sends back is told beforehand.
func TestLoginTellsOfMessages(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "v2", thinqtest.Options{})
	d.begin("login", "--no-browser")
	d.told(`(?s)Mismatching Redirect URI.*` + regexp.QuoteMeta(d.cloud.RedirectURLs[0]) + `.*not currently supported in your country.*terms.*Page not found.*client_id`)
	d.stop()
	d.exits(1, `stopped, so nothing was stored`)
	d.wantNothing()
	if conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(d.cloud.RedirectURLs[0], "http://"), "/callback")); err == nil {
		conn.Close()
		t.Error("the port is still open")
	}
}

func TestLoginInterrupted(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "v2", thinqtest.Options{})
	d.begin("login", "--paste")
	d.told(`Paste the whole address of that page: $`)
	d.stop()
	d.exits(1, `stopped, so nothing was stored`)
	d.begin("login", "--no-browser")
	b := d.browser()
	page, _ := b.open(d.start())
	b.open(b.press(page, "allow"))
	d.told(`Store this sign-in`)
	d.stop()
	d.exits(1, `stopped, so nothing was stored`)
	d.wantNothing()
}

func TestLoginCannotBegin(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "v2", thinqtest.Options{})
	taken, err := net.Listen("tcp", strings.TrimSuffix(strings.TrimPrefix(d.cloud.RedirectURLs[0], "http://"), "/callback"))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	d.begin("login")
	d.exits(1, `in use: end what listens there.*--paste`)
	d.begin("login", "--paste")
	d.told(`Paste the whole`)
	d.keys.Close()
	d.exits(1, `no address was pasted`)
	d.begin("login", "--account", "home")
	d.exits(64, `no such account.*leave --account out`)
	d.edit("redirect_url: "+d.cloud.RedirectURLs[0], "redirect_url: https://bridge.test/back")
	d.begin("login")
	d.exits(64, `not on this machine: use thinq2mqtt login --paste`)
	d.edit("country: KR", "country: XX")
	d.begin("login")
	d.exits(78, `thinq\.country`)
	d.wantNothing()
}

// Settings that have nothing to do with the sign-in may still be wrong.
func TestLoginNeedsLittle(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "v2", thinqtest.Options{})
	d.edit("state_dir:", "mqtt: {url: 'nothing'}\nhttp: {listen: nowhere}\nstate_dir:")
	d.begin("login", "--no-browser")
	d.start()
	d.stop()
	d.exits(1, `nothing was stored`)
}

// But the label of an account is a folder, which must not lie somewhere else.
func TestLoginStaysInItsFolder(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "v2", thinqtest.Options{})
	d.edit("thinq:\n", "accounts:\n \"../outside\":\n")
	d.begin("login", "--paste")
	d.exits(78, `accounts\.\.\./outside: the label must be`)
	d.wantNothing()
}

func TestPick(t *testing.T) {
	t.Parallel()
	partner := Account{OAuth: OAuth{ClientID: "app"}}
	for _, c := range []struct {
		name     string
		accounts map[string]Account
		label    string
		want     string
		says     string
	}{
		{name: "the only one"},
		{name: "one of several", accounts: map[string]Account{"a": {}, "b": partner}, label: "a", want: "a"},
		{name: "the only partner", accounts: map[string]Account{"a": {}, "b": partner}, want: "b"},
		{name: "one account with a label", accounts: map[string]Account{"a": {}}, want: "a"},
		{name: "two partners", accounts: map[string]Account{"a": partner, "b": partner}, says: "--account with one of a, b"},
		{name: "no partner", accounts: map[string]Account{"a": {}, "b": {}}, says: "--account with one of a, b"},
		{name: "unknown", accounts: map[string]Account{"a": {}, "b": partner}, label: "c", says: "use one of a, b"},
	} {
		label, err := (&Config{Accounts: c.accounts}).pick(c.label)
		if label != c.want || (err == nil) != (c.says == "") || err != nil && (!strings.Contains(err.Error(), c.says) || codeOf(err) != exitUsage) {
			t.Errorf("%s: %q, %v", c.name, label, err)
		}
	}
}

func TestLogout(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		api, says string
		fault     thinqtest.Fault
		told      bool
	}{
		{api: "v1", says: `Signed out\. LG knows it\. It counts`, told: true},
		{api: "v1", says: `Signed out\. LG could not be told \(.*remove the service`, fault: thinqtest.Fault{Match: thinqtest.Match{Path: "/user/service"}, Status: 503, Body: "html"}},
		{api: "v2", says: `Signed out\. LG's API has no way to tell it: .*remove the service`},
	} {
		d := newDesk(t, c.api, thinqtest.Options{})
		d.begin("logout")
		d.exits(0, `^Nobody is signed in\.\n$`)
		if err := bridge.HandOver(d.state(), tokenOf(t, d.cloud, "", time.Hour)); err != nil {
			t.Fatal(err)
		}
		if c.fault.Match.Path != "" {
			if err := d.cloud.Fault(c.fault); err != nil {
				t.Fatal(err)
			}
		}
		token := d.stored()
		d.begin("logout")
		d.exits(0, c.says)
		d.wantNothing()
		if strings.Contains(d.out.String(), token.AccessToken) || strings.Contains(d.out.String(), token.RefreshToken) {
			t.Errorf("a token was printed\n%s", d.out)
		}
		d.begin("logout")
		d.exits(0, `^Nobody was signed in\.\n$`)
	}
}

// A token that has run out, or that LG takes no more, is renewed for the
// farewell.
func TestLogoutLate(t *testing.T) {
	t.Parallel()
	for _, life := range []time.Duration{-time.Hour, 30 * time.Minute} {
		d := newDesk(t, "v1", thinqtest.Options{})
		if err := bridge.HandOver(d.state(), tokenOf(t, d.cloud, "over", life)); err != nil {
			t.Fatal(err)
		}
		d.begin("logout")
		d.exits(0, `LG knows it`)
	}
}

func TestLogoutInterrupted(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "v1", thinqtest.Options{})
	if err := d.cloud.Fault(thinqtest.Fault{Match: thinqtest.Match{Path: "/user/service"}, Delay: thinqtest.Duration(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	if err := bridge.HandOver(d.state(), tokenOf(t, d.cloud, "", time.Hour)); err != nil {
		t.Fatal(err)
	}
	d.begin("logout")
	time.AfterFunc(100*time.Millisecond, d.stop)
	d.exits(1, `stopped: the sign-in is kept`)
	if d.stored().AccessToken == "" {
		t.Error("the sign-in is gone")
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

// A folder that a daemon has open is no obstacle, and the daemon is not
// disturbed.
func TestLoginBesideDaemon(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "v2", thinqtest.Options{})
	store, err := bridge.OpenStore(d.state())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	d.begin("login", "--no-browser", "--yes")
	b := d.browser()
	page, _ := b.open(d.start())
	b.open(b.press(page, "allow"))
	d.exits(0, `is stored\. The daemon takes that over within half a minute`)
	if _, changed, err := store.TakeOver(); !changed || err != nil {
		t.Errorf("%v, %v", changed, err)
	}
	d.begin("logout")
	d.exits(0, `The daemon takes that over within half a minute`)
	if token, changed, err := store.TakeOver(); !changed || err != nil || token != nil {
		t.Errorf("%v, %v", changed, err)
	}
}

func TestLoginStateUnusable(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "v2", thinqtest.Options{})
	if err := os.WriteFile(d.state(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d.begin("logout")
	d.exits(73, `state folder.*see state_dir`)
}

// A browser is told the address of the start page, and no secret of ours.
func TestBrowse(t *testing.T) {
	dir := t.TempDir()
	said := filepath.Join(dir, "said")
	script := "#!/bin/sh\n{ echo \"$@\"; env; } >" + said + ".part\nmv " + said + ".part " + said + "\n"
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	path := dir + ":" + os.Getenv("PATH")
	t.Setenv("PATH", path)
	a := &app{environ: []string{"PATH=" + path, "THINQ2MQTT_THINQ__OAUTH__SERVICE_KEY=secret"}}
	a.browse("http://nowhere") // no screen
	a.environ = append(a.environ, "DISPLAY=:1")
	a.browse("http://127.0.0.1:1/sign-in/x")
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(said)
		if err == nil {
			if !strings.HasPrefix(string(text), "http://127.0.0.1:1/sign-in/x\n") || strings.Contains(string(text), "secret") {
				t.Errorf("%s", text)
			}
			return
		}
		if time.Now().After(end) {
			t.Fatal("no browser was opened")
		}
	}
}

// The name of this machine means both of its addresses; none of them may be
// somebody else's.
func TestS25BothAddresses(t *testing.T) {
	t.Parallel()
	address := freePort(t)
	_, port, _ := net.SplitHostPort(address)
	six, err := net.Listen("tcp", "[::1]:"+port)
	if err != nil {
		t.Skip("no IPv6 here")
	}
	both := []string{address, "[::1]:" + port}
	if all, err := listenAll(both); err == nil || codeOf(err) != exitFault || len(all) > 0 {
		t.Errorf("the other address is somebody else's: %v", err)
	}
	six.Close()
	all, err := listenAll(both)
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	for _, l := range all {
		l.Close()
	}
}

func TestDrawQR(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	drawQR(&out, "https://kr.m.lgaccount.com/emp/v2/authorize?client_id=APP1234567890&redirect_uri=http%3A%2F%2F127.0.0.1%3A8765%2Fcallback&response_type=code&state=ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) < 20 || len(lines) > 40 || !strings.ContainsAny(out.String(), "▀▄█") {
		t.Errorf("%d lines\n%s", len(lines), out.String())
	}
	out.Reset()
	if drawQR(&out, strings.Repeat("x", 5000)); out.Len() > 0 {
		t.Error("a code that no camera reads")
	}
}

// What LG says is foreign text.
func TestAccountText(t *testing.T) {
	t.Parallel()
	text := accountText("KR1\x1b[2J", []thinq.Device{{Alias: "Wa\x1b]0;x\a\nsher", Type: "DEVICE_WASHER"}})
	if strings.ContainsAny(text, "\x1b\a") || !strings.Contains(text, "Wa]0;xsher (washer)") {
		t.Errorf("%q", text)
	}
	if text := accountText("", nil); !strings.Contains(text, "none") {
		t.Error(text)
	}
}
