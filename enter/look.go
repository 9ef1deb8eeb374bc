package enter

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// LookSelf reads the facts that are of the caller itself, whatever the
// request will be.
func LookSelf() (*Facts, error) {
	f := &Facts{Owner: map[inspect.ID]inspect.ID{}}
	if err := lookSelf(&f.Self); err != nil {
		return nil, err
	}
	for fd := range f.TTY {
		_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		f.TTY[fd] = err == nil
	}
	return f, nil
}

// Look adds the facts for a request to those of [LookSelf], and holds on to
// the processes and namespaces that they are of; the caller closes the Hold.
// What an unprivileged caller may not read stays unknown in the facts; that
// becomes an error where a plan is carried out.
func Look(r *Request, f *Facts) (*Hold, error) {
	h := newHold()
	if err := look(r, f, h); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

func look(r *Request, f *Facts, h *Hold) error {
	if r.Target.PID != 0 {
		f.Target = &Subject{PID: r.Target.PID}
		if err := lookTarget(r, f, h); err != nil {
			return err
		}
	}
	for _, file := range r.Files {
		facts, err := lookFile(r, h, f, file)
		if err != nil {
			return err
		}
		f.Files = append(f.Files, facts)
	}
	if r.Socket != nil {
		fd, err := h.open(handle{sort: handleSocketNS, pid: r.Socket.PID, fd: r.Socket.FD})
		if err != nil {
			return err
		}
		f.Socket = statNS(fd)
	}
	if r.ResolvConf {
		binds, err := lookBinds(r)
		if err != nil {
			return err
		}
		f.Binds = binds
	}
	if r.Map.Auto {
		return lookSubIDs(f)
	}
	return nil
}

func lookSelf(s *Subject) error {
	s.PID, s.UID, s.GID = os.Getpid(), uint32(os.Geteuid()), uint32(os.Getegid())
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&head, &data[0]); err != nil {
		return os.NewSyscallError("capget", err)
	}
	s.Caps = capsOf(data)
	dir, err := openFile("/proc/self/ns", unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("read our own namespaces: /proc is not mounted, or not for this pid namespace: %w", err)
	}
	defer unix.Close(dir)
	for _, t := range inspect.Types {
		var st unix.Stat_t
		if unix.Fstatat(dir, t.String(), &st, 0) == nil {
			s.NS[t.Link()] = inspect.ID{Dev: st.Dev, Ino: st.Ino}
		}
	}
	if s.NS.IsZero() {
		return fmt.Errorf("read our own namespaces: /proc is not mounted, or not for this pid namespace")
	}
	return nil
}

func capsOf(d [2]unix.CapUserData) inspect.Caps {
	join := func(lo, hi uint32) uint64 { return uint64(lo) | uint64(hi)<<32 }
	return inspect.Caps{
		Effective:   join(d[0].Effective, d[1].Effective),
		Permitted:   join(d[0].Permitted, d[1].Permitted),
		Inheritable: join(d[0].Inheritable, d[1].Inheritable),
	}
}

// lookTarget opens the process first and reads of its pid then: if it still
// lives in the end, all that was read is its own and not of a successor.
func lookTarget(r *Request, f *Facts, h *Hold) error {
	pidfd, err := h.open(handle{sort: handlePidfd, pid: r.Target.PID})
	if err != nil {
		leader, ok := leaderOf(r.Target)
		switch {
		case !ok && r.Target.Container != "":
			return r.Target.elsewhere()
		case !ok:
			return err
		}
		r.Target.PID, r.Target.TID, f.Target.PID = leader, r.Target.PID, leader
		if pidfd, err = h.open(handle{sort: handlePidfd, pid: leader}); err != nil {
			return err
		}
	}
	if err := lookLinks(r, f, h); err != nil {
		return err
	}
	if err := lookStatus(r, f); err != nil {
		return err
	}
	if err := lookPlace(r, f); err != nil {
		return err
	}
	if !alive(pidfd) {
		return fmt.Errorf("process %d has gone: %w", r.Target.PID, unix.ESRCH)
	}
	return nil
}

// elsewhere is the error for a container of which the engine tells a pid that
// is not its own here.
func (t Target) elsewhere() error {
	return &HintError{
		fmt.Errorf("process %d is not in container %s: it has just ended, or the engine counts pids in another pid namespace: %w", t.PID, t.Name, unix.ESRCH),
		"run nsinspect where the engine runs; in a container: docker run --pid=host",
	}
}

// leaderOf returns the process of a target whose pid is that of a thread, as
// `ps -L` shows it, and of which there is no pidfd.
func leaderOf(t Target) (pid int, ok bool) {
	if t.TID != 0 && t.TID != t.PID {
		return 0, false
	}
	b, _ := readProc(t.proc() + "/status")
	for line := range bytes.Lines(b) {
		if value, found := bytes.CutPrefix(line, []byte("Tgid:")); found {
			pid, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
		}
	}
	return pid, pid != 0 && pid != t.PID
}

// proc is the directory of the target in /proc.
func (t Target) proc() string {
	dir := "/proc/" + strconv.Itoa(t.PID)
	if t.TID != 0 && t.TID != t.PID {
		dir += "/task/" + strconv.Itoa(t.TID)
	}
	return dir
}

