package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// errMalformed is a message that does not have the form of netlink(7).
var errMalformed = errors.New("malformed netlink message")

var native = binary.NativeEndian

// attrs walks over netlink attributes (netlink(7): struct nlattr, u16 length
// with header, u16 type, data, padded to four bytes).
type attrs struct {
	rest []byte
	typ  uint16
	data []byte
	err  error
}

const attrHeader = 4

// next steps to the next attribute. It ends with err set when the bytes are
// not attributes up to the end.
func (a *attrs) next() bool {
	if len(a.rest) == 0 {
		return false
	}
	if len(a.rest) < attrHeader {
		// Padding that is shorter than a header ends a message.
		a.rest = nil
		return false
	}
	n := int(native.Uint16(a.rest))
	if n < attrHeader || n > len(a.rest) {
		a.err = fmt.Errorf("attribute of %d bytes where %d are left: %w", n, len(a.rest), errMalformed)
		a.rest = nil
		return false
	}
	a.typ = native.Uint16(a.rest[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
	a.data = a.rest[attrHeader:n]
	a.rest = a.rest[min(align4(n), len(a.rest)):]
	return true
}

func align4(n int) int { return (n + 3) &^ 3 }

// The numbers of an attribute; 0 when it is too short for one.

func (a *attrs) u8() uint8 {
	if len(a.data) < 1 {
		return 0
	}
	return a.data[0]
}

func (a *attrs) u16() uint16 { return u16(a.data) }
func (a *attrs) u32() uint32 { return u32(a.data) }
func (a *attrs) i32() int32  { return int32(u32(a.data)) }

// be16, be32 and be64 are in network order, as all of nf_tables is.

func (a *attrs) be16() uint16 {
	if len(a.data) < 2 {
		return 0
	}
	return binary.BigEndian.Uint16(a.data)
}

func (a *attrs) be32() uint32 {
	if len(a.data) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(a.data)
}

func (a *attrs) be64() uint64 {
	if len(a.data) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(a.data)
}

func u16(b []byte) uint16 {
	if len(b) < 2 {
		return 0
	}
	return native.Uint16(b)
}

func u32(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return native.Uint32(b)
}

// str is a string that ends at its first zero byte. Bytes that are not UTF-8
// become \xNN: the kernel allows any in the name of an interface.
func (a *attrs) str() string {
	b, _, _ := bytes.Cut(a.data, []byte{0})
	return text(b)
}

func text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out []byte
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			out = fmt.Appendf(out, `\x%02x`, b[0])
		} else {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return string(out)
}

// addr is an IP address; invalid when the attribute has none.
func (a *attrs) addr() netip.Addr {
	ip, _ := netip.AddrFromSlice(a.data)
	return ip
}

// prefix is an address with a length; invalid when either is.
func (a *attrs) prefix(bits uint8) netip.Prefix { return netip.PrefixFrom(a.addr(), int(bits)) }

// nested returns a walk over the attributes within the current one.
func (a *attrs) nested() attrs { return attrs{rest: a.data} }

// join keeps the first error of a nested walk.
func (a *attrs) join(inner *attrs) {
	if a.err == nil {
		a.err = inner.err
	}
}

// hardware is a link layer address: bytes in hexadecimal with colons.
func hardware(b []byte) string {
	const digits = "0123456789abcdef"
	if len(b) == 0 {
		return ""
	}
	s := make([]byte, 0, len(b)*3)
	for _, c := range b {
		s = append(s, digits[c>>4], digits[c&15], ':')
	}
	return string(s[:len(s)-1])
}

// appendAttr appends an attribute to a request.
func appendAttr(b []byte, typ uint16, data []byte) []byte {
	b = native.AppendUint16(b, uint16(attrHeader+len(data)))
	b = native.AppendUint16(b, typ)
	b = append(b, data...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func appendU32(b []byte, typ uint16, v uint32) []byte {
	return appendAttr(b, typ, native.AppendUint32(nil, v))
}

func appendString(b []byte, typ uint16, s string) []byte {
	return appendAttr(b, typ, append([]byte(s), 0))
}
