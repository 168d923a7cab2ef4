package main

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const appFolder = "../../deploy/homeassistant/"

// An appManifest is what a Home Assistant app asks for. Keys that are not here
// would ask for more, and are refused.
type appManifest struct {
	Name, Version, Slug, Description, URL string
	Arch                                  []string
	Stage, Startup                        string
	Init                                  *bool
	Map                                   []struct {
		Type     string
		ReadOnly *bool `yaml:"read_only"`
	}
	Schema                        any
	Environment                   map[string]string
	Ingress                       bool
	IngressPort                   int    `yaml:"ingress_port"`
	PanelIcon                     string `yaml:"panel_icon"`
	PanelTitle                    string `yaml:"panel_title"`
	PanelAdmin                    bool   `yaml:"panel_admin"`
	Watchdog                      string
	Tmpfs                         bool
	Ulimits                       map[string]int
	Timeout                       int
	HostNetwork                   bool   `yaml:"host_network"`
	HostPID                       bool   `yaml:"host_pid"`
	HostUTS                       bool   `yaml:"host_uts"`
	FullAccess                    bool   `yaml:"full_access"`
	DockerAPI                     bool   `yaml:"docker_api"`
	AuthAPI                       bool   `yaml:"auth_api"`
	HassioAPI                     bool   `yaml:"hassio_api"`
	HomeAssistantAPI              bool   `yaml:"homeassistant_api"`
	KernelModules                 bool   `yaml:"kernel_modules"`
	HassioRole                    string `yaml:"hassio_role"`
	Privileged, Services, Devices []string
	Ports                         map[string]*int
	AppArmor                      *bool `yaml:"apparmor"`
}

