package wire

import (
	"bytes"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// parseExpr parses one expression: its name, then attributes of its own. One
// that is not known keeps them raw.
func parseExpr(a *attrs) (e inspect.NFExpr) {
	in := a.nested()
	for in.next() {
		switch in.typ {
		case unix.NFTA_EXPR_NAME:
			e.Name = in.str()
		case unix.NFTA_EXPR_DATA:
			if !exprData(&e, &in) {
				e.Raw = bytes.Clone(in.data)
			}
		}
	}
	a.join(&in)
	return e
}

// exprFields read the attributes of an expression by its name.
func exprFields(name string) func(*inspect.NFExpr, *attrs) {
	switch name {
	case "meta":
		return exprMeta
	case "ct":
		return exprCT
	case "fib":
		return exprFIB
	case "rt", "socket":
		return exprKeyed
	case "payload":
		return exprPayload
	case "exthdr":
		return exprExthdr
	case "cmp":
		return exprCmp
	case "range":
		return exprRange
	case "bitwise":
		return exprBitwise
	case "byteorder":
		return exprByteorder
	case "immediate":
		return exprImmediate
	case "lookup":
		return exprLookup
	}
	return actionFields(name)
}

func actionFields(name string) func(*inspect.NFExpr, *attrs) {
	switch name {
	case "counter":
		return exprCounter
	case "nat":
		return exprNAT
	case "masq":
		return exprMasq
	case "redir":
		return exprRedir
	case "reject":
		return exprReject
	case "log":
		return exprLog
	case "match", "target":
		return exprCompat
	case "notrack":
		return func(*inspect.NFExpr, *attrs) {}
	}
	return nil
}

func exprData(e *inspect.NFExpr, a *attrs) bool {
	field := exprFields(e.Name)
	if field == nil {
		return false
	}
	in := a.nested()
	for in.next() {
		field(e, &in)
	}
	a.join(&in)
	return true
}

// nftData is a value or a verdict.
func nftData(a *attrs) (value inspect.Bytes, verdict *inspect.NFVerdict) {
	in := a.nested()
	for in.next() {
		switch in.typ {
		case unix.NFTA_DATA_VALUE:
			value = bytes.Clone(in.data)
		case unix.NFTA_DATA_VERDICT:
			verdict = &inspect.NFVerdict{}
			v := in.nested()
			for v.next() {
				switch v.typ {
				case unix.NFTA_VERDICT_CODE:
					verdict.Code = verdictName(int32(v.be32()))
				case unix.NFTA_VERDICT_CHAIN:
					verdict.Chain = v.str()
				}
			}
			in.join(&v)
		}
	}
	a.join(&in)
	return value, verdict
}

// verdictName is nft(8)'s word for a verdict: NF_* of linux/netfilter.h, and
// the negative NFT_* of linux/netfilter/nf_tables.h.
func verdictName(v int32) string {
	switch v {
	case unix.NFT_CONTINUE:
		return "continue"
	case unix.NFT_BREAK:
		return "break"
	case unix.NFT_JUMP:
		return "jump"
	case unix.NFT_GOTO:
		return "goto"
	case unix.NFT_RETURN:
		return "return"
	}
	// The upper half of a queue verdict is the number of the queue.
	return nameOf([]string{"drop", "accept", "stolen", "queue", "repeat"}, int(v&0xffff))
}

var metaKeys = []string{
	"length", "protocol", "priority", "mark", "iif", "oif", "iifname", "oifname", "iiftype", "oiftype",
	"skuid", "skgid", "nftrace", "rtclassid", "secmark", "nfproto", "l4proto", "ibrname", "obrname", "pkttype",
	"cpu", "iifgroup", "oifgroup", "cgroup", "random", "ipsec", "iifkind", "oifkind", "ibrpvid", "ibrvproto",
	"time", "day", "hour", "sdif", "sdifname",
}

func exprMeta(e *inspect.NFExpr, a *attrs) {
	switch a.typ {
	case unix.NFTA_META_DREG:
		e.Dreg = a.be32()
	case unix.NFTA_META_SREG:
		e.Sreg = a.be32()
	case unix.NFTA_META_KEY:
		e.Key = nameOf(metaKeys, int(a.be32()))
	}
}

var ctKeys = []string{
	"state", "direction", "status", "mark", "secmark", "expiration", "helper", "l3proto", "saddr", "daddr",
	"protocol", "proto-src", "proto-dst", "label", "packets", "bytes", "avgpkt", "zone", "event",
	"ip saddr", "ip daddr", "ip6 saddr", "ip6 daddr", "id",
}

func exprCT(e *inspect.NFExpr, a *attrs) {
	switch a.typ {
	case unix.NFTA_CT_DREG:
		e.Dreg = a.be32()
	case unix.NFTA_CT_SREG:
		e.Sreg = a.be32()
	case unix.NFTA_CT_KEY:
		e.Key = nameOf(ctKeys, int(a.be32()))
	case unix.NFTA_CT_DIRECTION:
		e.Type = nameOf([]string{"original", "reply"}, int(a.u8()))
	}
}

func exprFIB(e *inspect.NFExpr, a *attrs) {
	switch a.typ {
	case unix.NFTA_FIB_DREG:
		e.Dreg = a.be32()
	case unix.NFTA_FIB_RESULT:
		e.Key = nameOf([]string{"", "oif", "oifname", "type"}, int(a.be32()))
	case unix.NFTA_FIB_FLAGS:
		e.Flags = a.be32()
	}
}

// exprKeyed reads rt and socket, which have the key and the register in
// opposite order.
func exprKeyed(e *inspect.NFExpr, a *attrs) {
	register, keys := uint16(unix.NFTA_RT_DREG), []string{"classid", "nexthop", "ip6 nexthop", "mtu", "ipsec"}
	if e.Name == "socket" {
		register, keys = 2, []string{"transparent", "mark", "wildcard", "cgroupv2"}
	}
	switch {
	case a.typ == register:
		e.Dreg = a.be32()
	case a.typ == 1 || a.typ == 2:
		e.Key = nameOf(keys, int(a.be32()))
	}
}

func exprPayload(e *inspect.NFExpr, a *attrs) {
	switch a.typ {
	case unix.NFTA_PAYLOAD_DREG:
		e.Dreg = a.be32()
	case unix.NFTA_PAYLOAD_SREG:
		e.Sreg = a.be32()
	case unix.NFTA_PAYLOAD_BASE:
		e.Base = nameOf([]string{"link", "network", "transport", "inner", "tunnel"}, int(a.be32()))
	case unix.NFTA_PAYLOAD_OFFSET:
		e.Offset = a.be32()
	case unix.NFTA_PAYLOAD_LEN:
		e.Len = a.be32()
	}
}

func exprExthdr(e *inspect.NFExpr, a *attrs) {
	switch a.typ {
	case unix.NFTA_EXTHDR_DREG:
		e.Dreg = a.be32()
	case unix.NFTA_EXTHDR_SREG:
		e.Sreg = a.be32()
	case unix.NFTA_EXTHDR_TYPE:
		e.Type = nameOf(nil, int(a.u8()))
	case unix.NFTA_EXTHDR_OFFSET:
		e.Offset = a.be32()
	case unix.NFTA_EXTHDR_LEN:
		e.Len = a.be32()
	case unix.NFTA_EXTHDR_FLAGS:
		e.Flags = a.be32()
	case unix.NFTA_EXTHDR_OP:
		e.Key = nameOf([]string{"ipv6", "tcp option", "ip option", "sctp chunk", "dccp option"}, int(a.be32()))
	}
}

func exprCmp(e *inspect.NFExpr, a *attrs) {
	switch a.typ {
	case unix.NFTA_CMP_SREG:
		e.Sreg = a.be32()
	case unix.NFTA_CMP_OP:
		e.Op = nameOf([]string{"==", "!=", "<", "<=", ">", ">="}, int(a.be32()))
	case unix.NFTA_CMP_DATA:
		e.Data, _ = nftData(a)
	}
}

func exprRange(e *inspect.NFExpr, a *attrs) {
	switch a.typ {
	case unix.NFTA_RANGE_SREG:
		e.Sreg = a.be32()
	case unix.NFTA_RANGE_OP:
		e.Op = nameOf([]string{"==", "!="}, int(a.be32()))
	case unix.NFTA_RANGE_FROM_DATA:
		e.Data, _ = nftData(a)
	case unix.NFTA_RANGE_TO_DATA:
		e.To, _ = nftData(a)
	}
}

// The attributes of bitwise that came with shifts.
const (
	nftaBitwiseOp   = 6
	nftaBitwiseData = 7
)

func exprBitwise(e *inspect.NFExpr, a *attrs) {
	switch a.typ {
	case unix.NFTA_BITWISE_SREG:
		e.Sreg = a.be32()
	case unix.NFTA_BITWISE_DREG:
		e.Dreg = a.be32()
	case unix.NFTA_BITWISE_LEN:
		e.Len = a.be32()
	case unix.NFTA_BITWISE_MASK:
		e.Mask, _ = nftData(a)
	case unix.NFTA_BITWISE_XOR:
		e.Data, _ = nftData(a)
	case nftaBitwiseOp:
		if op := a.be32(); op != 0 {
			e.Op = nameOf([]string{"", "lshift", "rshift", "and", "or", "xor"}, int(op))
		}
	case nftaBitwiseData:
		e.Data, _ = nftData(a)
	}
}

func exprByteorder(e *inspect.NFExpr, a *attrs) {
	switch a.typ {
	case unix.NFTA_BYTEORDER_SREG:
		e.Sreg = a.be32()
	case unix.NFTA_BYTEORDER_DREG:
		e.Dreg = a.be32()
	case unix.NFTA_BYTEORDER_OP:
		e.Op = nameOf([]string{"ntoh", "hton"}, int(a.be32()))
	case unix.NFTA_BYTEORDER_LEN:
		e.Len = a.be32()
	}
}

func exprImmediate(e *inspect.NFExpr, a *attrs) {
	switch a.typ {
	case unix.NFTA_IMMEDIATE_DREG:
		e.Dreg = a.be32()
	case unix.NFTA_IMMEDIATE_DATA:
		e.Data, e.Verdict = nftData(a)
	}
}

func exprLookup(e *inspect.NFExpr, a *attrs) {
	switch a.typ {
	case unix.NFTA_LOOKUP_SET:
		e.Set = a.str()
	case unix.NFTA_LOOKUP_SREG:
		e.Sreg = a.be32()
	case unix.NFTA_LOOKUP_DREG:
		e.Dreg = a.be32()
	case unix.NFTA_LOOKUP_FLAGS:
		e.Flags = a.be32()
	}
}
