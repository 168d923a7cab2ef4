package thinq

import (
	"context"
	"time"
)

// A Lane says what a call is for, and so which part of the budget it may use.
type Lane int

// The lanes, most urgent first.
const (
	Command    Lane = iota // an order of a person: only LG itself may refuse it
	Start                  // profiles, first states, subscriptions of appliances not seen before
	Background             // reconcile reads, renewals, lists
)

// WithLane marks the calls made with the returned context. Default Background.
func WithLane(ctx context.Context, l Lane) context.Context { panic("unwritten") }

// A Budget counts calls and pauses them after LG said "too many". One serves
// one account; it can be used from several goroutines.
type Budget struct{}

// BudgetState is what a Budget must remember across restarts.
type BudgetState struct {
	Calls  []time.Time   `json:"calls,omitempty"`  // of the last hour, oldest first
	Start  int           `json:"start,omitempty"`  // start calls granted and not yet used
	Until  time.Time     `json:"until,omitzero"`   // pause after a refusal
	Pause  time.Duration `json:"pause,omitempty"`  // its length: the next one is longer
	Learnt int           `json:"learnt,omitempty"` // calls per hour at which LG refused; 0 never
}

// NewBudget makes a budget of calls an hour, of which background calls may use
// a part, that goes on where an earlier run stopped.
func NewBudget(perHour, backgroundPerHour int, s BudgetState) *Budget { panic("unwritten") }

// State is what to save.
func (b *Budget) State() BudgetState { panic("unwritten") }

// Grant allows n more calls of lane Start: 4 for every appliance never seen
// before, so that a first start is not throttled and a crash loop is.
func (b *Budget) Grant(n int) { panic("unwritten") }

// Left is how many background calls may be made now, and until when LG's
// refusal pauses all but commands (zero: no pause).
func (b *Budget) Left() (calls int, pausedUntil time.Time) { panic("unwritten") }
