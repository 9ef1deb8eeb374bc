package live

import (
	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// through calls read with the directory of a task whose link leads to e,
// relative to /proc. When the task goes or moves on meanwhile the next one is
// taken; with none left nothing was read, which is no error.
func (c *capture) through(e *entry, link inspect.Link, read func(dir string) error) error {
	for _, pl := range e.tasks {
		if pl.link != link {
			continue
		}
		for _, t := range pl.group.tasks {
			dir := c.taskPath(t)
			err := read(dir)
			if err == nil && c.still(dir, link, e.ns.ID) {
				return nil
			}
			if err != nil && !gone(err) {
				return err
			}
		}
	}
	return nil
}

// still reports whether a link of a task leads to id.
func (c *capture) still(dir string, link inspect.Link, id inspect.ID) bool {
	var buf [64]byte
	n, err := unix.Readlinkat(c.root, dir+"/ns/"+link.String(), buf[:])
	if err != nil {
		return false
	}
	ino, ok := parseInode(buf[:n], linkPrefixes[link])
	return ok && ino == id.Ino
}
