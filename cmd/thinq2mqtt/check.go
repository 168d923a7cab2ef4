package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// checkCommand validates the configuration and says what would be done with it.
func (a *app) checkCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Validate the configuration",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.configuration(path)
			if err != nil {
				return err
			}
			return writeFindings(cmd.OutOrStdout(), cfg)
		},
	}
	configFlag(cmd, &path)
	return cmd
}

// configuration is loaded and validated; the error has its exit code.
func (a *app) configuration(path string) (*Config, error) {
	cfg, err := a.source(path).load()
	if err == nil {
		err = cfg.Validate()
	}
	if err == nil { // complaints name keys, one of which may be a password at the same time
		a.hide(cfg)
	}
	if err != nil && cfg != nil && cfg.unset() {
		err = errors.New("there is no configuration: write one with thinq2mqtt config example >config.yaml, or look around with thinq2mqtt demo")
	}
	return cfg, exit(exitConfig, err)
}

// hide keeps the secrets of a configuration out of what is written from now on.
func (a *app) hide(c *Config) {
	for _, s := range c.sources() {
		if text, err := s.Read(); err == nil {
			a.secrets.hide(text)
		}
	}
}

// writeFindings writes one line for each thing looked at.
func writeFindings(w io.Writer, c *Config) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(verdict, subject, format string, args ...any) {
		fmt.Fprintf(t, "%s\t%s\t%s\n", verdict, subject, fmt.Sprintf(format, args...))
	}
	line("ok", "configuration", "%s", cmp.Or(c.at[""], "environment only"))
	labels := c.labels()
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		line("ok", "account "+cmp.Or(label, "thinq"), "%s", c.wayIn(label))
	}
	line("ok", "broker", "%s, topics under %s", c.MQTT.URL, c.MQTT.BaseTopic)
	h := c.HomeAssistant
	line("ok", "home assistant", "%s", onOff(h.Enabled, "discovery under "+h.DiscoveryPrefix+", names in "+h.Language+", options as "+wordsOr(h.OptionLabels)))
	for _, appliance := range slices.Sorted(maps.Keys(c.Mappings)) {
		line("ok", "mappings of "+appliance, "%s", strings.Join(slices.Sorted(maps.Keys(c.Mappings[appliance])), ", "))
	}
	line("ok", "http", "%s", onOff(c.HTTP.Listen != "", "http://"+c.HTTP.Listen))
	line("ok", "state folder", "%s", c.StateDir)
	for _, w := range c.warnings() {
		line("warn", "secret", "%s", w)
	}
	return t.Flush()
}

// wayIn says how an account is reached.
func (c *Config) wayIn(label string) string {
	_, a := c.account(label)
	region, _ := thinq.Region(a.Country) // validated
	where := fmt.Sprintf("country %s (region %s)", a.Country, region)
	if !a.partner() {
		return where + ", token " + c.token(label).String()
	}
	return fmt.Sprintf("%s, partner API %s, sign-in with thinq2mqtt login, service key %s", where, a.OAuth.API, c.serviceKey(label))
}

// wordsOr is how options are shown.
func wordsOr(labels bool) string {
	if labels {
		return "labels"
	}
	return "LG's words"
}

func onOff(on bool, text string) string {
	if on {
		return text
	}
	return "off"
}
