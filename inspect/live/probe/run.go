package probe

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/inspect/live/wire"
)

const (
	// afterDrop is how long to wait for what the sender is told of a packet
	// that a rule has stopped.
	afterDrop = 100 * time.Millisecond
	// afterClose is how long to wait for the end of a TCP connection to get as
	// far as its beginning did.
	afterClose = 200 * time.Millisecond
)

// run is one probe under way.
type run struct {
	*stage
	o      *Options
	probe  wire.Probe
	logs   []journal // of the place with the same index
	sender *sender
}

// Run sends the packet and returns what was seen. It fails where nothing could
// be sent, with [unix.EPERM] without CAP_NET_ADMIN over a namespace, and with
// the error of ctx when that is done; then too nothing is left behind.
func Run(ctx context.Context, o Options) (r *Result, err error) {
	s, err := newStage(ctx, o.Own, append([]Place{o.From}, o.Watch...))
	if err != nil {
		return nil, err
	}
	p := &run{stage: s, o: &o}
	s.take = func(place int, news []wire.TraceEvent) { p.logs[place].add(news) }
	defer func() { err = errors.Join(err, p.remove()) }()
	p.logs = make([]journal, len(p.places))
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
		p.logs[i] = journal{ns: at.Source.ID, probe: &p.probe, request: p.sender.echo}
		if err := p.watch(i, wire.Watch{Probe: p.probe, Table: fmt.Sprintf("%s%x", wire.TablePrefix, secret[4:8])}); err != nil {
			return err
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
		p.wait(time.Until(end), unix.PollFd{Fd: int32(p.sender.fd), Events: p.sender.awaits})
		if p.r.Answer = p.sender.answer(); p.r.Answer != "" {
			p.wait(0) // what led to it is there by now
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

// finish ends the connection and has it forgotten.
func (p *run) finish(ctx context.Context) {
	p.sender.close()
	if p.r.Answer == answerOpened {
		for end := time.Now().Add(afterClose); !p.closed() && time.Now().Before(end) && ctx.Err() == nil; {
			p.wait(time.Until(end))
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
	return p.stage.remove()
}

func errnoName(err error) string {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return unix.ErrnoName(errno)
	}
	return err.Error()
}
