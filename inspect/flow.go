package inspect

import "net/netip"

// Flow is a connection over UDP that the kernel tracks, see conntrack(8).
type Flow struct {
	Src netip.AddrPort `json:"src"` // who sent the first packet
	Dst netip.AddrPort `json:"dst"` // to whom, before any translation
	// From is who answers: Dst, or what that is translated to.
	From netip.AddrPort `json:"from"`
}
