package graph

import (
	"encoding/binary"
	"net/netip"

	"nsinspect/inspect"
)

// dnat is a rule that sends packets for a port of the host elsewhere, as far
// as it could be read: one port to one address.
type dnat struct {
	rule     *inspect.NFRule
	protocol string     // tcp, udp, sctp; "" when the rule does not say
	hostIP   netip.Addr // invalid: any
	hostPort uint16     // 0: any
	to       netip.Addr
	toPort   uint16 // 0: the same
}

// dnats finds the rules of a ruleset that translate a destination to one
// address. Rules that take it from a map are not among them.
func dnats(rs *inspect.Ruleset) []dnat {
	var out []dnat
	if rs == nil {
		return nil
	}
	for i := range rs.Rules {
		if d, ok := readDNAT(&rs.Rules[i]); ok {
			out = append(out, d)
		}
	}
	return out
}

// registers is what the expressions of a rule have loaded so far.
type registers struct {
	names  map[uint32]string
	values map[uint32]inspect.Bytes
}

// readDNAT follows the expressions of a rule: what is loaded into a register
// and compared for equality, until the destination is translated.
func readDNAT(r *inspect.NFRule) (d dnat, ok bool) {
	d.rule = r
	reg := registers{map[uint32]string{}, map[uint32]inspect.Bytes{}}
	for i := range r.Exprs {
		e := &r.Exprs[i]
		switch e.Name {
		case "meta", "payload":
			reg.names[register(e.Dreg)] = loaded(e)
		case "immediate":
			reg.values[register(e.Dreg)] = e.Data
		case "cmp":
			d.compare(e, reg.names[register(e.Sreg)])
		case "match":
			d.match(e)
		case "nat":
			if e.Type == "dnat" && len(e.Regs) == 4 {
				d.to, _ = netip.AddrFromSlice(reg.values[register(e.Regs[0])])
				d.toPort = port(reg.values[register(e.Regs[2])])
			}
		case "target":
			d.target(e)
		}
	}
	return d, d.to.IsValid()
}

// register gives a register of 16 bytes the number of its first four.
func register(n uint32) uint32 {
	if n >= 1 && n <= 4 {
		return 8 + (n-1)*4
	}
	return n
}

// loaded names what meta or payload reads, "" for anything else than protocol,
// destination port and destination address.
func loaded(e *inspect.NFExpr) string {
	switch {
	case e.Name == "meta" && e.Key == "l4proto":
		return "l4proto"
	case e.Base == "transport" && e.Offset == 2 && e.Len == 2:
		return "dport"
	case e.Base == "network" && e.Offset == 9 && e.Len == 1:
		return "l4proto"
	case e.Base == "network" && (e.Offset == 16 && e.Len == 4 || e.Offset == 24 && e.Len == 16):
		return "daddr"
	}
	return ""
}

func (d *dnat) compare(e *inspect.NFExpr, name string) {
	if e.Op != "==" {
		return
	}
	switch name {
	case "l4proto":
		if len(e.Data) > 0 {
			d.protocol = protocolWord(e.Data[0])
		}
	case "dport":
		d.hostPort = port(e.Data)
	case "daddr":
		d.hostIP, _ = netip.AddrFromSlice(e.Data)
	}
}

func protocolWord(n byte) string {
	switch n {
	case 6:
		return "tcp"
	case 17:
		return "udp"
	case 132:
		return "sctp"
	}
	return ""
}

func port(b []byte) uint16 {
	if len(b) < 2 {
		return 0
	}
	return binary.BigEndian.Uint16(b)
}

// match reads the tcp and udp matches of iptables: struct xt_tcp and xt_udp
// begin with u16 spts[2], dpts[2] in the host's byte order.
func (d *dnat) match(e *inspect.NFExpr) {
	if e.Extension != "tcp" && e.Extension != "udp" || len(e.Info) < 8 {
		return
	}
	d.protocol = e.Extension
	low, high := binary.NativeEndian.Uint16(e.Info[4:]), binary.NativeEndian.Uint16(e.Info[6:])
	if low == high {
		d.hostPort = low
	}
}

// target reads the DNAT target of iptables: struct nf_nat_range2 of revision 2
// is u32 flags, two addresses of 16 bytes, then ports; revision 0 of the older
// struct puts u32 count before u32 flags, two addresses of 4 bytes, ports.
func (d *dnat) target(e *inspect.NFExpr) {
	if e.Extension != "DNAT" {
		return
	}
	switch {
	case e.Revision == 0 && len(e.Info) >= 18:
		d.to, d.toPort = netip.AddrFrom4([4]byte(e.Info[8:12])), port(e.Info[16:])
	case e.Revision >= 1 && len(e.Info) >= 38:
		if d.rule.Family == inspect.NFIPv6 {
			d.to = netip.AddrFrom16([16]byte(e.Info[4:20]))
		} else {
			d.to = netip.AddrFrom4([4]byte(e.Info[4:8]))
		}
		d.toPort = port(e.Info[36:])
	}
}
