package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// A setting is a key with the YAML of its value.
type setting struct{ key, value string }

// asFile is a file with some settings, in order, each in its section.
func asFile(all []setting) string {
	var b strings.Builder
	var write func(in []setting, indent string)
	write = func(in []setting, indent string) {
		var done []string
		for _, s := range in {
			head, _, deeper := strings.Cut(s.key, ".")
			if !deeper {
				fmt.Fprintf(&b, "%s%s: %s\n", indent, head, s.value)
				continue
			}
			if slices.Contains(done, head) {
				continue
			}
			done = append(done, head)
			fmt.Fprintf(&b, "%s%s:\n", indent, head)
			var below []setting
			for _, other := range in {
				if rest, ok := strings.CutPrefix(other.key, head+"."); ok {
					below = append(below, setting{rest, other.value})
				}
			}
			write(below, indent+"  ")
		}
	}
	write(all, "")
	return b.String()
}

// leaves are all keys that have a value of their own, with its type.
func leaves(t reflect.Type, section string) map[string]reflect.StructField {
	all := map[string]reflect.StructField{}
	for name, f := range settings(t) {
		key, inner := join(section, name), f.Type
		for inner.Kind() == reflect.Map && inner.Elem().Kind() != reflect.String {
			key, inner = join(key, "x"), inner.Elem()
		}
		switch inner.Kind() {
		case reflect.Struct:
			for k, f := range leaves(inner, key) {
				all[k] = f
			}
		case reflect.Map:
		default:
			all[key] = f
		}
	}
	return all
}

// mistakes are what people write in the place of a value.
func mistakes(key string, f reflect.StructField) (all []setting) {
	t := plainType(f.Type)
	values := []string{"[canary]", "{canary: canary}", "*canary"}
	switch {
	case t == reflect.TypeFor[time.Duration]():
		values = append(values, "30", "soon", "1 day")
	case t == reflect.TypeFor[Secret]():
		values = append(values, "12345", "true", "0x1F", "'canary\ncanary", "\"canary", "`canary", "@canary")
	case t.Kind() == reflect.String:
		values = append(values, "7", "true", "1.5", "2026-11-22", "\"unfinished", "@x")
	case t.Kind() == reflect.Bool:
		values = append(values, "yes", "1", "'true'", "on")
	case t.Kind() == reflect.Int:
		values = append(values, "many", "1.5", "'1'", "1e99")
	}
	if f.Tag.Get("enum") != "" {
		values = append(values, "something")
	}
	for _, v := range values {
		all = append(all, setting{key, v})
	}
	return append(all, setting{key + "x", "canary"}, setting{"x" + key, "canary"})
}

// Every key, with each of the mistakes that can be made with it, beside secrets
// that are not to be told: always the exit code for it, and sentences that name
// the place.
func TestF100TwoHundredMistakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	secrets := []setting{
		{"thinq.country", "KR"}, {"thinq.token", "canary-token"}, {"thinq.oauth.client_secret", "canary-client"}, {"thinq.oauth.service_key", "canary-service"},
		{"mqtt.password", "canary-mqtt"}, {"http.password", "canary-http"}, {"accounts.x.country", "KR"}, {"accounts.x.token", "canary-account"}, {"accounts.x.oauth.service_key", "canary-key"},
	}
	var cases []setting
	all := leaves(reflect.TypeFor[Config](), "")
	for key, f := range all {
		cases = append(cases, mistakes(key, f)...)
	}
	for _, section := range []string{"thinq", "mqtt", "http", "log", "homeassistant", "thinq.oauth", "thinq.budget"} {
		for _, value := range []string{"canary", "[canary]", "7", "'canary'"} {
			cases = append(cases, setting{section, value})
		}
	}
	for key := range all { // the value is no file, but the secret itself
		if strings.HasSuffix(key, "_file") && all[strings.TrimSuffix(key, "_file")].Type == reflect.TypeFor[Secret]() {
			cases = append(cases, setting{key, "thinqpat_canary"}, setting{key, "canary"})
		}
	}
	for _, value := range []string{"mqtt://me:canary@h:99999", "mqtt://me:canary@", "me:canary@h", "http://me:canary@h", "mqtt://me:can ary@h", "mqtt://me:%canary@h", "//me:canary@h"} {
		cases = append(cases, setting{"mqtt.url", "'" + value + "'"}, setting{"thinq.api_url", "'" + value + "'"})
	}
	for _, c := range cases {
		kept := slices.DeleteFunc(slices.Clone(secrets), func(s setting) bool {
			return s.key == c.key || strings.HasPrefix(s.key, c.key+".") || s.key+"_file" == c.key
		})
		if err := os.WriteFile(path, []byte(asFile(append(kept, c))), 0o600); err != nil {
			t.Fatal(err)
		}
		wantComplaint(t, path, c, nil)
	}
	if err := os.WriteFile(path, []byte(asFile(secrets)), 0o600); err != nil {
		t.Fatal(err)
	}
	variables := 0
	for key := range all {
		name := envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", envLevel))
		for _, wrong := range []string{name + "X", strings.Replace(name, envLevel, "_", 1), name + "__X"} {
			if wrong == name || strings.Contains(wrong, "__X__X") {
				continue
			}
			variables++
			wantComplaint(t, path, setting{key: wrong}, []string{wrong + "=canary"})
		}
	}
	if n := len(cases) + variables; n < 200 {
		t.Errorf("only %d mistakes", n)
	}
}

func wantComplaint(t *testing.T, path string, c setting, environ []string) {
	t.Helper()
	a := &app{environ: environ, secrets: new(redactor)}
	_, err := a.configuration(path)
	said := fmt.Sprint(err)
	place := filepath.Base(path) + ":"
	if environ != nil {
		place = c.key
	}
	if codeOf(err) != exitConfig || !strings.Contains(said, place) {
		t.Errorf("%s: %s: exit code %d\n%s", c.key, c.value, codeOf(err), said)
	}
	for line := range strings.Lines(said) {
		if len(strings.Split(line, ": ")) < 2 {
			t.Errorf("%s: %s: not a sentence with its place: %s", c.key, c.value, line)
		}
	}
	if strings.Contains(strings.ReplaceAll(said, c.key, ""), "canary") {
		t.Errorf("%s: %s: tells a secret:\n%s", c.key, c.value, said)
	}
}
