package livetest

import (
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// eightLinks are those that lsns(8) reads.
var eightLinks = [...]string{"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"}

// BareLoop is what listing namespaces costs at least, and what the benchmarks
// compare with: one thread that opens /proc/PID/ns of every process and reads
// eight links there. It returns the time it took and how many links it read.
func BareLoop(t testing.TB) (time.Duration, int) {
	t.Helper()
	start := time.Now()
	proc, err := os.Open("/proc")
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	buf := make([]byte, 64)
	for _, name := range names {
		if _, err := strconv.Atoi(name); err != nil {
			continue
		}
		ns, err := unix.Open("/proc/"+name+"/ns", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		for _, link := range eightLinks {
			if _, err := unix.Readlinkat(ns, link, buf); err == nil {
				read++
			}
		}
		unix.Close(ns)
	}
	return time.Since(start), read
}
