package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// Exit codes, after sysexits.h where there is one that fits. 2 is left to the
// Go runtime's own panics.
const (
	exitFault  = 1  // unexpected
	exitUsage  = 64 // wrong flag or argument
	exitData   = 65 // an input file is not what it should be
	exitAway   = 69 // whom a one-shot command talks to does not answer
	exitStuck  = 70 // something in the process stands still: start it anew
	exitState  = 73 // state folder unusable or in use
	exitBusy   = 75 // a one-shot command failed, and may not the next time
	exitDenied = 77 // LG refuses who asks
	exitConfig = 78 // configuration invalid
)

// An exitError is an error with an exit code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// exit gives an error its exit code; nil stays nil.
func exit(code int, err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code, err}
}

func exitf(code int, format string, args ...any) error {
	return exit(code, fmt.Errorf(format, args...))
}

// codeOf is the exit code of an error.
func codeOf(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	return exitFault
}

// codes of the classes of LG's answers, for one-shot commands.
var classCodes = map[thinq.Class]int{
	thinq.Auth: exitDenied, thinq.Terms: exitDenied, thinq.Blocked: exitDenied,
	thinq.Rate: exitBusy, thinq.Busy: exitBusy,
	thinq.Country: exitConfig,
}

// signInFailed gives the error of a sign-in its exit code and, where it has
// none, the remedy.
func signInFailed(err error) error {
	if _, settled := errors.AsType[*exitError](err); settled {
		return err
	}
	if _, ours := errors.AsType[*thinq.LoginError](err); ours {
		return exit(classCodes[thinq.ClassOf(err)], err)
	}
	code, known := classCodes[thinq.ClassOf(err)]
	if !known {
		return exit(exitFault, err)
	}
	if code == exitBusy && !answered(err) {
		return exitf(exitAway, "LG cannot be reached, so nothing was stored: %w: look at the network, oauth.emp_url and api_url", err)
	}
	if code == exitBusy {
		return exitf(code, "nothing was stored, so run thinq2mqtt login again later: %w", err)
	}
	return exitf(code, "nothing was stored: %w%s", err, remedy(err))
}

// remedy is what to do about an error of LG's API, as the end of a sentence;
// empty where the error says it itself, or nothing can be done.
func remedy(err error) string {
	e, byAPI := errors.AsType[*thinq.Error](err)
	if !byAPI {
		return ""
	}
	what := e.Remedy()
	if what == "" {
		return ""
	}
	return ": " + strings.ToLower(what[:1]) + strings.TrimSuffix(what[1:], ".")
}

// answered reports whether there was an answer at all.
func answered(err error) bool {
	_, byAPI := errors.AsType[*thinq.Error](err)
	_, bySignIn := errors.AsType[*thinq.SignInError](err)
	return byAPI || bySignIn
}
