package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/lmittmann/tint"
)

// longestValue bounds one value of a log line; an alias may be a megabyte long.
const longestValue = 200

// newLogger makes the logger, and the variable that changes its level.
func newLogger(c Log, w io.Writer, environ source) (*slog.Logger, *slog.LevelVar) {
	level := new(slog.LevelVar)
	level.UnmarshalText([]byte(c.Level)) // validated; info if not
	format := c.Format
	if format == "auto" {
		format = "text"
		if terminal(w) {
			format = "tint"
		}
	}
	journal := environ.variable("JOURNAL_STREAM") != ""
	attr := func(groups []string, a slog.Attr) slog.Attr {
		if journal && a.Key == slog.TimeKey && len(groups) == 0 {
			return slog.Attr{} // the journal has one
		}
		return short(a)
	}
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: attr}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), level
	case "tint":
		return slog.New(tint.NewHandler(w, &tint.Options{
			Level: level, ReplaceAttr: attr, NoColor: environ.variable("NO_COLOR") != "",
		})), level
	}
	return slog.New(slog.NewTextHandler(w, options)), level
}

// terminal reports whether w is one.
func terminal(w io.Writer) bool {
	if r, ok := w.(*redactor); ok {
		w = r.w
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// short cuts values that are too long for a line. Errors may say more.
func short(a slog.Attr) slog.Attr {
	limit := longestValue
	text := ""
	switch v := a.Value.Any().(type) {
	case error:
		text, limit = v.Error(), 2*longestValue
	case string:
		text = v
	}
	if len(text) <= limit {
		return a
	}
	for !utf8.RuneStart(text[limit]) {
		limit--
	}
	a.Value = slog.StringValue(text[:limit] + "…")
	return a
}

// A redactor writes everything but secrets: the last net below types that do
// not show themselves, because libraries put whole addresses into their errors.
type redactor struct {
	w io.Writer

	mu      sync.Mutex
	forms   []string // pairs for replace
	replace *strings.Replacer
}

// shortestSecret: a shorter one would blacken half of every line.
const shortestSecret = 4

// hide registers a secret, with the forms in which it may turn up.
func (r *redactor) hide(secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(secret) < shortestSecret || slices.Contains(r.forms, secret) {
		return
	}
	quoted, _ := json.Marshal(secret)
	for _, form := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(string(quoted), `"`),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
	} {
		r.forms = append(r.forms, form, masked)
	}
	r.replace = strings.NewReplacer(r.forms...)
}

// Write writes p without the secrets. Log handlers write a line at a time, so
// none is cut in two.
func (r *redactor) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.replace == nil {
		return r.w.Write(p)
	}
	if _, err := r.replace.WriteString(r.w, string(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}
