package bridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest/bounds"
)

func openStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func sampleCache() cache {
	return cache{
		Saved: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Client: "client-1",
		Devices: []cachedDevice{{
			Device:  thinq.Device{ID: "id1", Type: "DEVICE_WASHER", Alias: "Łazienka"},
			Profile: json.RawMessage(`{"property":{}}`),
			State: thinq.State{
				{Resource: "runState", Name: "currentState", Location: "MAIN"}: "RUNNING",
				{Resource: "timer", Name: "remainMinute"}:                      12.5,
				{Resource: "timer", Name: "none"}:                              nil,
			},
			Announced: map[string]keys{"washer_1": {"running": "binary_sensor"}},
			Due:       map[string]time.Time{"event": time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)},
		}},
	}
}

func TestStoreKeeps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := openStore(t, dir)
	instance := s.Instance()
	identity := thinq.Identity{ClientID: "client-1", Key: "key", Certificate: "pem", Topics: []string{"a/b"}}
	budget := thinq.BudgetState{Start: 3, Learnt: 50}
	err := errors.Join(s.SaveIdentity(identity), s.SaveToken(json.RawMessage(`{"refresh":"r"}`)), s.saveCache(sampleCache()), s.saveBudget(budget), s.Close())
	if err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir)
	if s.Instance() != instance || instance == "" {
		t.Errorf("instance %q became %q", instance, s.Instance())
	}
	if diff := cmp.Diff(&identity, s.Identity()); diff != "" {
		t.Errorf("identity (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(sampleCache(), s.loadCache()); diff != "" {
		t.Errorf("cache (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(budget, s.Budget()); diff != "" {
		t.Errorf("budget (-want +got)\n%s", diff)
	}
	if got := string(s.Token()); got != `{"refresh":"r"}` {
		t.Errorf("token = %s", got)
	}
	if len(s.Warnings()) > 0 {
		t.Errorf("warnings = %q", s.Warnings())
	}
}

func TestStoreModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := openStore(t, dir)
	if err := errors.Join(s.SaveIdentity(thinq.Identity{}), s.saveCache(cache{}), s.saveCache(cache{})); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < 4 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", e.Name(), info.Mode(), err)
		}
	}
}

