package probe

import (
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/inspect/live/wire"
)

// TestWay holds that of the packets that somebody has traced only ours are
// taken for ours.
func TestWay(t *testing.T) {
	const seq = 1000
	tcp := func(seq, ack uint32, flags uint8) wire.TracePacket {
		return wire.TracePacket{Proto: unix.IPPROTO_TCP, Seq: seq, Ack: ack, Flags: flags}
	}
	quoting := func(proto uint8) []byte { return []byte{0x45, 0, 0, 60, 0, 0, 0, 0, 64, proto, 0, 0} }
	icmp := func(typ uint8, data []byte) wire.TracePacket {
		return wire.TracePacket{Proto: unix.IPPROTO_ICMP, ICMPType: typ, Data: data}
	}
	for _, tc := range []struct {
		name   string
		proto  uint8 // of the probe
		packet wire.TracePacket
		want   Way
	}{
		{"the opening", unix.IPPROTO_TCP, tcp(seq, 0, tcpSYN), Forward},
		{"another's opening", unix.IPPROTO_TCP, tcp(7, 0, tcpSYN), ""},
		{"the answer", unix.IPPROTO_TCP, tcp(5, seq+1, tcpSYN|tcpACK), Reply},
		{"a reset", unix.IPPROTO_TCP, tcp(0, seq+1, tcpRST|tcpACK), Reply},
		{"another's answer", unix.IPPROTO_TCP, tcp(seq, 8, tcpSYN|tcpACK), ""},
		{"our reset", unix.IPPROTO_TCP, tcp(seq+1, 0, tcpRST), Closing},
		{"data of the other end", unix.IPPROTO_TCP, tcp(6, seq+1, tcpACK), Closing},
		{"another's data", unix.IPPROTO_TCP, tcp(99, 98, tcpACK), ""},
		{"an error about it", unix.IPPROTO_TCP, icmp(3, quoting(unix.IPPROTO_TCP)), Failure},
		{"an error about a datagram", unix.IPPROTO_TCP, icmp(3, quoting(unix.IPPROTO_UDP)), ""},
		{"a ping", unix.IPPROTO_TCP, icmp(8, []byte("abcdefghijkl")), ""},
		{"our ping", unix.IPPROTO_ICMP, icmp(8, []byte("nsin12345678")), Forward},
		{"its answer", unix.IPPROTO_ICMP, icmp(0, []byte("nsin12345678")), Reply},
		{"a ping of another", unix.IPPROTO_ICMP, icmp(8, []byte("abcdefghijkl")), ""},
		{"TCP beside it", unix.IPPROTO_ICMP, tcp(0, 1, tcpSYN|tcpACK), ""},
	} {
		probe := &wire.Probe{Proto: tc.proto}
		if tc.proto == unix.IPPROTO_TCP {
			probe.Seq = seq
		} else {
			copy(probe.Marker[:], "nsin12345678")
		}
		j := &journal{probe: probe, request: 8}
		if got := j.way(&tc.packet); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
