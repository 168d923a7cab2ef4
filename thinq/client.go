package thinq

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Limits of a call. A control call may take the sum of the first three.
const (
	connectTimeout = 5 * time.Second
	tlsTimeout     = 5 * time.Second
	headerTimeout  = 10 * time.Second
	callTimeout    = 15 * time.Second
	controlTimeout = 20 * time.Second

	largeAnswer = 1 << 20   // bytes of a list or a profile, decompressed
	smallAnswer = 256 << 10 // of everything else
)

// agent is all that LG is told of who calls.
const agent = "thinq2mqtt"

// publicAPIKey is the constant that LG's SDK and documentation give to everybody.
const publicAPIKey = "v6GFvkweNo7DK7yD3ylIZ9w52aKBU0eJ7wLXkSR3"

// Options configure a [Client]. Country and Token are required.
type Options struct {
	Country string                                    // ISO 3166-1 alpha-2, of the LG account
	Token   func(ctx context.Context) (string, error) // the bearer token for the next call
	// Renew, if set, is asked once for another token when LG refused one, and the
	// call is made again. It returns the refused one where there is no other.
	Renew   func(ctx context.Context, refused string) (string, error)
	APIURL  string         // default from the country; given: the event broker may be anywhere, too
	Roots   *x509.CertPool // of the API, default the system's; the event broker's may be Amazon's, too
	APIKey  Secret         // default LG's public constant
	Surface Surface        // default Personal
	Service Service        // of a partner; Personal has none
	// CallbackURL is where the partner surfaces have their events; default LG's.
	CallbackURL string
	Agent       string       // name and version, for LG; default only the name
	Budget      *Budget      // default: unlimited
	Logger      *slog.Logger // default: none
	// Identity is what an earlier run saved, nil at the first. Save is called,
	// before first use, whenever it changes.
	Identity *Identity
	Save     func(Identity) error
	// Observe, if set, is told of every finished call, by the goroutine that made it.
	Observe func(Call)
	// Dropped, if set, is told of every message that is no event for [Client.Events]
	// ("malformed"), or was one before ("duplicate"), by the goroutine that brought it.
	Dropped func(reason string)
	// Proxy, if set, is the HTTP proxy on the way. What the environment says of
	// proxies is not followed.
	Proxy *url.URL
	// Dial, if set, replaces net.Dialer: tests use in-memory pipes.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// A Service is what LG calls a partner's product: its calls carry both.
type Service struct {
	ID  string
	Key Secret
}

// A Call is one finished HTTP call, for metrics.
type Call struct {
	Endpoint string // method and path template: "GET /devices/{id}/state"
	Code     string // "ok", a code LG is known to send, or "http_502", "timeout", "network"
	Duration time.Duration
}

// A Client calls LG's ThinQ Connect API in the name of one account. Its methods
// can be called from several goroutines. Their errors are *[Error] where LG (or
// something on the way) answered, *[BudgetError] where no call was made, and
// wrap the cause otherwise; [ClassOf] judges all of them. No error and no log
// line holds a token, a key or a device id.
type Client struct {
	o       Options
	surface surface
	base    string
	events  eventState
	socket  *url.URL // of the callback, for surfaces that have one
	http    *http.Client
	log     *slog.Logger

	mu       sync.Mutex
	identity Identity
}

// NewClient checks the options; it makes no call. Without an identity it makes
// one and saves it.
func NewClient(o Options) (*Client, error) {
	region, err := Region(o.Country)
	if err != nil {
		return nil, err
	}
	if o.Token == nil {
		return nil, errors.New("thinq: a client needs a token")
	}
	s, known := surfaces[o.Surface]
	if !known {
		return nil, fmt.Errorf("thinq: LG has no API %q", string(o.Surface))
	}
	if s.service && (!sendable(o.Service.ID) || !sendable(string(o.Service.Key))) {
		return nil, errors.New("thinq: the partner API needs a service id and a service key, in one word each")
	}
	c := &Client{o: o, surface: s, log: o.Logger}
	c.o.Country = strings.ToUpper(o.Country)
	if c.o.APIKey == "" {
		c.o.APIKey = publicAPIKey
	}
	c.o.Agent = cmp.Or(o.Agent, agent)
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.base, err = baseURL(o.APIURL, c.surface.base, region); err != nil {
		return nil, err
	}
	if s.callback {
		if c.socket, err = callbackURL(o.CallbackURL); err != nil {
			return nil, err
		}
	}
	c.http = &http.Client{Transport: newTransport(o), CheckRedirect: stay}
	if err := c.identify(o.Identity); err != nil {
		return nil, err
	}
	return c, nil
}

// Close closes idle connections. The client can still be used.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func baseURL(override, base, region string) (string, error) {
	if override == "" {
		return strings.ReplaceAll(base, "{region}", region), nil
	}
	u, err := url.Parse(override)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("the API address must be https://host[:port][/path]")
	}
	return strings.TrimSuffix(u.String(), "/"), nil
}

