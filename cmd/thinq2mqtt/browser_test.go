package main

import (
	"context"
	_ "embed"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// startChromium starts a browser without a window. It skips the test where there
// is none, except in continuous integration.
func startChromium(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"google-chrome", "chromium-browser", "chromium"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
		}
	}
	switch {
	case path == "" && os.Getenv("CI") != "":
		t.Fatal("chromium is not installed, and CI is set")
	case path == "":
		t.Skip("chromium is not installed")
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox,        // root has none, and it sees only pages of ours
		chromedp.IgnoreCertErrors, // the simulated LG has an authority of its own
		chromedp.WSURLReadTimeout(patience),
	)...)
	ctx, _ = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		chromedp.Cancel(ctx)
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// A walk is a desk whose person has a real browser. The simulated LG is another
// site for it than login's pages, as LG is.
type walk struct {
	*desk
	chromium context.Context
}

func newWalk(t *testing.T, chromium context.Context, o thinqtest.Options) *walk {
	t.Helper()
	w := &walk{deskWith(t, "v2", o), chromium}
	w.edit("emp_url: https://127.0.0.1:", "emp_url: https://localhost:")
	return w
}

// callback is the address to which LG sends the browser.
func (w *walk) callback() string { return w.cloud.RedirectURLs[0] }

// tab opens the first tab of a browser that has no cookies yet.
func (w *walk) tab() *tab { return w.open(w.chromium, chromedp.WithNewBrowserContext()) }

func (w *walk) open(parent context.Context, o ...chromedp.ContextOption) *tab {
	w.Helper()
	b := &tab{walk: w}
	ctx, cancel := context.WithTimeout(parent, patience)
	b.ctx, _ = chromedp.NewContext(ctx, append(o, chromedp.WithListener(b.saw))...)
	w.Cleanup(func() {
		chromedp.Cancel(b.ctx)
		cancel()
	})
	b.must(chromedp.Do(b.ctx))
	return b
}

// A tab is one of a browser, and what it asked for and complained about.
type tab struct {
	*walk
	ctx context.Context

	mu         sync.Mutex
	asked      []string // addresses of pages, redirects included
	complaints []string
}

func (b *tab) saw(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if e.Type == network.ResourceTypeDocument {
			b.asked = append(b.asked, e.Request.URL)
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Source == cdplog.EntrySourceSecurity {
			b.complaints = append(b.complaints, e.Entry.Text)
		}
	}
}

// another opens a second tab of the same browser.
func (b *tab) another() *tab { return b.open(b.ctx) }

func (b *tab) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func look[T any](b *tab, a chromedp.Action[T]) T {
	b.Helper()
	answer, err := chromedp.Run(b.ctx, a)
	b.must(err)
	return answer
}

// visit goes to an address, wherever that leads.
func (b *tab) visit(address string) {
	b.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.Navigate(address)))
}

// press clicks on a button of LG's page, and waits for the page after it.
func (b *tab) press(button string) {
	b.Helper()
	_, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.ID(button)))
	b.must(err)
}

// refused does what leads to an address where nobody listens.
func (b *tab) refused(do chromedp.Action[chromedp.Void]) {
	b.Helper()
	_, err := chromedp.RunResponse(b.ctx, do)
	if err == nil || !strings.Contains(err.Error(), "ERR_CONNECTION_REFUSED") {
		b.Errorf("want a refused connection: %v", err)
	}
}

// wantLG says that the tab shows LG's page, with an alert or none.
func (b *tab) wantLG(alert string) {
	b.Helper()
	at := look(b, chromedp.Location())
	if !strings.HasPrefix(at, "https://localhost:") {
		b.Fatalf("at %s, want LG's page", at)
	}
	const shown = `(e => e && e.checkVisibility() ? e.innerText : "")(document.querySelector("[role=alert]"))`
	if got := look(b, chromedp.Evaluate[string](shown)); (got == "") != (alert == "") || !strings.Contains(got, alert) {
		b.Errorf("the alert is %q, want %q", got, alert)
	}
}

// wantPage says that the tab shows a page of login's, and that nothing of what
// LG sent is left in the tab.
func (b *tab) wantPage(name, text string) {
	b.Helper()
	origin := strings.TrimSuffix(b.callback(), "/callback")
	if at := look(b, chromedp.Location()); at != origin+"/sign-in/"+name {
		b.Errorf("at %s, want the page %s", at, name)
	}
	if got := look(b, chromedp.Text(chromedp.CSS("body"))); !strings.Contains(got, text) {
		b.Errorf("the page says %q, want %q", got, text)
	}
	b.wantClean()
}

