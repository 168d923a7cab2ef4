// Command thinq2mqtt relays between LG's ThinQ cloud and a local MQTT broker,
// with discovery for Home Assistant.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// exitPanic is the exit code of Go's own panics.
const exitPanic = 2

// fallen is deferred in goroutines: a panic ends the process as Go ends it, but
// what it says goes through the redactor.
func (a *app) fallen() {
	cause := recover()
	if cause == nil {
		return
	}
	w := a.stderr
	if w == nil {
		w = os.Stderr
	}
	fmt.Fprint(w, a.secrets.text(fmt.Sprintf("panic: %v\n\n%s", cause, debug.Stack())))
	os.Exit(exitPanic)
}

// A crew is a group of goroutines whose panics are told by fallen.
type crew struct {
	*errgroup.Group
	fallen func()
}

// Go is that of [errgroup.Group].
func (c crew) Go(f func() error) {
	c.Group.Go(func() error {
		defer c.fallen()
		return f()
	})
}

// crew makes a group that ends with the first error, and the context that ends
// with it.
func (a *app) crew(ctx context.Context) (crew, context.Context) {
	group, ctx := errgroup.WithContext(ctx)
	return crew{group, a.fallen}, ctx
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	a := &app{environ: environ, secrets: new(redactor), stderr: stderr}
	defer a.fallen()
	root := a.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil {
		for line := range strings.Lines(a.secrets.text(err.Error()) + "\n") {
			fmt.Fprint(stderr, "thinq2mqtt: "+line)
		}
	}
	return codeOf(err)
}
