package enter

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"

	"golang.org/x/sys/unix"

	"nsinspect/enter/stage"
	"nsinspect/inspect"
)

// Run carries out a plan made from the facts that came with h. It becomes the
// command and so returns only when it could not, or, with a terminal of its
// own for the command, when the command has ended: then with its status. What
// goes wrong later is told by the stage itself, which ends with status 125.
func Run(p *Plan, h *Hold) (status int, err error) {
	file, err := stage.NewFile()
	if err != nil {
		return 0, err
	}
	defer file.Close()
	keep, err := p.openAll(h)
	if err != nil {
		return 0, err
	}
	if err := file.Write(p.compile(h.fds, file.Guard)); err != nil {
		return 0, err
	}
	if p.restoreCaps() {
		// Capabilities are a thread's. Locking costs a thread, which the
		// execution must end, so it is not done for root.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := raiseAmbient(p.facts.Self.Caps); err != nil {
			return 0, err
		}
	}
	if p.Pty {
		return runPty(p, file, keep)
	}
	return 0, file.Exec(keep)
}

// openAll opens what the plan needs and has not been opened yet.
func (p *Plan) openAll(h *Hold) (fds []int, err error) {
	for _, x := range p.handles() {
		open := h.open
		if x.sort == handleUserNS {
			open = p.openUserNS(h)
		}
		fd, err := open(x)
		if err != nil {
			return nil, p.explainOpen(x, err)
		}
		fds = append(fds, fd)
	}
	if p.request.Target.PID != 0 {
		// A path in /proc that was opened after the facts were read must not
		// be a successor's.
		pidfd, err := h.open(handle{sort: handlePidfd, pid: p.request.Target.PID})
		if err != nil {
			return nil, err
		}
		if !alive(pidfd) {
			return nil, fmt.Errorf("process %d has gone: %w", p.request.Target.PID, unix.ESRCH)
		}
	}
	return fds, nil
}

// openUserNS makes the user namespace with ranges of ids.
func (p *Plan) openUserNS(h *Hold) func(handle) (int, error) {
	return func(x handle) (int, error) {
		for _, s := range p.Steps {
			u, ok := s.(newUserStep)
			if !ok {
				continue
			}
			fd, err := u.make()
			if err == nil {
				h.fds[x] = fd
			}
			return fd, err
		}
		return -1, errors.New("the plan has no new user namespace")
	}
}

// explainOpen says more about what could not be opened.
func (p *Plan) explainOpen(x handle, err error) error {
	name := p.request.Target.Name
	kind, isNS := p.kindOf(x)
	switch {
	case errors.Is(err, fs.ErrPermission) && isNS:
		return p.explainHidden(kind, err)
	case errors.Is(err, fs.ErrNotExist) && isNS:
		return &HintError{fmt.Errorf("%s has no %s namespace any more: it has ended and waits for its parent: %w", name, kind, err), "nsinspect ps"}
	case errors.Is(err, fs.ErrPermission):
		return &HintError{err, p.facts.Self.rootHint("SYS_PTRACE")}
	}
	return err
}

// forbidden is the hint for who has all capabilities and is refused.
const forbidden = "see whether a security module says why: dmesg | grep -iE 'denied|apparmor|selinux'"

// explainHidden says why the namespaces of the target may not be looked at,
// see "Ptrace access mode checking" of ptrace(2).
func (p *Plan) explainHidden(kind inspect.Type, err error) error {
	why, hint := "it takes CAP_SYS_PTRACE in its user namespace, or to be its user", p.facts.Self.rootHint("SYS_PTRACE")
	if s := &p.facts.Self; s.UID == 0 && s.NS.Of(inspect.User).Ino == initialUser && s.can(capSysPtraceN) {
		why, hint = "a security module or a sandbox keeps root out too", forbidden
	}
	return &HintError{fmt.Errorf("the %s namespace of %s may not be looked at: %s: %w", kind, p.request.Target.Name, why, err), hint}
}

// rootHint is for who lacks a capability over the host.
func (s *Subject) rootHint(capability string) string {
	switch {
	case s.UID != 0:
		return "run as root: sudo nsinspect enter …"
	case s.NS.Of(inspect.User).Ino != initialUser:
		return "root of a user namespace is not root of the host: run it on the host"
	}
	return "run it on the host, or in a container with: docker run --cap-add " + capability
}

func (p *Plan) kindOf(x handle) (inspect.Type, bool) {
	for _, s := range p.Steps {
		if j, ok := s.(joinStep); ok {
			for _, sp := range j.spaces {
				if sp.ns == x {
					return sp.kind, true
				}
			}
		}
	}
	return 0, false
}
