package wire

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// Question is what a route is asked for: RTM_GETROUTE of rtnetlink(7).
type Question struct {
	Dst, Src netip.Addr // Src is invalid where the kernel is to choose it
	Iif      int        // that the packet came through; 0 for one of the namespace itself
	Oif      int        // that the route has to lead through; 0 for any
	Mark     uint32
	Proto    uint8
	SrcPort  uint16 // 0: not known
	DstPort  uint16
}

// AskRoute asks the kernel which route a packet takes in a network namespace;
// the route has the prefix that matched. It enters the namespace on a thread
// that ends with the question. own is the observer's namespace, which is not
// entered. Where the kernel refuses the packet, the error is its errno.
func AskRoute(src Source, own inspect.ID, q Question) (route inspect.Route, err error) {
	err = src.Run(own, func() error {
		s, err := openSocket(unix.NETLINK_ROUTE, make([]byte, 8<<10))
		if err != nil {
			return err
		}
		defer s.close()
		route, err = s.routeOf(q)
		return err
	})
	return route, err
}

// The flags of struct rtmsg that ask for the table and the prefix.
const (
	rtmFLookupTable = 0x1000
	rtmFFibMatch    = 0x2000
)

func (s *socket) routeOf(q Question) (inspect.Route, error) {
	b, err := s.ask(unix.RTM_GETROUTE, q.request())
	if errors.Is(err, unix.EOPNOTSUPP) && q.Dst.Is6() {
		return inspect.Route{}, fmt.Errorf("ask for a route: %w", err)
	}
	if err != nil {
		return inspect.Route{}, err
	}
	r, ok, err := parseRoute(b)
	if err == nil && !ok {
		err = errMalformed
	}
	return r, err
}

// request is struct rtmsg and its attributes. Strict checking takes no flag
// for the table from IPv6, which always says it.
func (q Question) request() []byte {
	b := make([]byte, unix.SizeofRtMsg, 128)
	b[0], b[1] = unix.AF_INET, 32
	flags := uint32(rtmFFibMatch | rtmFLookupTable)
	if q.Dst.Is6() {
		b[0], b[1], flags = unix.AF_INET6, 128, rtmFFibMatch
	}
	native.PutUint32(b[8:], flags)
	b = appendAttr(b, unix.RTA_DST, q.Dst.AsSlice())
	if q.Src.IsValid() {
		b[2] = b[1]
		b = appendAttr(b, unix.RTA_SRC, q.Src.AsSlice())
	}
	if q.Iif != 0 {
		b = appendU32(b, unix.RTA_IIF, uint32(q.Iif))
	}
	if q.Oif != 0 {
		b = appendU32(b, unix.RTA_OIF, uint32(q.Oif))
	}
	if q.Mark != 0 {
		b = appendU32(b, unix.RTA_MARK, q.Mark)
	}
	if q.Proto == unix.IPPROTO_TCP || q.Proto == unix.IPPROTO_UDP || q.Proto == unix.IPPROTO_ICMP || q.Proto == unix.IPPROTO_ICMPV6 {
		b = appendAttr(b, unix.RTA_IP_PROTO, []byte{q.Proto})
	}
	for attr, port := range map[uint16]uint16{unix.RTA_SPORT: q.SrcPort, unix.RTA_DPORT: q.DstPort} {
		if port != 0 {
			b = appendAttr(b, attr, []byte{byte(port >> 8), byte(port)})
		}
	}
	return b
}
