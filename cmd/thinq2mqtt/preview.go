package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// previewFlags are the flags of preview.
type previewFlags struct {
	config       string
	pushes       string
	commands     []string
	set          string
	expectReport bool
	now          string
	table        bool
}

// previewCommand shows what the bridge would say and do for a saved appliance.
func (a *app) previewCommand() *cobra.Command {
	var f previewFlags
	cmd := &cobra.Command{
		Use:   "preview DIR...",
		Short: "Show what the bridge would publish and send for saved appliances",
		Long: `Show, without any network, what the bridge would publish for saved appliances
and what it would send to them. Each DIR holds device.json, profile.json and
status.json as LG's cloud answers them; energy_profile.json and the days of
energy_usage_daily.json may stand beside them. The output is one JSON object a line, in
the order in which it would be published.`,
		Example: `  thinq2mqtt preview ./washer
  thinq2mqtt preview ./washer --pushes ./washer/pushes.json --now 2026-01-01T12:00:00Z
  thinq2mqtt preview ./air_conditioner --command target_temperature=22
  thinq2mqtt preview ./oven --table`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			return a.preview(cmd.OutOrStdout(), cmd.ErrOrStderr(), f, dirs)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "", "configuration `file` whose devices, homeassistant and mappings sections apply")
	flags.StringVar(&f.pushes, "pushes", "", "`file` with an array of event messages to apply one after another")
	flags.StringArrayVar(&f.commands, "command", nil, "`command` [SLUG/]ATTR=VALUE, as to <slug>/set/<attr>; may be repeated")
	flags.StringVar(&f.set, "set", "", "`JSON` object of attributes: one command, as to <slug>/set")
	flags.BoolVar(&f.expectReport, "expect-report", false, "after each command, also show the state once LG has confirmed it")
	flags.StringVar(&f.now, "now", "", "`time` (RFC 3339) at which all this happens (default now)")
	flags.BoolVar(&f.table, "table", false, "show every property and its entity, for people")
	cmd.MarkFlagFilename("config", "yaml", "yml")
	cmd.MarkFlagFilename("pushes", "json")
	return cmd
}

func (a *app) preview(w, complain io.Writer, f previewFlags, dirs []string) error {
	r, err := a.newRehearsal(w, f)
	if err != nil {
		return err
	}
	orders, err := f.orders()
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := r.load(dir); err != nil {
			return exit(exitData, err)
		}
	}
	defer r.complain(complain)
	if f.table {
		return r.table()
	}
	for _, m := range r.appliances {
		r.start(m)
	}
	if f.pushes != "" {
		if err := r.pushes(f.pushes); err != nil {
			return exit(exitData, err)
		}
	}
	for _, o := range orders {
		r.order(o, f.expectReport)
	}
	return r.out.err
}

// newRehearsal prepares what does not depend on the appliances.
func (a *app) newRehearsal(w io.Writer, f previewFlags) (*rehearsal, error) {
	at := time.Now()
	if f.now != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, f.now); err != nil {
			return nil, exitf(exitUsage, "--now %s is not a time: write it as in 2026-01-31T12:00:00Z", f.now)
		}
		if at.Location() == time.UTC {
			at = at.Local() // an offset says where the household lives; Z does not
		}
	}
	cfg := new(defaults())
	if f.config != "" {
		var err error
		if cfg, err = a.source(f.config).load(); err == nil {
			err = only(cfg.Validate(), "devices", "homeassistant", "mappings")
		}
		if err != nil {
			return nil, exit(exitConfig, err)
		}
		cfg.MQTT.BaseTopic = defaults().MQTT.BaseTopic
	}
	return &rehearsal{
		out: printer{w: w, retained: map[string]string{}}, announces: cfg.HomeAssistant.Enabled, at: at, options: cfg.discovery(""),
	}, nil
}

// An order is one command: attributes as bare text, for the device of a slug or
// for any that has them.
type order struct {
	slug  string
	attrs map[string]string
}

func (f previewFlags) orders() ([]order, error) {
	if len(f.commands) > 0 && f.set != "" {
		return nil, exitf(exitUsage, "--command and --set cannot stand together: use one of them")
	}
	var all []order
	for _, text := range f.commands {
		attr, value, ok := strings.Cut(text, "=")
		slug, name, named := strings.Cut(attr, "/")
		if !named {
			slug, name = "", attr
		}
		if !ok || name == "" {
			return nil, exitf(exitUsage, "--command %s is not [SLUG/]ATTR=VALUE: write it as in power=on", text)
		}
		all = append(all, order{slug, map[string]string{name: value}})
	}
	if f.set != "" {
		attrs, _, err := discovery.ParseSet([]byte(f.set))
		if err != nil {
			return nil, exitf(exitUsage, `--set: %w: write it as in '{"power":"on"}'`, err)
		}
		all = append(all, order{"", attrs})
	}
	return all, nil
}

// savedAppliance reads a folder. Without a status the appliance counts as not
// connected: LG has none for such a one.
func savedAppliance(dir string) (*rehearsed, error) {
	read := func(name string) ([]byte, error) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("%s cannot be read: %w: give a folder with device.json, profile.json and status.json",
				filepath.Join(dir, name), bare(err))
		}
		return data, nil
	}
	m := &rehearsed{}
	data, err := read("device.json")
	if err != nil {
		return nil, err
	}
	if m.info, err = thinq.ParseDevice(data); err != nil {
		return nil, fmt.Errorf("%s is not an element of LG's device list: %w", filepath.Join(dir, "device.json"), err)
	}
	if data, err = read("profile.json"); err != nil {
		return nil, err
	}
	if m.profile, err = thinq.ParseProfile(data); err != nil {
		return nil, fmt.Errorf("%s is not a profile: %w", filepath.Join(dir, "profile.json"), err)
	}
	if m.energy, err = savedEnergy(dir); err != nil {
		return nil, err
	}
	if data, err = os.ReadFile(filepath.Join(dir, "status.json")); err != nil {
		return m, nil
	}
	m.odd = m.profile.Examine(data)
	if m.first, err = m.profile.Decode(data); err != nil {
		return nil, fmt.Errorf("%s is not a state: %w", filepath.Join(dir, "status.json"), err)
	}
	return m, nil
}

// discovery are the options of package discovery for an account.
func (c *Config) discovery(label string) discovery.Options {
	base := c.MQTT.BaseTopic
	if label != "" {
		base += "/" + label
	}
	return discovery.Options{
		Topics:   discovery.Topics{Base: base, Prefix: c.HomeAssistant.DiscoveryPrefix},
		Language: c.HomeAssistant.Language,
		Unit:     c.HomeAssistant.TemperatureUnit,
		Version:  thisBuild().Version,
		Settings: c.settings,
		Labels:   c.HomeAssistant.OptionLabels,
		Mappings: c.Mappings.discovery(),

		EstimateAction: c.HomeAssistant.EstimateAction,
	}
}

// settings are what was configured for an appliance, by id or else by slug.
func (c *Config) settings(id, slug string) discovery.Settings {
	d, ok := c.Devices[id]
	if !ok {
		d = c.Devices[slug]
	}
	return discovery.Settings{
		Name: d.Name, Slug: d.Slug, Ignore: d.Ignore, RemoteStart: d.RemoteStart, Optimistic: d.Optimistic, Allow: d.Allow,
	}
}
