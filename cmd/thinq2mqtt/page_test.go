package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A showing is a page without a bridge, at an address in virtual time.
type showing struct {
	*testing.T
	network *thinqtest.Network
}

func onShow(t *testing.T, f func(s showing)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := showing{t, new(thinqtest.Network)}
		l, err := s.network.Listen("localhost:8099")
		if err != nil {
			t.Fatal(err)
		}
		site := bridge.Site{Metrics: prometheus.NewRegistry()}
		p := &page{handler: site.Handler(), listener: l, log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.run(ctx) }()
		f(s)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func (s showing) dial() net.Conn {
	s.Helper()
	conn, err := s.network.Dial(s.Context(), "tcp", "localhost:8099")
	if err != nil {
		s.Fatal(err)
	}
	return conn
}

// scrapes fails unless there is an answer within a tenth of a second.
func (s showing) scrapes() {
	s.Helper()
	conn, begun := s.dial(), time.Now()
	defer conn.Close()
	conn.SetDeadline(begun.Add(time.Second))
	fmt.Fprint(conn, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusOK || time.Since(begun) > 100*time.Millisecond {
		s.Errorf("scraped: %v, %v after %v", res, err, time.Since(begun))
	}
}

// lasts is how long it takes until the other side hangs up.
func lasts(conn net.Conn) (time.Duration, string) {
	begun := time.Now()
	said, _ := io.ReadAll(conn)
	return time.Since(begun), string(said)
}

// A client that is slow, at whatever, is let go.
func TestF101SlowClients(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, says string
		drips      time.Duration // between single bytes after that; 0: none come
		atMost     time.Duration
		answer     string
	}{
		{"silent", "", 0, 5 * time.Second, ""},
		{"half a line", "GET /livez HT", 0, 5 * time.Second, ""},
		{"endless header", "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ", time.Second, 6 * time.Second, ""},
		{"endless body", "GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n", time.Second, 11 * time.Second, "ok"},
		{"idle", "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 0, 61 * time.Second, "ok"},
		{"large header", "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 24<<10) + "\r\n\r\n", 0, time.Second, "431"},
		{"large body", "GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n", 0, time.Second, "413"},
		{"body without an end", "GET /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", time.Second, 11 * time.Second, "413"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onShow(t, func(s showing) {
				conn := s.dial()
				defer conn.Close()
				fmt.Fprint(conn, tt.says)
				var dripping sync.WaitGroup
				dripping.Go(func() {
					for tt.drips > 0 {
						time.Sleep(tt.drips)
						if _, err := conn.Write([]byte("x")); err != nil {
							return
						}
					}
				})
				took, said := lasts(conn)
				if took > tt.atMost || !strings.Contains(said, tt.answer) {
					t.Errorf("hangs up after %v, want %v: %q", took, tt.atMost, said)
				}
				conn.Close()
				dripping.Wait()
			})
		})
	}
}

// Whoever does not read what was asked for is let go as well.
func TestF101SlowReader(t *testing.T) {
	t.Parallel()
	onShow(t, func(s showing) {
		conn := s.dial()
		defer conn.Close()
		gone := make(chan time.Duration)
		go func() {
			begun := time.Now()
			for {
				if _, err := fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
					gone <- time.Since(begun)
					return
				}
			}
		}()
		if took := <-gone; took > 30*time.Second {
			t.Errorf("it takes %v", took)
		}
	})
}

// A thousand connections that do nothing keep nobody out, not even while they
// are held.
func TestS22Limits(t *testing.T) {
	t.Parallel()
	onShow(t, func(s showing) {
		var all []net.Conn
		for n := range 1000 {
			all = append(all, s.dial())
			if n%100 == 0 {
				synctest.Wait()
				s.scrapes()
				time.Sleep(100 * time.Millisecond)
			}
		}
		synctest.Wait()
		open := 0
		for _, conn := range all {
			conn.SetReadDeadline(time.Now().Add(time.Millisecond))
			if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
				open++
			}
			defer conn.Close()
		}
		if open > crowdLimit {
			t.Errorf("%d connections are open", open)
		}
		s.scrapes()
	})
}

// What the configuration says of the page counts: whom it is for, by what name and
// with which password.
func TestS22AsConfigured(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, http, peer, host, password string
		want                             int
	}{
		{"this machine", "password: secret", "127.0.0.1:1", "localhost", "", 200},
		{"this machine by name", "password: secret, listen: 'localhost:1'", "127.0.0.1:1", "localhost", "", 200},
		{"forwarded to this machine", "password: secret, listen: ':8099'", "127.0.0.1:1", "localhost", "", 401},
		{"forwarded with it", "password: secret, listen: '192.168.1.9:8099'", "192.168.1.9:1", "localhost", "secret", 200},
		{"without the password", "password: secret", "192.168.1.9:1", "localhost", "", 401},
		{"with it", "password: secret", "192.168.1.9:1", "localhost", "secret", 200},
		{"a name", "allowed_hosts: 'nas.lan, Other.lan'", "192.168.1.9:1", "other.lan:8099", "", 200},
		{"another name", "allowed_hosts: nas.lan", "192.168.1.9:1", "other.lan", "", 421},
		{"Home Assistant", "ingress: true", "172.30.32.2:1", "home.example.com", "", 200},
		{"past Home Assistant", "ingress: true", "192.168.1.9:1", "192.168.1.2", "", 403},
		{"who says to be Home Assistant", "{}", "172.30.32.2:1", "home.example.com", "", 421},
	} {
		cfg, err := configFile(t, sound+"http: {"+strings.Trim(tt.http, "{}")+"}\n").load()
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "http://"+tt.host+"/version", nil)
		if r.RemoteAddr = tt.peer; tt.password != "" {
			r.SetBasicAuth("", tt.password)
		}
		w := httptest.NewRecorder()
		(&app{secrets: new(redactor)}).site(cfg, prometheus.NewRegistry(), nil).Handler().ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, w.Code, tt.want)
		}
	}
}

