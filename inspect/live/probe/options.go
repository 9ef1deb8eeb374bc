package probe

import (
	"net/netip"
	"time"

	"nsinspect/inspect"
	"nsinspect/inspect/live/wire"
)

// Options say what to send, and where to look for it.
type Options struct {
	// From is the namespace that sends. It is watched too, and so are Watch.
	From  Place
	Watch []Place
	// Own is the observer's network namespace, which is not entered.
	Own inspect.ID
	// Proto is that of the packet: TCP, UDP, ICMP or ICMPv6 of protocols(5).
	Proto uint8
	// Src is the address to send from; invalid: the kernel's choice.
	Src     netip.Addr
	Dst     netip.Addr
	DstPort uint16
	// Ports are those that an answer over UDP can come from beside DstPort,
	// where the packet is translated.
	Ports []uint16
	// Timeout is how long to wait for the answer.
	Timeout time.Duration
}

// Place is a namespace to be watched.
type Place struct {
	Source wire.Source
	// Bridge: it has bridges. Devices are interfaces with rules of their own.
	Bridge  bool
	Devices []string
}

// Result is what was seen.
type Result struct {
	// Src, SrcPort and DstPort are those of the packet as it was sent; for
	// ICMP SrcPort is the id of the echo request.
	Src     netip.Addr
	SrcPort uint16
	// Refused is the error of sending, in errno(3)'s words; "" for none.
	Refused string
	// Answer is what the sender got: "SYN+ACK", "echo reply", "datagram", or
	// the socket's error in errno(3)'s words, ECONNREFUSED for a reset; "" for
	// nothing.
	Answer string
	// Events are in the order of the namespaces in Options, and within each as
	// they happened.
	Events []Event
	// Incomplete: the kernel made more messages than could be read.
	Incomplete bool
	// Unwatched are namespaces that could not be watched, with the reason.
	Unwatched map[inspect.ID]error
	// Left says what could not be removed.
	Left []error
}

// Way is which packet an event is about.
type Way string

// The ways.
const (
	Forward Way = "forward" // the packet that was sent
	Reply   Way = "reply"   // the answer
	Failure Way = "error"   // an error of ICMP about it
	Closing Way = "closing" // what follows the answer of TCP
)

// Event is what happened to one of the packets in a namespace.
type Event struct {
	NS  inspect.ID
	Way Way
	wire.TraceEvent
}
