package wire

import (
	"bytes"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

func exprCounter(e *inspect.NFExpr, a *attrs) {
	switch a.typ {
	case unix.NFTA_COUNTER_PACKETS:
		e.Packets = a.be64()
	case unix.NFTA_COUNTER_BYTES:
		e.Bytes = a.be64()
	}
}

// reg sets a register of a translation: lowest and highest address, lowest
// and highest port.
func reg(e *inspect.NFExpr, n int, a *attrs) {
	if e.Regs == nil {
		e.Regs = make([]uint32, 4)
	}
	e.Regs[n] = a.be32()
}

func exprNAT(e *inspect.NFExpr, a *attrs) {
	switch a.typ {
	case unix.NFTA_NAT_TYPE:
		e.Type = nameOf([]string{"snat", "dnat"}, int(a.be32()))
	case unix.NFTA_NAT_FAMILY:
		e.Family = a.be32()
	case unix.NFTA_NAT_REG_ADDR_MIN:
		reg(e, 0, a)
	case unix.NFTA_NAT_REG_ADDR_MAX:
		reg(e, 1, a)
	case unix.NFTA_NAT_REG_PROTO_MIN:
		reg(e, 2, a)
	case unix.NFTA_NAT_REG_PROTO_MAX:
		reg(e, 3, a)
	case unix.NFTA_NAT_FLAGS:
		e.Flags = a.be32()
	}
}

func exprMasq(e *inspect.NFExpr, a *attrs) {
	switch a.typ {
	case unix.NFTA_MASQ_FLAGS:
		e.Flags = a.be32()
	case unix.NFTA_MASQ_REG_PROTO_MIN:
		reg(e, 2, a)
	case unix.NFTA_MASQ_REG_PROTO_MAX:
		reg(e, 3, a)
	}
}

func exprRedir(e *inspect.NFExpr, a *attrs) {
	switch a.typ {
	case unix.NFTA_REDIR_REG_PROTO_MIN:
		reg(e, 2, a)
	case unix.NFTA_REDIR_REG_PROTO_MAX:
		reg(e, 3, a)
	case unix.NFTA_REDIR_FLAGS:
		e.Flags = a.be32()
	}
}

func exprReject(e *inspect.NFExpr, a *attrs) {
	switch a.typ {
	case unix.NFTA_REJECT_TYPE:
		e.Type = nameOf([]string{"icmp", "tcp reset", "icmpx"}, int(a.be32()))
	case unix.NFTA_REJECT_ICMP_CODE:
		e.Code = uint32(a.u8())
	}
}

func exprLog(e *inspect.NFExpr, a *attrs) {
	if a.typ == unix.NFTA_LOG_PREFIX {
		e.Text = a.str()
	}
}

// exprCompat reads an iptables match or target, whose attributes are alike.
func exprCompat(e *inspect.NFExpr, a *attrs) {
	switch a.typ {
	case unix.NFTA_MATCH_NAME:
		e.Extension = a.str()
	case unix.NFTA_MATCH_REV:
		e.Revision = a.be32()
	case unix.NFTA_MATCH_INFO:
		e.Info = bytes.Clone(a.data)
	}
}
