package main

import (
	"errors"
	"fmt"
)

// Exit codes, after sysexits.h where there is one that fits. 2 is left to the
// Go runtime's own panics.
const (
	exitFault  = 1  // unexpected
	exitUsage  = 64 // wrong flag or argument
	exitData   = 65 // an input file is not what it should be
	exitState  = 73 // state folder unusable or in use
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
