package filter

import (
	"encoding/binary"
	"net/netip"

	"nsinspect/inspect"
)

func unknownWord(n int, what string) (partial, string, bool) {
	return unknownBytes(n), what + " is not known", true
}

// meta reads what belongs to the packet. Numbers are in the host's byte
// order, names have 16 bytes.
func (v *evaluation) meta(key string) (p partial, why string, there bool) {
	q := v.q
	in, out := q.In, q.Out
	index := func(i *inspect.Interface) (partial, string, bool) {
		if i == nil {
			return knownHost(0), "", true
		}
		return knownHost(uint32(i.Index)), "", true
	}
	switch key {
	case "iifname", "sdifname":
		if key == "sdifname" {
			return unknownWord(16, "meta sdifname")
		}
		return nameBytes(ifaceName(in)), "", true
	case "oifname":
		return nameBytes(ifaceName(out)), "", true
	case "iif":
		return index(in)
	case "oif":
		return index(out)
	case "iifkind", "oifkind":
		i := in
		if key == "oifkind" {
			i = out
		}
		if i == nil || i.Kind == "" {
			return partial{}, "", false
		}
		return nameBytes(i.Kind), "", true
	case "iiftype", "oiftype":
		i := in
		if key == "oiftype" {
			i = out
		}
		if i == nil {
			return partial{}, "", false
		}
		return known(binary.NativeEndian.AppendUint16(nil, i.Type)), "", true
	case "ibrname":
		return nameBytes(q.PhysIn), "", true
	case "obrname":
		return nameBytes(q.PhysOut), "", true
	}
	return v.metaPacket(key)
}

func (v *evaluation) metaPacket(key string) (p partial, why string, there bool) {
	k := &v.packet
	switch key {
	case "mark":
		if k.MarkUnknown {
			return unknownWord(4, "the mark")
		}
		return knownHost(k.Mark), "", true
	case "protocol":
		return known16(etherType(k.Dst)), "", true
	case "nfproto":
		if v.q.Bridge {
			return known([]byte{byte(inspect.NFBridge)}), "", true
		}
		return known([]byte{byte(family(k.Dst))}), "", true
	case "l4proto":
		return known([]byte{k.Proto}), "", true
	case "pkttype":
		if k.Dst.IsMulticast() || v.q.Bridge {
			return unknownWord(1, "meta pkttype")
		}
		return known([]byte{0}), "", true
	case "nftrace":
		return known([]byte{0}), "", true
	case "skuid", "skgid":
		if v.q.Hook == "forward" || v.q.Hook == "prerouting" {
			return partial{}, "", false // no socket
		}
		if key == "skuid" && k.UID != nil {
			return knownHost(*k.UID), "", true
		}
	}
	return unknownWord(16, "meta "+key)
}

func etherType(a netip.Addr) uint16 {
	if a.Is6() {
		return 0x86dd
	}
	return 0x0800
}

func family(a netip.Addr) inspect.NFFamily {
	if a.Is6() {
		return inspect.NFIPv6
	}
	return inspect.NFIPv4
}