// newTransport speaks HTTP/1.1 only: a dead HTTP/2 connection swallows calls
// for minutes after the network changed.
func newTransport(o Options) *http.Transport {
	t := &http.Transport{
		Proxy:                  http.ProxyURL(o.Proxy),
		DialContext:            dialer(o.Dial),
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots},
		TLSHandshakeTimeout:    tlsTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		IdleConnTimeout:        90 * time.Second,
		MaxConnsPerHost:        8,
		MaxIdleConnsPerHost:    2,
		MaxResponseHeaderBytes: 64 << 10,
		Protocols:              new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	return t
}

// stay refuses redirects: the token would travel along, even to another port or
// host.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// dialer bounds the time for name resolution and connecting together.
func dialer(dial dialFunc) dialFunc {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := withTimeout(ctx, connectTimeout, "no connection")
		defer cancel()
		conn, err := dial(ctx, network, addr)
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return conn, err
	}
}

// withTimeout is context.WithTimeout with a cause that says what took too long
// and still is a context.DeadlineExceeded.
func withTimeout(ctx context.Context, d time.Duration, what string) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("%s within %v: %w", what, d, context.DeadlineExceeded))
}

// A request is what one method of api.go asks for.
type request struct {
	op    operation
	id    string // device
	query url.Values
	body  []byte // JSON; nil: none
}

// do makes one call and returns its response, nil if there is none. It is the
// only place that speaks HTTP to LG.
func (c *Client) do(ctx context.Context, r request) (json.RawMessage, error) {
	ep, offered := c.surface.endpoints[r.op]
	if !offered {
		return nil, notOffered{}
	}
	if ctx.Err() != nil {
		return nil, unsent{fmt.Errorf("%s: %w", ep, context.Cause(ctx))}
	}
	token, err := c.token(ctx)
	if err != nil {
		return nil, unsent{fmt.Errorf("%s: %w", ep, err)}
	}
	response, err := c.spend(ctx, ep, r, token)
	if ClassOf(err) != Auth || c.o.Renew == nil {
		return response, err
	}
	next, failed := c.renewed(ctx, token)
	switch {
	case failed != nil:
		return nil, unsent{fmt.Errorf("%s: %w", ep, failed)} // what LG refused had no effect
	case next == token:
		return nil, err
	}
	return c.spend(ctx, ep, r, next)
}

// spend makes a call that the budget allows.
func (c *Client) spend(ctx context.Context, ep endpoint, r request, token string) (json.RawMessage, error) {
	pass, err := c.o.Budget.take(laneOf(ctx))
	if err != nil {
		return nil, unsent{fmt.Errorf("%s: %w", ep, err)}
	}
	start := time.Now()
	response, err := c.call(ctx, ep, r, token)
	c.o.Budget.settle(pass, err)
	c.report(Call{Endpoint: ep.String(), Code: outcome(err), Duration: time.Since(start)})
	return response, err
}

func (c *Client) report(call Call) {
	c.log.Debug("call", "endpoint", call.Endpoint, "code", call.Code, "duration", call.Duration)
	if c.o.Observe != nil {
		c.o.Observe(call)
	}
}

