package bridge

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
	"time"
	"unicode"
)

//go:embed status.html
var statusHTML string

// styleHash lets the page's own style through the content policy, and no other
// (CSP level 3, section 2.3.1).
var styleHash = func() string {
	_, rest, _ := strings.Cut(statusHTML, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	digest := sha256.Sum256([]byte(style))
	return "sha256-" + base64.StdEncoding.EncodeToString(digest[:])
}()

var statusPage = template.Must(template.New("status").Funcs(template.FuncMap{
	"ago": ago, "kind": kind, "plain": func(s string) string { return strings.ReplaceAll(s, "_", " ") },
}).Parse(statusHTML))

// page is the status page. It is read without a script and renews itself.
func (s *Site) page(w http.ResponseWriter, r *http.Request) {
	var out bytes.Buffer
	err := statusPage.Execute(&out, struct {
		Version VersionInfo
		Bridges []Snapshot
		Now     time.Time
	}{s.Version, s.snapshots(r.Context()), time.Now()})
	if err != nil {
		http.Error(w, "the page cannot be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(bytes.Map(visible, out.Bytes())) // the reader has gone away
}

// visible shows what would steer a terminal, or turn the writing round, as a
// character that nobody can read.
func visible(r rune) rune {
	if r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
		return unicode.ReplacementChar
	}
	return r
}

// ago is how long something is past, in words.
func ago(now, t time.Time) string {
	d := now.Sub(t).Round(time.Second)
	switch {
	case t.IsZero():
		return "never"
	case d < time.Minute:
		return d.String() + " ago"
	case d < 48*time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s") + " ago"
	}
	return t.Format(time.DateOnly)
}

// kind is a device type for people: "DEVICE_ROBOT_CLEANER" is a robot cleaner.
func kind(deviceType string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(deviceType, "DEVICE_"), "_", " "))
}
