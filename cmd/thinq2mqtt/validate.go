package main

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// shortestReconcile keeps a slip of the finger (5s for 5m) from eating the budget.
const shortestReconcile = 10 * time.Second

// labelled is what a label may be made of: it is a topic level, a folder and a
// part of variables' names at once.
var labelled = regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)

// Validate says everything that is wrong with the values, each complaint with
// its key, where it was set and what to do; nil if nothing is.
func (c *Config) Validate() error {
	v := validator{c: c}
	v.enums(reflect.ValueOf(*c), "")
	v.accounts()
	v.mqtt()
	v.homeAssistant()
	v.http()
	v.devices()
	v.mappings()
	if c.StateDir == "" {
		v.complain("state_dir", "is empty: name a folder that thinq2mqtt may write to")
	}
	return errors.Join(v.wrong...)
}

// only keeps the complaints about some sections.
func only(err error, sections ...string) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	return errors.Join(slices.DeleteFunc(slices.Clone(joined.Unwrap()), func(err error) bool {
		c, ok := errors.AsType[*complaint](err)
		section, _, _ := strings.Cut(c.key, ".")
		return ok && !slices.Contains(sections, section)
	})...)
}

type validator struct {
	c     *Config
	wrong []error
}

func (v *validator) complain(key, format string, args ...any) {
	v.wrong = append(v.wrong, &complaint{v.c.at.of(key), key, fmt.Sprintf(format, args...)})
}

// enums checks every value that has a list of what it may be.
func (v *validator) enums(value reflect.Value, section string) {
	for name, f := range settings(value.Type()) {
		field, key := value.FieldByIndex(f.Index), join(section, name)
		switch allowed := f.Tag.Get("enum"); {
		case field.Kind() == reflect.Struct:
			v.enums(field, key)
		case f.Type == reflect.TypeFor[map[string]Account]():
			for _, label := range slices.Sorted(maps.Keys(v.c.Accounts)) {
				v.enums(reflect.ValueOf(v.c.Accounts[label]), join(key, label))
			}
		case allowed != "" && !slices.Contains(strings.Split(allowed, ","), field.String()):
			v.complain(key, "%q is not possible: use %s", field.String(), strings.ReplaceAll(allowed, ",", ", "))
		}
	}
}

// accounts checks that there is one at least, and each.
func (v *validator) accounts() {
	if len(v.c.Accounts) == 0 {
		v.account("thinq", v.c.ThinQ)
		return
	}
	if v.c.ThinQ != defaultAccount() {
		v.complain("thinq", "cannot stand beside accounts: move it there under a label of its own")
	}
	for _, label := range slices.Sorted(maps.Keys(v.c.Accounts)) {
		key := join("accounts", label)
		if !labelled.MatchString(label) {
			v.complain(key, "the label must be made of lower-case letters, digits and single underscores")
		}
		v.account(key, v.c.Accounts[label])
	}
}

func (v *validator) account(key string, a Account) {
	v.country(join(key, "country"), a.Country)
	if a.partner() {
		v.partner(key, a)
	} else {
		v.personal(key, a)
	}
	if a.APIURL != "" {
		v.url(join(key, "api_url"), a.APIURL, "https://host:port", "https")
	}
	v.authorities(join(key, "ca_file"), a.CAFile)
	if a.Proxy != "" {
		v.url(join(key, "proxy"), a.Proxy, "http://proxy:3128", "http")
	}
	switch b := a.Budget; {
	case b.CallsPerHour < 1:
		v.complain(join(key, "budget.calls_per_hour"), "%d leaves nothing to call with: the default is 100", b.CallsPerHour)
	case b.BackgroundPerHour < 1 || b.BackgroundPerHour > b.CallsPerHour:
		v.complain(join(key, "budget.background_per_hour"), "%d is not within 1 and calls_per_hour (%d)", b.BackgroundPerHour, b.CallsPerHour)
	}
	if a.Reconcile < shortestReconcile {
		v.complain(join(key, "reconcile"), "%s is too often: at least %s, 30m is the default", a.Reconcile, shortestReconcile)
	}
}

