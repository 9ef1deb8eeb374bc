package holders

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// table reads the descriptor table of a thread, or of the process for 0.
func (w *worker) table(tid int) {
	w.tid = tid
	w.closePidfd()
	defer w.closePidfd()
	dir, err := unix.Openat(w.Proc, w.rel("fd"), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		if !w.dead() {
			w.report("read open files", fdPath(w.pid, tid, ""), w.pid, err)
		}
		return
	}
	defer unix.Close(dir)
	for {
		n, err := unix.Getdents(dir, w.dents)
		if err != nil || n <= 0 {
			w.report("read open files", fdPath(w.pid, tid, ""), w.pid, err)
			return
		}
		if !w.entries(dir, w.dents[:n]) {
			return
		}
	}
}

// dead reports whether the current task is no more, a zombie, or on its way
// there. It has no files then, but answers with EACCES.
func (w *worker) dead() bool {
	fd, err := unix.Openat(w.Proc, w.rel("stat"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return gone(err)
	}
	defer unix.Close(fd)
	var buf [512]byte
	n, err := unix.Read(fd, buf[:])
	if err != nil {
		return gone(err)
	}
	return exiting(buf[:n])
}

// exiting takes the text of a stat file, proc_pid_stat(5), and looks at (9)
// flags, the seventh field behind the command, which may hold anything.
func exiting(stat []byte) bool {
	const exiting = 0x4 // PF_EXITING, include/linux/sched.h
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(f) < 7 {
		return false
	}
	flags, err := strconv.ParseUint(string(f[6]), 10, 32)
	return err == nil && flags&exiting != 0
}

// rel is a path of the current task below /proc.
func (w *worker) rel(name string) string {
	p := strconv.Itoa(w.pid)
	if w.tid != 0 {
		p += "/task/" + strconv.Itoa(w.tid)
	}
	return p + "/" + name
}

// entries looks at each descriptor of a part of the directory: linux_dirent64
// of getdents(2), ino 8 bytes, off 8, reclen 2, type 1, name with a NUL.
func (w *worker) entries(dir int, b []byte) bool {
	for len(b) > 19 {
		size := int(binary.NativeEndian.Uint16(b[16:]))
		if size <= 19 || size > len(b) {
			return false
		}
		if c := b[19]; c >= '0' && c <= '9' {
			if err := w.entry(dir, b[19:size]); err != nil {
				w.report("read open files", fdPath(w.pid, w.tid, ""), w.pid, err)
				return false
			}
		}
		b = b[size:]
	}
	return true
}

// entry looks at one descriptor; name ends in NUL. The text of the link tells
// what a file without path is; only a file with a path must be asked, for an
// nsfs file that was opened through a bind mount reads as the mount's path.
func (w *worker) entry(dir int, name []byte) error {
	n, _, errno := unix.RawSyscall6(unix.SYS_READLINKAT, uintptr(dir), uintptr(unsafe.Pointer(&name[0])),
		uintptr(unsafe.Pointer(&w.text[0])), uintptr(len(w.text)), 0, 0)
	switch {
	case errno == unix.ENOENT:
		return nil
	case errno == unix.ENAMETOOLONG: // a path deeper than a page: no mount of nsfs
		return nil
	case errno != 0:
		return errno
	case n == 0:
		return nil
	}
	text := w.text[:n]
	switch {
	case text[0] == '/':
		w.pathFile(dir, name, text)
	case hasPrefix(text, "socket:["):
		w.socket(number(name), text)
	case hasPrefix(text, "anon_inode:"):
		w.anonFile(number(name), text)
	case !w.Files, hasPrefix(text, "pipe:["):
	default:
		w.namespaceFile(dir, name, string(text))
	}
	return nil
}

func hasPrefix(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix
}

// number is the value of digits up to a NUL.
func number(name []byte) int {
	n := 0
	for _, c := range name {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// namespaceFile records an nsfs file that shows as "net:[4026532299]".
func (w *worker) namespaceFile(dir int, name []byte, text string) {
	_, ino, err := inspect.ParseLink(text)
	if err != nil {
		return // some other file without path
	}
	id := inspect.ID{Dev: w.NSDev, Ino: ino}
	if !w.known(id) {
		if id, err = w.openNamespace(dir, cString(name)); err != nil {
			return
		}
	}
	w.ref(inspect.Ref{NS: id, Kind: inspect.RefFD, FD: number(name), Path: text})
}

func cString(name []byte) string {
	s, _, _ := strings.Cut(string(name), "\x00")
	return s
}

// ref records a reference by the current task.
func (w *worker) ref(r inspect.Ref) {
	r.PID, r.TID = w.pid, w.tid
	w.refs = append(w.refs, r)
}

// openNamespace opens a descriptor that shows as a namespace and keeps what it
// is. It looks before it opens: by now it may be something else.
func (w *worker) openNamespace(dir int, name string) (inspect.ID, error) {
	p, err := unix.Openat(dir, name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return inspect.ID{}, err
	}
	defer unix.Close(p)
	var st unix.Stat_t
	if err := unix.Fstat(p, &st); err != nil || st.Dev != w.NSDev {
		return inspect.ID{}, unix.ENOENT
	}
	fd, err := unix.Openat(w.Proc, "thread-self/fd/"+strconv.Itoa(p), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return inspect.ID{}, err
	}
	defer unix.Close(fd)
	return w.found(fd)
}
