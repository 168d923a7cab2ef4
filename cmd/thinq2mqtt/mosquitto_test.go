package main

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest/mosquitto"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// runDaemon runs the daemon at a broker, with a simulated home, until the test
// ends.
func runDaemon(t *testing.T, broker *url.URL, cloud *thinqtest.Server) {
	t.Helper()
	f := demoFlags{broker: broker.String(), http: "127.0.0.1:0"}
	cfg, closeBroker, err := f.configure(t.TempDir(), cloud)
	if err != nil {
		t.Fatal(err)
	}
	handler, level := newHandler(Log{Level: "error", Format: "text"}, new(strings.Builder), source{})
	d, err := (&app{secrets: new(redactor)}).newDaemon(cfg, handler, level)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		closeBroker()
	})
}

// hear takes lines until enough are there, or for so long.
func hear(lines <-chan string, most time.Duration, enough func(topic, payload string) bool) bool {
	late := time.After(most)
	for {
		select {
		case line := <-lines:
			if topic, payload, _ := strings.Cut(line, " "); enough(topic, payload) {
				return true
			}
		case <-late:
			return false
		}
	}
}

// Mosquitto grants what its rules forbid to read, and never delivers it.
func TestF055SilentMosquitto(t *testing.T) {
	t.Parallel()
	users := map[string]string{"bridge": "a", "all": "b"}
	for state, rule := range map[string]string{"verified": "topic readwrite thinq2mqtt/#", "unverified": "topic write thinq2mqtt/#"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			s := mosquitto.Start(t, mosquitto.Options{Users: users, ACL: []string{
				"user bridge", rule, "topic readwrite homeassistant/#", "user all", "topic readwrite #",
			}})
			lines := s.Subscribe("thinq2mqtt/bridge/info", "-u", "all", "-P", "b")
			runDaemon(t, &url.URL{Scheme: "mqtt", User: url.UserPassword("bridge", "a"), Host: s.URL.Host}, fiveAppliances(t))
			if !hear(lines, patience, func(_, payload string) bool { return strings.Contains(payload, `"commands":"`+state+`"`) }) {
				t.Errorf("bridge/info never says %s", state)
			}
		})
	}
}

// A broker that drops what goes beyond a short queue keeps Home Assistant from no
// appliance: all are there 30 s after its birth.
func TestF074QueueOfTwenty(t *testing.T) {
	t.Parallel()
	const home = 30
	s := mosquitto.Start(t, mosquitto.Options{Lines: []string{"max_queued_messages 20", "max_inflight_messages 20"}})
	cloud, err := thinqtest.NewServer(thinqtest.Options{Samples: homeOf(t, home), CallsPerHour: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	first := s.Subscribe("thinq2mqtt/+/availability")
	runDaemon(t, s.URL, cloud)
	online := map[string]bool{}
	if !hear(first, patience, func(topic, payload string) bool {
		online[topic] = strings.Contains(payload, "online")
		return len(online) >= home
	}) {
		t.Fatalf("%d appliances at the start", len(online))
	}
	slow := s.Subscribe("homeassistant/device/+/config", "-D", "connect", "receive-maximum", "1")
	l := link.New(link.Options{URL: s.URL, ClientID: "homeassistant"})
	runLink(t, l)
	<-l.Up()
	if err := l.Publish(t.Context(), link.Message{Topic: "homeassistant/status", Payload: []byte("online")}); err != nil {
		t.Fatal(err)
	}
	announced := map[string]bool{}
	if !hear(slow, 30*time.Second, func(topic, _ string) bool {
		announced[topic] = true
		return len(announced) > home // and the bridge
	}) {
		t.Errorf("%d announcements", len(announced))
	}
}
