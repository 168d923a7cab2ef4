package main

import (
	"bytes"
	"go/parser"
	"go/token"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// imports are the import paths of a Go file.
func imports(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, i := range f.Imports {
		path, _ := strconv.Unquote(i.Path.Value) // parsed
		paths = append(paths, path)
	}
	return paths
}

// The help of every command, in one file to be read in a review.
func TestHelp(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	var walk func(path []string, cmd *cobra.Command)
	walk = func(path []string, cmd *cobra.Command) {
		var b bytes.Buffer
		if code := run(t.Context(), append(path, "--help"), nil, &b, io.Discard); code != 0 {
			t.Errorf("%v --help exits with %d", path, code)
		}
		all.WriteString("$ " + strings.Join(append([]string{"thinq2mqtt"}, append(path, "--help")...), " ") + "\n" + b.String() + "\n")
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() && sub.Name() != "completion" && sub.Name() != "help" {
				walk(append(path[:len(path):len(path)], sub.Name()), sub)
			}
		}
	}
	walk(nil, (&app{}).root())
	golden(t, "testdata/help.txt", all.String())
}

// Every command says what it does in a phrase, and every flag as well.
func TestCommandsAreDescribed(t *testing.T) {
	t.Parallel()
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: %q is not a phrase", cmd.CommandPath(), cmd.Short)
		}
		for _, sub := range cmd.Commands() {
			if sub.Name() != "completion" {
				walk(sub)
			}
		}
	}
	walk((&app{}).root())
}
