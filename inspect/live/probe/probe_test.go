package probe_test

import (
	"context"
	"errors"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/netlab"
	"nsinspect/inspect/live/nsfs"
	"nsinspect/inspect/live/probe"
	"nsinspect/inspect/live/wire"
)

// pair is two namespaces that a veth connects; nothing listens in the other.
func pair(t *testing.T) (a *netlab.NS, o probe.Options) {
	t.Helper()
	a, b := netlab.New(t), netlab.New(t)
	a.Veth("e", b, "e")
	a.Addr("e", "10.9.0.1/24")
	b.Addr("e", "10.9.0.2/24")
	at := func(n *netlab.NS) probe.Place { return probe.Place{Source: wire.Source{ID: n.ID, Open: n.Open}} }
	return a, probe.Options{From: at(a), Watch: []probe.Place{at(b)}, Dst: netip.MustParseAddr("10.9.0.2"), Timeout: time.Minute}
}

// TestRun holds that packets of all protocols and their answers are seen where
// they are, and that no file and no thread is left behind.
func TestRun(t *testing.T) {
	_, o := pair(t)
	before := livetest.OpenFiles(t)
	for _, tc := range []struct {
		proto  uint8
		port   uint16
		answer string
		way    probe.Way
	}{
		{unix.IPPROTO_TCP, 7, "ECONNREFUSED", probe.Reply},
		{unix.IPPROTO_UDP, 7, "ECONNREFUSED", probe.Failure},
		{unix.IPPROTO_ICMP, 0, "echo reply", probe.Reply},
	} {
		o.Proto, o.DstPort = tc.proto, tc.port
		r, err := probe.Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		hooks := map[probe.Way]string{}
		for _, e := range r.Events {
			if e.Own && e.Packet != nil {
				hooks[e.Way] += e.Chain + " "
			}
		}
		// The namespace that sends is first, so the answer's end comes before its beginning.
		if r.Answer != tc.answer || r.Src != netip.MustParseAddr("10.9.0.1") || hooks[probe.Forward] != "output postrouting prerouting input " ||
			hooks[tc.way] != "prerouting input output postrouting " || r.Incomplete || len(r.Left) > 0 {
			t.Errorf("protocol %d: %+v, hooks %q", tc.proto, r, hooks)
		}
	}
	if after := livetest.OpenFiles(t); after != before {
		t.Errorf("%d open files before, %d after", before, after)
	}
	livetest.AwaitNetHome(t)
}

// TestCancel holds that a probe that is given up ends at once, and that its
// table goes with it.
func TestCancel(t *testing.T) {
	if _, err := exec.LookPath("nft"); err != nil {
		livetest.Skip(t, "needs nft")
	}
	a, o := pair(t)
	a.Run("", "nft", "table ip quiet { chain c { type filter hook prerouting priority 0; icmp type echo-reply drop; }; }")
	o.Proto, o.Watch = unix.IPPROTO_ICMP, nil
	o.Dst = netip.MustParseAddr("10.9.0.77") // nobody
	ctx, cancel := context.WithCancel(t.Context())
	opened := o.From.Source.Open
	o.From.Source.Open = func() (int, error) { // given up while it begins
		cancel()
		return opened()
	}
	if r, err := probe.Run(ctx, o); !errors.Is(err, context.Canceled) || r != nil {
		t.Errorf("%v, %+v", err, r)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	o.From.Source.Open = opened
	if r, err := probe.Run(ctx, o); !errors.Is(err, context.DeadlineExceeded) || r != nil {
		t.Errorf("%v, %+v", err, r)
	}
	a.Do(func() error {
		out, err := exec.Command("nft", "list", "tables").Output()
		if strings.TrimSpace(string(out)) != "table ip quiet" {
			t.Errorf("tables %s", out)
		}
		return err
	})
}

// TestUnwatched holds that what could not be watched for want of privilege is
// an error, and another namespace that went is not.
func TestUnwatched(t *testing.T) {
	_, o := pair(t)
	o.Proto = unix.IPPROTO_ICMP
	open := o.Watch[0].Source.Open
	o.Watch[0].Source.Open = func() (int, error) { return -1, unix.ENOENT }
	r, err := probe.Run(t.Context(), o)
	if err != nil || r.Answer != "echo reply" || len(r.Unwatched) != 1 {
		t.Errorf("gone: %v, %+v", err, r)
	}
	o.Watch[0].Source.Open = func() (int, error) { return -1, unix.EPERM }
	if _, err := probe.Run(t.Context(), o); !errors.Is(err, unix.EPERM) {
		t.Errorf("not permitted: %v", err)
	}
	o.Watch[0].Source.Open, o.From.Source.Open = open, func() (int, error) { return -1, unix.ENOENT }
	if _, err := probe.Run(t.Context(), o); err == nil {
		t.Error("the sender's namespace is gone, and that is no error")
	}
}

// TestOthersTraced holds that a probe ends, and sees what became of it, where
// somebody else has all packets traced, more of them than can be read.
func TestOthersTraced(t *testing.T) {
	if _, err := exec.LookPath("nft"); err != nil {
		livetest.Skip(t, "needs nft")
	}
	a, o := pair(t)
	a.Run("", "nft", "table inet others { chain c { type filter hook output priority -400; meta nftrace set 1; }; }")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- nsfs.OnThread(func() error {
			if err := unix.Setns(a.FD, unix.CLONE_NEWNET); err != nil {
				return err
			}
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			for to := (&unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}}); ctx.Err() == nil; {
				_ = unix.Sendto(fd, []byte("x"), 0, to)
			}
			return nil
		})
	}()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	o.Proto, o.DstPort = unix.IPPROTO_TCP, 7
	r, err := probe.Run(t.Context(), o)
	if err != nil || r.Answer != "ECONNREFUSED" {
		t.Fatalf("%v: %+v", err, r)
	}
	for _, e := range r.Events {
		if p := e.Packet; p != nil && (p.Proto != unix.IPPROTO_TCP || p.Src.IsLoopback()) {
			t.Errorf("another's packet: %s of %+v", e.Way, p)
		}
	}
}
