package demo

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

const kindPID = inspect.PID

// childOf returns the child of a process that has no other: from the file
// children, see proc_tid_children(5), or on kernels without it by the parents
// of all.
func childOf(pid int) (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if f := strings.Fields(string(b)); err == nil && len(f) == 1 {
		return strconv.Atoi(f[0])
	}
	names, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	child := 0
	for _, n := range names {
		c, err := strconv.Atoi(n.Name())
		if err != nil {
			continue
		}
		if parentOf(c) == pid {
			child = c
		}
	}
	if child == 0 {
		return 0, fmt.Errorf("find the child of process %d: %w", pid, unix.ESRCH)
	}
	return child, nil
}

// parentOf returns the parent of a process, 0 when it has gone. The name in
// parentheses may hold anything.
func parentOf(pid int) int {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	s := string(b)
	fields := strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
	if len(fields) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(fields[1])
	return n
}
