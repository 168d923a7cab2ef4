package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// lack ends a test that needs a program which is not installed: skipped on
// somebody's machine, failed in continuous integration, where a test that
// silently never runs would be none.
func lack(t *testing.T, program string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed, and CI is set", program)
	}
	t.Skipf("%s is not installed", program)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

const unitFile = "../../deploy/systemd/thinq2mqtt.service"

// unit are the settings of a unit's section [Service] by name.
func unit(text string) map[string][]string {
	settings := map[string][]string{}
	_, text, _ = strings.Cut(text, "\n[Service]\n")
	text, _, _ = strings.Cut(text, "\n[Install]\n")
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			settings[name] = append(settings[name], value)
		}
	}
	return settings
}

// leastPower is what the unit must say and what it says it for.
var leastPower = []struct{ setting, value string }{
	// Somebody without a name, a home and a way to become more.
	{"DynamicUser", "yes"}, {"NoNewPrivileges", "yes"}, {"CapabilityBoundingSet", ""}, {"AmbientCapabilities", ""},
	{"RestrictSUIDSGID", "yes"}, {"PrivateUsers", "yes"}, {"RestrictNamespaces", "yes"}, {"LockPersonality", "yes"},
	{"RestrictRealtime", "yes"}, {"KeyringMode", "private"}, {"RemoveIPC", "yes"},
	// Files: its state folder, for nobody else to read.
	{"ProtectSystem", "strict"}, {"ProtectHome", "yes"}, {"PrivateTmp", "yes"}, {"PrivateMounts", "yes"},
	{"StateDirectory", "thinq2mqtt"}, {"StateDirectoryMode", "0700"}, {"UMask", "0077"},
	{"PrivateDevices", "yes"}, {"DevicePolicy", "closed"},
	// The machine.
	{"ProtectClock", "yes"}, {"ProtectControlGroups", "yes"}, {"ProtectHostname", "yes"}, {"ProtectKernelLogs", "yes"},
	{"ProtectKernelModules", "yes"}, {"ProtectKernelTunables", "yes"}, {"ProtectProc", "invisible"}, {"ProcSubset", "pid"},
	// The kernel's doors.
	{"RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6"}, {"SystemCallArchitectures", "native"},
	{"SystemCallFilter", "@system-service"}, {"SystemCallFilter", "~@privileged @resources"}, {"MemoryDenyWriteExecute", "yes"},
	// How much of everything; a dump of memory would hold the secrets.
	{"LimitCORE", "0"}, {"LimitNOFILE", "256"}, {"TasksMax", "64"}, {"MemoryMax", "128M"}, {"Environment", "GOMEMLIMIT=80MiB"},
	// Life: a stand-still is noticed, a crash is no loop.
	{"Type", "notify"}, {"WatchdogSec", "60"}, {"Restart", "on-failure"}, {"RestartSec", "5"}, {"TimeoutStopSec", "20"},
	{"RestartPreventExitStatus", "64 73 78"},
	// Secrets are handed over, never named in the environment.
	{"LoadCredential", "thinq_token:/etc/thinq2mqtt/thinq_token"}, {"LoadCredential", "mqtt_password:/etc/thinq2mqtt/mqtt_password"},
}

// The unit gives the bridge what it needs and nothing else.
func TestS41ServiceUnit(t *testing.T) {
	t.Parallel()
	text := read(t, unitFile)
	have := unit(text)
	for _, want := range leastPower {
		if !slices.Contains(have[want.setting], want.value) {
			t.Errorf("%s is %q, want %q", want.setting, have[want.setting], want.value)
		}
	}
	if n := len(have["Environment"]) + len(have["EnvironmentFile"]) + len(have["ReadWritePaths"]) + len(have["SupplementaryGroups"]); n != 1 {
		t.Error("the unit gives more than it has to")
	}
	if !strings.Contains(text, "\nStartLimitIntervalSec=600\nStartLimitBurst=10\n") {
		t.Error("a crash becomes a loop")
	}
}

// How much systemd itself finds exposed: 1.5 of 10 at most.
func TestS41Exposure(t *testing.T) {
	t.Parallel()
	if help, err := exec.Command("systemd-analyze", "security", "--help").Output(); err != nil || !strings.Contains(string(help), "--offline") {
		lack(t, "a systemd-analyze that works offline (systemd 250)")
	}
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", unitFile).CombinedOutput()
	if err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}
