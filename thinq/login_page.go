package thinq

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"io"
	"log"
	"net/http"
	"strings"
)

// pages is where the pages of a sign-in are; their addresses hold no secret and
// may stay in the browser's history.
const pages = "/sign-in/"

// welcome is the page after a sign-in that went well.
const welcome = "done"

// loginCookie ties a sign-in to the browser in which it was begun.
const loginCookie = "thinq2mqtt_sign_in"

const loginStyle = `body{font:1.1em/1.6 system-ui,sans-serif;max-width:34em;margin:10vh auto;padding:0 1.2em;color:#222;background:#fff}h1{font-size:1.6em;line-height:1.2}@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}}`

// loginHeaders keep what others may do with these pages to nothing at all.
var loginHeaders = map[string]string{
	"Content-Security-Policy":      "default-src 'none'; style-src 'sha256-" + hashOf(loginStyle) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cache-Control":                "no-store",
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// silent is where a server's errors go: they may quote what it was asked.
var silent = log.New(io.Discard, "", 0)

// Handler serves the page on which the sign-in starts, the address to which LG
// sends the browser, and the pages that say how it ended. Under a name that is
// not the redirect address's it serves nothing.
func (l *Login) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range loginHeaders {
			w.Header().Set(name, value)
		}
		switch path := r.URL.EscapedPath(); {
		case r.Method != http.MethodGet:
			w.Header().Set("Allow", "GET")
			http.Error(w, "only GET", http.StatusMethodNotAllowed)
		case !l.named(r.Host):
			http.Error(w, "this server is not known under that name", http.StatusMisdirectedRequest)
		case Secret(l.start).Is(path):
			l.serveStart(w, r)
		case path == pathOf(l.callback):
			l.serveCallback(w, r)
		default:
			name, _ := strings.CutPrefix(path, pages)
			l.servePage(w, name)
		}
	})
}

// serveStart sends the browser to LG, marked.
func (l *Login) serveStart(w http.ResponseWriter, r *http.Request) {
	l.mark(w, l.cookie, int(SignInTime.Seconds()))
	http.Redirect(w, r, l.URL(), http.StatusSeeOther)
}

func (l *Login) mark(w http.ResponseWriter, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name: loginCookie, Value: value, Path: pathOf(l.callback), MaxAge: seconds,
		HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// serveCallback takes LG's answer and sends the browser on, so that the code
// stays neither in its history nor on a page.
func (l *Login) serveCallback(w http.ResponseWriter, r *http.Request) {
	err := l.claim(r.URL.RawQuery, l.marked(r))
	if err == nil {
		var a answerOf
		a.code, a.backend, a.err = judge(r.URL.Query())
		l.answers <- a // the only one
		l.mark(w, "", -1)
		err = a.err
	}
	page := welcome
	if e, ok := errors.AsType[*LoginError](err); ok {
		page = string(e.Reason)
	}
	http.Redirect(w, r, pages+page, http.StatusSeeOther)
}

func (l *Login) marked(r *http.Request) bool {
	c, err := r.Cookie(loginCookie)
	return err == nil && Secret(l.cookie).Is(c.Value)
}

// servePage says how the sign-in ended, or why an answer is none.
func (l *Login) servePage(w http.ResponseWriter, name string) {
	title, status := "Signed in at LG", http.StatusOK
	text := "Go back to where thinq2mqtt runs: it may show the account there and ask whether to keep the sign-in. This page can be closed."
	if name != welcome {
		r, known := refusals[Refusal(name)]
		if !known {
			http.Error(w, "there is no such page", http.StatusNotFound)
			return
		}
		title, status, text = "Not signed in", http.StatusForbidden, r.text
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>thinq2mqtt: %[1]s</title><style>%[2]s</style><main><p>thinq2mqtt</p><h1>%[1]s</h1><p>%[3]s</p></main></html>`,
		title, loginStyle, html.EscapeString(text))
	if l.Over() {
		l.once.Do(func() { close(l.seen) })
	}
}
