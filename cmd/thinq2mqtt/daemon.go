package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A daemon is one configuration at work: a bridge for each account, and one
// page for all of them.
type daemon struct {
	log      *slog.Logger
	accounts []*account
	listener net.Listener // nil: no page
	handler  http.Handler
	restart  chan struct{}
}

// newDaemon builds everything and connects nothing. The error has its exit
// code; then nothing stays open.
func (a *app) newDaemon(cfg *Config, h slog.Handler, level *slog.LevelVar) (*daemon, error) {
	d := &daemon{log: slog.New(h), restart: make(chan struct{}, 1)}
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
	d.handler = bridge.Handler(versionInfo(), registry, d.bridges()...)
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
		a.store.Close()
	}
}

// run serves until ctx ends, all is said and saved, and then returns nil; or
// errRestart. The page answers before the cloud is asked for anything and until
// the last bridge has stopped.
func (d *daemon) run(ctx context.Context) error {
	defer d.close()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	group, ctx := errgroup.WithContext(ctx)
	page, closePage := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() error { return d.servePage(page) })
	group.Go(func() error { return bridge.Notify(ctx, d.bridges()...) })
	group.Go(func() error {
		defer closePage()
		var bridges errgroup.Group
		for _, a := range d.accounts {
			bridges.Go(func() error { return a.run(ctx) })
		}
		err := bridges.Wait()
		stop(err)
		return err
	})
	group.Go(func() error {
		select {
		case <-d.restart:
			stop(errRestart)
			return errRestart
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
	done := make(chan struct{})
	defer func() { <-done }()
	go func() {
		defer close(done)
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(end) != nil {
			server.Close() // live pages never end by themselves
		}
	}()
	d.log.Info("status page", "url", "http://"+d.listener.Addr().String()+"/")
	if err := server.Serve(d.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the status page: %w", err)
	}
	return nil
}

// An account is one bridge with what it works with.
type account struct {
	store  *bridge.Store
	link   *link.Link
	bridge *bridge.Bridge
	log    *slog.Logger
}

// refusedPause is the time between tries with a client certificate that the
// local broker refuses: a new file, or a new rule there, may help.
const refusedPause = time.Minute

// run keeps the link up until the bridge has said its farewell over it.
func (a *account) run(ctx context.Context) error {
	up, down := context.WithCancel(context.WithoutCancel(ctx))
	var group errgroup.Group
	group.Go(func() error {
		for {
			err := a.link.Run(up)
			if err == nil {
				return nil
			}
			a.log.Error("the broker cannot be used", "err", err)
			select {
			case <-time.After(refusedPause):
			case <-up.Done():
				return nil
			}
		}
	})
	group.Go(func() error {
		defer down()
		return a.bridge.Run(ctx)
	})
	return group.Wait()
}

// A builder makes accounts; its fields are what they share.
type builder struct {
	app     *app
	cfg     *Config
	handler slog.Handler
	level   *slog.LevelVar
	metrics *bridge.Metrics
	restart func()
}

func (b *builder) account(label string, c Account) (*account, error) {
	store, err := bridge.OpenStore(filepath.Join(b.cfg.StateDir, label))
	if err != nil {
		return nil, exitf(exitState, "%w: see state_dir", err)
	}
	a, err := b.assemble(label, c, store)
	if err != nil {
		store.Close()
		return nil, err
	}
	return a, nil
}

func (b *builder) assemble(label string, c Account, store *bridge.Store) (*account, error) {
	tell := bridge.NewLogHandler()
	log := slog.New(slog.NewMultiHandler(b.handler, b.app.secrets.handler(tell)))
	if label != "" {
		log = log.With("account", label)
	}
	budget := thinq.NewBudget(c.Budget.CallsPerHour, c.Budget.BackgroundPerHour, store.Budget())
	client, err := b.client(label, c, store, budget, log)
	if err != nil {
		return nil, exit(exitConfig, err)
	}
	o := b.cfg.discovery(label)
	o.Instance = store.Instance()
	local, err := b.link(label, store.Instance(), o.Topics, log)
	if err != nil {
		return nil, exit(exitConfig, err)
	}
	var events thinq.Subscriber
	if c.Events != "off" {
		events = bridge.Subscriber(link.Options{Logger: log.With("part", "events")})
	}
	region, _ := thinq.Region(c.Country) // validated
	build := thisBuild()
	return &account{store: store, link: local, log: log, bridge: bridge.New(bridge.Options{
		Account:       label,
		Cloud:         client,
		Broker:        local,
		Subscriber:    events,
		Budget:        budget,
		Store:         store,
		Discovery:     o,
		HomeAssistant: b.cfg.HomeAssistant.Enabled,
		Reconcile:     c.Reconcile,
		Version:       build.Version,
		Commit:        build.Commit,
		Region:        region,
		Config:        b.cfg.public(),
		Logger:        log,
		Level:         b.level,
		Metrics:       b.metrics,
		Restart:       b.restart,
		Log:           tell,
	})}, nil
}

// client is LG's side of an account.
func (b *builder) client(label string, c Account, store *bridge.Store, budget *thinq.Budget, log *slog.Logger) (*thinq.Client, error) {
	roots, err := authorities(c.CAFile, x509.SystemCertPool)
	if err != nil {
		return nil, fmt.Errorf("%s.ca_file: %w", cmp.Or(label, "thinq"), err)
	}
	read := b.app.reader(b.cfg.token(label))
	return thinq.NewClient(thinq.Options{
		Country:  c.Country,
		Token:    func(context.Context) (string, error) { return read() },
		APIURL:   c.APIURL,
		Roots:    roots,
		Budget:   budget,
		Logger:   log.With("part", "cloud"),
		Identity: store.Identity(),
		Save:     store.SaveIdentity,
		Observe:  b.metrics.Observe(label),
	})
}

// link is the local side. The client id must differ for each account, or the
// broker would let them throw each other out.
func (b *builder) link(label, instance string, t discovery.Topics, log *slog.Logger) (*link.Link, error) {
	m := b.cfg.MQTT
	address, err := url.Parse(m.URL)
	if err != nil {
		return nil, fmt.Errorf("mqtt.url: %w", err)
	}
	secure, err := brokerTLS(m)
	if err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	id := cmp.Or(m.ClientID, instance)
	if m.ClientID != "" && label != "" {
		id += "_" + label
	}
	o := link.Options{
		URL:           address,
		ClientID:      id,
		Username:      m.Username,
		TLS:           secure,
		Will:          bridge.Will(t),
		Subscriptions: bridge.Subscriptions(t),
		Logger:        log.With("part", "mqtt"),
	}
	if password := b.cfg.password(); password.set() {
		o.Password = b.app.reader(password)
	}
	return link.New(o), nil
}

// reader reads a secret at every call, and makes sure that it is never written.
func (a *app) reader(s secretSource) func() (string, error) {
	return func() (string, error) {
		text, err := s.Read()
		if err != nil {
			return "", fmt.Errorf("%s_file: %s %w", s.key, s.file, err)
		}
		a.secrets.hide(text)
		return text, nil
	}
}

// brokerTLS is how the local broker is to be trusted and told who we are.
func brokerTLS(m MQTT) (*tls.Config, error) {
	roots, err := authorities(m.CAFile, func() (*x509.CertPool, error) { return x509.NewCertPool(), nil })
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	c := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if m.CertFile != "" {
		if _, err := tls.LoadX509KeyPair(m.CertFile, m.KeyFile); err != nil {
			return nil, fmt.Errorf("cert_file, key_file: %w", err)
		}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(m.CertFile, m.KeyFile) // may have been renewed
			return &pair, err
		}
	}
	return c, nil
}

// authorities adds those of a PEM file to a pool; nil (the system's) if there is
// no file.
func authorities(path string, pool func() (*x509.CertPool, error)) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	roots, err := pool()
	if err != nil {
		return nil, err
	}
	if !roots.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", path)
	}
	return roots, nil
}
