package main

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// Another secret in the file is found within half a minute, or at a signal, and
// acted upon once.
func TestF004SecretIsReadAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		secret, fault := "old", error(nil)
		var calls atomic.Int32
		look := make(chan os.Signal)
		w := newWatcher(func() (string, error) {
			mu.Lock()
			defer mu.Unlock()
			return secret, fault
		})
		go watch(t.Context(), look, w.changed, func() { calls.Add(1) })
		for _, step := range []struct {
			name   string
			secret string
			fault  error
			signal bool
			want   int32
		}{
			{"the same", "old", nil, false, 0},
			{"another", "new", nil, false, 1},
			{"the same again", "new", nil, true, 1},
			{"half written", "", errors.New("is empty"), false, 1},
			{"back", "new", nil, false, 1},
			{"another, and a signal", "newer", nil, true, 2},
		} {
			mu.Lock()
			secret, fault = step.secret, step.fault
			mu.Unlock()
			if step.signal {
				look <- syscall.SIGHUP
			} else {
				time.Sleep(watchEvery)
			}
			synctest.Wait()
			if got := calls.Load(); got != step.want {
				t.Errorf("%s: acted %d times, want %d", step.name, got, step.want)
			}
		}
	})
}
