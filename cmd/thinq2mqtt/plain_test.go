package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// secretive is what a field with a secret is called.
var secretive = regexp.MustCompile(`(?i)(token|secret|password|key|pem)s?$`)

// plainly are the types that show what they hold.
var plainly = []string{"string", "[]string", "[]byte", "map[string]string", "*string"}

// unsecret are the fields that are called like that and hold none, or have to
// show it; "*" stands for every type of a package.
var unsecret = map[string]string{
	"discovery.*.Key":                  "names an attribute of an appliance",
	"discovery.*.key":                  "so does this",
	"main.complaint.key":               "names a setting",
	"main.secretSource.key":            "names the setting that the secret is for",
	"main.partnerPapers.ClientSecret":  "is made up, and printed for whoever tries the simulator",
	"main.partnerPapers.ServiceKey":    "so is this",
	"thinqtest.Options.Token":          "is the simulator's own",
	"thinqtest.Server.Token":           "so is this",
	"thinqtest.Server.ClientSecret":    "so is this",
	"thinqtest.Server.ServiceKey":      "so is this",
	"thinqtest.socket.token":           "so is this",
	"linktest.Options.Password":        "is the simulated broker's own",
	"thinq.Certificate.CertificatePEM": "is public: the key never leaves this machine",
}

// No field of any type is a plain text and called like a secret.
func TestS03NoPlainSecrets(t *testing.T) {
	t.Parallel()
	excused := map[string]bool{}
	fields := 0
	eachFile(t, func(path string, file *ast.File) {
		for name, kind := range fieldsOf(file) {
			fields++
			if !secretive.MatchString(name) || !slices.Contains(plainly, kind) {
				continue
			}
			_, field, _ := strings.Cut(name, ".")
			for _, excuse := range []string{file.Name.Name + "." + name, file.Name.Name + ".*." + field} {
				excused[excuse] = true
				if unsecret[excuse] != "" {
					kind = ""
				}
			}
			if kind != "" {
				t.Errorf("%s: %s.%s is a %s: make it a Secret", path, file.Name.Name, name, kind)
			}
		}
	})
	if fields < 500 {
		t.Fatalf("only %d fields", fields)
	}
	for excuse := range unsecret {
		if !excused[excuse] {
			t.Errorf("%s is not there", excuse)
		}
	}
}

// eachFile shows every file of the program.
func eachFile(t *testing.T, look func(path string, file *ast.File)) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err == nil {
			look(path, file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// judges are the functions that compare what a stranger sent with a secret.
var judges = map[string]string{"Is": "../../thinq/secret.go", "admits": "../../bridge/httpguard.go"}

// harmless are comparisons of two of our own, and of what only sounds like one.
var harmless = []string{"next token", "s.token.AccessToken refused", "f.signIn byToken"}

// How long a comparison takes tells nobody how much of a secret is right.
func TestS03ConstantTime(t *testing.T) {
	t.Parallel()
	of := regexp.MustCompile(`(?i)(token|secret|password|cookie|l\.state|l\.start)$`)
	found := map[string]bool{}
	eachFile(t, func(path string, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if judges[n.Name.Name] == path {
					found[n.Name.Name] = calls(n, "subtle.ConstantTimeCompare")
				}
			case *ast.BinaryExpr:
				x, y := nameOf(n.X), nameOf(n.Y)
				if (n.Op == token.EQL || n.Op == token.NEQ) && x != "" && y != "" && y != "nil" && (of.MatchString(x) || of.MatchString(y)) && !slices.Contains(harmless, x+" "+y) {
					t.Errorf("%s: %s is compared with %s: use Secret.Is", path, x, y)
				}
			}
			return true
		})
	})
	for name := range judges {
		if !found[name] {
			t.Errorf("%s does not compare in constant time", name)
		}
	}
}

// nameOf is what a variable or a field is called, also as the argument of a
// conversion; empty: it is a constant or something else.
func nameOf(e ast.Expr) string {
	if call, ok := e.(*ast.CallExpr); ok && len(call.Args) == 1 {
		e = call.Args[0]
	}
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return strings.TrimPrefix(nameOf(e.X)+"."+e.Sel.Name, ".")
	}
	return ""
}

// fieldsOf are the fields of a file's structs, "Type.field", with their types.
func fieldsOf(file *ast.File) map[string]string {
	found, name := map[string]string{}, ""
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			name = n.Name.Name
		case *ast.TypeSpec:
			name = n.Name.Name
		case *ast.StructType:
			for _, f := range n.Fields.List {
				for _, id := range f.Names {
					found[name+"."+id.Name] = typeText(f.Type)
				}
			}
		}
		return true
	})
	return found
}

// typeText is a simple type as it is written, else "".
func typeText(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return "*" + typeText(e.X)
	case *ast.ArrayType:
		return "[]" + typeText(e.Elt)
	case *ast.MapType:
		return "map[" + typeText(e.Key) + "]" + typeText(e.Value)
	}
	return ""
}