// outcome names the end of a call with a word of a bounded set.
func outcome(err error) string {
	e, answered := errors.AsType[*Error](err)
	if err == nil {
		return "ok"
	}
	if !answered {
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			return "timeout"
		}
		return "network"
	}
	if e.Known() {
		return e.Code
	}
	return fmt.Sprintf("http_%d", e.Status)
}

// token has a source of tokens answer in the time of a call.
func (c *Client) token(ctx context.Context) (string, error) {
	return usable(ctx, c.o.Token)
}

// renewed is another token in the place of a refused one, if there is another.
func (c *Client) renewed(ctx context.Context, refused string) (string, error) {
	return usable(ctx, func(ctx context.Context) (string, error) { return c.o.Renew(ctx, refused) })
}

func usable(ctx context.Context, source func(context.Context) (string, error)) (string, error) {
	ctx, cancel := withTimeout(ctx, callTimeout, "no token")
	defer cancel()
	ctx, come := beginning(ctx)
	defer come()
	token, err := source(ctx)
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	if !sendable(token) {
		return "", tokenError{}
	}
	return token, nil
}

// sendable reports whether a text can be a token or a key: something, without
// blanks and line breaks.
func sendable(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func (c *Client) call(ctx context.Context, ep endpoint, r request, token string) (json.RawMessage, error) {
	limit := callTimeout
	if r.op == opControl {
		limit = controlTimeout
	}
	ctx, cancel := withTimeout(ctx, limit, "no answer")
	defer cancel()
	ctx, begun := beginning(ctx)
	connected := false
	trace := httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected = true; begun() }}
	req, err := c.newRequest(httptrace.WithClientTrace(ctx, &trace), ep, r, token)
	if err != nil {
		return nil, unsent{fmt.Errorf("%s: %w", ep, err)}
	}
	resp, err := c.http.Do(req)
	switch {
	case err != nil && !connected:
		return nil, unsent{c.broken(ctx, ep, err, token)}
	case err != nil:
		return nil, c.broken(ctx, ep, err, token)
	}
	defer resp.Body.Close()
	body, err := readAnswer(resp.Body, ep)
	if err = cmp.Or(err, ctx.Err()); err != nil { // a body cut short by the deadline may look whole
		return nil, c.broken(ctx, ep, err, token)
	}
	kind, secrets := resp.Header.Get("Content-Type"), []string{token, string(c.o.APIKey), string(c.o.Service.Key)}
	response, refusal := parseAnswer(resp.StatusCode, kind, body)
	if refusal != nil {
		// Once more without them: half of one, at the end of a cut message, would stay.
		_, clean := parseAnswer(resp.StatusCode, kind, []byte(censor(string(body), secrets...)))
		refusal = cmp.Or(clean, refusal)
		refusal.Endpoint, refusal.SignIn = ep.String(), c.surface.service
		refusal.Message = censor(refusal.Message, secrets...)
		refusal.RetryAfter = retryAfter(resp.Header, time.Now())
		return nil, refusal
	}
	return response, nil
}

type beginKey struct{}

// BeginBefore has calls made with the returned context fail if their request is
// not on its way by a time, as when a token or a connection is long in coming.
// See [NotSent].
func BeginBefore(ctx context.Context, at time.Time) context.Context {
	return context.WithValue(ctx, beginKey{}, at)
}

// beginning is ctx, which ends when it is too late to begin, unless begun is
// called before.
func beginning(ctx context.Context) (_ context.Context, begun func() bool) {
	at, limited := ctx.Value(beginKey{}).(time.Time)
	if !limited {
		return ctx, func() bool { return true }
	}
	ctx, cancel := context.WithCancelCause(ctx)
	if !time.Now().Before(at) {
		cancel(errLate) // a timer would leave it a moment
	}
	return ctx, time.AfterFunc(time.Until(at), func() { cancel(errLate) }).Stop
}

var errLate = errors.New("it was too late to begin")

