package main

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A daemon is one configuration at work: a bridge for each account, and one
// page for all of them.
type daemon struct {
	app      *app
	log      *slog.Logger
	accounts []*account
	page     *page // nil: none is wanted
	restart  chan struct{}

	cfg   *Config
	level *slog.LevelVar
	again func() (*Config, error) // reads the configuration anew; nil: there is none to read
}

// newDaemon builds everything and connects nothing. The error has its exit
// code; then nothing stays open.
func (a *app) newDaemon(cfg *Config, h slog.Handler, level *slog.LevelVar) (*daemon, error) {
	d := &daemon{app: a, log: slog.New(h), restart: make(chan struct{}, 1), cfg: cfg, level: level}
	if err := a.build(d, cfg, h, level); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (a *app) build(d *daemon, cfg *Config, h slog.Handler, level *slog.LevelVar) error {
	for _, w := range cfg.warnings() {
		d.log.Warn("secret is not well kept", "hint", w)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if cfg.HTTP.Listen != "" {
		var err error
		if d.page, err = newPage(cfg.HTTP.Listen, d.log); err != nil {
			return err
		}
	}
	b := builder{app: a, cfg: cfg, handler: h, level: level, metrics: bridge.NewMetrics(registry), restart: d.requestRestart, trouble: d.page.Trouble}
	labels := cfg.labels()
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		account, err := b.account(label, labels[label])
		if err != nil {
			return err
		}
		d.accounts = append(d.accounts, account)
	}
	if d.page != nil {
		d.page.handler = a.site(cfg, registry, d.bridges()).Handler()
	}
	return nil
}

// site is what the page shows, and to whom.
func (a *app) site(c *Config, g prometheus.Gatherer, bridges []*bridge.Bridge) *bridge.Site {
	s := &bridge.Site{Version: versionInfo(), Metrics: g, Names: c.HTTP.names(), Bridges: bridges}
	if password := c.pagePassword(); password.set() {
		host, _, _ := net.SplitHostPort(c.HTTP.Listen) // validated
		s.Password, s.Local = a.reader(password), thinq.Loopback(host)
	}
	if c.HTTP.Ingress {
		s.Ingress = supervisor
	}
	return s
}

func versionInfo() bridge.VersionInfo {
	b := thisBuild()
	return bridge.VersionInfo{Version: b.Version, Commit: b.Commit, Go: b.Go}
}

func (d *daemon) bridges() []*bridge.Bridge {
	var all []*bridge.Bridge
	for _, a := range d.accounts {
		all = append(all, a.bridge)
	}
	return all
}

// requestRestart never blocks: it is called from a bridge's loop.
func (d *daemon) requestRestart() {
	select {
	case d.restart <- struct{}{}:
	default:
	}
}

func (d *daemon) close() {
	d.page.close()
	for _, a := range d.accounts {
		a.close()
	}
}

// run serves until ctx ends, all is said and saved, and then returns nil; or
// errRestart. When one account cannot go on, the others stop as well. The page answers before the cloud is asked for anything and until
// the last bridge has stopped.
func (d *daemon) run(ctx context.Context) error {
	defer d.close()
	group, ctx := d.app.crew(ctx)
	page, closePage := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() error { return d.page.run(page) })
	group.Go(func() error { return bridge.Notify(ctx, d.bridges()...) })
	group.Go(func() error {
		d.watchReload(ctx)
		return nil
	})
	group.Go(func() error {
		defer closePage()
		bridges, ctx := d.app.crew(ctx)
		for _, a := range d.accounts {
			bridges.Go(func() error { return a.run(ctx) })
		}
		return bridges.Wait()
	})
	group.Go(func() error {
		select {
		case <-d.restart:
			return errRestart // which ends the others
		case <-ctx.Done():
			return nil
		}
	})
	return group.Wait()
}
