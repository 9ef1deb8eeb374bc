package enter

import (
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"nsinspect/enter/stage"
	"nsinspect/inspect"
)

// newUserStep makes a user namespace, with one id that the stage maps by
// itself or with ranges that were written for it before, see
// user_namespaces(7).
type newUserStep struct {
	ranges     bool
	uid, gid   inspect.IDRange   // the one id
	uids, gids []inspect.IDRange // the ranges
	privileged bool              // may write ranges without newuidmap(1)
}

func (s newUserStep) Words() string {
	if !s.ranges {
		return fmt.Sprintf("make a user namespace in which uid %d is %d here and gid %d is %d",
			s.uid.Inside, s.uid.Outside, s.gid.Inside, s.gid.Outside)
	}
	return "make a user namespace with uids " + mapWords(s.uids) + " and gids " + mapWords(s.gids)
}

func mapWords(m []inspect.IDRange) string {
	var parts []string
	for _, r := range m {
		parts = append(parts, fmt.Sprintf("%d:%d:%d", r.Inside, r.Outside, r.Count))
	}
	return strings.Join(parts, ",")
}

func (s newUserStep) Needs() string {
	switch {
	case !s.ranges:
		return "" // every user may, unless a sysctl forbids it
	case s.privileged:
		return "CAP_SETUID and CAP_SETGID"
	}
	return "newuidmap and newgidmap with ids of /etc/subuid and /etc/subgid"
}

func (s newUserStep) handles() []handle {
	if !s.ranges {
		return nil
	}
	return []handle{{sort: handleUserNS}}
}

func newUserHints() map[syscall.Errno]string {
	return map[syscall.Errno]string{
		unix.EPERM:  "user namespaces may be forbidden here: sysctl kernel.unprivileged_userns_clone kernel.apparmor_restrict_unprivileged_userns; or by the seccomp filter of the container that we are in; or the ids here are not mapped, or the root was changed",
		unix.ENOSPC: "the limit is reached: sysctl user.max_user_namespaces, or 32 levels of user namespaces",
		unix.EUSERS: "user namespaces can be nested 32 times at most",
		unix.EINVAL: "the kernel has no user namespaces",
	}
}

func (s newUserStep) compile(c *compiler) {
	if s.ranges {
		c.Must(stage.Failure{Step: "enter the new user namespace"}, unix.SYS_SETNS,
			c.fd(handle{sort: handleUserNS}), c.Const(unix.CLONE_NEWUSER))
		return
	}
	c.dumpable(1)
	c.Must(stage.Failure{Step: "make a user namespace", Hints: newUserHints()}, unix.SYS_UNSHARE, c.Const(unix.CLONE_NEWUSER))
	c.dumpable(1) // gaining capabilities took it away
	hint := map[syscall.Errno]string{
		unix.EPERM: "user namespaces are restricted here: sysctl kernel.apparmor_restrict_unprivileged_userns",
	}
	for _, f := range [...]struct{ name, text string }{
		{"setgroups", "deny"}, // before gid_map, or that is refused
		{"uid_map", mapLine(s.uid)},
		{"gid_map", mapLine(s.gid)},
	} {
		fd := c.Must(stage.Failure{Step: "open " + f.name, Hints: hint}, unix.SYS_OPENAT, c.self, c.String(f.name), c.Const(unix.O_WRONLY|unix.O_CLOEXEC))
		c.Must(stage.Failure{Step: "write " + f.name, Hints: hint}, unix.SYS_WRITE, fd, c.String(f.text), c.Const(int64(len(f.text))))
		c.Try(unix.SYS_CLOSE, fd)
	}
	c.dumpable(0)
}

func mapLine(r inspect.IDRange) string {
	return fmt.Sprintf("%d %d %d\n", r.Inside, r.Outside, r.Count)
}
