package holders

import (
	"bytes"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// procFile looks at an open file of a proc file system. An open mountinfo
// pins its mount namespace and shows it by what it lists; an open file below
// net pins its network namespace, which shows only by the inode.
func (w *worker) procFile(num int, ino uint64, text string) {
	switch path.Base(text) {
	case "mountinfo", "mounts", "mountstats":
		w.mountinfo(num, text)
		return
	}
	if strings.Contains(text, "/net/") || strings.HasSuffix(text, "/net") {
		w.ref(inspect.Ref{Kind: inspect.RefProcNet, FD: num, Path: text, Inode: ino, Candidate: true})
	}
}

// mountinfo reads the beginning of another process's open mountinfo without
// moving its position, and looks where the first mount is.
func (w *worker) mountinfo(num int, text string) {
	r := inspect.Ref{Kind: inspect.RefMountinfo, FD: num, Path: text}
	if fd, ok := w.copyFD(num); ok {
		var buf [512]byte
		n, err := unix.Pread(fd, buf[:], 0)
		unix.Close(fd)
		if err == nil {
			r.NS = w.MountNS[mountID(buf[:n])]
		}
	}
	r.Candidate = r.NS.IsZero()
	w.ref(r)
}

// mountID is the first field of mountinfo, proc_pid_mountinfo(5); 0 for the
// other formats, which begin with a word.
func mountID(b []byte) int {
	first, _, _ := bytes.Cut(b, []byte(" "))
	id, _ := strconv.Atoi(string(first))
	return id
}
