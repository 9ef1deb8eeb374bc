package wire

import (
	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

func parseSet(b []byte) (s inspect.NFSet, ok bool, err error) {
	f, a, err := nftHead(b)
	if err != nil {
		return s, false, err
	}
	s.Family = f
	for a.next() {
		switch a.typ {
		case unix.NFTA_SET_TABLE:
			s.Table = a.str()
		case unix.NFTA_SET_NAME:
			s.Name = a.str()
		case unix.NFTA_SET_FLAGS:
			s.Flags = a.be32()
		case unix.NFTA_SET_KEY_TYPE:
			s.KeyType = a.be32()
		case unix.NFTA_SET_KEY_LEN:
			s.KeyLen = a.be32()
		case unix.NFTA_SET_DATA_TYPE:
			s.DataType = a.be32()
		case unix.NFTA_SET_DATA_LEN:
			s.DataLen = a.be32()
		}
	}
	return s, true, a.err
}

func parseElements(b []byte) (es []inspect.NFElement, ok bool, err error) {
	_, a, err := nftHead(b)
	if err != nil {
		return nil, false, err
	}
	for a.next() {
		if a.typ != unix.NFTA_SET_ELEM_LIST_ELEMENTS {
			continue
		}
		in := a.nested()
		for in.next() {
			es = append(es, parseElement(&in))
		}
		a.join(&in)
	}
	return es, true, a.err
}

// nftaSetElemKeyEnd is NFTA_SET_ELEM_KEY_END of linux/netfilter/nf_tables.h.
const nftaSetElemKeyEnd = 10

func parseElement(a *attrs) (e inspect.NFElement) {
	in := a.nested()
	for in.next() {
		switch in.typ {
		case unix.NFTA_SET_ELEM_KEY:
			e.Key, _ = nftData(&in)
		case nftaSetElemKeyEnd:
			e.KeyEnd, _ = nftData(&in)
		case unix.NFTA_SET_ELEM_DATA:
			e.Data, e.Verdict = nftData(&in)
		case unix.NFTA_SET_ELEM_FLAGS:
			e.Flags = in.be32()
		case unix.NFTA_SET_ELEM_USERDATA:
			e.Comment = userComment(in.data)
		}
	}
	a.join(&in)
	return e
}
