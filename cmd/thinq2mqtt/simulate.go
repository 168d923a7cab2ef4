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
	oauth    string
	ws       string
	plain    bool
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
client of LG's ThinQ Connect API; --out writes what one needs to connect.

With --oauth-listen or --ws-listen it serves partners, too: LG's sign-in, the
partner API, and the websocket for events. These two belong together: where only
one is given, the other is on a free port.`,
		Example: `  thinq2mqtt simulate --out ./cloud
  thinq2mqtt run --config ./cloud/config.yaml

  thinq2mqtt simulate --out ./cloud --oauth-listen 127.0.0.1:0 --plain
  thinq2mqtt login --config ./cloud/config-oauth.yaml
  thinq2mqtt run --config ./cloud/config-oauth.yaml`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.rest, "listen", "127.0.0.1:0", "`address` of the REST interface (HTTPS); port 0 picks a free one")
	flags.StringVar(&f.mqtt, "mqtt-listen", "127.0.0.1:0", "`address` of the event broker (MQTT 5 over TLS)")
	flags.StringVar(&f.oauth, "oauth-listen", "", "`address` of the sign-in (HTTPS) (default off)")
	flags.StringVar(&f.ws, "ws-listen", "", "`address` of the events of partners (websocket over TLS) (default off)")
	flags.BoolVar(&f.plain, "plain", false, "sign-in and websocket without TLS, for a browser; loopback only")
	flags.StringVar(&f.admin, "admin-listen", "127.0.0.1:0", "`address` of the door for scripts (HTTP /sim/…); loopback only")
	flags.DurationVar(&f.apiDelay, "api-delay", 0, "`time` before every answer")
	flags.StringVar(&f.out, "out", "", "`folder` to write ca.pem, token and a config.yaml that fits to; for partners also config-oauth.yaml and oauth.json")
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
		APIDelay: f.apiDelay, Plain: f.plain, Logger: slog.New(handler),
	}
	if err := f.open(&o); err != nil {
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

// anyPort is an address with a free port.
const anyPort = "127.0.0.1:0"

// open opens what the flags say.
func (f *simulateFlags) open(o *thinqtest.Options) error {
	all := map[string]listening{
		"listen": {address: f.rest, to: &o.REST}, "mqtt-listen": {address: f.mqtt, to: &o.MQTT},
		"admin-listen": adminDoor(f.admin, o),
	}
	switch local := ""; {
	case f.oauth != "" || f.ws != "":
		if f.plain {
			local = "secrets go there in clear with --plain"
		}
		all["oauth-listen"] = listening{cmp.Or(f.oauth, anyPort), &o.OAuth, local}
		all["ws-listen"] = listening{cmp.Or(f.ws, anyPort), &o.WebSocket, local}
	case f.plain:
		return exitf(exitUsage, "--plain is for --oauth-listen and --ws-listen: give one of them")
	}
	return openAll(all)
}

// adminDoor is for this machine only.
func adminDoor(address string, o *thinqtest.Options) listening {
	return listening{address, &o.Admin, "whoever reaches it can do everything"}
}

// ready says where everything is.
func (f *simulateFlags) ready(w io.Writer, cloud *thinqtest.Server) error {
	broker := "mqtts://" + cloud.MQTTAddr
	if f.json {
		return json.NewEncoder(w).Encode(struct {
			Ready   bool   `json:"ready"`
			REST    string `json:"rest"`
			MQTT    string `json:"mqtt"`
			OAuth   string `json:"oauth"`
			WS      string `json:"ws"`
			Admin   string `json:"admin"`
			Devices int    `json:"devices"`
		}{true, cloud.URL, broker, cloud.OAuthURL, cloud.WebSocketURL, cloud.AdminURL, len(cloud.Devices())})
	}
	_, err := fmt.Fprintf(w, `simulated ThinQ cloud with %d appliances; Ctrl-C ends it

  REST    %s
  events  %s
