package demo

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// runUser maps ids. It needs no root: a process may map its own id.
func runUser(p *play) error {
	if !p.privileged {
		p.r.As = fmt.Sprintf("uid %d", os.Geteuid())
	}
	out, err := p.startBare("outside", &syscall.SysProcAttr{})
	if err != nil {
		return err
	}
	in, err := p.born("inside")
	if err != nil {
		return err
	}
	p.shell = in
	if err := p.unmapped(in); err != nil {
		return err
	}
	if !p.o.Without {
		if err := p.whoMayMap(); err != nil {
			return err
		}
	}
	return p.mapped(in, out)
}

// born starts a process in a new user namespace without any map. It has all
// capabilities there; they are made ambient because the start of a program
// would take them away from a user who is not 0.
func (p *play) born(name string) (*actor, error) {
	attr := &syscall.SysProcAttr{}
	if !p.o.Without {
		attr.Cloneflags = unix.CLONE_NEWUSER
		last, err := lastCapability()
		if err != nil {
			return nil, err
		}
		for c := range uintptr(last + 1) {
			attr.AmbientCaps = append(attr.AmbientCaps, c)
		}
	}
	return p.startBare(name, attr)
}

func lastCapability() (int, error) {
	b, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}

// unmapped shows who a process is whose id nothing maps.
func (p *play) unmapped(in *actor) error {
	var me self
	if err := p.ask(in, &me, "look"); err != nil {
		return err
	}
	if p.o.Without {
		return p.step(Step{
			Title: "A process is born without a new user namespace", Call: "fork(), without CLONE_NEWUSER",
			Seen: []Fact{{"inside", "uid", strconv.Itoa(me.UID)}, {"inside", "effective capabilities", me.Caps}},
		})
	}
	overflow, err := os.ReadFile("/proc/sys/kernel/overflowuid")
	if err != nil {
		return err
	}
	return p.step(Step{
		Title: "A process is born in a user namespace that maps nothing yet: it is nobody, and has all capabilities there",
		Call:  "clone(CLONE_NEWUSER)", Same: []string{"unshare --user"},
		Seen: []Fact{
			{"inside", "uid", strconv.Itoa(me.UID)},
			{"inside", "/proc/self/uid_map", me.UIDMap},
			{"inside", "effective capabilities", me.Caps},
			{"outside", "/proc/sys/kernel/overflowuid", strings.TrimSpace(string(overflow))},
		},
	})
}

// attempt is one way to write a map.
type attempt struct {
	what string
	do   func(pid string) error
}

// whoMayMap tries what user_namespaces(7) says about who may write a map, each
// with a user namespace of its own.
func (p *play) whoMayMap() error {
	own := strconv.Itoa(os.Geteuid())
	ownGroup := strconv.Itoa(os.Getegid())
	one := "0 " + own + " 1"
	t := &Table{Head: []string{"what is written", "what the kernel says to " + p.who()}}
	for _, a := range []attempt{
		{"gid_map 0 " + ownGroup + " 1, while setgroups says allow", func(pid string) error { return writeMap(pid, "gid_map", "0 "+ownGroup+" 1") }},
		{"gid_map 0 " + ownGroup + " 1, after setgroups said deny", func(pid string) error {
			return errors.Join(writeMap(pid, "setgroups", "deny"), writeMap(pid, "gid_map", "0 "+ownGroup+" 1"))
		}},
		{"uid_map " + one + ": the writer's own id", func(pid string) error { return writeMap(pid, "uid_map", one) }},
		{"uid_map 0 4242 1: somebody else's id", func(pid string) error { return writeMap(pid, "uid_map", "0 4242 1") }},
		{"uid_map " + one + ", for the second time", func(pid string) error {
			if err := writeMap(pid, "uid_map", one); err != nil {
				return err
			}
			return writeMap(pid, "uid_map", one)
		}},
	} {
		victim, err := p.born("victim")
		if err != nil {
			return err
		}
		says := "yes"
		if err := a.do(pidText(victim)); err != nil {
			var e syscall.Errno
			if !errors.As(err, &e) {
				return err
			}
			says = "no: " + unix.ErrnoName(e)
		}
		t.Rows = append(t.Rows, []string{a.what, says})
		victim.stop()
	}
	ours, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return err
	}
	return p.step(Step{
		Title: "Who may write a map: five attempts", Call: "open(\"/proc/PID/uid_map\"); write(…)", Same: []string{"man user_namespaces"},
		Table: t,
		Seen:  []Fact{{"this host", "/proc/self/uid_map, as in a container without remapping", mapText(ours)}},
	})
}

