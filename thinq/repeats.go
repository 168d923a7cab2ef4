package thinq

import "sync"

// repeats recognises messages that came before, by their ids: LG, or the change
// from one connection to the next, may deliver one twice. It can be used by
// several goroutines.
type repeats struct {
	mu   sync.Mutex
	seen map[string]bool
	ring [repeatsKept]string // the same, in the order in which they came
	next int
}

const (
	repeatsKept = 256
	longestID   = 128 // bytes; what is longer is no id of LG's
)

// again reports whether an id was there before, among the last few hundred.
func (r *repeats) again(id string) bool {
	if id == "" || len(id) > longestID {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[id] {
		return true
	}
	if r.seen == nil {
		r.seen = make(map[string]bool, repeatsKept)
	}
	delete(r.seen, r.ring[r.next])
	r.ring[r.next], r.seen[id] = id, true
	r.next = (r.next + 1) % repeatsKept
	return false
}