// ns is the handle of a namespace of the target.
func (t Target) ns(kind inspect.Type) handle {
	return fileHandle(t.proc()+"/ns/"+kind.String(), unix.O_RDONLY)
}

func lookLinks(r *Request, f *Facts, h *Hold) error {
	for _, t := range inspect.Types {
		fd, err := h.open(r.Target.ns(t))
		switch {
		case errors.Is(err, unix.ESRCH):
			return fmt.Errorf("process %d has gone: %w", r.Target.PID, err)
		case err != nil:
			continue // unknown to this kernel, or not ours to see
		}
		id := statNS(fd)
		f.Target.NS[t.Link()] = id
		if id == f.Self.NS.Of(t) {
			continue
		}
		lookOwner(r, f, id, fd)
	}
	return nil
}

// statNS returns the id of the namespace that fd is of.
func statNS(fd int) inspect.ID {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return inspect.ID{}
	}
	return inspect.ID{Dev: st.Dev, Ino: st.Ino}
}

// lookOwner asks who owns a namespace, see ioctl_ns(2). It is left unknown
// where the owner is out of our sight.
func lookOwner(r *Request, f *Facts, id inspect.ID, fd int) {
	if f.Self.almighty() && !r.Owners {
		return
	}
	owner, err := unix.IoctlRetInt(fd, unix.NS_GET_USERNS)
	if err != nil {
		return
	}
	f.Owner[id] = statNS(owner)
	unix.Close(owner)
}

// lookStatus reads what the request needs of the target's ids, maps,
// capabilities and environment.
func lookStatus(r *Request, f *Facts) error {
	t, dir := f.Target, r.Target.proc()
	follow := r.SetUID != nil && r.SetUID.Follow || r.SetGID != nil && r.SetGID.Follow
	if follow || r.TargetCaps {
		b, err := readProc(dir + "/status")
		if err != nil {
			return err
		}
		if err := parseStatus(b, t); err != nil {
			return fmt.Errorf("%s/status: %w", dir, err)
		}
	}
	if user := t.NS.Of(inspect.User); user != f.Self.NS.Of(inspect.User) {
		t.UIDMap = readMap(dir + "/uid_map")
		t.GIDMap = readMap(dir + "/gid_map")
		b, _ := readProc(dir + "/setgroups") // unknown is taken for deny
		t.Setgroups = strings.TrimSpace(string(b))
	}
	if r.EnvOfTarget {
		b, err := readProc(dir + "/environ")
		if err != nil {
			return err
		}
		t.Env = parseEnviron(b)
	}
	return nil
}

// parseStatus takes effective ids and the bounding set from
// proc_pid_status(5): "Uid: real effective saved fs", "CapBnd: 000001ffffffffff".
func parseStatus(b []byte, s *Subject) error {
	var found int
	for line := range bytes.Lines(b) {
		name, value, _ := strings.Cut(string(line), ":")
		fields := strings.Fields(value)
		var err error
		switch {
		case name == "Uid" && len(fields) == 4:
			s.UID, err = parseID(fields[1])
		case name == "Gid" && len(fields) == 4:
			s.GID, err = parseID(fields[1])
		case name == "CapBnd" && len(fields) == 1:
			s.Caps.Bounding, err = strconv.ParseUint(fields[0], 16, 64)
		default:
			continue
		}
		if err != nil {
			return fmt.Errorf("line %s: %w", name, err)
		}
		found++
	}
	if found != 3 {
		return errors.New("ids or capabilities are missing")
	}
	return nil
}

func parseID(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}

// readProc reads a file of proc(5) with system calls alone: os.ReadFile tries
// whether the poller takes it, which starts the poller, for each.
func readProc(path string) ([]byte, error) {
	fd, err := openFile(path, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	b := make([]byte, 0, 4096)
	for {
		n, err := unix.Read(fd, b[len(b):cap(b)])
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return nil, &fs.PathError{Op: "read", Path: path, Err: err}
		case n == 0:
			return b, nil
		default:
			b = slices.Grow(b[:len(b)+n], 1024)
		}
	}
}

func readMap(path string) []inspect.IDRange {
	b, err := readProc(path)
	if err != nil {
		return nil
	}
	return parseMap(b)
}

// parseMap reads lines of user_namespaces(7): "inside outside count".
func parseMap(b []byte) []inspect.IDRange {
	var list []inspect.IDRange
	for line := range bytes.Lines(b) {
		fields := strings.Fields(string(line))
		if len(fields) != 3 {
			continue
		}
		in, err1 := parseID(fields[0])
		out, err2 := parseID(fields[1])
		count, err3 := parseID(fields[2])
		if err1 == nil && err2 == nil && err3 == nil {
			list = append(list, inspect.IDRange{Inside: in, Outside: out, Count: count})
		}
	}
	return list
}

func parseEnviron(b []byte) []string {
	env := strings.Split(string(b), "\x00")
	return slices.DeleteFunc(env, func(s string) bool { return !strings.Contains(s, "=") })
}
