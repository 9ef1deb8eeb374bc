package wire

import (
	"bytes"
	"fmt"

	"nsinspect/inspect"
)

// exprs are the expressions of nf_tables that do what the entry does, as
// iptables-nft(8) would write them; matches and targets are the same in both.
// heads are the chains by the offset of their first entry.
func (e *xtEntry) exprs(f inspect.NFFamily, heads map[int]string) ([]inspect.NFExpr, error) {
	w := legacyWriter{family: f, ip: &e.ip}
	w.name("iifname", e.ip.in, e.ip.inMask, xtInvIn)
	w.name("oifname", e.ip.out, e.ip.outMask, xtInvOut)
	w.protocol()
	src, dst := uint32(12), uint32(16)
	if f == inspect.NFIPv6 {
		src, dst = 8, 24
	}
	w.address(src, e.ip.src, e.ip.smask, xtInvSrc)
	w.address(dst, e.ip.dst, e.ip.dmask, xtInvDst)
	w.fragment()
	for _, m := range e.matches {
		w.add(inspect.NFExpr{Name: "match", Extension: m.name, Revision: uint32(m.revision), Info: inspect.Bytes(m.info)})
	}
	w.add(inspect.NFExpr{Name: "counter", Packets: e.packets, Bytes: e.bytes})
	if e.target != xtStandard {
		if e.target == xtError {
			return nil, fmt.Errorf("target ERROR within a chain: %w", errLayout)
		}
		w.add(inspect.NFExpr{Name: "target", Extension: e.target, Revision: uint32(e.revision), Info: inspect.Bytes(e.info)})
		return w.out, nil
	}
	v, err := w.verdict(e, heads)
	if v != nil {
		w.add(inspect.NFExpr{Name: "immediate", Verdict: v})
	}
	return w.out, err
}

// legacyWriter writes the expressions of an entry. Register 1 has what is
// compared next.
type legacyWriter struct {
	family inspect.NFFamily
	ip     *xtIP
	out    []inspect.NFExpr
}

func (w *legacyWriter) add(e inspect.NFExpr) { w.out = append(w.out, e) }

// compare compares register 1; invert is the bit that turns that around.
func (w *legacyWriter) compare(data []byte, invert uint8) {
	op := "=="
	if w.ip.invert&invert != 0 {
		op = "!="
	}
	w.add(inspect.NFExpr{Name: "cmp", Sreg: 1, Op: op, Data: inspect.Bytes(data)})
}

// keep leaves of register 1 what a mask covers.
func (w *legacyWriter) keep(mask []byte) {
	w.add(inspect.NFExpr{Name: "bitwise", Sreg: 1, Dreg: 1, Len: uint32(len(mask)), Mask: inspect.Bytes(mask), Data: make(inspect.Bytes, len(mask))})
}

// masked is what a mask leaves of a value.
func masked(data, mask []byte) []byte {
	part := make([]byte, len(data))
	for i := range data {
		part[i] = data[i] & mask[i]
	}
	return part
}

// ones counts the bytes 0xff that a mask begins with; whole says that it has
// no others.
func ones(mask []byte) (n int, whole bool) {
	for n < len(mask) && mask[n] == 0xff {
		n++
	}
	return n, len(bytes.Trim(mask[n:], "\x00")) == 0
}

// name compares the name of an interface. A mask that does not cover the zero
// byte is the wildcard of "eth+".
func (w *legacyWriter) name(key string, name, mask []byte, invert uint8) {
	n, whole := ones(mask)
	if n == 0 && whole && w.ip.invert&invert == 0 {
		return // any
	}
	w.add(inspect.NFExpr{Name: "meta", Dreg: 1, Key: key})
	end := bytes.IndexByte(name[:n], 0)
	switch {
	case whole && end >= 0 && len(bytes.Trim(name[end:n], "\x00")) == 0:
		w.compare(append(bytes.Clone(name[:end]), make([]byte, ifnameLen-end)...), invert)
	case whole && n > 0 && end < 0:
		w.compare(name[:n:n], invert)
	default:
		w.keep(mask) // the kernel has (x ^ name) & mask
		w.compare(masked(name, mask), invert)
	}
}

// protocol compares the protocol. Number 0 is any.
func (w *legacyWriter) protocol() {
	if w.ip.proto == 0 || w.family == inspect.NFIPv6 && w.ip.flags&xtProtocol6 == 0 {
		return
	}
	w.add(inspect.NFExpr{Name: "meta", Dreg: 1, Key: "l4proto"})
	w.compare([]byte{byte(w.ip.proto)}, xtInvProtocol)
}

// address compares an address under a mask. Of IPv4 the kernel masks that of
// the packet alone, of IPv6 both.
func (w *legacyWriter) address(offset uint32, addr, mask []byte, invert uint8) {
	if w.family == inspect.NFIPv6 {
		addr = masked(addr, mask)
	}
	n, _ := ones(mask)
	if w.ip.invert&invert == 0 && zero(addr, mask) {
		return // any
	}
	w.add(inspect.NFExpr{Name: "payload", Dreg: 1, Base: "network", Offset: offset, Len: uint32(len(addr))})
	if n < len(mask) {
		w.keep(mask)
	}
	w.compare(addr, invert)
}

// fragment compares the fragment offset of IPv4: the entry is for the second
// and further fragments, or inverted for all others.
func (w *legacyWriter) fragment() {
	if w.family != inspect.NFIPv4 || w.ip.flags&xtFragment == 0 && w.ip.invert&xtInvFragment == 0 {
		return
	}
	w.add(inspect.NFExpr{Name: "payload", Dreg: 1, Base: "network", Offset: 6, Len: 2})
	mask, op := []byte{0x1f, 0xff}, "!="
	switch {
	case w.ip.flags&xtFragment == 0:
		mask = make([]byte, 2) // inverted and not asked for: the kernel finds that no packet is so
	case w.ip.invert&xtInvFragment != 0:
		op = "=="
	}
	w.keep(mask)
	w.add(inspect.NFExpr{Name: "cmp", Sreg: 1, Op: op, Data: make(inspect.Bytes, 2)})
}

// verdict is what the standard target says; nil for a rule without target,
// which jumps to the next.
func (w *legacyWriter) verdict(e *xtEntry, heads map[int]string) (*inspect.NFVerdict, error) {
	v, _ := e.verdict()
	far := w.family == inspect.NFIPv4 && e.ip.flags&xtGoto4 != 0 || w.family == inspect.NFIPv6 && e.ip.flags&xtGoto6 != 0
	switch {
	case v == xtReturn:
		return &inspect.NFVerdict{Code: "return"}, nil
	case v < 0 && v >= -6:
		return &inspect.NFVerdict{Code: verdictName(-v - 1)}, nil
	case v < 0:
		return nil, fmt.Errorf("verdict %d: %w", v, errLayout)
	case int(v) == e.off+e.size && !far:
		return nil, nil
	}
	chain, ok := heads[int(v)]
	if !ok {
		return nil, fmt.Errorf("jump to %d, where no chain begins: %w", v, errLayout)
	}
	code := "jump"
	if far {
		code = "goto"
	}
	return &inspect.NFVerdict{Code: code, Chain: chain}, nil
}
