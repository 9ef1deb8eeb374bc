package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"
	"time"

	"nsinspect/graph"
	"nsinspect/graph/path"
	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/probe"
)

// verifyTimeout is shorter than the second after which TCP sends its first
// packet again.
const verifyTimeout = 900 * time.Millisecond

// checkVerify refuses --verify where no packet can be sent or come in.
func (o *traceOptions) checkVerify() error {
	switch {
	case !o.verify:
		return nil
	case o.from != "":
		return usageError("nsinspect trace TARGET DEST --verify",
			"--verify sends a packet on this host, or waits for one: it does not go with --from")
	case o.timeout <= 0:
		return usageError("--timeout 2s", "--timeout must be more than 0")
	}
	return nil
}

// prove sends a real packet and compares. On a signal all is removed first.
func (o *traceOptions) prove(ctx context.Context, x *inspect.Index, t *graph.Topology, r *path.Report) error {
	sig := catchSignals(ctx)
	defer sig.stop()
	seen, err := probe.Run(sig.ctx, o.probe(x, r))
	if err := o.unproven(sig, err); err != nil {
		return err
	}
	path.Prove(x, t, r, seenBy(r, seen))
	return nil
}

// unproven is why there is no proof: a signal, or an error.
func (o *traceOptions) unproven(sig *signals, err error) error {
	if status := sig.status(); status != 0 {
		return exitStatus(status)
	}
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		target := o.target
		if o.outside {
			target = "--from-outside"
		}
		return withHint(&cliError{err: errors.Join(errors.New("--verify needs CAP_NET_ADMIN and CAP_SYS_ADMIN over the network namespaces on the way"), err)},
			"sudo nsinspect trace %s %s --verify", target, o.dest)
	}
	return err
}

// probe is the packet that r is about, and where to look for it.
func (o *traceOptions) probe(x *inspect.Index, r *path.Report) probe.Options {
	routes := live.NewRoutes(x)
	p := probe.Options{
		Own: x.Own(inspect.Net), Proto: r.Packet.Proto, Dst: r.Packet.Dst, DstPort: r.Packet.DstPort, Timeout: o.timeout,
	}
	if o.src != "" {
		p.Src = r.Packet.Src
	}
	for _, s := range r.Forward.Steps {
		if s.After != nil && s.After.DstPort != 0 && s.After.DstPort != p.DstPort {
			p.Ports = append(p.Ports, s.After.DstPort)
		}
	}
	for i, id := range path.Concerned(x, r) {
		at := placeOf(x, routes, id)
		if i == 0 {
			p.From = at
			continue
		}
		p.Watch = append(p.Watch, at)
	}
	return p
}

// placeOf is a namespace to be watched.
func placeOf(x *inspect.Index, routes *live.Routes, id inspect.ID) probe.Place {
	at := probe.Place{Source: routes.Source(id)}
	nets := x.Snapshot().Networks
	for k := range nets {
		if nets[k].NS == id {
			at.Bridge, at.Devices = watched(&nets[k])
		}
	}
	return at
}

// watched says what of a namespace is to be watched beside the hooks of IP.
func watched(n *inspect.Network) (bridge bool, devices []string) {
	for i := range n.Interfaces {
		bridge = bridge || n.Interfaces[i].Kind == "bridge"
	}
	if n.Ruleset == nil {
		return bridge, nil
	}
	for i := range n.Ruleset.Chains {
		if c := &n.Ruleset.Chains[i]; c.Hook == "ingress" {
			devices = append(devices, c.Devices...)
		}
	}
	slices.Sort(devices)
	devices = slices.DeleteFunc(slices.Compact(devices), func(name string) bool {
		return !slices.ContainsFunc(n.Interfaces, func(i inspect.Interface) bool { return i.Name == name })
	})
	return bridge, devices
}

// seenBy are the observations in the words of package path.
func seenBy(r *path.Report, s *probe.Result) path.Seen {
	out := path.Seen{Packet: r.Packet, Refused: s.Refused, Answer: s.Answer, Incomplete: s.Incomplete, Unwatched: map[inspect.ID]string{}}
	if s.Src.IsValid() {
		out.Packet.Src = s.Src
	}
	if hasPorts(r.Packet.Proto) {
		out.Packet.SrcPort = s.SrcPort
	}
	for _, e := range s.Events {
		out.Events = append(out.Events, path.SeenEvent{
			NS: e.NS, Way: string(e.Way), Family: e.Family, Table: e.Table, Chain: e.Chain, Handle: e.Handle,
			Verdict: e.Verdict, Jump: e.Jump, Own: e.Own, Iif: e.Iif, Oif: e.Oif,
		})
	}
	for id, err := range s.Unwatched {
		out.Unwatched[id] = err.Error()
	}
	for _, err := range s.Left {
		out.Left = append(out.Left, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return out
}

func hasPorts(proto uint8) bool { return proto == filter.TCP || proto == filter.UDP }

// traceStatus is the exit status for a report.
func traceStatus(r *path.Report) error {
	good, known := r.Disposition.Good(), r.Disposition != path.InsufficientInfo
	if p := r.Proof; p != nil && p.Agreement != path.Agrees {
		good, known = p.Settled()
		if p.Agreement == path.Differs {
			good, known = false, true
		}
	}
	switch {
	case !known:
		return exitStatus(2)
	case !good:
		return exitStatus(exitFailed)
	}
	return nil
}
