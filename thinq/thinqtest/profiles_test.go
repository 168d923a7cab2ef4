package thinqtest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// documented are the types of LG's public list, without DEVICE_.
var documented = []string{
	"AIR_CONDITIONER", "AIR_PURIFIER", "AIR_PURIFIER_FAN", "CEILING_FAN", "COOKTOP", "DEHUMIDIFIER",
	"DISH_WASHER", "DRYER", "HOME_BREW", "HOOD", "HUMIDIFIER", "KIMCHI_REFRIGERATOR", "MICROWAVE_OVEN",
	"OVEN", "PLANT_CULTIVATOR", "REFRIGERATOR", "ROBOT_CLEANER", "STICK_CLEANER", "STYLER",
	"SYSTEM_BOILER", "VENTILATOR", "WASHCOMBO_MAIN", "WASHCOMBO_MINI", "WASHER", "WASHTOWER",
	"WASHTOWER_DRYER", "WASHTOWER_WASHER", "WATER_HEATER", "WATER_PURIFIER", "WINE_CELLAR",
}

// device is what the tests read of a device.json.
type device struct {
	ID   string `json:"deviceId"`
	Info struct {
		Type       string `json:"deviceType"`
		Model      string `json:"modelName"`
		Alias      string `json:"alias"`
		Reportable any    `json:"reportable"`
		Group      string `json:"groupId"`
	} `json:"deviceInfo"`
}

func decode[T any](t *testing.T, data []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSamplesCoverEveryType(t *testing.T) {
	seen := map[string]int{}
	for _, s := range thinqtest.Samples() {
		kind, ok := strings.CutPrefix(decode[device](t, s.Device).Info.Type, "DEVICE_")
		if !ok {
			t.Errorf("%s: type does not begin with DEVICE_", s.Name)
		}
		seen[kind]++
	}
	for _, kind := range documented {
		if seen[kind] == 0 {
			t.Errorf("no sample of %s", kind)
		}
		delete(seen, kind)
	}
	if len(seen) == 0 {
		t.Error("no sample of a type that LG has not documented")
	}
}

func TestSampleDevices(t *testing.T) {
	models, groups := map[string]string{}, map[string]int{}
	for _, s := range thinqtest.Samples() {
		d := decode[device](t, s.Device)
		sum := sha256.Sum256([]byte(s.Name))
		if want := hex.EncodeToString(sum[:]); d.ID != want {
			t.Errorf("%s: id %s, want the hash of the name, %s", s.Name, d.ID, want)
		}
		if d.Info.Alias == "" || d.Info.Model == "" {
			t.Errorf("%s: no alias or no model", s.Name)
		}
		if other, taken := models[d.Info.Model]; taken {
			t.Errorf("%s: same model as %s", s.Name, other)
		}
		models[d.Info.Model] = s.Name
		if d.Info.Group != "" {
			groups[d.Info.Group]++
		}
		if v := d.Info.Reportable; v != true && v != false && v != "true" && v != "false" {
			t.Errorf("%s: reportable is %v", s.Name, v)
		}
	}
	if got := slices.Collect(maps.Values(groups)); !cmp.Equal(got, []int{2, 2}) {
		t.Errorf("sizes of groups are %v, want two pairs", got)
	}
}

func TestSampleFilesAreFormatted(t *testing.T) {
	for _, s := range thinqtest.Samples() {
		for _, file := range []json.RawMessage{s.Device, s.Profile, s.Status, s.EnergyProfile, s.Pushes} {
			if file == nil {
				continue
			}
			var tidy bytes.Buffer
			if err := json.Indent(&tidy, file, "", "  "); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tidy.String(), string(file)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", s.Name, diff)
			}
		}
	}
}

func TestSampleEnergyProfiles(t *testing.T) {
	metered := 0
	for _, s := range thinqtest.Samples() {
		if s.EnergyProfile == nil {
			continue
		}
		metered++
		e := decode[struct {
			ResultCode string
			Result     struct{ Property []string }
		}](t, s.EnergyProfile)
		if e.ResultCode != "0000" || len(e.Result.Property) == 0 {
			t.Errorf("%s: %+v", s.Name, e)
		}
	}
	if metered < 6 {
		t.Errorf("%d samples are metered, want at least 6", metered)
	}
}

