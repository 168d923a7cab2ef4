package main

import (
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/lmittmann/tint"
)

// longestValue bounds one value of a log line; an alias may be a megabyte long.
const longestValue = 200

// newHandler makes the handler of all loggers, and the variable that changes
// its level.
func newHandler(c Log, w io.Writer, environ source) (slog.Handler, *slog.LevelVar) {
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
		return slog.NewJSONHandler(w, options), level
	case "tint":
		return tint.NewTextHandler(w, &tint.Options{
			Level: level, ReplaceAttr: attr, NoColor: environ.variable("NO_COLOR") != "",
		}), level
	}
	return slog.NewTextHandler(w, options), level
}

// terminal reports whether w is one.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// short cuts values that are too long for a line, and writes a duration the same
// way in every format. Errors may say more.
func short(a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		return slog.String(a.Key, a.Value.Duration().String()) // JSON would be a number without a unit
	}
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

// A redactor knows the secrets in use and keeps them out of what is written: the
// last net below types that do not show themselves, because libraries put whole
// addresses into their errors. It can be used from several goroutines.
type redactor struct {
	mu      sync.Mutex
	known   []string            // for good
	latest  map[string][]string // those that are renewed again and again, by whose they are
	replace atomic.Pointer[strings.Replacer]
}

// shortestSecret: a shorter one would blacken half of every line.
const shortestSecret = 4

// hide registers a secret for good.
func (r *redactor) hide(secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(secret) >= shortestSecret && !slices.Contains(r.known, secret) {
		r.known = append(r.known, secret)
		r.compile()
	}
}

// latestSecrets is how many of the secrets that renew each other stay known:
// access and refresh token of the last four times. By then the first is over.
const latestSecrets = 8

// hideLatest registers secrets that take the place of earlier ones of the same
// owner, so that years of renewals leave nothing behind.
func (r *redactor) hideLatest(owner string, secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.latest == nil {
		r.latest = map[string][]string{}
	}
	kept := slices.DeleteFunc(slices.Clone(r.latest[owner]), func(s string) bool { return slices.Contains(secrets, s) })
	kept = append(kept, secrets...)
	r.latest[owner] = kept[max(0, len(kept)-latestSecrets):]
	r.compile()
}

// compile makes the replacer, with the forms in which a secret may turn up.
func (r *redactor) compile() {
	all := slices.Clone(r.known)
	for _, secrets := range r.latest {
		all = append(all, secrets...)
	}
	var pairs []string
	for _, secret := range all {
		if len(secret) < shortestSecret {
			continue
		}
		for _, form := range []string{
			secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(strconv.Quote(secret), `"`),
			base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
		} {
			pairs = append(pairs, form, masked)
		}
	}
	r.replace.Store(strings.NewReplacer(pairs...))
}

// text is s without secrets.
func (r *redactor) text(s string) string {
	if replace := r.replace.Load(); replace != nil {
		return replace.Replace(s)
	}
	return s
}

// handler puts the redactor in front of a handler.
func (r *redactor) handler(next slog.Handler) slog.Handler { return redacted{next, r} }

// redacted is a handler that sees no secrets.
type redacted struct {
	slog.Handler
	r *redactor
}

// Handle implements [slog.Handler].
func (h redacted) Handle(ctx context.Context, record slog.Record) error {
	clean := slog.NewRecord(record.Time, record.Level, h.r.text(record.Message), record.PC)
	for a := range record.Attrs {
		clean.AddAttrs(h.r.attr(a))
	}
	return h.Handler.Handle(ctx, clean)
}

// WithAttrs implements [slog.Handler].
func (h redacted) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.r.attr(a)
	}
	return redacted{h.Handler.WithAttrs(clean), h.r}
}

// WithGroup implements [slog.Handler].
func (h redacted) WithGroup(name string) slog.Handler {
	return redacted{h.Handler.WithGroup(name), h.r}
}

// attr is an attribute without secrets. A value of any type stays what it is if
// its text has none.
func (r *redactor) attr(a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	switch a.Value.Kind() {
	case slog.KindString, slog.KindAny:
		text := a.Value.String()
		if clean := r.text(text); clean != text {
			a.Value = slog.StringValue(clean)
		}
	case slog.KindGroup:
		var members []slog.Attr
		for _, m := range a.Value.Group() {
			members = append(members, r.attr(m))
		}
		a.Value = slog.GroupValue(members...)
	}
	return a
}
