package path

import (
	"time"

	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// Seen is what became of a real packet, and of its answer.
type Seen struct {
	Packet filter.Packet // as it was sent
	// Refused is the error of sending, in errno(3)'s words; "" for none.
	Refused string
	// Answer is what the sender got; "" for nothing. See [Proof.Answer].
	Answer string
	// Events are grouped by namespace, within each as they happened.
	Events []SeenEvent
	// Incomplete: some events are missing.
	Incomplete bool
	// Unwatched are namespaces in which nothing could be seen, and why.
	Unwatched map[inspect.ID]string
	// Left says what could not be removed afterwards.
	Left []string
	// Watched: it came from outside. Absent then says that none came within
	// the time, Strays are those that came to other addresses.
	Watched, Absent bool
	Waited          time.Duration
	Strays          []filter.Packet
}

// SeenEvent is something that the rules of a namespace did with the packet
// (way "forward"), its answer ("reply") or an error of ICMP about it ("error").
type SeenEvent struct {
	NS     inspect.ID
	Way    string
	Family inspect.NFFamily
	Table  string
	Chain  string
	Handle uint64 // 0: the policy, or the end of a chain
	// Verdict is nft(8)'s word, Jump the chain that a jump leads to.
	Verdict, Jump string
	// Own is no rule: the packet is at the hook that Chain names.
	Own      bool
	Iif, Oif int
}

// Agreement is whether the way that was foretold is the one that was seen.
type Agreement string

// The agreements.
const (
	Agrees    Agreement = "AGREES"
	Differs   Agreement = "DIFFERS"
	Undecided Agreement = "UNDECIDED"
)

// Outcome is what was seen to become of a packet.
type Outcome string

// The outcomes.
const (
	Delivered Outcome = "delivered" // it came to a socket's door
	Left      Outcome = "left"      // it left what is known
	Dropped   Outcome = "dropped"   // a rule stopped it
	Refused   Outcome = "refused"   // the sender's kernel did not send it
	Lost      Outcome = "lost"      // it was not seen again, and no rule stopped it
	Absent    Outcome = "absent"    // none came from outside
)

// Good reports whether the packet got where it should.
func (o Outcome) Good() bool { return o == Delivered || o == Left }

// Proof is what a real packet showed.
type Proof struct {
	Agreement Agreement `json:"agreement"`
	// Reason says where they differ, or why that is not decided.
	Reason string `json:"reason,omitempty"`
	// Netns is the first namespace, as a key of graph.Topology, in which they
	// differ; "" for none.
	Netns string `json:"netns,omitempty"`
	// Packet is as it was sent, or where none came as it was waited for.
	Packet filter.Packet `json:"packet"`
	// Watched: it came from outside, nsinspect did not send it.
	Watched bool `json:"watched,omitempty"`
	// Outcome is that of the packet.
	Outcome Outcome `json:"outcome"`
	// Answer is what came back, or where the packet came from outside went
	// back: SYN+ACK, echo reply, datagram, or the
	// socket's error in errno(3)'s words, ECONNREFUSED for a reset; "" for
	// nothing.
	Answer string   `json:"answer,omitempty"`
	Visits []Visit  `json:"visits"`
	Notes  []string `json:"notes,omitempty"`

	unsettled bool // what became of the packet may just not have been seen
}

// Visit is a packet in a namespace.
type Visit struct {
	Netns string `json:"netns"`
	Way   string `json:"way"` // forward, reply, error
	// In and Out are the interfaces that it came and went through; "" for none.
	In  string `json:"in,omitempty"`
	Out string `json:"out,omitempty"`
	// Hooks are those at which it was seen.
	Hooks []string `json:"hooks"`
	// Rulings are the rules that it met.
	Rulings []Ruling `json:"rulings"`

	ns inspect.ID
}

// Ruling is a rule that matched, and its verdict.
type Ruling struct {
	Rule    filter.Rule `json:"rule"`
	Verdict string      `json:"verdict"`        // in nft(8)'s words
	Jump    string      `json:"jump,omitempty"` // chain
}

// Settled reports whether the packet and its answer were seen to get through;
// ok is false where that was not seen.
func (p *Proof) Settled() (through, ok bool) {
	switch {
	case !p.Outcome.Good():
		return false, !p.unsettled
	case p.Answer != "" || p.Packet.Proto == filter.UDP:
		return true, true
	}
	return false, false
}
