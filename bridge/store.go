package bridge

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/renameio/v2"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// ErrStore says that the state folder cannot be used, or is in use.
var ErrStore = errors.New("state folder")

// ErrInUse says that another process has the state folder open.
var ErrInUse = errors.New("is in use by another process")

// The files of a store. Identity and token are secrets, so they are apart from
// the cache, which a bug report may contain.
const (
	identityFile = "identity.json"
	tokenFile    = "token.json"
	cacheFile    = "cache.json"
	budgetFile   = "budget.json"
)

// A Store is the state folder: locked while open, every file replaced whole.
// Its methods can be called from several goroutines.
type Store struct {
	dir  string
	lock *os.File

	mu       sync.Mutex
	identity identityRecord
	token    json.RawMessage
	found    *cache // what OpenStore read, until it is asked for
	budget   thinq.BudgetState
	good     map[string]bool       // by name: the file is as it was written
	unsaved  map[string]any        // by name: what could not be written
	fault    atomic.Pointer[error] // why; nil: all is written
	replace  func(path string, data []byte) error
	warnings []string
}

// identityRecord is identity.json.
type identityRecord struct {
	Instance string          `json:"instance"`
	Identity *thinq.Identity `json:"identity,omitempty"`
}

// OpenStore locks the folder, creating it if need be (mode 0700). The error
// wraps [ErrStore]. What was handed over is taken over. A damaged file is no
// error: it is set aside, its previous generation is taken, or it starts empty,
// and [Store.Warnings] says so. Nor is a full disk: what cannot be written is
// kept in memory and written later. But an identity or a token that a newer
// version has written, or that may not be read, is never replaced.
func OpenStore(dir string) (*Store, error) {
	s := &Store{dir: dir, good: map[string]bool{}, unsaved: map[string]any{}}
	s.replace = func(path string, data []byte) error {
		return renameio.WriteFile(path, data, 0o600, renameio.IgnoreUmask(), renameio.WithTempDir(s.dir))
	}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStore, err)
	}
	return s, nil
}

func (s *Store) open() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if Mine(s.dir) {
		os.Chmod(s.dir, 0o700) // best effort: the files are closed to others anyway
	}
	if err := s.acquire(); err != nil {
		return err
	}
	if err := s.load(); err != nil {
		return errors.Join(err, s.lock.Close())
	}
	if s.identity.Instance != "" {
		return nil
	}
	s.identity.Instance = newInstance()
	if err := s.write(identityFile, s.identity); err != nil {
		if !full(err) {
			return errors.Join(err, s.lock.Close())
		}
		s.warnings = append(s.warnings, err.Error())
	}
	return nil
}

// load reads all files.
func (s *Store) load() error {
	if err := s.read(identityFile, &s.identity); err != nil {
		return err
	}
	if err := s.remove(abandoned); err != nil {
		s.warnings = append(s.warnings, err.Error())
	}
	if _, err := s.takeOver(); err != nil {
		s.warnings = append(s.warnings, err.Error())
	}
	s.found = new(cache)
	for name, v := range map[string]any{tokenFile: &s.token, cacheFile: s.found, budgetFile: &s.budget} {
		if err := s.read(name, v); err != nil {
			return err
		}
	}
	s.token = present(s.token)
	return nil
}

// full reports whether a fault of writing may pass: a disk that is full, or that
// the kernel has made read-only.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EIO)
}

// acquire takes the lock, which the kernel frees even after kill -9.
func (s *Store) acquire() error {
	f, err := os.OpenFile(filepath.Join(s.dir, "lock"), os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return fmt.Errorf("%s %w", s.dir, ErrInUse)
	}
	s.lock = f
	return nil
}

// Close releases the folder.
func (s *Store) Close() error { return s.lock.Close() }

// Warnings are what OpenStore found damaged, one sentence each.
func (s *Store) Warnings() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.warnings
}

// Instance is the id of this installation, made once: the identifier of the
// bridge's own device and the stem of its MQTT client id.
func (s *Store) Instance() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.identity.Instance
}

// instanceStem precedes the digits of an instance id.
const instanceStem = "thinq2mqtt_"

func newInstance() string {
	var digits [4]byte
	rand.Read(digits[:])
	return instanceStem + hex.EncodeToString(digits[:])
}

// Identity is what was saved, nil if nothing usable is.
func (s *Store) Identity() *thinq.Identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.identity.Identity
}

// SaveIdentity replaces it. While the disk is full it is kept in memory, which is
// no error: what is lost with it costs a registration.
func (s *Store) SaveIdentity(id thinq.Identity) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.identity.Identity = &id
	if err := s.write(identityFile, s.identity); !full(err) {
		return err
	}
	return nil
}

// Token is the OAuth token last saved, nil if none is.
func (s *Store) Token() json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// SaveToken replaces it, before the new token is used (a lost refresh token
// means a new sign-in).
func (s *Store) SaveToken(token json.RawMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
	return s.write(tokenFile, token)
}

// Budget is the state of the call budget as last saved.
func (s *Store) Budget() thinq.BudgetState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.budget
}