// personal checks what belongs to an account with a token.
func (v *validator) personal(key string, a Account) {
	if a.OAuth != defaultAccount().OAuth {
		v.complain(join(key, "oauth.client_id"), "is missing: set the app key that LG gave you, or remove oauth and use token_file")
		return
	}
	v.credential(v.c.secret(join(key, "token"), a.Token, a.TokenFile), true)
	if a.Events == "websocket" {
		v.complain(join(key, "events"), "websocket is for partner accounts (oauth): use mqtt")
	}
}

// partner checks what belongs to an account whose users sign in.
func (v *validator) partner(key string, a Account) {
	if name := cmp.Or(v.c.set(join(key, "token")), v.c.set(join(key, "token_file"))); name != "" {
		v.complain(name, "cannot stand beside oauth.client_id: remove one of them; a partner account has thinq2mqtt login instead")
	}
	if a.Events == "mqtt" {
		v.complain(join(key, "events"), "mqtt is for accounts with a token: remove it, or use websocket or off")
	}
	o, section := a.OAuth, join(key, "oauth")
	v.identifier(join(section, "client_id"), o.ClientID)
	v.credential(v.c.secret(join(section, "client_secret"), o.ClientSecret, o.ClientSecretFile), false)
	v.identifier(join(section, "service_id"), o.ServiceID)
	v.credential(v.c.secret(join(section, "service_key"), o.ServiceKey, o.ServiceKeyFile), true)
	v.guarded(join(section, "redirect_url"), o.RedirectURL, defaultAccount().OAuth.RedirectURL, "https", "http")
	if o.EMPURL != "" {
		v.guarded(join(section, "emp_url"), o.EMPURL, thinq.EMPURL("kr"), "https", "http")
	}
	if o.WebSocketURL != "" {
		v.guarded(join(section, "websocket_url"), o.WebSocketURL, "wss://host/websocket", "wss", "ws")
	}
}

// identifier checks what LG gave to a partner; it travels in headers.
func (v *validator) identifier(key, text string) {
	switch {
	case text == "":
		v.complain(key, "is missing: set the id of your service at LG")
	case strings.ContainsFunc(text, odd):
		v.complain(key, "%q holds characters that LG gives to nobody: copy it again", text)
	}
}

// odd is a character that cannot be in a header, or does not belong there.
func odd(r rune) bool { return r <= ' ' || r > '~' }

// credential checks a secret that LG gave; it travels in headers.
func (v *validator) credential(s secretSource, required bool) {
	v.secret(s, required)
	if text, err := s.Read(); err == nil && strings.ContainsFunc(text, odd) {
		key := s.key
		if s.file != "" {
			key += "_file"
		}
		v.complain(key, "holds a blank or another character that LG gives to nobody: copy it again")
	}
}

// guarded checks an address that secrets are sent to: only what stays on this
// machine may go unencrypted.
func (v *validator) guarded(key, text, example, secure, plain string) {
	schemes := []string{secure}
	u, err := url.Parse(text)
	if err == nil && thinq.Loopback(u.Hostname()) {
		schemes = append(schemes, plain)
	}
	if err == nil && (u.RawQuery != "" || u.Fragment != "") {
		v.complain(key, "must end with its path: write it as in %s", example)
		return
	}
	v.url(key, text, example, schemes...)
}

func (v *validator) country(key, country string) {
	if country == "" {
		v.complain(key, "is missing: set the two letters of the account's country, as in KR or US")
		return
	}
	if _, err := thinq.Region(country); err != nil {
		v.complain(key, "%v", err) // says what to give
	}
}

// secret checks that there is at most one source, and that it can be read.
func (v *validator) secret(s secretSource, required bool) {
	switch {
	case s.value != "" && s.file != "":
		v.complain(s.key, "is set, and %s_file as well: remove one of them", s.key)
	case !s.set() && required:
		v.complain(s.key+"_file", "is missing: name a file that holds the secret, or set %s", s.key)
	case s.set():
		if _, err := s.Read(); err != nil {
			v.complain(s.key+"_file", "%s %v", s.named(), err)
		}
	}
}

