package enter

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/enter/stage"
	"nsinspect/enter/stage/interp"
	"nsinspect/inspect"
)

// kernel answers the calls of a program: fail says which fail, by what trace
// writes of them; clone returns what forks return, in order.
type kernel struct {
	fail  map[string]unix.Errno
	clone []int64
	trace []string
}

func (k *kernel) call(c interp.Call, m *interp.Memory) (int64, error) {
	line, end := k.describe(c, m)
	k.trace = append(k.trace, line)
	if e, ok := k.fail[line]; ok {
		return -int64(e), nil
	}
	if end {
		return 0, interp.ErrEnd
	}
	switch c.Nr {
	case unix.SYS_CLONE:
		r := k.clone[0]
		k.clone = k.clone[1:]
		return r, nil
	case unix.SYS_GETCWD:
		copy(m.Read(c.Args[0], 4), "(un)")
		return 5, nil
	case unix.SYS_OPENAT:
		return 50, nil
	}
	return 0, nil
}

func (k *kernel) describe(c interp.Call, m *interp.Memory) (line string, end bool) {
	switch c.Nr {
	case unix.SYS_SETNS:
		return fmt.Sprintf("setns %d %#x", c.Args[0], c.Args[1]), false
	case unix.SYS_UNSHARE:
		return fmt.Sprintf("unshare %#x", c.Args[0]), false
	case unix.SYS_EXECVE:
		return fmt.Sprintf("execve %s %q", m.String(c.Args[0]), m.Strings(c.Args[1])), false
	case unix.SYS_WRITEV:
		var s strings.Builder
		for i := range c.Args[2] {
			s.Write(m.Read(m.Word(c.Args[1]+16*i), int(m.Word(c.Args[1]+16*i+8))))
		}
		return "says " + s.String(), false
	case unix.SYS_WRITE:
		return fmt.Sprintf("write %q", m.Read(c.Args[1], int(c.Args[2]))), false
	case unix.SYS_EXIT_GROUP:
		return fmt.Sprintf("exit %d", c.Args[0]), true
	case unix.SYS_CHDIR, unix.SYS_CHROOT:
		return fmt.Sprintf("call %d %s", c.Nr, m.String(c.Args[0])), false
	}
	return fmt.Sprintf("call %d", c.Nr), false
}

// program compiles a request against facts with made up descriptors.
func program(t testing.TB, r Request, f *Facts) []byte {
	t.Helper()
	p, err := Make(&r, f)
	if err != nil {
		t.Fatal(err)
	}
	fds := map[handle]int{}
	for i, x := range p.handles() {
		fds[x] = 10 + i
	}
	b, err := p.compile(fds, func(*stage.Program) {}).Assemble(stage.Base)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (k *kernel) run(t testing.TB, program []byte) []string {
	t.Helper()
	if err := interp.Run(program, stage.Base, k.call); err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(k.trace, "\n"))
	}
	return k.trace
}

var noExec = map[string]unix.Errno{`execve /bin/true ["/bin/true"]`: unix.ENOENT}

var trueIn = Request{Target: web1, Join: SetOf(inspect.Net, inspect.UTS), Command: []string{"/bin/true"}}

func TestJoinsAtOnce(t *testing.T) {
	k := kernel{fail: noExec}
	trace := k.run(t, program(t, trueIn, hostFacts()))
	if !slices.Contains(trace, "setns 10 0x44000000") || slices.Contains(trace, "setns 11 0x4000000") {
		t.Errorf("%s", strings.Join(trace, "\n"))
	}
	if last := trace[len(trace)-1]; last != "exit 127" {
		t.Errorf("ended with %s", last)
	}
}

// Where joining at once fails, the one that does not work is named.
func TestJoinNamesTheKind(t *testing.T) {
	k := kernel{fail: map[string]unix.Errno{"setns 10 0x44000000": unix.EINVAL, "setns 12 0x40000000": unix.EPERM}}
	trace := k.run(t, program(t, trueIn, hostFacts()))
	all := strings.Join(trace, "\n")
	if !strings.Contains(all, "says nsinspect: error: join the net namespace of web1: operation not permitted") ||
		!strings.Contains(all, "hint: it takes CAP_SYS_ADMIN in user:[1006], which owns it") || trace[len(trace)-1] != "exit 125" {
		t.Error(all)
	}
}

