//go:build !race

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A library is a direct dependency: modules of one name count once.
type library struct {
	licence string
	why     string // not the standard library or our own
}

// At most so many libraries run in the bridge. Two more serve only demo and
// login: their code is in the binary and at rest in the daemon, and to write a
// broker or a QR encoder of our own would make nothing safer. What tests use is
// in no binary.
const mostLibraries = 12

// libraries of the daemon, and why each is not something of our own.
var libraries = map[string]library{
	"github.com/eclipse/paho.golang":      {"EPL-2.0", "MQTT 5 by the makers of the protocol"},
	"github.com/gorilla/websocket":        {"BSD", "MQTT over websockets, and LG's callback"},
	"github.com/prometheus/client_golang": {"Apache", "metrics as Prometheus reads them, escaping included"},
	"github.com/spf13/cobra":              {"MIT or Apache", "commands, help and completion for four shells"},
	"github.com/knadh/koanf":              {"MIT", "file and variables laid over each other"},
	"github.com/go-viper/mapstructure":    {"MIT", "koanf's own way into structs, where we set the hooks"},
	"go.yaml.in/yaml":                     {"MIT or Apache", "YAML with the line of every key, for complaints"},
	"github.com/lmittmann/tint":           {"MIT", "logs in colour on a terminal"},
	"github.com/coreos/go-systemd":        {"Apache", "readiness and watchdog of the service manager"},
	"github.com/google/renameio":          {"Apache", "files replaced whole, with the syncs in the right order"},
	"golang.org/x/oauth2":                 {"BSD", "PKCE and refresh of a sign-in"},
	"golang.org/x/sync":                   {"BSD", "goroutines that end together, by the Go project"},
}

// atRest are libraries that the daemon never calls, and proofs those that only
// tests do.
var (
	atRest = map[string]library{
		"github.com/mochi-mqtt/server": {"MIT", "the broker of demo"},
		"rsc.io/qr":                    {"BSD", "the address of a sign-in for a telephone's camera"},
	}
	proofs = map[string]library{
		"github.com/chromedp/chromedp":    {"MIT", "a real browser walks through the sign-in"},
		"github.com/chromedp/cdproto":     {"MIT", "what chromedp speaks"},
		"github.com/google/go-cmp":        {"BSD", "differences that can be read"},
		"github.com/rogpeppe/go-internal": {"BSD", "commands as scripts"},
		"go.uber.org/goleak":              {"MIT", "goroutines that are left over"},
	}
)

// licences are how the texts that we may ship begin to say what they are.
var licences = map[string]string{
	"MIT":           `(?i)\bMIT License|Permission is hereby granted, free of charge`,
	"BSD":           `Redistribution and use in source and binary forms`,
	"Apache":        `(?i)Apache License\s+Version 2\.0`,
	"EPL-2.0":       `Eclipse Public License - v 2\.0`,
	"MIT or Apache": `(?is)(MIT.*Apache|Apache License\s+Version 2\.0)`,
}

// A required module is what go list says of one.
type required struct {
	Path, Dir      string
	Main, Indirect bool
	Replace        *struct{ Path string }
}

// Every direct dependency has a reason and a licence that we may ship, all are
// pinned, and they do not become more.
func TestS45Dependencies(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-m", "-json", "all").Output()
	if err != nil {
		t.Fatal(err)
	}
	sums := read(t, "../../go.sum")
	used := map[string]bool{}
	for in := json.NewDecoder(bytes.NewReader(out)); in.More(); {
		var m required
		if err := in.Decode(&m); err != nil {
			t.Fatal(err)
		}
		if m.Replace != nil {
			t.Errorf("%s is replaced by %s", m.Path, m.Replace.Path)
		}
		if m.Main || m.Indirect {
			continue
		}
		name, l := reasonFor(m.Path)
		used[name] = true
		if l.why == "" {
			t.Errorf("%s has no reason: a new dependency needs one", m.Path)
		} else if text := licenceIn(t, m.Dir); !regexp.MustCompile(licences[l.licence]).MatchString(text) {
			t.Errorf("%s is not under %s:\n%.200s", m.Path, l.licence, text)
		}
		if !strings.Contains(sums, "\n"+m.Path+" v") {
			t.Errorf("%s has no checksum", m.Path)
		}
	}
	for _, table := range []map[string]library{libraries, atRest, proofs} {
		for name := range table {
			if !used[name] {
				t.Errorf("%s is not used any more", name)
			}
		}
	}
	if len(libraries) > mostLibraries || len(atRest) > 2 {
		t.Errorf("%d libraries in the daemon and %d at rest, at most %d and 2", len(libraries), len(atRest), mostLibraries)
	}
}

