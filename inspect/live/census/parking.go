package census

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// parking keeps files open without a descriptor for each: they wait in a unix
// socket. There may be more holes between inodes than a process may have
// descriptors.
type parking struct {
	fds   []int
	pairs [][2]int
	sent  int // messages in the last pair
}

const (
	fdsPerMessage = 253 // SCM_MAX_FD of linux/net/scm.h
	messages      = 64  // of a pair, well below what its buffer takes
)

// add takes over a file.
func (p *parking) add(fd int) error {
	if p.fds = append(p.fds, fd); len(p.fds) < fdsPerMessage {
		return nil
	}
	if len(p.pairs) == 0 || p.sent == messages {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return os.NewSyscallError("socketpair", err)
		}
		p.pairs, p.sent = append(p.pairs, pair), 0
	}
	if err := unix.Sendmsg(p.pairs[len(p.pairs)-1][0], []byte{0}, unix.UnixRights(p.fds...), nil, 0); err != nil {
		return fmt.Errorf("put aside the files of %d namespaces: %w", len(p.fds), err)
	}
	p.sent++
	p.closeFDs()
	return nil
}

// empty closes all.
func (p *parking) empty() {
	p.closeFDs()
	for _, pair := range p.pairs {
		unix.Close(pair[0])
		unix.Close(pair[1])
	}
}

func (p *parking) closeFDs() {
	for _, fd := range p.fds {
		unix.Close(fd)
	}
	p.fds = p.fds[:0]
}
