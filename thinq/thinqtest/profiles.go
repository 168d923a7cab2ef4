package thinqtest

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

//go:embed profiles
var embedded embed.FS

// A Sample is one appliance as LG's cloud describes it, in LG's own JSON. On
// disk it is a folder with one file for each field.
type Sample struct {
	Name          string          // of the folder
	Device        json.RawMessage // device.json: one element of the device list
	Profile       json.RawMessage // profile.json: the response of the profile call
	Status        json.RawMessage // status.json: the response of the state call
	EnergyProfile json.RawMessage // energy_profile.json: the answer of the energy profile call; nil: not metered
	Pushes        json.RawMessage // pushes.json: event messages, to be applied to Status in order; nil: none
}

// sampleFile says how one file of a sample's folder is called, where it goes,
// and what its JSON may begin with.
type sampleFile struct {
	name     string
	field    func(*Sample) *json.RawMessage
	begins   string
	required bool
}

var sampleFiles = []sampleFile{
	{"device.json", func(s *Sample) *json.RawMessage { return &s.Device }, "{", true},
	{"profile.json", func(s *Sample) *json.RawMessage { return &s.Profile }, "{", true},
	{"status.json", func(s *Sample) *json.RawMessage { return &s.Status }, "{[", true},
	{"energy_profile.json", func(s *Sample) *json.RawMessage { return &s.EnergyProfile }, "{", false},
	{"pushes.json", func(s *Sample) *json.RawMessage { return &s.Pushes }, "[", false},
}

// Samples returns the built-in appliances, sorted by name: the home that the
// demo shows, with at least one appliance of every type LG has documented and
// some of types it has not. The caller may change what it gets.
func Samples() []Sample {
	folders, err := fs.Sub(embedded, "profiles")
	if err != nil {
		panic(err) // the name is wrong, which no caller can mend
	}
	samples, err := LoadSamples(folders)
	if err != nil {
		panic(err) // a file of this package is broken, which its tests find
	}
	return samples
}

// LoadSamples reads every folder of fsys as a sample, sorted by name. Files
// beside the folders are passed over. The error joins the complaints about all
// folders, each of which names its file; the samples are those without one.
func LoadSamples(fsys fs.FS) ([]Sample, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	var samples []Sample
	var broken []error
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		s, err := loadFolder(fsys, e.Name())
		if err != nil {
			broken = append(broken, err)
			continue
		}
		s.Name = e.Name()
		samples = append(samples, s)
	}
	return samples, errors.Join(broken...)
}

// LoadSample reads the folder dir on disk; the sample is named after it. The
// error names each file that is missing or is not what it should be.
func LoadSample(dir string) (Sample, error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return Sample{}, err
	}
	if _, err := os.Stat(dir); err != nil {
		return Sample{}, err // one complaint instead of one for each file
	}
	s, err := loadFolder(diskFS(dir), ".")
	if err != nil {
		return Sample{}, err
	}
	s.Name = filepath.Base(full)
	return s, nil
}

// diskFS is a folder on disk whose errors show the path as the user gave it.
type diskFS string

// Open is the method of fs.FS.
func (d diskFS) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return os.Open(filepath.Join(string(d), filepath.FromSlash(name)))
}

func loadFolder(fsys fs.FS, folder string) (Sample, error) {
	var s Sample
	var broken []error
	for _, f := range sampleFiles {
		data, err := f.read(fsys, path.Join(folder, f.name))
		if err != nil {
			broken = append(broken, err)
			continue
		}
		*f.field(&s) = data
	}
	if s.Device != nil && deviceID(s.Device) == "" {
		broken = append(broken, fmt.Errorf("%s: no deviceId", where(fsys, path.Join(folder, "device.json"))))
	}
	if len(broken) > 0 {
		return Sample{}, errors.Join(broken...)
	}
	return s, nil
}

func (f sampleFile) read(fsys fs.FS, name string) (json.RawMessage, error) {
	data, err := fs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) && !f.required {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := f.check(data); err != nil {
		return nil, fmt.Errorf("%s: %w", where(fsys, name), err)
	}
	return data, nil
}

// check says whether data is JSON that begins as this file should.
func (f sampleFile) check(data []byte) error {
	var raw json.RawMessage
	err := json.Unmarshal(data, &raw)
	if bad, ok := errors.AsType[*json.SyntaxError](err); ok {
		line := 1 + bytes.Count(data[:bad.Offset], []byte("\n"))
		return fmt.Errorf("line %d: %w", line, err)
	}
	if err != nil {
		return err
	}
	if !strings.ContainsRune(f.begins, rune(raw[0])) {
		return fmt.Errorf("begins with %q, not with one of %q", raw[0], f.begins)
	}
	return nil
}

func where(fsys fs.FS, name string) string {
	if dir, ok := fsys.(diskFS); ok {
		return filepath.Join(string(dir), filepath.FromSlash(name))
	}
	return name
}

func deviceID(device []byte) string {
	var d struct {
		ID string `json:"deviceId"`
	}
	if json.Unmarshal(device, &d) != nil {
		return ""
	}
	return d.ID
}
