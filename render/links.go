package render

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"nsinspect/graph"
)

// LinkColumns returns the columns of a list of interfaces.
func LinkColumns() Columns[graph.LinkRow] {
	type row = graph.LinkRow
	return Columns[row]{
		{Name: "NETNS", Help: "namespace, by container, name or process", Text: func(r *row) string { return r.NetnsTitle }, Style: always[row](Name)},
		{Name: "NS", Help: "inode of the namespace", Text: linkNS, Right: true, Show: ShowOnRequest},
		{
			Name: "IFINDEX", Help: "index of the interface", Text: func(r *row) string { return strconv.Itoa(r.IfIndex) }, Right: true, Show: ShowWide,
			Compare: func(a, b *row) int { return cmp.Compare(a.IfIndex, b.IfIndex) },
		},
		{Name: "IFACE", Help: "name of the interface", Text: func(r *row) string { return r.IfName }},
		{Name: "KIND", Help: "kind, as ip -d link has it", Text: linkKind},
		{Name: "STATE", Help: "operational state", Text: func(r *row) string { return r.OperState }, Style: linkStyle},
		{
			Name: "MTU", Help: "largest packet", Text: func(r *row) string { return strconv.FormatUint(uint64(r.MTU), 10) }, Right: true, Show: ShowWide,
			Compare: func(a, b *row) int { return cmp.Compare(a.MTU, b.MTU) },
		},
		{Name: "MAC", Help: "link layer address", Text: func(r *row) string { return r.Address }, Show: ShowWide},
		{Name: "ADDRESSES", Help: "IP addresses", Text: linkAddresses},
		{Name: "MASTER", Help: "bridge, bond, team or vrf that it is in", Text: func(r *row) string { return r.Master }},
		{Name: "PEER", Help: "the other end, or what it lies on", Text: linkPeer},
		{Name: "WHERE", Help: "where that is, and what it is plugged into", Text: linkWhere, Style: always[row](Name)},
		{Name: "NETWORK", Help: "network of the container engine", Text: func(r *row) string { return r.Network }, Show: ShowWide},
		{Name: "DETAIL", Help: "mode, vlan, vxlan, alias", Text: linkDetail, Show: ShowWide},
		{Name: "EVIDENCE", Help: "why PEER is that", Text: linkEvidence, Show: ShowOnRequest},
	}
}

func linkNS(r *graph.LinkRow) string {
	if r.NS == nil {
		return ""
	}
	return strconv.FormatUint(*r.NS, 10)
}

func linkKind(r *graph.LinkRow) string {
	if r.LinkInfo == nil {
		return ""
	}
	return r.LinkInfo.Kind
}

func linkStyle(r *graph.LinkRow) Style {
	if r.OperState == "DOWN" {
		return Bad
	}
	return Plain
}

func linkAddresses(r *graph.LinkRow) string {
	var out []string
	for _, a := range r.AddrInfo {
		if a.Scope != "link" {
			out = append(out, fmt.Sprintf("%s/%d", a.Local, a.PrefixLen))
		}
	}
	return strings.Join(out, ",")
}

func linkPeer(r *graph.LinkRow) string {
	if r.Peer == nil {
		return ""
	}
	return r.Peer.IfName
}

func linkWhere(r *graph.LinkRow) string {
	p := r.Peer
	switch {
	case p == nil && len(r.Servers) > 0:
		return r.Servers[0].Title()
	case p == nil:
		return ""
	}
	text := p.NetnsTitle
	if p.Netns == r.Netns {
		text = "same"
	}
	if p.Master != "" {
		text += " " + p.Master
	}
	return text
}

func linkDetail(r *graph.LinkRow) string {
	var out []string
	if r.Detail != "" {
		out = append(out, r.Detail)
	}
	if r.PortState != "" {
		out = append(out, "port "+r.PortState)
	}
	if r.IfAlias != "" {
		out = append(out, "alias "+r.IfAlias)
	}
	if r.Peer != nil && r.Peer.OneSided {
		out = append(out, "only this end is known")
	}
	return strings.Join(out, ", ")
}

func linkEvidence(r *graph.LinkRow) string {
	if r.Peer == nil {
		return ""
	}
	return r.Peer.Evidence
}