// broken words a fault of the network. The URL stays out because it has the
// device id; idle connections go because they may be dead as well.
func (c *Client) broken(ctx context.Context, ep endpoint, err error, token string) error {
	c.http.CloseIdleConnections()
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if slices.ContainsFunc(ends, func(end error) bool { return errors.Is(err, end) }) {
		err = errEnded
	}
	err = distrusted(c.base, err)
	return fmt.Errorf("%s: %w", ep, hush(err, token, string(c.o.APIKey), string(c.o.Service.Key)))
}

// errEnded is what the ends of a connection mean; the ports in their own words
// are others each time.
var (
	errEnded = errors.New("the connection ended before the answer")
	ends     = []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE}
)

// distrusted names the host that TLS did not let us talk to: the errors of TLS
// have the dates and the clock, but not that.
func distrusted(address string, err error) error {
	u, unread := url.Parse(address)
	if unread != nil {
		return err
	}
	remote, _ := errors.AsType[*net.OpError](err)
	switch _, unproven := errors.AsType[*tls.CertificateVerificationError](err); {
	case unproven:
		return fmt.Errorf("%s cannot prove that it is LG: %w", u.Host, err)
	case remote != nil && remote.Op == "remote error" && slices.Contains(weakAlerts, remote.Err.Error()):
		return fmt.Errorf("%s has no encryption that is strong enough: %w", u.Host, err)
	}
	return err
}

// weakAlerts are what a server says to a client that wants more than it has. The
// standard library keeps the type of received alerts to itself.
var weakAlerts = []string{
	tls.AlertError(40).Error(), // handshake_failure
	tls.AlertError(70).Error(), // protocol_version
	tls.AlertError(71).Error(), // insufficient_security
}

func readAnswer(body io.Reader, ep endpoint) ([]byte, error) {
	limit := smallAnswer
	if ep.large {
		limit = largeAnswer
	}
	data, err := io.ReadAll(io.LimitReader(body, int64(limit)+1))
	if err == nil && len(data) > limit {
		err = fmt.Errorf("the answer is larger than %d KiB", limit>>10)
	}
	return data, err
}

func (c *Client) newRequest(ctx context.Context, ep endpoint, r request, token string) (*http.Request, error) {
	path := ep.path
	if strings.Contains(path, "{id}") {
		if r.id == "" || r.id == "." || r.id == ".." {
			return nil, errors.New("not a device id")
		}
		path = strings.ReplaceAll(path, "{id}", url.PathEscape(r.id))
	}
	if len(r.query) > 0 {
		path += "?" + r.query.Encode()
	}
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, ep.method, c.base+path, body)
	if err != nil {
		return nil, errors.New("not a device id")
	}
	c.setHeaders(req.Header, ep, token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

func (c *Client) setHeaders(h http.Header, ep endpoint, token string) {
	h.Set("Authorization", "Bearer "+token)
	h.Set("Accept", "application/json")
	h.Set("User-Agent", c.o.Agent)
	h.Set("x-message-id", messageID())
	values := strings.NewReplacer("{country}", c.o.Country, "{client}", c.clientID(), "{key}", string(c.o.APIKey),
		"{service}", c.o.Service.ID, "{serviceKey}", string(c.o.Service.Key))
	for name, value := range c.surface.headers {
		h.Set(name, values.Replace(value))
	}
	for name, value := range ep.headers {
		h.Set(name, value)
	}
}

// messageID is 16 random bytes in 22 characters; LG refuses a repeated or
// longer one (1104).
func messageID() string {
	var id [16]byte
	rand.Read(id[:])
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// notOffered says that an API family lacks an operation.
type notOffered struct{}

func (notOffered) Error() string { return "the API of LG that this account uses does not offer this" }
func (notOffered) Class() Class  { return Unsupported }

// tokenError says that a token cannot be sent at all.
type tokenError struct{}

func (tokenError) Error() string {
	return "the access token is empty or has characters that no token has"
}
func (tokenError) Class() Class { return Auth }
