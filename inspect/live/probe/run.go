package probe

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/wire"
)

const (
	// afterDrop is how long to wait for what the sender is told of a packet
	// that a rule has stopped.
	afterDrop = 100 * time.Millisecond
	// afterClose is how long to wait for the end of a TCP connection to get as
	// far as its beginning did.
	afterClose = 200 * time.Millisecond
	// maxPoll is no longer than poll(2) can wait.
	maxPoll = time.Hour
)

// run is one probe under way.
type run struct {
	o      *Options
	probe  wire.Probe
	places []Place
	spies  []*wire.Witness // of the place with the same index; nil where it could not be watched
	logs   []journal
	sender *sender
	wake   int // eventfd: ctx is done
	r      Result
}

// Run sends the packet and returns what was seen. It fails where nothing could
// be sent, with [unix.EPERM] without CAP_NET_ADMIN over a namespace, and with
// the error of ctx when that is done; then too nothing is left behind.
func Run(ctx context.Context, o Options) (r *Result, err error) {
	p := &run{o: &o, places: append([]Place{o.From}, o.Watch...)}
	p.r.Unwatched = map[inspect.ID]error{}
	if p.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	defer unix.Close(p.wake)
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(told)
		_, _ = unix.Write(p.wake, binary.NativeEndian.AppendUint64(nil, 1))
	})
	defer func() { // before the eventfd is closed
		if !stop() {
			<-told
		}
	}()
	defer func() { err = errors.Join(err, p.remove()) }()
	if err := p.prepare(ctx); err != nil {
		return nil, err
	}
	p.fire(ctx)
	p.finish(ctx)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for i := range p.logs {
		p.r.Events = append(p.r.Events, p.logs[i].events...)
		if w := p.spies[i]; w != nil {
			p.r.Incomplete = p.r.Incomplete || w.Lost
		}
	}
	return &p.r, nil
}

// prepare opens the socket that sends and watches all places.
func (p *run) prepare(ctx context.Context) error {
	secret := make([]byte, 12)
	_, _ = rand.Read(secret) // never fails
	p.probe = wire.Probe{V6: p.o.Dst.Is6(), Proto: p.o.Proto, Seq: max(1, binary.BigEndian.Uint32(secret))}
	copy(p.probe.Marker[:], fmt.Sprintf("nsin%x", secret[4:8]))
	err := p.o.From.Source.Run(p.o.Own, func() (err error) {
		p.sender, err = newSender(p.o, &p.probe)
		return err
	})
	if err != nil {
		return fmt.Errorf("make the packet: %w", err)
	}
	p.probe.Port = p.sender.port
	if p.o.Proto == unix.IPPROTO_UDP {
		p.probe.Ports = append([]uint16{p.o.DstPort}, p.o.Ports...)
	}
	p.r.SrcPort = p.sender.port
	for i, at := range p.places {
		if err := ctx.Err(); err != nil {
			return err
		}
		p.logs = append(p.logs, journal{ns: at.Source.ID, probe: &p.probe, request: p.sender.echo})
		w, err := wire.OpenWitness(at.Source, p.o.Own, wire.Watch{
			Probe: p.probe, Table: fmt.Sprintf("nsinspect-%x", secret[4:8]), Bridge: at.Bridge, Devices: at.Devices,
		})
		p.spies = append(p.spies, w)
		if err != nil && (i == 0 || errors.Is(err, unix.EPERM)) {
			return fmt.Errorf("watch net:[%d]: %w", at.Source.ID.Ino, err)
		}
		if err != nil {
			p.r.Unwatched[at.Source.ID] = err
		}
	}
	return nil
}

// fire sends the packet and waits until it is known what became of it.
func (p *run) fire(ctx context.Context) {
	end := time.Now().Add(p.o.Timeout)
	err := p.sender.send()
	p.r.Src = p.sender.source()
	if err != nil {
		p.r.Refused = errnoName(err)
		end = time.Now()
	}
	for stopped := false; ; {
		p.wait(time.Until(end), true)
		if p.r.Answer = p.sender.answer(); p.r.Answer != "" {
			p.wait(0, false) // what led to it is there by now
			return
		}
		if !stopped && p.dropped() {
			stopped = true
			end = earlier(end, time.Now().Add(afterDrop))
		}
		if ctx.Err() != nil || !time.Now().Before(end) {
			return
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (p *run) dropped() bool {
	for i := range p.logs {
		if p.logs[i].dropped {
			return true
		}
	}
	return false
}

// wait waits until there is news, and reads it. sender: an answer is news.
func (p *run) wait(atMost time.Duration, sender bool) {
	fds := []unix.PollFd{{Fd: int32(p.wake), Events: unix.POLLIN}}
	if sender {
		fds = append(fds, unix.PollFd{Fd: int32(p.sender.fd), Events: p.sender.awaits})
	}
	for _, w := range p.spies {
		if w != nil {
			fds = append(fds, unix.PollFd{Fd: int32(w.FD()), Events: unix.POLLIN})
		}
	}
	_, _ = unix.Poll(fds, int(min(max(0, atMost), maxPoll).Milliseconds()))
	for i, w := range p.spies {
		if w == nil {
			continue
		}
		events, err := w.Read()
		if err != nil {
			p.r.Incomplete = true
		}
		p.logs[i].add(events)
	}
}

// finish ends the connection and has it forgotten.
func (p *run) finish(ctx context.Context) {
	p.sender.close()
	if p.r.Answer == answerOpened {
		for end := time.Now().Add(afterClose); !p.closed() && time.Now().Before(end) && ctx.Err() == nil; {
			p.wait(time.Until(end), false)
		}
	}
	for i, w := range p.spies {
		if w == nil {
			continue
		}
		if err := p.logs[i].untrack(w); err != nil {
			p.r.Left = append(p.r.Left, err)
		}
	}
}

// closed reports whether the end of the connection got as far as its beginning.
func (p *run) closed() bool {
	for i := range p.logs {
		if !p.logs[i].closed() {
			return false
		}
	}
	return true
}

// remove removes all that was made.
func (p *run) remove() error {
	if p.sender != nil {
		p.sender.close()
	}
	var all []error
	for _, w := range p.spies {
		if w != nil {
			all = append(all, w.Close())
		}
	}
	return errors.Join(all...)
}

func errnoName(err error) string {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return unix.ErrnoName(errno)
	}
	return err.Error()
}
