package graph

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"nsinspect/inspect"
)

// valueKind says how the value of an operand is written.
type valueKind uint8

const (
	valueHex valueKind = iota
	valueName
	valueNumber // in the host's byte order
	valueAddress
	valuePort
	valueMAC
	valueProtocol
	valueFamily
	valueState
	valueStatus
	valueRouteType
	valueTCPFlags
	valueImmediate
)

// valueText writes a value that o is compared with.
func (w *ruleWriter) valueText(o operand, b inspect.Bytes) string {
	switch o.kind {
	case valueName:
		return nameText(b)
	case valueNumber:
		return strconv.FormatUint(uint64(hostNumber(b)), 10)
	case valueAddress:
		return addressText(o, b)
	case valuePort:
		return strconv.Itoa(int(port(b)))
	case valueMAC:
		return net.HardwareAddr(b).String()
	case valueProtocol:
		return protocolText(b)
	case valueFamily:
		return familyText(b)
	case valueState:
		return bitsText(b, []string{"invalid", "established", "related", "new", "", "", "untracked"})
	case valueStatus:
		return bitsText(b, []string{"expected", "seen-reply", "assured", "confirmed", "snat", "dnat", "", "", "", "dying"})
	case valueTCPFlags:
		if len(b) == 1 {
			return tcpFlags(b[0])
		}
	case valueRouteType:
		return routeTypeText(hostNumber(b))
	}
	return hexText(b)
}

// nameText is the name of an interface. Without its zero byte it is the
// beginning of one.
func nameText(b []byte) string {
	name, _, whole := bytes.Cut(b, []byte{0})
	if !whole {
		return strconv.Quote(string(name) + "*")
	}
	return strconv.Quote(string(name))
}

// hostNumber is a number in the host's byte order.
func hostNumber(b []byte) uint32 {
	switch {
	case len(b) >= 4:
		return binary.NativeEndian.Uint32(b)
	case len(b) >= 2:
		return uint32(binary.NativeEndian.Uint16(b))
	case len(b) == 1:
		return uint32(b[0])
	}
	return 0
}

func addressText(o operand, b []byte) string {
	size := 4
	if strings.Contains(o.text, "ip6") || len(b) > 4 {
		size = 16
	}
	whole := make([]byte, size)
	copy(whole, b)
	ip, _ := netip.AddrFromSlice(whole)
	if n := int(o.width); n != 0 && n < size {
		return netip.PrefixFrom(ip, n*8).String()
	}
	return ip.String()
}

// prefixText is an address under a mask.
func prefixText(b, mask []byte) string {
	ip, ok := netip.AddrFromSlice(b)
	ones := 0
	for _, m := range mask {
		ones += bits.OnesCount8(m)
	}
	if !ok || !bytes.Equal(net.CIDRMask(ones, len(mask)*8), mask) {
		return hexText(b) + "/" + hexText(mask)
	}
	return netip.PrefixFrom(ip, ones).String()
}

func protocolText(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	switch b[0] {
	case 1:
		return "icmp"
	case 58:
		return "ipv6-icmp"
	case 136:
		return "udplite"
	}
	if word := protocolWord(b[0]); word != "" {
		return word
	}
	return strconv.Itoa(int(b[0]))
}

func familyText(b []byte) string {
	switch {
	case len(b) > 0 && b[0] == 2:
		return "ipv4"
	case len(b) > 0 && b[0] == 10:
		return "ipv6"
	}
	return hexText(b)
}

// bitsText names the bits of a number in the host's byte order.
func bitsText(b []byte, names []string) string {
	var out []string
	n := hostNumber(b)
	for i, name := range names {
		if n&(1<<i) != 0 && name != "" {
			out = append(out, name)
			n &^= 1 << i
		}
	}
	if n != 0 || len(out) == 0 {
		out = append(out, fmt.Sprintf("%#x", n))
	}
	return strings.Join(out, ",")
}

// routeTypes are the RTN_* of linux/rtnetlink.h.
func routeTypeText(n uint32) string {
	names := [...]string{"unspec", "unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit"}
	if n < uint32(len(names)) {
		return names[n]
	}
	return strconv.FormatUint(uint64(n), 10)
}

// hexText is a number as nft writes one that has no better form: that of the
// host's byte order where it has four bytes.
func hexText(b []byte) string {
	if len(b) == 4 {
		return fmt.Sprintf("0x%08x", hostNumber(b))
	}
	return "0x" + hex.EncodeToString(b)
}

func allZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// opText is an operator with a blank before it; equality goes without saying.
func opText(op string) string {
	if op == "==" || op == "" {
		return ""
	}
	return " " + op
}

func orEqual(op string) string {
	if op == "" {
		op = "=="
	}
	return " " + op
}

func verdictText(v *inspect.NFVerdict) string {
	if v.Chain != "" {
		return v.Code + " " + v.Chain
	}
	return v.Code
}
