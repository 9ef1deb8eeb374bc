package wire

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// sizeofNfGenmsg is struct nfgenmsg of linux/netfilter/nfnetlink.h: u8
// family, u8 version, be16 resource.
const sizeofNfGenmsg = 4

// nftType is the type of a message of nf_tables.
func nftType(msg uint16) uint16 { return unix.NFNL_SUBSYS_NFTABLES<<8 | msg }

func nftRequest(f inspect.NFFamily) []byte {
	b := make([]byte, sizeofNfGenmsg, 64)
	b[0] = byte(f)
	return b
}

// nftHead splits a message of nf_tables into its family and attributes.
func nftHead(b []byte) (inspect.NFFamily, attrs, error) {
	if len(b) < sizeofNfGenmsg {
		return 0, attrs{}, fmt.Errorf("nf_tables message of %d bytes: %w", len(b), errMalformed)
	}
	return inspect.NFFamily(b[0]), attrs{rest: b[sizeofNfGenmsg:]}, nil
}

// netfilter reads nf_tables and the older iptables. A kernel without them has
// no rules; that is what is recorded. The list of nf_tables is read again
// while its generation changes.
func (v *visitor) netfilter(r *room) error {
	var older legacyRules
	err := v.legacy(r, &older)
	r.net.Ruleset = &inspect.Ruleset{}
	defer func() { older.join(r.net.Ruleset) }()
	if err != nil {
		return err
	}
	s, err := openSocket(unix.NETLINK_NETFILTER, v.buf)
	if errors.Is(err, unix.EPROTONOSUPPORT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open netfilter socket: %w", err)
	}
	defer s.close()
	for range tries {
		rs, same, err := readRuleset(s)
		r.net.Ruleset = rs
		if err != nil || same {
			return errors.Join(noSubsystem(err), v.flowsToo(r, s))
		}
	}
	r.net.Torn = true
	return v.flowsToo(r, s)
}

// noSubsystem takes a kernel without nf_tables for one without rules.
func noSubsystem(err error) error {
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	return err
}

// untouched is the generation of a network namespace in which nf_tables was
// never changed: it begins at 1 and grows with each change.
const untouched = 1

// readRuleset reads all of nf_tables once. same is false when it changed
// meanwhile.
func readRuleset(s *socket) (rs *inspect.Ruleset, same bool, err error) {
	rs = &inspect.Ruleset{}
	if rs.Generation, err = generation(s); err != nil {
		return rs, false, err
	}
	if rs.Generation <= untouched {
		return rs, true, nil
	}
	torn := false
	if rs.Tables, err = listNFT(s, unix.NFT_MSG_GETTABLE, parseTable, &torn); err != nil {
		return rs, false, fmt.Errorf("list tables: %w", err)
	}
	if len(rs.Tables) > 0 {
		if err := readTables(s, rs, &torn); err != nil {
			return rs, false, err
		}
	}
	after, err := generation(s)
	return rs, !torn && after == rs.Generation, err
}

func readTables(s *socket, rs *inspect.Ruleset, torn *bool) (err error) {
	if rs.Chains, err = listNFT(s, unix.NFT_MSG_GETCHAIN, parseChain, torn); err != nil {
		return fmt.Errorf("list chains: %w", err)
	}
	if rs.Rules, err = listNFT(s, unix.NFT_MSG_GETRULE, parseRuleNFT, torn); err != nil {
		return fmt.Errorf("list rules: %w", err)
	}
	if rs.Sets, err = listNFT(s, unix.NFT_MSG_GETSET, parseSet, torn); err != nil {
		return fmt.Errorf("list sets: %w", err)
	}
	for i := range rs.Sets {
		readElements(s, &rs.Sets[i], torn)
	}
	return nil
}

func listNFT[T any](s *socket, msg uint16, parse func([]byte) (T, bool, error), torn *bool) ([]T, error) {
	all, cut, err := list(s, nftType(msg), nftRequest(0), parse)
	*torn = *torn || cut
	return all, err
}

// readElements reads the elements of a set. One that vanished meanwhile
// changes the generation too.
func readElements(s *socket, set *inspect.NFSet, torn *bool) {
	body := appendString(nftRequest(set.Family), unix.NFTA_SET_ELEM_LIST_TABLE, set.Table)
	body = appendString(body, unix.NFTA_SET_ELEM_LIST_SET, set.Name)
	lists, cut, err := list(s, nftType(unix.NFT_MSG_GETSETELEM), body, parseElements)
	*torn = *torn || cut
	set.Partial = err != nil
	for _, l := range lists {
		set.Elements = append(set.Elements, l...)
	}
}

