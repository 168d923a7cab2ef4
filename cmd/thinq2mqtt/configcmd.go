package main

import (
	"github.com/spf13/cobra"
)

// configCommand prints what is made from [Config].
func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print a sample configuration, or its JSON Schema",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return exitf(exitUsage, "say which: %s example or %[1]s schema", cmd.CommandPath())
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "example",
		Short: "Print every setting with its default and what it does",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return writeExample(cmd.OutOrStdout())
		},
	}, &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration file, for editors",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return writeSchema(cmd.OutOrStdout())
		},
	})
	return cmd
}
