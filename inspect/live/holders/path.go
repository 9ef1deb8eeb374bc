package holders

import (
	"bytes"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// tunDevice is the number of /dev/net/tun, Documentation/admin-guide/devices.txt.
var tunMajor, tunMinor uint32 = 10, 200

// pathFile looks at a file that has a path. The path is not trusted: only the
// device tells nsfs, tun and proc.
func (w *worker) pathFile(dir int, name, text []byte) {
	if !w.Files && !maybeTun(text) {
		return
	}
	path := string(text)
	num := cString(name)
	if !w.wait(num) {
		return
	}
	var st unix.Statx_t
	// No wait for a server: what the kernel has cached is enough.
	err := unix.Statx(dir, num, unix.AT_STATX_DONT_SYNC, unix.STATX_TYPE|unix.STATX_INO, &st)
	w.answered()
	if err != nil {
		w.report("look at an open file", fdPath(w.pid, w.tid, num), w.pid, err)
		return
	}
	dev := unix.Mkdev(st.Dev_major, st.Dev_minor)
	switch {
	case dev == w.NSDev:
		w.boundFile(dir, num, inspect.ID{Dev: dev, Ino: st.Ino}, path)
	case st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev_major == tunMajor && st.Rdev_minor == tunMinor:
		w.tun(number(name), path)
	case dev == w.procDev || w.ProcDevs[dev]:
		w.procFile(number(name), st.Ino, path)
	}
}

// maybeTun reports whether a path can be that of a tun device. Without Files
// nothing else with a path is looked at.
func maybeTun(path []byte) bool { return bytes.Contains(path, []byte("tun")) }

// boundFile records an nsfs file that was opened through a bind mount.
func (w *worker) boundFile(dir int, num string, id inspect.ID, path string) {
	if !w.Files {
		return
	}
	if !w.known(id) {
		var err error
		if id, err = w.openNamespace(dir, num); err != nil {
			w.report("open a namespace", fdPath(w.pid, w.tid, num), w.pid, err)
			return
		}
	}
	w.ref(inspect.Ref{NS: id, Kind: inspect.RefFD, FD: number([]byte(num)), Path: path})
}
