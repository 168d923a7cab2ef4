package thinq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrCertificate is what a [Subscriber] returns (wrapped) when the event broker
// does not accept the client certificate.
var ErrCertificate = errors.New("the event broker refused the client certificate")

// Class groups LG's error codes by what can be done about them.
type Class string

// The classes; the table codes says which code is in which.
const (
	Rate        Class = "rate"        // too many calls: pause
	Auth        Class = "auth"        // the token is not accepted
	Terms       Class = "terms"       // new terms of use want to be accepted
	Country     Class = "country"     // the account lives elsewhere
	Blocked     Class = "blocked"     // the token lacks a permission
	Gone        Class = "gone"        // no such appliance any more
	Offline     Class = "offline"     // the appliance is not connected
	Lost        Class = "lost"        // LG lost track of the appliance: only its owner can help
	Unsupported Class = "unsupported" // not offered for this appliance
	Done        Class = "done"        // was so already: success
	Sublimit    Class = "sublimit"    // too many event subscriptions
	Busy        Class = "busy"        // try later: server trouble, gateways, time-outs
	Refused     Class = "refused"     // the appliance does not take this now
	Unknown     Class = "unknown"     // everything else
)

// An Error is an answer of LG, or of a gateway before it, that is no success.
type Error struct {
	Endpoint   string        // "POST /devices/{id}/control"
	Status     int           // HTTP status
	Code       string        // LG's four digits; empty where the answer had none
	Message    string        // LG's words; unstable, never compare
	RetryAfter time.Duration // from the header, 1 s to 6 h; 0 if none
	SignIn     bool          // the call was made for a user of a partner, who has no token of his own
}

// Error is one line with code, meaning and LG's words.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s (", e.Endpoint, strings.TrimSuffix(firstSentence(e.Text()), "."))
	if e.Code != "" {
		fmt.Fprintf(&b, "code %s, ", e.Code)
	}
	fmt.Fprintf(&b, "HTTP %d)", e.Status)
	if e.Message != "" {
		fmt.Fprintf(&b, ": %q", e.Message)
	}
	return b.String()
}

// Class looks the code up, and judges by the HTTP status where there is none.
// The code goes first because LG sends "too many calls" as 401, a bad token as
// 400, and "subscribed already" as 404.
func (e *Error) Class() Class {
	if m, ok := codes[e.Code]; ok {
		return m.class
	}
	switch {
	case e.Status == http.StatusTooManyRequests, exceeded(e.Message):
		return Rate
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden:
		return Auth
	case e.Status >= 500, e.Status == http.StatusRequestTimeout:
		return Busy
	case e.Code == "" && e.Status < 400:
		return Busy // a login page or a redirect in the place of LG's answer
	}
	return Unknown
}

// Known reports whether LG is known to send the code. What comes with another one,
// or with none, is judged by less.
func (e *Error) Known() bool {
	_, known := codes[e.Code]
	return known
}

// exceeded recognises a refusal for too many calls that comes with a code that
// nobody has written down; LG has done so before, with 1314.
func exceeded(message string) bool {
	m := strings.ToLower(message)
	return strings.Contains(m, "exceed") && strings.Contains(m, "call")
}

// Text is what the code means, and what to do, as a sentence for the owner of
// the appliance.
func (e *Error) Text() string {
	text := e.text()
	if e.SignIn {
		return cmp.Or(partnerTexts[text], text)
	}
	return text
}

func (e *Error) text() string {
	if m, ok := codes[e.Code]; ok {
		return m.text
	}
	if e.Code == "" && e.Status < 400 {
		return "Something else than LG's API answered. Look whether a login page or a proxy is in the way."
	}
	if text, ok := classTexts[e.Class()]; ok {
		return text
	}
	return fmt.Sprintf("LG gave an answer that thinq2mqtt does not know: %s.", cmp.Or(e.Code, "HTTP "+strconv.Itoa(e.Status)))
}

// Remedy is the part of Text that says what to do, in sentences; empty where there
// is none.
func (e *Error) Remedy() string {
	_, remedy, _ := strings.Cut(e.Text(), ". ")
	return remedy
}

func firstSentence(s string) string {
	first, _, _ := strings.Cut(s, ". ")
	return first
}

// ClassOf is the class of an error of a [Client]: Busy for time-outs and network
// faults, Rate for a call the [Budget] did not allow, Unknown for a call its
// caller gave up, "" for nil. An error with a method Class() Class, as a token
// source may return, speaks for itself.
func ClassOf(err error) Class {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[interface {
		error
		Class() Class
	}](err); ok {
		return e.Class()
	}
	if errors.Is(err, context.Canceled) {
		return Unknown
	}
	return Busy
}

// NotSent reports whether a call failed before any of it was on its way to LG,
// so that it surely had no effect: no connection, no token, no leave of the
// [Budget].
func NotSent(err error) bool {
	_, ok := errors.AsType[unsent](err)
	return ok
}

// unsent marks an error of a call of which LG has seen nothing.
type unsent struct{ error }

func (e unsent) Unwrap() error { return e.error }
