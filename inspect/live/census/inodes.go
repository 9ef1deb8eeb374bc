package census

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

// firstInode is PROC_DYNAMIC_FIRST of fs/proc/generic.c: from here on the
// kernel numbers namespaces and entries of /proc alike, the lowest free number
// first. The initial namespaces lie below.
const firstInode = 0xF0000000

// apart is how many numbers in a row must come without a gap, above all that
// is known, before the account is closed.
const apart = 2048

// maxFillers bounds the namespaces of our own.
const maxFillers = 1 << 17

// inodes accounts for all inodes. What is in use by nothing known is looked at
// a second time, for the host does not stand still.
func (t *taker) inodes(ctx context.Context) error {
	// The ids that are in use by now: those of our own come after.
	t.newest, t.newestErr = newestSerials()
	if err := t.account(); err != nil {
		return err
	}
	unknown, n, err := holes(t.inUse)
	t.step.Effect = fmt.Sprintf("made %d uts namespaces that are gone again", n)
	if err != nil {
		return err
	}
	if len(unknown) > 0 {
		if unknown, err = t.again(ctx, unknown); err != nil {
			return err
		}
	}
	t.Unknown, t.Complete = runs(unknown), len(unknown) == 0
	return nil
}

// again returns those that are still unaccounted for.
func (t *taker) again(ctx context.Context, before []uint64) ([]uint64, error) {
	if err := t.account(); err != nil {
		return nil, err
	}
	t.late = nil
	now, n, err := holes(t.inUse)
	t.step.Effect += fmt.Sprintf(", and again %d", n)
	return slices.DeleteFunc(now, func(ino uint64) bool {
		return !slices.Contains(before, ino) || t.isLate(ctx, inspect.ID{Dev: t.NSDev, Ino: ino})
	}), err
}

// account collects every inode that is known: of namespaces, and of the
// entries of /proc and of /proc/net in each network namespace.
func (t *taker) account() error {
	t.inUse, t.pending, t.nets = map[uint64]bool{}, map[inspect.ID]bool{}, 0
	proc, err := openPrivateProc()
	if err != nil {
		return err
	}
	defer unix.Close(proc)
	r := dirReader{}
	r.read(proc, ".", func(ino uint64) { t.inUse[ino] = true })
	for id := range t.known {
		t.inUse[id.Ino] = true
	}
	for _, ns := range slices.Concat(t.Known, t.Namespaces) {
		if ns.Type == inspect.Net && t.procNet(proc, ns.ID) != nil {
			t.pending[ns.ID] = true
		}
	}
	return nil
}

// procNet adds the entries of /proc/net as seen in a network namespace.
func (t *taker) procNet(proc int, id inspect.ID) error {
	fd, err := t.openKnown(id)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return nsfs.OnThread(func() error {
		if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
			return os.NewSyscallError("setns", err)
		}
		t.nets++
		r := dirReader{}
		r.read(proc, "thread-self/net", func(ino uint64) {
			t.inUse[ino] = true
			t.ProcNet[ino] = id
		})
		return nil
	})
}

// openKnown opens a namespace: from the files that were kept, where the caller
// knows it, or by its handle.
func (t *taker) openKnown(id inspect.ID) (int, error) {
	if fd, ok := t.Files[id]; ok {
		return nsfs.Dup(fd)
	}
	if t.Open != nil {
		if fd, err := t.Open(id); err == nil {
			return fd, nil
		}
	}
	h := nsfs.NewHandle(t.Serials[id], inspect.Net, id.Ino)
	return h.Open()
}

// openPrivateProc makes a proc file system that is mounted nowhere: on the one
// at /proc something may be mounted over parts of it.
func openPrivateProc() (int, error) {
	fs, err := unix.Fsopen("proc", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("fsopen proc: %w (needs CAP_SYS_ADMIN)", err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, fmt.Errorf("create a private proc: %w", err)
	}
	mnt, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("fsmount proc: %w", err)
	}
	defer unix.Close(mnt)
	// What fsmount gives cannot be read: O_PATH.
	fd, err := unix.Openat(mnt, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	return fd, os.NewSyscallError("open private proc", err)
}

// holes takes all free inodes up to where none is in use any more, and returns
// those in between that are neither free nor known, and how many were free.
func holes(known map[uint64]bool) (unknown []uint64, fillers int, err error) {
	var top uint64
	for ino := range known {
		if ino < firstInode+1<<24 {
			top = max(top, ino)
		}
	}
	err = nsfs.OnThread(func() error {
		var kept parking
		defer kept.empty()
		next := uint64(firstInode)
		for last := uint64(0); next <= top || next-last < apart; fillers++ {
			if fillers == maxFillers {
				return errors.New("there are too many free inodes to account for")
			}
			fd, ino, err := filler()
			if err != nil {
				return err
			}
			if err := kept.add(fd); err != nil {
				return err
			}
			if ino < next {
				continue // became free meanwhile
			}
			if ino > next || last == 0 {
				last = ino
			}
			for ; next < ino; next++ {
				if !known[next] {
					unknown = append(unknown, next)
				}
			}
			next = ino + 1
		}
		return nil
	})
	return unknown, fillers, err
}

// filler makes a namespace of the cheapest kind and returns its inode.
func filler() (int, uint64, error) {
	if err := unix.Unshare(unix.CLONE_NEWUTS); err != nil {
		return -1, 0, fmt.Errorf("make a uts namespace: %w (see user.max_uts_namespaces)", err)
	}
	fd, err := unix.Open("/proc/thread-self/ns/uts", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, 0, fmt.Errorf("open /proc/thread-self/ns/uts: %w", err)
	}
	id, _, err := nsfs.Identify(fd)
	return fd, id.Ino, err
}

// runs groups neighbours. A network namespace takes as many as its /proc/net
// has entries, about 70; any other kind takes one.
func runs(inodes []uint64) []inspect.InodeRun {
	var out []inspect.InodeRun
	for _, ino := range inodes {
		if n := len(out); n > 0 && out[n-1].First+uint64(out[n-1].Count) == ino {
			out[n-1].Count++
			continue
		}
		out = append(out, inspect.InodeRun{First: ino, Count: 1})
	}
	for i := range out {
		if out[i].Count >= 16 {
			out[i].Looks = inspect.Net
		}
	}
	return out
}

// dirReader reads the inodes of the entries of a proc directory and of those
// below it.
type dirReader struct {
	depth int
}

func (r *dirReader) read(dir int, path string, add func(uint64)) {
	fd, err := unix.Openat(dir, path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	buf := make([]byte, 1<<14)
	for {
		n, err := unix.Getdents(fd, buf)
		if err != nil || n <= 0 {
			return
		}
		r.entries(fd, buf[:n], add)
	}
}

// entries parses linux_dirent64 of getdents(2): ino 8 bytes, off 8, reclen 2,
// type 1, name with a NUL.
func (r *dirReader) entries(fd int, b []byte, add func(uint64)) {
	for len(b) > 19 {
		size := int(binary.NativeEndian.Uint16(b[16:]))
		if size <= 19 || size > len(b) {
			return
		}
		ino, typ, name := binary.NativeEndian.Uint64(b), b[18], cString(b[19:size])
		b = b[size:]
		if name == "." || name == ".." {
			continue
		}
		add(ino)
		if typ == unix.DT_DIR && r.depth < 8 && !(r.depth == 0 && (name == "sys" || name[0] >= '0' && name[0] <= '9')) {
			r.depth++
			r.read(fd, name, add)
			r.depth--
		}
	}
}

func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