func (v *validator) mqtt() {
	m := v.c.MQTT
	v.url("mqtt.url", m.URL, "mqtt://localhost:1883", "mqtt", "mqtts", "ws", "wss")
	v.secret(v.c.secret("mqtt.password", m.Password, m.PasswordFile), false)
	v.topic("mqtt.base_topic", m.BaseTopic)
	v.authorities("mqtt.ca_file", m.CAFile)
	if (m.CertFile == "") != (m.KeyFile == "") {
		v.complain(cmp.Or(v.c.set("mqtt.cert_file"), v.c.set("mqtt.key_file")), "needs its counterpart: set both cert_file and key_file, or none")
	} else if m.CertFile != "" {
		if _, err := m.keyPair(); err != nil {
			v.complain("mqtt.cert_file", "and key_file cannot be used: %v", err)
		}
	}
}

// url checks an address, without ever repeating what may be a password in it.
func (v *validator) url(key, text, example string, schemes ...string) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		v.complain(key, "is not an address: write it as in %s", example)
	case !slices.Contains(schemes, u.Scheme):
		v.complain(key, "has the scheme %q: use %s, as in %s", u.Scheme, strings.Join(schemes, ", "), example)
	case u.Hostname() == "":
		v.complain(key, "names no host: write it as in %s", example)
	case portless(u):
		v.complain(key, "has the port %q: use 1 to 65535, as in %s", u.Port(), example)
	case u.User != nil:
		v.complain(key, "must not carry a user or password: use the keys made for them")
	}
}

// portless reports whether an address names a port that cannot be.
func portless(u *url.URL) bool {
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() != "" && (err != nil || n == 0)
}

// authorities checks a file of certificates, if one is named.
func (v *validator) authorities(key, path string) {
	if _, err := authorities(path, x509.NewCertPool()); err != nil {
		v.complain(key, "%s %v", path, err)
	}
}

// longestTopic leaves room for an account, an appliance and an attribute in what
// every broker takes.
const longestTopic = 256

// topic checks a topic that others are built on (MQTT 5 section 4.7).
func (v *validator) topic(key, topic string) {
	switch {
	case len(topic) > longestTopic:
		v.complain(key, "has %d bytes: use %d at most, because appliance and attribute follow", len(topic), longestTopic)
	case topic == "":
		v.complain(key, "is empty: name a topic")
	case strings.ContainsAny(topic, "+#\x00") || strings.HasPrefix(topic, "$"):
		v.complain(key, "%q is not a topic to publish to: leave out + and #, and $ at the front", topic)
	case strings.HasPrefix(topic, "/") || strings.HasSuffix(topic, "/") || strings.Contains(topic, "//"):
		v.complain(key, "%q has an empty level: remove the slash", topic)
	}
}

func (v *validator) homeAssistant() {
	if v.c.HomeAssistant.Enabled {
		v.topic("homeassistant.discovery_prefix", v.c.HomeAssistant.DiscoveryPrefix)
	}
}

func (v *validator) http() {
	if v.c.HTTP.Listen == "" {
		return
	}
	_, port, err := net.SplitHostPort(v.c.HTTP.Listen)
	if _, perr := net.LookupPort("tcp", port); err != nil || perr != nil || port == "" {
		v.complain("http.listen", "%q is not host:port: write it as in 127.0.0.1:8099, or leave it empty", v.c.HTTP.Listen)
	}
	for _, name := range v.c.HTTP.names() {
		_, noAddress := netip.ParseAddr(name)
		_, noAddressPort := netip.ParseAddrPort(name)
		if !hostName.MatchString(name) && noAddress != nil && noAddressPort != nil {
			v.complain("http.allowed_hosts", "%q is no name: write it as in bridge.example.com or nas.lan:8099, without http:// and path, and a comma between two", name)
		}
	}
	v.secret(v.c.pagePassword(), false)
}

