package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// simulateFlags are the flags of simulate.
type simulateFlags struct {
	home     homeFlags
	rest     string
	mqtt     string
	admin    string
	apiDelay time.Duration
	out      string
	json     bool
}

// simulateCommand is the simulated cloud alone.
func (a *app) simulateCommand() *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Run a simulated ThinQ cloud for other clients",
		Long: `Run a simulated ThinQ cloud on this machine: the REST interface, the event
broker, and appliances that obey and report. For this daemon and for any other
client of LG's ThinQ Connect API; --out writes what one needs to connect.`,
		Example: `  thinq2mqtt simulate --out ./cloud
  thinq2mqtt run --config ./cloud/config.yaml`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.rest, "listen", "127.0.0.1:0", "`address` of the REST interface (HTTPS); port 0 picks a free one")
	flags.StringVar(&f.mqtt, "mqtt-listen", "127.0.0.1:0", "`address` of the event broker (MQTT 5 over TLS)")
	flags.StringVar(&f.admin, "admin-listen", "127.0.0.1:0", "`address` of the door for scripts (HTTP /sim/…); loopback only")
	flags.DurationVar(&f.apiDelay, "api-delay", 0, "`time` before every answer")
	flags.StringVar(&f.out, "out", "", "`folder` to write ca.pem, token and a config.yaml that fits to")
	flags.BoolVar(&f.json, "json", false, "print one line of JSON when ready")
	cmd.MarkFlagDirname("out")
	f.home.register(cmd)
	return cmd
}

func (f *simulateFlags) run(ctx context.Context, stdout, stderr io.Writer, args []string) error {
	samples, err := f.home.samples(args)
	if err != nil {
		return err
	}
	handler, _ := newHandler(Log{Level: "warn", Format: "auto"}, stderr, source{})
	o := thinqtest.Options{
		Samples: samples, Seed: f.home.seed, Speed: f.home.speed, Lively: true,
		APIDelay: f.apiDelay, Logger: slog.New(handler),
	}
	err = openAll(map[string]listening{
		"listen": {f.rest, &o.REST}, "mqtt-listen": {f.mqtt, &o.MQTT}, "admin-listen": {f.admin, &o.Admin},
	})
	if err != nil {
		return err
	}
	cloud, err := thinqtest.NewServer(o)
	if err != nil {
		return exit(exitData, err)
	}
	defer cloud.Close()
	if f.out != "" {
		if err := writeOut(f.out, cloud); err != nil {
			return exitf(exitState, "--out: %w: choose a folder that can be written to", err)
		}
	}
	if err := f.ready(stdout, cloud); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// ready says where everything is.
func (f *simulateFlags) ready(w io.Writer, cloud *thinqtest.Server) error {
	broker := "mqtts://" + cloud.MQTTAddr
	if f.json {
		return json.NewEncoder(w).Encode(struct {
			Ready   bool   `json:"ready"`
			REST    string `json:"rest"`
			MQTT    string `json:"mqtt"`
			Admin   string `json:"admin"`
			Devices int    `json:"devices"`
		}{true, cloud.URL, broker, cloud.AdminURL, len(cloud.Devices())})
	}
	_, err := fmt.Fprintf(w, `simulated ThinQ cloud with %d appliances; Ctrl-C ends it

  REST    %s
  events  %s
  admin   %s/sim/devices
  client  %s
`, len(cloud.Devices()), cloud.URL, broker, cloud.AdminURL,
		cmp.Or(f.connect(), "start with --out DIR for certificate, token and configuration"))
	return err
}

func (f *simulateFlags) connect() string {
	if f.out == "" {
		return ""
	}
	return "thinq2mqtt run --config " + filepath.Join(f.out, "config.yaml")
}

// writeOut writes what a client needs.
func writeOut(dir string, cloud *thinqtest.Server) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	files := map[string]string{
		"ca.pem": string(cloud.CA),
		"token":  cloud.Token + "\n",
		"config.yaml": fmt.Sprintf(`# Fits the simulated cloud that wrote this file, until it stops.
thinq:
  country: KR
  token_file: %q
  api_url: %s
  ca_file: %q
state_dir: %q
`, filepath.Join(dir, "token"), cloud.URL, filepath.Join(dir, "ca.pem"), filepath.Join(dir, "state")),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// listening is an address to listen on, and where the listener goes.
type listening struct {
	address string
	to      *net.Listener
}

// openAll opens all or none; the keys are flags.
func openAll(all map[string]listening) error {
	for flag, l := range all {
		listener, err := net.Listen("tcp", l.address)
		if err == nil && flag == "admin-listen" && !listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
			listener.Close() // whoever reaches this door can do everything
			err = fmt.Errorf("%s is not a loopback address", l.address)
		}
		if err != nil {
			for _, l := range all {
				if *l.to != nil {
					(*l.to).Close()
				}
			}
			return exitf(exitUsage, "--%s: %w: choose another address, as in 127.0.0.1:0", flag, err)
		}
		*l.to = listener
	}
	return nil
}
