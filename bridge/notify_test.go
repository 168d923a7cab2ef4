package bridge

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// The service manager hears that the daemon is ready, that it lives, and that
// it stops.
func TestNotify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "90000") // 90 ms, so a beat every 30
	t.Setenv("WATCHDOG_PID", "")
	read := func() string {
		t.Helper()
		buf := make([]byte, 4096)
		if err := socket.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := socket.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
	b := New(Options{Broker: &fakeBroker{down: true}, Cloud: &fakeCloud{faults: map[string][]error{}, devices: []thinq.Device{}}})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- b.Run(ctx) }()
	go func() { ended <- Notify(ctx, b) }()
	if got := read(); !strings.HasPrefix(got, "READY=1\nSTATUS=") || !strings.Contains(got, "waiting for broker") {
		t.Errorf("first message %q", got)
	}
	if got := read(); !strings.HasPrefix(got, "WATCHDOG=1\nSTATUS=") {
		t.Errorf("second message %q", got)
	}
	cancel()
	for got := ""; got != "STOPPING=1"; got = read() {
		if strings.Contains(got, "READY") {
			t.Errorf("ready again: %q", got)
		}
	}
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
