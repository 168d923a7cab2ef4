package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// loginFlags are the flags of login.
type loginFlags struct {
	config    string
	account   string
	paste     bool
	noBrowser bool
	yes       bool
}

// loginCommand signs the user of a partner account in.
func (a *app) loginCommand() *cobra.Command {
	var f loginFlags
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Sign in at LG with a browser, for partner accounts (oauth)",
		Long: `Sign in at LG with a browser, for partner accounts (thinq.oauth).

LG sends the browser back to oauth.redirect_url. Where that is this machine,
login waits there until it comes; otherwise, or with --paste, you paste the
address of the page on which the browser ends up. The account is shown, and kept
only if you say so. A running daemon goes on with it within half a minute.`,
		Example: `  thinq2mqtt login
  thinq2mqtt login --paste     # on a machine without a browser`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.login(cmd.Context(), f, newTalk(cmd.InOrStdin(), cmd.OutOrStdout()))
		},
	}
	configFlag(cmd, &f.config)
	accountFlag(cmd, &f.account)
	flags := cmd.Flags()
	flags.BoolVar(&f.paste, "paste", false, "paste the address at which the browser ends up, instead of waiting for it")
	flags.BoolVar(&f.noBrowser, "no-browser", false, "only print the address, open no browser")
	flags.BoolVar(&f.yes, "yes", false, "store the sign-in without asking")
	return cmd
}

// accountFlag is --account, for commands about one account.
func accountFlag(cmd *cobra.Command, label *string) {
	cmd.Flags().StringVar(label, "account", "", "`label` of the account, if there are several")
}

// A holder is a partner account with what a sign-in needs to know of it.
type holder struct {
	app   *app
	cfg   *Config
	label string
	Account
}

func (h holder) dir() string { return filepath.Join(h.cfg.StateDir, h.label) }

// holder finds the account that a command is about. Only what a sign-in needs
// must be right: the rest may still be missing.
func (a *app) holder(path, label string) (holder, error) {
	cfg, err := a.source(path).load()
	if err != nil {
		return holder{}, exit(exitConfig, err)
	}
	if label, err = cfg.pick(label); err != nil {
		return holder{}, err
	}
	key, account := cfg.account(label)
	if !account.partner() {
		return holder{}, exitf(exitConfig, "%s.oauth.client_id is not set: only partner accounts sign in, all others have a token", key)
	}
	needed := []string{"state_dir"}
	for _, name := range []string{"country", "token", "token_file", "oauth", "api_url", "ca_file"} {
		needed = append(needed, join(key, name))
	}
	return holder{a, cfg, label, account}, exit(exitConfig, about(cfg.Validate(), key, needed...))
}

// pick is the label that is meant: that of the only partner account if none is
// said.
func (c *Config) pick(label string) (string, error) {
	accounts := c.labels()
	all := slices.Sorted(maps.Keys(accounts))
	if label != "" {
		if _, known := accounts[label]; !known {
			return "", exitf(exitUsage, "--account %s: there is no such account in the configuration: %s", label, orNone(all))
		}
		return label, nil
	}
	if len(all) > 1 {
		partners := slices.DeleteFunc(slices.Clone(all), func(l string) bool { return !accounts[l].partner() })
		if len(partners) != 1 {
			return "", exitf(exitUsage, "which account: say --account with one of %s", strings.Join(all, ", "))
		}
		return partners[0], nil
	}
	return all[0], nil
}

func orNone(labels []string) string {
	if len(labels) == 1 && labels[0] == "" {
		return "there is only one, so leave --account out"
	}
	return "use one of " + strings.Join(labels, ", ")
}

// about keeps the complaints about an account as such, which is where its label
// is a folder, and about some keys and what is below them.
func about(err error, account string, keys ...string) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	return errors.Join(slices.DeleteFunc(slices.Clone(joined.Unwrap()), func(err error) bool {
		c, ok := errors.AsType[*complaint](err)
		return ok && c.key != account && !slices.ContainsFunc(keys, func(key string) bool { return c.key == key || strings.HasPrefix(c.key, key+".") })
	})...)
}

