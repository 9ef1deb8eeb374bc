package render

import (
	"fmt"
	"io"
	"strings"

	"nsinspect/graph"
)

// Topology shows how network namespaces are wired, as a tree.
type Topology struct {
	*graph.Topology
}

// Targets returns the namespaces.
func (v Topology) Targets() []string {
	var words []string
	for _, ns := range v.Namespaces {
		if ns.NS != 0 {
			words = append(words, ns.Key)
		}
	}
	return words
}

// Text writes the tree; wide adds link layer addresses and inodes, and lists
// every namespace that has nothing but a loopback.
func (v Topology) Text(w io.Writer, wide bool, o Options) error {
	rows := v.Tree()
	more := 0
	if !wide {
		rows, more = fold(rows)
	}
	depths := make([]int, len(rows))
	for i := range rows {
		depths[i] = rows[i].Depth
	}
	prefixes := Branches(depths, o.ASCII)
	t := Table{Head: []Head{{Text: "INTERFACE"}, {Text: "PEER OR KIND"}, {Text: "STATE"}, {Text: "MTU", Right: true}, {Text: "ADDRESSES"}, {Text: "NOTES"}}}
	for i := range rows {
		t.Rows = append(t.Rows, topologyCells(&rows[i], prefixes[i], wide, o.ASCII))
	}
	t.Style = func(r, c int) Style { return topologyStyle(&rows[r], c) }
	if err := t.Write(w, o); err != nil || more == 0 {
		return err
	}
	_, err := fmt.Fprintf(w, "%d more have only a loopback (-o wide lists them)\n", more)
	return err
}

// maxAlone is how many namespaces are listed that have only a loopback and
// no name.
const maxAlone = 3

// fold leaves out namespaces that have only a loopback and neither a name nor
// a container, when there are many.
func fold(rows []graph.Branch) (kept []graph.Branch, more int) {
	for _, b := range rows {
		if b.Alone && (b.Netns.Kind == graph.NetnsProcess || b.Netns.Kind == graph.NetnsBare) {
			if more++; more > maxAlone {
				continue
			}
		}
		kept = append(kept, b)
	}
	return kept, max(more-maxAlone, 0)
}

func topologyStyle(b *graph.Branch, column int) Style {
	switch {
	case b.Iface == nil && column == 0:
		return Heading
	case b.Iface == nil:
		return Faint
	case column == 1 && b.Peer != nil:
		return Name
	case column == 2 && farEnd(b).State == "DOWN":
		return Bad
	}
	return Plain
}

// farEnd is the end of a pair whose state and addresses a line shows: the one
// in the container, but for the uplink of what the heading names.
func farEnd(b *graph.Branch) *graph.Iface {
	if b.Peer != nil && !b.Peer.Missing && b.Peer.Netns() != b.Iface.Netns() && b.Iface.Default == "" {
		return b.Peer
	}
	return b.Iface
}

func topologyCells(b *graph.Branch, prefix string, wide, ascii bool) []string {
	if b.Iface == nil {
		return []string{b.Netns.Title, "", "", "", "", netnsNotes(b)}
	}
	i, far := b.Iface, farEnd(b)
	name := i.Name
	if b.Abroad {
		name = b.Netns.Title + ":" + name
	}
	arrow := "↔"
	if ascii {
		arrow = "<->"
	}
	kind := i.Kind
	if b.Peer != nil {
		kind = arrow + " " + b.Peer.Name
		if b.Peer.Netns() != i.Netns() {
			kind = arrow + " " + netnsTitle(b.Peer.Netns()) + ":" + b.Peer.Name
		}
	}
	if b.Toward != nil {
		kind = arrow + " " + netnsTitle(b.Toward)
	}
	mtu := ""
	if far.MTU != 0 {
		mtu = fmt.Sprint(far.MTU)
	}
	return []string{prefix + name, kind, far.State, mtu, addressCell(far, wide), strings.Join(ifaceNotes(b, wide, ascii), ", ")}
}

// netnsTitle is the title with what tells equal titles apart.
func netnsTitle(ns *graph.Netns) string {
	if len(ns.Containers) > 1 {
		return fmt.Sprintf("%s+%d", ns.Title, len(ns.Containers)-1)
	}
	return ns.Title
}

