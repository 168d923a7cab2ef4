package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// runCommand is the daemon.
func (a *app) runCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the bridge (the default)",
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.sparing()
			cfg, err := a.configuration(path)
			if err != nil {
				return err
			}
			handler, level := newHandler(cfg.Log, cmd.ErrOrStderr(), a.source(path))
			handler = a.secrets.handler(handler)
			for _, caution := range cfg.cautions(a.source(path)) {
				slog.New(handler).Warn("is this meant?", "hint", caution)
			}
			return a.serve(cmd.Context(), cfg, path, handler, level)
		},
	}
	configFlag(cmd, &path)
	return cmd
}

// gcPercent is how much garbage there may be for a hundred bytes in use. Go's
// own 100 would let every byte cost two: the bridge has little to do and shares a
// small machine, so it would rather collect more often.
const gcPercent = 50

// sparing sets the collector's pace, unless the user did by GOGC. A limit that
// GOMEMLIMIT sets holds all the same.
func (a *app) sparing() {
	if a.source("").variable("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// errRestart is why a daemon stops that was asked over MQTT to start anew.
var errRestart = errors.New("restart requested")

// serve runs one daemon after another until ctx ends: each restart reads the
// configuration anew, and goes on with the old one if that is wrong.
func (a *app) serve(ctx context.Context, cfg *Config, path string, h slog.Handler, level *slog.LevelVar) error {
	if os.Geteuid() == 0 {
		slog.New(h).Warn("running as root", "hint", "nothing here needs it: give thinq2mqtt a user of its own, as unit and image do")
	}
	for {
		d, err := a.newDaemon(cfg, h, level)
		if err != nil {
			return err
		}
		d.again = func() (*Config, error) { return a.configuration(path) }
		if err := d.run(ctx); !errors.Is(err, errRestart) {
			return err
		}
		if changed, err := a.configuration(path); err != nil {
			d.log.Error("configuration not taken over", "err", err)
		} else {
			cfg = changed
		}
	}
}
