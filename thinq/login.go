package thinq

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// SignInTime is how long a sign-in may take.
const SignInTime = 10 * time.Minute

// A Login is one sign-in under way. It ends with the first answer that carries
// its state and comes from the browser in which it was begun (or is pasted by
// whoever began it), or after ten minutes. Answers of others are refused and
// change nothing. Its methods can be called from several goroutines.
type Login struct {
	emp      EMP
	callback *url.URL
	state    string // goes to LG and must come back
	cookie   string // is in the browser in which it was begun
	start    string // path of the page that puts it there
	ends     time.Time
	answers  chan answerOf

	mu   sync.Mutex
	over bool

	seen chan struct{} // closed when the browser was shown how it ended
	once sync.Once
}

// answerOf is how a sign-in ended.
type answerOf struct {
	code, backend string
	err           error
}

// Begin begins a sign-in.
func (e EMP) Begin() *Login {
	callback, err := url.Parse(e.RedirectURL)
	if err != nil {
		callback = new(url.URL)
	}
	return &Login{
		emp: e, callback: callback, state: rand.Text(), cookie: rand.Text(), start: pages + rand.Text(),
		ends: time.Now().Add(SignInTime), answers: make(chan answerOf, 1), seen: make(chan struct{}),
	}
}

// URL is the page of LG on which the user signs in.
func (l *Login) URL() string { return l.emp.AuthorizeURL(l.state) }

// Local reports whether the answer comes to this machine, so that it can be
// listened for; only plain HTTP on an address that never leaves it will do.
func (l *Login) Local() bool {
	return l.callback.Scheme == "http" && Loopback(l.callback.Hostname())
}

// StartURL is where the user's browser begins a sign-in that is served: a page
// of [Login.Serve] that leads on to [Login.URL].
func (l *Login) StartURL() string { return "http://" + l.callback.Host + l.start }

// Addresses are what to listen on for [Login.Serve]. A name may mean IPv4 and
// IPv6; nobody else may have the port of either.
func (l *Login) Addresses() []string {
	hosts, port := []string{l.callback.Hostname()}, l.callback.Port()
	if port == "" {
		port = "80"
	}
	if strings.EqualFold(hosts[0], "localhost") {
		hosts = []string{"127.0.0.1", "::1"}
	}
	var all []string
	for _, host := range hosts {
		all = append(all, net.JoinHostPort(host, port))
	}
	return all
}

// lingers is how long the browser may take to ask for the page that says how the
// sign-in ended.
const lingers = 3 * time.Second

// Serve waits on listeners, which it closes, until the sign-in has ended. The
// error is a *[LoginError], that of a listener, or the cause of ctx.
func (l *Login) Serve(ctx context.Context, listeners ...net.Listener) (code, backend string, err error) {
	server := &http.Server{
		Handler:        l.Handler(),
		ReadTimeout:    5 * time.Second,
		WriteTimeout:   5 * time.Second,
		IdleTimeout:    time.Minute,
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       silent,
	}
	failed := make(chan error, len(listeners))
	var serving sync.WaitGroup
	for _, listener := range listeners {
		serving.Go(func() { failed <- server.Serve(listener) })
	}
	defer serving.Wait()
	defer shutdown(ctx, server)
	timeout := time.NewTimer(time.Until(l.ends))
	defer timeout.Stop()
	select {
	case a := <-l.answers:
		l.linger(ctx)
		return a.code, a.backend, a.err
	case <-timeout.C:
		return "", "", &LoginError{Reason: NoAnswer}
	case err := <-failed:
		return "", "", err
	case <-ctx.Done():
		return "", "", context.Cause(ctx)
	}
}

func (l *Login) linger(ctx context.Context) {
	enough := time.NewTimer(lingers)
	defer enough.Stop()
	select {
	case <-l.seen:
	case <-enough.C:
	case <-ctx.Done():
	}
}

// shutdown lets the answer under way go out.
func shutdown(ctx context.Context, server *http.Server) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		server.Close()
	}
}

// Paste takes the address to which LG sent a browser, as a person copied it. The
// error is a *[LoginError]; unless the sign-in is [Login.Over], another address
// may be pasted.
func (l *Login) Paste(address string) (code, backend string, err error) {
	u, err := url.Parse(strings.Trim(address, " \t\r\n\"'<>"))
	if err != nil || len(address) > longestAnswer || !l.called(u) {
		return "", "", &LoginError{Reason: NotTheAddress, Detail: "it begins with " + l.callback.String()}
	}
	if err := l.claim(u.RawQuery, true); err != nil {
		return "", "", err
	}
	return judge(u.Query())
}

// Over reports whether the sign-in has ended, well or not.
func (l *Login) Over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over || !time.Now().Before(l.ends)
}

// called reports whether an address is the one to which LG sends the browser.
func (l *Login) called(u *url.URL) bool {
	return u.Scheme == l.callback.Scheme && l.named(u.Host) && pathOf(u) == pathOf(l.callback) && u.User == nil
}

// named reports whether a host is that of the redirect address. Browsers leave
// out the port that goes without saying, even where it was said.
func (l *Login) named(host string) bool {
	usual := map[string]string{"http": ":80", "https": ":443"}[l.callback.Scheme]
	return strings.EqualFold(strings.TrimSuffix(host, usual), strings.TrimSuffix(l.callback.Host, usual))
}

