package live

import (
	"bytes"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

const opInfo = "read process"

// infoReader reads Info of processes. It is for one goroutine.
type infoReader struct {
	root    int
	dir     string // for messages
	cmdline bool
	p       *problems
	buf     []byte
	cgroups map[string][]inspect.CgroupPath // by the text of the file
}

// read returns nil when the process is gone. All files are read through one
// descriptor of its directory, so that a new process with the same pid cannot
// get mixed in.
func (r *infoReader) read(pid int) *inspect.Info {
	dir, errno := openPath(r.root, append(strconv.AppendInt(nil, int64(pid), 10), 0))
	if errno != 0 {
		r.fail(pid, "", errno)
		return nil
	}
	defer unix.Close(dir)
	info := &inspect.Info{}
	if !r.file(dir, pid, "stat") {
		return nil
	}
	if err := parseStat(r.buf, info); err != nil {
		r.fail(pid, "/stat", err)
		return nil
	}
	if !r.file(dir, pid, "status") {
		return nil
	}
	parseStatus(r.buf, info)
	if r.file(dir, pid, "cgroup") {
		info.Cgroups = r.intern()
	}
	if r.cmdline && !info.Kernel && r.file(dir, pid, "cmdline") {
		info.Cmdline = parseCmdline(r.buf)
	}
	return info
}

// file reads a file of the process into buf.
func (r *infoReader) file(dir, pid int, name string) bool {
	var err error
	r.buf, err = readFile(dir, name, r.buf)
	if err != nil {
		r.fail(pid, "/"+name, err)
	}
	return err == nil
}

func (r *infoReader) fail(pid int, file string, err error) {
	if !gone(err) {
		r.p.add(opInfo, fmt.Sprintf("%s/%d%s", r.dir, pid, file), pid, err)
	}
}

// intern parses the cgroup file in buf. Most processes share theirs with others.
func (r *infoReader) intern() []inspect.CgroupPath {
	if c, ok := r.cgroups[string(r.buf)]; ok {
		return c
	}
	if r.cgroups == nil {
		r.cgroups = map[string][]inspect.CgroupPath{}
	}
	c := parseCgroups(r.buf)
	r.cgroups[string(r.buf)] = c
	return c
}

// parseCmdline parses /proc/PID/cmdline: "a set of strings separated by null
// bytes, with a further null byte after the last string", see
// proc_pid_cmdline(5). It is empty for a zombie, and whatever the process
// wrote over its arguments.
func parseCmdline(b []byte) []string {
	if len(b) == 0 {
		return nil
	}
	var args []string
	for arg := range bytes.SplitSeq(bytes.TrimSuffix(b, []byte{0}), []byte{0}) {
		args = append(args, text(arg))
	}
	return args
}
