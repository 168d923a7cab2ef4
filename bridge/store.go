package bridge

import "github.com/thinq2mqtt/thinq2mqtt/thinq"

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
