package demo

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// self is what a process sees of itself.
type self struct {
	PID      int               `json:"pid"`
	PPID     int               `json:"ppid"`
	UID      int               `json:"uid"`
	GID      int               `json:"gid"`
	Hostname string            `json:"hostname"`
	Cgroups  []string          `json:"cgroups"` // lines of /proc/self/cgroup
	UIDMap   string            `json:"uid_map"`
	Caps     string            `json:"caps"` // effective, as in proc_pid_status(5)
	NS       map[string]string `json:"ns"`   // links by name
}

func lookAtSelf() (*self, error) {
	s := &self{PID: os.Getpid(), PPID: os.Getppid(), UID: os.Geteuid(), GID: os.Getegid(), NS: map[string]string{}}
	var err error
	if s.Hostname, err = os.Hostname(); err != nil {
		return nil, err
	}
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	if err := unix.Capget(&head, &caps[0]); err != nil {
		return nil, os.NewSyscallError("capget", err)
	}
	s.Caps = fmt.Sprintf("%016x", uint64(caps[0].Effective)|uint64(caps[1].Effective)<<32)
	// Where /proc is of another pid namespace there is no /proc/self.
	if b, err := os.ReadFile("/proc/self/cgroup"); err == nil {
		s.Cgroups = strings.Split(strings.TrimSpace(string(b)), "\n")
	}
	if b, err := os.ReadFile("/proc/self/uid_map"); err == nil {
		s.UIDMap = mapText(b)
	}
	for _, t := range inspect.Types {
		if to, err := os.Readlink("/proc/self/ns/" + t.String()); err == nil {
			s.NS[t.String()] = to
		}
	}
	return s, nil
}

// mapText writes a uid_map in one line.
func mapText(b []byte) string {
	var lines []string
	for line := range bytes.Lines(b) {
		lines = append(lines, strings.Join(strings.Fields(string(line)), " "))
	}
	if len(lines) == 0 {
		return "empty"
	}
	return strings.Join(lines, ", ")
}

// processes are those that a /proc shows.
type processes struct {
	Count int      `json:"count"`
	Names []string `json:"names"` // "PID NAME"
}

func listProcesses() (*processes, error) {
	names, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	p := &processes{Names: []string{}}
	for _, n := range names {
		if _, err := strconv.Atoi(n.Name()); err != nil {
			continue
		}
		comm, err := os.ReadFile("/proc/" + n.Name() + "/comm")
		if err != nil {
			continue
		}
		p.Count++
		p.Names = append(p.Names, n.Name()+" "+strings.TrimSpace(string(comm)))
	}
	return p, nil
}

// clocks are what a process reads of the clocks of the kernel.
type clocks struct {
	Realtime  time.Duration `json:"realtime"` // since 1970
	Monotonic time.Duration `json:"monotonic"`
	Boottime  time.Duration `json:"boottime"`
	Uptime    string        `json:"uptime"`  // the first word of /proc/uptime, in seconds
	Offsets   string        `json:"offsets"` // /proc/self/timens_offsets
}

func readClocks() (*clocks, error) {
	c := &clocks{}
	for id, to := range map[int32]*time.Duration{
		unix.CLOCK_REALTIME: &c.Realtime, unix.CLOCK_MONOTONIC: &c.Monotonic, unix.CLOCK_BOOTTIME: &c.Boottime,
	} {
		var ts unix.Timespec
		if err := unix.ClockGettime(id, &ts); err != nil {
			return nil, os.NewSyscallError("clock_gettime", err)
		}
		*to = time.Duration(ts.Nano())
	}
	b, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return nil, err
	}
	c.Uptime, _, _ = strings.Cut(string(b), " ")
	if b, err = os.ReadFile("/proc/self/timens_offsets"); err != nil {
		return nil, err
	}
	c.Offsets = mapText(b)
	return c, nil
}

// encodeSnapshot returns the text of a snapshot.
func encodeSnapshot(s *inspect.Snapshot) (string, error) {
	var b strings.Builder
	err := inspect.Encode(&b, s)
	return b.String(), err
}
