package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"
)

// runCommand is the daemon.
func (a *app) runCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the bridge (the default)",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.configuration(path)
			if err != nil {
				return err
			}
			handler, level := newHandler(cfg.Log, cmd.ErrOrStderr(), a.source(path))
			handler = a.secrets.handler(handler)
			return a.serve(cmd.Context(), cfg, handler, level)
		},
	}
	configFlag(cmd, &path)
	return cmd
}

// errRestart is why a daemon stops that was asked over MQTT to start anew.
var errRestart = errors.New("restart requested")

// serve runs daemons, one after another, until ctx ends.
func (a *app) serve(ctx context.Context, cfg *Config, h slog.Handler, level *slog.LevelVar) error {
	for {
		d, err := a.newDaemon(cfg, h, level)
		if err != nil {
			return err
		}
		err = d.run(ctx)
		if !errors.Is(err, errRestart) {
			return err
		}
	}
}
