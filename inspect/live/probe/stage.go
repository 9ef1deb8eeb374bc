package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/wire"
)

// maxPoll is no longer than poll(2) can wait.
const maxPoll = time.Hour

// stage are the places that are watched.
type stage struct {
	places []Place
	own    inspect.ID
	spies  []*wire.Witness // of the place with the same index; nil where it could not be watched
	take   func(place int, news []wire.TraceEvent)
	wake   int // eventfd: the context is done
	quiet  func()
	r      Result
}

// newStage makes a stage without watching anything yet. The caller has to
// call remove.
func newStage(ctx context.Context, own inspect.ID, places []Place) (*stage, error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	s := &stage{places: places, own: own, spies: make([]*wire.Witness, len(places)), wake: wake, r: Result{Unwatched: map[inspect.ID]error{}}}
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(told)
		_, _ = unix.Write(wake, binary.NativeEndian.AppendUint64(nil, 1))
	})
	s.quiet = func() { // before the eventfd is closed
		if !stop() {
			<-told
		}
	}
	return s, nil
}

// watch begins to watch a place; without the first nothing can be said.
func (s *stage) watch(i int, w wire.Watch) error {
	at := &s.places[i]
	w.Bridge, w.Devices = at.Bridge, at.Devices
	spy, err := wire.OpenWitness(at.Source, s.own, w)
	s.spies[i] = spy
	if err != nil && (i == 0 || errors.Is(err, unix.EPERM)) {
		return fmt.Errorf("watch net:[%d]: %w", at.Source.ID.Ino, err)
	}
	if err != nil {
		s.r.Unwatched[at.Source.ID] = err
	}
	return nil
}

// wait waits until there is news, also at the files given, and reads it.
func (s *stage) wait(atMost time.Duration, also ...unix.PollFd) {
	fds := append([]unix.PollFd{{Fd: int32(s.wake), Events: unix.POLLIN}}, also...)
	for _, w := range s.spies {
		if w != nil {
			fds = append(fds, unix.PollFd{Fd: int32(w.FD()), Events: unix.POLLIN})
		}
	}
	_, _ = unix.Poll(fds, int(min(max(0, atMost), maxPoll).Milliseconds()))
	for i, w := range s.spies {
		if w == nil {
			continue
		}
		events, err := w.Read()
		s.r.Incomplete = s.r.Incomplete || err != nil || w.Lost
		s.take(i, events)
	}
}

// remove removes all that was made.
func (s *stage) remove() error {
	s.quiet()
	_ = unix.Close(s.wake)
	var all []error
	for _, w := range s.spies {
		if w != nil {
			all = append(all, w.Close())
		}
	}
	return errors.Join(all...)
}
