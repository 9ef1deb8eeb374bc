package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nsinspect/graph"
	"nsinspect/graph/path"
	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/wire"
	"nsinspect/render"
)

// traceFacts are what a packet's way follows from.
const (
	traceFacts = inspect.FactTasks | inspect.FactNetwork | inspect.FactRoutes | inspect.FactNeighbors |
		inspect.FactNetConf | inspect.FactNetfilter
	traceAlso = inspect.FactThreads | inspect.FactLeads | inspect.FactContainers | inspect.FactNames |
		inspect.FactFDs | inspect.FactBinds | inspect.FactPorts
)

// traceOptions are the flags of nsinspect trace.
type traceOptions struct {
	source
	output
	target  string // "" with outside
	dest    string
	proto   string
	outside bool
	src     string
	dot     bool
	verify  bool
	timeout time.Duration
}

func newTrace(a *app) *cobra.Command {
	o := traceOptions{source: source{app: a}, output: output{app: a}}
	cmd := &cobra.Command{
		Use:   "trace TARGET DEST[:PORT]",
		Short: "say which way a packet takes, and where it is stopped",
		Long: `Trace follows a packet from a TARGET to an address or to another TARGET, and its
answer back: routes, translation, rules, bridges, veth pairs. It says where the
packet is stopped and by which rule, and the smallest MTU of the way. Nothing is
sent, and nothing is changed: the kernel is asked for its routes, the rules are
read. What cannot be read makes the answer INSUFFICIENT_INFO, never a wrong one.

With --verify a real packet is sent (the opening of a TCP connection without
data, a datagram, an echo request), a temporary table of nf_tables in the
namespaces on its way shows what the kernel does with it, and the two are
compared: AGREES, DIFFERS from the first namespace where they part, UNDECIDED.
The table is removed in any case, also when nsinspect is killed.

With --from-outside a packet from outside comes to DEST, such as a published
port. Where rules look at who sends it, --source has to say. With --verify
nothing is sent then: nsinspect waits until somebody outside connects, follows
the first packet that comes in, and its answer, and compares that.

The status is 0 when packet and answer get through, 1 when one is stopped, and 2
when that cannot be told; with --verify also 1 when the two differ.`,
		Example: `  nsinspect trace web1 8.8.8.8
  nsinspect trace web1 db1:5432
  nsinspect trace self web1:80
  nsinspect trace web1 db1:5432 --verify
  nsinspect trace --from-outside 192.0.2.10:8080
  nsinspect trace --from-outside 192.0.2.10:8080 --source 203.0.113.7
  nsinspect trace --from-outside 192.0.2.10:8080 --verify
  nsinspect trace web1 8.8.8.8 --dot | dot -Tsvg > path.svg`,
		Args: argCount(1, 2, "TARGET and DEST[:PORT]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.outside && !cmd.Flags().Changed("timeout") {
				o.timeout = awaitTimeout
			}
			if err := o.parse(args); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
		ValidArgsFunction: o.completeTargets(2),
	}
	o.source.flags(cmd)
	o.output.flags(cmd, render.ListKinds)
	f := cmd.Flags()
	f.StringVar(&o.proto, "proto", "", "`PROTOCOL`: tcp, udp or icmp (default tcp with a port, else icmp)")
	f.BoolVar(&o.outside, "from-outside", false, "the packet comes from outside; takes DEST alone")
	f.StringVar(&o.src, "source", "", "the packet's source `ADDRESS[:PORT]`, or :PORT alone")
	f.BoolVar(&o.dot, "dot", false, "draw the way on the graph, in the language of Graphviz")
	f.BoolVar(&o.verify, "verify", false, "send a real packet, or wait for one --from-outside, and say whether the kernel agrees")
	f.DurationVar(&o.timeout, "timeout", verifyTimeout, "how long --verify waits for an answer, as in 2s; --from-outside: for a packet (default 30s)")
	completeFlag(cmd, "proto", fixedWords("tcp", "udp", "icmp"))
	cmd.MarkFlagsMutuallyExclusive("dot", "output")
	return cmd
}

func (o *traceOptions) parse(args []string) error {
	switch {
	case o.outside && len(args) == 1:
		o.dest = args[0]
	case o.outside:
		return usageError("nsinspect trace --from-outside "+args[1], "--from-outside takes DEST alone")
	case len(args) == 1:
		return usageError("nsinspect trace self "+args[0], "trace takes a TARGET and a DEST")
	default:
		o.target, o.dest = args[0], args[1]
	}
	switch o.proto {
	case "", "tcp", "udp", "icmp":
	default:
		return usageError("--proto tcp", "--proto is tcp, udp or icmp, not %q", o.proto)
	}
	if err := o.checkVerify(); err != nil {
		return err
	}
	return o.output.parse()
}

func (o *traceOptions) run(ctx context.Context) error {
	x, err := o.index(ctx, need{facts: traceFacts, also: traceAlso})
	if err != nil {
		return err
	}
	p, err := o.options(x)
	if err != nil {
		return err
	}
	t := graph.NewTopology(x)
	r, err := path.Trace(x, t, p)
	if err != nil {
		return withHint(err, "sudo nsinspect trace")
	}
	if o.verify && len(r.Forward.Steps) > 0 {
		if o.outside {
			r, err = o.await(ctx, x, t, p, r)
		} else {
			err = o.prove(ctx, x, t, r)
		}
		if err != nil {
			return err
		}
	}
	v := render.Path{Report: r, Topology: t}
	if o.dot {
		err = render.DOT(o.output.app.stdout, render.Drawing{Net: t, Path: v.Keys()})
		o.output.app.notePartial(x)
		if r.Proof != nil {
			a := o.output.app
			a.notes = append(a.notes, strings.TrimSuffix("--verify: "+string(r.Proof.Agreement)+": "+r.Proof.Reason, ": "))
		}
	} else {
		err = o.write(v, x)
	}
	if err != nil {
		return err
	}
	return traceStatus(r)
}