func generation(s *socket) (uint32, error) {
	b, err := s.ask(nftType(unix.NFT_MSG_GETGEN), nftRequest(0))
	if err != nil {
		return 0, fmt.Errorf("ask generation: %w", err)
	}
	_, a, err := nftHead(b)
	for err == nil && a.next() {
		if a.typ == unix.NFTA_GEN_ID {
			return a.be32(), nil
		}
	}
	return 0, err
}

func parseTable(b []byte) (t inspect.NFTable, ok bool, err error) {
	f, a, err := nftHead(b)
	if err != nil {
		return t, false, err
	}
	t.Family = f
	for a.next() {
		switch a.typ {
		case unix.NFTA_TABLE_NAME:
			t.Name = a.str()
		case unix.NFTA_TABLE_FLAGS:
			t.Flags = a.be32()
		}
	}
	return t, true, a.err
}

func parseChain(b []byte) (c inspect.NFChain, ok bool, err error) {
	f, a, err := nftHead(b)
	if err != nil {
		return c, false, err
	}
	c.Family = f
	for a.next() {
		switch a.typ {
		case unix.NFTA_CHAIN_TABLE:
			c.Table = a.str()
		case unix.NFTA_CHAIN_NAME:
			c.Name = a.str()
		case unix.NFTA_CHAIN_TYPE:
			c.Type = a.str()
		case unix.NFTA_CHAIN_POLICY:
			c.Policy = verdictName(int32(a.be32()))
		case unix.NFTA_CHAIN_HOOK:
			chainHook(&c, &a)
		case unix.NFTA_CHAIN_COUNTERS:
			packets, bytes := counter(&a)
			c.Packets, c.Bytes = &packets, &bytes
		}
	}
	return c, true, a.err
}

// nftaHookDevs is NFTA_HOOK_DEVS of linux/netfilter/nf_tables.h.
const nftaHookDevs = 4

func chainHook(c *inspect.NFChain, a *attrs) {
	in := a.nested()
	for in.next() {
		switch in.typ {
		case unix.NFTA_HOOK_HOOKNUM:
			c.Hook = hookName(c.Family, in.be32())
		case unix.NFTA_HOOK_PRIORITY:
			c.Priority = int32(in.be32())
		case unix.NFTA_HOOK_DEV:
			c.Devices = append(c.Devices, in.str())
		case nftaHookDevs:
			devs := in.nested()
			for devs.next() {
				c.Devices = append(c.Devices, devs.str())
			}
			in.join(&devs)
		}
	}
	a.join(&in)
}

// hookName is nft(8)'s word for a hook: NF_INET_*, NF_ARP_* and NF_NETDEV_*
// of linux/netfilter*.h.
func hookName(f inspect.NFFamily, hook uint32) string {
	names := []string{"prerouting", "input", "forward", "output", "postrouting", "ingress"}
	switch f {
	case inspect.NFARP:
		names = []string{"input", "output", "forward"}
	case inspect.NFNetdev:
		names = []string{"ingress", "egress"}
	}
	return nameOf(names, int(hook))
}

func counter(a *attrs) (packets, bytes uint64) {
	in := a.nested()
	for in.next() {
		switch in.typ {
		case unix.NFTA_COUNTER_PACKETS:
			packets = in.be64()
		case unix.NFTA_COUNTER_BYTES:
			bytes = in.be64()
		}
	}
	a.join(&in)
	return packets, bytes
}

func parseRuleNFT(b []byte) (r inspect.NFRule, ok bool, err error) {
	f, a, err := nftHead(b)
	if err != nil {
		return r, false, err
	}
	r.Family, r.Exprs = f, []inspect.NFExpr{}
	for a.next() {
		switch a.typ {
		case unix.NFTA_RULE_TABLE:
			r.Table = a.str()
		case unix.NFTA_RULE_CHAIN:
			r.Chain = a.str()
		case unix.NFTA_RULE_HANDLE:
			r.Handle = a.be64()
		case unix.NFTA_RULE_USERDATA:
			r.Comment = userComment(a.data)
		case unix.NFTA_RULE_EXPRESSIONS:
			in := a.nested()
			for in.next() {
				r.Exprs = append(r.Exprs, parseExpr(&in))
			}
			a.join(&in)
		}
	}
	return r, true, a.err
}

// userComment is the comment in the data that nft(8) keeps with a rule or an
// element: rows of u8 type, u8 length, value; type 0 is the comment.
func userComment(b []byte) string {
	for len(b) >= 2 && len(b) >= 2+int(b[1]) {
		if b[0] == 0 {
			s, _, _ := bytes.Cut(b[2:2+int(b[1])], []byte{0})
			return text(s)
		}
		b = b[2+int(b[1]):]
	}
	return ""
}
