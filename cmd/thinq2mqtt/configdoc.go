package main

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"
)

const exampleHead = `# thinq2mqtt: every setting with its default.
# Any of them can come from the environment instead: THINQ2MQTT_ and the path in
# capitals, with __ between levels: THINQ2MQTT_MQTT__URL.
`

// writeExample writes the commented sample. What has neither a default nor a
// sample value is shown commented out.
func writeExample(w io.Writer) error {
	var b strings.Builder
	b.WriteString(exampleHead)
	exampleSection(&b, reflect.ValueOf(defaults()), "")
	_, err := io.WriteString(w, b.String())
	return err
}

func exampleSection(b *strings.Builder, section reflect.Value, indent string) {
	for key, f := range settings(section.Type()) {
		doc, value := f.Tag.Get("doc"), section.FieldByIndex(f.Index)
		if doc == "-" {
			continue
		}
		if indent == "" {
			b.WriteString("\n")
		}
		fmt.Fprintf(b, "%s# %s\n", indent, doc)
		sample := f.Tag.Get("sample")
		switch {
		case value.Kind() == reflect.Struct:
			fmt.Fprintf(b, "%s%s:\n", indent, key)
			exampleSection(b, value, indent+"  ")
		case value.Kind() == reflect.Map:
			fmt.Fprintf(b, "%s# %s: %s\n", indent, key, sample)
		case sample != "":
			fmt.Fprintf(b, "%s%s: %s\n", indent, key, sample)
		case value.Kind() == reflect.Bool:
			fmt.Fprintf(b, "%s%s: %s\n", indent, key, yamlText(value))
		case value.IsZero():
			fmt.Fprintf(b, "%s# %s: \"\"\n", indent, key)
		default:
			fmt.Fprintf(b, "%s%s: %s\n", indent, key, yamlText(value))
		}
	}
}

// yamlText is a default as it would be written; 30m0s reads better as 30m.
func yamlText(v reflect.Value) string {
	if d, ok := v.Interface().(time.Duration); ok {
		return strings.TrimSuffix(d.String(), "0s")
	}
	return fmt.Sprint(v.Interface())
}

// A schema is the part of JSON Schema (2020-12) that a configuration needs.
type schema struct {
	Draft       string             `json:"$schema,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        string             `json:"type"`
	Pattern     string             `json:"pattern,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Default     any                `json:"default,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Additional  any                `json:"additionalProperties,omitempty"` // false, or *schema
	Items       *schema            `json:"items,omitempty"`
}

// writeSchema writes the JSON Schema of a configuration file.
func writeSchema(w io.Writer) error {
	s := schemaOf(reflect.ValueOf(defaults()))
	s.Draft, s.Title = "https://json-schema.org/draft/2020-12/schema", "Configuration of thinq2mqtt"
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(s)
}

// schemaOf describes a value; what it is now is the default.
func schemaOf(v reflect.Value) *schema {
	switch {
	case v.Kind() == reflect.Pointer: // which has no default
		s := schemaOf(reflect.Zero(v.Type().Elem()))
		s.Default = nil
		return s
	case v.Type() == reflect.TypeFor[map[string]Account]():
		return &schema{Type: "object", Additional: schemaOf(reflect.ValueOf(defaultAccount()))}
	case v.Kind() == reflect.Map:
		return &schema{Type: "object", Additional: schemaOf(reflect.Zero(v.Type().Elem()))}
	case v.Kind() == reflect.Slice:
		return &schema{Type: "array", Items: schemaOf(reflect.Zero(v.Type().Elem()))}
	case v.Kind() == reflect.Struct:
		return sectionSchema(v)
	case v.Type() == reflect.TypeFor[time.Duration]():
		return &schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`, Default: yamlText(v)}
	case v.Kind() == reflect.Bool:
		return &schema{Type: "boolean", Default: v.Bool()}
	case v.Kind() == reflect.Int:
		return &schema{Type: "integer", Default: v.Int()}
	case v.IsZero():
		return &schema{Type: "string"}
	}
	return &schema{Type: "string", Default: v.String()}
}

func sectionSchema(v reflect.Value) *schema {
	s := &schema{Type: "object", Properties: map[string]*schema{}, Additional: false}
	for key, f := range settings(v.Type()) {
		if f.Tag.Get("doc") == "-" {
			continue
		}
		p := schemaOf(v.FieldByIndex(f.Index))
		p.Description = f.Tag.Get("doc")
		if enum := f.Tag.Get("enum"); enum != "" {
			p.Enum = strings.Split(enum, ",")
		}
		s.Properties[key] = p
	}
	return s
}

// public is the configuration as others may see it, by key: secrets masked,
// spans of time readable.
func (c *Config) public() map[string]any { return public(reflect.ValueOf(*c)).(map[string]any) }

func public(v reflect.Value) any {
	switch value := v.Interface().(type) {
	case Secret:
		if value == "" {
			return ""
		}
		return masked
	case time.Duration:
		return value.String()
	}
	all := map[string]any{}
	switch v.Kind() {
	case reflect.Struct:
		for key, f := range settings(v.Type()) {
			if value := v.FieldByIndex(f.Index); f.Tag.Get("doc") != "-" && (f.Type.Kind() != reflect.Pointer || !value.IsNil()) {
				all[key] = public(reflect.Indirect(value))
			}
		}
	case reflect.Map:
		for key, value := range v.Seq2() {
			all[key.String()] = public(value)
		}
	default:
		return v.Interface()
	}
	return all
}
