package thinq

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What goes to LG: these headers, and no others.
func TestS14Headers(t *testing.T) {
	s := newLG(t, says(200, ok("{}")))
	o := s.options()
	o.Agent = "thinq2mqtt/1.2.3"
	c := newTestClient(t, o)
	ctx := t.Context()
	if _, err := c.State(ctx, "dev/1"); err != nil {
		t.Fatal(err)
	}
	if err := c.Control(ctx, "dev1", []byte(`{"a":{"b":1}}`)); err != nil {
		t.Fatal(err)
	}
	calls := s.seen()
	want := http.Header{
		"Authorization":   {"Bearer " + canary},
		"Accept":          {"application/json"},
		"Accept-Encoding": {"gzip"},
		"User-Agent":      {"thinq2mqtt/1.2.3"},
		"X-Country":       {"DE"},
		"X-Client-Id":     {c.clientID()},
		"X-Api-Key":       {publicAPIKey},
		"X-Service-Phase": {"OP"},
	}
	read, control := calls[0], calls[1]
	ids := []string{read.Header.Get("x-message-id"), control.Header.Get("x-message-id")}
	form := regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)
	if !form.MatchString(ids[0]) || !form.MatchString(ids[1]) || ids[0] == ids[1] {
		t.Errorf("message ids %q", ids)
	}
	read.Header.Del("x-message-id")
	if diff := cmp.Diff(want, read.Header); diff != "" {
		t.Errorf("headers of a read (-want +got):\n%s", diff)
	}
	control.Header.Del("x-message-id")
	want["Content-Type"] = []string{"application/json"}
	want["Content-Length"] = []string{"13"}
	want["X-Conditional-Control"] = []string{"true"}
	if diff := cmp.Diff(want, control.Header); diff != "" {
		t.Errorf("headers of a control call (-want +got):\n%s", diff)
	}
	if read.Path != "/devices/dev%2F1/state" || control.Path != "/devices/dev1/control" || control.Body != `{"a":{"b":1}}` {
		t.Errorf("asked for %s and %s with %s", read.Path, control.Path, control.Body)
	}
}

func TestMessageIDsNeverRepeat(t *testing.T) {
	ids := map[string]bool{}
	for range 10_000 {
		ids[messageID()] = true
	}
	if len(ids) != 10_000 {
		t.Errorf("%d different message ids in 10000", len(ids))
	}
}

// TestSecretsStayInside lets a server and a network echo everything they know.
func TestSecretsStayInside(t *testing.T) {
	var log bytes.Buffer
	s := newLG(t, func(w http.ResponseWriter, r *http.Request) {
		echo := fmt.Sprintf("refused %v for user DE2301012345678 at %s", r.Header, r.URL)
		switch r.Header.Get("x-country") {
		case "DE":
			says(400, `{"error":{"code":"1103","message":`+quote(echo)+`}}`)(w, r)
		case "KR":
			says(502, "<html>"+echo)(w, r)
		default:
			panic(http.ErrAbortHandler)
		}
	})
	for _, country := range []string{"DE", "KR", "US"} {
		o := s.options()
		o.Country = country
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c := newTestClient(t, o)
		_, err := c.State(t.Context(), "0123456789abcdef")
		if err == nil {
			t.Fatal("no error")
		}
		fmt.Fprintf(&log, "%v %+v\n", err, err)
	}
	for _, secret := range []string{canary, publicAPIKey, "DE2301012345678"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%s in\n%s", secret, &log)
		}
	}
}

func quote(s string) string {
	data, _ := json.Marshal(s)
	return string(data)
}

