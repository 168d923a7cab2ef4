package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link/linktest"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// demoFlags are the flags of demo.
type demoFlags struct {
	home   homeFlags
	signIn string
	broker string
	mqtt   string
	http   string
	admin  string
	json   bool

	callback net.Listener // for the first sign-in; nil: there is none
}

// The values of --sign-in.
const (
	byToken = "token"
	byOAuth = "oauth"
)

// demoCommand is the daemon with a simulated cloud and a broker of its own.
func (a *app) demoCommand() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run everything simulated: cloud, broker, bridge and status page",
		Long: `Run the bridge against a simulated ThinQ cloud and a broker of its own, all in
this process: no account, no configuration, nothing kept afterwards.

With --sign-in oauth it is a partner's bridge: it prints an address where you
sign in with a browser, at a simulated LG, and goes on from there.`,
		Example: `  thinq2mqtt demo
  thinq2mqtt demo --sign-in oauth
  thinq2mqtt demo --broker mqtt://homeassistant.local:1883 --devices washer,air_conditioner`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.demo(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), &f, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.signIn, "sign-in", byToken, "`way` in: token, or oauth for that of partners, with a browser")
	flags.StringVar(&f.broker, "broker", "", "`URL` of a broker to use instead of the embedded one")
	flags.StringVar(&f.mqtt, "broker-listen", "127.0.0.1:1883", "`address` of the embedded broker; the next free port if taken")
	flags.StringVar(&f.http, "http-listen", "127.0.0.1:8099", "`address` of the status page; the next free port if taken")
	flags.StringVar(&f.admin, "admin-listen", "", "`address` of the door for scripts (HTTP /sim/…); loopback only (default off)")
	flags.BoolVar(&f.json, "json", false, "print one line of JSON when ready")
	f.home.register(cmd)
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("sign-in", cobra.FixedCompletions([]string{byToken, byOAuth}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func (a *app) demo(ctx context.Context, stdout, stderr io.Writer, f *demoFlags, args []string) (err error) {
	samples, err := f.home.samples(args)
	if err != nil {
		return err
	}
	if f.signIn != byToken && f.signIn != byOAuth {
		return exitf(exitUsage, "--sign-in %s: use %s or %s", f.signIn, byToken, byOAuth)
	}
	dir, err := os.MkdirTemp("", "thinq2mqtt-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	handler, level := newHandler(Log{Level: "warn", Format: "auto"}, stderr, a.source(""))
	if f.signIn == byOAuth {
		level.Set(slog.LevelError) // that nobody has signed in is no news until somebody has
	}
	cloud, err := f.cloud(samples, slog.New(handler))
	if f.callback != nil {
		defer f.callback.Close()
	}
	if err != nil {
		return err
	}
	defer cloud.Close()
	cfg, closeBroker, err := f.configure(dir, cloud)
	if err != nil {
		return err
	}
	defer closeBroker()
	newDaemon := func() (*daemon, error) { return a.newDaemon(cfg, a.secrets.handler(handler), level) }
	return play(ctx, newDaemon, func(ctx context.Context, d *daemon) error {
		if f.callback != nil {
			if err := a.welcome(ctx, stdout, stderr, f, d); err != nil {
				return err
			}
			level.Set(slog.LevelWarn)
		}
		home, err := awaitReady(ctx, d.accounts[0].bridge)
		if err != nil {
			return nil // told to stop before
		}
		if home.Standby != "" {
			return exitf(exitAway, "--broker %s: another bridge is at work there, at the base topic %s: choose another broker", cfg.MQTT.URL, cfg.MQTT.BaseTopic)
		}
		return f.ready(stdout, cfg, cloud, home)
	})
}

// play runs one daemon after another; the first is watched until it is ready.
func play(ctx context.Context, newDaemon func() (*daemon, error), watch func(context.Context, *daemon) error) error {
	for first := true; ; first = false {
		d, err := newDaemon()
		if err != nil {
			return err
		}
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() error { return d.run(ctx) })
		if first {
			group.Go(func() error { return watch(ctx, d) })
		}
		if err := group.Wait(); !errors.Is(err, errRestart) {
			return err
		}
	}
}

// cloud is the simulated one, without LG's quota: a demo is for playing.
func (f *demoFlags) cloud(samples []thinqtest.Sample, log *slog.Logger) (*thinqtest.Server, error) {
	o := thinqtest.Options{
		Samples: samples, Seed: f.home.seed, Speed: f.home.speed, Lively: true, CallsPerHour: -1, Logger: log,
	}
	doors := map[string]listening{}
	if f.admin != "" {
		doors["admin-listen"] = adminDoor(f.admin, &o)
	}
	if f.signIn == byOAuth {
		doors["sign-in"] = listening{address: anyPort, to: &o.OAuth}
		doors["websocket"] = listening{address: anyPort, to: &o.WebSocket}
		var err error
		if f.callback, err = nextFree(callbackAddress); err != nil {
			return nil, err
		}
		o.Plain, o.RedirectURLs = true, []string{"http://" + f.callback.Addr().String() + "/callback"}
	}
	if err := openAll(doors); err != nil {
		return nil, err
	}
	cloud, err := thinqtest.NewServer(o)
	return cloud, exit(exitData, err)
}

// configure makes the configuration that a user would write for this cloud, and
// starts the broker unless there is one.
func (f *demoFlags) configure(dir string, cloud *thinqtest.Server) (*Config, func(), error) {
	cfg := new(defaults())
	cfg.StateDir = filepath.Join(dir, "state")
	cfg.ThinQ = demoAccount(f.signIn, cloud)
	cfg.ThinQ.CAFile = filepath.Join(dir, "ca.pem")
	cfg.MQTT.URL = f.broker
	if err := os.WriteFile(cfg.ThinQ.CAFile, cloud.CA, 0o600); err != nil {
		return nil, nil, err
	}
	page, err := nextFree(f.http)
	if err != nil {
		return nil, nil, exitf(exitUsage, "--http-listen: %w: choose another address, as in 127.0.0.1:8099", err)
	}
	cfg.HTTP.Listen = page.Addr().String()
	page.Close() // the daemon opens it again
	closeBroker := func() {}
	if f.broker == "" {
		listener, err := nextFree(f.mqtt)
		if err != nil {
			return nil, nil, exitf(exitUsage, "--broker-listen: %w: choose another address, as in 127.0.0.1:1883", err)
		}
		broker, err := linktest.NewBroker(linktest.Options{Listener: listener})
		if err != nil {
			return nil, nil, err
		}
		closeBroker = func() { broker.Close() }
		cfg.MQTT.URL = "mqtt://" + dialable(broker.URL().Host)
		cfg.MQTT.Password = "none is needed here" // nor a warning of that
	}
	cfg.splitURL()
	if err := cfg.Validate(); err != nil {
		closeBroker()
		if c, ok := errors.AsType[*complaint](err); ok && f.broker != "" { // all else is ours
			err = fmt.Errorf("--broker %s", c.text)
		}
		return nil, nil, exit(exitUsage, err)
	}
	return cfg, closeBroker, nil
}

// demoAccount is the account at a simulated cloud.
func demoAccount(signIn string, cloud *thinqtest.Server) Account {
	a := defaultAccount()
	a.Country, a.APIURL = "KR", cloud.URL
	a.Budget = Budget{CallsPerHour: 100_000, BackgroundPerHour: 100_000}
	if signIn != byOAuth {
		a.Token = Secret(cloud.Token)
		return a
	}
	a.Events = "websocket"
	o := &a.OAuth
	o.ClientID, o.ClientSecret = cloud.ClientID, Secret(cloud.ClientSecret)
	o.ServiceID, o.ServiceKey = cloud.ServiceID, Secret(cloud.ServiceKey)
	o.EMPURL, o.WebSocketURL, o.RedirectURL = cloud.OAuthURL, cloud.WebSocketURL, cloud.RedirectURLs[0]
	return a
}

// nextFree listens on an address, or on one of the hundred ports after it.
func nextFree(address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	first, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("%q is not host:port", address)
	}
	for n := first; ; n++ {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(n)))
		if err == nil || n == first+100 || !errors.Is(err, syscall.EADDRINUSE) {
			return l, err
		}
	}
}