// The health check sends the password that the page wants of it.
func TestS22Healthcheck(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	s := configFile(t, sound+"http: {password: secret, listen: ':"+port+"'}\n")
	cfg, err := s.load()
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: (&app{secrets: new(redactor)}).site(cfg, prometheus.NewRegistry(), nil).Handler()}
	go server.Serve(l)
	defer server.Close()
	if err := ask(t.Context(), io.Discard, "http://"+l.Addr().String()+"/readyz", ""); err == nil {
		t.Error("answered without the password")
	}
	for _, probe := range [][]string{{"healthcheck"}, {"healthcheck", "--ready"}} {
		var said bytes.Buffer
		if code := run(t.Context(), append(probe, "--config", s.path), nil, &said, &said); code != 0 || said.String() != "ok\n" {
			t.Errorf("%q: exit code %d, said %s", probe, code, &said)
		}
	}
}

// An address that is taken is a problem and no reason to end: the bridge works,
// says so, and the page comes when the address is free.
func TestF101PortTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	r := newRig(t, thinqtest.Options{Samples: homeOf(t, 1)})
	r.cfg.HTTP.Listen = taken.Addr().String()
	var log bytes.Buffer
	a := &app{secrets: new(redactor)}
	handler, level := newHandler(Log{Level: "info", Format: "text"}, &log, a.source(""))
	d, err := a.newDaemon(r.cfg, handler, level)
	if err != nil {
		t.Fatal(err)
	}
	d.page.retry = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx) }()
	r.await("a bridge that says what is wrong", func() bool {
		info, _ := r.broker.Retained("thinq2mqtt/bridge/info")
		return bytes.Contains(info, []byte("the status page cannot be shown at "+taken.Addr().String()+": address already in use; it is tried again each minute"))
	})
	r.await("an appliance", func() bool { return len(r.broker.Messages("thinq2mqtt/+/availability")) == 1 })
	taken.Close()
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	r.await("the page", func() bool {
		res, err := client.Get("http://" + taken.Addr().String() + "/livez")
		if err == nil {
			res.Body.Close()
		}
		return err == nil && res.StatusCode == http.StatusOK
	})
	if d.page.Trouble() != nil {
		t.Errorf("still in trouble: %s", d.page.Trouble())
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, line := range []string{`level=ERROR msg="no status page"`, `msg="the address of the status page is free"`, `msg="status page"`} {
		if strings.Count(log.String(), line) != 1 {
			t.Errorf("want one line with %s:\n%s", line, &log)
		}
	}
}

// An address that can never be had is said at once.
func TestF101AddressImpossible(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1:99999", "127.0.0.1"} {
		if p, err := newPage(address, slog.New(slog.DiscardHandler)); err == nil || codeOf(err) != exitFault || !strings.Contains(err.Error(), "http.listen: ") {
			t.Errorf("%s: %v, %v", address, p, err)
		}
	}
}

// Only this machine can reach the page unless somebody says otherwise, and the
// log says who can.
func TestS15Loopback(t *testing.T) {
	t.Parallel()
	if at, err := netip.ParseAddrPort(defaults().HTTP.Listen); err != nil || !at.Addr().IsLoopback() {
		t.Errorf("by default the page is at %s", defaults().HTTP.Listen)
	}
	for listen, open := range map[string]string{
		"127.0.0.1:0": "this machine", "[::1]:0": "this machine",
		"0.0.0.0:0": "all machines that can reach this one", "[::]:0": "all machines that can reach this one", ":0": "all machines that can reach this one",
	} {
		var log bytes.Buffer
		p, err := newPage(listen, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil || p.listener == nil {
			t.Fatalf("%s: %v %s", listen, err, p.Trouble())
		}
		at := p.listener.Addr().(*net.TCPAddr)
		p.handler = (&bridge.Site{Metrics: prometheus.NewRegistry()}).Handler()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.run(ctx) }()
		for _, other := range addresses(t) {
			conn, err := net.Dial("tcp", net.JoinHostPort(other, fmt.Sprint(at.Port)))
			if err == nil {
				conn.Close()
			}
			if err == nil && at.IP.IsLoopback() {
				t.Errorf("%s: can be reached at %s", listen, other)
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if want := fmt.Sprintf("url=http://%s/ open_to=%q", at, open); !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s: %s", want, &log)
		}
	}
}

// addresses are those of this machine that others can reach.
func addresses(t *testing.T) (all []string) {
	t.Helper()
	found, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range found {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().IsGlobalUnicast() {
			all = append(all, p.Addr().String())
		}
	}
	return all
}