// options reads the arguments, now that the host is known.
func (o *traceOptions) options(x *inspect.Index) (p path.Options, err error) {
	p.From, p.Outside = x.Own(inspect.Net), o.outside
	if !o.outside {
		if p.From, err = netnsOf(x, o.target); err != nil {
			return p, err
		}
	}
	if p.Packet.Dst, p.Packet.DstPort, err = o.destination(x); err != nil {
		return p, err
	}
	p.Packet.Proto = o.protocol(p.Packet)
	switch p.Packet.Proto {
	case filter.ICMP:
		p.Packet.ICMPType = 8
	case filter.ICMPv6:
		p.Packet.ICMPType = 128
	}
	if p.Packet.Src, p.Packet.SrcPort, err = o.origin(); err != nil {
		return p, err
	}
	if a := p.Packet.Src; a.IsValid() && a.Is4() != p.Packet.Dst.Is4() {
		return p, usageError("--source 2001:db8::1", "source %s and destination %s are not of the same IP version", a, p.Packet.Dst)
	}
	if o.from == "" {
		p.Routes = oracle(x)
	}
	return p, nil
}

// origin reads --source: an address, a port or both.
func (o *traceOptions) origin() (a netip.Addr, port uint16, err error) {
	if a, err := netip.ParseAddr(strings.Trim(o.src, "[]")); err == nil || o.src == "" {
		return a.Unmap(), 0, nil
	}
	if n, err := strconv.ParseUint(strings.TrimPrefix(o.src, ":"), 10, 16); err == nil && o.src[0] == ':' {
		return a, uint16(n), nil
	}
	ap, err := netip.ParseAddrPort(o.src)
	if err != nil {
		return a, 0, usageError("--source 192.0.2.1", "--source is ADDRESS, ADDRESS:PORT or :PORT, not %q", o.src)
	}
	return ap.Addr().Unmap(), ap.Port(), nil
}

func (o *traceOptions) protocol(p filter.Packet) uint8 {
	switch {
	case o.proto == "tcp" || o.proto == "" && p.DstPort != 0:
		return filter.TCP
	case o.proto == "udp":
		return filter.UDP
	case p.Dst.Is6():
		return filter.ICMPv6
	}
	return filter.ICMP
}

// destination is an address, or a TARGET, with a port or without.
func (o *traceOptions) destination(x *inspect.Index) (a netip.Addr, port uint16, err error) {
	if a, err := netip.ParseAddr(strings.Trim(o.dest, "[]")); err == nil {
		return a.Unmap(), 0, nil
	}
	if ap, err := netip.ParseAddrPort(o.dest); err == nil {
		return ap.Addr().Unmap(), ap.Port(), nil
	}
	word := o.dest
	if host, p, err := net.SplitHostPort(o.dest); err == nil && !strings.HasSuffix(o.dest, "]") {
		if n, err := strconv.ParseUint(p, 10, 16); err == nil && host != "docker" && host != "podman" {
			word, port = host, uint16(n)
		}
	}
	ns, err := netnsOf(x, word)
	if err != nil {
		return a, 0, err
	}
	nets := x.Snapshot().Networks
	for i := range nets {
		if nets[i].NS == ns {
			a = firstAddr(&nets[i])
		}
	}
	if !a.IsValid() {
		return a, 0, withHint(fmt.Errorf("%s has no address", word), "nsinspect links %s", word)
	}
	return a, port, nil
}

// firstAddr is the first global address of a namespace, of IPv4 where it has
// one.
func firstAddr(n *inspect.Network) (first netip.Addr) {
	for i := range n.Interfaces {
		for _, a := range n.Interfaces[i].Addrs {
			ip := a.Prefix.Addr()
			if a.Scope == "global" && (!first.IsValid() || first.Is6() && ip.Is4()) {
				first = ip
			}
		}
	}
	return first
}

// netnsOf is the network namespace of a TARGET.
func netnsOf(x *inspect.Index, word string) (inspect.ID, error) {
	target, err := x.Resolve(word)
	if err != nil {
		return inspect.ID{}, err
	}
	links, err := x.NamespacesOf(target)
	if err != nil { // somebody with more rights may know
		return inspect.ID{}, &cliError{err: err, status: 2}
	}
	if id := links.Of(inspect.Net); !id.IsZero() {
		return id, nil
	}
	return inspect.ID{}, withHint(errors.New("the network namespace of "+word+" is not known"), "nsinspect show %s", word)
}

// oracle asks the kernel of the running host for routes.
func oracle(x *inspect.Index) path.Oracle {
	routes := live.NewRoutes(x)
	return func(ns inspect.ID, q path.RouteQuery) (a path.RouteAnswer, err error) {
		r, refused, err := routes.Ask(ns, wire.Question(q))
		if err != nil || refused != "" {
			return path.RouteAnswer{Refused: refused}, err
		}
		a = path.RouteAnswer{Type: r.Type, Table: r.Table, Prefix: r.Dst, Prefsrc: r.Prefsrc, MTU: r.MTU, Ways: len(r.Hops)}
		if r.Type == "local" || r.Type == "broadcast" {
			a.Table = 255 // without rules of its own the kernel keeps both tables as one
		}
		if len(r.Hops) > 0 {
			a.Via, a.Oif = r.Hops[0].Via, r.Hops[0].Oif
		}
		return a, nil
	}
}
