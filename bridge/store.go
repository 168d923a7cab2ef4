package bridge

import (
	"encoding/json"
	"errors"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// ErrStore says that the state folder cannot be used, or is in use.
var ErrStore = errors.New("state folder")

// A Store is the state folder: locked while open, every file replaced whole.
type Store struct{}

// OpenStore locks the folder, creating it if need be (mode 0700). The error
// wraps [ErrStore].
func OpenStore(dir string) (*Store, error) { panic("unwritten") }

// Close releases the folder.
func (s *Store) Close() error { panic("unwritten") }

// Identity is what was saved, nil if nothing usable is.
func (s *Store) Identity() *thinq.Identity { panic("unwritten") }

// SaveIdentity replaces it.
func (s *Store) SaveIdentity(id thinq.Identity) error { panic("unwritten") }

// Budget is the state of the call budget as last saved.
func (s *Store) Budget() thinq.BudgetState { panic("unwritten") }

// Instance is the id of this installation, made once: the identifier of the
// bridge's own device and the stem of its MQTT client id.
func (s *Store) Instance() string { panic("unwritten") }

// Token is the OAuth token last saved, nil if none is.
func (s *Store) Token() json.RawMessage { panic("unwritten") }

// SaveToken replaces it, before the new token is used (a lost refresh token
// means a new sign-in).
func (s *Store) SaveToken(token json.RawMessage) error { panic("unwritten") }
