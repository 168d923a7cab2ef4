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
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
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
		return nil
	})
	if err != nil || fields < 500 {
		t.Fatalf("%v after %d fields", err, fields)
	}
	for excuse := range unsecret {
		if !excused[excuse] {
			t.Errorf("%s is not there", excuse)
		}
	}
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
