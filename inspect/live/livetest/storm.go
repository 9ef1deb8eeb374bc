package livetest

import (
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// Storm starts a process that makes and reaps children without pause, at most
// max of them, each for a moment in a UTS namespace of its own if it may. It
// ends with the test, or by Child.Stop.
func Storm(t testing.TB, max int) *Child {
	t.Helper()
	return Start(t, "storm", nil, strconv.Itoa(max))
}

func storm(args []string) error {
	runtime.LockOSThread()
	max, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	Say()
	for i := range max {
		if i%256 == 0 && abandoned() {
			return nil
		}
		if err := gust(); err != nil {
			return err
		}
	}
	Ready()
	return nil
}

// abandoned reports whether the starter is done with us.
func abandoned() bool {
	fds := []unix.PollFd{{Fd: 0, Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0
}

// gust makes a child that ends at once, and reaps it.
func gust() error {
	pid, errno := fork(0)
	if errno != 0 {
		return errno
	}
	if pid == 0 {
		unix.RawSyscall(unix.SYS_UNSHARE, unix.CLONE_NEWUTS, 0, 0)
		exit(0)
	}
	_, err := unix.Wait4(int(pid), nil, 0, nil)
	return err
}
