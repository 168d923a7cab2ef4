package thinqtest

import (
	"sync/atomic"
	"time"
)

// clock is the time by which subscriptions, sessions, tokens and certificates
// end: the system's (virtual inside synctest), moved ahead by Advance.
type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }
