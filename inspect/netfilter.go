package inspect

import (
	"encoding/hex"
	"fmt"
)

// Ruleset is what nf_tables holds in one network namespace, see nft(8), and
// what the older iptables holds there, see xtables-legacy(8). What
// iptables-nft made is in nf_tables.
type Ruleset struct {
	Generation uint32    `json:"generation"` // grows with each change
	Tables     []NFTable `json:"tables,omitempty"`
	Chains     []NFChain `json:"chains,omitempty"`
	Rules      []NFRule  `json:"rules,omitempty"` // in the order in which a chain runs them
	Sets       []NFSet   `json:"sets,omitempty"`
	// Legacy are the tables of the older iptables that are there and could not
	// be read, by family: "ip: nat filter". Those that were read are in Tables.
	Legacy []string `json:"legacy,omitempty"`
}

// NFTable is a table.
type NFTable struct {
	Family NFFamily `json:"family"`
	Name   string   `json:"name"`
	Flags  uint32   `json:"flags,omitempty"` // 1: dormant
	// Legacy says that the table is one of the older iptables: another one
	// than the table of nf_tables with this name.
	Legacy bool `json:"legacy,omitempty"`
}

// NFFamily is a family of nf_tables by its number: NFPROTO_* of linux/netfilter.h.
type NFFamily uint8

// The families of nf_tables.
const (
	NFInet   NFFamily = 1
	NFIPv4   NFFamily = 2
	NFARP    NFFamily = 3
	NFNetdev NFFamily = 5
	NFBridge NFFamily = 7
	NFIPv6   NFFamily = 10
)

var nfFamilies = map[NFFamily]string{
	NFInet: "inet", NFIPv4: "ip", NFARP: "arp", NFNetdev: "netdev", NFBridge: "bridge", NFIPv6: "ip6",
}

// String returns nft(8)'s word for the family.
func (f NFFamily) String() string {
	if s, ok := nfFamilies[f]; ok {
		return s
	}
	return fmt.Sprintf("family(%d)", uint8(f))
}

// NFChain is a chain. A base chain has a Hook.
type NFChain struct {
	Family   NFFamily `json:"family"`
	Table    string   `json:"table"`
	Name     string   `json:"name"`
	Type     string   `json:"type,omitempty"` // filter, nat or route, of a base chain
	Hook     string   `json:"hook,omitempty"` // prerouting, input, forward, output, postrouting, ingress, egress
	Priority int32    `json:"priority,omitempty"`
	Policy   string   `json:"policy,omitempty"`  // accept or drop, of a base chain
	Devices  []string `json:"devices,omitempty"` // of a netdev chain
	Packets  *uint64  `json:"packets,omitempty"` // that reached the policy; nil without counter
	Bytes    *uint64  `json:"bytes,omitempty"`
	Legacy   bool     `json:"legacy,omitempty"` // of a table of the older iptables
}

// NFRule is a rule.
type NFRule struct {
	Family NFFamily `json:"family"`
	Table  string   `json:"table"`
	Chain  string   `json:"chain"`
	// Handle names the rule in its table. The older iptables has none: there
	// it is the number in the chain, from 1.
	Handle  uint64   `json:"handle"`
	Comment string   `json:"comment,omitempty"`
	Legacy  bool     `json:"legacy,omitempty"` // of a table of the older iptables
	Exprs   []NFExpr `json:"exprs"`
}