func TestF098Locked(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	if _, err := OpenStore(dir); !errors.Is(err, ErrStore) {
		t.Errorf("second opening: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openStore(t, dir)
}

// A process that is killed leaves no lock behind.
func TestF098KilledHolder(t *testing.T) {
	const folder = "THINQ2MQTT_TEST_FOLDER"
	if dir := os.Getenv(folder); dir != "" { // that process
		openStore(t, dir)
		os.Stdout.WriteString("held\n")
		io.Copy(io.Discard, os.Stdin) // until nobody is there
		return
	}
	dir := t.TempDir()
	holder := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	holder.Env = append(os.Environ(), folder+"="+dir)
	in, noIn := holder.StdinPipe()
	out, noOut := holder.StdoutPipe()
	if err := errors.Join(noIn, noOut, holder.Start()); err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, err := io.ReadFull(out, make([]byte, len("held\n"))); err != nil {
		t.Error(err)
	}
	if _, err := OpenStore(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("while it lives: %v", err)
	}
	holder.Process.Kill()
	holder.Wait()
	openStore(t, dir)
}

func TestStoreUnusable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(filepath.Join(file, "state")); !errors.Is(err, ErrStore) {
		t.Errorf("a folder inside a file: %v", err)
	}
}

// However a file is damaged, the generation before it is taken, or it is as new.
func TestStoreDamaged(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	older, newer := sampleCache(), sampleCache()
	newer.Client = "client-2"
	if err := errors.Join(s.saveCache(older), s.saveCache(newer), s.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, cacheFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damages := map[string][]byte{"empty": {}, "zeros": make([]byte, len(whole))}
	for n := 0; n < len(whole); n += 7 {
		damages["cut "+string(rune('0'+n%10))+time.Duration(n).String()] = whole[:n]
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		bit := random.IntN(8 * len(whole))
		flipped := bytes.Clone(whole)
		flipped[bit/8] ^= 1 << (bit % 8)
		damages["bit "+time.Duration(bit).String()] = flipped
	}
	for name, data := range damages {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := OpenStore(dir)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := s.loadCache()
		if diff := cmp.Diff(older, got); diff != "" && !cmp.Equal(newer, got) {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
		if cmp.Equal(older, got) && len(s.Warnings()) != 1 {
			t.Errorf("%s: warnings = %q", name, s.Warnings())
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A damaged file never takes the place of the good generation before it.
func TestStoreKeepsGoodGeneration(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	if err := errors.Join(s.saveCache(sampleCache()), s.saveCache(sampleCache()), s.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, cacheFile)
	if err := os.WriteFile(path, []byte("damage"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir)
	if err := s.saveCache(cache{}); err != nil {
		t.Fatal(err)
	}
	var old cache
	if err := readRecord(path+".old", &old); err != nil || old.Client != "client-1" {
		t.Errorf("old generation: %+v, %v", old, err)
	}
}

func TestStoreBothDamaged(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	instance := s.Instance()
	if err := errors.Join(s.saveCache(sampleCache()), s.Close()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{cacheFile, cacheFile + ".old"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = openStore(t, dir)
	if len(s.loadCache().Devices) > 0 || len(s.Warnings()) != 1 || s.Instance() != instance {
		t.Errorf("cache %+v, warnings %q, instance %q", s.loadCache(), s.Warnings(), s.Instance())
	}
}

// A link that somebody planted is not followed, in whatever place and when it is
// written: what it leads to stays as it was.
func TestS07PlantedLinks(t *testing.T) {
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "outside")
	s := openStore(t, dir)
	trail := newAudit(s)
	defer trail.close()
	write := func() error {
		return errors.Join(s.saveCache(sampleCache()), s.saveBudget(thinq.BudgetState{}), s.SaveToken(json.RawMessage(`{}`)), s.SaveIdentity(thinq.Identity{}), HandOver(dir, json.RawMessage(`{}`)))
	}
	if err := errors.Join(write(), os.WriteFile(outside, []byte("outside"), 0o600)); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, name := range []string{cacheFile, budgetFile, tokenFile, identityFile, handoverFile} {
		names = append(names, name, name+".old", name+linkSuffix)
	}
	for _, name := range append(names, auditFile, "lock") {
		path := s.path(name)
		os.Remove(path)
		if err := os.Symlink(outside, path); err != nil {
			t.Fatal(err)
		}
	}
	if err := write(); err != nil {
		t.Error(err)
	}
	if err := trail.write([]byte("line"), true); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("the record: %v", err)
	}
	if _, err := OpenStore(dir); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("the lock: %v", err)
	}
	if data, err := os.ReadFile(outside); string(data) != "outside" {
		t.Errorf("the file outside: %q, %v", data, err)
	}
	for _, name := range []string{cacheFile, budgetFile, tokenFile, identityFile, handoverFile} {
		if info, err := os.Lstat(s.path(name)); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s is %v, %v", name, info, err)
		}
	}
}

// Nor is it read.
func TestS07ReadsNoLink(t *testing.T) {
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "outside")
	s := openStore(t, dir)
	if err := errors.Join(s.saveCache(sampleCache()), s.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, cacheFile)
	if err := errors.Join(os.Rename(path, outside), os.Symlink(outside, path)); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir)
	if kept := s.loadCache(); len(kept.Devices) > 0 || len(s.Warnings()) != 1 {
		t.Errorf("read %+v, warnings %q", kept, s.Warnings())
	}
}

func FuzzUnmarshalRecord(f *testing.F) {
	whole, err := marshalRecord(sampleCache())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(`{"schema":1,"sum":"","data":null}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		defer bounds.Keep(t)()
		var c cache
		if err := unmarshalRecord(data, &c); err != nil {
			return
		}
		again, err := marshalRecord(c)
		if err != nil {
			t.Fatal(err)
		}
		var back cache
		if err := unmarshalRecord(again, &back); err != nil || !reflect.DeepEqual(c.Overrides, back.Overrides) {
			t.Errorf("what was read cannot be written and read again: %v", err)
		}
	})
}