// wantClean looks for what LG sent wherever somebody might find it later: the
// addresses to go back to, the page, what a script on it could read.
func (b *tab) wantClean() {
	b.Helper()
	left := look(b, chromedp.Evaluate[string](`document.documentElement.outerHTML + document.referrer + document.cookie`))
	for _, entry := range look(b, chromedp.NavigationEntries()).Entries {
		left += " " + entry.URL + " " + entry.Title
		if strings.HasPrefix(entry.URL, b.callback()) {
			b.Errorf("the callback stays in the history: %s", entry.URL)
		}
	}
	for _, answer := range b.answers() {
		for _, name := range []string{"code", "oauth2_backend_url"} {
			if value := answer.Query().Get(name); value != "" && strings.Contains(left, value) {
				b.Errorf("%s is left in %s", name, left)
			}
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.complaints) > 0 {
		b.Errorf("the browser complains: %q", b.complaints)
	}
}

// answers are the callback addresses that the tab asked for.
func (b *tab) answers() (all []*url.URL) {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, address := range b.asked {
		if strings.HasPrefix(address, b.callback()+"?") {
			u, err := url.Parse(address)
			b.must(err)
			all = append(all, u)
		}
	}
	return all
}

// lastAnswer is the callback address that the tab asked for last.
func (b *tab) lastAnswer() *url.URL {
	b.Helper()
	all := b.answers()
	if len(all) == 0 {
		b.Fatalf("never sent back: %q", b.asked)
	}
	return all[len(all)-1]
}

// marks are the cookies that login's pages left in the browser.
func (b *tab) marks() (all []network.Cookie) {
	b.Helper()
	found := look(b, func(ctx context.Context, _ *chromedp.Target) (network.GetCookiesResult, error) {
		return chromedp.Call(ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{b.callback()}})
	})
	for _, c := range found.Cookies {
		all = append(all, *c)
	}
	return all
}

// begins starts login, and opens what it prints.
func (b *tab) begins() {
	b.Helper()
	b.begin("login", "--no-browser")
	b.visit(b.start())
	b.wantLG("")
}

// waiting says that login still waits for an answer and has stored nothing.
func (w *walk) waiting() {
	w.Helper()
	select {
	case code := <-w.code:
		w.Fatalf("ended with %d\n%s", code, w.out)
	default:
	}
	if strings.Contains(w.out.String(), "Signed in") {
		w.Errorf("somebody is signed in\n%s", w.out)
	}
	w.wantListening(true)
	w.wantNothing()
}

func (w *walk) wantListening(want bool) {
	w.Helper()
	u, err := url.Parse(w.callback())
	if err != nil {
		w.Fatal(err)
	}
	conn, err := net.DialTimeout("tcp", u.Host, patience)
	if (err == nil) != want {
		w.Errorf("dialling %s: %v, want an open port: %v", u.Host, err, want)
	}
	if err == nil {
		conn.Close()
	}
}

// completes signs in on LG's page, and has the sign-in stored.
func (b *tab) completes() {
	b.Helper()
	b.press("allow")
	b.wantPage("done", "Signed in at LG")
	b.told(`Store this sign-in\? \[y/N\] $`)
	b.wantNothing()
	b.types("y\n")
	b.exits(0, `Appliances:\n`, `is stored`)
	b.wantListening(false)
	token, answer := b.stored(), b.lastAnswer().Query()
	if token.AccessToken == "" || token.RefreshToken == "" {
		b.Error("the token lacks something")
	}
	for _, secret := range []string{answer.Get("code"), token.AccessToken, token.RefreshToken} {
		if strings.Contains(b.out.String(), secret) {
			b.Errorf("%s was printed", secret)
		}
	}
}

// Whole sign-ins in a real browser, one after another.
func TestBrowser(t *testing.T) {
	t.Parallel()
	chromium := startChromium(t)
	for _, tt := range []struct {
		name string
		walk func(*walk)
		thinqtest.Options
	}{
		{"agreed", walkAgreed, thinqtest.Options{Backend: true}},
		{"refused", walkRefused, thinqtest.Options{}},
		{"S-23 another state", walkAnotherState, thinqtest.Options{}},
		{"S-23 again", walkAgain, thinqtest.Options{}},
		{"S-24 another browser", walkAnotherBrowser, thinqtest.Options{}},
		{"google", walkGoogle, thinqtest.Options{}},
		{"address not registered", walkNotRegistered, thinqtest.Options{}},
		{"pasted", walkPasted, thinqtest.Options{}},
		{"pages", walkPages, thinqtest.Options{}},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.walk(newWalk(t, chromium, tt.Options)) })
	}
}

// The mark is for the server alone, comes along from LG's site, and goes with
// the sign-in.
func walkAgreed(w *walk) {
	b := w.tab()
	b.begins()
	marks := b.marks()
	if len(marks) != 1 || !marks[0].HTTPOnly || marks[0].SameSite != network.CookieSameSiteLax || marks[0].Path != "/callback" {
		w.Errorf("marked %+v", marks)
	}
	b.completes()
	if marks := b.marks(); len(marks) != 0 {
		w.Errorf("still marked: %+v", marks)
	}
}

