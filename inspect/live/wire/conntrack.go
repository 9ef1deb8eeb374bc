package wire

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// maxTracked is the number of tracked connections beyond which they are not
// listed: that takes a microsecond each.
const maxTracked = 1 << 15

// flowsToo reads flows where they were asked for.
func (v *visitor) flowsToo(r *room, s *socket) error {
	if !v.o.Facts.Has(inspect.FactNeighbors | inspect.FactNetfilter) {
		return nil
	}
	return v.flows(r, s)
}

// flows reads the tracked connections over UDP, where a rule translates
// destinations. Elsewhere the tracker is not asked: on a host that does not
// use it, asking would have the kernel load its module.
func (v *visitor) flows(r *room, s *socket) error {
	if !translates(r.net.Ruleset) {
		return nil
	}
	if n := tracked(v.o.ProcRoot); n == 0 || n > maxTracked {
		return nil
	}
	all, _, err := list(s, ctType(ctGet), nftRequest(inspect.NFIPv4), parseFlow)
	if err := noSubsystem(err); err != nil {
		return fmt.Errorf("list tracked connections: %w", err)
	}
	slices.SortFunc(all, compareFlows)
	r.net.Flows = all
	return nil
}

func compareFlows(a, b inspect.Flow) int {
	for _, n := range []int{a.Src.Compare(b.Src), a.Dst.Compare(b.Dst)} {
		if n != 0 {
			return n
		}
	}
	return a.From.Compare(b.From)
}

// tracked is how many connections are tracked in the thread's namespace.
func tracked(proc string) int {
	b, err := readFile(proc + "/sys/net/netfilter/nf_conntrack_count")
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return n
}

// translates reports whether a rule translates destinations of packets over
// UDP that come from elsewhere. To list what is tracked the kernel walks its
// whole table, which takes a millisecond or more in each namespace: not for
// those of containers, where Docker translates what they ask its name server,
// nor where all published ports are of TCP.
func translates(rs *inspect.Ruleset) bool {
	return rs != nil && slices.ContainsFunc(rs.Chains, func(c inspect.NFChain) bool {
		return c.Type == "nat" && c.Hook == "prerouting" && slices.ContainsFunc(rs.Rules, func(r inspect.NFRule) bool {
			return r.Family == c.Family && r.Table == c.Table && r.Chain == c.Name
		})
	}) && slices.ContainsFunc(rs.Rules, func(r inspect.NFRule) bool {
		return slices.ContainsFunc(r.Exprs, func(x inspect.NFExpr) bool {
			return x.Extension == "DNAT" || x.Name == "nat" && x.Type == "dnat"
		}) && !slices.ContainsFunc(r.Exprs, onlyTCP)
	})
}

// onlyTCP reports whether an expression lets nothing but TCP through.
func onlyTCP(x inspect.NFExpr) bool {
	return x.Name == "match" && x.Extension == "tcp" || x.Name == "cmp" && x.Op == "==" && len(x.Data) == 1 && x.Data[0] == unix.IPPROTO_TCP
}

// The CTA_* attributes of linux/netfilter/nfnetlink_conntrack.h.
const (
	ctaOrig, ctaReply  = 1, 2
	ctaID              = 12
	ctaIP, ctaProto    = 1, 2 // in a tuple
	ctaSrc, ctaDst     = 1, 2 // IPv4, in CTA_TUPLE_IP
	ctaSrc6, ctaDst6   = 3, 4 // IPv6
	ctaNumber          = 1    // in CTA_TUPLE_PROTO
	ctaSport, ctaDport = 2, 3
	ctaICMP, ctaICMPv6 = 4, 7 // id; type and code follow
)

// parseFlow parses a message of ctnetlink: struct nfgenmsg, then CTA_*. ok is
// false for another protocol than UDP over IPv4.
func parseFlow(b []byte) (f inspect.Flow, ok bool, err error) {
	_, a, err := nftHead(b)
	if err != nil {
		return f, false, err
	}
	var proto, back uint8
	for a.next() {
		switch a.typ {
		case ctaOrig:
			proto, f.Src, f.Dst = parseTuple(a.data)
		case ctaReply:
			back, f.From, _ = parseTuple(a.data)
		}
	}
	return f, proto == unix.IPPROTO_UDP && back == proto && f.Src.IsValid() && f.Dst.IsValid() && f.From.IsValid(), a.err
}

// parseTuple parses CTA_TUPLE_ORIG or CTA_TUPLE_REPLY.
func parseTuple(b []byte) (proto uint8, src, dst netip.AddrPort) {
	var ips [2]netip.Addr
	var ports [2]uint16
	for a := (attrs{rest: b}); a.next(); {
		for in := (attrs{rest: a.data}); in.next(); {
			switch {
			case a.typ == ctaIP && (in.typ == ctaSrc || in.typ == ctaDst):
				ips[in.typ-ctaSrc], _ = netip.AddrFromSlice(in.data)
			case a.typ == ctaProto && in.typ == ctaNumber:
				proto = in.u8()
			case a.typ == ctaProto && (in.typ == ctaSport || in.typ == ctaDport):
				ports[in.typ-ctaSport] = in.be16()
			}
		}
	}
	for i, p := range []*netip.AddrPort{&src, &dst} {
		if ips[i].IsValid() {
			*p = netip.AddrPortFrom(ips[i], ports[i])
		}
	}
	return proto, src, dst
}
