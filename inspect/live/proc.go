package live

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// openProc opens a mount of proc.
func openProc(dir string) (int, error) {
	mount := "mount -t proc proc " + dir
	root, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &ProcError{Path: dir, Err: err, hint: mount}
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(root, &st); err == nil && st.Type == unix.PROC_SUPER_MAGIC {
		return root, nil
	}
	unix.Close(root)
	return -1, &ProcError{Path: dir, Err: errors.New("not a proc file system"), hint: mount}
}

// ownPID returns our pid as this mount of proc sees it; 0 when it belongs to a
// pid namespace that we are not in.
func ownPID(root int) int {
	var buf [20]byte
	n, err := unix.Readlinkat(root, "self", buf[:])
	if err != nil {
		return 0
	}
	pid, _ := parseUint(buf[:n], 1<<31-1)
	return int(pid)
}

// nsfsDevice returns the device of all namespace files: of our own, or where
// we are not in this proc those of any process in it.
func nsfsDevice(root int, dir string, self int) (uint64, error) {
	pids := []int{self}
	if self == 0 {
		var err error
		if pids, err = readPIDs(root, ".", make([]byte, 32<<10), nil); err != nil {
			return 0, &ProcError{Path: dir, Err: err}
		}
	}
	err := error(unix.ENOENT)
	for _, pid := range pids {
		var st unix.Stat_t
		if err = unix.Fstatat(root, strconv.Itoa(pid)+"/ns/net", &st, 0); err == nil {
			return uint64(st.Dev), nil
		}
	}
	return 0, &ProcError{Path: dir, Err: fmt.Errorf("no network namespace can be read: %w", err), hint: hint(err)}
}

// checkProc notes what this proc does not show: processes of other users when
// it is mounted with hidepid, see proc(5), and any process but those of a pid
// namespace that we only look into. The first process of a pid namespace lives
// as long as the namespace does.
func (c *capture) checkProc() {
	const op = "list processes"
	if c.hidden = !exists(c.root, 1); c.hidden {
		c.p.note(inspect.Problem{
			Op: op, Path: c.dir, Err: "processes of other users are hidden (mount option hidepid)", Hint: hintRoot,
		})
	}
	if c.self == 0 {
		c.p.note(inspect.Problem{
			Op: op, Path: c.dir, Err: "it shows a pid namespace that nsinspect is not in, and no other processes",
			Hint: "mount -t proc proc /proc, in a mount namespace of its own: unshare -m",
		})
	}
}

// checkProcess returns a *NoProcessError when pid is not a process. A thread
// has a directory in /proc too, though it is not listed.
func (c *capture) checkProcess(pid int) error {
	status, err := readFile(c.root, strconv.Itoa(pid)+"/status", nil)
	if err != nil {
		if gone(err) {
			return &NoProcessError{PID: pid, Hidden: c.hidden}
		}
		return nil // it is there, and hidepid=1 keeps the file from us
	}
	if leader := parseTgid(status); leader != 0 && leader != pid {
		return &NoProcessError{PID: pid, Leader: leader}
	}
	return nil
}

// exists reports whether there is a process or thread with this id.
func exists(root, id int) bool {
	var st unix.Stat_t
	return unix.Fstatat(root, strconv.Itoa(id), &st, unix.AT_SYMLINK_NOFOLLOW) != unix.ENOENT
}