// What needs the rights of the joined user namespace is tried again after it.
func TestJoinTriesAgainAfterUser(t *testing.T) {
	f := rootlessFacts()
	r := Request{Target: web1, Join: SetOf(inspect.Net, inspect.User), Command: []string{"/bin/true"}}
	first := true
	k := kernel{fail: map[string]unix.Errno{"setns 10 0x50000000": unix.EPERM, `execve /bin/true ["/bin/true"]`: unix.EACCES}}
	err := interp.Run(program(t, r, f), stage.Base, func(c interp.Call, m *interp.Memory) (int64, error) {
		if line, _ := k.describe(c, m); line == "setns 11 0x40000000" && first {
			first = false
			k.trace = append(k.trace, line+" fails")
			return -int64(unix.EPERM), nil
		}
		return k.call(c, m)
	})
	if err != nil {
		t.Fatal(err)
	}
	var joins []string
	for _, l := range k.trace {
		if strings.HasPrefix(l, "setns") {
			joins = append(joins, l)
		}
	}
	want := []string{"setns 10 0x50000000", "setns 11 0x40000000 fails", "setns 12 0x10000000", "setns 11 0x40000000"}
	if !slices.Equal(joins, want) || k.trace[len(k.trace)-1] != "exit 126" {
		t.Errorf("%q, %s", joins, k.trace[len(k.trace)-1])
	}
}

// setgroups comes before gid_map, and the map names the ids outside.
func TestUserMapIsWrittenInOrder(t *testing.T) {
	r := Request{New: SetOf(inspect.User), Command: []string{"/bin/true"}}
	f := rootlessFacts()
	f.Target = nil
	k := kernel{fail: noExec}
	var writes []string
	for _, l := range k.run(t, program(t, r, f)) {
		if strings.HasPrefix(l, "write ") {
			writes = append(writes, l)
		}
	}
	if want := []string{`write "deny"`, `write "0 1000 1\n"`, `write "0 1000 1\n"`}; !slices.Equal(writes, want) {
		t.Errorf("%q", writes)
	}
}

// Whatever a kernel answers, each program ends, and touches no memory but its
// own.
func TestProgramsEndWithAnyKernel(t *testing.T) {
	for _, c := range plans {
		f, r := c.facts(), c.r
		f.TTY = [3]bool{true, true, true}
		if r.JoinCgroup {
			f.CgroupProcs = []string{"/p"}
		}
		r.Env = []string{"PATH=/bin:/usr/bin"}
		image := program(t, r, f)
		for seed := range uint64(200) {
			random := rand.New(rand.NewPCG(seed, 7))
			calls := 0
			err := interp.Run(slices.Clone(image), stage.Base, func(c interp.Call, m *interp.Memory) (int64, error) {
				if calls++; calls > 300 || c.Nr == unix.SYS_EXIT_GROUP {
					return 0, interp.ErrEnd // a supervisor goes on for ever
				}
				switch {
				case c.Nr == unix.SYS_CLONE:
					return int64(random.IntN(2)) * 77, nil
				case c.Nr == unix.SYS_RT_SIGTIMEDWAIT:
					return int64([]unix.Signal{unix.SIGCHLD, unix.SIGTERM, unix.SIGUSR1}[random.IntN(3)]), nil
				case c.Nr == unix.SYS_WAIT4:
					if c.Args[1] != 0 {
						m.SetWord(c.Args[1], uint64([]int{0x137f, 0xffff, 0x100, 9}[random.IntN(4)]))
					}
					return int64(random.IntN(2)) * 77, nil
				case random.IntN(10) == 0:
					return -int64(random.IntN(140)), nil
				}
				return 0, nil
			})
			if err != nil {
				t.Fatalf("%s, seed %d: %v", c.name, seed, err)
			}
		}
	}
}
