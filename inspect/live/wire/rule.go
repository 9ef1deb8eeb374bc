package wire

import (
	"fmt"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// sizeofRuleHdr is the size of struct fib_rule_hdr of linux/fib_rules.h.
const sizeofRuleHdr = 12

func ruleRequest() []byte { return make([]byte, sizeofRuleHdr) }

// ruleActions are the FR_ACT_* of linux/fib_rules.h.
var ruleActions = [...]string{"unspec", "lookup", "goto", "nop", "", "", "blackhole", "unreachable", "prohibit"}

// fibRuleInvert is FIB_RULE_INVERT of linux/fib_rules.h.
const fibRuleInvert = 2

// parseRule parses RTM_NEWRULE: struct fib_rule_hdr (u8 family, dst_len,
// src_len, tos, table, two reserved, action, u32 flags), then FRA_*.
func parseRule(b []byte) (r inspect.PolicyRule, ok bool, err error) {
	if len(b) < sizeofRuleHdr {
		return r, false, fmt.Errorf("rule of %d bytes: %w", len(b), errMalformed)
	}
	r.Family, r.TOS, r.Table = inspect.Family(b[0]), b[3], uint32(b[4])
	if r.Family != inspect.FamilyIPv4 && r.Family != inspect.FamilyIPv6 {
		return r, false, nil
	}
	r.Action, r.Not = nameOf(ruleActions[:], int(b[7])), native.Uint32(b[8:])&fibRuleInvert != 0
	a := attrs{rest: b[sizeofRuleHdr:]}
	for a.next() {
		switch a.typ {
		case unix.FRA_DST:
			r.Dst = a.prefix(b[1])
		case unix.FRA_SRC:
			r.Src = a.prefix(b[2])
		default:
			ruleAttr(&r, &a)
		}
	}
	return r, true, a.err
}

func ruleAttr(r *inspect.PolicyRule, a *attrs) {
	switch a.typ {
	case unix.FRA_PRIORITY:
		r.Priority = a.u32()
	case unix.FRA_IIFNAME:
		r.Iif = a.str()
	case unix.FRA_OIFNAME:
		r.Oif = a.str()
	case unix.FRA_FWMARK:
		r.Mark = a.u32()
	case unix.FRA_FWMASK:
		r.Mask = a.u32()
	case unix.FRA_TABLE:
		r.Table = a.u32()
	case unix.FRA_GOTO:
		r.Goto = a.u32()
	case unix.FRA_SUPPRESS_PREFIXLEN:
		if v := a.u32(); v != ^uint32(0) {
			r.SuppressPrefix = &v
		}
	case unix.FRA_UID_RANGE:
		if len(a.data) >= 8 {
			r.UIDs = &[2]uint32{native.Uint32(a.data), native.Uint32(a.data[4:])}
		}
	case unix.FRA_IP_PROTO:
		r.IPProto = a.u8()
	case unix.FRA_SPORT_RANGE:
		r.Sport = portRange(a)
	case unix.FRA_DPORT_RANGE:
		r.Dport = portRange(a)
	case unix.FRA_L3MDEV:
		r.L3mdev = a.u8() != 0
	case unix.FRA_PROTOCOL:
		r.Protocol = protocolName(a.u8())
	}
}

// portRange is struct fib_rule_port_range, in the host's byte order.
func portRange(a *attrs) *[2]uint16 {
	if len(a.data) < 4 {
		return nil
	}
	return &[2]uint16{native.Uint16(a.data), native.Uint16(a.data[2:])}
}
