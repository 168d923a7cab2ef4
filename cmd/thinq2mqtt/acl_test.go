package main

import (
	"context"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest/mosquitto"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// brokerRules are those that the repository offers, and a user who may do
// everything.
func brokerRules(t *testing.T) mosquitto.Options {
	t.Helper()
	rules, err := os.ReadFile("../../deploy/mosquitto/acl")
	if err != nil {
		t.Fatal(err)
	}
	return mosquitto.Options{
		Users: map[string]string{"thinq2mqtt": "a", "homeassistant": "b", "dashboard": "c", "everything": "d"},
		ACL:   append(strings.Split(string(rules), "\n"), "user everything", "topic readwrite #"),
	}
}

// connect runs a link as a user until the test ends; it hears everything that
// the user may read.
func connect(t *testing.T, s *mosquitto.Server, o mosquitto.Options, user string) *link.Link {
	t.Helper()
	l := link.New(link.Options{
		URL: s.URL, ClientID: user, Username: user, Password: func() (string, error) { return o.Users[user], nil },
		Subscriptions: []link.Subscription{{Filter: "#"}},
	})
	runLink(t, l)
	select {
	case <-l.Up():
	case <-time.After(patience):
		t.Fatalf("%s does not get in: %s", user, l.Status().Problem)
	}
	return l
}

// runLink runs a link until the test ends.
func runLink(t *testing.T, l *link.Link) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

// Each user may do what it must, and nothing else.
func TestSMQTT1Rules(t *testing.T) {
	t.Parallel()
	o := brokerRules(t)
	s := mosquitto.Start(t, o)
	everything := connect(t, s, o, "everything")
	tests := []struct{ topic, thinq2mqtt, homeassistant, dashboard string }{
		{"thinq2mqtt/bridge/state", "rw", "r", "r"},
		{"thinq2mqtt/bridge/info", "rw", "r", ""},
		{"thinq2mqtt/bridge/request/restart", "rw", "rw", ""},
		{"thinq2mqtt/bridge/request/device/options", "rw", "rw", ""},
		{"thinq2mqtt/bridge/request/presence", "rw", "rw", ""}, // by which bridges know of each other
		{"thinq2mqtt/bridge/response/restart", "w", "r", ""},
		{"thinq2mqtt/washer_1", "w", "r", "r"},
		{"thinq2mqtt/washer_1/availability", "w", "r", "r"},
		{"thinq2mqtt/washer_1/set", "rw", "rw", ""},
		{"thinq2mqtt/washer_1/set/power", "rw", "rw", ""},
		{"thinq2mqtt/washer_1/get", "rw", "rw", ""},
		{"thinq2mqtt/washer_1/result", "w", "r", ""},
		{"thinq2mqtt/washer_1/event/notification", "w", "r", ""},
		{"homeassistant/device/thinq2mqtt_washer_1/config", "rw", "rw", ""},
		{"homeassistant/sensor/other/config", "", "rw", ""},
		{"homeassistant/status", "r", "rw", ""},
		{"elsewhere", "", "", ""},
	}
	for user, rights := range map[string]func(int) string{
		"thinq2mqtt":    func(i int) string { return tests[i].thinq2mqtt },
		"homeassistant": func(i int) string { return tests[i].homeassistant },
		"dashboard":     func(i int) string { return tests[i].dashboard },
	} {
		l := connect(t, s, o, user)
		for i, tt := range tests {
			got := ""
			if reads(t, everything, l, tt.topic, map[string]string{"thinq2mqtt": "homeassistant/status"}[user]) {
				got = "r"
			}
			err := l.Publish(t.Context(), link.Message{Topic: tt.topic})
			if err == nil {
				got += "w"
			} else if !errors.Is(err, link.ErrRefused) {
				t.Fatal(err)
			}
			if want := rights(i); got != want {
				t.Errorf("%s on %s: may %q, want %q", user, tt.topic, got, want)
			}
		}
	}
}

// Who has no name there, another's password or a name that nobody knows does not get
// in: the configuration that goes with the rules sees to that.
func TestSMQTT1NobodyElse(t *testing.T) {
	t.Parallel()
	o, files := brokerRules(t), 0
	for line := range strings.Lines(read(t, "../../deploy/mosquitto/mosquitto.conf")) {
		switch word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word {
		case "password_file", "acl_file":
			files++
		case "listener", "persistence", "persistence_location", "log_dest":
		default:
			o.Lines = append(o.Lines, line)
		}
	}
	if files != 2 {
		t.Error("the configuration names no passwords, or no rules")
	}
	s := mosquitto.Start(t, o)
	password := func(text string) func() (string, error) {
		return func() (string, error) { return text, nil }
	}
	for name, client := range map[string]link.Options{
		"without a name": {}, "without a password": {Username: "homeassistant"}, "with another's": {Username: "homeassistant", Password: password("a")},
		"unknown": {Username: "somebody", Password: password("a")},
	} {
		client.URL, client.ClientID = s.URL, name
		l := link.New(client)
		runLink(t, l)
		if !within(patience, func() bool { return strings.Contains(l.Status().Problem, "not authorized") }) {
			t.Errorf("%s is not refused: %+v", name, l.Status())
		}
	}
}

// reads reports whether a message on a topic reaches a reader: it comes before
// one on a topic that the reader surely hears.
func reads(t *testing.T, writer, reader *link.Link, topic, sure string) bool {
	t.Helper()
	if sure == "" {
		sure = "thinq2mqtt/bridge/state"
	}
	for _, m := range []link.Message{{Topic: topic, Payload: []byte("probe")}, {Topic: sure, Payload: []byte("end")}} {
		if err := writer.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	heard := false
	for {
		select {
		case m := <-reader.Messages():
			switch string(m.Payload) {
			case "probe":
				heard = true
			case "end":
				return heard
			}
		case <-time.After(patience):
			t.Fatalf("nothing on %s", sure)
		}
	}
}

// The daemon needs no more than its rules allow, and a real Mosquitto.
func TestSMQTT1Daemon(t *testing.T) {
	t.Parallel()
	rules := brokerRules(t)
	broker := mosquitto.Start(t, rules)
	cloud := fiveAppliances(t)
	said := runUntilReady(t, &url.URL{Scheme: "mqtt", User: url.UserPassword("thinq2mqtt", "a"), Host: broker.URL.Host}, cloud)
	if said != "" {
		t.Errorf("warns of\n%s", said)
	}
}

func fiveAppliances(t *testing.T) *thinqtest.Server {
	t.Helper()
	cloud, err := thinqtest.NewServer(thinqtest.Options{Samples: thinqtest.Samples()[:5], CallsPerHour: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	return cloud
}

// A Mosquitto that lets everybody in leaves the appliances to everybody, and
// that is said.
func TestSMQTT2Anonymous(t *testing.T) {
	t.Parallel()
	said := runUntilReady(t, mosquitto.Start(t, mosquitto.Options{}).URL, fiveAppliances(t))
	if strings.Count(said, "asks for no password") != 1 || strings.Count(said, "\n") != 1 {
		t.Errorf("says %q", said)
	}
}
