package thinqtest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// pair is both ends of a connection.
func pair(t *testing.T, network *thinqtest.Network) (client, server net.Conn) {
	t.Helper()
	l, err := network.Listen("here:1")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn)
	go func() {
		conn, _ := l.Accept()
		accepted <- conn
	}()
	if client, err = network.Dial(t.Context(), "tcp", "here:1"); err != nil {
		t.Fatal(err)
	}
	server = <-accepted
	t.Cleanup(func() { client.Close(); server.Close(); l.Close() })
	return client, server
}

func TestNetwork(t *testing.T) {
	for name, test := range map[string]func(t *testing.T, n *thinqtest.Network){
		"nobody listens": func(t *testing.T, n *thinqtest.Network) {
			if _, err := n.Dial(t.Context(), "tcp", "nowhere:1"); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("got %v", err)
			}
		},
		"nobody accepts": func(t *testing.T, n *thinqtest.Network) {
			n.Listen("here:1")
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := n.Dial(ctx, "tcp", "here:1"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		},
		"taken and free again": func(t *testing.T, n *thinqtest.Network) {
			l, _ := n.Listen("here:1")
			if _, err := n.Listen("here:1"); !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("got %v", err)
			}
			l.Close()
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v", err)
			}
			if _, err := n.Listen("here:1"); err != nil {
				t.Error(err)
			}
		},
		"what was written before the end arrives": func(t *testing.T, n *thinqtest.Network) {
			client, server := pair(t, n)
			client.Write([]byte("farewell"))
			client.Close()
			if got, err := io.ReadAll(server); string(got) != "farewell" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
			if _, err := server.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
				t.Errorf("got %v", err)
			}
			if _, err := client.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v", err)
			}
		},
		"deadlines": func(t *testing.T, n *thinqtest.Network) {
			client, _ := pair(t, n)
			start := time.Now()
			client.SetReadDeadline(start.Add(time.Second))
			if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
				t.Errorf("got %v after %v", err, time.Since(start))
			}
			client.SetWriteDeadline(start.Add(3 * time.Second))
			n1, err := client.Write(make([]byte, 1<<20)) // nobody reads
			if !errors.Is(err, os.ErrDeadlineExceeded) || n1 != 64<<10 || time.Since(start) != 3*time.Second {
				t.Errorf("wrote %d, %v after %v", n1, err, time.Since(start))
			}
		},
		"cut": func(t *testing.T, n *thinqtest.Network) {
			client, server := pair(t, n)
			n.Cut()
			for _, end := range []net.Conn{client, server} {
				if _, err := end.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("got %v", err)
				}
			}
		},
		"frozen": func(t *testing.T, n *thinqtest.Network) {
			client, server := pair(t, n)
			n.Freeze(true)
			client.Write([]byte("late"))
			server.SetReadDeadline(time.Now().Add(time.Hour))
			if _, err := server.Read(make([]byte, 4)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			n.Freeze(false)
			server.SetReadDeadline(time.Time{})
			buf := make([]byte, 4)
			if _, err := io.ReadFull(server, buf); string(buf) != "late" || err != nil {
				t.Errorf("got %q, %v", buf, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, &thinqtest.Network{}) })
		})
	}
}
