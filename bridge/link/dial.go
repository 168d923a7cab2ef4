package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// A transport is how a scheme of the URL reaches the broker.
type transport struct {
	port            string
	secure, overWeb bool
}

var transports = map[string]transport{
	"mqtt": {"1883", false, false}, "tcp": {"1883", false, false},
	"mqtts": {"8883", true, false}, "ssl": {"8883", true, false}, "tls": {"8883", true, false},
	"ws": {"80", false, true}, "wss": {"443", true, true},
}

// endpoint is where the broker is, without the URL's user part: whatever is
// made from it can be shown.
type endpoint struct {
	transport
	url *url.URL
}

func newEndpoint(u *url.URL) (endpoint, error) {
	if u == nil || u.Hostname() == "" {
		return endpoint{}, errors.New("the address of the broker is empty")
	}
	t, ok := transports[strings.ToLower(u.Scheme)]
	if !ok {
		return endpoint{}, fmt.Errorf("%q is no scheme for a broker: use mqtt, mqtts, ws or wss", u.Scheme)
	}
	clean := &url.URL{Scheme: strings.ToLower(u.Scheme), Host: u.Host, Path: u.Path, RawQuery: u.RawQuery}
	if u.Port() == "" {
		clean.Host = net.JoinHostPort(u.Hostname(), t.port)
	}
	if t.overWeb && clean.Path == "" {
		clean.Path = "/mqtt" // what EMQX and HiveMQ want; Mosquitto takes any
	}
	return endpoint{t, clean}, nil
}

// tlsConfig is the caller's configuration with what a verified connection needs.
func (e endpoint) tlsConfig(base *tls.Config) *tls.Config {
	c := base.Clone()
	if c == nil {
		c = &tls.Config{}
	}
	c.InsecureSkipVerify = false
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	if c.ServerName == "" {
		c.ServerName = e.url.Hostname()
	}
	return c
}

// A dialer is that of net.Dialer, for one family of addresses or for both.
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// dial opens the connection within [connectTimeout].
func (l *Link) dial(ctx context.Context, family string) (net.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, errDialTime)
	defer cancel()
	c, err := l.open(ctx, l.over(family))
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return c, err
}

func (l *Link) open(ctx context.Context, dial dialer) (net.Conn, error) {
	if l.at.overWeb {
		return l.openWeb(ctx, dial)
	}
	c, err := dial(ctx, "tcp", l.at.url.Host)
	if err != nil || !l.at.secure {
		return c, err
	}
	t := tls.Client(c, l.at.tlsConfig(l.o.TLS))
	if err := t.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		if _, other := errors.AsType[tls.RecordHeaderError](err); other || hungUp(err) {
			err = errNoTLS
		}
		return nil, err
	}
	return t, nil
}

// over dials the addresses of a family, and all where there is none of it.
func (l *Link) over(family string) dialer {
	return func(ctx context.Context, _, addr string) (net.Conn, error) {
		c, err := l.raw(ctx, family, addr)
		d, ok := errors.AsType[*net.DNSError](err)
		if _, none := errors.AsType[*net.AddrError](err); family != "tcp" && (none || ok && d.IsNotFound) {
			c, err = l.raw(ctx, "tcp", addr)
		}
		if err != nil || l.at.secure {
			return c, err
		}
		if err := l.exposed(c.RemoteAddr()); err != nil {
			_ = c.Close()
			return nil, err
		}
		return c, nil
	}
}

// exposed judges a connection that is not encrypted: a password that leaves the
// house is refused, and all else that leaves this machine and its containers is
// worth one line.
func (l *Link) exposed(to net.Addr) error {
	ip, known := address(to)
	switch {
	case !known || ip.IsLoopback() || l.at.near():
		return nil
	case l.o.Password != nil && !l.o.Clear && public(ip):
		return errClear
	}
	if !l.warned.Swap(true) {
		l.o.Logger.Warn("the connection is not encrypted: whoever is on the way can read along; mqtts helps", "broker", l.at.url.Host)
	}
	return nil
}

// near reports whether the host is named by a single word.
func (e endpoint) near() bool {
	host := e.url.Hostname()
	_, err := netip.ParseAddr(host)
	return err != nil && !strings.Contains(strings.TrimSuffix(host, "."), ".")
}

func address(at net.Addr) (ip netip.Addr, known bool) {
	if tcp, ok := at.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap(), true
	}
	return ip, false
}

// public tells an address of the internet from one of a house, or of a private
// network over the internet (RFC 6598), which has its own encryption.
func public(ip netip.Addr) bool {
	return !ip.IsPrivate() && !ip.IsLinkLocalUnicast() && !shared.Contains(ip)
}

var shared = netip.MustParsePrefix("100.64.0.0/10")

// raw dials, and does not wait for a dialler that ignores its context.
func (l *Link) raw(ctx context.Context, network, addr string) (net.Conn, error) {
	dial := l.o.Dial
	if dial == nil {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
	type result struct {
		net.Conn
		error
	}
	done := make(chan result, 1)
	go func() {
		c, err := dial(ctx, network, addr)
		done <- result{c, err}
	}()
	select {
	case r := <-done:
		return r.Conn, r.error
	case <-ctx.Done():
		go func() {
			if r := <-done; r.Conn != nil {
				_ = r.Close()
			}
		}()
		return nil, context.Cause(ctx)
	}
}

func (l *Link) openWeb(ctx context.Context, dial dialer) (net.Conn, error) {
	d := websocket.Dialer{
		NetDialContext:  dial,
		TLSClientConfig: l.at.tlsConfig(l.o.TLS),
		Subprotocols:    []string{"mqtt"}, // MQTT 5 section 6
	}
	ws, answer, err := d.DialContext(ctx, l.at.url.String(), nil)
	if err != nil && answer != nil {
		return nil, fmt.Errorf("the broker's web server answered %s", answer.Status)
	}
	if err != nil {
		return nil, err
	}
	return &webConn{Conn: ws}, nil
}

// A webConn makes a byte stream of websocket messages; packets may begin and end
// anywhere in them.
type webConn struct {
	*websocket.Conn
	rest interface{ Read([]byte) (int, error) } // of the present message
}

func (c *webConn) Read(p []byte) (int, error) {
	for {
		if c.rest == nil {
			_, r, err := c.NextReader()
			if err != nil {
				return 0, err
			}
			c.rest = r
		}
		n, err := c.rest.Read(p)
		if err != nil {
			c.rest = nil // the end of this message; a fault shows again in NextReader
		}
		if n > 0 {
			return n, nil
		}
	}
}

func (c *webConn) Write(p []byte) (int, error) {
	if err := c.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *webConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
