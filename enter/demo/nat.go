package demo

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const (
	natTable = "nsinspect-demo"
	natChain = "POSTROUTING"
	natPrio  = 100 // NF_IP_PRI_NAT_SRC of linux/netfilter_ipv4.h
)

// masquerade has packets from a subnet that leave by another interface than
// the bridge carry the address of that interface, as Docker does with
//
//	iptables -t nat -A POSTROUTING -s SUBNET ! -o BRIDGE -j MASQUERADE
func masquerade(subnet, bridge string) error {
	_, from, err := net.ParseCIDR(subnet)
	if err != nil {
		return err
	}
	const reg, sourceAt, length = unix.NFT_REG_1, 12, 4 // of the IPv4 header
	name := make([]byte, unix.IFNAMSIZ)
	copy(name, bridge)
	list := attr(unix.NFTA_RULE_EXPRESSIONS)
	for _, e := range []*nl.RtAttr{
		expression("payload", word(unix.NFTA_PAYLOAD_DREG, reg), word(unix.NFTA_PAYLOAD_BASE, unix.NFT_PAYLOAD_NETWORK_HEADER),
			word(unix.NFTA_PAYLOAD_OFFSET, sourceAt), word(unix.NFTA_PAYLOAD_LEN, length)),
		expression("bitwise", word(unix.NFTA_BITWISE_SREG, reg), word(unix.NFTA_BITWISE_DREG, reg), word(unix.NFTA_BITWISE_LEN, length),
			value(unix.NFTA_BITWISE_MASK, from.Mask), value(unix.NFTA_BITWISE_XOR, make([]byte, length))),
		expression("cmp", word(unix.NFTA_CMP_SREG, reg), word(unix.NFTA_CMP_OP, unix.NFT_CMP_EQ), value(unix.NFTA_CMP_DATA, from.IP.To4())),
		expression("meta", word(unix.NFTA_META_DREG, reg), word(unix.NFTA_META_KEY, unix.NFT_META_OIFNAME)),
		expression("cmp", word(unix.NFTA_CMP_SREG, reg), word(unix.NFTA_CMP_OP, unix.NFT_CMP_NEQ), value(unix.NFTA_CMP_DATA, name)),
		expression("counter"),
		expression("masq"),
	} {
		list.AddChild(e)
	}
	hook := attr(unix.NFTA_CHAIN_HOOK)
	hook.AddChild(word(unix.NFTA_HOOK_HOOKNUM, unix.NF_INET_POST_ROUTING))
	hook.AddChild(word(unix.NFTA_HOOK_PRIORITY, natPrio))
	err = change(
		request(unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE, text(unix.NFTA_TABLE_NAME, natTable)),
		request(unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE, text(unix.NFTA_CHAIN_TABLE, natTable), text(unix.NFTA_CHAIN_NAME, natChain),
			hook, text(unix.NFTA_CHAIN_TYPE, "nat")),
		request(unix.NFT_MSG_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_APPEND, text(unix.NFTA_RULE_TABLE, natTable),
			text(unix.NFTA_RULE_CHAIN, natChain), list),
	)
	if err != nil {
		return fmt.Errorf("add a masquerade rule: %w", err)
	}
	return nil
}

// The attributes of nf_tables, linux/netfilter/nf_tables.h. Numbers are big
// endian.
func attr(kind int) *nl.RtAttr           { return nl.NewRtAttr(kind|unix.NLA_F_NESTED, nil) }
func text(kind int, s string) *nl.RtAttr { return nl.NewRtAttr(kind, nl.ZeroTerminated(s)) }

func word(kind int, v uint32) *nl.RtAttr {
	return nl.NewRtAttr(kind, binary.BigEndian.AppendUint32(nil, v))
}

func value(kind int, data []byte) *nl.RtAttr {
	v := attr(kind)
	v.AddRtAttr(unix.NFTA_DATA_VALUE, data)
	return v
}

