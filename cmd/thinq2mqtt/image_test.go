//go:build !race

// What is tried here is another binary, so the race detector sees nothing of it.

package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// nobody is the user of the image.
const nobody = 65532

// An image is what the Dockerfile makes, without Docker: its lines for the shell
// are run in a copy of what the build may see, and its lines for the last stage
// say what goes where.
type image struct {
	*testing.T
	src, root string
	env       []string
}

func newImage(t *testing.T) *image {
	t.Helper()
	im := &image{T: t, src: t.TempDir(), root: t.TempDir(), env: []string{"PATH=/"}}
	if err := os.Chmod(im.root, 0o755); err != nil {
		t.Fatal(err)
	}
	im.visible()
	for line := range strings.Lines(read(t, "../../Dockerfile")) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case line == "RUN go mod download\n":
		case word == "RUN":
			im.shell(rest)
		case strings.HasPrefix(line, "COPY --from=build "):
			im.copies(strings.Fields(line)[2:])
		case word == "ENV":
			im.env = append(im.env, strings.Fields(rest)...)
		}
	}
	return im
}

// visible copies what .dockerignore lets through.
func (im *image) visible() {
	im.Helper()
	var ignored, kept []string
	for line := range strings.Lines(read(im.T, "../../.dockerignore")) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "!"):
			kept = append(kept, line[1:])
		case strings.HasPrefix(line, "**/"):
			ignored = append(ignored, line[3:])
		}
	}
	for _, name := range kept {
		err := filepath.WalkDir(filepath.Join("../..", name), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if slices.ContainsFunc(ignored, func(pattern string) bool { ok, _ := filepath.Match(pattern, d.Name()); return ok }) {
				if d.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			to := filepath.Join(im.src, strings.TrimPrefix(path, "../.."))
			if d.IsDir() {
				return os.MkdirAll(to, 0o755)
			}
			data, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(to, data, 0o644))
		})
		if err != nil {
			im.Fatal(err)
		}
	}
}

