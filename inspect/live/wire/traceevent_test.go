package wire

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// traceMessage is what the kernel says of a SYN at the policy of a chain.
func traceMessage() []byte {
	ip := []byte{0x45, 0, 0, 60, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2}
	tcp := []byte{0xb0, 0, 0, 80, 1, 2, 3, 4, 0, 0, 0, 0, 0xa0, 2, 0, 0, 0, 0, 0, 0}
	b := appendString([]byte{2, 0, 0, 0}, unix.NFTA_TRACE_TABLE, "filter")
	b = appendString(b, unix.NFTA_TRACE_CHAIN, "FORWARD")
	b = appendBE32(b, unix.NFTA_TRACE_TYPE, unix.NFT_TRACETYPE_POLICY)
	b = appendBE32(b, unix.NFTA_TRACE_ID, 7)
	b = appendBE32(b, unix.NFTA_TRACE_IIF, 3)
	b = appendBE32(b, unix.NFTA_TRACE_POLICY, 0)
	b = appendBE32(b, nftaTraceCTID, 99)
	b = appendBE32(b, nftaTraceCTState, ctStateNew)
	b = appendAttr(b, unix.NFTA_TRACE_NETWORK_HEADER, ip)
	return appendAttr(b, unix.NFTA_TRACE_TRANSPORT_HEADER, tcp)
}

func TestParseTrace(t *testing.T) {
	e, err := parseTrace(traceMessage())
	if err != nil || e.Packet == nil {
		t.Fatalf("%v: %+v", err, e)
	}
	p := *e.Packet
	if e.Table != "filter" || e.Chain != "FORWARD" || e.Verdict != "drop" || e.ID != 7 || e.Iif != 3 || e.CTID != 99 || !e.CTNew {
		t.Errorf("event %+v", e)
	}
	if p.Src != netip.MustParseAddr("10.0.0.1") || p.DstPort != 80 || p.SrcPort != 0xb000 || p.Seq != 0x01020304 || p.Flags != 2 || p.Data != nil {
		t.Errorf("packet %+v", p)
	}
}

// FuzzParseTrace holds that a packet has two addresses of one family, and no
// more data than the kernel gives.
func FuzzParseTrace(f *testing.F) {
	f.Add(traceMessage())
	f.Add(traceMessage()[:70])
	f.Add(appendAttr([]byte{2, 0, 0, 0}, unix.NFTA_TRACE_NETWORK_HEADER, []byte{0x60, 0, 0}))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, _ := parseTrace(b)
		if p := e.Packet; p != nil && (!p.Src.IsValid() || p.Src.Is4() != p.Dst.Is4() || len(p.Data) > 12) {
			t.Errorf("%x: %+v", b, p)
		}
	})
}
