package link

import (
	"sync"
	"time"
)

// Status is the present condition of a link, for the status page and metrics.
type Status struct {
	Connected bool      `json:"connected"`
	Since     time.Time `json:"since"`             // of the present condition
	Problem   string    `json:"problem,omitempty"` // why it is down, or which subscription is refused, in words; else empty
	Connects  int       `json:"connects"`          // successful connections so far
	Dropped   int       `json:"dropped"`           // received messages that nobody took in time
}

// A condition is a Status that several goroutines touch.
type condition struct {
	mu sync.Mutex
	Status
}

func (c *condition) get() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Status
}

func (c *condition) begin(now time.Time) { c.Status = Status{Since: now, Problem: "not connected yet"} }

// connected tells for how long the link was down.
func (c *condition) connected(now time.Time) (down time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	down = now.Sub(c.Since)
	c.Connected, c.Since, c.Problem = true, now, ""
	c.Connects++
	return down
}

// lost tells for how long the link was up.
func (c *condition) lost(problem string, now time.Time) (up time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	up = now.Sub(c.Since)
	c.Connected, c.Since, c.Problem = false, now, problem
	return up
}

// trouble replaces the problem and tells whether that is news.
func (c *condition) trouble(problem string) (news bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	news = c.Problem != problem
	c.Problem = problem
	return news
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

func (c *condition) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Dropped++
}
