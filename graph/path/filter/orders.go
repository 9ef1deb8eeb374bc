package filter

import (
	"cmp"
	"slices"

	"nsinspect/inspect"
)

// orders are the base chains of the hook in the orders in which they may run.
// Of chains with equal priority the kernel runs the one first that was
// registered last, which is seen nowhere: they are tried in the order against
// that of the lists first, and so that each is once before each other.
func (w *walk) orders() [][]*inspect.NFChain {
	bases := w.bases()
	all := [][]*inspect.NFChain{bases}
	for from := 0; from < len(bases); {
		to := from + 1
		for to < len(bases) && w.before(bases[from], bases[to]) == 0 {
			to++
		}
		if to-from > 1 {
			all = turned(all, from, to)
		}
		from = to
	}
	return all
}

// maxOrders is how many orders are tried: all of a group of three chains and
// one of two.
const maxOrders = 12

// turned are orders with the chains from one to another turned by each number
// of places, there and back. Of three that is every order.
func turned(all [][]*inspect.NFChain, from, to int) (out [][]*inspect.NFChain) {
	n := to - from
	for _, order := range all {
		group := slices.Clone(order[from:to])
		for i := 0; i < 2*n && len(out) < maxOrders; i++ {
			if i == n {
				slices.Reverse(group)
			}
			if i >= n && n == 2 {
				break // turned is reversed
			}
			turn := slices.Clone(order)
			copy(turn[from:], slices.Concat(group[i%n:], group[:i%n]))
			out = append(out, turn)
		}
	}
	return out
}

// tied names base chains that have the same place.
func (w *walk) tied() string {
	bases := w.bases()
	for i := 1; i < len(bases); i++ {
		if w.before(bases[i-1], bases[i]) == 0 {
			return chainWord(bases[i-1]) + " and " + chainWord(bases[i])
		}
	}
	return ""
}

// together is the result of all orders: where they do not agree it is unknown.
func (w *walk) together(results []Result) Result {
	r := results[0]
	for i := range results[1:] {
		o := &results[i+1]
		if o.Verdict == r.Verdict && samePacket(&o.Packet, &r.Packet) && o.Conn == r.Conn || o.Verdict.Stops() && r.Verdict.Stops() {
			continue
		}
		if r.Verdict != Unknown {
			r.Verdict, r.Rule = Unknown, cmp.Or(r.Rule, o.Rule)
			r.Reason = w.tied() + " have the same priority, and which runs first is not known"
		}
	}
	return r
}

// samePacket compares what rules see of two packets.
func samePacket(a, b *Packet) bool {
	x, y := *a, *b
	x.UID, y.UID = nil, nil
	return x == y
}