// What LG says on its own page leaves login waiting, and another press of the
// button goes on.
func walkRefused(w *walk) {
	b := w.tab()
	b.begins()
	for _, alert := range []struct{ button, says string }{
		{"refuse", "You refused"},
		{"terms", "not currently supported in your country"},
		{"redirect", "Redirect URI Error"},
	} {
		b.press(alert.button)
		b.wantLG(alert.says)
		w.waiting()
	}
	b.completes()
}

// Another tab comes with the answer to a sign-in that is none of ours.
func walkAnotherState(w *walk) {
	b := w.tab()
	b.begins()
	other := b.another()
	for _, forged := range []struct{ query, page, says string }{
		{"?code=forged-code&state=AAAAAAAAAAAAAAAAAAAAAAAAAA", "wrong-state", "belongs to another sign-in"},
		{"?code=forged-code", "no-state", "does not say which sign-in"},
	} {
		other.visit(w.callback() + forged.query)
		other.wantPage(forged.page, forged.says)
		w.waiting()
	}
	b.completes()
}

// The address with the code is good once, whoever opens it again.
func walkAgain(w *walk) {
	b := w.tab()
	b.begins()
	b.completes()
	used := b.lastAnswer().String()
	before := w.stored()
	b.refused(chromedp.Navigate(used))

	again := w.tab()
	again.begins()
	for range 2 {
		b.visit(used)
		b.wantPage("wrong-state", "belongs to another sign-in")
		if w.stored() != before {
			w.Error("the second use of a code changed something")
		}
	}
	again.press("allow")
	again.wantPage("done", "Signed in at LG")
	w.told(`Store this sign-in`)
	w.types("y\n")
	w.exits(0, `is stored`)
	if w.stored() == before {
		w.Error("the second sign-in was not stored")
	}
}

// LG's page, opened elsewhere, leads to nothing.
func walkAnotherBrowser(w *walk) {
	b := w.tab()
	b.begins()
	attacker := w.tab()
	attacker.visit(look(b, chromedp.Location()))
	attacker.wantLG("")
	attacker.press("allow")
	attacker.wantPage("other-browser", "begun in another browser")
	w.waiting()
	b.completes()
}

// LG sends no state with this refusal, so it ends nothing.
func walkGoogle(w *walk) {
	b := w.tab()
	b.begins()
	b.press("google")
	b.wantPage("wants-app", "return code 910")
	w.waiting()
	b.visit(w.start())
	b.completes()
}

func walkNotRegistered(w *walk) {
	old := w.callback()
	w.edit("redirect_url: "+old, "redirect_url: "+old+"/typo")
	b := w.tab()
	b.begins()
	b.press("allow")
	b.wantLG("Redirect URI Error")
	w.waiting()
	w.stop()
	w.exits(1, `stopped, so nothing was stored`)
	w.wantListening(false)
	w.wantNothing()
}

// Where nobody listens, the browser shows an error and keeps the address.
func walkPasted(w *walk) {
	w.begin("login", "--paste", "--yes")
	b := w.tab()
	b.visit(w.told(`https://localhost:\S+/authorize\S+`))
	b.refused(chromedp.Click(chromedp.ID("allow")))
	history := look(b, chromedp.NavigationEntries())
	w.types(history.Entries[history.CurrentIndex].URL + "\n")
	w.exits(0, `Appliances:\n`, `is stored`)
}

// Every page of a sign-in can be read on a phone, by day and by night, and by
// those who have it read to them.
func walkPages(w *walk) {
	w.begin("login", "--no-browser")
	b := w.tab()
	b.must(chromedp.Do(b.ctx, chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile)))
	for _, scheme := range []string{"light", "dark"} {
		b.prefers(scheme)
		b.visit(w.start())
		b.wantReadable("sign-in, " + scheme)
		b.press("terms")
		b.wantReadable("alert, " + scheme)
		b.visit(strings.Replace(w.cloud.OAuthURL, "127.0.0.1", "localhost", 1) + "/authorize")
		b.wantReadable("error, " + scheme)
		for _, name := range []string{"done", "denied", "wants-app"} {
			b.visit(strings.TrimSuffix(w.callback(), "/callback") + "/sign-in/" + name)
			b.wantReadable(name + ", " + scheme)
		}
	}
	w.stop()
	w.exits(1, `nothing was stored`)
}

func (b *tab) prefers(scheme string) {
	b.Helper()
	look(b, func(ctx context.Context, _ *chromedp.Target) (cdp.Empty, error) {
		return chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
	})
}

//go:embed testdata/readable.js
var readable string

// wantReadable holds the page against what is asked of every page. Where
// screenshots are kept (BROWSER_SHOTS), there is one of it.
func (b *tab) wantReadable(name string) {
	b.Helper()
	for _, wrong := range look(b, chromedp.Evaluate[[]string](readable)) {
		b.Errorf("%s: %s", name, wrong)
	}
	if folder := os.Getenv("BROWSER_SHOTS"); folder != "" {
		b.must(os.WriteFile(filepath.Join(folder, name+".png"), look(b, chromedp.CaptureScreenshot()), 0o644))
	}
}
