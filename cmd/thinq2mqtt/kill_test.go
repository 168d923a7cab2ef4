package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A victim is the real binary between a rig's cloud and broker, to be killed.
type victim struct {
	*rig
	config string
	home   int
	cmd    *exec.Cmd
	stderr bytes.Buffer
}

func newVictim(t *testing.T, home int) *victim {
	t.Helper()
	r := newRig(t, thinqtest.Options{Samples: homeOf(t, home), APIDelay: 5 * time.Millisecond, ReportDelay: 20 * time.Millisecond})
	dir := t.TempDir()
	v := &victim{rig: r, home: home, config: filepath.Join(dir, "config.yaml")}
	token := filepath.Join(dir, "token")
	text := fmt.Sprintf("thinq: {country: KR, token_file: %q, api_url: %q, ca_file: %q}\nmqtt: {url: %q}\nhttp: {listen: ''}\nstate_dir: %q\nlog: {level: error}\n",
		token, r.cloud.URL, r.cfg.ThinQ.CAFile, r.cfg.MQTT.URL, r.cfg.StateDir)
	for path, content := range map[string]string{token: r.cloud.Token, v.config: text} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func (v *victim) spawn() {
	v.Helper()
	v.stderr.Reset()
	v.cmd = exec.Command("thinq2mqtt", "run", "--config", v.config)
	v.cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "THINQ2MQTT_") // settings of whoever runs the tests
	})
	v.cmd.Stderr = &v.stderr
	if err := v.cmd.Start(); err != nil {
		v.Fatal(err)
	}
	v.Cleanup(func() { v.cmd.Process.Kill() })
}

// kill gives no chance to say or save anything; only the lock goes by itself.
func (v *victim) kill() {
	v.Helper()
	v.cmd.Process.Kill()
	v.cmd.Wait()
	if text := v.stderr.String(); text != "" {
		v.Errorf("said before it was killed: %s", text)
	}
}

// settled waits until everything is announced and reachable, and LG's events
// are heard.
func (v *victim) settled() {
	v.Helper()
	v.await("settled daemon", func() bool {
		online := 0
		for _, m := range v.broker.Messages("thinq2mqtt/+/availability") {
			if strings.Contains(string(m), "online") {
				online++
			}
		}
		own, _ := v.broker.Retained("thinq2mqtt/bridge/state")
		return online == v.home && strings.Contains(string(own), "online") && len(v.cloud.Connected()) == 1
	})
}

// uniqueIDs are those of all announced entities, by topic.
func (v *victim) uniqueIDs() map[string][]string {
	v.Helper()
	ids := map[string][]string{}
	for topic, payload := range v.broker.Messages("homeassistant/device/+/config") {
		var message struct {
			Components map[string]struct {
				ID string `json:"unique_id"`
			} `json:"components"`
		}
		if err := json.Unmarshal(payload, &message); err != nil {
			v.Fatalf("%s: %v", topic, err)
		}
		for key, c := range message.Components {
			ids[topic] = append(ids[topic], key+"="+c.ID)
		}
		slices.Sort(ids[topic])
	}
	return ids
}

// power is what an appliance really is now, as LG's word.
func power(d thinqtest.Device) string {
	var state struct {
		Operation struct {
			Mode string `json:"airConOperationMode"`
		} `json:"operation"`
	}
	json.Unmarshal(d.State, &state) // of the simulator's making
	return state.Operation.Mode
}

// change switches every appliance while nobody watches.
func (v *victim) change() {
	v.Helper()
	for _, d := range v.cloud.Devices() {
		word := "POWER_ON"
		if power(d) == word {
			word = "POWER_OFF"
		}
		if err := v.cloud.Patch(d.ID, []byte(`{"operation":{"airConOperationMode":"`+word+`"}}`)); err != nil {
			v.Fatal(err)
		}
	}
}

// truth waits until the states on the broker are what the appliances really are.
func (v *victim) truth() {
	v.Helper()
	v.await("right values", func() bool {
		for _, d := range v.cloud.Devices() {
			state, _ := v.broker.Retained("thinq2mqtt/" + discovery.Slug("DEVICE_AIR_CONDITIONER", d.ID))
			if !strings.Contains(string(state), `"air_con_operation_mode":"`+strings.ToLower(power(d))+`"`) {
				return false
			}
		}
		return true
	})
}

// made counts the calls since n to a path, and collects the client ids.
func (v *victim) made(n int, path string) (count int, clients map[string]bool) {
	clients = map[string]bool{}
	for _, c := range v.cloud.Calls(n) {
		if id := c.Headers["x-client-id"]; id != "" {
			clients[id] = true
		}
		if c.Method == "POST" && c.Path == path {
			count++
		}
	}
	return count, clients
}

// TestKill kills the daemon at a spread of moments and starts it again: the
// client id stays, LG sees no second registration once one was complete, all
// unique ids stay, and the values are what the appliances really are.
func TestKill(t *testing.T) {
	seed := uint64(1)
	random := rand.New(rand.NewPCG(seed, seed))
	v := newVictim(t, 3)
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	for i := range rounds { // at the very start, and while it starts for the first time
		before := len(v.cloud.Calls(0))
		v.spawn()
		if i == 0 {
			<-time.After(time.Duration(random.IntN(50)) * time.Millisecond)
		} else {
			v.await("first call", func() bool { return len(v.cloud.Calls(before)) > 0 })
			<-time.After(time.Duration(random.IntN(300)) * time.Millisecond)
		}
		v.kill()
	}
	v.spawn()
	v.settled()
	v.calls(0, 0)
	settled, ids := len(v.cloud.Calls(0)), v.uniqueIDs()
	for i := range rounds {
		switch i % 2 {
		case 0: // in the midst of a command
			topic, words := v.toggle()
			n := len(v.cloud.Calls(0))
			if err := v.broker.Publish(topic, []byte(words[0]), false); err != nil {
				t.Fatal(err)
			}
			v.await("control call", func() bool { return len(v.cloud.Calls(n)) > 0 })
		case 1: // in steady state, or while it starts once more
			<-time.After(time.Duration(random.IntN(200)) * time.Millisecond)
		}
		v.kill()
		v.change()
		v.spawn()
		if i%2 == 0 {
			v.settled()
			v.truth()
		}
	}
	v.settled()
	v.truth()
	if diff := cmp.Diff(ids, v.uniqueIDs()); diff != "" {
		t.Errorf("unique ids (-before +after):\n%s", diff)
	}
	for _, path := range []string{"/client", "/client/certificate"} {
		if n, _ := v.made(settled, path); n > 0 {
			t.Errorf("%d calls of POST %s after the registration was complete", n, path)
		}
	}
	if _, clients := v.made(0, ""); len(clients) != 1 {
		t.Errorf("client ids: %v", clients)
	}
	v.kill()
}
