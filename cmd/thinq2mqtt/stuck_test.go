package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// idle is an account whose cloud is out of reach, with a password that is had
// by a function.
func idle(t *testing.T, label string, password func() (string, error)) *account {
	t.Helper()
	away := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no route to host") }
	client, err := thinq.NewClient(thinq.Options{Country: "KR", Dial: away, Token: func(context.Context) (string, error) { return "x", nil }})
	if err != nil {
		t.Fatal(err)
	}
	store, err := bridge.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	l := link.New(link.Options{URL: &url.URL{Scheme: "mqtt", Host: "broker.test"}, ClientID: label, Dial: away, Password: password})
	return &account{
		label: label, store: store, link: l, log: slog.New(slog.DiscardHandler), fallen: func() {}, changed: func() bool { return false },
		bridge: bridge.New(bridge.Options{
			Account: label, Cloud: client, Broker: l, Store: store,
			Discovery: discovery.Options{Topics: discovery.Topics{Base: "thinq2mqtt/" + label, Prefix: "homeassistant"}},
		}),
	}
}

// A link whose every connection manager stands still ends the whole daemon after
// half an hour, with a code of its own, so that it is started anew. One that is
// refused or finds nobody does not.
func TestF040ExitAfterHalfAnHour(t *testing.T) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals) // the runtime's goroutine for them must not belong to the bubble
	signal.Stop(signals)
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		well := func() (string, error) { return "x", nil }
		still := func() (string, error) {
			<-release
			return "", errors.New("too late")
		}
		d := &daemon{app: &app{secrets: new(redactor), stderr: io.Discard}, log: slog.New(slog.DiscardHandler), accounts: []*account{idle(t, "one", well), idle(t, "two", still)}}
		ended := make(chan error, 1)
		go func() { ended <- d.run(t.Context()) }()
		time.Sleep(29 * time.Minute)
		synctest.Wait()
		if len(ended) > 0 {
			t.Fatalf("ended early: %v", <-ended)
		}
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		if len(ended) == 0 {
			t.Fatal("goes on")
		}
		err := <-ended
		if codeOf(err) != exitStuck || !strings.Contains(err.Error(), "started anew") {
			t.Errorf("exit code %d: %v", codeOf(err), err)
		}
		close(release)
	})
}

// A password goes unencrypted over the internet only if the configuration says so.
func TestS13AllowPlain(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		cfg := defaults()
		cfg.MQTT.AllowPlain = cfg.MQTT.AllowPlain || allowed
		b := builder{app: &app{secrets: new(redactor)}, cfg: &cfg}
		o, err := b.broker("", "us", discovery.Topics{}, bridge.NewSpill(), slog.New(slog.DiscardHandler))
		if err != nil || o.Clear != allowed {
			t.Errorf("allow_plain %v: clear %v, %v", allowed, o.Clear, err)
		}
	}
}

// What the proofs of the bridge rest on is what the daemon gives its link: a place
// for what finds no room, no session that would keep old commands, and a will.
func TestF041F060F080AsWired(t *testing.T) {
	cfg := defaults()
	b := builder{app: &app{secrets: new(redactor)}, cfg: &cfg}
	topics := discovery.Topics{Base: "thinq2mqtt", Prefix: "homeassistant"}
	o, err := b.broker("", "us", topics, bridge.NewSpill(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if o.Overflow == nil || o.Handle != nil || o.SessionExpiry != 0 {
		t.Errorf("overflow %v, handler %v, session of %v", o.Overflow != nil, o.Handle != nil, o.SessionExpiry)
	}
	if diff := cmp.Diff(bridge.Will(topics), o.Will); diff != "" {
		t.Errorf("will (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(bridge.Subscriptions(topics), o.Subscriptions); diff != "" {
		t.Errorf("subscriptions (-want +got)\n%s", diff)
	}
}
