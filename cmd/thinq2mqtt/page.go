package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A page is the status page and the endpoints for machines, at an address.
type page struct {
	address  string
	handler  http.Handler
	listener net.Listener  // nil: the address cannot be had yet
	retry    time.Duration // between tries to have it
	log      *slog.Logger
	trouble  atomic.Pointer[string] // why it cannot be had, for a person; nil: it can
}

// pageRetry is the time between tries to have the address of the page.
const pageRetry = time.Minute

// newPage takes the address. That somebody else has it, or that it is not there
// yet, is no error: it may pass.
func newPage(address string, log *slog.Logger) (*page, error) {
	p := &page{address: address, retry: pageRetry, log: log}
	if err := p.listen(); err != nil && !passing(err) {
		return nil, exitf(exitFault, "http.listen: %w: choose another address, or leave it empty for no page", err)
	}
	return p, nil
}

func passing(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EADDRNOTAVAIL)
}

func (p *page) listen() (err error) {
	p.listener, err = net.Listen("tcp", p.address)
	if err != nil {
		p.trouble.Store(new(fmt.Sprintf("the status page cannot be shown at %s: %v; it is tried again each minute, and http.listen names another address", p.address, cmp.Or(errnoOf(err), err))))
		return err
	}
	p.trouble.Store(nil)
	return nil
}

// errnoOf is what the system says, without the address that it says again.
func errnoOf(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	return nil
}

// Trouble is why there is no page, for a person; empty: there is one, or none is
// wanted.
func (p *page) Trouble() []string {
	if p == nil || p.trouble.Load() == nil {
		return nil
	}
	return []string{*p.trouble.Load()}
}

func (p *page) close() {
	if p != nil && p.listener != nil {
		p.listener.Close()
	}
}

// run serves until ctx ends, as soon as the address can be had.
func (p *page) run(ctx context.Context) error {
	if p == nil || !p.await(ctx) {
		return nil
	}
	return p.serve(ctx)
}

// await tries to have the address until it has it; false: ctx ended before.
func (p *page) await(ctx context.Context) bool {
	if p.listener == nil {
		p.log.Error("no status page", "problem", *p.trouble.Load())
	}
	for begun := time.Now(); p.listener == nil; {
		select {
		case <-time.After(p.retry):
		case <-ctx.Done():
			return false
		}
		if p.listen() == nil {
			p.log.Info("the address of the status page is free", "duration", time.Since(begun).Round(time.Second))
		}
	}
	return true
}

// serve answers until ctx ends; what is under way then gets a second. Whoever is
// slow, or talks too much, is let go, and the oldest of too many.
func (p *page) serve(ctx context.Context) error {
	server := &http.Server{
		Handler:           p.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}
	ctx, giveUp := context.WithCancel(ctx)
	var closing sync.WaitGroup
	defer closing.Wait()
	defer giveUp()
	closing.Go(func() {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(end) != nil {
			server.Close()
		}
	})
	p.log.Info("status page", "url", "http://"+p.listener.Addr().String()+"/", "open_to", openTo(p.listener.Addr()))
	if err := server.Serve(&crowd{Listener: p.listener}); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the status page: %w", err)
	}
	return nil
}

// openTo says who can reach an address.
func openTo(a net.Addr) string {
	if at, ok := a.(*net.TCPAddr); ok && at.IP.IsLoopback() {
		return "this machine"
	}
	return "all machines that can reach this one"
}

// crowdLimit is how many connections the page has at most.
const crowdLimit = 32

// A crowd is a listener that keeps so many connections and no more: the oldest
// makes room for a newcomer, so that nobody who holds on keeps others out.
type crowd struct {
	net.Listener
	mu   sync.Mutex
	open []*visitor // the oldest first
}

// Accept implements [net.Listener].
func (c *crowd) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	v := &visitor{conn, c}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = append(c.open, v)
	if len(c.open) > crowdLimit {
		c.open[0].Conn.Close()
		c.open = c.open[1:]
	}
	return v, nil
}

// A visitor is a connection of a crowd.
type visitor struct {
	net.Conn
	crowd *crowd
}

// Close implements [net.Conn].
func (v *visitor) Close() error {
	v.crowd.mu.Lock()
	v.crowd.open = slices.DeleteFunc(v.crowd.open, func(other *visitor) bool { return other == v })
	v.crowd.mu.Unlock()
	return v.Conn.Close()
}