// addressCell shows the addresses; link-local ones only in a wide table.
func addressCell(i *graph.Iface, wide bool) string {
	var out []string
	for _, a := range i.Addrs {
		if wide || !linkLocal(a) {
			out = append(out, a)
		}
	}
	return strings.Join(out, " ")
}

func linkLocal(addr string) bool {
	return strings.HasPrefix(addr, "fe80:") || strings.HasPrefix(addr, "169.254.")
}

func netnsNotes(b *graph.Branch) string {
	ns := b.Netns
	var notes []string
	if ns.NS != 0 && ns.Title != ns.Key {
		notes = append(notes, ns.Key)
	}
	if ns.Service != "" {
		notes = append(notes, "service "+ns.Service)
	}
	for _, c := range ns.Containers {
		if c.Name != ns.Title {
			notes = append(notes, "also "+c.Name)
		}
	}
	if ns.Unread && ns.Kind != graph.NetnsUnknown {
		notes = append(notes, "could not be read")
	}
	if b.Alone && !ns.Unread {
		notes = append(notes, "only a loopback")
	}
	if ns.Torn {
		notes = append(notes, "changed while it was read")
	}
	return strings.Join(notes, ", ")
}

// ifaceNotes say what is not as usual: a plain healthy port has none.
func ifaceNotes(b *graph.Branch, wide, ascii bool) []string {
	i, far := b.Iface, farEnd(b)
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if i.Default != "" {
		note("default %s", i.Default)
	}
	if i.Network != "" {
		note("network %s", i.Network)
	}
	if i.Detail != "" {
		note("%s", i.Detail)
	}
	if i.PortState != "" && i.PortState != "forwarding" {
		note("port %s", i.PortState)
	}
	switch {
	case far != i:
		endNotes(note, i, far)
	case !i.Up && !i.Missing:
		note("not up")
	case b.Peer != nil && !b.Peer.Missing && b.Peer.Netns() != i.Netns():
		endNotes(note, b.Peer, i)
	}
	arrow := "→"
	if ascii {
		arrow = "->"
	}
	var ports []string
	for _, p := range far.Published {
		ports = append(ports, strings.ReplaceAll(graph.PortLabel(p), "→", arrow))
	}
	if ports != nil {
		note("published %s", strings.Join(ports, " "))
	}
	for k := range i.Servers {
		note("served by %s", i.Servers[k].Title())
	}
	if text := pairNote(b); text != "" {
		note("%s", text)
	}
	if i.Alias != "" {
		note("alias %s", i.Alias)
	}
	if wide {
		wideNotes(note, b)
	}
	return notes
}

// pairNote says what is wrong with what is known of a pair.
func pairNote(b *graph.Branch) string {
	ns := b.Toward
	if b.Peer != nil {
		ns = b.Peer.Netns()
	}
	switch {
	case ns == nil:
		return ""
	case ns.Unread && ns.NS != 0:
		return ns.Title + " could not be read"
	case b.OneSided && b.Peer != nil && !b.Peer.Missing:
		return "the other end does not say so"
	case b.OneSided:
		return "only this end is known"
	case ns.Torn:
		return ns.Title + " changed while it was read"
	}
	return ""
}

// endNotes say in what the two ends of a pair differ.
func endNotes(note func(string, ...any), i, far *graph.Iface) {
	if i.Missing {
		return // nothing but its index is known
	}
	if i.State != far.State {
		note("%s is %s", i.Name, i.State)
	}
	if !far.Up {
		note("%s is not up", far.Name)
	}
	if i.MTU != far.MTU {
		note("%s has mtu %d", i.Name, i.MTU)
	}
	if len(i.Addrs) > 0 && i.Master == "" {
		if text := addressCell(i, false); text != "" {
			note("%s has %s", i.Name, text)
		}
	}
	if far.Master != "" {
		note("%s is in %s", far.Name, far.Master)
	}
}

func wideNotes(note func(string, ...any), b *graph.Branch) {
	far := farEnd(b)
	if far != b.Iface && far.Default != "" {
		note("default %s", far.Default)
	}
	if far.Address != "" {
		note("mac %s", far.Address)
	}
	if b.Peer != nil && b.Peer.Netns().NS != 0 && b.Peer.Netns() != b.Iface.Netns() {
		note("%s", b.Peer.Netns().Key)
		if service := b.Peer.Netns().Service; service != "" {
			note("service %s", service)
		}
	}
}
