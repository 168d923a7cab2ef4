package discovery

import (
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A clockwork is a memory that changes with time alone.
type clockwork struct {
	// due is when it will change after at if nothing else does; zero: never.
	due func(now thinq.State, at time.Time) time.Time
	// turn works out what is to be remembered at a time.
	turn func(now, into thinq.State, at time.Time)
}

// Due is when [Device.Tick] is next worth calling though nothing changes; zero:
// never.
func (d *Device) Due(now thinq.State, at time.Time) time.Time {
	var first time.Time
	for _, c := range d.clockworks {
		if due := c.due(now, at); !due.IsZero() && (first.IsZero() || due.Before(first)) {
			first = due
		}
	}
	return first
}

// Tick derives what follows from the time alone, as [Device.Advance] does from a
// change, which includes it. The result is to be merged into the state, nil if
// nothing is new.
func (d *Device) Tick(now thinq.State, at time.Time) (derived thinq.State) {
	into := thinq.State{}
	d.tick(now, into, at)
	return news(now, into)
}

func (d *Device) tick(now, into thinq.State, at time.Time) {
	for _, c := range d.clockworks {
		c.turn(now, into, at)
	}
}

// news is what of the derived values differs from what is known, nil if nothing
// does.
func news(now, into thinq.State) thinq.State {
	for p, v := range into {
		if old, known := now[p]; old == v && (known || v == nil) {
			delete(into, p)
		}
	}
	if len(into) == 0 {
		return nil
	}
	return into
}
