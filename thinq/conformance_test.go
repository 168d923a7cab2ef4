package thinq_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// The simulated cloud reads control calls by rules of its own. It may refuse a
// body for the state an appliance is in, never for its form.
func TestCloudUnderstandsEveryBody(t *testing.T) {
	server, err := thinqtest.NewServer(thinqtest.Options{CallsPerHour: -1, ReportDelay: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client, err := thinq.NewClient(thinq.Options{
		Country: "KR",
		APIURL:  server.URL,
		Roots:   server.Roots(),
		Token:   func(context.Context) (string, error) { return server.Token, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	devices, err := client.Devices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range devices {
		t.Run(d.Alias, func(t *testing.T) {
			data, err := client.Profile(t.Context(), d.ID)
			if err != nil {
				t.Fatal(err)
			}
			p, err := thinq.ParseProfile(data)
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range p.Properties {
				if !q.Writable {
					continue
				}
				body, err := p.Encode(thinq.State{q.Path: allowed(q)})
				if err != nil {
					t.Error(err)
					continue
				}
				if err := client.Control(t.Context(), d.ID, body); malformed(err) {
					t.Errorf("%s: %v", body, err)
				}
			}
		})
	}
}

// malformed tells a body that could never be good from one that does not suit
// the state of the appliance, or lacks a companion: those are up to the caller.
func malformed(err error) bool {
	if err == nil {
		return false
	}
	e, ok := errors.AsType[*thinq.Error](err)
	return !ok || !strings.HasPrefix(e.Code, "23") &&
		!strings.Contains(e.Message, "limits that hold now") && !strings.Contains(e.Message, "beside it")
}

// allowed is one value that a property takes.
func allowed(q thinq.Property) any {
	switch {
	case len(q.Write.Options) > 0:
		return q.Write.Options[0]
	case q.Type == thinq.Bool:
		return true
	case q.Type == thinq.Enum, q.Type == thinq.Text:
		return "ANY_WORD"
	}
	return q.Round(1)
}