func TestTokens(t *testing.T) {
	s := newLG(t, says(200, ok("{}")))
	sour := errors.New("the file is gone")
	tests := []struct {
		name  string
		token func(context.Context) (string, error)
		class Class
	}{
		{"good", token("thinqpat_1"), ""},
		{"empty", token(""), Auth},
		{"with a line break", token("a\r\nx-evil: 1"), Auth},
		{"with a blank", token("a b"), Auth},
		{"none to be had", func(context.Context) (string, error) { return "", sour }, Busy},
		{"refused by its source", func(context.Context) (string, error) { return "", tokenError{} }, Auth},
	}
	for _, tt := range tests {
		o := s.options()
		o.Token = tt.token
		if _, err := newTestClient(t, o).State(t.Context(), "d"); ClassOf(err) != tt.class {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if n := len(s.seen()); n != 1 {
		t.Errorf("%d calls instead of 1", n)
	}
}

func TestNewClient(t *testing.T) {
	full := errors.New("disk full")
	tests := []struct {
		name string
		o    Options
		good bool
	}{
		{"minimal", Options{Country: "us", Token: token("x")}, true},
		{"no token", Options{Country: "US"}, false},
		{"no country", Options{Token: token("x")}, false},
		{"unknown country", Options{Country: "WW", Token: token("x")}, false},
		{"API in clear", Options{Country: "US", Token: token("x"), APIURL: "http://localhost"}, false},
		{"API with password", Options{Country: "US", Token: token("x"), APIURL: "https://a:b@localhost"}, false},
		{"API below a path", Options{Country: "US", Token: token("x"), APIURL: "https://localhost/lg/"}, true},
		{"identity cannot be saved", Options{Country: "US", Token: token("x"), Save: func(Identity) error { return full }}, false},
		{"client id for another topic", Options{Country: "US", Token: token("x"), Identity: &Identity{ClientID: "a/#"}}, false},
	}
	for _, tt := range tests {
		if c, err := NewClient(tt.o); (err == nil) != tt.good {
			t.Errorf("%s: %v, %v", tt.name, c, err)
		}
	}
	c := newTestClient(t, Options{Country: "us", Token: token("x")})
	if c.base != "https://api-aic.lgthinq.com" {
		t.Errorf("API at %s", c.base)
	}
}

func TestDeviceIDsCannotLeaveTheirPath(t *testing.T) {
	s := newLG(t, says(200, ok("{}")))
	c := s.client(t)
	for _, id := range []string{"", ".", ".."} {
		if _, err := c.State(t.Context(), id); err == nil {
			t.Errorf("%q was asked for", id)
		}
	}
	for _, id := range []string{"../client", "a?b", "a#b", "a\r\nb", "%2e", "ä"} {
		if _, err := c.State(t.Context(), id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
		call := s.seen()[len(s.seen())-1]
		if call.Path != "/devices/"+url.PathEscape(id)+"/state" {
			t.Errorf("%q became %s", id, call.Path)
		}
	}
}

func TestObserve(t *testing.T) {
	var calls []Call
	answers := []func(http.ResponseWriter, *http.Request){
		says(200, ok("{}")), says(416, fail(`"1222"`)), says(400, fail(`"9876"`)), says(502, "<html>"),
		func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	n := 0
	s := newLG(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		answers[min(n, len(answers))-1](w, r)
	})
	o := s.options()
	o.Observe = func(c Call) { calls = append(calls, c) }
	c := newTestClient(t, o)
	for range answers {
		c.Control(t.Context(), "d", []byte("{}"))
	}
	var got []string
	for _, call := range calls {
		got = append(got, call.Endpoint+" "+call.Code)
	}
	const ep = "POST /devices/{id}/control "
	if diff := cmp.Diff([]string{ep + "ok", ep + "1222", ep + "http_400", ep + "http_502", ep + "network"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParallelCalls(t *testing.T) {
	s := newLG(t, says(200, ok("{}")))
	o := s.options()
	o.Budget = NewBudget(1000, 1000, BudgetState{})
	c := newTestClient(t, o)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.State(t.Context(), "d"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(o.Budget.State().Calls[Background]); n != 20 {
		t.Errorf("%d calls counted", n)
	}
}
