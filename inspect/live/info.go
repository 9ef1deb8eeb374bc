package live

import (
	"bytes"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/container"
)

const opInfo = "read process"

// infoReader reads Info of processes. It is for one goroutine.
type infoReader struct {
	root    int
	dir     string // for messages
	cmdline bool
	p       *problems
	buf     []byte
	cgroups map[string]cgroup // by the text of the file
	found   *containers
}

// cgroup is what the text of a cgroup file says.
type cgroup struct {
	paths     []inspect.CgroupPath
	container string // ID; "" for none
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
		g := r.cgroup()
		info.Cgroups, info.Container = g.paths, g.container
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

// cgroup returns what the file in buf says. Most processes share theirs with
// others.
func (r *infoReader) cgroup() cgroup {
	if g, ok := r.cgroups[string(r.buf)]; ok {
		return g
	}
	g := cgroup{paths: parseCgroups(r.buf)}
	if k, ok := container.FromCgroups(g.paths); ok {
		g.container = k.ID
		r.found.add(k)
	}
	if r.cgroups == nil {
		r.cgroups = map[string]cgroup{}
	}
	r.cgroups[string(r.buf)] = g
	return g
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
