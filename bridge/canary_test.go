package bridge_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A cage has the secrets of a daemon, and looks for them in everything that
// leaves it. The zero value is ready.
type cage struct {
	mu       sync.Mutex
	birds    map[uint64][]bird // by eight bytes out of their middle
	heard    map[string]bool
	searched map[string]int // bytes, by where they go
}

// A bird is one of the forms in which a secret may turn up.
type bird struct {
	name string
	song []byte // what is searched for: the middle of the form, where that is long
	at   int    // where in it its eight bytes are
}

const (
	brokerPassword = "k4nary/b+r ö%&?key" // says something else in every form
	addressSecret  = "k4nary:in=the@url#7"
	longestSong    = 24
)

// guard takes a secret in.
func (c *cage) guard(name, secret string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.birds == nil {
		c.birds, c.heard, c.searched = map[uint64][]bird{}, map[string]bool{}, map[string]int{}
	}
	for form, text := range forms(secret) {
		if cut := (len(text) - longestSong) / 2; cut > 0 {
			text = text[cut : cut+longestSong]
		}
		if len(text) < 8 {
			continue
		}
		b := bird{name + ", " + form, []byte(text), (len(text) - 8) / 2}
		key := binary.LittleEndian.Uint64(b.song[b.at:])
		if !slices.ContainsFunc(c.birds[key], func(other bird) bool { return bytes.Equal(other.song, b.song) }) {
			c.birds[key] = append(c.birds[key], b)
		}
	}
}

// forms are those in which a secret may turn up. Base64 of a text that has it
// inside looks different at each of three places.
func forms(secret string) map[string]string {
	all := map[string]string{
		"as it is": secret, "in a query": url.QueryEscape(secret), "in a path": url.PathEscape(secret),
		"in an address": url.UserPassword("", secret).String()[1:],
		"quoted":        strings.Trim(fmt.Sprintf("%q", secret), `"`), "in ASCII": strings.Trim(fmt.Sprintf("%+q", secret), `"`),
		"hex": hex.EncodeToString([]byte(secret)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	for before := range 3 {
		text := append(make([]byte, before), secret...)
		for name, e := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64 for URLs": base64.RawURLEncoding} {
			coded := e.EncodeToString(text[:len(text)/3*3])
			all[fmt.Sprintf("%s at %d", name, before)] = coded[(before*8+5)/6:]
		}
	}
	return all
}

// guardKey takes a private key in, as PEM and as its bytes.
func (c *cage) guardKey(text string) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return
	}
	der := block.Bytes
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		c.guard("private key", fmt.Sprintf("%v", key))
	}
	lines := strings.Split(text, "\n")
	c.guard("private key's PEM", lines[len(lines)/2])
	c.guard("private key's bytes", string(der[len(der)/2:]))
}

// search looks for the secrets in something that goes somewhere.
func (c *cage) search(where string, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.birds == nil {
		return
	}
	c.searched[where] += len(data)
	for i := 0; i+8 <= len(data); i++ {
		for _, b := range c.birds[binary.LittleEndian.Uint64(data[i:])] {
			if from := i - b.at; from >= 0 && bytes.HasPrefix(data[from:], b.song) {
				c.heard[where+": the "+b.name] = true
			}
		}
	}
}

// found are the secrets that were found, and where.
func (c *cage) found() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.heard))
}

// Write searches lines of the log.
func (c *cage) Write(line []byte) (int, error) {
	c.search("log", line)
	return len(line), nil
}

// handler searches all that is logged, down to debug.
func (c *cage) handler() slog.Handler {
	return slog.NewTextHandler(c, &slog.HandlerOptions{Level: slog.LevelDebug})
}

// A wire searches what goes to the broker, after the packet that may hold the
// password.
type wire struct {
	net.Conn
	cage    *cage
	greeted bool
	tail    []byte
}

func (w *wire) Write(p []byte) (int, error) {
	w.tail = append(w.tail, p...)
	if !w.greeted {
		length, n := binary.Uvarint(w.tail[min(1, len(w.tail)):])
		if whole := 1 + n + int(length); n <= 0 || len(w.tail) < whole {
			return w.Conn.Write(p)
		} else {
			w.greeted, w.tail = true, w.tail[whole:]
		}
	}
	w.cage.search("broker", w.tail)
	w.tail = bytes.Clone(w.tail[max(0, len(w.tail)-4*longestSong):])
	return w.Conn.Write(p)
}

// watched dials the broker and listens in.
func (d *daemon) watched(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := d.local.Dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if d.wire != nil {
		c = d.wire(c)
	}
	return &wire{Conn: c, cage: d.cage}, nil
}

// saveIdentity keeps the identity, whose key is a secret.
func (d *daemon) saveIdentity(id thinq.Identity) error {
	d.cage.guardKey(string(id.Key))
	return d.store.SaveIdentity(id)
}

