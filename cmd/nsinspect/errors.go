package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"nsinspect/inspect"
	"nsinspect/render"
)

// Exit statuses, see nsinspect(1). Commands with statuses of their own return
// an [exitStatus].
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// exitStatus is the error of a command that ends with this status and has
// said all there is to say.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// cliError is an error as the user sees it: what went wrong, more lines about
// it, and a hint that can be typed. The errors of other packages bring theirs
// along as methods Hint() string and Detail() []string.
type cliError struct {
	err    error
	detail []string // lines shown below the error, such as candidates
	hint   string   // "" when there is nothing sensible to type
	status int      // exit status; 0 means exitFailed
}

func (e *cliError) Error() string { return e.err.Error() }
func (e *cliError) Unwrap() error { return e.err }

// withHint adds a hint to err: something that the user can type.
func withHint(err error, hint string, args ...any) error {
	return &cliError{err: err, hint: fmt.Sprintf(hint, args...)}
}

// usageError says that the command line is wrong: exit status 2.
func usageError(hint, format string, args ...any) error {
	return &cliError{err: fmt.Errorf(format, args...), hint: hint, status: exitUsage}
}

// writeFailed is the error for output that could not be written; err is what
// the command itself returned. A reader that has gone, as in `nsinspect ls |
// head -1`, is no news to anybody.
func writeFailed(werr, err error) error {
	if errors.Is(werr, syscall.EPIPE) {
		return exitStatus(exitFailed)
	}
	var status exitStatus
	if err != nil && !errors.As(err, &status) && !errors.Is(err, werr) {
		return err
	}
	return &cliError{err: fmt.Errorf("write the output: %w", werr)}
}

// report tells the user about err and returns the exit status for it.
func (a *app) report(err error) int {
	var status exitStatus
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &status):
		return int(status)
	case errors.Is(err, syscall.EPIPE):
		return exitFailed
	}
	e := explain(err)
	a.say("error", e.Error())
	for _, line := range e.detail {
		fmt.Fprintf(a.stderr, "  %s\n", render.Sanitize(line))
	}
	if e.hint != "" {
		a.say("hint", e.hint)
	}
	if e.status == 0 {
		return exitFailed
	}
	return e.status
}

// explain finds what is to be said about err beside its text.
func explain(err error) *cliError {
	var e *cliError
	if errors.As(err, &e) {
		e = &cliError{err: err, hint: e.hint, status: e.status}
	} else {
		e = &cliError{err: err}
	}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) && hinted.Hint() != "" {
		e.hint = hinted.Hint()
	}
	var detailed interface{ Detail() []string }
	if errors.As(err, &detailed) {
		e.detail = detailed.Detail()
	}
	var ambiguous *inspect.AmbiguousError
	if errors.As(err, &ambiguous) {
		e.err = fmt.Errorf("target %q is ambiguous", ambiguous.Word)
		e.status = exitUsage
		for _, c := range ambiguous.Candidates {
			e.detail = append(e.detail, c.String())
		}
	}
	return e
}

// say writes one line of talk: "nsinspect: error: …". Text from the host may
// be in it.
func (a *app) say(kind, text string) {
	fmt.Fprintf(a.stderr, "nsinspect: %s: %s\n", kind, render.Sanitize(strings.TrimSpace(text)))
}
