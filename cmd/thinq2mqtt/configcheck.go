package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A checker compares what was written with the fields of [Config]: it collects
// what is wrong, each with its place, and remembers where each key was set.
type checker struct {
	path  string
	at    origins
	wrong []error
}

func (c *checker) complain(where, key, format string, args ...any) {
	c.wrong = append(c.wrong, &complaint{where, key, fmt.Sprintf(format, args...)})
}

// yamlLine is how the YAML library names a place.
var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// anchor is the part of an error of the YAML library that may be a secret which
// begins with an asterisk and has no quotes.
var anchor = regexp.MustCompile(`unknown anchor '.*' referenced`)

// file checks a configuration file.
func (c *checker) file(path string, data []byte) {
	c.path = path
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return
	case err != nil:
		where, text := path, strings.TrimPrefix(err.Error(), "yaml: ")
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			where, text = path+":"+m[1], err.Error()[len(m[0]):]
		}
		text = anchor.ReplaceAllString(text, "text that begins with * wants quotes")
		c.complain(where, "", "is not valid YAML (%s): mind indentation (blanks, not tabs), colons and quotes", text)
		return
	}
	c.node(doc.Content[0], reflect.TypeFor[Config](), "", 0)
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		c.complain(path, "", "holds more than one document: remove the --- in between")
	}
}

func (c *checker) line(n *yaml.Node) string { return c.path + ":" + strconv.Itoa(n.Line) }

// node checks one value of the file against the type that is to hold it.
func (c *checker) node(n *yaml.Node, t reflect.Type, key string, depth int) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	t = plainType(t)
	switch {
	case depth > 20: // an anchor may contain itself
		c.complain(c.line(n), key, "is nested too deeply")
	case n.ShortTag() == "!!null":
	case t.Kind() == reflect.Struct || t.Kind() == reflect.Map:
		c.section(n, t, key, depth)
	case t.Kind() == reflect.Slice:
		c.list(n, t, key, depth)
	default:
		c.scalar(n, t, key)
	}
}

// plainType is the type of what a pointer points to: where nothing is not the
// same as empty, the field is one.
func plainType(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// section checks a mapping, key by key.
func (c *checker) section(n *yaml.Node, t reflect.Type, key string, depth int) {
	if n.Kind != yaml.MappingNode {
		c.complain(c.line(n), key, "must be a section with keys of its own: %s", keysOf(t))
		return
	}
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if name.ShortTag() == "!!merge" {
			c.node(value, t, key, depth+1)
			continue
		}
		full := join(key, name.Value)
		elem, ok := member(t, name.Value)
		line, twice := first[name.Value]
		switch {
		case name.Kind != yaml.ScalarNode || name.Value == "":
			c.complain(c.line(name), key, "has a key that is not a word")
			continue
		case twice:
			c.complain(c.line(name), full, "is set twice, first in line %d: remove one", line)
			continue
		case !ok:
			c.complain(c.line(name), full, "is not a setting: %s", suggest(t, key, name.Value))
			continue
		}
		first[name.Value] = name.Line
		c.at[full] = c.line(name)
		c.node(value, elem, full, depth+1)
	}
}

// list checks a list of values, each at its place.
func (c *checker) list(n *yaml.Node, t reflect.Type, key string, depth int) {
	if n.Kind != yaml.SequenceNode {
		c.complain(c.line(n), key, "must be a list: put it into brackets")
		return
	}
	for _, value := range n.Content {
		c.node(value, t.Elem(), key, depth+1)
	}
}

// scalar checks a single value. What is wrong with a secret is said without it.
func (c *checker) scalar(n *yaml.Node, t reflect.Type, key string) {
	where, tag := c.line(n), n.ShortTag()
	switch {
	case n.Kind != yaml.ScalarNode:
		c.complain(where, key, "must be one value, not a list or a section")
	case t == reflect.TypeFor[time.Duration]():
		if text := duration(n.Value); text != "" {
			c.complain(where, key, "%s", text)
		}
	case t == reflect.TypeFor[Secret]() && tag != "!!str":
		c.complain(where, key, "must be text: put it into quotes")
	case t.Kind() == reflect.String && tag != "!!str":
		c.complain(where, key, "must be text, not %s: put it into quotes", n.Value)
	case t.Kind() == reflect.Bool && tag != "!!bool":
		c.complain(where, key, "must be true or false, not %q", n.Value)
	case t.Kind() == reflect.Int:
		if _, err := strconv.Atoi(n.Value); tag != "!!int" || err != nil {
			c.complain(where, key, "must be a whole number, not %q", n.Value)
		}
	}
}

