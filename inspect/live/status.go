package live

import (
	"bytes"
	"strconv"

	"nsinspect/inspect"
)

// parseStatus fills in what proc_pid_status(5) says of a process. A line that
// is not there or cannot be read leaves its field as it was.
//
//	Name: Command run by this process. Strings longer than TASK_COMM_LEN (16)
//	characters (including the terminating null byte) are silently truncated.
//	Uid, Gid: Real, effective, saved set, and filesystem UIDs (GIDs).
//	NSpid: Thread ID in each of the PID namespaces of which pid is a member.
//	Threads: Number of threads in process containing this thread.
//	CapInh, CapPrm, CapEff, CapBnd, CapAmb: Masks, in hexadecimal.
//	NoNewPrivs: Value of the no_new_privs bit.
//	Seccomp: Seccomp mode of the process.
func parseStatus(status []byte, info *inspect.Info) {
	var caps inspect.Caps
	hasCaps := false
	for line := range bytes.Lines(status) {
		key, value, ok := bytes.Cut(line, []byte(":\t"))
		if !ok {
			continue
		}
		if string(key) == "Name" {
			info.Comm = text(unescapeComm(bytes.TrimSuffix(value, []byte("\n"))))
			continue
		}
		value = bytes.TrimSpace(value)
		switch string(key) {
		case "Uid":
			parseIDs(value, &info.UID)
		case "Gid":
			parseIDs(value, &info.GID)
		case "NSpid":
			info.NSpid = parsePIDs(value)
		case "Threads":
			info.Threads = parseCount(value)
		case "NoNewPrivs":
			info.NoNewPrivs = string(value) == "1"
		case "Seccomp":
			info.Seccomp = parseCount(value)
		default:
			hasCaps = parseCap(key, value, &caps) || hasCaps
		}
	}
	if hasCaps {
		info.Caps = &caps
	}
}

// unescapeComm undoes what the kernel does to a name in status: a newline
// becomes \n and a backslash \\. Other escapes do not occur.
func unescapeComm(b []byte) []byte {
	if bytes.IndexByte(b, '\\') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == '\\' && i+1 < len(b) && (b[i+1] == 'n' || b[i+1] == '\\') {
			i++
			if c = b[i]; c == 'n' {
				c = '\n'
			}
		}
		out = append(out, c)
	}
	return out
}

func parseCap(key, value []byte, caps *inspect.Caps) bool {
	if len(key) != 6 || string(key[:3]) != "Cap" {
		return false
	}
	var set *uint64
	switch string(key[3:]) {
	case "Inh":
		set = &caps.Inheritable
	case "Prm":
		set = &caps.Permitted
	case "Eff":
		set = &caps.Effective
	case "Bnd":
		set = &caps.Bounding
	case "Amb":
		set = &caps.Ambient
	default:
		return false
	}
	v, err := strconv.ParseUint(string(value), 16, 64)
	if err == nil {
		*set = v
	}
	return err == nil
}

// parseIDs takes exactly four ids.
func parseIDs(value []byte, ids *[4]uint32) {
	var got [4]uint32
	n := 0
	for field := range bytes.FieldsSeq(value) {
		id, ok := parseUint(field, 1<<32-1)
		if !ok || n == len(got) {
			return
		}
		got[n] = uint32(id)
		n++
	}
	if n == len(got) {
		*ids = got
	}
}

// parsePIDs returns nil unless all fields are positive numbers.
func parsePIDs(value []byte) []int {
	var pids []int
	for field := range bytes.FieldsSeq(value) {
		pid, ok := parseUint(field, 1<<31-1)
		if !ok || pid == 0 {
			return nil
		}
		pids = append(pids, int(pid))
	}
	return pids
}

// parseCount returns 0 for what is no number.
func parseCount(value []byte) int {
	n, _ := parseUint(value, 1<<31-1)
	return int(n)
}

// parseTgid returns the thread group id, "Tgid", of a task; 0 when unknown.
func parseTgid(status []byte) int {
	_, rest, ok := bytes.Cut(status, []byte("\nTgid:\t"))
	value, _, ok2 := bytes.Cut(rest, []byte("\n"))
	if !ok || !ok2 {
		return 0
	}
	return parseCount(value)
}

// parseUint takes nothing but decimal digits, and no number above limit.
func parseUint(b []byte, limit uint64) (uint64, bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	var n uint64
	for _, c := range b {
		d := uint64(c - '0')
		if c < '0' || c > '9' || d > limit || n > (limit-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}
