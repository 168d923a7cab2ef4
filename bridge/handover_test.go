package bridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/renameio/v2"
)

const (
	first  = `{"access_token":"a1","refresh_token":"r1"}`
	second = `{"access_token":"a2","refresh_token":"r2"}`
)

func handOverTo(t *testing.T, dir, token string) {
	t.Helper()
	if err := HandOver(dir, json.RawMessage(token)); err != nil {
		t.Fatal(err)
	}
}

// signedIn is a closed state folder with a sign-in that was renewed once, so
// that there are two generations of it.
func signedIn(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	s := openStore(t, dir)
	if err := errors.Join(s.SaveToken(json.RawMessage(`{"access_token":"a0"}`)), s.SaveToken(json.RawMessage(first)), s.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// names are those of all files of a folder.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// wantFiles looks at those that have to do with a sign-in.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	got := slices.DeleteFunc(names(t, dir), func(name string) bool {
		return !strings.Contains(name, "token") && !strings.Contains(name, "signin")
	})
	if !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

func TestHandOverToRunningDaemon(t *testing.T) {
	dir := signedIn(t)
	s := openStore(t, dir)
	if token, changed, err := s.TakeOver(); changed || err != nil || string(token) != first {
		t.Errorf("nothing handed over: %s, %v, %v", token, changed, err)
	}
	handOverTo(t, dir, `{"access_token":"never seen"}`)
	handOverTo(t, dir, second)
	if got := string(SignIn(dir)); got != second {
		t.Errorf("signed in as %s before the daemon looked", got)
	}
	if token, changed, err := s.TakeOver(); !changed || err != nil || string(token) != second {
		t.Errorf("sign-in: %s, %v, %v", token, changed, err)
	}
	wantFiles(t, dir, tokenFile)
	if _, changed, _ := s.TakeOver(); changed {
		t.Error("taken over twice")
	}
	handOverTo(t, dir, "null")
	if token := SignIn(dir); token != nil {
		t.Errorf("signed in as %s although signed out", token)
	}
	if token, changed, err := s.TakeOver(); !changed || err != nil || token != nil {
		t.Errorf("sign-out: %s, %v, %v", token, changed, err)
	}
	wantFiles(t, dir)
	if s.Token() != nil {
		t.Errorf("token %s after the sign-out", s.Token())
	}
}

func TestHandOverBeforeStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "home")
	handOverTo(t, dir, second)
	info, err := os.Stat(filepath.Join(dir, handoverFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder %v, %v", info.Mode(), err)
	}
	s := openStore(t, dir)
	if got := string(s.Token()); got != second || len(s.Warnings()) > 0 {
		t.Errorf("token %s, warnings %q", got, s.Warnings())
	}
	if err := errors.Join(HandOver(dir, nil), s.Close()); err != nil {
		t.Fatal(err)
	}
	if got := openStore(t, dir).Token(); got != nil {
		t.Errorf("token %s after a sign-out", got)
	}
}

// A process that dies anywhere leaves the old sign-in or the new one, and the
// next start knows which; a sign-out is never undone.
func TestS26KilledBetweenSteps(t *testing.T) {
	for _, c := range []struct{ name, handed, want string }{
		{"sign-in", second, second},
		{"sign-out", "null", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			steps := len((&Store{}).moves(json.RawMessage(c.handed)))
			for killed := range steps + 1 {
				dir := signedIn(t)
				s := openStore(t, dir)
				handOverTo(t, dir, c.handed)
				if err := os.Rename(s.path(handoverFile), s.path(claimedFile)); err != nil {
					t.Fatal(err)
				}
				for _, move := range s.moves(json.RawMessage(c.handed))[:killed] {
					if err := move(); err != nil {
						t.Fatal(err)
					}
				}
				if got := string(SignIn(dir)); got != c.want {
					t.Errorf("killed after %d steps: others see %q", killed, got)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if got := string(openStore(t, dir).Token()); got != c.want {
					t.Errorf("killed after %d steps: token %q, want %q", killed, got, c.want)
				}
			}
		})
	}
}