// reasonFor finds the library that a module belongs to.
func reasonFor(path string) (name string, l library) {
	for _, table := range []map[string]library{libraries, atRest, proofs} {
		for name, l := range table {
			if path == name || strings.HasPrefix(path, name+"/") {
				return name, l
			}
		}
	}
	return path, l
}

func licenceIn(t *testing.T, dir string) (text string) {
	t.Helper()
	for _, entry := range must(os.ReadDir(dir)) {
		if name := strings.ToUpper(entry.Name()); strings.HasPrefix(name, "LICEN") || strings.HasPrefix(name, "COPYING") {
			text += read(t, filepath.Join(dir, entry.Name()))
		}
	}
	return text
}

// A hole that is planted is found by the very line that looks for real ones,
// and no network is no hole.
func TestS46PlantedHole(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("govulncheck"); err != nil {
		lack(t, "govulncheck")
	}
	holes := must(filepath.Abs("../../.ci/planted/holes"))
	for _, tt := range []struct {
		name string
		args []string
		env  string
		code int
		says string
	}{
		{"planted", []string{"-C", ".ci/planted", "-db", "file://" + holes, "."}, "", 3, "GO-2000-0001"},
		{"elsewhere", []string{"-C", ".ci/components", "-db", "file://" + holes, "."}, "", 0, "No vulnerabilities found"},
		{"no network", []string{"-C", ".ci/planted", "."}, "HTTPS_PROXY=http://127.0.0.1:1", 0, "nothing was compared"},
		{"not at all", []string{"-C", ".ci/planted", "-nonsense"}, "", 2, "nonsense"},
	} {
		cmd := exec.Command(".ci/holes", tt.args...)
		cmd.Dir, cmd.Env = "../..", append(os.Environ(), tt.env)
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != tt.code || !strings.Contains(string(out), tt.says) {
			t.Errorf("%s: exit code %d, want %d and %q in\n%s", tt.name, code, tt.code, tt.says, out)
		}
	}
}

// A change meets the scanner for known holes, a linter and the race detector, and
// each night's work the linter for weaknesses and the binaries' own scan as well.
func TestS46Looks(t *testing.T) {
	t.Parallel()
	for path, looks := range map[string][]string{
		"../../.ci/run":     {`^try \.ci/holes \./\.\.\.$`, `^try "\$scratch/staticcheck" -checks all \./\.\.\.$`, `^try go test -race .*\./\.\.\.$`},
		"../../.ci/nightly": {`parts=\(.*\brace\b.*\bbinary\b.*\bweaknesses\b.*\)$`, `^race\(\) \{ try \d+ go test -race .*\./\.\.\.; \}$`},
	} {
		for _, look := range looks {
			if !regexp.MustCompile("(?m)" + look).MatchString(read(t, path)) {
				t.Errorf("%s has nothing like %s", path, look)
			}
		}
	}
}