// sampleFolder is a folder on disk with the given files.
func sampleFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "kettle")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoadSample(t *testing.T) {
	const device, profile, status = `{"deviceId":"1"}`, `{"property":{}}`, `{}`
	tests := []struct {
		name  string
		files map[string]string
		want  []string // parts of the error; none: no error
	}{
		{"whole", map[string]string{"device.json": device, "profile.json": profile, "status.json": status}, nil},
		{"state by location", map[string]string{"device.json": device, "profile.json": profile, "status.json": "[]"}, nil},
		{"empty folder", nil, []string{"kettle/device.json", "kettle/profile.json", "kettle/status.json"}},
		{"no JSON", map[string]string{"device.json": device, "profile.json": "{\n\"property\": oops}", "status.json": status},
			[]string{"kettle/profile.json: line 2: "}},
		{"empty file", map[string]string{"device.json": device, "profile.json": profile, "status.json": ""},
			[]string{"kettle/status.json: line 1: unexpected end"}},
		{"wrong kind", map[string]string{"device.json": device, "profile.json": profile, "status.json": status, "pushes.json": "{}"},
			[]string{`kettle/pushes.json: begins with '{'`}},
		{"null", map[string]string{"device.json": device, "profile.json": " null", "status.json": status},
			[]string{`kettle/profile.json: begins with 'n'`}},
		{"no id", map[string]string{"device.json": "{}", "profile.json": profile, "status.json": status},
			[]string{"kettle/device.json: no deviceId"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := thinqtest.LoadSample(sampleFolder(t, tt.files))
			if len(tt.want) == 0 {
				if err != nil || s.Name != "kettle" {
					t.Errorf("got %q, %v", s.Name, err)
				}
				return
			}
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), filepath.FromSlash(part)) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
		})
	}
}

func TestLoadSampleWithoutFolder(t *testing.T) {
	_, err := thinqtest.LoadSample(filepath.Join(t.TempDir(), "nowhere"))
	if err == nil || strings.Count(err.Error(), "nowhere") != 1 {
		t.Errorf("error %v, want one complaint about the folder", err)
	}
}

func TestReadmeNamesEverySample(t *testing.T) {
	readme, err := os.ReadFile("profiles/README.md")
	if err != nil {
		t.Fatal(err)
	}
	samples := thinqtest.Samples()
	for _, s := range samples {
		if !bytes.Contains(readme, []byte("| `"+s.Name+"` |")) {
			t.Errorf("profiles/README.md does not name %s", s.Name)
		}
	}
	if rows := bytes.Count(readme, []byte("\n| `")); rows != len(samples) {
		t.Errorf("profiles/README.md has %d rows for %d samples", rows, len(samples))
	}
}

func TestLoadSampleOfASavedBuiltIn(t *testing.T) {
	want := thinqtest.Samples()[0]
	got, err := thinqtest.LoadSample(filepath.Join("profiles", want.Name))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLoadSamplesKeepsTheGoodOnes(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	samples, err := thinqtest.LoadSamples(fstest.MapFS{
		"README.md":        file("not a sample"),
		"b/device.json":    file(`{"deviceId":"b"}`),
		"b/profile.json":   file(`{}`),
		"b/status.json":    file(`{}`),
		"bad/device.json":  file(`{"deviceId":"bad"}`),
		"bad/profile.json": file(`{`),
		"bad/status.json":  file(`{}`),
		"a/device.json":    file(`{"deviceId":"a"}`),
		"a/profile.json":   file(`{}`),
		"a/status.json":    file(`{}`),
	})
	var names []string
	for _, s := range samples {
		names = append(names, s.Name)
	}
	if diff := cmp.Diff([]string{"a", "b"}, names); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	if err == nil || !strings.HasPrefix(err.Error(), "bad/profile.json: line 1: ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, want the one about bad/profile.json", err)
	}
}
