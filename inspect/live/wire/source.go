package wire

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

// Source is a network namespace and the way to open it.
type Source struct {
	ID inspect.ID
	// Open opens its file. The descriptor is the caller's. It fails with
	// ENOENT when nothing leads there any more.
	Open func() (int, error)
}

// errGone is a namespace that nothing leads to any more.
var errGone = errors.New("namespace is gone")

// open opens the namespace and makes sure that it is the one that was seen:
// what led to it may lead to another one by now.
func (s *Source) open() (int, error) {
	fd, err := s.Open()
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return -1, errGone
	}
	if err != nil {
		return -1, fmt.Errorf("open: %w", err)
	}
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	if err == nil && (inspect.ID{Dev: st.Dev, Ino: st.Ino}) == s.ID {
		return fd, nil
	}
	_ = unix.Close(fd)
	if err != nil {
		return -1, fmt.Errorf("fstat: %w", err)
	}
	return -1, errGone
}

// Run runs do on a thread in the namespace, which ends afterwards. own is the
// observer's network namespace: that is not entered, which takes no privilege.
func (s *Source) Run(own inspect.ID, do func() error) error {
	return nsfs.OnThread(func() error {
		if s.ID != own {
			fd, err := s.open()
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
				return os.NewSyscallError("setns", err)
			}
		}
		return do()
	})
}
