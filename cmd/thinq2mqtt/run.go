package main

import (
	"github.com/spf13/cobra"
)

// runCommand is the daemon.
func (a *app) runCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the bridge (the default)",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := a.configuration(path)
			return err
		},
	}
	configFlag(cmd, &path)
	return cmd
}