// variable checks a variable of the environment and gives its value the type of
// the key; false if it was wrong.
func (c *checker) variable(name string, path []string, value string) (any, bool) {
	key := strings.Join(path, ".")
	t := reflect.TypeFor[Config]()
	for i, part := range path {
		elem, ok := member(t, part)
		if !ok {
			c.complain(name, "", "is not a setting: %s", suggest(t, strings.Join(path[:i], "."), part))
			return nil, false
		}
		t = elem
	}
	v, text := convert(t, value)
	if text != "" {
		c.complain(name, key, "%s", text)
		return nil, false
	}
	c.at[key] = name
	return v, true
}

// convert reads the text of a variable; the second result says what is wrong
// with it.
func convert(t reflect.Type, value string) (any, string) {
	t = plainType(t)
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return value, duration(value)
	case t.Kind() == reflect.String:
		return value, ""
	case t == reflect.TypeFor[[]string]():
		return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' }), ""
	case t.Kind() == reflect.Bool:
		if value != "true" && value != "false" {
			return nil, fmt.Sprintf("must be true or false, not %q", value)
		}
		return value == "true", ""
	case t.Kind() == reflect.Int:
		n, err := strconv.Atoi(value)
		if err != nil {
			return nil, fmt.Sprintf("must be a whole number, not %q", value)
		}
		return n, ""
	}
	return nil, "is a section: set " + keysOf(t) + " below it"
}

// duration says what is wrong with a span of time; empty if nothing is.
func duration(value string) string {
	if _, err := strconv.ParseFloat(value, 64); err == nil {
		return fmt.Sprintf("%s needs a unit, as in %ss or %sm", value, value, value)
	}
	if _, err := time.ParseDuration(value); err != nil {
		return fmt.Sprintf("%q is not a span of time: write it as in 30s, 10m or 1h30m", value)
	}
	return ""
}

// settings are the fields of a section with their keys.
func settings(t reflect.Type) iter.Seq2[string, reflect.StructField] {
	return func(yield func(string, reflect.StructField) bool) {
		if t.Kind() != reflect.Struct {
			return
		}
		for f := range t.Fields() {
			if key := f.Tag.Get("koanf"); key != "" && !yield(key, f) {
				return
			}
		}
	}
}

// member is the type behind a key of a section.
func member(t reflect.Type, name string) (reflect.Type, bool) {
	if t.Kind() == reflect.Map {
		return t.Elem(), name != ""
	}
	for key, f := range settings(t) {
		if key == name {
			return f.Type, true
		}
	}
	return nil, false
}

// keysOf lists the keys of a section for people.
func keysOf(t reflect.Type) string {
	var keys []string
	for key, f := range settings(t) {
		if f.Tag.Get("doc") != "-" {
			keys = append(keys, key)
		}
	}
	if t.Kind() == reflect.Map {
		return "names of your choice"
	}
	return strings.Join(keys, ", ")
}

// suggest says what somebody who wrote an unknown key may have meant: the same
// word in another section, a word one or two letters away, or else all there are.
func suggest(t reflect.Type, section, name string) string {
	for top, f := range settings(reflect.TypeFor[Config]()) {
		if _, ok := member(f.Type, name); ok && f.Type.Kind() == reflect.Struct {
			return "did you mean " + join(top, name) + "?"
		}
	}
	best, distance := "", 3
	for key := range settings(t) {
		if d := edits(key, name); d < distance && d < len(name)-1 { // half a short word says nothing
			best, distance = key, d
		}
	}
	if best != "" {
		return "did you mean " + join(section, best) + "?"
	}
	return cmp.Or(section, "the file") + " takes " + cmp.Or(keysOf(t), "no keys")
}

// edits is the number of letters to change, add or remove to make b of a.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := slices.Clone(row)
		row[0] = i + 1
		for j := range len(b) {
			changed := before[j]
			if a[i] != b[j] {
				changed++
			}
			row[j+1] = min(changed, before[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

func join(section, key string) string {
	if section == "" {
		return key
	}
	return section + "." + key
}
