package enter

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// initialUser is the inode of the initial user namespace,
// PROC_USER_INIT_INO of linux/proc_ns.h.
const initialUser = 0xEFFFFFFD

// Check tells what the kernel would refuse, and why, as far as that can be
// known in advance: which kind, owned by which user namespace, which
// capability is missing or which sysctl forbids it. The error has a hint. A
// nil error is no promise.
func (p *Plan) Check(h *Hold) error {
	for _, s := range p.Steps {
		var err error
		switch s := s.(type) {
		case joinStep:
			err = p.checkJoin(s, h)
		case newUserStep:
			err = p.checkNewUser(s)
		case unshareStep:
			err = p.checkUnshare(s)
		case cgroupStep:
			err = p.checkCgroup()
		}
		if err != nil {
			return err
		}
	}
	return p.checkIDs()
}

// almighty reports whether no owner can be out of our power.
func (p *Plan) almighty() bool { return p.facts.Self.almighty() }

func (s *Subject) almighty() bool {
	return s.NS.Of(inspect.User).Ino == initialUser && s.can(capSysAdminN)
}

// checkJoin follows setns(2): CAP_SYS_ADMIN in the owner of what is joined,
// where a user namespace that is joined in the same call counts as ours.
func (p *Plan) checkJoin(s joinStep, h *Hold) error {
	for _, x := range s.spaces {
		if _, err := h.open(x.ns); err != nil {
			return p.explainOpen(x.ns, err)
		}
	}
	if p.almighty() {
		return nil
	}
	ours := p.facts.Self.NS.Of(inspect.User)
	var user inspect.ID
	for _, x := range s.spaces {
		if x.kind != inspect.User {
			continue
		}
		user = x.id
		if err := p.checkUser(x, h); err != nil {
			return err
		}
	}
	for _, x := range s.spaces {
		switch {
		case x.kind == inspect.User, !user.IsZero() && x.owner == user:
		case x.owner.IsZero():
			return p.refuse(x, "that is not below ours")
		case user.IsZero() && !p.facts.Self.can(capSysAdminN):
			return p.refuse(x, "this process has no CAP_SYS_ADMIN in "+userName(ours))
		case x.owner != ours && user.IsZero():
			if err := p.checkOwner(x, h); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Plan) refuse(x space, why string) error {
	hint := p.facts.Self.rootHint("SYS_ADMIN")
	if t := p.facts.Target; t != nil && x.from == "" && !p.Join.Has(inspect.User) &&
		x.owner == t.NS.Of(inspect.User) && x.owner != p.facts.Self.NS.Of(inspect.User) {
		hint = "join its user namespace as well: --user, or run as root (sudo)"
	}
	return &HintError{fmt.Errorf("join the %s namespace of %s: %w: it is owned by %s and %s",
		x.words(), p.targetName(), unix.EPERM, userName(x.owner), why), hint}
}

func (p *Plan) targetName() string {
	if p.request.Target.Name == "" {
		return "the file"
	}
	return p.request.Target.Name
}

// checkOwner asks whether we own the user namespace that owns x: a user
// namespace that we made is in our power.
func (p *Plan) checkOwner(x space, h *Hold) error {
	fd, err := h.open(x.ns)
	if err != nil {
		return p.explainOpen(x.ns, err)
	}
	owner, err := unix.IoctlRetInt(fd, unix.NS_GET_USERNS)
	if err != nil {
		return p.refuse(x, "it is out of our sight")
	}
	defer unix.Close(owner)
	if p.ownsUser(owner) {
		return nil
	}
	return p.refuse(x, "this process has no CAP_SYS_ADMIN there")
}

// checkUser follows setns(2) for a user namespace: its owner may join it from
// the parent, and who has CAP_SYS_ADMIN in an ancestor.
func (p *Plan) checkUser(x space, h *Hold) error {
	fd, err := h.open(x.ns)
	if err != nil {
		return p.explainOpen(x.ns, err)
	}
	if p.ownsUser(fd) {
		return nil
	}
	return &HintError{
		fmt.Errorf("join the %s namespace of %s: %w: this process has no CAP_SYS_ADMIN in %s and does not own it",
			x.words(), p.targetName(), unix.EPERM, userName(x.id)),
		"be the user who made it, or " + p.facts.Self.rootHint("SYS_ADMIN"),
	}
}

// ownsUser reports whether we have all capabilities in a user namespace: as
// its owner, who is in its parent, or by CAP_SYS_ADMIN in one above. See
// user_namespaces(7), "Capabilities".
func (p *Plan) ownsUser(fd int) bool {
	s := &p.facts.Self
	if s.can(capSysAdminN) && below(fd, s.NS.Of(inspect.User)) {
		return true
	}
	parent, err := unix.IoctlRetInt(fd, unix.NS_GET_PARENT)
	if err != nil {
		return false
	}
	defer unix.Close(parent)
	if statNS(parent) != s.NS.Of(inspect.User) {
		return p.ownsUser(parent)
	}
	var uid uint32
	err = ownerUID(fd, &uid)
	return err == nil && uid == s.UID
}

// below reports whether the user namespace is below another. The kernel
// refuses to name a parent that is not below ours.
func below(fd int, top inspect.ID) bool {
	parent, err := unix.IoctlRetInt(fd, unix.NS_GET_PARENT)
	if err != nil {
		return false
	}
	defer unix.Close(parent)
	return statNS(parent) == top || below(parent, top)
}

func (p *Plan) checkNewUser(s newUserStep) error {
	if n, ok := sysctl("user/max_user_namespaces"); ok && n == 0 {
		return &HintError{fmt.Errorf("make a user namespace: %w: user.max_user_namespaces is 0", unix.ENOSPC), "sysctl -w user.max_user_namespaces=10000"}
	}
	if p.Join.Has(inspect.User) || p.facts.Self.can(capSysAdminN) {
		return nil
	}
	if n, ok := sysctl("kernel/unprivileged_userns_clone"); ok && n == 0 {
		return &HintError{fmt.Errorf("make a user namespace: %w: kernel.unprivileged_userns_clone is 0", unix.EPERM), "run as root (sudo), or: sysctl -w kernel.unprivileged_userns_clone=1"}
	}
	if n, ok := sysctl("kernel/apparmor_restrict_unprivileged_userns"); ok && n != 0 && unconfined() {
		return &HintError{
			fmt.Errorf("make a user namespace: %w: kernel.apparmor_restrict_unprivileged_userns is %d", unix.EPERM, n),
			"run as root (sudo), or: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
		}
	}
	return nil
}

// unconfined reports whether no AppArmor profile grants us what the sysctl
// takes from all others.
func unconfined() bool {
	b, err := os.ReadFile("/proc/self/attr/apparmor/current")
	return err == nil && strings.HasPrefix(string(b), "unconfined")
}

func (p *Plan) checkUnshare(s unshareStep) error {
	for _, t := range s.kinds.List() {
		name := "max_" + t.String() + "_namespaces"
		if n, ok := sysctl("user/" + name); ok && n == 0 {
			return &HintError{fmt.Errorf("make a new %s namespace: %w: user.%s is 0", t, unix.ENOSPC, name), "sysctl -w user." + name + "=10000"}
		}
	}
	if p.Join.Has(inspect.User) || p.New.Has(inspect.User) || p.facts.Self.can(capSysAdminN) {
		return nil
	}
	return &HintError{fmt.Errorf("make a new %s namespace: %w: this process has no CAP_SYS_ADMIN in %s",
		s.kinds.List()[0], unix.EPERM, userName(p.facts.Self.NS.Of(inspect.User))), "add --new-user, or " + p.facts.Self.rootHint("SYS_ADMIN")}
}

// checkCgroup refuses to move into a frozen cgroup: we would stand still in
// it before the command is there, without a word.
func (p *Plan) checkCgroup() error {
	if p.facts.Frozen == "" {
		return nil
	}
	hint := "leave --join-cgroup out"
	if unpause := p.request.Target.Unpause; unpause != "" {
		hint = unpause + ", or " + hint
	}
	return &HintError{fmt.Errorf("the cgroup %s of %s is frozen: the command could not run in it", quote(p.facts.Frozen), p.targetName()), hint}
}

// checkIDs refuses ids that do not exist where they are taken on.
func (p *Plan) checkIDs() error {
	r, t := p.request, p.facts.Target
	if !p.Join.Has(inspect.User) || p.New.Has(inspect.User) || t == nil || t.UIDMap == nil {
		return nil
	}
	for _, s := range p.Steps {
		ids, ok := s.(idsStep)
		if !ok {
			continue
		}
		if r.SetUID != nil && !maps(t.UIDMap, *ids.uid) {
			return unmappedID("uid", *ids.uid, t)
		}
		if r.SetGID != nil && !maps(t.GIDMap, *ids.gid) {
			return unmappedID("gid", *ids.gid, t)
		}
	}
	return nil
}

func unmappedID(what string, id uint32, t *Subject) error {
	return &HintError{
		fmt.Errorf("become %s %d: %w: it is not mapped in %s", what, id, unix.EINVAL, userName(t.NS.Of(inspect.User))),
		fmt.Sprintf("nsinspect show %d tells which ids are, or: --preserve-credentials", t.PID),
	}
}

// sysctl reads a number below /proc/sys; false when there is none.
func sysctl(name string) (int, bool) {
	b, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		return 0, false
	}
	var n int
	_, err = fmt.Sscan(string(b), &n)
	return n, err == nil
}
