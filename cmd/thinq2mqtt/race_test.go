//go:build race

package main

import "runtime"

// One processor with the race detector, which finds races by what happens before
// what and needs no luck. With more, Go 1.26's runtime crashes at times inside a
// bubble of synctest: a goroutine that selects on a timer already due runs it
// (runtime.(*timer).maybeRunChan) in the same race context in which the bubble's
// root runs others, and two threads at once corrupt that context.
func init() { runtime.GOMAXPROCS(1) }