// A later hand-over wins over one that somebody died in the midst of.
func TestS26KilledAndHandedOverAgain(t *testing.T) {
	dir := signedIn(t)
	handOverTo(t, dir, "null")
	if err := os.Rename(filepath.Join(dir, handoverFile), filepath.Join(dir, claimedFile)); err != nil {
		t.Fatal(err)
	}
	handOverTo(t, dir, second)
	if got := string(openStore(t, dir).Token()); got != second {
		t.Errorf("token %s", got)
	}
	wantFiles(t, dir, tokenFile)
}

// A new sign-in has no generation before it: a damaged file must not bring back
// another account.
func TestS26FormerSignInIsForgotten(t *testing.T) {
	dir := signedIn(t)
	handOverTo(t, dir, second)
	if err := openStore(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, tokenFile), []byte("damage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := openStore(t, dir).Token(); got != nil {
		t.Errorf("token %s", got)
	}
}

// A token that waits for a place on the disk does not come back over a sign-out
// or another sign-in.
func TestS26PendingWriteIsForgotten(t *testing.T) {
	for handed, want := range map[string]string{second: second, "null": ""} {
		dir := signedIn(t)
		s := openStore(t, dir)
		replace := s.replace
		s.replace = func(string, []byte) error { return &os.PathError{Err: syscall.ENOSPC} }
		if err := s.SaveToken(json.RawMessage(`{"access_token":"pending"}`)); err == nil || s.Unsaved() == nil {
			t.Fatal("saved on a full disk")
		}
		handOverTo(t, dir, handed)
		if _, changed, err := s.TakeOver(); !changed || err != nil {
			t.Fatal(changed, err)
		}
		if err := s.Unsaved(); err != nil {
			t.Errorf("still to be written: %v", err)
		}
		s.replace = replace
		if err := errors.Join(s.Retry(), s.Close()); err != nil {
			t.Fatal(err)
		}
		if got := string(openStore(t, dir).Token()); got != want {
			t.Errorf("token %q, want %q", got, want)
		}
	}
}

