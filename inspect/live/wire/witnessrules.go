package wire

import (
	"math"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// ownerFlag is NFT_TABLE_F_OWNER of linux/netfilter/nf_tables.h (Linux 5.12).
const ownerFlag = 2

// Before and after all others; the very last is where the tracker confirms a
// connection.
const (
	priorityFirst = math.MinInt32
	priorityLast  = math.MaxInt32 - 1
)

// families are those in which tables are made.
func (w *Watch) families() []inspect.NFFamily {
	out := []inspect.NFFamily{inspect.NFIPv4}
	if w.Probe.V6 || w.Opening != nil && w.Opening.V6 {
		out[0] = inspect.NFIPv6
	}
	if w.Bridge {
		out = append(out, inspect.NFBridge)
	}
	if len(w.Devices) > 0 {
		out = append(out, inspect.NFNetdev)
	}
	return out
}

// watchChain is a chain of the table, named as its hook.
type watchChain struct {
	name     string
	hook     uint32
	priority int32
	device   string
	marks    bool // has the packets traced from here
}

func (w *Watch) chains(f inspect.NFFamily) []watchChain {
	if f == inspect.NFNetdev {
		var out []watchChain
		for _, d := range w.Devices {
			out = append(out, watchChain{"ingress " + d, unix.NF_NETDEV_INGRESS, priorityFirst, d, true})
		}
		return out
	}
	return []watchChain{
		{"prerouting", unix.NF_INET_PRE_ROUTING, priorityFirst, "", true},
		{"output", unix.NF_INET_LOCAL_OUT, priorityFirst, "", true},
		{"input", unix.NF_INET_LOCAL_IN, priorityLast, "", false},
		{"postrouting", unix.NF_INET_POST_ROUTING, priorityLast, "", false},
	}
}

// messages are the requests that make the tables.
func (w *Watch) messages() (out []request) {
	for _, f := range w.families() {
		table := appendString(nftRequest(f), unix.NFTA_TABLE_NAME, w.Table)
		table = appendBE32(table, unix.NFTA_TABLE_FLAGS, ownerFlag)
		out = append(out, request{nftType(unix.NFT_MSG_NEWTABLE), unix.NLM_F_CREATE | unix.NLM_F_EXCL, table})
		if w.Opening != nil {
			out = append(out, w.opening(f).setMessages(f, w.Table)...)
		}
		for _, c := range w.chains(f) {
			out = append(out, request{nftType(unix.NFT_MSG_NEWCHAIN), unix.NLM_F_CREATE | unix.NLM_F_EXCL, w.chain(f, c)})
			if c.marks {
				out = append(out, w.ruleMessages(f, c)...)
			}
		}
	}
	return out
}

// ruleMessages are the requests that add the rules of a chain.
func (w *Watch) ruleMessages(f inspect.NFFamily, c watchChain) (out []request) {
	rules := w.Probe.rules
	if w.Opening != nil {
		rules = w.opening(f).rules
	}
	for _, r := range rules(c.hook) {
		body := appendNested(w.inChain(f, c), unix.NFTA_RULE_EXPRESSIONS, r)
		out = append(out, request{nftType(unix.NFT_MSG_NEWRULE), unix.NLM_F_CREATE | unix.NLM_F_APPEND, body})
	}
	return out
}

func (w *Watch) inChain(f inspect.NFFamily, c watchChain) []byte {
	b := appendString(nftRequest(f), unix.NFTA_RULE_TABLE, w.Table)
	return appendString(b, unix.NFTA_RULE_CHAIN, c.name)
}

// opening is what the table of a family watches. What comes in is told from
// the rest at the hooks of IP: before these, candidates are seen.
func (w *Watch) opening(f inspect.NFFamily) *Opening {
	o := *w.Opening
	if o.Arriving && (f == inspect.NFBridge || f == inspect.NFNetdev) {
		o.Arriving, o.Except, o.Stray, o.Clients = false, nil, 0, ManyClients
	}
	return &o
}

// narrowed are the requests that have the tables watch only what goes on with
// what they have seen; w is what they are to watch from now on.
func (w *Watch) narrowed() (out []request) {
	for _, f := range w.families() {
		for _, c := range w.chains(f) {
			if c.marks {
				out = append(out, request{nftType(unix.NFT_MSG_DELRULE), 0, w.inChain(f, c)})
				out = append(out, w.ruleMessages(f, c)...)
			}
		}
	}
	return out
}

func (w *Watch) chain(f inspect.NFFamily, c watchChain) []byte {
	hook := appendBE32(nil, unix.NFTA_HOOK_HOOKNUM, c.hook)
	hook = appendBE32(hook, unix.NFTA_HOOK_PRIORITY, uint32(c.priority))
	if c.device != "" {
		hook = appendString(hook, unix.NFTA_HOOK_DEV, c.device)
	}
	b := appendString(nftRequest(f), unix.NFTA_CHAIN_TABLE, w.Table)
	b = appendString(b, unix.NFTA_CHAIN_NAME, c.name)
	b = appendNested(b, unix.NFTA_CHAIN_HOOK, hook)
	b = appendString(b, unix.NFTA_CHAIN_TYPE, "filter")
	return appendBE32(b, unix.NFTA_CHAIN_POLICY, 1) // NF_ACCEPT
}

// probeMatch is a protocol and bytes at a place of its header.
type probeMatch struct {
	proto  uint8
	offset uint32
	data   []byte
}

// The length of the headers that an error of ICMP begins with, and how much of
// the packet that it is about follows: RFC 792, RFC 4443.
const (
	icmpHeader = 8
	ipv4Header = 20
	ipv6Header = 40
)

// matches are the packets of the connection, its answers, and errors of ICMP
// about it.
func (p *Probe) matches() []probeMatch {
	quoted, icmp := uint32(icmpHeader+ipv4Header), uint8(unix.IPPROTO_ICMP)
	if p.V6 {
		quoted, icmp = icmpHeader+ipv6Header, unix.IPPROTO_ICMPV6
	}
	const seq, ack, data = 4, 8, 8
	if p.Proto == unix.IPPROTO_TCP {
		return []probeMatch{
			{p.Proto, seq, be32(p.Seq)},
			{p.Proto, seq, be32(p.Seq + 1)},
			{p.Proto, ack, be32(p.Seq + 1)},
			{icmp, quoted + seq, be32(p.Seq)},
		}
	}
	out := []probeMatch{{p.Proto, data, p.Marker[:]}, {icmp, quoted + data, p.Marker[:]}}
	for _, port := range p.Ports {
		out = append(out, probeMatch{p.Proto, 0, be32(uint32(port)<<16 | uint32(p.Port))})
	}
	return out
}

// rules are those of a chain: meta l4proto PROTO @th,OFFSET,LEN DATA meta
// nftrace set 1.
func (p *Probe) rules(uint32) (out []nfRule) {
	for _, m := range p.matches() {
		r := &nfRule{}
		r.meta(unix.NFT_META_L4PROTO, unix.NFT_CMP_EQ, []byte{m.proto})
		r.equal(unix.NFT_PAYLOAD_TRANSPORT_HEADER, m.offset, m.data)
		r.trace()
		out = append(out, *r)
	}
	return out
}
