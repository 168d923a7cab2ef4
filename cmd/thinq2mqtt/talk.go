package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"rsc.io/qr"
)

// A talk is a conversation with the person who started a command.
type talk struct {
	in       *bufio.Reader
	out      io.Writer
	terminal bool
	browse   func(address string) // opens a browser; nil: the person does
}

func newTalk(in io.Reader, out io.Writer) *talk {
	return &talk{in: bufio.NewReader(in), out: out, terminal: terminal(out)}
}

func (t *talk) say(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

// line is what the person types next; the error is [io.EOF] if there is nothing
// more, or the cause of ctx. After that nothing else can be read.
func (t *talk) line(ctx context.Context) (string, error) {
	type typed struct {
		text string
		err  error
	}
	next := make(chan typed, 1)
	go func() { // a read cannot be given up; the process ends soon
		text, err := t.in.ReadString('\n')
		if text != "" && err == io.EOF {
			err = nil
		}
		next <- typed{text, err}
	}()
	select {
	case n := <-next:
		return strings.TrimSpace(n.text), n.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// agreed waits for a yes; everything else is an error.
func (t *talk) agreed(ctx context.Context) error {
	answer, err := t.line(ctx)
	if err != nil && err != io.EOF {
		return err
	}
	if slices.Contains([]string{"y", "yes"}, strings.ToLower(answer)) {
		return nil
	}
	t.say("\n")
	return exitf(exitFault, "the sign-in was not confirmed, so nothing was stored: answer y, or use --yes")
}

// shown is foreign text for a terminal, which must not be steered by it.
func shown(s string) string {
	return strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return -1
	}, s)
}

// browsers open an address; others than those named do it as Linux does.
var browsers = map[string][]string{
	"":        {"xdg-open"},
	"darwin":  {"open"},
	"windows": {"rundll32", "url.dll,FileProtocolHandler"},
}

// browse opens a browser if it can; the address was printed anyway. What else
// the configuration left in the environment is not the browser's business.
func (a *app) browse(address string) {
	words, known := browsers[runtime.GOOS]
	if !known {
		words = browsers[""]
		env := a.source("")
		if env.variable("DISPLAY")+env.variable("WAYLAND_DISPLAY") == "" {
			return // it would be a browser for terminals, on top of this one
		}
	}
	cmd := exec.Command(words[0], append(words[1:len(words):len(words)], address)...)
	cmd.Env = slices.DeleteFunc(slices.Clone(a.environ), func(v string) bool { return strings.HasPrefix(v, envPrefix) })
	if cmd.Start() == nil {
		_ = cmd.Process.Release() // it may outlive us
	}
}

// drawQR draws an address for a telephone's camera: two modules in a character,
// dark on light whatever the terminal's colours are.
func drawQR(w io.Writer, address string) {
	code, err := qr.Encode(address, qr.L)
	if err != nil {
		return // too long; the address was printed
	}
	const margin = 2
	half := map[[2]bool]string{{false, false}: " ", {true, false}: "▀", {false, true}: "▄", {true, true}: "█"}
	for y := -margin; y < code.Size+margin; y += 2 {
		line := ""
		for x := -margin; x < code.Size+margin; x++ {
			line += half[[2]bool{code.Black(x, y), code.Black(x, y+1)}]
		}
		fmt.Fprintf(w, "  \x1b[38;5;16;48;5;231m%s\x1b[0m\n", line)
	}
	fmt.Fprintln(w)
}
