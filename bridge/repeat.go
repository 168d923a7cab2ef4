package bridge

import (
	"crypto/sha256"
	"maps"
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
)

const (
	dupWindow = time.Minute     // in which a redelivery is recognised
	dupMemory = 2000            // commands of each generation; the broker redelivers at most 64
	repeating = 2 * time.Second // within it nobody means to start a thing twice
)

// A memory knows the commands of late, so that a redelivery is recognised. When
// it is full it forgets the older half, never the newer.
type memory struct {
	now, before map[[sha256.Size]byte]time.Time
}

// note remembers a name, and returns when it was last noted.
func (r *memory) note(name [sha256.Size]byte, at time.Time) (last time.Time, seen bool) {
	if last, seen = r.now[name]; !seen {
		last, seen = r.before[name]
	}
	if r.now == nil || len(r.now) >= dupMemory {
		r.now, r.before = map[[sha256.Size]byte]time.Time{}, r.now
	}
	r.now[name] = at
	return last, seen
}

// forget drops what is no longer needed.
func (r *memory) forget(now time.Time) {
	for _, names := range []map[[sha256.Size]byte]time.Time{r.now, r.before} {
		maps.DeleteFunc(names, func(_ [sha256.Size]byte, at time.Time) bool { return now.Sub(at) > dupWindow })
	}
}

// repeated recognises a redelivery: the broker may send a message again after
// the link was lost, and a toggle must not cancel itself.
func (b *Bridge) repeated(m link.Message) bool {
	name := sha256.Sum256(slices.Concat([]byte(m.Topic+"\x00"), m.Correlation, []byte{0}, m.Payload))
	now := time.Now()
	at, seen := b.dup.note(name, now)
	return m.Dup && seen && now.Sub(at) < dupWindow
}

// twin is the same command that was just sent, if it is one whose effect no state
// shows, so that it would be done twice: a start, a toggle. The answer to it is
// the answer to both.
func (o *orders) twin(c *command) *command {
	old := o.acted
	switch {
	case old == nil, old.half != c.half, !maps.Equal(old.attrs, c.attrs):
		return nil
	case old.ended && old.status != confirmed && old.status != unknown:
		return nil // it had no effect
	case c.received.Sub(old.received) < repeating, o.flying != nil && slices.Contains(o.flying.commands, old):
		return old
	}
	return nil
}

// join has a command end as its twin does.
func (b *Bridge) join(c, twin *command) {
	if twin.ended {
		b.end(c, twin.status, twin.why)
		return
	}
	c.joined, twin.twins = true, append(twin.twins, c)
}

// act remembers the last command of a batch whose effect no state shows.
func (o *orders) act(group []*command) {
	for _, c := range group {
		if !c.ended && c.half.Look(c.goal, nil).Hidden > 0 {
			o.acted = c
		}
	}
}
