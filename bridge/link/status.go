package link

import (
	"fmt"
	"sync"
	"time"
)

// Status is the present condition of a link, for the status page and metrics.
type Status struct {
	Connected bool      `json:"connected"`         // and all subscriptions are answered
	Since     time.Time `json:"since"`             // of the present condition
	Problem   string    `json:"problem,omitempty"` // why it is down, or which subscription is not granted as asked, in words; else empty
	Connects  int       `json:"connects"`          // successful connections so far
	// Gaps counts how often the broker had kept nothing of what was sent before,
	// because a session began (session present, MQTT 5 section 3.2.2.1.1), also for a
	// connection that ended before its subscriptions stood, or a refused subscription
	// was granted at last.
	Gaps    int `json:"-"`
	Dropped int `json:"dropped"` // received messages that nobody took in time
	// Twin tells in words that another client uses our client id, for an hour
	// after it last took the connection over.
	Twin    string    `json:"twin,omitempty"`
	Resting time.Time `json:"resting,omitzero"` // the broker's refusal keeps us away until then
	Anew    int       `json:"anew,omitempty"`   // connection managers replaced because they had no success
}

// twinMemory is longer than any wait for the other client to go.
const twinMemory = time.Hour

// A condition is a Status that several goroutines touch.
type condition struct {
	mu sync.Mutex
	Status
	duels    int // takeovers that are not forgotten
	lastDuel time.Time
}

func (c *condition) get() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.Status
	if c.duels > 0 && time.Since(c.lastDuel) < twinMemory {
		s.Twin = fmt.Sprintf("another client with the same client id took the connection over (%d times): "+
			"is a second instance running with a copy of the state folder?", c.duels)
	}
	return s
}

// duel counts a takeover.
func (c *condition) duel(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.lastDuel) >= twinMemory {
		c.duels = 0
	}
	c.duels, c.lastDuel = c.duels+1, now
}

func (c *condition) begin(now time.Time) { c.Status = Status{Since: now, Problem: "not connected yet"} }

// connected tells for how long the link was down.
func (c *condition) connected(now time.Time) (down time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	down = now.Sub(c.Since)
	c.Connected, c.Since, c.Problem, c.Resting = true, now, "", time.Time{}
	c.Connects++
	return down
}

// lost tells for how long the link was up: not at all, if the connection ended
// before its subscriptions stood.
func (c *condition) lost(problem string, now time.Time) (up time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Problem = problem
	if c.Connected {
		up = now.Sub(c.Since)
		c.Connected, c.Since = false, now
	}
	return up
}

// trouble replaces the problem.
func (c *condition) trouble(problem string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Problem = problem
}

// resting says until when a refusal keeps us away; zero: it does not.
func (c *condition) resting(until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Resting = until
}

// anew counts a connection manager that was replaced.
func (c *condition) anew() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Anew++
}

// troubleUp is trouble for a link that works all the same; one that was lost
// meanwhile keeps the cause of that.
func (c *condition) troubleUp(problem string) (news bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.Connected || c.Problem == problem {
		return false
	}
	c.Problem = problem
	return true
}

func (c *condition) gap() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Gaps++
}

func (c *condition) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Dropped++
}