// A failed write, or a crash amid one, leaves no further copy of a sign-in.
func TestS26NoFurtherCopy(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	token, copied := json.RawMessage(`{"access_token":"canary"}`), filepath.Join(dir, tokenFile+".link")
	if err := s.SaveToken(token); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, tokenFile), filepath.Join(dir, tokenFile+".old")); err != nil {
		t.Skip(err)
	}
	if err := s.SaveToken(token); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(copied); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after a failed write and another: %v", err)
	}
	for _, next := range []json.RawMessage{token, nil} {
		for _, suffix := range []string{".link", ".bad", ".schema2"} {
			if err := os.WriteFile(filepath.Join(dir, tokenFile+suffix), token, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		crashAmid(t, dir, tokenFile, time.Now())
		crashAmid(t, dir, handoverFile, time.Now().Add(-time.Hour))
		if err := HandOver(dir, next); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.TakeOver(); err != nil {
			t.Error(err)
		}
		wantFiles(t, dir, map[bool][]string{true: nil, false: {tokenFile}}[next == nil]...)
	}
}

// crashAmid leaves what a process does that dies while it replaces a file.
func crashAmid(t *testing.T, dir, name string, at time.Time) {
	t.Helper()
	f, err := renameio.NewPendingFile(filepath.Join(dir, name), renameio.WithTempDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	_, unwritten := f.WriteString("canary")
	if err := errors.Join(unwritten, f.Close(), os.Chtimes(f.Name(), at, at)); err != nil {
		t.Fatal(err)
	}
}

// The next start removes what a crash amid a write has left of any file, and
// nothing else: no link, no folder, no file of somebody else, and not the sign-in that
// is being handed over at this moment.
func TestS26CrashLeavesNoCopy(t *testing.T) {
	dir, outside := signedIn(t), filepath.Join(t.TempDir(), "outside")
	link, folder := filepath.Join(dir, ".token.json1"), filepath.Join(dir, ".token.json2")
	if err := errors.Join(os.WriteFile(outside, nil, 0o600), os.Symlink(outside, link), os.Mkdir(folder, 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".notes.json3", ".token.json", ".token.json4x", "5.token.json6", "token.json7"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := names(t, dir)
	for _, name := range []string{identityFile, tokenFile, cacheFile, budgetFile} {
		crashAmid(t, dir, name, time.Now())
	}
	crashAmid(t, dir, handoverFile, time.Now().Add(-time.Hour))
	if s := openStore(t, dir); len(s.Warnings()) > 0 || string(s.Token()) != first {
		t.Errorf("token %s, warnings %q", s.Token(), s.Warnings())
	} else if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, before) {
		t.Errorf("files %q, want %q", got, before)
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error(err)
	}
	crashAmid(t, dir, handoverFile, time.Now())
	openStore(t, dir)
	if got := names(t, dir); len(got) != len(before)+1 {
		t.Errorf("files %q, want one that is being handed over", got)
	}
}

// However the file is damaged, the sign-in before it stays, and it is told.
func TestHandOverDamaged(t *testing.T) {
	dir := signedIn(t)
	handOverTo(t, dir, second)
	path := filepath.Join(dir, handoverFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	number, err := marshalRecord(7)
	if err != nil {
		t.Fatal(err)
	}
	damages := [][]byte{{}, []byte("{"), []byte("null"), number, make([]byte, len(whole)), whole[:len(whole)-1]}
	for bit := range 8 * len(whole) {
		flipped := bytes.Clone(whole)
		flipped[bit/8] ^= 1 << (bit % 8)
		damages = append(damages, flipped)
	}
	s := openStore(t, dir)
	for _, data := range damages {
		if err := errors.Join(s.SaveToken(json.RawMessage(first)), os.WriteFile(path, data, 0o600)); err != nil {
			t.Fatal(err)
		}
		token, changed, err := s.TakeOver()
		if string(token) == second && err == nil {
			continue // a letter of a name in another case: what it says is whole
		}
		if changed || err == nil || string(token) != first {
			t.Fatalf("%q: %s, %v, %v", data, token, changed, err)
		}
		if _, changed, err := s.TakeOver(); changed || err != nil {
			t.Fatalf("%q: told twice: %v, %v", data, changed, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, damagedFile)); err != nil {
		t.Error(err)
	}
	if err := errors.Join(os.WriteFile(path, []byte("{"), 0o600), s.Close()); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir)
	if string(s.Token()) != first || len(s.Warnings()) != 1 || !strings.Contains(s.Warnings()[0], "sign in again") {
		t.Errorf("token %s, warnings %q", s.Token(), s.Warnings())
	}
}

// A link that somebody planted is not followed.
func TestS07HandOverPlantedLink(t *testing.T) {
	dir, outside := signedIn(t), filepath.Join(t.TempDir(), "outside")
	handOverTo(t, dir, second)
	path := filepath.Join(dir, handoverFile)
	if err := errors.Join(os.Rename(path, outside), os.Symlink(outside, path)); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, dir)
	if string(s.Token()) != first || len(s.Warnings()) != 1 {
		t.Errorf("token %s, warnings %q", s.Token(), s.Warnings())
	}
	handOverTo(t, dir, "null")
	if data, err := os.ReadFile(outside); err != nil || !bytes.Contains(data, []byte("r2")) {
		t.Errorf("the file outside: %s, %v", data, err)
	}
}

func TestHandOverUnusable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := HandOver(filepath.Join(file, "state"), nil); !errors.Is(err, ErrStore) {
		t.Errorf("a folder inside a file: %v", err)
	}
}

// Root signs in for a daemon that runs as somebody else.
func TestHandOverByRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	base := filepath.Join(t.TempDir(), "state")
	if err := errors.Join(os.Mkdir(base, 0o700), os.Chown(base, 12345, 12346)); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(base, "home")
	handOverTo(t, dir, second)
	for _, path := range []string{dir, filepath.Join(dir, handoverFile)} {
		owner, err := ownerOf(path)
		if err != nil || owner.Uid != 12345 || owner.Gid != 12346 {
			t.Errorf("%s: %+v, %v", path, owner, err)
		}
	}
	if Mine(dir) {
		t.Error("root takes the folder for its own")
	}
}

func TestErrInUse(t *testing.T) {
	dir := t.TempDir()
	openStore(t, dir)
	if _, err := OpenStore(dir); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), dir+" is in use by another process") {
		t.Error(err)
	}
}
