package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// What preview prints for the sample home is what the daemon publishes for it.
func TestPreviewIsWhatTheDaemonPublishes(t *testing.T) {
	t.Parallel()
	published := publishedHome(t)
	for topic, want := range previewedHome(t) {
		if diff := cmp.Diff(want, published[topic]); diff != "" {
			t.Errorf("%s (-preview +daemon):\n%s", topic, diff)
		}
	}
}

// publishedHome runs the daemon against the simulated cloud, and returns what
// the broker keeps, by topic.
func publishedHome(t *testing.T) map[string]any {
	t.Helper()
	broker, err := linktest.NewBroker(linktest.Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	cloud, err := thinqtest.NewServer(thinqtest.Options{CallsPerHour: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Close()
	address := broker.URL()
	address.User = url.UserPassword("somebody", "secret") // whom this broker does not ask
	if said := runUntilReady(t, address, cloud); said != "" {
		t.Errorf("warns of\n%s", said)
	}
	kept := map[string]any{}
	for topic, payload := range broker.Messages("#") {
		kept[topic] = comparable(t, payload)
	}
	return kept
}

// runUntilReady runs a daemon until every appliance is announced, stops it, and
// returns what it warned of.
func runUntilReady(t *testing.T, broker *url.URL, cloud *thinqtest.Server) (warnings string) {
	t.Helper()
	f := demoFlags{broker: broker.String(), http: "127.0.0.1:0"}
	cfg, closeBroker, err := f.configure(t.TempDir(), cloud)
	if err != nil {
		t.Fatal(err)
	}
	defer closeBroker()
	var log bytes.Buffer
	handler, level := newHandler(Log{Level: "warn", Format: "text"}, &log, source{})
	a := &app{secrets: new(redactor)}
	d, err := a.newDaemon(cfg, a.secrets.handler(handler), level)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx) }()
	ready, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	_, err = awaitReady(ready, d.bridges()[0])
	cancel()
	if stopped := <-ended; err != nil || stopped != nil {
		t.Errorf("not ready: %v; stopped with %v", err, stopped)
	}
	return log.String()
}

// previewedHome is what preview prints for the same appliances, by topic.
func previewedHome(t *testing.T) map[string]any {
	t.Helper()
	folders, err := filepath.Glob("../../thinq/thinqtest/profiles/*/device.json")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	args := []string{"preview"}
	for _, file := range folders {
		args = append(args, filepath.Dir(file))
	}
	var out, complaint bytes.Buffer
	if code := run(t.Context(), args, nil, &out, &complaint); code != 0 {
		t.Fatalf("exit code %d: %s", code, &complaint)
	}
	printed := map[string]any{}
	for d := json.NewDecoder(&out); ; {
		var line struct {
			Topic   string
			Payload json.RawMessage
		}
		if err := d.Decode(&line); err == io.EOF {
			return printed
		} else if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(line.Topic, "/availability") { // the daemon has stopped since
			printed[line.Topic] = comparable(t, line.Payload)
		}
	}
}

// comparable leaves out what differs for good reason: the bridge's own device,
// moments, and energy, which the daemon reads when all else is done.
func comparable(t *testing.T, payload []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(payload, &v); err != nil {
		return string(payload)
	}
	if object, ok := v.(map[string]any); ok {
		components, _ := object["components"].(map[string]any)
		for _, keyed := range []map[string]any{object, components} {
			maps.DeleteFunc(keyed, func(key string, _ any) bool {
				return key == "last_update" || strings.HasSuffix(key, "finish_time") || strings.HasSuffix(key, "_at") || strings.HasPrefix(key, "energy_usage_")
			})
		}
		if device, ok := object["device"].(map[string]any); ok && !strings.HasSuffix(asText(device["via_device"]), "_washer") {
			delete(device, "via_device")
		}
	}
	return v
}

func asText(v any) string {
	text, _ := v.(string)
	return text
}
