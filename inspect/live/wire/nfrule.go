package wire

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// nfRule are the expressions of a rule that is being written: each goes on to
// the next where it matches.
type nfRule []byte

// The registers: one for what is compared, and from keyReg on those of a key.
const (
	compareReg = unix.NFT_REG_1
	keyReg     = unix.NFT_REG32_00
)

func (r *nfRule) expr(name string, data []byte) {
	e := appendString(nil, unix.NFTA_EXPR_NAME, name)
	*r = appendNested(*r, unix.NFTA_LIST_ELEM, appendNested(e, unix.NFTA_EXPR_DATA, data))
}

// meta compares what nft(8) calls meta.
func (r *nfRule) meta(key, op uint32, data []byte) {
	load := appendBE32(nil, unix.NFTA_META_DREG, compareReg)
	r.expr("meta", appendBE32(load, unix.NFTA_META_KEY, key))
	r.compare(op, data)
}

func (r *nfRule) compare(op uint32, data []byte) {
	b := appendBE32(nil, unix.NFTA_CMP_SREG, compareReg)
	b = appendBE32(b, unix.NFTA_CMP_OP, op)
	r.expr("cmp", appendNested(b, unix.NFTA_CMP_DATA, appendAttr(nil, unix.NFTA_DATA_VALUE, data)))
}

// equal compares bytes of a header; base is one of NFT_PAYLOAD_*.
func (r *nfRule) equal(base, offset uint32, data []byte) {
	r.load(compareReg, base, offset, len(data))
	r.compare(unix.NFT_CMP_EQ, data)
}

func (r *nfRule) load(reg, base, offset uint32, size int) {
	b := appendBE32(nil, unix.NFTA_PAYLOAD_DREG, reg)
	b = appendBE32(b, unix.NFTA_PAYLOAD_BASE, base)
	b = appendBE32(b, unix.NFTA_PAYLOAD_OFFSET, offset)
	r.expr("payload", appendBE32(b, unix.NFTA_PAYLOAD_LEN, uint32(size)))
}

// masked compares some bits of one byte of the transport header.
func (r *nfRule) masked(offset uint32, mask byte, op uint32, want byte) {
	r.load(compareReg, unix.NFT_PAYLOAD_TRANSPORT_HEADER, offset, 1)
	r.and([]byte{mask})
	r.compare(op, []byte{want})
}

// and keeps the bits of a mask of what is to be compared.
func (r *nfRule) and(mask []byte) {
	b := appendBE32(nil, unix.NFTA_BITWISE_SREG, compareReg)
	b = appendBE32(b, unix.NFTA_BITWISE_DREG, compareReg)
	b = appendBE32(b, unix.NFTA_BITWISE_LEN, uint32(len(mask)))
	b = appendNested(b, unix.NFTA_BITWISE_MASK, appendAttr(nil, unix.NFTA_DATA_VALUE, mask))
	r.expr("bitwise", appendNested(b, unix.NFTA_BITWISE_XOR, appendAttr(nil, unix.NFTA_DATA_VALUE, make([]byte, len(mask)))))
}

// among goes on where the key is in a set, or with absent where it is not.
func (r *nfRule) among(set string, absent bool) {
	b := appendString(nil, unix.NFTA_LOOKUP_SET, set)
	b = appendBE32(b, unix.NFTA_LOOKUP_SREG, keyReg)
	if absent {
		b = appendBE32(b, unix.NFTA_LOOKUP_FLAGS, unix.NFT_LOOKUP_F_INV)
	}
	r.expr("lookup", b)
}

// add puts the key into a set, and goes on where that is not full.
func (r *nfRule) add(set string) {
	b := appendString(nil, unix.NFTA_DYNSET_SET_NAME, set)
	b = appendBE32(b, unix.NFTA_DYNSET_OP, unix.NFT_DYNSET_OP_ADD)
	r.expr("dynset", appendBE32(b, unix.NFTA_DYNSET_SREG_KEY, keyReg))
}

// trace is meta nftrace set 1.
func (r *nfRule) trace() {
	one := appendBE32(nil, unix.NFTA_IMMEDIATE_DREG, compareReg)
	r.expr("immediate", appendNested(one, unix.NFTA_IMMEDIATE_DATA, appendAttr(nil, unix.NFTA_DATA_VALUE, []byte{1})))
	set := appendBE32(nil, unix.NFTA_META_KEY, unix.NFT_META_NFTRACE)
	r.expr("meta", appendBE32(set, unix.NFTA_META_SREG, compareReg))
}

func be16(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }
func be32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

func appendNested(b []byte, typ uint16, data []byte) []byte {
	return appendAttr(b, typ|unix.NLA_F_NESTED, data)
}

func appendBE32(b []byte, typ uint16, v uint32) []byte { return appendAttr(b, typ, be32(v)) }
