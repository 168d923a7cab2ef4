package discovery

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden compares the announcement and the state document of every sample.
// Keys and unique ids in these files are frozen: a diff that removes or renames
// one is a breaking change.
func TestGolden(t *testing.T) {
	wanted := map[string]bool{}
	t.Cleanup(func() { sweep(t, wanted) })
	for _, s := range samples(t) {
		for _, d := range s.describe(testOptions) {
			name := s.name
			if d.Part != "" {
				name += "_" + d.Part
			}
			wanted[name+".announcement.json"], wanted[name+".state.json"] = true, true
			t.Run(name, func(t *testing.T) {
				golden(t, name+".announcement.json", d.Announcement())
				golden(t, name+".state.json", d.Payload(s.state))
			})
		}
	}
}

// sweep finds golden files of samples that are no more.
func sweep(t *testing.T, wanted map[string]bool) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		switch {
		case wanted[filepath.Base(file)]:
		case *update:
			os.Remove(file)
		default:
			t.Errorf("%s belongs to no sample", file)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, got, "", "  "); err != nil {
		t.Fatalf("%s is no JSON: %v\n%s", name, err, got)
	}
	pretty.WriteByte('\n')
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), pretty.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
