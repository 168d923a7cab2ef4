// Package bounds holds what any input may cost, for tests.
package bounds

import (
	"runtime/metrics"
	"syscall"
	"testing"
	"time"
)

// What one input may take, whatever it is. The race detector is given its own share.
const (
	Time   = slowness * time.Second
	Memory = 16 << 20 // bytes, garbage included
)

// Keep fails a test that took more than one input may; it is for
//
//	defer bounds.Keep(t)()
//
// at the beginning of what handles one.
func Keep(t testing.TB) func() {
	start, before := worked(), allocated()
	return func() {
		t.Helper()
		if took := worked() - start; took > Time {
			t.Errorf("took %v, more than %v", took, Time)
		}
		if bytes := allocated() - before; bytes > Memory {
			t.Errorf("took %d bytes of memory, more than %d", bytes, Memory)
		}
	}
}

// worked is how long this process had a processor: a busy machine is no fault of
// the input's. What hangs without working ends with the test's own time.
func worked() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// allocated is how much memory was ever taken.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
