package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

// A runningDemo is a demo that prints JSON.
type runningDemo struct {
	said  *strings.Builder // on stderr, to be read when it has ended
	lines *bufio.Reader
	end   func() int
}

func startDemo(t *testing.T, args ...string) runningDemo {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	code := make(chan int, 1)
	var said strings.Builder
	go func() {
		defer in.Close()
		code <- run(ctx, append([]string{
			"demo", "--json", "--devices", "2", "--broker-listen", anyPort, "--http-listen", anyPort,
		}, args...), nil, in, &said)
	}()
	end := func() int {
		cancel()
		go io.Copy(io.Discard, out)
		n := <-code
		code <- n
		return n
	}
	t.Cleanup(func() {
		end()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	return runningDemo{&said, bufio.NewReader(out), end}
}

// line reads the next line into a value.
func (d runningDemo) line(t *testing.T, into any) {
	t.Helper()
	text, err := d.lines.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func (d runningDemo) address(t *testing.T) string {
	t.Helper()
	var where struct {
		SignIn string `json:"sign_in"`
	}
	d.line(t, &where)
	if !strings.HasPrefix(where.SignIn, "http://127.0.0.1:") {
		t.Fatalf("sign in at %q", where.SignIn)
	}
	return where.SignIn
}

// The whole way of a partner's user, by plain HTTP: the demo starts signed out,
// bears with what goes wrong, is an ordinary one afterwards, and leaves nothing.
func TestDemoSignIn(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	d := startDemo(t, "--sign-in", "oauth")
	first := d.address(t)
	for _, button := range []string{"refuse", "terms"} { // LG tells the user only
		res, err := press(newBrowser(), first, button)
		if err != nil {
			t.Fatal(err)
		}
		if page := body(t, res); !strings.Contains(page, `id="alert"`) {
			t.Errorf("%s: %s", button, page)
		}
	}
	denied := answer(t, newBrowser(), first, "error", "access_denied")
	if !strings.Contains(denied, "Not signed in") {
		t.Errorf("denied: %s", denied)
	}

	second := d.address(t)
	if second == first {
		t.Error("another sign-in has the same address")
	}
	res, err := press(newBrowser(), second, "allow")
	if err != nil {
		t.Fatal(err)
	}
	if page := body(t, res); !strings.Contains(page, "Signed in at LG") || res.Request.URL.RawQuery != "" {
		t.Errorf("signed in: %s %s", res.Request.URL, page)
	}
	var ready struct {
		Ready   bool
		HTTP    string
		Devices int
	}
	d.line(t, &ready)
	if !ready.Ready || ready.Devices != 2 {
		t.Errorf("ready line %+v", ready)
	}
	if res, err = newBrowser().Get(ready.HTTP + "/readyz"); err != nil {
		t.Fatal(err)
	}
	if text := body(t, res); res.StatusCode != http.StatusOK {
		t.Errorf("not ready: %s", text)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("while it runs: %v, %v", left, err)
	}
	if code := d.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A demo that nobody signs in to ends when it is told to.
func TestDemoEndsSignedOut(t *testing.T) {
	d := startDemo(t, "--sign-in", "oauth")
	d.address(t)
	if code := d.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if strings.Contains(d.said.String(), "login") {
		t.Errorf("tells of a command that is of no use here: %s", d.said)
	}
}

// answer begins a sign-in and sends the browser back with something else than a
// code.
func answer(t *testing.T, browser *http.Client, start string, parameters ...string) string {
	t.Helper()
	page, err := browser.Get(start)
	if err != nil {
		t.Fatal(err)
	}
	page.Body.Close()
	asked := page.Request.URL.Query()
	q := url.Values{"state": {asked.Get("state")}}
	for i := 0; i < len(parameters); i += 2 {
		q.Set(parameters[i], parameters[i+1])
	}
	res, err := browser.Get(asked.Get("redirect_uri") + "?" + q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	return body(t, res)
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
