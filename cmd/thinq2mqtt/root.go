package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// An app is what all commands share: the only things that come from outside.
type app struct {
	environ []string
	secrets *redactor // those in use, to be kept out of what is written
	stderr  io.Writer
}

func (a *app) source(path string) source { return source{path: path, environ: a.environ} }

// root is the command without a name, which runs the daemon, and all others.
func (a *app) root() *cobra.Command {
	root := a.runCommand()
	root.Use = "thinq2mqtt"
	root.Short = "Relay between LG ThinQ appliances and MQTT, with Home Assistant discovery"
	root.Long = root.Short + `.

Without a command the daemon runs. For a look without account and broker: thinq2mqtt demo`
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return exitf(exitUsage, "%s: see %s --help", plain(err), cmd.CommandPath())
	})
	root.AddCommand(
		a.runCommand(),
		a.checkCommand(),
		a.configCommand(),
		a.demoCommand(),
		a.simulateCommand(),
		a.previewCommand(),
		a.loginCommand(),
		a.logoutCommand(),
		a.healthcheckCommand(),
		a.versionCommand(),
	)
	root.InitDefaultCompletionCmd("")
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		completion.RunE = func(cmd *cobra.Command, _ []string) error {
			return exitf(exitUsage, "say for which shell: %s bash, fish, powershell or zsh", cmd.CommandPath())
		}
	}
	strict(root)
	return root
}

// strict makes wrong arguments errors of usage, in one sentence that says where
// the help is.
func strict(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		strict(sub)
	}
	check := cmd.Args
	if check == nil {
		check = cobra.NoArgs
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return exitf(exitUsage, "%s: see %s --help", plain(err), cmd.CommandPath())
		}
		return nil
	}
}

// plain is the first line of an error of the command line, without the functions
// of Go's library that found it.
func plain(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	var kept []string
	for part := range strings.SplitSeq(text, ": ") {
		if !strings.HasPrefix(part, "strconv.") && !strings.HasPrefix(part, "parsing ") && part != "time" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ": ")
}

// configFlag is --config, for every command that reads the configuration.
func configFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "config", "", "configuration `file` (default $THINQ2MQTT_CONFIG, /etc/thinq2mqtt/config.yaml, ./config.yaml)")
	cmd.MarkFlagFilename("config", "yaml", "yml")
}
