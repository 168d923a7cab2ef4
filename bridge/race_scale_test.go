//go:build race

package bridge_test

// With the race detector everything takes ten times as long, and more of the same
// finds no further races.
func init() { *schedules, *soakHours = 5, 6 }
