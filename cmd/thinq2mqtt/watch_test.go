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

// A token that is there for a moment only may have been refused in it: with the
// one before, which is back, it has to be tried again.
func TestWatcherSawAnotherInBetween(t *testing.T) {
	secret := "good"
	w := newWatcher(func() (string, error) { return secret, nil })
	if _, err := w.use(); err != nil || w.changed() {
		t.Fatalf("%v, or changed by being used", err)
	}
	secret = "bad"
	if got, _ := w.use(); got != "bad" {
		t.Fatalf("used %q", got)
	}
	secret = "good"
	if !w.changed() || w.changed() {
		t.Error("want one change: another one was used in between")
	}
	secret = "new"
	if _, _ = w.use(); !w.changed() || w.changed() {
		t.Error("want one change to a secret that was used before")
	}
}
