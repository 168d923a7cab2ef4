package link_test

import (
	"context"
	"net"
	"net/url"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
)

// Whatever the environment says of proxies (see TestMain), the broker is dialled at
// its own address, on each of the ways to it. That its certificate counts then is
// what all other tests show.
func TestF104ProxyVariable(t *testing.T) {
	for scheme, address := range map[string]string{
		"mqtt": "broker.test:1883", "mqtts": "broker.test:8883", "ws": "broker.test:80", "wss": "broker.test:443",
	} {
		t.Run(scheme, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dialled := make(chan string, 100)
				_, stop := start(t, link.Options{URL: &url.URL{Scheme: scheme, Host: "broker.test"},
					Dial: func(_ context.Context, _, addr string) (net.Conn, error) {
						dialled <- addr
						return nil, syscall.ECONNREFUSED
					}})
				time.Sleep(time.Minute)
				if err := stop(); err != nil || len(dialled) < 3 {
					t.Errorf("%d attempts, %v", len(dialled), err)
				}
				for len(dialled) > 0 {
					if to := <-dialled; to != address {
						t.Errorf("dialled %s, want %s", to, address)
					}
				}
			})
		})
	}
}
