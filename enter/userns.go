package enter

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"nsinspect/enter/stage"
	"nsinspect/inspect"
)

// make makes the user namespace of ranges: a child is born into it and waits,
// its maps are written from outside, and when its namespace is open the child
// is no longer needed.
func (s newUserStep) make() (fd int, err error) {
	file, err := stage.NewFile()
	if err != nil {
		return -1, err
	}
	defer file.Close()
	if err := file.Write(waiting()); err != nil {
		return -1, err
	}
	pid, err := file.Spawn(nil, &syscall.ProcAttr{Sys: s.attributes(), Files: []uintptr{0, 1, 2}})
	if err != nil {
		return -1, &HintError{fmt.Errorf("make a user namespace: %w", err), newUserHint(err)}
	}
	defer func() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		_, _ = syscall.Wait4(pid, nil, 0, nil)
	}()
	if !s.privileged {
		if err := s.helpers(pid); err != nil {
			return -1, err
		}
	}
	return openFile(fmt.Sprintf("/proc/%d/ns/user", pid), unix.O_RDONLY)
}

func newUserHint(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		if hint := newUserHints()[errno]; hint != "" {
			return hint
		}
	}
	return "nsinspect features"
}

// waiting is a program that waits to be killed.
func waiting() *stage.Program {
	p := stage.New()
	p.Try(unix.SYS_PRCTL, p.Const(unix.PR_SET_PDEATHSIG), p.Const(int64(unix.SIGKILL)))
	loop := p.Loop()
	p.Try(unix.SYS_PPOLL)
	p.Jump(loop)
	return p
}

func (s newUserStep) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}
	if s.privileged {
		attr.UidMappings, attr.GidMappings = sysMap(s.uids), sysMap(s.gids)
		attr.GidMappingsEnableSetgroups = true
	}
	return attr
}

func sysMap(m []inspect.IDRange) []syscall.SysProcIDMap {
	var list []syscall.SysProcIDMap
	for _, r := range m {
		list = append(list, syscall.SysProcIDMap{ContainerID: int(r.Inside), HostID: int(r.Outside), Size: int(r.Count)})
	}
	return list
}

// helpers writes the maps with newuidmap(1) and newgidmap(1), which may write
// the ids that /etc/subuid and /etc/subgid grant.
func (s newUserStep) helpers(pid int) error {
	for _, h := range []struct {
		name string
		m    []inspect.IDRange
	}{{"newuidmap", s.uids}, {"newgidmap", s.gids}} {
		path := executable(h.name, os.Getenv("PATH")+":"+standardPath)
		if path == "" {
			return &HintError{fmt.Errorf("ranges of ids need %s, which is not installed", h.name), "apt-get install uidmap, or --map-root-user"}
		}
		args := []string{path, strconv.Itoa(pid)}
		for _, r := range h.m {
			for _, n := range []uint32{r.Inside, r.Outside, r.Count} {
				args = append(args, strconv.FormatUint(uint64(n), 10))
			}
		}
		if err := runHelper(args); err != nil {
			return &HintError{fmt.Errorf("%s: %w", h.name, err), "the ranges must be granted in /etc/subuid and /etc/subgid: --map-auto"}
		}
	}
	return nil
}

func executable(name, path string) string {
	for _, p := range search(name, path) {
		if unix.Access(p, unix.X_OK) == nil {
			return p
		}
	}
	return ""
}

// runHelper runs a set-user-ID program, which says itself what is wrong.
func runHelper(args []string) error {
	p, err := os.StartProcess(args[0], args, &os.ProcAttr{Env: []string{}, Files: []*os.File{nil, os.Stderr, os.Stderr}})
	if err != nil {
		return err
	}
	state, err := p.Wait()
	if err != nil {
		return err
	}
	if !state.Success() {
		return errors.New(state.String())
	}
	return nil
}
