package census

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

// guessing is how long ids may be guessed. A guess takes less than a
// microsecond.
const guessing = 300 * time.Millisecond

// handles tries to open what is unaccounted for by guessing its id: on Linux
// 6.18 a handle names a namespace by its 64-bit id, its kind and its inode, of
// which only the id is not known, and ids are dense. It takes back from the
// unknown what it can name.
func (t *taker) handles(ctx context.Context) error {
	if t.newestErr != nil {
		return t.newestErr
	}
	g := guesser{taker: t, deadline: time.Now().Add(guessing), newest: t.newest}
	for range 4 {
		if !g.round(ctx) {
			break
		}
		if err := t.reckon(); err != nil {
			return err
		}
	}
	t.step.Note = fmt.Sprintf("tried %d handles", g.tried)
	if len(t.pending) > 0 {
		t.step.Note += fmt.Sprintf("; the inodes of %d network namespaces that cannot be entered count as unknown", len(t.pending))
	}
	return nil
}

// reckon takes from the unknown what is accounted for by now.
func (t *taker) reckon() error {
	if err := t.account(); err != nil {
		return err
	}
	var left []uint64
	for _, run := range t.Unknown {
		for i := range uint64(run.Count) {
			if !t.inUse[run.First+i] {
				left = append(left, run.First+i)
			}
		}
	}
	t.Unknown, t.Complete = runs(left), len(left) == 0
	return nil
}

// newestSerials returns the newest id of each CPU, which takes ids in batches
// of its own. It fails where namespaces have no ids or handles do not open
// them.
func newestSerials() ([]uint64, error) {
	var newest []uint64
	err := nsfs.OnThread(func() error {
		var may unix.CPUSet
		if err := unix.SchedGetaffinity(0, &may); err != nil {
			return os.NewSyscallError("sched_getaffinity", err)
		}
		for cpu := range 8 * len(may) * int(unsafe.Sizeof(may[0])) {
			if !may.IsSet(cpu) {
				continue
			}
			var one unix.CPUSet
			one.Set(cpu)
			if unix.SchedSetaffinity(0, &one) != nil {
				continue
			}
			serial, err := probeHandle()
			if err != nil {
				return err
			}
			newest = append(newest, serial)
		}
		return nil
	})
	return newest, err
}

// probeHandle makes a namespace and returns its id, by which it must open.
func probeHandle() (uint64, error) {
	fd, ino, err := filler()
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	serial := nsfs.Serial(fd)
	if serial == 0 {
		return 0, errSkip("needs Linux 6.18")
	}
	h := nsfs.NewHandle(serial, inspect.UTS, ino)
	again, err := h.Open()
	if err != nil {
		return 0, fmt.Errorf("%w (needs Linux 6.18, CAP_SYS_ADMIN and the initial pid namespace)", err)
	}
	return serial, unix.Close(again)
}

// guesser guesses ids.
type guesser struct {
	*taker
	deadline time.Time
	newest   []uint64 // of each CPU
	tried    int
}

// round tries ids, the newest of each CPU first, for each inode that can be
// that of a namespace, and reports whether it found one.
func (g *guesser) round(ctx context.Context) bool {
	targets := g.targets()
	found := false
	most := slices.Max(g.newest)
	for age := uint64(0); age < most && len(targets) > 0; age++ {
		if age%32 == 0 && (ctx.Err() != nil || time.Now().After(g.deadline)) {
			return found
		}
		for _, newest := range g.newest {
			for i := 0; age < newest && i < len(targets); i++ {
				if !g.try(&targets[i], newest-age) {
					continue
				}
				found = true
				targets = without(targets, targets[i].ino)
				i = -1
			}
		}
	}
	return found
}

func (g *guesser) try(t *target, serial uint64) bool {
	g.tried++
	t.handle.SetSerial(serial)
	fd, ok := t.handle.Exists()
	if ok {
		g.found(fd)
		unix.Close(fd)
	}
	return ok
}

// target is an inode and a kind that may belong together.
type target struct {
	ino    uint64
	handle nsfs.Handle
}

func without(list []target, ino uint64) []target {
	var left []target
	for _, t := range list {
		if t.ino != ino {
			left = append(left, t)
		}
	}
	return left
}

// targets are the inodes that may be namespaces: those of network namespaces
// that are known and not open, single ones, and in a long run, which is one
// network namespace after the other, the first of each. A single one can be a
// network namespace too, whose other inodes filled holes elsewhere.
func (g *guesser) targets() []target {
	var list []target
	add := func(ino uint64, kinds ...inspect.Type) {
		for _, k := range kinds {
			list = append(list, target{ino, nsfs.NewHandle(0, k, ino)})
		}
	}
	for id := range g.pending {
		add(id.Ino, inspect.Net)
	}
	each := uint64(1)
	if g.nets > 0 {
		each += uint64(len(g.ProcNet) / g.nets)
	}
	for _, run := range g.Unknown {
		if run.Looks == 0 {
			for i := range uint64(min(run.Count, 4)) {
				add(run.First+i, inspect.Net, inspect.User, inspect.IPC, inspect.PID, inspect.Mnt, inspect.Cgroup, inspect.Time, inspect.UTS)
			}
			continue
		}
		for i := uint64(0); i < uint64(run.Count); i += each {
			add(run.First+i, inspect.Net)
		}
	}
	return list
}
