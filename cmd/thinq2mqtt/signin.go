package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A signIn is how a partner account has its tokens: what somebody's sign-in
// gave, kept in the state folder and renewed in time.
type signIn struct {
	tokens *thinq.TokenSource
	emp    func() (thinq.EMP, error)
	store  *bridge.Store
	hide   func(secrets ...string)
	fallen func()
	log    *slog.Logger

	key     *watcher // of the service
	restart func()
}

// signIn goes on with what an earlier run, or login, left behind.
func (b *builder) signIn(label string, store *bridge.Store, log *slog.Logger) *signIn {
	s := &signIn{
		emp:   func() (thinq.EMP, error) { return b.app.emp(b.cfg, label) },
		store: store, log: log, fallen: b.app.fallen,
		hide: func(secrets ...string) { b.app.secrets.hideLatest(label, secrets...) },
		key:  newWatcher(b.app.reader(b.cfg.serviceKey(label))), restart: b.restart,
	}
	s.tokens = thinq.NewTokenSource(s.known(store.Token()), s.refresh, s.save)
	return s
}

// known is a token as it was saved; the zero token if that is none.
func (s *signIn) known(saved json.RawMessage) (t thinq.Token) {
	if json.Unmarshal(saved, &t) != nil {
		return thinq.Token{}
	}
	s.hide(t.AccessToken, t.RefreshToken)
	return t
}

// refresh is for [thinq.NewTokenSource].
func (s *signIn) refresh(ctx context.Context, old thinq.Token) (thinq.Token, error) {
	defer s.fallen() // the goroutine is somebody else's
	emp, err := s.emp()
	if err != nil {
		return thinq.Token{}, err
	}
	t, err := emp.Refresh(ctx, old)
	if err == nil {
		s.hide(t.AccessToken, t.RefreshToken)
	}
	return t, err
}

// save is for [thinq.NewTokenSource].
func (s *signIn) save(t thinq.Token) error {
	if t == (thinq.Token{}) {
		return s.store.SaveToken(nil)
	}
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return s.store.SaveToken(data)
}

// changed takes over what login or logout left behind, if they did. Another
// service key needs more: everything is built anew.
func (s *signIn) changed() bool {
	if s.key.changed() {
		s.log.Info("the service key is another one: starting anew")
		s.restart()
		return false
	}
	changed, err := s.tokens.ReplaceBy(func() (thinq.Token, bool, error) {
		saved, changed, err := s.store.TakeOver()
		return s.known(saved), changed, err
	})
	if err != nil {
		s.log.Error("the sign-in cannot be taken over", "err", err)
	}
	return changed
}

// emp is LG's sign-in for a partner account. It is made for every use, because
// files that the configuration names may have been replaced.
func (a *app) emp(c *Config, label string) (thinq.EMP, error) {
	_, account := c.account(label)
	roots, err := account.roots()
	if err != nil {
		return thinq.EMP{}, err
	}
	o := account.OAuth
	emp := thinq.EMP{
		ClientID: o.ClientID, RedirectURL: o.RedirectURL, URL: cmp.Or(o.EMPURL, thinq.EMPURL(account.Country)),
		Roots: roots, Agent: thisBuild().agent(), Proxy: account.way(),
	}
	if secret := c.clientSecret(label); secret.set() {
		text, err := a.reader(secret)()
		emp.ClientSecret = Secret(text)
		return emp, err
	}
	return emp, nil
}

// roots are the authorities that an account's addresses at LG are trusted by;
// nil: the system's.
func (a Account) roots() (*x509.CertPool, error) {
	known, err := x509.SystemCertPool()
	if err != nil {
		known = x509.NewCertPool() // an image without any
	}
	roots, err := authorities(a.CAFile, known)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %s %w", a.CAFile, err)
	}
	return roots, nil
}
