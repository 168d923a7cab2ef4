package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// Appliances differ in the table, and nowhere else: no other file names a type
// of device, or compares one with a word.
func TestNoBranchOnDeviceType(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	known := deviceTypes(t, filepath.Join(root, "discovery", "appliances.go"))
	for _, folder := range []string{"discovery", "bridge", "thinq", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && (entry.Name() == "thinqtest" || entry.Name() == "testdata"):
				return fs.SkipDir
			case entry.IsDir(), !strings.HasSuffix(path, ".go"), strings.HasSuffix(path, "_test.go"), isTable(path):
				return nil
			}
			reportBranches(t, path, known)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// isTable reports whether a file is one of the tables that may speak of types.
func isTable(path string) bool {
	name := filepath.Base(path)
	return filepath.Base(filepath.Dir(path)) == "discovery" && (name == "appliances.go" || strings.HasPrefix(name, "words"))
}

// deviceTypes are the types of the table, with and without DEVICE_.
func deviceTypes(t *testing.T, path string) []string {
	t.Helper()
	var types []string
	ast.Inspect(parsed(t, token.NewFileSet(), path), func(n ast.Node) bool {
		if word, ok := strings.CutPrefix(literal(n), "DEVICE_"); ok && word != "" {
			types = append(types, "DEVICE_"+word)
			if word != "OVEN" { // which is a place, too
				types = append(types, word)
			}
		}
		return true
	})
	if len(types) < 60 {
		t.Fatalf("the table has only %d words for types", len(types))
	}
	return types
}

func parsed(t *testing.T, files *token.FileSet, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(files, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func reportBranches(t *testing.T, path string, known []string) {
	t.Helper()
	files := token.NewFileSet()
	ast.Inspect(parsed(t, files, path), func(n ast.Node) bool {
		if why := branch(n, known); why != "" {
			t.Errorf("%s %s: say it in discovery/appliances.go", files.Position(n.Pos()), why)
		}
		return true
	})
}

// messages are words of LG that begin as a device type does, and are none.
var messages = []string{
	string(thinq.Report), string(thinq.Notice), string(thinq.Joined), string(thinq.Left), string(thinq.Renamed), "DEVICE_ALIAS_UPDATED",
}

// branch says why a node depends on the type of a device, empty if it does not.
func branch(n ast.Node, known []string) string {
	text := literal(n)
	if slices.Contains(known, text) || strings.HasPrefix(text, "DEVICE_") && text != "DEVICE_" && !slices.Contains(messages, text) {
		return "names the device type " + text
	}
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if (n.Op == token.EQL || n.Op == token.NEQ) && speaksOfType(n.X, n.Y) {
			return "compares a device type"
		}
	case *ast.SwitchStmt:
		if n.Tag == nil {
			return ""
		}
		for _, clause := range n.Body.List {
			if speaksOfType(append([]ast.Expr{n.Tag}, clause.(*ast.CaseClause).List...)...) {
				return "switches on a device type"
			}
		}
	case *ast.CallExpr:
		f, _ := n.Fun.(*ast.SelectorExpr)
		if f == nil || !slices.Contains([]string{"HasPrefix", "HasSuffix", "Contains", "EqualFold", "Index"}, f.Sel.Name) {
			return ""
		}
		if speaksOfType(n.Args...) {
			return "asks for a word in a device type"
		}
	}
	return ""
}

// speaksOfType reports whether the type of something stands beside a
// word of its own. The mere prefix of all types is none.
func speaksOfType(all ...ast.Expr) bool {
	isType := func(e ast.Expr) bool {
		selector, ok := e.(*ast.SelectorExpr)
		return ok && slices.Contains([]string{"Type", "DeviceType"}, selector.Sel.Name)
	}
	isWord := func(e ast.Expr) bool { return literal(e) != "" && literal(e) != "DEVICE_" }
	return slices.ContainsFunc(all, isType) && slices.ContainsFunc(all, isWord)
}

// literal is the text of a string literal, empty for every other node.
func literal(n ast.Node) string {
	if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		text, _ := strconv.Unquote(lit.Value)
		return text
	}
	return ""
}

// The test above would see what it looks for.
func TestBranchIsSeen(t *testing.T) {
	t.Parallel()
	known := []string{"DEVICE_WASHER", "WASHER"}
	for code, want := range map[string]bool{
		`d.Type == "x"`:                          true,
		`"x" != d.Type`:                          true,
		`t == "DEVICE_WASHER"`:                   true,
		`f("WASHER")`:                            true,
		`g("DEVICE_NEW")`:                        true,
		`strings.Contains(d.Type, "WASH")`:       true,
		`func() { switch d.Type { case "x": } }`: true,
		`p.Type == thinq.Enum`:                   false,
		`strings.TrimPrefix(d.Type, "DEVICE_")`:  false,
		`k == "DEVICE_PUSH"`:                     false,
	} {
		expr, err := parser.ParseExpr(code)
		if err != nil {
			t.Fatal(err)
		}
		seen := false
		ast.Inspect(expr, func(n ast.Node) bool { seen = seen || branch(n, known) != ""; return true })
		if seen != want {
			t.Errorf("%s: %v", code, seen)
		}
	}
}
