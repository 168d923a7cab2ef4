package bridge

import (
	"errors"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// The conditions of an account, as bridge/info and the status page show them.
const (
	condStarting    = "starting"
	condOK          = "ok"
	condRate        = "rate_limited"
	condAuth        = "auth_required"
	condTerms       = "terms_required"
	condCountry     = "wrong_country"
	condBlocked     = "blocked"
	condUnreachable = "unreachable"
	condClock       = "check_clock"
)

// An effect is what a refusal says about the appliance.
type effect int

const (
	effectNone        effect = iota
	effectAway               // not connected: unavailable, state kept
	effectDoubt              // LG does not know it any more: ask for the list
	effectUnsupported        // that kind of call no more
	effectDone               // was so already: success
	effectExcess             // LG sends no events of it: it is read instead
	effectLost               // a problem that its owner must solve: it is left alone
)

// A reaction is what the bridge does about a class of refusals.
type reaction struct {
	condition string          // of the account
	halt      bool            // all background calls wait, not only this one
	dark      bool            // appliances are unavailable when it lasts
	waits     []time.Duration // before the next tries; the last one repeats; none: not again
	effect    effect
	reason    string // of the rejected command; empty: the outcome is unclear
	message   string // to the sender, where LG's words would not help
}

var policy = map[thinq.Class]reaction{
	thinq.Rate: {
		condition: condRate, halt: true, waits: minutes(10, 20, 40, 80, 120),
		reason: "rate_limited", message: "LG takes no more calls for now",
	},
	thinq.Auth: {
		condition: condAuth, halt: true, dark: true, waits: minutes(360),
		reason: "auth_required", message: "LG does not let the account in: a new sign-in, or a new token, is needed",
	},
	thinq.Terms: {
		condition: condTerms, halt: true, dark: true, waits: minutes(60),
		reason: "terms_required", message: "new terms of use want to be accepted in the LG ThinQ app",
	},
	thinq.Country: {
		condition: condCountry, halt: true, waits: minutes(15, 30, 60, 120, 240, 360),
		reason: "wrong_country", message: "the account belongs to another country: correct thinq.country",
	},
	thinq.Blocked: {
		condition: condBlocked, waits: minutes(15, 30, 60, 120, 240, 360),
		reason: "blocked", message: "the account lacks the permission for this call",
	},
	thinq.Gone:        {effect: effectDoubt, reason: "gone", message: "the appliance is no longer in the account"},
	thinq.Offline:     {effect: effectAway, reason: "offline", message: "the appliance is not connected"},
	thinq.Lost:        {waits: minutes(360), effect: effectLost, reason: "refused", message: "LG has lost track of the appliance"},
	thinq.Unsupported: {effect: effectUnsupported, reason: "unsupported", message: "LG does not offer this for the appliance"},
	thinq.Done:        {effect: effectDone},
	thinq.Sublimit:    {effect: effectExcess, reason: "unsupported", message: "LG allows no more event subscriptions"},
	thinq.Busy:        {dark: true, waits: seconds(2, 8, 30, 60, 120, 300)},
	thinq.Refused:     {reason: "refused", message: "the appliance does not take this now"},
	thinq.Unknown:     {dark: true, waits: minutes(20)},
}

// denial is the reaction to a refusal of the account that may not be LG's.
var denial = reaction{halt: true, dark: true, waits: seconds(80, 300, 1200, 3600)}

// tries is how often an optional call (a reconcile read) is made again before
// it waits for its next turn.
const tries = 3

func minutes(n ...int) []time.Duration { return durations(time.Minute, n) }
func seconds(n ...int) []time.Duration { return durations(time.Second, n) }

func durations(unit time.Duration, n []int) []time.Duration {
	var all []time.Duration
	for _, i := range n {
		all = append(all, time.Duration(i)*unit)
	}
	return all
}

// react looks the reaction to an error up, with its class.
func react(err error) (thinq.Class, reaction) {
	class := thinq.ClassOf(err)
	if r, ok := policy[class]; ok {
		return class, r
	}
	return thinq.Unknown, policy[thinq.Unknown]
}

// wait is how long to wait before try n (0 is the first retry).
func (r reaction) wait(n int) time.Duration {
	return jitter(r.waits[min(n, len(r.waits)-1)], 0.2)
}

// local reports whether our own budget and not LG refused the call, and until
// when.
func local(err error) (until time.Time, yes bool) {
	e, ok := errors.AsType[*thinq.BudgetError](err)
	if !ok || e.ByLG {
		return time.Time{}, false
	}
	return e.Until, true
}

// general reports whether a busy answer concerns LG or the way to it, and not
// one appliance that is busy by itself.
func general(err error) bool {
	e, answered := errors.AsType[*thinq.Error](err)
	return !answered || !e.Known() || e.Status >= 500
}

// sentence is an error in words for the owner of the appliance: its own, where
// it has some.
func sentence(err error) string {
	if e, ok := errors.AsType[interface {
		error
		Text() string
	}](err); ok {
		return e.Text()
	}
	return err.Error()
}

// code is LG's code of an error, empty where LG gave none.
func code(err error) string {
	if e, ok := errors.AsType[*thinq.Error](err); ok {
		return e.Code
	}
	return ""
}

// nameless reports whether somebody refused the account without a code that is
// known: LG has sent codes as 401 that are in no list of its, and were not about
// the account (F-002).
func nameless(err error) bool {
	e, ok := errors.AsType[*thinq.Error](err)
	return ok && !e.Known() && e.Class() == thinq.Auth
}