// awaitReady waits until every appliance is announced, or it is clear that none
// will be: another bridge is at work.
func awaitReady(ctx context.Context, b *bridge.Bridge) (bridge.Snapshot, error) {
	return awaitBridge(ctx, b, func(s bridge.Snapshot) bool { return s.Ready || s.Standby != "" })
}

// awaitBridge looks at a bridge until it is as it should be.
func awaitBridge(ctx context.Context, b *bridge.Bridge, reached func(bridge.Snapshot) bool) (bridge.Snapshot, error) {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		if s, err := b.Snapshot(ctx); err == nil && reached(s) {
			return s, nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return bridge.Snapshot{}, ctx.Err()
		}
	}
}

// ready says where everything is and what to try.
func (f *demoFlags) ready(w io.Writer, cfg *Config, cloud *thinqtest.Server, home bridge.Snapshot) error {
	page := "http://" + dialable(cfg.HTTP.Listen)
	if f.json {
		return json.NewEncoder(w).Encode(struct {
			Ready     bool   `json:"ready"`
			Broker    string `json:"broker"`
			HTTP      string `json:"http"`
			Admin     string `json:"admin"`
			BaseTopic string `json:"base_topic"`
			Devices   int    `json:"devices"`
		}{true, cfg.MQTT.URL, page, cloud.AdminURL, cfg.MQTT.BaseTopic, len(cloud.Devices())})
	}
	at := clientFlags(cfg.MQTT)
	_, err := fmt.Fprintf(w, `thinq2mqtt demo: %[1]d simulated appliances; Ctrl-C ends it%[7]s

  broker  %[2]s
  page    %[3]s/
  watch   mosquitto_sub %[4]s -v -t '%[5]s/+'
  switch  mosquitto_pub %[4]s -t %[6]s
%[8]s`, len(cloud.Devices()), cfg.MQTT.URL, page, at, cfg.MQTT.BaseTopic, trial(cfg.MQTT.BaseTopic, cloud, home), f.remains(),
		adminLine(cloud.AdminURL))
	return err
}

