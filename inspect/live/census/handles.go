package census

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

// guessing is how long ids may be guessed. A guess takes less than a
// microsecond.
const guessing = 150 * time.Millisecond

// handles tries to open what is unaccounted for by guessing its id: on Linux
// 6.18 a handle names a namespace by its 64-bit id, its kind and its inode, of
// which only the id is not known, and ids are dense. It takes back from the
// unknown what it can name.
func (t *taker) handles(ctx context.Context) error {
	top, err := newestSerial()
	if err != nil {
		return err
	}
	deadline := time.Now().Add(guessing)
	tried := 0
	for _, run := range t.Unknown {
		for ino := run.First; ino < run.First+uint64(run.Count); ino++ {
			if time.Now().After(deadline) || ctx.Err() != nil {
				break
			}
			tried += t.guess(ino, run.Looks, top, deadline)
			if run.Looks != 0 && t.known[inspect.ID{Dev: t.NSDev, Ino: ino}] {
				break // the others of the run are its /proc/net
			}
		}
	}
	t.step.Note = fmt.Sprintf("tried %d handles", tried)
	if len(t.step.Found) == 0 {
		return nil
	}
	known, err := t.accounted()
	if err != nil {
		return err
	}
	var left []uint64
	for _, run := range t.Unknown {
		for i := range uint64(run.Count) {
			if !known[run.First+i] {
				left = append(left, run.First+i)
			}
		}
	}
	t.Unknown, t.Complete = runs(left), len(left) == 0
	return nil
}

// newestSerial returns an id above all that are in use, that of a namespace of
// our own. It fails where namespaces have no ids or handles do not open them.
func newestSerial() (uint64, error) {
	var serial uint64
	err := nsfs.OnThread(func() error {
		fd, ino, err := filler()
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if serial = nsfs.Serial(fd); serial == 0 {
			return errSkip("needs Linux 6.18")
		}
		h := nsfs.NewHandle(serial, inspect.UTS, ino)
		again, err := h.Open()
		if err != nil {
			return fmt.Errorf("%w (needs Linux 6.18, CAP_SYS_ADMIN and the initial pid namespace)", err)
		}
		return unix.Close(again)
	})
	// Each CPU has a batch of ids.
	return serial + 1<<16, err
}

// guess tries ids from the newest down for one inode and returns how many.
func (t *taker) guess(ino uint64, looks inspect.Type, top uint64, deadline time.Time) int {
	kinds := inspect.Types
	if looks != 0 {
		kinds = []inspect.Type{looks}
	}
	hs := make([]nsfs.Handle, len(kinds))
	for i, k := range kinds {
		hs[i] = nsfs.NewHandle(0, k, ino)
	}
	tried := 0
	for serial := top; serial > 0; serial-- {
		if serial%1024 == 0 && time.Now().After(deadline) {
			break
		}
		for i := range hs {
			tried++
			hs[i].SetSerial(serial)
			if fd, ok := hs[i].Exists(); ok {
				t.found(fd)
				unix.Close(fd)
				return tried
			}
		}
	}
	return tried
}
