package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A tenant is the real binary between a rig's cloud and broker, set up in one of
// the ways that we recommend.
type tenant struct {
	*rig
	dir string // of its files
	env []string
}

func newTenant(t *testing.T) *tenant {
	t.Helper()
	n := &tenant{rig: newRig(t, thinqtest.Options{Samples: homeOf(t, 1)}), dir: t.TempDir()}
	n.env = unconfigured()
	return n
}

// file writes one of its files, for its eyes only.
func (n *tenant) file(name, text string) string {
	n.Helper()
	path := filepath.Join(n.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		n.Fatal(err)
	}
	return path
}

// start starts it, and gives its process once it is at work.
func (n *tenant) start(args ...string) *os.Process {
	n.Helper()
	cmd := exec.Command("thinq2mqtt", args...)
	cmd.Env = n.env
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		n.Fatal(err)
	}
	n.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if n.Failed() {
			n.Log(said.String())
		}
	})
	n.await("an appliance", func() bool { return len(n.broker.Messages("thinq2mqtt/+/availability")) == 1 })
	return cmd.Process
}

// However a secret is given as we recommend it, whoever can look at processes
// does not see it.
func TestS01ArgumentsAndEnvironment(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip(err)
	}
	for way, set := range map[string]func(n *tenant) []string{
		"files named in a file": func(n *tenant) []string {
			return []string{"run", "--config", n.file("config.yaml", fmt.Sprintf("thinq: {country: KR, token_file: %q, api_url: %q, ca_file: %q}\nmqtt: {url: %q, username: me, password_file: %q}\nhttp: {listen: ''}\nstate_dir: %q\n",
				n.file("token", n.cloud.Token), n.cloud.URL, n.cfg.ThinQ.CAFile, n.cfg.MQTT.URL, n.file("password", canary), n.cfg.StateDir))}
		},
		"secrets in a file": func(n *tenant) []string {
			return []string{"run", "--config", n.file("config.yaml", fmt.Sprintf("thinq: {country: KR, token: %q, api_url: %q, ca_file: %q}\nmqtt: {url: %q, username: me, password: %q}\nhttp: {listen: ''}\nstate_dir: %q\n",
				n.cloud.Token, n.cloud.URL, n.cfg.ThinQ.CAFile, n.cfg.MQTT.URL, canary, n.cfg.StateDir))}
		},
		"files named by variables": func(n *tenant) []string {
			n.env = append(n.env, "THINQ2MQTT_THINQ__COUNTRY=KR", "THINQ2MQTT_THINQ__TOKEN_FILE="+n.file("token", n.cloud.Token), "THINQ2MQTT_MQTT__PASSWORD_FILE="+n.file("password", canary),
				"THINQ2MQTT_THINQ__API_URL="+n.cloud.URL, "THINQ2MQTT_THINQ__CA_FILE="+n.cfg.ThinQ.CAFile, "THINQ2MQTT_MQTT__URL="+n.cfg.MQTT.URL, "THINQ2MQTT_MQTT__USERNAME=me", "THINQ2MQTT_HTTP__LISTEN=", "THINQ2MQTT_STATE_DIR="+n.cfg.StateDir)
			return []string{"run"}
		},
		"systemd's credentials": func(n *tenant) []string {
			n.file("thinq_token", n.cloud.Token)
			n.file("mqtt_password", canary)
			n.env = append(n.env, "CREDENTIALS_DIRECTORY="+n.dir)
			return []string{"run", "--config", n.file("config.yaml", fmt.Sprintf("thinq: {country: KR, api_url: %q, ca_file: %q}\nmqtt: {url: %q, username: me}\nhttp: {listen: ''}\nstate_dir: %q\n",
				n.cloud.URL, n.cfg.ThinQ.CAFile, n.cfg.MQTT.URL, n.cfg.StateDir))}
		},
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			n := newTenant(t)
			process := n.start(set(n)...)
			for _, of := range []string{"cmdline", "environ", "comm"} {
				seen, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", process.Pid, of))
				if err != nil || len(seen) == 0 {
					t.Fatalf("%s: %q, %v", of, seen, err)
				}
				for _, secret := range []string{n.cloud.Token, canary} {
					if bytes.Contains(seen, []byte(secret)) {
						t.Errorf("%s shows a secret: %q", of, seen)
					}
				}
			}
		})
	}
}

