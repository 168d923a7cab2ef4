package bridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// fullStore is a state folder with two generations of every file.
func fullStore(t *testing.T) (dir string, instance string) {
	t.Helper()
	dir = t.TempDir()
	s := openStore(t, dir)
	for i := range 2 {
		err := errors.Join(s.SaveIdentity(thinq.Identity{ClientID: "client-1"}), s.SaveToken(json.RawMessage(`{"refresh_token":"r"}`)),
			s.saveCache(cache{Client: "client-1"}), s.saveBudget(thinq.BudgetState{Learnt: 50 + i}))
		if err != nil {
			t.Fatal(err)
		}
	}
	instance = s.Instance()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, instance
}

// Whatever happens to a file, the daemon starts with what is left of it: the
// generation before. What cannot be used is set aside.
func TestF092EveryDamage(t *testing.T) {
	if testing.Short() {
		t.Skip("every byte")
	}
	dir, instance := fullStore(t)
	random := rand.New(rand.NewPCG(9, 2))
	for _, name := range []string{identityFile, tokenFile, cacheFile, budgetFile} {
		path := filepath.Join(dir, name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		older, err := os.ReadFile(path + ".old")
		if err != nil {
			t.Fatal(err)
		}
		damages := [][]byte{nil, make([]byte, len(whole))}
		for n := range whole {
			damages = append(damages, whole[:n])
		}
		for range 1000 / 4 {
			flipped, bit := bytes.Clone(whole), random.IntN(8*len(whole))
			flipped[bit/8] ^= 1 << (bit % 8)
			damages = append(damages, flipped)
		}
		for i, data := range damages {
			if err := errors.Join(os.WriteFile(path, data, 0o600), os.WriteFile(path+".old", older, 0o600)); err != nil {
				t.Fatal(err)
			}
			s, err := OpenStore(dir)
			if err != nil {
				t.Fatalf("%s, damage %d: %v", name, i, err)
			}
			if s.Instance() != instance || s.Identity() == nil || s.Token() == nil || s.loadCache().Client != "client-1" || s.Budget().Learnt < 50 {
				t.Errorf("%s, damage %d %.60q: something is lost: %q", name, i, data, s.Warnings())
			}
			if _, err := os.Stat(path + ".bad"); len(s.Warnings()) > 0 && err != nil {
				t.Errorf("%s, damage %d: not set aside: %v", name, i, err)
			}
			os.Remove(path + ".bad")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A file that belongs to somebody else is not taken for a first start.
func TestF092WrongOwner(t *testing.T) {
	dir, _ := fullStore(t)
	if err := os.Chmod(filepath.Join(dir, identityFile), 0); err != nil {
		t.Fatal(err)
	}
	asOwner(t, dir, func() {
		if _, err := OpenStore(dir); !errors.Is(err, ErrStore) || !strings.Contains(err.Error(), "another user") {
			t.Errorf("error = %v", err)
		}
	})
}

// asOwner does something as a user who owns a folder and may no more than that,
// even if we are root.
func asOwner(t *testing.T, dir string, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		do()
		return
	}
	const nobody = 65534
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(files, dir, filepath.Dir(dir)) {
		if err := os.Chown(path, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	runtime.LockOSThread() // whose user it is
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(nobody); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setfsuid(0)
	do()
}

// What a newer version has written is never overwritten: after a downgrade the
// generation that this one knows is used, or the daemon does not start.
func TestF105NewerIsKept(t *testing.T) {
	newer := []byte(`{"schema":2,"sum":"?","data":{"everything":"else"}}`)
	dir, instance := fullStore(t)
	for _, name := range []string{identityFile, tokenFile, cacheFile, budgetFile} {
		if err := os.WriteFile(filepath.Join(dir, name), newer, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := openStore(t, dir)
	if s.Instance() != instance || s.Identity() == nil || s.Token() == nil {
		t.Errorf("the generation before was not used: %q", s.Warnings())
	}
	if err := errors.Join(s.SaveIdentity(*s.Identity()), s.SaveToken(s.Token()), s.saveCache(cache{}), s.saveBudget(thinq.BudgetState{}), s.Close()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{identityFile, tokenFile, cacheFile, budgetFile} {
		if got, err := os.ReadFile(filepath.Join(dir, name+".schema2")); err != nil || !bytes.Equal(got, newer) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{identityFile, tokenFile} {
		dir, _ := fullStore(t)
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, newer, 0o600), os.Remove(path+".old")); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenStore(dir); !errors.Is(err, ErrStore) || !strings.Contains(err.Error(), "schema 2") {
			t.Errorf("%s: error = %v", name, err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, newer) {
			t.Errorf("%s became %q, %v", name, got, err)
		}
	}
}

// schemaOne is a state folder of the first schema, to be read for ever.
var schemaOne = map[string]string{
	identityFile: `{"instance":"thinq2mqtt_0badcafe","identity":{"client_id":"c-1","key":"k","certificate":"pem"}}`,
	cacheFile:    `{"client":"c-1","devices":[{"device":{"id":"id1","type":"DEVICE_WASHER","alias":"Laundry"},"announced":{"washer_1":{"running":"binary_sensor"}},"due":{"event":"2026-01-03T00:00:00Z"}}]}`,
	budgetFile:   `{"calls":[null,null,["2026-01-03T00:00:00Z"]],"learnt":50}`,
}

func TestF105SchemaOne(t *testing.T) {
	dir := t.TempDir()
	for name, data := range schemaOne {
		file := fmt.Sprintf(`{"schema":1,"sum":%q,"data":%s}`, sum([]byte(data)), data)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := openStore(t, dir)
	if s.Instance() != "thinq2mqtt_0badcafe" || s.Identity() == nil || s.Budget().Learnt != 50 || len(s.Warnings()) > 0 {
		t.Errorf("instance %q, identity %v, warnings %q", s.Instance(), s.Identity(), s.Warnings())
	}
	want := []cachedDevice{{
		Device:    thinq.Device{ID: "id1", Type: "DEVICE_WASHER", Alias: "Laundry"},
		Announced: map[string]keys{"washer_1": {"running": "binary_sensor"}},
		Due:       map[string]time.Time{"event": time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)},
	}}
	if diff := cmp.Diff(want, s.loadCache().Devices); diff != "" {
		t.Errorf("devices (-want +got)\n%s", diff)
	}
}

// While the disk is full the bridge works from memory: it says so once, tries
// every five minutes, and saves everything when there is room. The good copy
// stays whole.
func TestF093DiskFull(t *testing.T) {
	inHome(t, []string{"id1=" + "air_conditioner_one_setpoint"}, func(h *home) {
		h.o.Store = openStore(h.T, h.TempDir())
		var log bytes.Buffer
		h.o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		h.start()
		h.after(5 * time.Minute)
		s := h.o.Store
		before, err := os.ReadFile(s.path(cacheFile))
		if err != nil {
			h.Fatal(err)
		}
		tries, replace := 0, s.replace
		s.mu.Lock()
		s.replace = func(string, []byte) error { tries++; return &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC} }
		s.mu.Unlock()
		if err := errors.Join(s.SaveToken(json.RawMessage(`{"refresh_token":"new"}`)), s.SaveIdentity(thinq.Identity{ClientID: "renewed"})); err == nil {
			h.Error("saved on a full disk")
		}
		for range 60 {
			h.bridge.ask(h.Context(), h.bridge.touch)
			h.after(time.Minute)
		}
		if tries > 2+13*6 {
			h.Errorf("%d writes in an hour", tries)
		}
		if got := strings.Count(log.String(), "cannot be written"); got != 1 {
			h.Errorf("said %d times", got)
		}
		if info := h.broker.last(base + "/bridge/info"); !strings.Contains(info, "no space left") {
			h.Errorf("bridge/info = %s", info)
		}
		if got := h.state("id1", "target_temperature"); got == nil {
			h.Error("it does not work from memory")
		}
		if now, err := os.ReadFile(s.path(cacheFile)); err != nil || !bytes.Equal(before, now) {
			h.Errorf("the good copy was touched: %v", err)
		}
		s.mu.Lock()
		s.replace = replace
		s.mu.Unlock()
		h.after(6 * time.Minute)
		if info := h.broker.last(base + "/bridge/info"); strings.Contains(info, "no space left") {
			h.Errorf("bridge/info = %s", info)
		}
		var token json.RawMessage
		if err := readRecord(s.path(tokenFile), &token); err != nil || !strings.Contains(string(token), "new") {
			h.Errorf("token on disk: %s, %v", token, err)
		}
		h.stop()
	})
}

// A disk that is full at the very start is no reason not to start: the bridge works
// from memory, and is the same one after a restart if there was room meanwhile.
func TestF093FullAtStart(t *testing.T) {
	inHome(t, []string{ac}, func(h *home) {
		var room atomic.Bool
		s := &Store{dir: h.TempDir(), good: map[string]bool{}, unsaved: map[string]any{}}
		s.replace = func(path string, data []byte) error {
			if !room.Load() {
				return &os.PathError{Op: "write", Path: path, Err: syscall.ENOSPC}
			}
			return os.WriteFile(path, data, 0o600)
		}
		if err := s.open(); err != nil || len(s.Warnings()) != 1 {
			t.Fatalf("%v, warnings %q", err, s.Warnings())
		}
		h.o.Store = s
		h.start()
		if info := h.broker.last(base + "/bridge/info"); h.availability("ac") != online || !strings.Contains(info, "no space left") {
			t.Errorf("%s, bridge/info = %s", h.availability("ac"), info)
		}
		room.Store(true)
		h.after(6 * time.Minute)
		h.stop()
		instance := s.Instance()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if again := openStore(t, s.dir); again.Instance() != instance || len(again.loadCache().Devices) != 1 {
			t.Errorf("the instance is %s, was %s; warnings %q", again.Instance(), instance, again.Warnings())
		}
	})
	if !full(&os.PathError{Err: syscall.ENOSPC}) || !full(&os.PathError{Err: syscall.EROFS}) || full(os.ErrPermission) {
		t.Error("not told apart")
	}
}

// A folder that others may enter is closed, and no file of it is ever open to
// others, whatever the umask.
func TestS07ModesWhileWriting(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand writes")
	}
	defer syscall.Umask(syscall.Umask(0))
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, dir)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("folder: %v, %v", info.Mode(), err)
	}
	done := make(chan error)
	go func() {
		var err error
		for range 250 {
			err = errors.Join(err, s.saveCache(cache{}), s.saveBudget(thinq.BudgetState{}), s.SaveToken(json.RawMessage(`{}`)), s.SaveIdentity(thinq.Identity{}))
		}
		done <- err
	}()
	for seen := 0; ; seen++ {
		select {
		case err := <-done:
			if err != nil || seen == 0 {
				t.Errorf("%v after %d looks", err, seen)
			}
			return
		default:
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil && info.Mode().Perm() != 0o600 {
				t.Fatalf("%s: %v", e.Name(), info.Mode())
			}
		}
	}
}