%s  admin   %s/sim/devices
%s`, len(cloud.Devices()), cloud.URL, broker, partnerLines(cloud), cloud.AdminURL, f.clients(cloud))
	return err
}

// partnerLines show what is there for partners only.
func partnerLines(cloud *thinqtest.Server) string {
	if cloud.OAuthURL == "" {
		return ""
	}
	return "  sign-in " + cloud.OAuthURL + "\n  socket  " + cloud.WebSocketURL + "\n"
}

// clients are the lines that start a daemon.
func (f *simulateFlags) clients(cloud *thinqtest.Server) string {
	if f.out == "" {
		return "  client  start with --out DIR for certificate, token and configuration\n"
	}
	lines := "  client  thinq2mqtt run --config " + filepath.Join(f.out, "config.yaml") + "\n"
	if cloud.OAuthURL != "" {
		lines += "  partner thinq2mqtt login --config " + filepath.Join(f.out, "config-oauth.yaml") + ", then run with it\n"
	}
	return lines
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
		"ca.pem":      string(cloud.CA),
		"token":       cloud.Token + "\n",
		"config.yaml": configFor(dir, cloud),
	}
	if cloud.OAuthURL != "" {
		files["config-oauth.yaml"], files["oauth.json"] = partnerConfigFor(dir, cloud), partnerPapers(cloud)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		os.Remove(path) // or its mode would stay
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func configFor(dir string, cloud *thinqtest.Server) string {
	return fmt.Sprintf(`# Fits the simulated cloud that wrote this file, until it stops.
thinq:
  country: KR
  token_file: %q
  api_url: %s
  ca_file: %q
state_dir: %q
`, filepath.Join(dir, "token"), cloud.URL, filepath.Join(dir, "ca.pem"), filepath.Join(dir, "state"))
}

func partnerConfigFor(dir string, cloud *thinqtest.Server) string {
	return fmt.Sprintf(`# Fits the simulated cloud that wrote this file, until it stops. Sign in with
# thinq2mqtt login, then start thinq2mqtt run, both with this file.
thinq:
  country: KR
  api_url: %s
  ca_file: %q
  events: websocket
  oauth:
    client_id: %q
    client_secret: %q
    service_id: %q
    service_key: %q
    emp_url: %s
    redirect_url: %s
    websocket_url: %s
    api: v2
state_dir: %q
`, cloud.URL, filepath.Join(dir, "ca.pem"), cloud.ClientID, cloud.ClientSecret, cloud.ServiceID, cloud.ServiceKey,
		cloud.OAuthURL, cloud.RedirectURLs[0], cloud.WebSocketURL, filepath.Join(dir, "state-oauth"))
}

// partnerPapers are what LG gives to a partner, for clients that are not us.
func partnerPapers(cloud *thinqtest.Server) string {
	data, err := json.MarshalIndent(struct {
		ClientID     string   `json:"client_id"`
		ClientSecret string   `json:"client_secret"`
		RedirectURLs []string `json:"redirect_urls"`
		ServiceID    string   `json:"service_id"`
		ServiceKey   string   `json:"service_key"`
	}{cloud.ClientID, cloud.ClientSecret, cloud.RedirectURLs, cloud.ServiceID, cloud.ServiceKey}, "", "  ")
	if err != nil {
		panic(err) // texts can always be written
	}
	return string(data) + "\n"
}

// listening is an address to listen on, and where the listener goes.
type listening struct {
	address string
	to      *net.Listener
	local   string // why nobody else may reach it; empty: everybody may
}

// openAll opens all or none; the keys are flags.
func openAll(all map[string]listening) error {
	for flag, l := range all {
		listener, err := net.Listen("tcp", l.address)
		if err == nil && l.local != "" && !listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
			listener.Close()
			err = fmt.Errorf("%s is not a loopback address, and %s", l.address, l.local)
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