// Whoever silences a linter says why.
func TestS46Suppressions(t *testing.T) {
	t.Parallel()
	silent := regexp.MustCompile(`//\s*(#nosec|nolint|lint:(file-)?ignore)\b(.*)`)
	reason := regexp.MustCompile(`--\s*\w+ \w+|^ \S+ \w+ \w+`)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		for _, m := range silent.FindAllStringSubmatch(read(t, path), -1) {
			if !reason.MatchString(m[3]) {
				t.Errorf("%s: %s: no reason", path, m[0])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(read(t, "../../.ci/accepted")) {
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" && len(words) < 5 {
			t.Errorf(".ci/accepted: no reason for %s", line)
		}
	}
}

// Two builds in two folders are the same to the last bit, the list of components
// is true, and sums can be checked; one platform here, all in .ci/release.
func TestS47TwoBuilds(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		lack(t, "ssh-keygen")
	}
	out, workshop, key := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "key")
	tool(t, "", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", key)
	target := strings.Fields(tool(t, "", "go", "env", "GOOS", "GOARCH"))
	platform := target[0] + "/" + target[1]
	release := exec.Command("../../.ci/release")
	release.Env = append(os.Environ(), "VERSION=1.2.3", "COMMIT=abc", "PLATFORMS="+platform, "OUT="+out, "TMPDIR="+workshop,
		"SIGNING_KEY="+key, "SECOND_CACHE="+strings.TrimSpace(tool(t, "", "go", "env", "GOCACHE")))
	if said, err := release.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, said)
	}
	binary := filepath.Join(out, "thinq2mqtt-"+target[0]+"-"+target[1])
	if said := tool(t, "", binary, "version"); !strings.Contains(said, "1.2.3 (abc)") {
		t.Errorf("it is %s", said)
	}
	if bytes.Contains([]byte(read(t, binary)), []byte(workshop)) {
		t.Error("the binary knows where it was built")
	}
	components := read(t, binary+".cdx.json")
	for _, line := range strings.Split(tool(t, "", "go", "version", "-m", binary), "\n") {
		if words := strings.Fields(line); len(words) > 2 && words[0] == "dep" && !strings.Contains(components, fmt.Sprintf(`"pkg:golang/%s@%s"`, words[1], words[2])) {
			t.Errorf("%s is not among the components", words[1])
		}
	}
	checkSums(t, out, key)
}

// checkSums does what a user does who trusts the key, before and after somebody
// changed a binary's sum.
func checkSums(t *testing.T, out, key string) {
	t.Helper()
	sums := filepath.Join(out, "SHA256SUMS")
	tool(t, out, "sha256sum", "--check", "--strict", sums)
	signers := filepath.Join(t.TempDir(), "allowed_signers")
	if err := os.WriteFile(signers, []byte("thinq2mqtt "+read(t, key+".pub")), 0o600); err != nil {
		t.Fatal(err)
	}
	text := read(t, sums)
	for _, tt := range []struct {
		text string
		good bool
	}{{text, true}, {strings.Replace(text, text[:4], "0000", 1), false}} {
		cmd := exec.Command("ssh-keygen", "-Y", "verify", "-f", signers, "-I", "thinq2mqtt", "-n", "file", "-s", sums+".sig")
		cmd.Stdin = strings.NewReader(tt.text)
		if said, err := cmd.CombinedOutput(); (err == nil) != tt.good {
			t.Errorf("signature good %v, want %v: %s", err == nil, tt.good, said)
		}
	}
}

// tool runs a program that has to succeed.
func tool(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// Everything is built by one toolchain, and that is pinned.
func TestS47Toolchain(t *testing.T) {
	t.Parallel()
	pinned := regexp.MustCompile(`(?m)^toolchain go(1\.\d+\.\d+)$`).FindStringSubmatch(read(t, "../../go.mod"))
	if pinned == nil || !strings.Contains(read(t, "../../Dockerfile"), "golang:"+pinned[1]+" AS build\n") {
		t.Errorf("go.mod pins %q, the Dockerfile something else", pinned)
	}
}

// There is a private way to tell of a weakness, with a time in which an answer
// comes, and every link of it leads somewhere.
func TestS48SecurityPolicy(t *testing.T) {
	t.Parallel()
	text := strings.Join(strings.Fields(read(t, "../../.github/SECURITY.md")), " ")
	for _, want := range []string{"in private", "Report a vulnerability", "security/advisories/new", "within 14 days", "not in an issue"} {
		if !strings.Contains(text, want) {
			t.Errorf("the policy does not say %q", want)
		}
	}
	links := regexp.MustCompile(`https?://[^\s)>]+|\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1)
	if len(links) == 0 {
		t.Error("no link")
	}
	for _, link := range links {
		if link[1] != "" && !strings.HasPrefix(link[1], "http") {
			if !exists(filepath.Join("../../.github", link[1])) {
				t.Errorf("%s leads nowhere", link[1])
			}
			continue
		}
		if home := "https://" + strings.TrimSuffix(module, "/"); !strings.Contains(link[0], home+"/") {
			t.Errorf("%s is not of this repository", link[0])
		}
	}
	if !strings.Contains(read(t, "../../README.md"), ".github/SECURITY.md") {
		t.Error("nobody finds the policy from the README")
	}
}