// hostName is what a browser asks for, with or without a port.
var hostName = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?(:[0-9]{1,5})?$`)

func (v *validator) devices() {
	slugs := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(v.c.Devices)) {
		slug, key := v.c.Devices[name].Slug, join("devices", name)+".slug"
		other, taken := slugs[slug]
		switch {
		case slug == "":
			continue
		case !discovery.ValidSlug(slug):
			v.complain(key, "%q cannot be part of a topic: use letters, digits, _ and -, and not the word bridge", slug)
		case taken:
			v.complain(key, "%q is the slug of %s already: choose another", slug, other)
		}
		slugs[slug] = name
	}
}

// set is key if it was set anywhere, else empty.
func (c *Config) set(key string) string {
	if _, ok := c.at[key]; ok {
		return key
	}
	return ""
}

// unset reports whether there was neither a file nor a variable.
func (c *Config) unset() bool { return len(c.at) == 1 && c.at[""] == "" }

// secret finds the source of a secret: value, file, or systemd's credential of
// the same name with underscores.
func (c *Config) secret(key string, value Secret, file string) secretSource {
	s := secretSource{key: key, value: value, file: file}
	if value != "" {
		s.in = c.at.fileOf(key)
	}
	if s.set() || c.credentials == "" {
		return s
	}
	path := filepath.Join(c.credentials, strings.ReplaceAll(key, ".", "_"))
	if _, err := os.Stat(path); err == nil {
		s.file = path
	}
	return s
}

// account is the account of a label, and the key that it stands under.
func (c *Config) account(label string) (string, Account) {
	if label == "" {
		return "thinq", c.ThinQ
	}
	return join("accounts", label), c.Accounts[label]
}

// token is the source of an account's token.
func (c *Config) token(label string) secretSource {
	key, a := c.account(label)
	return c.secret(join(key, "token"), a.Token, a.TokenFile)
}

// clientSecret is the source of what a partner may have to send at the sign-in.
func (c *Config) clientSecret(label string) secretSource {
	key, a := c.account(label)
	return c.secret(join(key, "oauth.client_secret"), a.OAuth.ClientSecret, a.OAuth.ClientSecretFile)
}

// serviceKey is the source of the key that a partner sends with every call.
func (c *Config) serviceKey(label string) secretSource {
	key, a := c.account(label)
	return c.secret(join(key, "oauth.service_key"), a.OAuth.ServiceKey, a.OAuth.ServiceKeyFile)
}

// password is the source of the broker's password.
func (c *Config) password() secretSource {
	return c.secret("mqtt.password", c.MQTT.Password, c.MQTT.PasswordFile)
}

// pagePassword is the source of the password that the page wants of other
// machines.
func (c *Config) pagePassword() secretSource {
	return c.secret("http.password", c.HTTP.Password, c.HTTP.PasswordFile)
}

// sources are those of all secrets in use.
func (c *Config) sources() []secretSource {
	sources := []secretSource{c.password(), c.pagePassword()}
	labels := c.labels()
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		if labels[label].partner() {
			sources = append(sources, c.clientSecret(label), c.serviceKey(label))
		} else {
			sources = append(sources, c.token(label))
		}
	}
	return sources
}

// warnings are what is not wrong but should not stay so.
func (c *Config) warnings() []string {
	var all []string
	key := secretSource{key: "mqtt.key", file: c.MQTT.KeyFile}
	for _, s := range append(c.sources(), key) {
		if w := s.Warning(); w != "" {
			all = append(all, w)
		}
	}
	return all
}

// cautions are what may be meant, but should be known: who hears the secrets in
// LG's place, and a proxy that is not asked.
func (c *Config) cautions(environ source) []string {
	var all []string
	labels := c.labels()
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		section, a := c.account(label)
		for _, name := range []string{"api_url", "oauth.emp_url", "oauth.websocket_url"} {
			if key := c.set(join(section, name)); key != "" {
				all = append(all, key+": what is there is trusted in the place of LG: remove it unless it is yours")
			}
		}
		for _, name := range []string{"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
			if a.Proxy == "" && environ.variable(name) != "" {
				all = append(all, fmt.Sprintf("%s is not followed: set %s if there is a proxy on the way to LG", name, join(section, "proxy")))
			}
		}
	}
	return all
}

// labels are the accounts by label, an empty one for the only account.
func (c *Config) labels() map[string]Account {
	if len(c.Accounts) == 0 {
		return map[string]Account{"": c.ThinQ}
	}
	return c.Accounts
}

// splitURL moves user and password out of the broker's address, which shows up
// in the errors of libraries, into their own keys, unless those are set too.
func (c *Config) splitURL() {
	u, err := url.Parse(c.MQTT.URL)
	if err != nil || u.User == nil || c.MQTT.Username != "" || c.password().set() {
		return
	}
	password, _ := u.User.Password()
	c.MQTT.Username, c.MQTT.Password = u.User.Username(), Secret(password)
	u.User = nil
	c.MQTT.URL = u.String()
	if where, ok := c.at["mqtt.url"]; ok {
		c.at["mqtt.password"] = where
	}
}
