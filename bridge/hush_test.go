package bridge

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// saying is a log with a hush, and what it told at info and above.
func saying() (*slog.Logger, func() []string) {
	var out bytes.Buffer
	var mu sync.Mutex // lines that were held back come from timers
	plain := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}
	log := hushedLog(slog.New(slog.NewTextHandler(writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return out.Write(p)
	}), &slog.HandlerOptions{ReplaceAttr: plain})))
	return log, func() []string {
		mu.Lock()
		defer mu.Unlock()
		defer out.Reset()
		return strings.Split(strings.TrimSpace(out.String()), "\n")
	}
}

func TestHush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, told := saying()
		for i := range 100 {
			log.Warn("lost", "broker", "b", "after", i)
			log.Info("connected", "broker", "b", "after", i)
			time.Sleep(30 * time.Second)
		}
		want := "msg=lost broker=b after=0|msg=connected broker=b after=0|msg=lost broker=b after=1|msg=connected broker=b after=1"
		if got := strings.Join(told(), "|"); got != want {
			t.Errorf("told\n%s\nwant\n%s", got, want)
		}
		log.Warn("lost", "broker", "another")
		log.Info("lost", "broker", "b", "problem", "a new one")
		if got := strings.Join(told(), "|"); got != `msg=lost broker=another|msg=lost broker=b problem="a new one"` {
			t.Errorf("what is new: %s", got)
		}
		time.Sleep(hushQuiet)
		synctest.Wait()
		got := strings.Join(told(), "|")
		for _, part := range []string{"msg=lost broker=b after=99 times=98 last=", "msg=connected broker=b after=99 times=98 last="} {
			if !strings.Contains(got, part) {
				t.Errorf("at the end: %s", got)
			}
		}
		time.Sleep(2 * time.Hour)
		log.Warn("lost", "broker", "b")
		log.Warn("lost", "broker", "b")
		log.Warn("lost", "broker", "b")
		if got := told(); len(got) != hushOften {
			t.Errorf("much later: %q", got)
		}
		time.Sleep(hushAfter)
		synctest.Wait()
	})
}

// Once an hour it is told that a fault still lasts, of every kind of line.
func TestHushReminds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, told := saying()
		for range 10 * 60 {
			log.With("part", "mqtt").Warn("lost")
			log.WithGroup("g").Error("lost")
			time.Sleep(time.Minute)
		}
		if got := told(); len(got) != 2*(hushOften+9) {
			t.Errorf("%d lines in ten hours: %q", len(got), got)
		}
		time.Sleep(hushQuiet)
		synctest.Wait()
	})
}

// A hush knows a bounded number of kinds, and those that it knows stay quiet.
func TestHushIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, told := saying()
		for i := range 10 * hushKinds {
			log.Info("command", "device", fmt.Sprint(i))
		}
		if got := told(); len(got) != 10*hushKinds {
			t.Errorf("%d of %d different lines", len(got), 10*hushKinds)
		}
		if n := len(log.Handler().(hush).kinds.seen); n > hushKinds {
			t.Errorf("%d kinds are remembered", n)
		}
	})
}
