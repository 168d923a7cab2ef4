package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
)

// A daemon is one configuration at work: a bridge for each account, and one
// page for all of them.
type daemon struct {
	log      *slog.Logger
	accounts []*account
	listener net.Listener // nil: no page
	handler  http.Handler
	restart  chan struct{}

	cfg   *Config
	level *slog.LevelVar
	again func() (*Config, error) // reads the configuration anew; nil: there is none to read
}

// newDaemon builds everything and connects nothing. The error has its exit
// code; then nothing stays open.
func (a *app) newDaemon(cfg *Config, h slog.Handler, level *slog.LevelVar) (*daemon, error) {
	d := &daemon{log: slog.New(h), restart: make(chan struct{}, 1), cfg: cfg, level: level}
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
	b := builder{app: a, cfg: cfg, handler: h, level: level, metrics: bridge.NewMetrics(registry), restart: d.requestRestart}
	labels := cfg.labels()
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		account, err := b.account(label, labels[label])
		if err != nil {
			return err
		}
		d.accounts = append(d.accounts, account)
	}
	if cfg.HTTP.Listen == "" {
		return nil
	}
	var err error
	if d.listener, err = net.Listen("tcp", cfg.HTTP.Listen); err != nil {
		return exitf(exitFault, "http.listen: %w: choose another address, or leave it empty for no page", err)
	}
	d.handler = (&bridge.Site{Version: versionInfo(), Metrics: registry, Bridges: d.bridges()}).Handler()
	return nil
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
	if d.listener != nil {
		d.listener.Close()
	}
	for _, a := range d.accounts {
		a.close()
	}
}

// run serves until ctx ends, all is said and saved, and then returns nil; or
// errRestart. The page answers before the cloud is asked for anything and until
// the last bridge has stopped.
func (d *daemon) run(ctx context.Context) error {
	defer d.close()
	group, ctx := errgroup.WithContext(ctx)
	page, closePage := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() error { return d.servePage(page) })
	group.Go(func() error { return bridge.Notify(ctx, d.bridges()...) })
	group.Go(func() error {
		d.watchReload(ctx)
		return nil
	})
	group.Go(func() error {
		defer closePage()
		var bridges errgroup.Group
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

// servePage answers until ctx ends; what is under way then gets a second.
func (d *daemon) servePage(ctx context.Context) error {
	if d.listener == nil {
		return nil
	}
	server := &http.Server{
		Handler:           d.handler,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(d.log.Handler(), slog.LevelDebug),
	}
	ctx, giveUp := context.WithCancel(ctx)
	var closing sync.WaitGroup
	defer closing.Wait()
	defer giveUp()
	closing.Go(func() {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(end) != nil {
			server.Close() // live pages never end by themselves
		}
	})
	d.log.Info("status page", "url", "http://"+d.listener.Addr().String()+"/")
	if err := server.Serve(d.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the status page: %w", err)
	}
	return nil
}
