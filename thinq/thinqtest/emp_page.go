package thinqtest

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

//go:embed emp.html
var signInHTML string

var signInPage = template.Must(template.New("sign-in").Parse(signInHTML))

// An authorization is what a service asks of EMP and of its user.
type authorization struct{ ClientID, RedirectURI, State string }

// authorizationOf reads LG's four parameters. They are all that may be there:
// PKCE and scopes are in none of LG's documents.
func (s *Server) authorizationOf(q url.Values) (authorization, bool) {
	a := authorization{q.Get("client_id"), q.Get("redirect_uri"), q.Get("state")}
	redirect, err := url.Parse(a.RedirectURI)
	return a, len(q) == 4 && q.Get("response_type") == "code" && a.ClientID == s.ClientID && a.State != "" &&
		err == nil && redirect.IsAbs() && redirect.Fragment == "" && once(q)
}

func once(q url.Values) bool {
	for _, values := range q {
		if len(values) != 1 {
			return false
		}
	}
	return true
}

// getAuthorize shows the page, whatever the redirect address is: LG tells that
// only to who signs in.
func (s *Server) getAuthorize(r *http.Request, _ []byte) *reply {
	a, ok := s.authorizationOf(r.URL.Query())
	if !ok {
		return pageNotFound()
	}
	return s.page(a, "")
}

// getSignIn is where an app comes back with a user whom somebody else has signed
// in; without one it is the page.
func (s *Server) getSignIn(r *http.Request, body []byte) *reply {
	a, ok := s.authorizationOf(r.URL.Query())
	if !ok || r.Header.Get("user_id_type") != "GGL" || r.Header.Get("user_id") == "" || r.Header.Get("user_thirdparty_token") == "" {
		return s.getAuthorize(r, body)
	}
	return s.allow(a)
}

// postSignIn does what was pressed on the page.
func (s *Server) postSignIn(_ *http.Request, body []byte) *reply {
	form, err := url.ParseQuery(string(body))
	do := buttons[form.Get("choice")]
	form.Del("choice")
	a, ok := s.authorizationOf(form)
	if err != nil || do == nil || !ok {
		return pageNotFound()
	}
	return do(s, a)
}

// buttons are those of the page, by value.
var buttons = map[string]func(*Server, authorization) *reply{
	"allow":  (*Server).allow,
	"google": (*Server).google,
	"refuse": func(s *Server, a authorization) *reply {
		return s.page(a, "You refused. The service has not been told.")
	},
	"terms": func(s *Server, a authorization) *reply {
		return s.page(a, "This service is not currently supported in your country.")
	},
	"redirect": func(s *Server, a authorization) *reply { return s.page(a, mismatch) },
}

// mismatch is spelt as LG spells it.
const mismatch = "Mismathing Redirect URI Error"

// allow signs the user in. LG sends code and state back; another of its apps
// gets the address of the backend and the user's number as well.
func (s *Server) allow(a authorization) *reply {
	if !s.registered(a) {
		return s.page(a, mismatch)
	}
	back := url.Values{"code": {s.issueCode(a.RedirectURI)}, "state": {a.State}}
	if s.o.Backend {
		back.Set("oauth2_backend_url", s.backendURL())
		back.Set("user_number", s.user())
	}
	return sendBack(a, back)
}

// google leaves the sign-in to the app. LG's documents show no state here.
func (s *Server) google(a authorization) *reply {
	if !s.registered(a) {
		return s.page(a, mismatch)
	}
	return sendBack(a, url.Values{"returnCode": {"910"}, "returnDescription": {"confirm_ggl"}})
}

// registered compares letter by letter.
func (s *Server) registered(a authorization) bool {
	return slices.Contains(s.RedirectURLs, a.RedirectURI)
}

func sendBack(a authorization, parameters url.Values) *reply {
	separator := "?"
	if strings.Contains(a.RedirectURI, "?") {
		separator = "&"
	}
	headers := pageHeaders()
	headers["Location"] = a.RedirectURI + separator + parameters.Encode()
	return &reply{status: http.StatusFound, headers: headers}
}

// page is the sign-in page, with an alert where something went wrong. LG's
// alerts do not call the redirect address either.
func (s *Server) page(a authorization, alert string) *reply {
	return render(http.StatusOK, "", struct {
		authorization
		User, Alert, Error string
	}{a, s.user(), alert, ""})
}

// pageNotFound is EMP's answer to whatever is wrong.
func pageNotFound() *reply { return errorPage(http.StatusInternalServerError, "500", "Page not found") }

// refuseAuthorize is the answer of a fault; 400 is that of the earlier version 1.
func refuseAuthorize(_ *http.Request, code string) *reply {
	if code == "400" {
		return errorPage(http.StatusBadRequest, code, "app_id is invalid")
	}
	return pageNotFound()
}

func errorPage(status int, code, message string) *reply {
	return render(status, code, struct{ Error string }{message})
}

func render(status int, code string, data any) *reply {
	var out bytes.Buffer
	if err := signInPage.Execute(&out, data); err != nil {
		panic(err) // the template fits its data
	}
	return &reply{status: status, code: code, headers: pageHeaders(), body: out.Bytes()}
}

func pageHeaders() map[string]string {
	return map[string]string{
		"Content-Type":            "text/html; charset=utf-8",
		"Cache-Control":           "no-store",
		"Referrer-Policy":         "no-referrer",
		"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
	}
}
