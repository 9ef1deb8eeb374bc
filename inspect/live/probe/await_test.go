package probe_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/probe"
)

// TestAwait holds that a packet of each protocol is seen where it comes in,
// with its answer, and that no file and no thread is left behind.
func TestAwait(t *testing.T) {
	a, o := pair(t)
	before := livetest.OpenFiles(t)
	for _, tc := range []struct {
		proto          uint8
		name, to, port string
		answer         string
	}{
		{unix.IPPROTO_TCP, "tcp", "10.9.0.2:7", "10.9.0.2:7", "ECONNREFUSED"},
		{unix.IPPROTO_UDP, "udp", "10.9.0.2:7", "10.9.0.2:7", "ECONNREFUSED"},
		{unix.IPPROTO_ICMP, "icmp", "10.9.0.2", "10.9.0.2:0", "echo reply"},
	} {
		w := probe.Awaited{
			At: o.Watch[0], Proto: tc.proto, To: []netip.AddrPort{netip.MustParseAddrPort(tc.port)}, Timeout: time.Minute, Answer: time.Minute,
			Ready: func() { a.Reaches(tc.name, tc.to) },
		}
		r, err := probe.Await(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		hooks := ""
		for _, e := range r.Events {
			if e.Own && e.Packet != nil && e.Way == probe.Forward {
				hooks += e.Chain + " "
			}
		}
		if r.Answer != tc.answer || r.Packet == nil || r.Src != netip.MustParseAddr("10.9.0.1") || hooks != "prerouting input " || r.Incomplete || len(r.Left) > 0 {
			t.Errorf("%s: %+v, hooks %q", tc.name, r, hooks)
		}
	}
	if after := livetest.OpenFiles(t); after != before {
		t.Errorf("%d open files before, %d after", before, after)
	}
	livetest.AwaitNetHome(t)
}

// TestAwaitCancel holds that a wait that is given up ends at once, and one
// that nobody comes to ends in time.
func TestAwaitCancel(t *testing.T) {
	_, o := pair(t)
	before := livetest.OpenFiles(t)
	ctx, cancel := context.WithCancel(t.Context())
	w := probe.Awaited{
		At: o.Watch[0], Watch: []probe.Place{o.From}, Proto: unix.IPPROTO_TCP, To: []netip.AddrPort{netip.MustParseAddrPort("10.9.0.2:7")},
		Timeout: 1000 * time.Hour, Answer: time.Minute, Ready: cancel,
	}
	if r, err := probe.Await(ctx, w); !errors.Is(err, context.Canceled) || r != nil {
		t.Errorf("%v, %+v", err, r)
	}
	w.Timeout, w.Ready = time.Millisecond, func() {}
	if r, err := probe.Await(t.Context(), w); err != nil || r.Packet != nil || r.Incomplete {
		t.Errorf("%v, %+v", err, r)
	}
	if after := livetest.OpenFiles(t); after != before {
		t.Errorf("%d open files before, %d after", before, after)
	}
	livetest.AwaitNetHome(t)
}
