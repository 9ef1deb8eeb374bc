package live

import (
	"bytes"
	"fmt"

	"nsinspect/inspect"
)

// parseStat fills in what proc_pid_stat(5) says of a process, by the numbers
// of its fields there:
//
//	(2) comm: The filename of the executable, in parentheses.
//	(3) state: One of the following characters, indicating process state.
//	(4) ppid: The PID of the parent of this process.
//	(9) flags: The kernel flags word of the process.
//	(20) num_threads: Number of threads in this process.
//	(22) starttime: The time the process started after system boot, in ticks.
//
// comm may hold blanks and parentheses; it ends at the last one.
func parseStat(stat []byte, info *inspect.Info) error {
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return fmt.Errorf("no command in %q", stat)
	}
	var fields [23][]byte
	n := 3
	for f := range bytes.FieldsSeq(stat[end+1:]) {
		if n == len(fields) {
			break
		}
		fields[n] = f
		n++
	}
	ppid, ok1 := parseUint(fields[4], 1<<31-1)
	flags, ok2 := parseUint(fields[9], 1<<32-1)
	threads, ok3 := parseUint(fields[20], 1<<31-1)
	start, ok4 := parseUint(fields[22], 1<<64-1)
	if n < len(fields) || len(fields[3]) != 1 || !ok1 || !ok2 || !ok3 || !ok4 {
		return fmt.Errorf("not the fields of stat: %q", stat)
	}
	const kernelThread = 0x00200000 // PF_KTHREAD, include/linux/sched.h
	info.Comm = text(unescapeComm(stat[open+1 : end]))
	info.State = string(fields[3])
	info.PPID, info.Threads, info.Start = int(ppid), int(threads), start
	info.Kernel = flags&kernelThread != 0
	return nil
}

// unescapeComm undoes what the kernel does to a name in stat: a newline
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
