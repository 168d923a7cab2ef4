// Command dockerfile checks the rules that the image of thinq2mqtt keeps, and
// prints the shell line that builds the binary, so that it can be run without
// Docker. It is a module of its own: the parser is BuildKit's, and none of that
// belongs into the program.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: dockerfile FILE")
		os.Exit(64)
	}
	f, err := os.Open(os.Args[1])
	if err == nil {
		defer f.Close()
		var line string
		if line, err = check(f); err == nil {
			fmt.Println(line)
			return
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// check returns the line that builds the binary, and all complaints joined.
func check(r io.Reader) (build string, err error) {
	ast, err := parser.Parse(r)
	if err != nil {
		return "", err
	}
	stages, _, err := instructions.Parse(ast.AST, nil)
	if err != nil {
		return "", err
	}
	c := checker{last: stages[len(stages)-1]}
	for _, s := range stages {
		c.base(s.BaseName)
		for _, cmd := range s.Commands {
			c.command(cmd)
		}
	}
	c.image()
	c.static()
	return c.build, errors.Join(c.wrong...)
}

type checker struct {
	last  instructions.Stage
	build string
	wrong []error
}

func (c *checker) complain(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Errorf(format, args...))
}

// base wants a tag on every foreign image, and none that moves by itself.
func (c *checker) base(image string) {
	_, tag, ok := strings.Cut(image, ":")
	if image != "scratch" && (!ok || tag == "latest") {
		c.complain("FROM %s: pin a tag", image)
	}
}

// command looks at one instruction, wherever it stands.
func (c *checker) command(cmd instructions.Command) {
	switch cmd := cmd.(type) {
	case *instructions.RunCommand:
		if line := strings.Join(cmd.CmdLine, " "); strings.Contains(line, "go build") {
			c.build = line
		}
	case *instructions.EntrypointCommand:
		c.exec(cmd.Name(), cmd.PrependShell)
	case *instructions.CmdCommand:
		c.exec(cmd.Name(), cmd.PrependShell)
	case *instructions.HealthCheckCommand:
		c.exec(cmd.Name(), len(cmd.Health.Test) == 0 || cmd.Health.Test[0] != "CMD")
	case *instructions.AddCommand:
		c.complain("ADD: use COPY")
	}
}

// exec refuses the shell form: the image has no shell.
func (c *checker) exec(name string, shell bool) {
	if shell {
		c.complain("%s: use the exec form, the image has no shell", strings.ToUpper(name))
	}
}

// image looks at what becomes of the last stage.
func (c *checker) image() {
	have := map[string]string{}
	for _, cmd := range c.last.Commands {
		have[strings.ToLower(cmd.Name())] = ""
		if user, ok := cmd.(*instructions.UserCommand); ok {
			have["user"] = user.User
		}
	}
	for _, name := range []string{"user", "healthcheck", "entrypoint"} {
		if _, ok := have[name]; !ok {
			c.complain("the image has no %s", strings.ToUpper(name))
		}
	}
	if user, ok := have["user"]; ok && slices.Contains([]string{"0", "root"}, strings.Split(user, ":")[0]) {
		c.complain("USER %s: not as root", user)
	}
	if _, ok := have["run"]; ok {
		c.complain("RUN in the image: it has no shell")
	}
}

// static wants a binary that needs nothing else, for the platform asked for.
func (c *checker) static() {
	if c.build == "" {
		c.complain("no RUN with go build")
		return
	}
	for _, part := range []string{"CGO_ENABLED=0", "GOOS=$TARGETOS", "GOARCH=$TARGETARCH", "GOARM=${TARGETVARIANT#v}", "-trimpath"} {
		if !strings.Contains(c.build, part) {
			c.complain("RUN go build: without %s", part)
		}
	}
}
