package thinq

import (
	"errors"
	"time"
)

// ErrCertificate is what a [Subscriber] returns (wrapped) when the event broker
// does not accept the client certificate.
var ErrCertificate = errors.New("the event broker refused the client certificate")

// Class groups LG's error codes by what can be done about them.
type Class string

// The classes; see the table in this file for the codes.
const (
	Rate        Class = "rate"        // too many calls: pause
	Auth        Class = "auth"        // the token is not accepted
	Terms       Class = "terms"       // new terms of use want to be accepted
	Country     Class = "country"     // the account lives elsewhere
	Blocked     Class = "blocked"     // the token lacks a permission
	Gone        Class = "gone"        // no such appliance any more
	Offline     Class = "offline"     // the appliance is not connected
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
	RetryAfter time.Duration // from the header; 0 if none
}

// Error is one line with code, meaning and LG's words.
func (e *Error) Error() string { panic("unwritten") }

// Class looks the code up, and judges by the HTTP status where there is none.
func (e *Error) Class() Class { panic("unwritten") }

// Text is what the code means, and what to do, as a sentence for the owner of
// the appliance.
func (e *Error) Text() string { panic("unwritten") }

// ClassOf is the class of an error of a [Client]: Busy for time-outs and network
// faults, Rate for a call the [Budget] did not allow, "" for nil.
func ClassOf(err error) Class { panic("unwritten") }
