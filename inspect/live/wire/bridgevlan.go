package wire

import (
	"fmt"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// portVLANs are the VLANs of a bridge port, or of the bridge itself.
type portVLANs struct {
	index int
	vlans []inspect.PortVLAN
}

// bridgeRequest asks for the ports of all bridges with their VLANs
// (RTEXT_FILTER_BRVLAN of linux/rtnetlink.h).
func bridgeRequest() []byte {
	b := make([]byte, unix.SizeofIfInfomsg, 32)
	b[0] = unix.AF_BRIDGE
	return appendU32(b, unix.IFLA_EXT_MASK, extBridgeVLAN)
}

// iflaBridgeVLANInfo is IFLA_BRIDGE_VLAN_INFO of linux/if_bridge.h.
const iflaBridgeVLANInfo = 2

// The BRIDGE_VLAN_INFO_* of linux/if_bridge.h.
const (
	vlanPVID     = 1 << 1
	vlanUntagged = 1 << 2
)

// parsePortVLANs parses RTM_NEWLINK of PF_BRIDGE: IFLA_AF_SPEC holds a row of
// struct bridge_vlan_info (u16 flags, u16 id).
func parsePortVLANs(b []byte) (p portVLANs, ok bool, err error) {
	if len(b) < unix.SizeofIfInfomsg {
		return p, false, fmt.Errorf("bridge port of %d bytes: %w", len(b), errMalformed)
	}
	p.index = int(int32(native.Uint32(b[4:])))
	a := attrs{rest: b[unix.SizeofIfInfomsg:]}
	for a.next() {
		if a.typ != unix.IFLA_AF_SPEC {
			continue
		}
		in := a.nested()
		for in.next() {
			if in.typ != iflaBridgeVLANInfo || len(in.data) < 4 {
				continue
			}
			flags := native.Uint16(in.data)
			p.vlans = append(p.vlans, inspect.PortVLAN{
				ID: native.Uint16(in.data[2:]), PVID: flags&vlanPVID != 0, Untagged: flags&vlanUntagged != 0,
			})
		}
		a.join(&in)
	}
	return p, true, a.err
}
