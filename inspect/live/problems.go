package live

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// problems gathers what could not be read, one Problem for each operation and
// error. It is safe for concurrent use.
type problems struct {
	mu    sync.Mutex
	seen  map[problemKey]*problem
	noted []inspect.Problem
}

type problemKey struct{ op, err string }

type problem struct {
	inspect.Problem
	first int // lowest pid so far, that Path is about
}

// add records that op failed on path, which concerns pid unless that is 0.
func (p *problems) add(op, path string, pid int, err error) {
	key := problemKey{op, reason(err)}
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.seen[key]
	if b == nil {
		b = &problem{Problem: inspect.Problem{Op: op, Path: path, Err: key.err, Hint: hint(err)}, first: pid}
		if p.seen == nil {
			p.seen = map[problemKey]*problem{}
		}
		p.seen[key] = b
	}
	b.Count++
	if pid < b.first || pid == b.first && path < b.Path {
		b.first, b.Path = pid, path
	}
	if pid != 0 {
		b.PIDs = append(b.PIDs, pid)
	}
}

// note records a problem as it is.
func (p *problems) note(b inspect.Problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.noted = append(p.noted, b)
}

// total says how many objects op was tried on.
func (p *problems) total(op string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, b := range p.seen {
		if key.op == op {
			b.Total = n
		}
	}
}

// all returns the problems by operation and error, in whatever order they came.
func (p *problems) all() []inspect.Problem {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := slices.Clone(p.noted)
	for _, b := range p.seen {
		slices.Sort(b.PIDs)
		b.PIDs = slices.Compact(b.PIDs)
		if b.Count == 1 && b.Total == 0 {
			b.Count = 0
		}
		out = append(out, b.Problem)
	}
	slices.SortFunc(out, func(a, b inspect.Problem) int {
		return cmp.Or(cmp.Compare(a.Op, b.Op), cmp.Compare(a.Err, b.Err))
	})
	return out
}

// reason returns the words for err without operation and path, which a
// Problem has in fields of their own.
func reason(err error) string {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}

// hint says what to do about err.
func hint(err error) string {
	switch {
	case !denied(err):
		return ""
	case os.Geteuid() != 0:
		return hintRoot
	case !inInitialUser():
		return "root of a user namespace is not root of the host: run it on the host"
	case errors.Is(err, unix.EPERM) && !hasCapability(unix.CAP_SYS_ADMIN): // setns(2)
		return "root lacks CAP_SYS_ADMIN here: run it on the host, or in a container with docker run --privileged"
	case !hasCapability(unix.CAP_SYS_PTRACE):
		return "root lacks CAP_SYS_PTRACE here: run it on the host, or in a container with docker run --cap-add SYS_PTRACE"
	default:
		return "a security module or a sandbox keeps root out too"
	}
}

// inInitialUser reports whether we are in the initial user namespace, whose
// inode is fixed: PROC_USER_INIT_INO, include/linux/proc_ns.h.
func inInitialUser() bool {
	link, err := os.Readlink("/proc/self/ns/user")
	return err != nil || link == "user:[4026531837]"
}