// searchPages asks the bridge for everything that it tells.
func (d *daemon) searchPages() {
	d.Helper()
	_ = d.broker.Publish(d.topics.Bridge("request/diagnose"), nil, false) // if there is a broker
	d.after(2 * time.Second)
	pages := (&bridge.Site{Metrics: d.registry, Bridges: []*bridge.Bridge{d.bridge}}).Handler()
	for _, path := range []string{"/", "/healthz", "/readyz?verbose", "/metrics", "/version"} {
		answer := httptest.NewRecorder()
		pages.ServeHTTP(answer, httptest.NewRequest("GET", "http://127.0.0.1:8099"+path, nil))
		d.cage.search(path, answer.Body.Bytes())
		d.cage.search(path, fmt.Append(nil, answer.Header()))
	}
}

// secretFiles may hold secrets, and their former generations.
var secretFiles = []string{"identity.json", "token.json", "signin.json"}

// searchFolder looks at what the next start finds.
func (d *daemon) searchFolder() {
	d.Helper()
	err := filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || slices.ContainsFunc(secretFiles, func(name string) bool { return strings.HasPrefix(e.Name(), name) }) {
			return err
		}
		data, err := os.ReadFile(path)
		d.cage.search("state folder", data)
		d.cage.search("state folder", []byte(path))
		return err
	})
	if err != nil {
		d.Error(err)
	}
}

// checkCanaries fails a test of which a secret came out.
func (d *daemon) checkCanaries() {
	d.Helper()
	for _, text := range d.cage.found() {
		d.Error("a secret came out: ", text)
	}
}

// metrics are new ones, for the page of this start.
func (d *daemon) metrics() *bridge.Metrics {
	d.registry = prometheus.NewRegistry()
	return bridge.NewMetrics(d.registry)
}

// brokerSecrets are where the broker is, with a secret in it, and its password.
func (d *daemon) brokerSecrets() (*url.URL, func() (string, error)) {
	u := d.broker.URL()
	u.User = url.UserPassword("bridge", addressSecret)
	d.cage.guard("password in the address", addressSecret)
	d.cage.guard("broker's password", brokerPassword)
	return u, func() (string, error) { return brokerPassword, nil }
}

// guardToken takes in what a sign-in consists of.
func (d *daemon) guardToken(t thinq.Token) {
	d.cage.guard("access token", t.AccessToken)
	d.cage.guard("refresh token", t.RefreshToken)
	d.cage.guard("client secret", d.sim.ClientSecret)
}

// A cage hears each secret in each form, in the midst of other things, and
// nothing else.
func TestCageHears(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{brokerPassword, addressSecret, "thinqpat_0123456789abcdef0123456789abcdef"} {
		for form, text := range forms(secret) {
			var c cage
			c.guard("secret", secret)
			c.search("here", []byte("some thinqpat_ and "+text[:len(text)/2]))
			if got := c.found(); len(got) > 0 {
				t.Errorf("%s: %q", form, got)
			}
			c.search("here", []byte("password="+text+" and more"))
			if got := c.found(); len(got) == 0 {
				t.Errorf("%s: %s is not heard", form, text)
			}
		}
	}
}

// The secrets of a daemon stay inside through all that goes wrong, coming and
// going; every other test of a whole daemon looks for them too.
func TestS06CanaryEverywhere(t *testing.T) {
	if testing.Short() {
		withWay(t, personal, small, (*daemon).goThroughAll)
		return
	}
	withDaemon(t, small, (*daemon).goThroughAll)
}

func (d *daemon) goThroughAll() {
	_, slug := d.slugOf(guestRoom)
	d.after(time.Minute)
	for _, h := range hardships {
		d.do(h.begin(d))
		d.after(time.Minute)
		d.publish(d.topics.Bridge("request/refresh"), "")
		d.publish(d.topics.SetAttr(slug, "air_con_operation_mode"), "power_on")
		d.local.Cut()
		d.after(10 * time.Minute)
		d.searchPages()
		d.do(h.end(d))
		d.after(20 * time.Minute)
	}
	d.emptyBroker(5 * time.Minute)
	d.refuseToken()
	d.stop()
	d.start()
	d.after(time.Minute)
	d.searchPages()
	for _, where := range []string{"log", "broker", "/", "/healthz", "/readyz?verbose", "/metrics", "/version", "state folder"} {
		if d.cage.searched[where] == 0 {
			d.Errorf("nothing went to %s", where)
		}
	}
}

// refuseToken has LG refuse it, until there is another.
func (d *daemon) refuseToken() {
	d.Helper()
	if !d.way.signedIn() {
		d.changeToken()
		return
	}
	d.sim.RevokeSignIns()
	d.after(2 * time.Hour)
	d.searchPages()
	d.signInAgain()
	d.after(time.Minute)
}
