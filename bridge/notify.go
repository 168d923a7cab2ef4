package bridge

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Notify tells the service manager (sd_notify) that the daemon is ready, what
// it waits for, that every loop turns, and when ctx ends that it is stopping.
// Without a service manager it does nothing. It returns nil when ctx ended.
//
// Ready means that the configuration is good and the loops run: a broker or a
// cloud that is away is a state, not a failed start.
func Notify(ctx context.Context, bridges ...*Bridge) error {
	defer daemon.SdNotify(false, daemon.SdNotifyStopping)
	every := 10 * time.Second
	if limit, err := daemon.SdWatchdogEnabled(false); err == nil && limit > 0 {
		every = min(every, limit/3)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for message := daemon.SdNotifyReady; ; message = pulse(bridges) {
		if status := statusLine(ctx, bridges); status != "" {
			message += "\nSTATUS=" + status
		}
		daemon.SdNotify(false, strings.TrimSpace(message))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// pulse feeds the watchdog only while every loop turns: a ticker alone would
// prove nothing.
func pulse(bridges []*Bridge) string {
	for _, b := range bridges {
		if !b.turns() {
			return ""
		}
	}
	return daemon.SdNotifyWatchdog
}

// statusLine is the condition of all bridges in one line.
func statusLine(ctx context.Context, bridges []*Bridge) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var all []string
	for _, b := range bridges {
		s, err := b.Snapshot(ctx)
		if err != nil {
			continue
		}
		line := fmt.Sprintf("%d appliances, cloud %s, push %s", len(s.Devices), s.Cloud, s.Push)
		if s.Account != "" {
			line = s.Account + ": " + line
		}
		if !s.Ready {
			line += ", waiting for " + strings.Join(s.Awaited, ", ")
		}
		all = append(all, line)
	}
	return strings.ReplaceAll(strings.Join(all, "; "), "\n", " ")
}
