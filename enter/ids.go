package enter

import (
	"encoding/binary"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"nsinspect/enter/stage"
	"nsinspect/inspect"
)

// idsStep takes on ids.
type idsStep struct {
	uid, gid  *uint32 // nil keeps them
	setgroups bool    // drop the supplementary groups
	mayKeep   bool    // where setgroups(2) is denied keep them: newgidmap(1) denies it for one's own group
	asked     bool    // by --setuid or --setgid
	lenient   bool    // an id that is not mapped is no error: it is not known whether it is
}

func (s idsStep) Words() string {
	var parts []string
	if s.uid != nil {
		parts = append(parts, fmt.Sprintf("uid %d", *s.uid))
	}
	if s.gid != nil {
		parts = append(parts, fmt.Sprintf("gid %d", *s.gid))
	}
	w := "become " + list(parts)
	switch {
	case s.setgroups && s.mayKeep:
		w += ", without supplementary groups if that is allowed"
	case s.setgroups:
		w += " without supplementary groups"
	}
	return w
}

func (s idsStep) Needs() string     { return "CAP_SETUID and CAP_SETGID there" }
func (s idsStep) handles() []handle { return nil }

func (s idsStep) compile(c *compiler) {
	hints := map[syscall.Errno]string{
		unix.EINVAL: "the id is not mapped in that user namespace: nsinspect id, or --preserve-credentials",
		unix.EPERM:  "keep the ids: --preserve-credentials",
	}
	if s.asked {
		hints[unix.EPERM] = "it takes CAP_SETUID and CAP_SETGID: run as root (sudo), or leave --setuid and --setgid out"
	}
	if s.setgroups {
		denied := syscall.Errno(0)
		if s.mayKeep {
			denied = unix.EPERM
		}
		c.mustUnless(denied, stage.Failure{Step: "drop the supplementary groups", Hints: hints}, unix.SYS_SETGROUPS, stage.Zero, stage.Zero)
	}
	set := func(what string, nr uintptr, id *uint32) {
		if id == nil {
			return
		}
		unmapped := syscall.Errno(0)
		if s.lenient {
			unmapped = unix.EINVAL
		}
		c.mustUnless(unmapped, stage.Failure{Step: fmt.Sprintf("become %s %d", what, *id), Hints: hints}, nr, c.Const(int64(*id)))
	}
	set("gid", unix.SYS_SETGID, s.gid)
	set("uid", unix.SYS_SETUID, s.uid)
}

// groupsStep drops the supplementary groups of the caller here: a user
// namespace that denies setgroups(2) would keep them, and what they may do to
// files.
type groupsStep struct{}

func (groupsStep) Words() string     { return "drop the supplementary groups" }
func (groupsStep) Needs() string     { return "CAP_SETGID" }
func (groupsStep) handles() []handle { return nil }

func (s groupsStep) compile(c *compiler) {
	c.Must(stage.Failure{Step: s.Words(), Hints: map[syscall.Errno]string{
		unix.EPERM: "keep the ids: --preserve-credentials",
	}}, unix.SYS_SETGROUPS, stage.Zero, stage.Zero)
}

// keysStep leaves the caller's session keyring: who has it may read the keys
// in it, see session-keyring(7).
type keysStep struct{ plain }

func (keysStep) Words() string { return "take a new session keyring, without the caller's keys" }

func (keysStep) compile(c *compiler) {
	c.Try(unix.SYS_KEYCTL, c.Const(unix.KEYCTL_JOIN_SESSION_KEYRING), stage.Zero) // some kernels and sandboxes have no keys
}

// deathStep has the kernel kill the command when the supervisor dies. It
// follows the change of ids, which clears the setting.
type deathStep struct{ plain }

func (deathStep) Words() string { return "die when nsinspect dies" }

func (deathStep) compile(c *compiler) { c.dieWithParent() }

// boundStep takes capabilities from the bounding set: no program that is
// started can have them.
type boundStep struct {
	plain
	keep uint64
}

func (s boundStep) Words() string {
	return fmt.Sprintf("limit the capabilities to those of the target (%016x)", s.keep)
}

func (s boundStep) Needs() string { return "CAP_SETPCAP" }

func (s boundStep) compile(c *compiler) {
	f := stage.Failure{Step: "drop capabilities", Hints: map[syscall.Errno]string{
		unix.EPERM: "it takes CAP_SETPCAP: run as root (sudo), or use --no-new-privs alone",
	}}
	for n := range int64(64) {
		if s.keep&(1<<n) != 0 {
			continue
		}
		const unknown = unix.EINVAL // to this kernel
		c.mustUnless(unknown, f, unix.SYS_PRCTL, c.Const(unix.PR_CAPBSET_DROP), c.Const(n))
	}
	c.prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL)
}

// capsStep sets the capabilities back to what the caller had: they were made
// ambient to survive the start of the stage.
type capsStep struct {
	plain
	caps inspect.Caps
}

func (capsStep) Words() string {
	return "take the capabilities of nsinspect's file away from the command"
}

func (s capsStep) compile(c *compiler) {
	le := binary.LittleEndian
	head := c.Bytes(le.AppendUint64(nil, unix.LINUX_CAPABILITY_VERSION_3)) // version, pid 0
	var data []byte
	for _, shift := range []int{0, 32} {
		for _, set := range []uint64{s.caps.Effective, s.caps.Permitted, s.caps.Inheritable} {
			data = le.AppendUint32(data, uint32(set>>shift))
		}
	}
	c.prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL)
	c.Must(stage.Failure{Step: "set the capabilities back"}, unix.SYS_CAPSET, c.Address(head), c.Address(c.Bytes(data)))
	for n := range int64(64) {
		if s.caps.Ambient&(1<<n) != 0 {
			c.Try(unix.SYS_PRCTL, c.Const(unix.PR_CAP_AMBIENT), c.Const(unix.PR_CAP_AMBIENT_RAISE), c.Const(n))
		}
	}
}

// noNewPrivsStep forbids set-user-ID programs and file capabilities.
type noNewPrivsStep struct{ plain }

func (noNewPrivsStep) Words() string {
	return "gain no privileges from programs any more (no_new_privs)"
}

func (noNewPrivsStep) compile(c *compiler) {
	c.Must(stage.Failure{Step: "set no_new_privs"}, unix.SYS_PRCTL, c.Const(unix.PR_SET_NO_NEW_PRIVS), c.Const(1))
}
