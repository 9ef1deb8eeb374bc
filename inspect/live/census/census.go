// Package census finds the namespaces that no file in /proc shows: it accounts
// for all inodes of namespaces, and asks the kernel's own lists where these can
// be had. Unlike all other reading of a host it has side effects, small ones:
// it makes short-lived uts namespaces of its own.
package census

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/ktree"
	"nsinspect/inspect/live/nsfs"
)

// Options say how a census is taken.
type Options struct {
	NSDev uint64 // device of nsfs
	// Known are the namespaces known so far.
	Known []inspect.Namespace
	// Open opens a known namespace.
	Open func(inspect.ID) (int, error)
	// Now returns what tasks are in by now: namespaces that were made while
	// the host was read are none that was overlooked.
	Now func(context.Context) (map[inspect.ID]bool, error)
	// Keep is how many files of new namespaces may stay open.
	Keep int
	// Without leaves out steps by name.
	Without []string
}

// Result is what a census found.
type Result struct {
	inspect.Census
	// Namespaces are those that were not known before, or only by name. Files
	// are open files of them, which the caller closes.
	Namespaces []inspect.Namespace
	Files      map[inspect.ID]int
	// Refs are the kernel's counts of references; nil without BPF.
	Refs map[inspect.ID]int
	// Serials are the 64-bit ids of all namespaces; nil without BPF.
	Serials map[inspect.ID]uint64
	// ProcNet leads from the inode of a file below /proc/net to its namespace.
	ProcNet map[uint64]inspect.ID
}

// The steps, in order.
const (
	StepBPF     = "bpf"
	StepList    = "listns"
	StepInodes  = "inodes"
	StepHandles = "handles"
)

type taker struct {
	Options
	Result
	known map[inspect.ID]bool
	late  map[inspect.ID]bool // of tasks by now; nil until asked for
	step  *inspect.CensusStep

	newest    []uint64 // id of each CPU, before our own namespaces; see newestSerials
	newestErr error

	inUse   map[uint64]bool     // inodes accounted for
	nets    int                 // network namespaces whose /proc/net was read
	pending map[inspect.ID]bool // those that could not be opened
}

// Take takes a census.
func Take(ctx context.Context, o Options) Result {
	t := &taker{Options: o, known: make(map[inspect.ID]bool, len(o.Known))}
	t.Files, t.ProcNet = map[inspect.ID]int{}, map[uint64]inspect.ID{}
	for i := range o.Known {
		t.known[o.Known[i].ID] = true
	}
	t.take(ctx, StepBPF, t.bpf)
	t.take(ctx, StepList, t.list)
	t.take(ctx, StepInodes, t.inodes)
	if len(t.Unknown)+len(t.pending) > 0 {
		t.take(ctx, StepHandles, t.handles)
	}
	return t.Result
}

// errSkip is a step that was not taken.
type errSkip string

func (e errSkip) Error() string { return string(e) }

func (t *taker) take(ctx context.Context, name string, step func(context.Context) error) {
	t.Steps = append(t.Steps, inspect.CensusStep{Name: name})
	t.step = &t.Steps[len(t.Steps)-1]
	var err error = errSkip("not asked for")
	if !t.without(name) {
		err = step(ctx)
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		t.step.Skipped = err.Error()
	}
}

func (t *taker) without(name string) bool {
	for _, w := range t.Without {
		if w == name {
			return true
		}
	}
	return false
}

// bpf compares with the lists of the kernel.
func (t *taker) bpf(ctx context.Context) error {
	nodes, err := ktree.Read()
	if err != nil {
		return fmt.Errorf("%w (needs CAP_BPF, CAP_PERFMON and Linux 6.18 with BTF)", err)
	}
	t.step.Effect = "loaded a BPF program and removed it"
	t.Refs, t.Serials = make(map[inspect.ID]int, len(nodes)), make(map[inspect.ID]uint64, len(nodes))
	for _, n := range nodes {
		id := inspect.ID{Dev: t.NSDev, Ino: n.Ino}
		t.Refs[id], t.Serials[id] = n.Refs, n.Serial
		if t.known[id] || t.isLate(ctx, id) {
			continue
		}
		h := nsfs.NewHandle(n.Serial, n.Type, n.Ino)
		t.open(&h, inspect.Namespace{ID: id, Type: n.Type, Serial: n.Serial})
	}
	t.step.Note = fmt.Sprintf("the kernel has %d namespaces", len(nodes))
	return nil
}

// isLate reports whether a task is in a namespace that was made since the
// tasks were read.
func (t *taker) isLate(ctx context.Context, id inspect.ID) bool {
	if t.late == nil {
		t.late = map[inspect.ID]bool{}
		if t.Now != nil {
			if late, err := t.Now(ctx); err == nil {
				t.late = late
			}
		}
	}
	return t.late[id]
}

// open opens a namespace by its handle and keeps what it says; where that is
// not allowed, it keeps ns.
func (t *taker) open(h *nsfs.Handle, ns inspect.Namespace) {
	fd, err := h.Open()
	if err != nil {
		if !errors.Is(err, unix.ESTALE) { // it has gone
			t.add(ns)
		}
		return
	}
	defer unix.Close(fd)
	t.found(fd)
}

// found keeps what the open namespace fd is and what it leads to.
func (t *taker) found(fd int) {
	id, _, err := nsfs.Identify(fd)
	if err != nil {
		return
	}
	list, _ := nsfs.Describe(fd, func(other inspect.ID) bool { return other != id && t.known[other] })
	for _, ns := range list {
		t.add(ns)
	}
	if _, ok := t.Files[id]; !ok && len(t.Files) < t.Keep {
		if dup, err := nsfs.Dup(fd); err == nil {
			t.Files[id] = dup
		}
	}
}

func (t *taker) add(ns inspect.Namespace) {
	t.Namespaces = append(t.Namespaces, ns)
	if !t.known[ns.ID] {
		t.known[ns.ID] = true
		t.step.Found = append(t.step.Found, ns.ID)
	}
}

// list asks listns(2).
func (t *taker) list(ctx context.Context) error {
	serials, err := nsfs.List()
	if errors.Is(err, unix.ENOSYS) {
		return errSkip("needs listns(2) of Linux 6.19")
	}
	if err != nil {
		return err
	}
	bySerial := map[uint64]bool{}
	for i := range t.Known {
		bySerial[t.Known[i].Serial] = true
	}
	for _, serial := range serials {
		if bySerial[serial] || ctx.Err() != nil {
			continue
		}
		h := nsfs.NewHandle(serial, 0, 0) // all that Linux 6.19 wants
		if fd, err := h.Open(); err == nil {
			if id, _, err := nsfs.Identify(fd); err == nil && !t.known[id] && !t.isLate(ctx, id) {
				t.found(fd)
			}
			unix.Close(fd)
		}
	}
	t.step.Note = fmt.Sprintf("the kernel lists %d active namespaces", len(serials))
	return nil
}