// NFExpr is an expression of a rule, as the kernel runs it. The fields are
// the attributes of linux/netfilter/nf_tables.h; which of them are used
// follows from Name.
type NFExpr struct {
	Name string `json:"name"` // the kernel's: meta, cmp, payload, immediate, …
	// Registers: 0 is the verdict, 1 to 4 have 16 bytes, 8 to 23 have 4.
	Sreg uint32 `json:"sreg,omitempty"`
	Dreg uint32 `json:"dreg,omitempty"`
	// Regs are the registers of nat, masq, redir and tproxy: lowest address,
	// highest address, lowest port, highest port; 0 for not used.
	Regs []uint32 `json:"regs,omitempty"`
	Key  string   `json:"key,omitempty"` // of meta, ct, fib, rt, socket: "iifname"
	Op   string   `json:"op,omitempty"`  // ==, !=, <, <=, >, >=; hton, ntoh; lshift, rshift
	Data Bytes    `json:"data,omitempty"`
	To   Bytes    `json:"to,omitempty"`   // upper end of a range
	Mask Bytes    `json:"mask,omitempty"` // of bitwise: (x & mask) ^ data
	Base string   `json:"base,omitempty"` // of payload: link, network, transport, inner
	// Offset and Len are the part of the packet that payload and exthdr read.
	Offset  uint32     `json:"offset,omitempty"`
	Len     uint32     `json:"len,omitempty"`
	Verdict *NFVerdict `json:"verdict,omitempty"`
	Set     string     `json:"set,omitempty"` // of lookup, dynset, objref
	Flags   uint32     `json:"flags,omitempty"`
	// Type is snat or dnat of nat, the reject type, the direction of ct, the
	// number of exthdr.
	Type    string `json:"type,omitempty"`
	Family  uint32 `json:"family,omitempty"` // of nat and tproxy
	Code    uint32 `json:"code,omitempty"`   // ICMP code of reject
	Packets uint64 `json:"packets,omitempty"`
	Bytes   uint64 `json:"bytes,omitempty"`
	// Extension, Revision and Info are an iptables match or target that
	// nf_tables carries: Info is the kernel's struct in the host's byte order.
	Extension string `json:"extension,omitempty"`
	Revision  uint32 `json:"revision,omitempty"`
	Info      Bytes  `json:"info,omitempty"`
	// Text is the prefix of log.
	Text string `json:"text,omitempty"`
	// Raw are the netlink attributes of an expression that is not decoded.
	Raw Bytes `json:"raw,omitempty"`
}

// NFVerdict ends a rule.
type NFVerdict struct {
	Code  string `json:"code"`            // accept, drop, continue, return, jump, goto, queue, stolen
	Chain string `json:"chain,omitempty"` // of jump and goto
}

// NFSet is a set or a map.
type NFSet struct {
	Family NFFamily `json:"family"`
	Table  string   `json:"table"`
	Name   string   `json:"name"`
	Flags  uint32   `json:"flags,omitempty"` // NFT_SET_*: 1 anonymous, 2 constant, 4 interval, 8 map
	// KeyType and DataType are nft(8)'s numbers of types, KeyLen and DataLen
	// are in bytes; 0 where it has none.
	KeyType  uint32      `json:"key_type,omitempty"`
	KeyLen   uint32      `json:"key_len,omitempty"`
	DataType uint32      `json:"data_type,omitempty"`
	DataLen  uint32      `json:"data_len,omitempty"`
	Elements []NFElement `json:"elements,omitempty"`
	// Partial says that the elements could not be read to the end.
	Partial bool `json:"partial,omitempty"`
}

// NFElement is an element of a set or a map.
type NFElement struct {
	Key     Bytes      `json:"key,omitempty"`
	KeyEnd  Bytes      `json:"key_end,omitempty"` // upper end, of concatenated ranges
	Data    Bytes      `json:"data,omitempty"`
	Verdict *NFVerdict `json:"verdict,omitempty"`
	// Flags are NFT_SET_ELEM_*: 1 is the end of an interval, which is not in
	// it any more; 2 stands for whatever no other element has.
	Flags   uint32 `json:"flags,omitempty"`
	Comment string `json:"comment,omitempty"`
}

// Bytes are bytes that are encoded in hexadecimal.
type Bytes []byte

// MarshalText encodes b in hexadecimal.
func (b Bytes) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, b), nil }

// UnmarshalText decodes hexadecimal.
func (b *Bytes) UnmarshalText(text []byte) error {
	v, err := hex.DecodeString(string(text))
	if err != nil {
		return fmt.Errorf("bytes %q are not hexadecimal", text)
	}
	*b = v
	return nil
}
