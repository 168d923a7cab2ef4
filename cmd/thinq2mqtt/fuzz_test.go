package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// parsers are the places at which foreign text comes in, and what fuzzes each.
var parsers = map[string]string{
	"answers of LG":          "FuzzAnswer",
	"its waits":              "FuzzRetryAfter",
	"its JSON":               "FuzzScan",
	"events":                 "FuzzParseEvent",
	"profiles":               "FuzzParseProfile",
	"states":                 "FuzzDecode",
	"paths":                  "FuzzPath",
	"appliances, described":  "FuzzDescribe",
	"commands":               "FuzzCommand",
	"values of commands":     "FuzzWish",
	"topics":                 "FuzzTopics",
	"names in topics":        "FuzzSlug",
	"configuration":          "FuzzConfig",
	"state files":            "FuzzUnmarshalRecord",
	"the callback's page":    "FuzzCallback",
	"pasted addresses":       "FuzzPaste",
	"answers of the sign-in": "FuzzSignInAnswer",
	"tokens":                 "FuzzToken",
	"lengths of packets":     "FuzzGuardRead",
	"the simulated sign-in":  "FuzzEMP",
}

// Each parser has a target with seeds, which keeps what one input may cost, and
// no target is without a parser. CI runs all that it finds.
func TestS28Targets(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(f.Name.Name, "Fuzz") {
				continue
			}
			found[f.Name.Name] = true
			for _, call := range []string{"f.Add", "f.Fuzz", "bounds.Keep"} {
				if !calls(f, call) {
					t.Errorf("%s in %s has no %s", f.Name.Name, path, call)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(maps.Values(parsers))
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, want) || len(got) < 14 {
		t.Errorf("targets\n%q\nwant\n%q", got, want)
	}
}

// calls reports whether a function calls another one of a package or a value.
func calls(f *ast.FuncDecl, name string) (yes bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name+"."+s.Sel.Name == name {
				yes = true
			}
		}
		return true
	})
	return yes
}