func (a *app) login(ctx context.Context, f loginFlags, t *talk) error {
	h, err := a.holder(f.config, f.account)
	if err != nil {
		return err
	}
	emp, err := a.emp(h.cfg, h.label)
	if err != nil {
		return exit(exitConfig, err)
	}
	token, err := t.signIn(ctx, emp, f, a)
	if err == nil {
		a.secrets.hide(token.AccessToken)
		a.secrets.hide(token.RefreshToken)
		err = h.confirm(ctx, t, token, f.yes)
	}
	if ctx.Err() != nil {
		t.say("\n")
		return exitf(exitFault, "stopped, so nothing was stored")
	}
	if err != nil {
		return signInFailed(err)
	}
	return h.store(t, token)
}

// signIn has a person sign in, and turns the answer into a token.
func (t *talk) signIn(ctx context.Context, emp thinq.EMP, f loginFlags, a *app) (thinq.Token, error) {
	login, wait := emp.Begin(), t.served
	switch {
	case f.paste:
		wait = t.pasted
	case !login.Local():
		return thinq.Token{}, exitf(exitUsage, "LG sends the browser to %s, which is not on this machine: use thinq2mqtt login --paste", emp.RedirectURL)
	case !f.noBrowser:
		t.browse = a.browse
	}
	code, backend, err := wait(ctx, emp, login)
	if err != nil {
		return thinq.Token{}, err
	}
	t.say("\nSigned in. Asking LG whose account that is …\n")
	return emp.Exchange(ctx, code, backend)
}

// served waits for the browser at the redirect address.
func (t *talk) served(ctx context.Context, emp thinq.EMP, login *thinq.Login) (code, backend string, err error) {
	listeners, err := listenAll(login.Addresses())
	if err != nil {
		return "", "", err
	}
	t.say("Sign in at LG: open this address with a browser on this machine.\n\n  %s\n\n", login.StartURL())
	t.say("On a machine without a browser: thinq2mqtt login --paste\n\n%s", troubles(emp))
	if t.browse != nil {
		t.browse(login.StartURL())
	}
	return login.Serve(ctx, listeners...)
}

// listenAll listens on all addresses. A machine without IPv6 does without.
func listenAll(addresses []string) (all []net.Listener, err error) {
	for _, address := range addresses {
		l, err := net.Listen("tcp", address)
		if len(all) > 0 && (errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)) {
			continue
		}
		if err != nil {
			for _, l := range all {
				l.Close()
			}
			return nil, exit(exitFault, unheard(address, err))
		}
		all = append(all, l)
	}
	return all, nil
}

func unheard(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s, where LG sends the browser, is in use: end what listens there (another login?), or use thinq2mqtt login --paste", address)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s, where LG sends the browser, may not be listened on: use thinq2mqtt login --paste, or register a port above 1023 with LG", address)
	}
	return fmt.Errorf("%s, where LG sends the browser: %w: use thinq2mqtt login --paste", address, err)
}

// pasted asks for the address at which the browser ends up, until it is one.
func (t *talk) pasted(ctx context.Context, emp thinq.EMP, login *thinq.Login) (code, backend string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, thinq.SignInTime, &thinq.LoginError{Reason: thinq.NoAnswer})
	defer cancel()
	t.say("Sign in at LG: open this address with any browser.\n\n  %s\n\n", login.URL())
	if t.terminal {
		drawQR(t.out, login.URL())
	}
	t.say("The browser is then sent to %s and may say that it cannot be reached; never mind.\n%s", emp.RedirectURL, troubles(emp))
	for {
		t.say("\nPaste the whole address of that page: ")
		address, err := t.line(ctx)
		if err == io.EOF {
			return "", "", exitf(exitFault, "no address was pasted, so nothing was stored: paste that of the page at which the browser ends up")
		}
		if err != nil {
			return "", "", err
		}
		if code, backend, err = login.Paste(address); err == nil || login.Over() {
			return code, backend, err
		}
		t.say("%v\n", err)
	}
}

