package thinq

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strings"
)

// publicCallback is the one callback websocket that LG's documents name. Source:
// LG's notes for makers of hubs; it may serve Korea only.
const publicCallback = "wss://s7vajyybvf.execute-api.ap-northeast-2.amazonaws.com/websocket"

// callback says where events are to be had without an event broker.
func (c *Client) callback() Endpoint {
	return Endpoint{
		URL:   c.socket,
		TLS:   &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.socket.Hostname(), RootCAs: eventRoots(c.o.Roots)},
		Token: c.another,
	}
}

// another is an access token, but not the refused one if there is another.
func (c *Client) another(ctx context.Context, refused string) (string, error) {
	if refused == "" || c.o.Renew == nil {
		return c.token(ctx)
	}
	return c.renewed(ctx, refused)
}

// callbackURL checks an address of the callback: the token goes there, so it
// must be encrypted unless it stays on this machine.
func callbackURL(override string) (*url.URL, error) {
	if override == "" {
		override = publicCallback
	}
	u, err := url.Parse(override)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "wss" && (u.Scheme != "ws" || !Loopback(u.Hostname())) {
		return nil, errors.New("the address of the callback must be wss://host[:port][/path]")
	}
	return u, nil
}

// Loopback reports whether a host is this machine: what goes there needs no
// encryption.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return ip.IsLoopback() || strings.EqualFold(host, "localhost")
}
