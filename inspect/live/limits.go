package live

import (
	"golang.org/x/sys/unix"
)

// limits returns the files of /proc/sys/user, as our own user namespace has
// them, see namespaces(7).
func (c *capture) limits() map[string]int64 {
	const dir = "sys/user"
	names, err := readNames(c.root, dir)
	if err != nil {
		if !gone(err) {
			c.p.add("read limits", c.dir+"/"+dir, 0, err)
		}
		return nil
	}
	limits := make(map[string]int64, len(names))
	for _, name := range names {
		limits[name] = c.number(dir + "/" + name)
	}
	return limits
}

// readNames returns the entries of a directory below dir.
func readNames(dir int, path string) ([]string, error) {
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
