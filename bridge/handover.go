package bridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/google/renameio/v2"
)

// A sign-in is handed over in a file of its own: the folder may be locked by a
// running daemon, which is not to be stopped for it.
const (
	handoverFile = "signin.json"
	claimedFile  = "signin.json.taken" // being taken over
	damagedFile  = "signin.json.bad"   // set aside
)

// HandOver puts the token of a sign-in, or null for a sign-out, into a state
// folder that may be in use; whoever has it open takes it over: see
// [Store.TakeOver]. The file belongs to the owner of the folder, so that root can
// sign in for a daemon. The error wraps [ErrStore].
func HandOver(dir string, token json.RawMessage) error {
	if err := handOver(dir, token); err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	return nil
}

func handOver(dir string, token json.RawMessage) error {
	if err := makeFolder(dir); err != nil {
		return err
	}
	owner, err := ownerOf(dir)
	if err != nil {
		return err
	}
	if me := os.Geteuid(); me != 0 && me != int(owner.Uid) {
		return fmt.Errorf("%s belongs to another user (number %d): do this as that user", dir, owner.Uid)
	}
	data, err := marshalRecord(token)
	if err != nil {
		return err
	}
	f, err := renameio.NewPendingFile(filepath.Join(dir, handoverFile), renameio.WithTempDir(dir), renameio.WithPermissions(0o600), renameio.IgnoreUmask())
	if err != nil {
		return err
	}
	defer f.Cleanup()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Chown(int(owner.Uid), int(owner.Gid)); err != nil {
		return err
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return syncFolder(dir)
}

// makeFolder makes a state folder, which shall belong to the owner of the one
// it is in if that is the state folder of several accounts.
func makeFolder(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	owner, err := ownerOf(filepath.Dir(dir))
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	return os.Chown(dir, int(owner.Uid), int(owner.Gid))
}

func ownerOf(path string) (*syscall.Stat_t, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, fmt.Errorf("%s: nobody knows whose it is", path)
	}
	return owner, nil
}

// Mine reports whether a state folder belongs to the user of this process: what
// root writes into that of somebody else could not be read there.
func Mine(dir string) bool {
	owner, err := ownerOf(dir)
	return err == nil && int(owner.Uid) == os.Geteuid()
}

// SignIn is the token of a state folder that may be in use, the one handed over
// before the one taken over; nil if nobody is signed in, or nobody can tell.
func SignIn(dir string) json.RawMessage {
	for _, name := range []string{handoverFile, claimedFile, tokenFile, tokenFile + ".old"} {
		var token json.RawMessage
		if readRecord(filepath.Join(dir, name), &token) == nil {
			return present(token)
		}
	}
	return nil
}

// SignInOf is what others may know of the sign-in of a state folder.
func SignInOf(dir string) Token {
	t := Token{Present: SignIn(dir) != nil}
	if info, err := os.Stat(filepath.Join(dir, tokenFile)); err == nil && t.Present {
		t.Since = info.ModTime()
	}
	return t
}

// present is a token, nil for null.
func present(token json.RawMessage) json.RawMessage {
	if string(token) == "null" {
		return nil
	}
	return token
}

// TakeOver takes over what [HandOver] left, if it left anything; then changed is
// true and token the new one, nil after a sign-out. The sign-in before it is
// forgotten. The error says that something could not be taken over, or not be
// kept; a damaged file is set aside.
func (s *Store) TakeOver() (token json.RawMessage, changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed, err = s.takeOver()
	return s.token, changed, err
}

// takeOver claims the file by another name first: a second hand-over in the
// midst of it is the next one's business. After a crash the claimed file is still
// there, and everything is done again.
func (s *Store) takeOver() (changed bool, err error) {
	err = os.Rename(s.path(handoverFile), s.path(claimedFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	token, err := s.claimed()
	if err != nil || token == nil {
		return false, err
	}
	for _, move := range s.moves(token) {
		if err := move(); err != nil {
			return false, err
		}
	}
	s.token = present(token)
	s.good[tokenFile] = s.token != nil
	s.written(tokenFile) // what waits for a place on the disk is of the sign-in before
	return true, syncFolder(s.dir)
}

// claimed is what was handed over, null for a sign-out; nil if nothing was.
func (s *Store) claimed() (json.RawMessage, error) {
	var token json.RawMessage
	err := readRecord(s.path(claimedFile), &token)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && string(token) != "null" && token[0] != '{' {
		err = errors.New("damaged: it holds no token")
	}
	if err != nil {
		return nil, errors.Join(
			fmt.Errorf("%s: %w; it is set aside as %s: sign in again", handoverFile, err, damagedFile),
			os.Rename(s.path(claimedFile), s.path(damagedFile)))
	}
	return token, nil
}

// moves are the steps of taking over, the last of which decides. None of them
// harms when it is done again.
func (s *Store) moves(token json.RawMessage) []func() error {
	forget := func(name string) func() error {
		return func() error {
			if err := os.Remove(s.path(name)); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		}
	}
	steps := []func() error{
		forget(damagedFile),
		forget(tokenFile + linkSuffix), // of a crash
		func() error { return s.remove(copied) },
		forget(tokenFile + ".old"), // of another sign-in, maybe of another account
	}
	if present(token) == nil {
		return append(steps, forget(tokenFile), forget(claimedFile))
	}
	return append(steps, func() error { return os.Rename(s.path(claimedFile), s.path(tokenFile)) })
}

// copied reports whether a file holds a sign-in that nobody will read: it was set
// aside, or a crash has left it.
func copied(e fs.DirEntry) bool {
	return strings.HasPrefix(e.Name(), tokenFile+".bad") || strings.HasPrefix(e.Name(), tokenFile+".schema") || abandoned(e)
}

func (s *Store) path(name string) string { return filepath.Join(s.dir, name) }
