package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// watchEvery is how often to look whether there is another token: in its file,
// or from a sign-in that was handed over. A file is read before each call to LG
// too; but after a refusal no call is due for an hour.
const watchEvery = 30 * time.Second

// A watcher notices that a secret became another one. What its file holds
// decides, not its time: mounted secrets are links whose times mean little.
type watcher struct {
	read func() (string, error)

	mu    sync.Mutex
	last  Secret
	other bool // in between another one was used, which may have been refused
}

func newWatcher(read func() (string, error)) *watcher {
	w := &watcher{read: read}
	w.changed()
	return w
}

// use reads the secret for a call.
func (w *watcher) use() (string, error) {
	now, err := w.read()
	if err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.other = w.other || !w.last.Is(now)
	}
	return now, err
}

// changed reports whether the secret is usable and not the one of last time, or
// the same after another one.
func (w *watcher) changed() bool {
	now, err := w.read()
	if err != nil {
		return false // whoever uses it tells of the fault
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	same := w.last.Is(now) && !w.other
	w.last, w.other = Secret(now), false
	return !same
}

// watch calls act after each change until ctx ends: within [watchEvery], or as
// soon as look says so.
func watch(ctx context.Context, look <-chan os.Signal, changed func() bool, act func()) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-look:
		case <-ctx.Done():
			return
		}
		if changed() {
			act()
		}
	}
}

// watchToken lets the bridge try again with a new token until ctx ends. SIGHUP
// makes it look at once.
func (a *account) watchToken(ctx context.Context) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	watch(ctx, hup, a.changed, func() { a.retry(ctx) })
}

// retry goes on with another token.
func (a *account) retry(ctx context.Context) {
	a.log.Info("the token is another one: trying again")
	_ = a.bridge.Retry(ctx) // fails when the bridge has ended, which is no matter then
}
