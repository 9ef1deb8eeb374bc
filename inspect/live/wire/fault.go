package wire

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// faults gathers what went wrong, one Problem for each operation and error.
type faults struct {
	mu    sync.Mutex
	all   []inspect.Problem
	total int // how many namespaces there are
	// denied is the hint where a privilege is missing.
	denied string
}

// add takes in an error of an operation on a namespace; nil is none.
func (f *faults) add(op string, ns inspect.ID, err error) {
	if err == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	text := reason(err)
	for i := range f.all {
		if p := &f.all[i]; p.Op == op && p.Err == text {
			p.Count++
			return
		}
	}
	p := inspect.Problem{Op: op, Err: text, Count: 1, Total: f.total, Hint: f.hint(err)}
	if !ns.IsZero() {
		p.Path = "net:[" + strconv.FormatUint(ns.Ino, 10) + "]"
	}
	f.all = append(f.all, p)
}

// reason is the errno where there is one: the same for all namespaces, so
// that they gather in one Problem.
func reason(err error) string {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}

func (f *faults) hint(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return f.denied
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		return "raise the limit of open files: ulimit -n 65536"
	}
	return ""
}

// addRoom takes in why a namespace could not be entered. That it has gone is
// normal.
func (f *faults) addRoom(r *room) {
	if r.err == nil || errors.Is(r.err, errGone) {
		return
	}
	f.add("enter network namespace", r.src.ID, r.err)
}

func (f *faults) problems() []inspect.Problem {
	slices.SortFunc(f.all, func(a, b inspect.Problem) int {
		return cmp.Or(cmp.Compare(a.Op, b.Op), cmp.Compare(a.Err, b.Err))
	})
	return f.all
}