// No command takes a secret as an argument, not even one that its help hides.
func TestS01NoSecretFlags(t *testing.T) {
	t.Parallel()
	secret := regexp.MustCompile(`Name:\S*(token|password|secret|key|credential)`)
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, flag := range slices.Concat(each(cmd.Flags().VisitAll), each(cmd.PersistentFlags().VisitAll)) {
			if secret.MatchString(flag) {
				t.Errorf("%s takes %s", cmd.CommandPath(), flag)
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk((&app{}).root())
}

// each are the texts of what a visitor is shown.
func each[T any](visit func(func(T))) (all []string) {
	visit(func(v T) { all = append(all, fmt.Sprintf("%+v", v)) })
	return all
}

// Where it is set up as we say, no crash leaves the memory, and what is in it,
// on a disk; and nothing that tells of memory is built in.
func TestS09NoCore(t *testing.T) {
	t.Parallel()
	for path, limit := range map[string]string{
		unitFile: `^LimitCORE=0$`, "../../docker-compose.yaml": `^ +ulimits: \{.*\bcore: 0\}$`, "../../README.md": `^[^#]*--ulimit core=0\b`,
	} {
		if !regexp.MustCompile("(?m)" + limit).MatchString(read(t, path)) {
			t.Errorf("%s lacks %s", path, limit)
		}
	}
	parts, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(strings.Fields(string(parts)), "net/http/pprof") {
		t.Error("profiling is built in")
	}
}

// Two cannot share a state folder, and root has no business in that of somebody
// else: each is told in words, with an exit code of its own.
func TestS44LockAndRoot(t *testing.T) {
	t.Parallel()
	r := newRig(t, thinqtest.Options{Samples: homeOf(t, 1)})
	stop := r.start()
	defer stop()
	n := &tenant{rig: r, dir: t.TempDir()}
	config := func(dir string) string {
		return n.file("config.yaml", fmt.Sprintf("thinq: {country: KR, token: x}\nhttp: {listen: ''}\nstate_dir: %q\n", dir))
	}
	begin := func(dir string) (code int, said string) {
		var b bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // one that begins ends at once
		code = run(ctx, []string{"run", "--config", config(dir)}, nil, &b, &b)
		return code, b.String()
	}
	if code, said := begin(r.cfg.StateDir); code != exitState || !strings.Contains(said, "is in use by another process: see state_dir") {
		t.Errorf("second start: %d %s", code, said)
	}
	code, said := begin(filepath.Join(t.TempDir(), "fresh"))
	warnings := strings.Count(said, `level=WARN msg="running as root"`)
	if root := os.Geteuid() == 0; code != 0 || root != (warnings == 1) || warnings > 1 {
		t.Errorf("as user number %d: %d %s", os.Geteuid(), code, said)
	}
	theirs := filepath.Join(t.TempDir(), "theirs")
	if err := os.Mkdir(theirs, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 { // then this user's folder is one for root to keep out of
		if err := ours(0, theirs); codeOf(err) != exitState {
			t.Errorf("root in a folder of number %d: %v", os.Geteuid(), err)
		}
		return
	}
	if err := os.Chown(theirs, 4711, 4711); err != nil {
		t.Fatal(err)
	}
	if code, said := begin(theirs); code != exitState || !strings.Contains(said, theirs+" belongs to user number 4711, who could not read what root writes there: run thinq2mqtt as that user (sudo -u '#4711'), or name another state_dir") {
		t.Errorf("root in a folder of another: %d %s", code, said)
	}
	if found, err := os.ReadDir(theirs); err != nil || len(found) > 0 {
		t.Errorf("root left %v, %v", found, err)
	}
}

// unconfigured is the environment without settings of ours.
func unconfigured() []string {
	return slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, envPrefix) })
}

// must is for what cannot fail where the test got so far.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// within looks until a condition holds.
func within(d time.Duration, holds func() bool) bool {
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(d); !holds(); <-look.C {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}
