package live

import (
	"bytes"
	"fmt"

	"nsinspect/inspect"
)

// parseStat fills in what proc_pid_stat(5) says of a process, by the numbers
// of its fields there:
//
//	(3) state: One of the following characters, indicating process state.
//	(4) ppid: The PID of the parent of this process.
//	(9) flags: The kernel flags word of the process.
//	(20) num_threads: Number of threads in this process.
//	(22) starttime: The time the process started after system boot, in ticks.
//
// The second field is the command in parentheses. It may hold blanks and
// parentheses, and ends at the last one; parseStatus reads it, because whether
// it is escaped here depends on the kernel.
func parseStat(stat []byte, info *inspect.Info) error {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
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
	info.State = string(fields[3])
	info.PPID, info.Threads, info.Start = int(ppid), int(threads), start
	info.Kernel = flags&kernelThread != 0
	return nil
}
