package holders

import (
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

// maxInFlight is SCM_MAX_FD of linux/net/scm.h, the most files of a message.
const maxInFlight = 253

// peek looks at the files in the first message that waits in a unix socket:
// recvmsg(2) with MSG_PEEK leaves the message where it is. A socket that has
// SO_PEEK_OFF set is left alone, for a peek would move that offset.
func (w *worker) peek(fd, num int) {
	if option(fd, unix.SO_DOMAIN) != unix.AF_UNIX || option(fd, unix.SO_PEEK_OFF) >= 0 || !w.filesWait(num) {
		return
	}
	for _, f := range peekFiles(fd) {
		w.inFlight(f, num)
		unix.Close(f)
	}
}

// filesWait reports whether fdinfo counts files in flight, "scm_fds: N", or
// does not count them at all (before Linux 5.12).
func (w *worker) filesWait(num int) bool {
	info, err := w.fdinfo(num)
	if err != nil {
		return false
	}
	_, rest, ok := strings.Cut(info, "scm_fds:")
	if !ok {
		return true
	}
	n, _, _ := strings.Cut(strings.TrimSpace(rest), "\n")
	count, _ := strconv.Atoi(n)
	return count > 0
}

// peekFiles returns copies of the files in the first message.
func peekFiles(fd int) []int {
	var data [1]byte
	control := make([]byte, unix.CmsgSpace(4*maxInFlight)+256)
	iov := unix.Iovec{Base: &data[0]}
	iov.SetLen(1)
	msg := unix.Msghdr{Iov: &iov, Control: &control[0]}
	msg.SetIovlen(1)
	msg.SetControllen(len(control))
	if _, _, errno := unix.Syscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)),
		unix.MSG_PEEK|unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC); errno != 0 {
		return nil
	}
	list, err := unix.ParseSocketControlMessage(control[:msg.Controllen])
	if err != nil {
		return nil
	}
	var files []int
	for i := range list {
		if fds, err := unix.ParseUnixRights(&list[i]); err == nil {
			files = append(files, fds...)
		}
	}
	return files
}

// isSocket looks without a wait for a server: the file may be anything.
func isSocket(fd int) bool {
	var st unix.Statx_t
	err := unix.Statx(fd, "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, unix.STATX_TYPE, &st)
	return err == nil && st.Mode&unix.S_IFMT == unix.S_IFSOCK
}

// inFlight records what a file in flight pins: itself, or as a socket its
// network namespace.
func (w *worker) inFlight(file, num int) {
	r := inspect.Ref{Kind: inspect.RefInFlight, FD: num}
	id, _, err := nsfs.Identify(file)
	if err == nil {
		r.NS, err = w.found(file)
		if err != nil {
			r.NS = id
		}
	} else if !isSocket(file) {
		return
	} else if r.NS, err = w.socketNamespace(file); err != nil {
		return
	} else {
		describeSocket(file, &r)
	}
	w.ref(r)
}
