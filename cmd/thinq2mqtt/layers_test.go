package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/thinq2mqtt/thinq2mqtt/"

// may says which of our packages each of them may use, tests aside. What is not
// listed may not exist.
var may = map[string][]string{
	"thinq":                          {},
	"thinq/thinqtest":                {},
	"thinq/thinqtest/bounds":         {}, // tests only
	"discovery":                      {"thinq"},
	"bridge/link":                    {},
	"bridge/link/linktest":           {},
	"bridge/link/linktest/mosquitto": {"bridge/link"}, // tests only
	"bridge":                         {"discovery", "thinq", "bridge/link"},
	"cmd/thinq2mqtt": {
		"bridge", "discovery", "thinq", "bridge/link",
		"thinq/thinqtest", "bridge/link/linktest", // demo and simulate
	},
}

// foreign says who may use libraries that are somebody's business: nobody else
// speaks MQTT, Prometheus or cobra.
var foreign = map[string][]string{
	"github.com/eclipse/paho.golang/":      {"bridge/link"},
	"github.com/gorilla/websocket":         {"bridge", "bridge/link", "thinq/thinqtest"},
	"github.com/mochi-mqtt/server/":        {"bridge/link/linktest", "thinq/thinqtest"},
	"github.com/prometheus/client_golang/": {"bridge", "cmd/thinq2mqtt"},
	"github.com/spf13/cobra":               {"cmd/thinq2mqtt"},
	"github.com/knadh/koanf/":              {"cmd/thinq2mqtt"},
	"github.com/go-viper/mapstructure/":    {"cmd/thinq2mqtt"},
	"go.yaml.in/yaml/":                     {"cmd/thinq2mqtt"},
	"github.com/lmittmann/tint":            {"cmd/thinq2mqtt"},
	"github.com/coreos/go-systemd/":        {"bridge"},
	"github.com/google/renameio/":          {"bridge"},
	"github.com/cenkalti/backoff/":         {"bridge/link", "bridge", "thinq"},
	"golang.org/x/sync/":                   {"cmd/thinq2mqtt", "bridge", "bridge/link", "thinq"},
	"rsc.io/qr":                            {"cmd/thinq2mqtt"},
	"golang.org/x/time/":                   {"bridge", "bridge/link", "thinq", "thinq/thinqtest"},
	"github.com/google/go-cmp/":            {}, // tests only, as are the next three
	"github.com/chromedp/":                 {},
	"github.com/rogpeppe/go-internal/":     {},
	"go.uber.org/goleak":                   {},
}

// demoFiles are the only files of the command that may use the simulated cloud
// and the embedded broker.
var demoFiles = []string{"demo.go", "home.go", "simulate.go"}

// Imports go one way.
func TestLayers(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "../../...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		name := strings.TrimPrefix(words[0], module)
		allowed, ok := may[name]
		if !ok {
			t.Errorf("package %s has no place in the layers", name)
		}
		for _, used := range words[1:] {
			if our, ok := strings.CutPrefix(used, module); ok {
				if !slices.Contains(allowed, our) {
					t.Errorf("%s imports %s", name, our)
				}
				continue
			}
			for library, users := range foreign {
				if strings.HasPrefix(used, library) && !slices.Contains(users, name) {
					t.Errorf("%s imports %s", name, used)
				}
			}
		}
	}
}

// The daemon does not depend on doubles, whatever the demo does.
func TestDoublesBelongToDemo(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-f", `{{join .GoFiles " "}}`, ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range strings.Fields(string(out)) {
		uses := slices.ContainsFunc(imports(t, file), func(path string) bool {
			return strings.HasSuffix(path, "/thinqtest") || strings.HasSuffix(path, "/linktest")
		})
		if uses && !slices.Contains(demoFiles, file) {
			t.Errorf("%s uses a double", file)
		}
	}
}

// byTheWay calls somebody without a client or a dialler that was made for it, whose
// way the tests watch.
var byTheWay = regexp.MustCompile(`\b(http\.(Get|Post|PostForm|Head|DefaultClient|DefaultTransport)|net\.(Dial|DialTimeout|Lookup(Addr|CNAME|Host|IP|MX|NS|SRV|TXT)|DefaultResolver)|websocket\.DefaultDialer)\b`)

// Nothing is fetched by the way, as a root certificate or a newer version would be.
func TestF019NothingByTheWay(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-f", `{{$dir := .Dir}}{{range .GoFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}`, "../../...").Output()
	if err != nil {
		t.Fatal(err)
	}
	files := strings.Fields(string(out))
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if call := byTheWay.Find(source); call != nil {
			t.Errorf("%s has %s", filepath.Base(file), call)
		}
	}
	if len(files) < 100 {
		t.Errorf("%d files only", len(files))
	}
}