func (p *play) who() string {
	if p.privileged {
		return "root"
	}
	return "uid " + strconv.Itoa(os.Geteuid())
}

// idToMap chooses the id outside: our own, or for root that of a plain user.
// Where there is no other id than root's, root is a plain user inside.
func (p *play) idToMap() (inner, outer int) {
	const plainUser = 1000
	if !p.privileged {
		return 0, os.Geteuid()
	}
	if mappedHere(plainUser) {
		return 0, plainUser
	}
	return plainUser, os.Geteuid()
}

// mappedHere reports whether an id exists in our user namespace.
func mappedHere(id uint32) bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return false
	}
	for l := range strings.Lines(string(b)) {
		var inside, outside, count uint32
		if n, _ := fmt.Sscan(l, &inside, &outside, &count); n == 3 && id >= inside && id-inside < count {
			return true
		}
	}
	return false
}

// mapped writes the maps and compares who the process is on both sides.
func (p *play) mapped(in, out *actor) error {
	inner, outer := p.idToMap()
	group := outer
	if !p.privileged {
		group = os.Getegid()
	}
	uidMap, gidMap := fmt.Sprintf("%d %d 1", inner, outer), fmt.Sprintf("%d %d 1", inner, group)
	if !p.o.Without {
		pid := pidText(in)
		for _, w := range [][2]string{{"setgroups", "deny"}, {"uid_map", uidMap}, {"gid_map", gidMap}} {
			if err := writeMap(pid, w[0], w[1]); err != nil {
				return err
			}
		}
		if p.privileged && inner == 0 {
			if err := p.ask(in, nil, "become root"); err != nil {
				return err
			}
		}
	}
	var me self
	if err := p.ask(in, &me, "look"); err != nil {
		return err
	}
	owner, err := p.ownerOf(in)
	if err != nil {
		return err
	}
	if err := p.checkLinks(in, out, p.e.Kinds); err != nil {
		return err
	}
	p.check("uid of the process", strconv.Itoa(me.UID), owner)
	s := Step{
		Title: "Nothing is mapped: it is outside what it is inside", Call: "this is the control",
		Seen: []Fact{{"inside", "uid", strconv.Itoa(me.UID)}, {"outside", "owner of process " + pidText(in), owner}},
	}
	if !p.o.Without {
		power := "works"
		if err := p.keepHostname(in); err != nil {
			power = err.Error()
		}
		s.Title = fmt.Sprintf("uid %d inside becomes uid %d outside", inner, outer)
		s.Call = fmt.Sprintf("write(\"/proc/PID/setgroups\", \"deny\"); write(\"uid_map\", %q); write(\"gid_map\", %q)", uidMap, gidMap)
		s.Same = []string{"nsinspect enter --new-user -- id", "unshare --user --map-root-user id"}
		s.Seen = append(s.Seen,
			Fact{"inside", "/proc/self/uid_map", me.UIDMap}, Fact{"inside", "effective capabilities", me.Caps},
			Fact{"inside", "sethostname() of the host", power})
	}
	return p.step(s)
}

// keepHostname has the process inside set the name that the host has: its
// capabilities do not reach out of its user namespace.
func (p *play) keepHostname(in *actor) error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	err = p.ask(in, nil, "set hostname", name)
	if e := errno(err); e != 0 {
		return errors.New("refused: " + unix.ErrnoName(e))
	}
	return err
}

// ownerOf reads from outside to whom a process belongs.
func (p *play) ownerOf(a *actor) (string, error) {
	s, err := p.o.Collect(p.ctx, inspect.FactTasks|inspect.FactProcesses, []int{a.pid})
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(s.Processes, func(q inspect.Process) bool { return q.PID == a.pid && q.Info != nil })
	if i < 0 {
		return "", fmt.Errorf("process %d cannot be read from outside", a.pid)
	}
	return strconv.FormatUint(uint64(s.Processes[i].Info.EUID()), 10), nil
}
