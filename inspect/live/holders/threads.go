package holders

import (
	"encoding/binary"
	"strconv"

	"golang.org/x/sys/unix"
)

const kcmpFiles = 2 // KCMP_FILES of linux/kcmp.h

// ownTables returns the threads whose descriptor table is not the leader's,
// one of each table. Most processes have none: the number of links of
// /proc/PID/task tells that there is only one thread.
func (w *worker) ownTables(pid int) []int {
	var st unix.Stat_t
	task := strconv.Itoa(pid) + "/task"
	if unix.Fstatat(w.Proc, task, &st, 0) != nil || st.Nlink <= 3 {
		return nil
	}
	reps := []int{pid}
	for _, tid := range w.tids(task) {
		if tid != pid && !sameTable(reps, tid) {
			reps = append(reps, tid)
		}
	}
	return reps[1:]
}

// sameTable reports whether tid shares the table of one of the others. Where
// kcmp(2) cannot tell, because the kernel lacks it or denies it, every thread
// counts as the same: those with a table of their own are rare.
func sameTable(reps []int, tid int) bool {
	for _, rep := range reps {
		r, _, errno := unix.RawSyscall6(unix.SYS_KCMP, uintptr(rep), uintptr(tid), kcmpFiles, 0, 0, 0)
		if errno != 0 || r == 0 {
			return true
		}
	}
	return false
}

// tids lists the threads of a process.
func (w *worker) tids(task string) []int {
	dir, err := unix.Openat(w.Proc, task, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(dir)
	var tids []int
	for {
		n, err := unix.Getdents(dir, w.dents)
		if err != nil || n <= 0 {
			return tids
		}
		for b := w.dents[:n]; len(b) > 19; {
			size := int(binary.NativeEndian.Uint16(b[16:]))
			if size <= 19 || size > len(b) {
				return tids
			}
			if tid := number(b[19:size]); tid > 0 {
				tids = append(tids, tid)
			}
			b = b[size:]
		}
	}
}
