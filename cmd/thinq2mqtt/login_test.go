package main

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

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
