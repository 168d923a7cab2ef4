package bridge_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tiny gives the state folder a disk of its own, which is soon full.
func (d *daemon) tiny() {
	d.Helper()
	if err := syscall.Mount("tmpfs", d.dir, "tmpfs", 0, "size=1m"); errors.Is(err, syscall.EPERM) {
		d.Skip("only root may mount a small disk")
	} else if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() { syscall.Unmount(d.dir, syscall.MNT_DETACH) })
}

// fill leaves no byte free; the result makes room again. The generations before
// would be room for the next ones.
func (d *daemon) fill() (free func()) {
	d.Helper()
	for _, name := range []string{"identity", "cache", "budget"} {
		os.Remove(filepath.Join(d.dir, name+".json.old"))
	}
	path := filepath.Join(d.dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		d.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	f.Close()
	if !errors.Is(err, syscall.ENOSPC) {
		d.Fatal(err)
	}
	return func() { os.Remove(path) }
}

// A certificate that is renewed while the disk is full is used at once, and kept
// when there is room.
func TestF093FullAtRenewal(t *testing.T) {
	o := small
	o.CertificateLife = 3 * time.Hour
	withWay(t, personal, o, func(d *daemon) {
		d.stop()
		d.tiny()
		d.start()
		d.after(30 * time.Minute)
		free := d.fill()
		since := len(d.sim.Calls(0))
		d.after(4 * time.Hour)
		if n := d.asked(since, "/client/certificate"); n < 1 || n > 3 {
			d.Errorf("%d certificates in four hours", n)
		}
		if s := d.snapshot(); s.Push != "live" || !strings.Contains(strings.Join(s.Problems, " "), "no space left") {
			d.Errorf("push = %q, problems %q", s.Push, s.Problems)
		}
		free()
		d.after(6 * time.Minute)
		if got := d.info().Problems; len(got) > 0 {
			d.Errorf("problems = %q", got)
		}
		since = len(d.sim.Calls(0))
		d.restart(func() {})
		d.after(time.Minute)
		if n := d.asked(since, "/client/certificate") + d.asked(since, "/client"); n != 0 {
			d.Errorf("%d registrations after a restart", n)
		}
	})
}

// asked counts the calls of POST since n to a path.
func (d *daemon) asked(n int, path string) (count int) {
	for _, c := range d.sim.Calls(n) {
		if c.Method == "POST" && c.Path == path {
			count++
		}
	}
	return count
}