func expression(name string, about ...*nl.RtAttr) *nl.RtAttr {
	data := attr(unix.NFTA_EXPR_DATA)
	for _, a := range about {
		data.AddChild(a)
	}
	e := attr(unix.NFTA_LIST_ELEM)
	e.AddChild(text(unix.NFTA_EXPR_NAME, name))
	e.AddChild(data)
	return e
}

// request is a message to nf_tables.
func request(kind, flags int, about ...*nl.RtAttr) *nl.NetlinkRequest {
	r := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|kind, flags)
	r.AddData(&nl.Nfgenmsg{NfgenFamily: unix.NFPROTO_IPV4})
	for _, a := range about {
		r.AddData(a)
	}
	return r
}

// change makes changes, all or none: they are sent at once between two marks,
// and each is confirmed.
func change(requests ...*nl.NetlinkRequest) error {
	var batch []byte
	mark := func(kind int) {
		m := nl.NewNetlinkRequest(kind, 0)
		m.AddData(&nl.Nfgenmsg{ResId: nl.Swap16(unix.NFNL_SUBSYS_NFTABLES)})
		batch = append(batch, m.Serialize()...)
	}
	mark(unix.NFNL_MSG_BATCH_BEGIN)
	for _, r := range requests {
		r.Flags |= unix.NLM_F_ACK
		batch = append(batch, r.Serialize()...)
	}
	mark(unix.NFNL_MSG_BATCH_END)

	s, err := nl.Subscribe(unix.NETLINK_NETFILTER)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := unix.Sendto(s.GetFd(), batch, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	for confirmed := 0; confirmed < len(requests); {
		messages, _, err := s.Receive()
		if err != nil {
			return err
		}
		for _, m := range messages {
			if m.Header.Type != unix.NLMSG_ERROR || len(m.Data) < 4 {
				continue
			}
			if errno := int32(nl.NativeEndian().Uint32(m.Data)); errno != 0 {
				return unix.Errno(-errno)
			}
			confirmed++
		}
	}
	return nil
}

// natRules counts the packets that each rule of our table has changed.
func natRules() ([]string, error) {
	messages, err := request(unix.NFT_MSG_GETRULE, unix.NLM_F_DUMP, text(unix.NFTA_RULE_TABLE, natTable)).Execute(unix.NETLINK_NETFILTER, 0)
	if err != nil {
		return nil, err
	}
	list := []string{}
	for _, m := range messages {
		rule := parts(m[min(nl.SizeofNfgenmsg, len(m)):])
		if cstring(rule[unix.NFTA_RULE_TABLE]) != natTable {
			continue // a kernel that does not filter
		}
		s, err := ruleText(rule)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

func ruleText(rule map[int][]byte) (string, error) {
	s := "chain " + cstring(rule[unix.NFTA_RULE_CHAIN])
	elements, err := nl.ParseRouteAttr(rule[unix.NFTA_RULE_EXPRESSIONS])
	if err != nil {
		return "", err
	}
	for _, e := range elements {
		e := parts(e.Value)
		switch cstring(e[unix.NFTA_EXPR_NAME]) {
		case "counter":
			if packets := parts(e[unix.NFTA_EXPR_DATA])[unix.NFTA_COUNTER_PACKETS]; len(packets) == 8 {
				s += fmt.Sprintf(", connections %d", binary.BigEndian.Uint64(packets))
			}
		case "masq":
			s += ", masquerade"
		}
	}
	return s, nil
}

// parts are the attributes by their kind. What is broken is left out.
func parts(b []byte) map[int][]byte {
	m := map[int][]byte{}
	list, _ := nl.ParseRouteAttr(b)
	for _, a := range list {
		m[int(a.Attr.Type)&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER)] = a.Value
	}
	return m
}

// cstring is the string that ends with a NUL.
func cstring(b []byte) string { return string(bytes.TrimRight(b, "\x00")) }