// shell runs a line as the build stage does, for this machine.
func (im *image) shell(line string) {
	im.Helper()
	arch, err := exec.Command("go", "env", "GOOS", "GOARCH").Output()
	if err != nil {
		im.Fatal(err)
	}
	target := strings.Fields(string(arch))
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = im.src
	cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false", "TARGETOS="+target[0], "TARGETARCH="+target[1], "TARGETVARIANT=", "VERSION=test", "COMMIT=")
	if out, err := cmd.CombinedOutput(); err != nil {
		im.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// copies does what COPY does with these words: a folder's content goes into a
// folder, with modes, and all of it to a user.
func (im *image) copies(words []string) {
	im.Helper()
	owner := 0
	if words[0] == "--chown=65532:65532" {
		owner, words = nobody, words[1:]
	}
	from, to := words[0], filepath.Join(im.root, words[1])
	if inside, ok := strings.CutPrefix(from, "/src/"); ok {
		from = filepath.Join(im.src, inside) + "/."
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		im.Fatal(err)
	}
	if out, err := exec.Command("cp", "-r", "--preserve=mode", from, to).CombinedOutput(); err != nil {
		im.Fatalf("%v: %s", err, out)
	}
	if owner == 0 || os.Geteuid() != 0 {
		return
	}
	for _, entry := range must(os.ReadDir(strings.TrimSuffix(from, "."))) {
		if err := os.Chown(filepath.Join(to, entry.Name()), owner, owner); err != nil {
			im.Fatal(err)
		}
	}
}

// command runs the binary as the container's user, who sees nothing but the
// image.
func (im *image) command(env []string, args ...string) *exec.Cmd {
	cmd := exec.Command("/thinq2mqtt", args...)
	cmd.Dir, cmd.Env = "/", append(slices.Clone(im.env), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: im.root, Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return cmd
}

// files are all names in the image, with mode and owner.
func (im *image) files() (all []string) {
	im.Helper()
	us := uint32(os.Geteuid()) // whoever runs the tests stands for root
	err := filepath.WalkDir(im.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		owner := "root"
		if info.Sys().(*syscall.Stat_t).Uid != us {
			owner = "nobody"
		}
		all = append(all, info.Mode().String()+" "+owner+" /"+strings.TrimPrefix(strings.TrimPrefix(path, im.root), "/"))
		return nil
	})
	if err != nil {
		im.Fatal(err)
	}
	return all
}

// The image has the binary, the certificates and two folders: no shell, no
// package manager, nothing that the one who runs in it may change but its data.
func TestS42S43Image(t *testing.T) {
	t.Parallel()
	im := newImage(t)
	want := []string{
		"drwxr-xr-x root /", "drwx------ nobody /data",
		"drwxr-xr-x root /etc", "drwxr-xr-x root /etc/ssl", "drwxr-xr-x root /etc/ssl/certs", "-rw-r--r-- root /etc/ssl/certs/ca-certificates.crt",
		"-rwxr-xr-x root /thinq2mqtt", "dtrwxrwxrwx root /tmp",
	}
	if os.Geteuid() != 0 {
		want[1] = "drwx------ root /data"
	}
	if got := im.files(); !slices.Equal(got, want) {
		t.Errorf("the image holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if os.Geteuid() != 0 {
		t.Skip("the rest takes the rights to change the root folder")
	}
	t.Run("run", im.serves)
	t.Run("write", im.writes)
	t.Run("app", im.isApp)
}

// serves runs the bridge with neither LG nor a broker in reach.
func (im *image) serves(t *testing.T) {
	listen := "THINQ2MQTT_HTTP__LISTEN=" + freePort(t)
	well(t, im.command([]string{
		listen, "THINQ2MQTT_THINQ__COUNTRY=KR", "THINQ2MQTT_THINQ__TOKEN=none",
		"THINQ2MQTT_THINQ__API_URL=https://127.0.0.1:1", "THINQ2MQTT_MQTT__URL=mqtt://127.0.0.1:1",
	}, "run"), func() *exec.Cmd { return im.command([]string{listen}, "healthcheck") })
	if state := must(os.ReadDir(filepath.Join(im.root, "data"))); len(state) == 0 {
		t.Error("it keeps nothing in /data")
	}
}

// well runs a bridge, asks the probe that the image comes with until it is
// content, and stops both.
func well(t *testing.T, bridge *exec.Cmd, probe func() *exec.Cmd) {
	t.Helper()
	var said strings.Builder
	bridge.Stderr = &said
	if err := bridge.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- bridge.Wait() }()
	content := func() bool { return probe().Run() == nil }
	within(patience, func() bool { return len(ended) > 0 || content() })
	healthy := content()
	bridge.Process.Signal(syscall.SIGTERM)
	if err := <-ended; err != nil || !healthy {
		t.Fatalf("%v, healthy %v:\n%s", err, healthy, &said)
	}
	if content() {
		t.Error("the probe is content with nobody")
	}
}

// isApp runs the bridge as Home Assistant does: as root, whose folders they are,
// with the variables of the manifest and the user's file.
func (im *image) isApp(t *testing.T) {
	config := filepath.Join(im.root, "config")
	listen := freePort(t)
	text := "thinq: {country: KR, token_file: /config/thinq_token, api_url: 'https://127.0.0.1:1'}\n" +
		"mqtt: {url: 'mqtt://127.0.0.1:1', username: a, password_file: /config/mqtt_password}\nstate_dir: /data/app\n"
	if err := os.Mkdir(config, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"config.yaml": text, "thinq_token": "token", "mqtt_password": "password"} {
		if err := os.WriteFile(filepath.Join(config, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"THINQ2MQTT_HTTP__LISTEN=" + listen, "THINQ2MQTT_STATE_DIR=/data/app"}
	for name, value := range appOf(t, read(t, appFolder+"config.yaml")).Environment {
		env = append(env, name+"="+value)
	}
	asRoot := func(args ...string) *exec.Cmd {
		cmd := im.command(env, args...)
		cmd.SysProcAttr.Credential = &syscall.Credential{}
		return cmd
	}
	well(t, asRoot(), func() *exec.Cmd { return asRoot("healthcheck") })
	if !exists(filepath.Join(im.root, "data/app/lock")) {
		t.Error("it keeps nothing in /data")
	}
}

// writes tries each place to keep the state in, and whether there is a shell.
func (im *image) writes(t *testing.T) {
	for _, place := range []struct {
		state string
		may   bool
	}{{"/data/home", true}, {"/state", false}, {"/etc/state", false}, {"/thinq2mqtt", false}} {
		cmd := im.command([]string{
			"THINQ2MQTT_STATE_DIR=" + place.state, "THINQ2MQTT_HTTP__LISTEN=", "THINQ2MQTT_THINQ__COUNTRY=KR",
			"THINQ2MQTT_THINQ__TOKEN=none", "THINQ2MQTT_MQTT__URL=mqtt://127.0.0.1:1", "THINQ2MQTT_THINQ__API_URL=https://127.0.0.1:1",
		}, "run")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		deadline := time.AfterFunc(patience, func() { cmd.Process.Kill() })
		kept := filepath.Join(im.root, place.state, "lock")
		if place.may && within(patience, func() bool { return exists(kept) }) {
			cmd.Process.Signal(syscall.SIGTERM)
		}
		cmd.Wait()
		deadline.Stop()
		if want := map[bool]int{false: exitState}[place.may]; cmd.ProcessState.ExitCode() != want {
			t.Errorf("state in %s: exit code %d, want %d", place.state, cmd.ProcessState.ExitCode(), want)
		}
	}
	for _, program := range []string{"/bin/sh", "/bin/busybox", "/bin/bash"} {
		cmd := im.command(nil)
		cmd.Path, cmd.Args = program, []string{program, "-c", "true"}
		if err := cmd.Run(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", program, err)
		}
	}
}

// What the Dockerfile promises to whoever starts the image: a user without a
// name, one volume, a probe without a shell, nothing below it.
func TestS42Dockerfile(t *testing.T) {
	t.Parallel()
	_, last, _ := strings.Cut(read(t, "../../Dockerfile"), "\nFROM scratch\n")
	for _, line := range []string{"USER 65532:65532", "VOLUME /data", `ENTRYPOINT ["/thinq2mqtt"]`} {
		word, _, _ := strings.Cut(line, " ")
		if got := regexp.MustCompile(`(?m)^`+word+` .*$`).FindAllString(last, -1); !slices.Equal(got, []string{line}) {
			t.Errorf("%q, want %q", got, line)
		}
	}
	if !strings.Contains(last, `CMD ["/thinq2mqtt", "healthcheck"]`) || !strings.Contains(last, "GOMEMLIMIT=80MiB") {
		t.Error("no probe, or no limit of memory")
	}
}

// The compose file takes away what the bridge does not need, and so does the
// line in the README.
func TestS42Compose(t *testing.T) {
	t.Parallel()
	type service struct {
		Image, User string
		Privileged  bool
		ReadOnly    bool     `yaml:"read_only"`
		CapAdd      []string `yaml:"cap_add"`
		CapDrop     []string `yaml:"cap_drop"`
		SecurityOpt []string `yaml:"security_opt"`
		NetworkMode string   `yaml:"network_mode"`
		Pid, Ipc    string
		Devices     []string
		Volumes     []string
		Ports       []string
		Tmpfs       []string
		Environment map[string]string
		MemLimit    string `yaml:"mem_limit"`
		PidsLimit   int    `yaml:"pids_limit"`
		Ulimits     map[string]int
	}
	var compose struct{ Services map[string]service }
	if err := yaml.Unmarshal([]byte(read(t, "../../docker-compose.yaml")), &compose); err != nil {
		t.Fatal(err)
	}
	hardened := service{ReadOnly: true, Tmpfs: []string{"/tmp"}, CapDrop: []string{"ALL"}, SecurityOpt: []string{"no-new-privileges:true"}}
	bridge, broker := hardened, hardened
	bridge.Volumes, bridge.MemLimit, bridge.PidsLimit = []string{"state:/data"}, "128m", 64
	bridge.Ports = []string{"127.0.0.1:8099:8099"}
	bridge.Ulimits = map[string]int{"nofile": 256, "core": 0}
	broker.User, broker.Ports = "1883:1883", []string{"1883:1883"}
	want := map[string]service{"thinq2mqtt": bridge, "mosquitto": broker}
	for name, s := range compose.Services {
		for variable := range s.Environment {
			if secretive.MatchString(variable) {
				t.Errorf("%s has a secret in its environment: %s", name, variable)
			}
		}
		s.Image, s.Environment = "", nil
		if name == "mosquitto" {
			s.Volumes = nil
		}
		if !reflect.DeepEqual(s, want[name]) {
			t.Errorf("%s is %+v, want %+v", name, s, want[name])
		}
	}
	if strings.Contains(read(t, "../../docker-compose.yaml"), "--user 0") {
		t.Error("root, who has no powers there, cannot write what is not his")
	}
	if len(compose.Services) != len(want) {
		t.Errorf("%d services", len(compose.Services))
	}
	for _, option := range []string{"--read-only", "--cap-drop ALL", "--security-opt no-new-privileges", "-p 127.0.0.1:"} {
		if !strings.Contains(read(t, "../../README.md"), option) {
			t.Errorf("docker run without %s", option)
		}
	}
}