// saveBudget has a file of its own: it is written much more often than the
// cache, so that a crash loop cannot use up the hour's calls unseen.
func (s *Store) saveBudget(b thinq.BudgetState) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.budget = b
	return s.write(budgetFile, b)
}

// loadCache is the cache as last saved. The store keeps none in memory: it is
// the largest of the files, and is wanted once.
func (s *Store) loadCache() cache {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.found
	if s.found = nil; c == nil {
		c = new(cache)
		s.read(cacheFile, c)
	}
	return *c
}

func (s *Store) saveCache(c cache) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found = nil
	return s.write(cacheFile, c)
}

// dear are the files that cost a registration at LG, or a sign-in.
var dear = map[string]bool{identityFile: true, tokenFile: true}

// read fills v from a file or, if that is damaged, from the generation before. A
// file that is not to be read is set aside. The error says that the folder
// must not be used.
func (s *Store) read(name string, v any) error {
	path := s.path(name)
	err := readRecord(path, v)
	if err == nil {
		s.good[name] = true
		return nil
	}
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w: it belongs to another user", err)
	}
	older := readRecord(path+".old", v)
	newer, isNewer := errors.AsType[newerError](err)
	switch {
	case errors.Is(err, os.ErrNotExist) && errors.Is(older, os.ErrNotExist):
		return nil // the first start
	case isNewer && older != nil && dear[name]:
		return fmt.Errorf("%s: %w: use that version again, or another state_dir", path, err)
	case isNewer:
		s.aside(name, fmt.Sprintf("%s.schema%d", path, int(newer)))
	case !errors.Is(err, os.ErrNotExist):
		s.aside(name, path+".bad")
	}
	if older == nil {
		s.warnings = append(s.warnings, fmt.Sprintf("%s: %v; the generation before it is used", name, err))
	} else {
		s.warnings = append(s.warnings, fmt.Sprintf("%s: %v; it starts empty", name, err))
	}
	return nil
}

// aside gives a file that cannot be used another name, for people to look at.
func (s *Store) aside(name, to string) {
	if err := os.Rename(s.path(name), to); err != nil {
		s.warnings = append(s.warnings, fmt.Sprintf("%s cannot be set aside: %v", name, err))
	}
}

// write replaces a file whole, so that a crash at any moment leaves this
// generation or the one before it. What cannot be written is remembered.
func (s *Store) write(name string, v any) error {
	err := s.put(name, v)
	if e, ok := errors.AsType[*os.PathError](err); ok {
		err = fmt.Errorf("%s: %w", s.dir, e.Err) // the name of a file in passing says nothing
	}
	if err != nil {
		s.unsaved[name] = v
		s.fault.Store(&err)
		return err
	}
	s.written(name)
	return nil
}

// written notes that nothing is left to write of a file.
func (s *Store) written(name string) {
	if delete(s.unsaved, name); len(s.unsaved) == 0 {
		s.fault.Store(nil)
	}
}

// Unsaved is why something is in memory only, nil if all is saved. It waits for
// no disk.
func (s *Store) Unsaved() error {
	if fault := s.fault.Load(); fault != nil {
		return *fault
	}
	return nil
}

// Retry writes again what could not be written.
func (s *Store) Retry() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for name, v := range maps.Clone(s.unsaved) {
		errs = append(errs, s.write(name, v))
	}
	return errors.Join(errs...)
}

func (s *Store) put(name string, v any) error {
	data, err := marshalRecord(v)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	path := filepath.Join(s.dir, name)
	if s.good[name] { // a damaged file must not take the place of a good one
		if err := keepOld(path); err != nil {
			return err
		}
	}
	if err := s.replace(path, data); err != nil {
		return err
	}
	s.good[name] = true
	return syncFolder(s.dir)
}

// unfinished are the names of files that were to replace another one. A crash
// leaves them, secrets and all.
var unfinished = regexp.MustCompile(`^\.(identity|token|cache|budget|signin)\.json[0-9]+$`)

// abandoned reports whether nobody will finish a file any more, to whoever holds
// the lock. A sign-in is handed over without it.
func abandoned(e fs.DirEntry) bool {
	info, err := e.Info()
	return err == nil && unfinished.MatchString(e.Name()) &&
		(!strings.HasPrefix(e.Name(), "."+handoverFile) || time.Since(info.ModTime()) > time.Minute)
}

// remove takes away the files that are to go. What is no file was planted, or is
// not ours.
func (s *Store) remove(gone func(fs.DirEntry) bool) error {
	entries, err := os.ReadDir(s.dir)
	for _, e := range entries {
		if e.Type().IsRegular() && gone(e) {
			err = errors.Join(err, os.Remove(s.path(e.Name())))
		}
	}
	return err
}

// syncFolder makes a rename outlive a power cut.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// linkSuffix is for the short life of a link to a file.
const linkSuffix = ".link"

// keepOld makes the present generation the old one without ever taking the
// file away: a hard link beside it, renamed over the older one.
func keepOld(path string) error {
	fresh := path + linkSuffix
	os.Remove(fresh)
	defer os.Remove(fresh) // after a write that failed both are the same file, and the renaming does nothing
	if err := os.Link(path, fresh); err != nil {
		return nil // no hard links here: do without the second generation
	}
	return os.Rename(fresh, path+".old")
}
