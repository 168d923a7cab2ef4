// Command components lists what a binary was made of, as the toolchain noted it
// down in there, in the words of CycloneDX 1.5. It is the same for the same
// binary: it holds no time and no random number.
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
)

// A component is one module.
type component struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
}

func golang(kind, name, version string) component {
	return component{kind, name, version, "pkg:golang/" + name + "@" + version}
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: components BINARY VERSION")
		os.Exit(64)
	}
	info, err := buildinfo.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	list := []component{golang("library", "stdlib", info.GoVersion[len("go"):])}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		list = append(list, golang("library", m.Path, m.Version))
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	_ = out.Encode(map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
		"metadata":   map[string]any{"component": golang("application", info.Main.Path, os.Args[2])},
		"components": list,
	})
}