// troubles are what LG shows as a message in the browser, which then is never
// sent back.
func troubles(emp thinq.EMP) string {
	host := emp.URL
	if u, err := url.Parse(emp.URL); err == nil {
		host = u.Host
	}
	return fmt.Sprintf(`Waiting for at most ten minutes; Ctrl-C ends it. LG may show a message and go no further:
  Mismatching Redirect URI   register %s with LG, letter by letter, or correct oauth.redirect_url
  not currently supported in your country
                             accept LG's terms for other companies' services in the LG ThinQ app; is country right?
  Page not found             %s does not know oauth.client_id, or is not LG's for your country
`, emp.RedirectURL, host)
}

// client asks LG in the name of somebody who signed in.
func (h holder) client(o thinq.Options) (*thinq.Client, error) {
	key, err := h.app.reader(h.cfg.serviceKey(h.label))()
	if err != nil {
		return nil, exit(exitConfig, err)
	}
	if o.Roots, err = h.roots(); err != nil {
		return nil, exit(exitConfig, err)
	}
	o.Country, o.APIURL, o.Surface, o.Proxy = h.Country, h.APIURL, thinq.Surface(h.OAuth.API), h.way()
	o.Agent = thisBuild().agent()
	o.Service = thinq.Service{ID: h.OAuth.ServiceID, Key: Secret(key)}
	client, err := thinq.NewClient(o)
	return client, exit(exitConfig, err)
}

// confirm shows whose sign-in it is, and has the person say that it is theirs:
// nothing else would tell a code that somebody foisted on them.
func (h holder) confirm(ctx context.Context, t *talk, token thinq.Token, yes bool) error {
	client, err := h.client(thinq.Options{Token: func(context.Context) (string, error) { return token.AccessToken, nil }})
	if err != nil {
		return err
	}
	defer client.Close()
	user, err := client.User(ctx)
	if err != nil && thinq.ClassOf(err) != thinq.Unsupported {
		return err
	}
	devices, err := client.Devices(ctx)
	if err != nil {
		return err
	}
	if devices == nil {
		return exitf(exitBusy, "LG's answer holds no list of appliances, not even an empty one, so nothing was stored: run thinq2mqtt login again later")
	}
	t.say("\n%s", accountText(user, devices))
	if yes {
		return nil
	}
	t.say("\nStore this sign-in? [y/N] ")
	return t.agreed(ctx)
}

// accountText shows an account to its owner.
func accountText(user string, devices []thinq.Device) string {
	var b strings.Builder
	if user != "" {
		fmt.Fprintf(&b, "User number: %s\n", shown(user))
	}
	if len(devices) == 0 {
		return b.String() + "Appliances: none. Is it the right account, and the right country?\n"
	}
	b.WriteString("Appliances:\n")
	for _, d := range devices {
		fmt.Fprintf(&b, "  %s (%s)\n", shown(d.Alias), strings.ToLower(strings.TrimPrefix(shown(d.Type), "DEVICE_")))
	}
	return b.String()
}

// store hands the sign-in over to the daemon, whether that runs or not.
func (h holder) store(t *talk, token thinq.Token) error {
	data, err := json.Marshal(token)
	if err != nil {
		return err
	}
	when, err := h.handOver(data)
	if err == nil {
		t.say("The sign-in is stored. %s\n", when)
	}
	return err
}

// handOver gives the daemon another sign-in, or none, and says when that
// counts.
func (h holder) handOver(token json.RawMessage) (when string, err error) {
	if err := bridge.HandOver(h.dir(), token); err != nil {
		return "", exitf(exitState, "%w: see state_dir", err)
	}
	const later = "The daemon takes that over within half a minute, or when it starts."
	if !bridge.Mine(h.dir()) {
		return later, nil
	}
	store, err := bridge.OpenStore(h.dir())
	if errors.Is(err, bridge.ErrInUse) {
		return later, nil
	}
	if err != nil {
		return "", exitf(exitState, "%w: see state_dir", err)
	}
	return "It counts from the next start of the daemon.", store.Close()
}
