package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// An account is one bridge with what it works with.
type account struct {
	label   string
	store   *bridge.Store
	link    *link.Link
	bridge  *bridge.Bridge
	tokens  *thinq.TokenSource // nil: the token comes from the configuration
	changed func() bool        // whether the token became another one
	fallen  func()             // see app.fallen
	log     *slog.Logger
}

// close leaves the state folder as it is to be found by the next run.
func (a *account) close() {
	if a.tokens != nil {
		a.tokens.Close()
	}
	a.store.Close()
}

// refusedPause is the time between tries with a client certificate that the
// local broker refuses: a new file, or a new rule there, may help.
const refusedPause = time.Minute

// run keeps the link up until the bridge has said its farewell over it, and
// watches for a new token.
func (a *account) run(ctx context.Context) error {
	up, down := context.WithCancel(context.WithoutCancel(ctx))
	members, ctx := errgroup.WithContext(ctx)
	group := crew{members, a.fallen}
	group.Go(func() error { return a.connect(up) })
	group.Go(func() error {
		a.watchToken(up)
		return nil
	})
	group.Go(func() error {
		defer down()
		return a.bridge.Run(ctx)
	})
	return group.Wait()
}

// connect keeps the link up until ctx ends. It gives up only where a new process
// helps and nothing else does.
func (a *account) connect(ctx context.Context) error {
	for {
		err := a.link.Run(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, link.ErrStuck):
			return exitf(exitStuck, "the broker is out of reach: %w; the process has to be started anew", err)
		}
		a.log.Error("the broker cannot be used", "err", err)
		select {
		case <-time.After(refusedPause):
		case <-ctx.Done():
			return nil
		}
	}
}

// A builder makes accounts; its fields are what they share.
type builder struct {
	app     *app
	cfg     *Config
	handler slog.Handler
	level   *slog.LevelVar
	metrics *bridge.Metrics
	restart func()
	trouble func() []string
}