// adminLine shows the door for scripts, if it is open.
func adminLine(address string) string {
	if address == "" {
		return ""
	}
	return "  admin   " + address + "/sim/devices\n"
}

// remains says what is left when the demo has ended.
func (f *demoFlags) remains() string {
	if f.broker == "" {
		return " and nothing stays"
	}
	return "; what it announced stays on the broker, as unavailable"
}

// clientFlags are the flags of mosquitto's clients for a broker.
func clientFlags(m MQTT) string {
	u, err := url.Parse(m.URL)
	if err != nil {
		return ""
	}
	flags := "-h " + u.Hostname()
	if port := u.Port(); port != "" {
		flags += " -p " + port
	}
	if m.Username != "" {
		flags += " -u " + m.Username + " -P …"
	}
	return flags
}

// trials are commands that show something at once, for appliances that are off.
var trials = []struct{ off, attr, value string }{
	{`"airConOperationMode":"POWER_OFF"`, "air_con_operation_mode", "power_on"},
	{`"airPurifierOperationMode":"POWER_OFF"`, "air_purifier_operation_mode", "power_on"},
	{`"expressMode":false`, "express_mode", "true"},
}

// trial is the rest of a line that switches something on: topic and value.
func trial(base string, cloud *thinqtest.Server, home bridge.Snapshot) string {
	for _, t := range trials {
		for _, d := range home.Devices {
			real, err := cloud.Device(d.ID)
			if err == nil && bytes.Contains(real.State, []byte(t.off)) {
				return fmt.Sprintf("%s/%s/set/%s -m %s", base, d.Slug, t.attr, t.value)
			}
		}
	}
	return base + "/bridge/request/health_check -n"
}
