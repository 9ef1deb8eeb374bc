package live

import (
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

// readPIDs appends the numeric entries of a directory of /proc to pids, in
// the order of the kernel, which is ascending. It uses buf for the reading.
//
// The layout is linux_dirent64 of getdents(2): ino 8 bytes, off 8, reclen 2,
// type 1, name with a NUL.
func readPIDs(dir int, path string, buf []byte, pids []int) ([]int, error) {
	fd, err := unix.Openat(dir, path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return pids, err
	}
	defer unix.Close(fd)
	for {
		n, err := unix.Getdents(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return pids, os.NewSyscallError("getdents64", err)
		}
		if n == 0 {
			return pids, nil
		}
		pids = appendPIDs(pids, buf[:n])
	}
}

const (
	direntLen  = 16 // offset of reclen
	direntName = 19 // offset of the name
)

func appendPIDs(pids []int, entries []byte) []int {
	for len(entries) > direntName {
		size := int(binary.NativeEndian.Uint16(entries[direntLen:]))
		if size <= direntName || size > len(entries) {
			break
		}
		if pid, ok := parsePID(entries[direntName:size]); ok {
			pids = append(pids, pid)
		}
		entries = entries[size:]
	}
	return pids
}

// parsePID takes decimal digits up to a NUL.
func parsePID(name []byte) (int, bool) {
	pid := 0
	for i, c := range name {
		if c == 0 {
			return pid, i > 0
		}
		if c < '0' || c > '9' || i > 9 {
			return 0, false
		}
		pid = pid*10 + int(c-'0')
	}
	return 0, false
}

// entries returns the entries of a directory below dir.
func entries(dir int, path string) ([]string, error) {
	fd, err := unix.Openat(dir, path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var names []string
	buf := make([]byte, 8<<10)
	for {
		n, err := unix.Getdents(fd, buf)
		if n <= 0 || err != nil {
			return names, err
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}
