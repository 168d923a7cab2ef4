package main

import (
	"context"
	"encoding"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
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

// short cuts values that are too long for a line, takes out what would steer a
// terminal and is escaped by no format, and writes a duration the same way in
// every format. Errors may say more.
func short(a slog.Attr) slog.Attr {
	limit := longestValue
	a.Key = strings.Map(legible, a.Key)
	switch a.Value.Kind() {
	case slog.KindDuration:
		return slog.String(a.Key, a.Value.Duration().String()) // JSON would be a number without a unit
	case slog.KindString, slog.KindAny:
	default:
		return a
	}
	if _, ok := a.Value.Any().(error); ok {
		limit *= 2
	}
	text := a.Value.String()
	clean := strings.Map(legible, cutAt(text, limit))
	if a.Key == slog.MessageKey { // which tint writes as it is
		clean = strings.Map(printed, clean)
	}
	if clean != text {
		a.Value = slog.StringValue(clean)
	}
	return a
}

// cutAt shortens a text to some bytes, at the end of a character.
func cutAt(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "…"
}

// legible replaces what JSON does not escape: control characters beyond ASCII, and
// what turns the direction of writing.
func legible(r rune) rune {
	if r > unicode.MaxASCII && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
		return unicode.ReplacementChar
	}
	return r
}

// printed replaces all control characters.
func printed(r rune) rune {
	if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
		return unicode.ReplacementChar
	}
	return r
}

// A redactor knows the secrets in use and keeps them out of what is written: the
// last net below types that do not show themselves, because libraries put whole
// addresses into their errors. It can be used from several goroutines.
type redactor struct {
	mu      sync.Mutex
	known   []string              // for good
	latest  map[string][][]string // those that are renewed again and again, by whose they are
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

// latestTimes is how many times' secrets stay known of those that renew each
// other. By then the first is over.
const latestTimes = 4

// hideLatest registers secrets that take the place of earlier ones of the same
// owner, so that years of renewals leave nothing behind.
func (r *redactor) hideLatest(owner string, secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.latest == nil {
		r.latest = map[string][][]string{}
	}
	kept := slices.DeleteFunc(r.latest[owner], func(former []string) bool { return slices.Equal(former, secrets) })
	kept = append(kept, secrets)
	r.latest[owner] = kept[max(0, len(kept)-latestTimes):]
	r.compile()
}

// hideKey registers a private key, line by line: that is how far a piece of it
// could go on its own.
func (r *redactor) hideKey(owner, pem string) {
	lines := slices.DeleteFunc(strings.Fields(pem), func(word string) bool { return len(word) < 16 }) // words of its head and foot
	if len(lines) > 0 {
		r.hideLatest(owner, lines...)
	}
}

// compile makes the replacer, with the forms in which a secret may turn up.
func (r *redactor) compile() {
	all := slices.Clone(r.known)
	for _, times := range r.latest {
		all = slices.Concat(all, slices.Concat(times...))
	}
	var pairs []string
	for _, secret := range all {
		if len(secret) < shortestSecret {
			continue
		}
		for _, form := range formsOf(secret) {
			pairs = append(pairs, form, masked)
		}
	}
	r.replace.Store(strings.NewReplacer(pairs...))
}

// formsOf are the forms in which a secret may turn up: as it is, in addresses, in
// quotes, in JSON, in base64 (whose last characters depend on what comes next)
// and in hexadecimal digits.
func formsOf(secret string) []string {
	inJSON, _ := json.Marshal(secret) // a string can be
	quoted := strconv.Quote(secret)
	forms := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), url.UserPassword("", secret).String()[1:], (&url.URL{Path: secret}).EscapedPath(),
		quoted[1 : len(quoted)-1], string(inJSON[1 : len(inJSON)-1]),
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		whole := e.EncodeToString([]byte(secret))
		forms = append(forms, whole, e.EncodeToString([]byte(secret[:len(secret)/3*3])))
	}
	return forms
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
	return redacted{h.Handler.WithGroup(h.r.text(name)), h.r}
}

// written are the texts that handlers make of a value.
func written(v slog.Value) []string {
	all := []string{v.String()}
	switch value := v.Any().(type) {
	case string, error:
		return all
	case []byte:
		all = append(all, string(value))
	case encoding.TextMarshaler:
		text, _ := value.MarshalText()
		all = append(all, string(text))
	}
	inJSON, _ := json.Marshal(v.Any()) // what has no such form is not written in it
	return append(all, string(inJSON))
}

// attr is an attribute without secrets. A value of any type stays what it is if
// its text has none.
func (r *redactor) attr(a slog.Attr) slog.Attr {
	a.Key, a.Value = r.text(a.Key), a.Value.Resolve()
	switch a.Value.Kind() {
	case slog.KindString, slog.KindAny:
		for _, text := range written(a.Value) {
			if clean := r.text(text); clean != text {
				a.Value = slog.StringValue(clean)
			}
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