func appOf(t *testing.T, text string) (m appManifest) {
	t.Helper()
	in := yaml.NewDecoder(strings.NewReader(text))
	in.KnownFields(true)
	if err := in.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

// risky are privileges that cost a point.
var risky = []string{
	"BPF", "CHECKPOINT_RESTORE", "DAC_READ_SEARCH", "NET_ADMIN", "NET_RAW", "PERFMON", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO",
}

// rating is how Home Assistant rates an app, 1 to 6, by the table that its
// documentation for developers publishes under "Presenting your app".
func (m appManifest) rating(profile bool) int {
	if m.FullAccess || m.DockerAPI {
		return 1
	}
	points := 5
	for _, row := range []struct {
		holds bool
		worth int
	}{
		{m.Ingress, 2},
		{m.AuthAPI && !m.Ingress, 1},
		{profile, 1},
		{m.AppArmor != nil && !*m.AppArmor, -1},
		{m.KernelModules || slices.ContainsFunc(m.Privileged, func(p string) bool { return slices.Contains(risky, p) }), -1},
		{m.HassioRole == "manager", -1},
		{m.HassioRole == "admin", -2},
		{m.HostNetwork, -1},
		{m.HostPID, -2},
		{m.HostUTS && slices.Contains(m.Privileged, "SYS_ADMIN"), -1},
	} {
		if row.holds {
			points += row.worth
		}
	}
	return max(1, min(points, 6))
}

// The app asks for its folder and its page, and Home Assistant's own rules rate
// it as high as they go, with two points to spare.
func TestS43AppManifest(t *testing.T) {
	t.Parallel()
	m := appOf(t, read(t, appFolder+"config.yaml"))
	if got := m.rating(exists(appFolder + "apparmor.txt")); got != 6 {
		t.Errorf("rated %d of 6", got)
	}
	if got := m.rating(false); got != 6 {
		t.Errorf("rated %d of 6 where AppArmor is not at hand", got)
	}
	if m.HostNetwork || m.HostPID || m.HostUTS || m.HassioAPI || m.HomeAssistantAPI || m.AuthAPI || m.HassioRole != "" ||
		len(m.Privileged)+len(m.Services)+len(m.Devices)+len(m.Ports) > 0 || m.AppArmor != nil {
		t.Errorf("it asks for more than it needs: %+v", m)
	}
	if len(m.Map) != 1 || m.Map[0].Type != "addon_config" || m.Map[0].ReadOnly != nil {
		t.Errorf("it maps %+v, want its own folder, to be read", m.Map)
	}
	if !m.Ingress || m.IngressPort != 8099 || !m.PanelAdmin || m.Watchdog != "http://[HOST]:[PORT:8099]/livez" {
		t.Error("the page is not where ingress and watchdog look for it")
	}
	if m.Schema != false || m.Environment["THINQ2MQTT_CONFIG"] != "/config/config.yaml" {
		t.Error("the settings are not those of the user's file")
	}
	if !slices.Equal(m.Arch, []string{"amd64", "aarch64"}) || m.Slug != "thinq2mqtt" || m.Stage != "experimental" {
		t.Errorf("it is %+v", m)
	}
}

// The rating knows what is bad.
func TestS43Rating(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"{}": 5, "ingress: true": 6, "host_network: true": 4, "full_access: true": 1, "{docker_api: true, ingress: true}": 1,
		"{hassio_role: admin, host_pid: true}": 1, "{privileged: [SYS_ADMIN], host_uts: true}": 3, "apparmor: false": 4, "auth_api: true": 6,
	} {
		if got := appOf(t, text).rating(false); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

// What the app adds to the image is its user, and what it tells people is true.
func TestS43AppFolder(t *testing.T) {
	t.Parallel()
	m := appOf(t, read(t, appFolder+"config.yaml"))
	dockerfile := read(t, appFolder+"Dockerfile")
	for _, want := range []string{"ARG BUILD_VERSION\nFROM ghcr.io/thinq2mqtt/thinq2mqtt:${BUILD_VERSION}\n", "\nUSER 0:0\n"} {
		if !strings.Contains(dockerfile, want) {
			t.Errorf("the Dockerfile lacks %q", want)
		}
	}
	if strings.Contains(dockerfile, "RUN") || strings.Contains(dockerfile, "COPY") {
		t.Error("the app adds something to the image")
	}
	docs := read(t, appFolder+"DOCS.md")
	for _, want := range []string{"**Not tried yet:**", "real Supervisor", "6 of 6", m.Environment["THINQ2MQTT_CONFIG"][len("/config/"):], "LICENSE"} {
		if !strings.Contains(docs, want) {
			t.Errorf("DOCS.md does not say %q", want)
		}
	}
	piece := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(docs)
	if piece == nil {
		t.Fatal("DOCS.md shows no configuration")
	}
	if _, err := configFile(t, regexp.MustCompile(`(?m)^   `).ReplaceAllString(piece[1], "")).load(); err != nil {
		t.Error(err)
	}
}

// The profile gives three folders and the network, and nothing that root could
// use against the machine.
func TestS43AppArmor(t *testing.T) {
	t.Parallel()
	text := read(t, appFolder+"apparmor.txt")
	if !strings.Contains(text, "\nprofile "+appOf(t, read(t, appFolder+"config.yaml")).Slug+" ") {
		t.Error("the profile is not named like the app")
	}
	may := map[string]string{
		"/thinq2mqtt": "rix", "/data/": "rw", "/data/**": "rwkl", "/tmp/**": "rw", "/dev/{null,zero,random,urandom}": "rw",
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(strings.TrimSuffix(strings.TrimSpace(line), ","))
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#") || words[0] == "}" || words[0] == "profile":
		case words[0] == "network" && (words[1] == "inet" || words[1] == "inet6") && (words[2] == "stream" || words[2] == "dgram"):
		case words[0] == "signal":
		case len(words) == 2 && (words[1] == "r" || may[words[0]] == words[1]):
		default:
			t.Errorf("it allows %s", line)
		}
	}
}

// AppArmor's own parser takes the profile.
func TestS43AppArmorParses(t *testing.T) {
	t.Parallel()
	parser, err := exec.LookPath("apparmor_parser")
	if err != nil {
		parser = "/sbin/apparmor_parser"
	}
	if !exists(parser) {
		lack(t, "apparmor_parser")
	}
	out, err := exec.Command(parser, "--skip-kernel-load", "--skip-cache", appFolder+"apparmor.txt").CombinedOutput()
	if err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}
