package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// The table names every property of every sample, with what became of it, and
// fits a terminal.
func TestTable(t *testing.T) {
	t.Parallel()
	folders := sampleFolders(t)
	for _, dir := range folders {
		out := tableOf(t, dir)
		for line := range strings.Lines(out) {
			if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > tableWidth && strings.Contains(strings.TrimSpace(line), "  ") {
				t.Errorf("%s: longer than a line: %s", dir, line)
			}
		}
		m, err := savedAppliance(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range m.profile.Properties {
			if !slices.ContainsFunc(strings.Split(out, "\n"), func(line string) bool { return strings.HasPrefix(line, p.Path.String()+" ") }) {
				t.Errorf("%s: no line about %s", dir, p.Path)
			}
		}
	}
}

func sampleFolders(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../thinq/thinqtest/profiles/*/device.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for i, file := range files {
		files[i] = filepath.Dir(file)
	}
	return files
}

func tableOf(t *testing.T, dir string) string {
	t.Helper()
	var out, complaint bytes.Buffer
	if code := run(t.Context(), []string{"preview", "--table", "--now", "2026-09-30T12:00:00Z", dir}, nil, &out, &complaint); code != 0 {
		t.Fatalf("exit code %d: %s", code, &complaint)
	}
	return out.String()
}

// A folder that somebody sent steers no terminal.
func TestS40Table(t *testing.T) {
	t.Parallel()
	const e = `\u001b[2J\u001b]0;owned\u0007\nforged\u0000\u202e`
	dir := t.TempDir()
	for name, text := range map[string]string{
		"device.json":  `{"deviceId":"d","deviceInfo":{"deviceType":"DEVICE_X` + e + `","modelName":"M` + e + `","alias":"A` + e + `"}}`,
		"profile.json": `{"property":{"r` + e + `":{"p` + e + `":{"type":"enum","mode":["r"],"value":{"r":["` + e + `"]}}}},"error":["` + e + `"]}`,
		"status.json":  `{"r` + e + `":{"p` + e + `":"other` + e + `"}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for line := range strings.Lines(tableOf(t, dir)) {
		if line = strings.TrimSuffix(line, "\n"); strings.HasPrefix(line, "forged") || strings.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
			t.Errorf("%q", line)
		}
	}
}

// What was wrong stands below the table.
func TestTableSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"device.json":  `{"deviceId":"a1","deviceInfo":{"deviceType":"DEVICE_LAMP","modelName":"L1","alias":"Lamp"}}`,
		"profile.json": `{"property":[{"location":7,"a":{"b":{"type":"enum","mode":["r"],"value":{"r":["X","Y"]}},"c":{"type":"range","mode":["r","w"],"value":"1..2"}},"d":5}]}`,
		"status.json":  `[{"a":{"b":"Z","c":{"is":1},"new":3}}]`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, below, _ := strings.Cut(tableOf(t, dir), "energy_profile.json\n\n")
	want := `left out of the profile, or not understood:
  - property: location 7 is not the name of a place
  - a.c: limits left out: "1..2" is no object with min and max
  - d: 5 is not an object of properties

in the state, and not as the profile says:
  - a.c: {"is":1} is no value
  - a.b: "Z" is not one of X, Y

`
	if diff := cmp.Diff(want, below); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
