package inspect

import "net/netip"

// Socket is a TCP or UDP socket of a network namespace, see sock_diag(7).
type Socket struct {
	Protocol string `json:"protocol"` // tcp or udp
	Family   Family `json:"family"`
	// State is in ss(8)'s words: LISTEN, ESTAB, UNCONN, TIME-WAIT, …
	State  string         `json:"state"`
	Local  netip.AddrPort `json:"local"`
	Remote netip.AddrPort `json:"remote"` // the zero address where not connected
	// Device is the index of the interface that it is bound to; 0 for none.
	Device int `json:"device,omitempty"`
	// Inode is its number in the links of /proc/PID/fd, "socket:[123]"; 0
	// when no process has it open.
	Inode uint64 `json:"inode,omitempty"`
	UID   uint32 `json:"uid"`
	RecvQ uint32 `json:"recv_q,omitempty"` // bytes not read; of a listener: waiting connections
	SendQ uint32 `json:"send_q,omitempty"` // bytes not sent; of a listener: the limit of RecvQ
	V6    bool   `json:"v6only,omitempty"` // an IPv6 socket that takes no IPv4
	// Holders are the processes that have it open, by pid. Empty: none, or
	// not permitted to see.
	Holders []FD `json:"holders,omitempty"`
}
