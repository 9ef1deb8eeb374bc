package demo

import (
	"fmt"
	"net"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

const natTable = "nsinspect-demo"

// masquerade has packets from a subnet that leave by another interface than
// the bridge carry the address of that interface, as Docker does with
//
//	iptables -t nat -A POSTROUTING -s SUBNET ! -o BRIDGE -j MASQUERADE
func masquerade(subnet, bridge string) error {
	_, from, err := net.ParseCIDR(subnet)
	if err != nil {
		return err
	}
	c, err := nftables.New()
	if err != nil {
		return err
	}
	t := c.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: natTable})
	chain := c.AddChain(&nftables.Chain{
		Name: "POSTROUTING", Table: t, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource,
	})
	const reg, sourceAt, length = 1, 12, 4 // of the IPv4 header
	name := make([]byte, unix.IFNAMSIZ)
	copy(name, bridge)
	c.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: []expr.Any{
		&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseNetworkHeader, Offset: sourceAt, Len: length},
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: length, Mask: from.Mask, Xor: binaryutil.NativeEndian.PutUint32(0)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: from.IP.To4()},
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: reg},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: reg, Data: name},
		&expr.Counter{},
		&expr.Masq{},
	}})
	if err := c.Flush(); err != nil {
		return fmt.Errorf("add a masquerade rule: %w", err)
	}
	return nil
}

// natRules counts the packets that each rule of our table has changed.
func natRules() ([]string, error) {
	c, err := nftables.New()
	if err != nil {
		return nil, err
	}
	chains, err := c.ListChainsOfTableFamily(nftables.TableFamilyIPv4)
	if err != nil {
		return nil, err
	}
	list := []string{}
	for _, chain := range chains {
		if chain.Table.Name != natTable {
			continue
		}
		rules, err := c.GetRules(chain.Table, chain)
		if err != nil {
			return nil, err
		}
		for _, r := range rules {
			list = append(list, ruleText(chain, r))
		}
	}
	return list, nil
}

func ruleText(chain *nftables.Chain, r *nftables.Rule) string {
	text := "chain " + chain.Name
	for _, e := range r.Exprs {
		switch e := e.(type) {
		case *expr.Counter:
			text += fmt.Sprintf(", connections %d", e.Packets)
		case *expr.Masq:
			text += ", masquerade"
		}
	}
	return text
}