func (b *builder) account(label string, c Account) (*account, error) {
	if err := ours(os.Geteuid(), b.cfg.StateDir, filepath.Join(b.cfg.StateDir, label)); err != nil {
		return nil, err
	}
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

// ours keeps root out of folders of another user, who could not read afterwards
// what root wrote there.
func ours(me int, dirs ...string) error {
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil || me != 0 {
			continue // it will be made, or complained about
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid != 0 {
			return exitf(exitState, "state folder: %s belongs to user number %d, who could not read what root writes there: run thinq2mqtt as that user (sudo -u '#%[2]d'), or name another state_dir", dir, owner.Uid)
		}
	}
	return nil
}

func (b *builder) assemble(label string, c Account, store *bridge.Store) (*account, error) {
	tell := bridge.NewLogHandler()
	log := slog.New(slog.NewMultiHandler(b.handler, b.app.secrets.handler(tell)))
	if label != "" {
		log = log.With("account", label)
	}
	a := &account{label: label, store: store, fallen: b.app.fallen, log: log}
	budget := thinq.NewBudget(c.Budget.CallsPerHour, c.Budget.BackgroundPerHour, store.Budget())
	client, err := b.client(a, c, budget)
	if err != nil {
		return nil, exit(exitConfig, err)
	}
	o := b.cfg.discovery(label)
	o.Instance = store.Instance()
	spill := bridge.NewSpill()
	broker, err := b.broker(label, store.Instance(), o.Topics, spill, log)
	if err != nil {
		return nil, exit(exitConfig, err)
	}
	a.link = link.New(broker)
	region, _ := thinq.Region(c.Country) // validated
	build := thisBuild()
	a.bridge = bridge.New(bridge.Options{
		Account:       label,
		Cloud:         client,
		Broker:        a.link,
		Subscriber:    subscriber(c, log.With("part", "events")),
		Budget:        budget,
		Store:         store,
		Discovery:     o,
		HomeAssistant: b.cfg.HomeAssistant.Enabled,
		Reconcile:     c.Reconcile,
		Version:       build.Version,
		Commit:        build.Commit,
		Built:         build.made,
		Country:       c.Country,
		Region:        region,
		Config:        b.cfg.public(),
		Logger:        log,
		Level:         b.level,
		Metrics:       b.metrics,
		Restart:       b.restart,
		Log:           tell,
		Spill:         spill,
		Fallen:        b.app.fallen,
		Trouble:       b.trouble,
		Token:         func() bridge.Token { return b.token(label) },
	})
	return a, nil
}

// token is what others may know of an account's: that it is there, and how old
// its file is.
func (b *builder) token(label string) bridge.Token {
	if _, c := b.cfg.account(label); c.partner() {
		return bridge.SignInOf(filepath.Join(b.cfg.StateDir, label))
	}
	source := b.cfg.token(label)
	_, err := source.Read()
	return bridge.Token{Present: err == nil, Since: source.since()}
}

// subscriber is how events are had; nil: not at all.
func subscriber(c Account, log *slog.Logger) thinq.Subscriber {
	switch c.Events {
	case "mqtt":
		return bridge.Subscriber(link.Options{Logger: log})
	case "websocket":
		return bridge.Callback(bridge.CallbackOptions{Logger: log, Agent: thisBuild().agent(), Proxy: c.way()})
	}
	return nil
}

// client is LG's side of an account.
func (b *builder) client(a *account, c Account, budget *thinq.Budget) (*thinq.Client, error) {
	roots, err := c.roots()
	if err != nil {
		return nil, err
	}
	hide := func(id *thinq.Identity) {
		if id != nil {
			b.app.secrets.hideKey(a.label+" key", string(id.Key))
		}
	}
	known := a.store.Identity()
	hide(known)
	o := thinq.Options{
		Country:  c.Country,
		Agent:    thisBuild().agent(),
		Proxy:    c.way(),
		APIURL:   c.APIURL,
		Roots:    roots,
		Budget:   budget,
		Logger:   a.log.With("part", "cloud"),
		Identity: known,
		Save: func(id thinq.Identity) error {
			hide(&id)
			return a.store.SaveIdentity(id)
		},
		Observe: b.metrics.Observe(a.label),
		Dropped: b.metrics.Dropped,
	}
	if !c.partner() {
		token := newWatcher(b.app.reader(b.cfg.token(a.label)))
		a.changed = token.changed
		o.Token = func(context.Context) (string, error) { return token.use() }
	} else if err := b.partner(a, c.OAuth, &o); err != nil {
		return nil, err
	}
	return thinq.NewClient(o)
}

// partner makes the client of an account whose user signs in.
func (b *builder) partner(a *account, c OAuth, o *thinq.Options) error {
	s := b.signIn(a.label, a.store, a.log)
	a.tokens, a.changed = s.tokens, s.changed
	o.Token, o.Renew = s.tokens.Token, s.tokens.Renew
	o.Surface, o.CallbackURL, o.Service.ID = thinq.Surface(c.API), c.WebSocketURL, c.ServiceID
	key, err := b.app.reader(b.cfg.serviceKey(a.label))()
	o.Service.Key = Secret(key)
	return err
}

// broker is the local side. The client id must differ for each account, or the
// broker would let them throw each other out.
func (b *builder) broker(label, instance string, t discovery.Topics, spill *bridge.Spill, log *slog.Logger) (o link.Options, err error) {
	m := b.cfg.MQTT
	address, err := url.Parse(m.URL)
	if err != nil {
		return o, fmt.Errorf("mqtt.url: %w", err)
	}
	secure, err := brokerTLS(m)
	if err != nil {
		return o, err
	}
	id := cmp.Or(m.ClientID, instance)
	if m.ClientID != "" && label != "" {
		id += "_" + label
	}
	o = link.Options{
		URL:           address,
		ClientID:      id,
		Username:      m.Username,
		TLS:           secure,
		Will:          bridge.Will(t),
		Subscriptions: bridge.Subscriptions(t),
		Clear:         m.AllowPlain,
		Logger:        log.With("part", "mqtt"),
		Overflow:      spill.Take,
	}
	if password := b.cfg.password(); password.set() {
		o.Password = b.app.reader(password)
	}
	return o, nil
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
	roots, err := authorities(m.CAFile, x509.NewCertPool())
	if err != nil {
		return nil, fmt.Errorf("mqtt.ca_file: %s %w", m.CAFile, err)
	}
	c := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if m.CertFile != "" {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := m.keyPair() // may have been renewed
			return &pair, err
		}
	}
	return c, nil
}

// keyPair is the client certificate, whose key is a secret like the others.
func (m MQTT) keyPair() (tls.Certificate, error) {
	key, err := contents(m.KeyFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s %w", m.KeyFile, err)
	}
	certificate, err := os.ReadFile(m.CertFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s %w", m.CertFile, unreadable(err))
	}
	return tls.X509KeyPair(certificate, key)
}

// authorities adds those of a PEM file to a pool; nil, which means the system's,
// if there is no file. The error goes on after the file's name.
func authorities(path string, pool *x509.CertPool) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, unreadable(err)
	}
	if !pool.AppendCertsFromPEM(data) {
		return nil, errors.New("holds no certificate in PEM form: name the authority's file in that form")
	}
	return pool, nil
}
