package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// callbackAddress is where a demo waits for the answer to a sign-in; the next
// free port if taken.
const callbackAddress = "127.0.0.1:8765"

// welcome has somebody sign in at the simulated cloud, however often it takes,
// and hands the token over to the daemon. It returns nil when ctx ended.
func (a *app) welcome(ctx context.Context, stdout, stderr io.Writer, f *demoFlags, d *daemon) error {
	emp, err := a.emp(d.cfg, "")
	if err != nil {
		return err
	}
	// What it says of itself meanwhile is to stand above what is to be done.
	if _, err := awaitBridge(ctx, d.accounts[0].bridge, func(s bridge.Snapshot) bool { return s.Cloud == "auth_required" }); err != nil {
		return nil // told to stop before
	}
	for listener := f.callback; ; {
		token, err := f.invite(ctx, stdout, emp, listener)
		switch {
		case err == nil:
			return d.accounts[0].signedIn(ctx, d.cfg.StateDir, token)
		case ctx.Err() != nil:
			return nil
		}
		fmt.Fprintln(stderr, err)
		if listener, err = net.Listen("tcp", f.callback.Addr().String()); err != nil {
			return err
		}
	}
}

// invite says where to sign in, and waits until somebody did. It closes the
// listener.
func (f *demoFlags) invite(ctx context.Context, stdout io.Writer, emp thinq.EMP, listener net.Listener) (t thinq.Token, err error) {
	login := emp.Begin()
	if err := f.sayWhere(stdout, login.StartURL()); err != nil {
		return t, err
	}
	code, backend, err := login.Serve(ctx, listener)
	if err != nil {
		return t, err
	}
	return emp.Exchange(ctx, code, backend)
}

func (f *demoFlags) sayWhere(w io.Writer, address string) (err error) {
	if f.json {
		return json.NewEncoder(w).Encode(struct {
			SignIn string `json:"sign_in"`
		}{address})
	}
	_, err = fmt.Fprintf(w, `thinq2mqtt demo: open this in a browser to sign in at the simulated LG; Ctrl-C ends it

  sign in %s

`, address)
	return err
}

// signedIn hands a token over as login does, and has the daemon look at once.
func (a *account) signedIn(ctx context.Context, dir string, t thinq.Token) error {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if err := bridge.HandOver(dir, data); err != nil {
		return exit(exitState, err)
	}
	if a.changed() {
		a.retry(ctx)
	}
	return nil
}