func pathOf(u *url.URL) string {
	if u.Path == "" {
		return "/"
	}
	return u.EscapedPath()
}

// Limits of what LG sends back.
const (
	longestAnswer  = 16 << 10
	longestCode    = 4 << 10
	longestBackend = 2 << 10
)

// claim ends the sign-in if what LG sent back belongs to it; own says that it
// comes from where the sign-in was begun.
func (l *Login) claim(query string, own bool) error {
	q, err := url.ParseQuery(query)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch states := q["state"]; {
	case len(states) == 0 && q.Has("returnCode"):
		return companion(q)
	case len(states) == 0:
		return &LoginError{Reason: NoState}
	case err != nil || len(states) > 1 || !Secret(l.state).Is(states[0]):
		return &LoginError{Reason: WrongState}
	case l.over:
		return &LoginError{Reason: UsedState}
	case !time.Now().Before(l.ends):
		return &LoginError{Reason: Expired}
	case !own:
		return &LoginError{Reason: OtherBrowser}
	}
	l.over = true
	return nil
}

// judge finds the code in what LG sent back, or says why there is none.
func judge(q url.Values) (code, backend string, err error) {
	codes := q["code"]
	switch {
	case q.Get("error") == "access_denied":
		return "", "", &LoginError{Reason: Denied}
	case q.Has("error"):
		return "", "", &LoginError{Reason: Failed, Detail: clip(q.Get("error") + " " + q.Get("error_description"))}
	case q.Has("returnCode"):
		return "", "", companion(q)
	case len(codes) != 1 || codes[0] == "" || len(codes[0]) > longestCode:
		return "", "", &LoginError{Reason: NoCode}
	}
	if backend = q.Get("oauth2_backend_url"); len(backend) > longestBackend {
		backend = ""
	}
	return codes[0], backend, nil
}

// companion words the end of a sign-in with the account of another company.
// Source: LG's notes on third-party sign-in; only 910 is documented.
func companion(q url.Values) error {
	if q.Get("returnCode") == "910" {
		return &LoginError{Reason: WantsApp}
	}
	return &LoginError{Reason: OtherCompany, Detail: clip(q.Get("returnCode") + " " + q.Get("returnDescription"))}
}

// A Refusal says why an answer is not the one that a sign-in waits for.
type Refusal string

// The refusals. Those that leave the sign-in as it is come first.
const (
	NoState       Refusal = "no-state"
	WrongState    Refusal = "wrong-state"
	OtherBrowser  Refusal = "other-browser"
	NotTheAddress Refusal = "not-the-address" // pasted was something else

	UsedState    Refusal = "used-state"
	Expired      Refusal = "expired"
	NoAnswer     Refusal = "no-answer" // nothing came within the time
	Denied       Refusal = "denied"
	Failed       Refusal = "failed"
	WantsApp     Refusal = "wants-app"
	OtherCompany Refusal = "other-company"
	NoCode       Refusal = "no-code"
)

// refusals say what happened and what to do, and whose fault it is.
var refusals = map[Refusal]struct {
	class Class
	text  string
}{
	NoState:       {Refused, "This answer does not say which sign-in it belongs to, so it was refused. The sign-in that thinq2mqtt waits for goes on in the tab where it was begun."},
	WrongState:    {Refused, "This answer belongs to another sign-in, so it was refused. The one that thinq2mqtt waits for goes on in the tab where it was begun."},
	OtherBrowser:  {Refused, "This sign-in was begun in another browser, so the answer was refused. Open the address that thinq2mqtt printed in the browser that you sign in with."},
	NotTheAddress: {Refused, "This is not the address to which LG sent the browser. Sign in first, then copy the whole address of the last page."},
	UsedState:     {Auth, "This sign-in is over: an answer to it came before. Run \"thinq2mqtt login\" for another one."},
	Expired:       {Busy, "This sign-in took more than ten minutes, so it is over. Run \"thinq2mqtt login\" for another one."},
	NoAnswer:      {Busy, "LG sent nobody back within ten minutes, so the sign-in is over. Run \"thinq2mqtt login\" for another one."},
	Denied:        {Auth, "Access was denied on LG's page, so nobody is signed in. Run \"thinq2mqtt login\" again and agree there if your appliances are to be bridged."},
	Failed:        {Auth, "LG ended the sign-in with an error. Run \"thinq2mqtt login\" again, and look at oauth.client_id and oauth.redirect_url if that does not help."},
	WantsApp:      {Auth, "LG wants the sign-in with Google to be made by an app on a phone (return code 910), which a browser cannot do. Begin again and sign in with the e-mail address and password of the LG account; LG lets you set a password for it."},
	OtherCompany:  {Auth, "The sign-in with the account of another company failed. Begin again and sign in with the e-mail address and password of the LG account; LG lets you set a password for it."},
	NoCode:        {Auth, "LG sent no code, without which nobody is signed in. Run \"thinq2mqtt login\" again."},
}

// A LoginError is an answer that brings a sign-in no further.
type LoginError struct {
	Reason Refusal
	Detail string // what was sent or wanted; empty where the reason says it all
}

func (e *LoginError) Error() string {
	text := e.Text()
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return text
}

// Text is what happened and what to do, as sentences for a person.
func (e *LoginError) Text() string { return refusals[e.Reason].text }

// Class is Auth where LG refused, Busy where time ran out, and Refused where
// the sign-in goes on.
func (e *LoginError) Class() Class { return refusals[e.Reason].class }
