package render

import (
	"cmp"
	"fmt"
	"net"
	"strconv"
	"strings"

	"nsinspect/graph"
)

// PortColumns returns the columns of a list of ports.
func PortColumns() Columns[graph.PortRow] {
	type row = graph.PortRow
	return Columns[row]{
		{Name: "NETNS", Help: "namespace, by container, name or process", Text: func(r *row) string { return r.NetnsTitle }, Style: always[row](Name)},
		{Name: "PROTO", Help: "tcp or udp", Text: func(r *row) string { return r.Protocol }},
		{Name: "ADDRESS", Help: "bound address; * is all", Text: portAddress},
		{
			Name: "PORT", Help: "bound port", Text: func(r *row) string { return strconv.Itoa(int(r.Port)) }, Right: true,
			Compare: func(a, b *row) int { return cmp.Compare(a.Port, b.Port) },
		},
		{Name: "PUBLISHED", Help: "ports of the host that lead here", Text: portPublished},
		{Name: "PID", Help: "process that listens", Text: portPID, Right: true},
		{Name: "CONTAINER", Help: "its container", Text: portContainer, Style: always[row](Name)},
		{Name: "UID", Help: "owner of the socket", Text: portUID, Right: true, Show: ShowWide},
		{Name: "PROCESS", Help: "its name", Text: portProcess},
		{Name: "NOTE", Help: "what is not as it should be", Text: portNote, Style: always[row](Warning)},
	}
}

func portAddress(r *graph.PortRow) string {
	switch {
	case !r.Address.IsValid():
		return ""
	case r.Address.IsUnspecified() && r.Address.Is6() && !r.V6Only:
		return "*"
	case r.Device != "":
		return r.Address.String() + "%" + r.Device
	}
	return r.Address.String()
}

func portPublished(r *graph.PortRow) string {
	var out []string
	for _, p := range r.Published {
		host := "*"
		if p.HostIP.IsValid() && !p.HostIP.IsUnspecified() {
			host = p.HostIP.String()
		}
		out = append(out, net.JoinHostPort(host, strconv.Itoa(int(p.HostPort))))
	}
	return strings.Join(out, ",")
}

func portPID(r *graph.PortRow) string {
	if len(r.Processes) == 0 {
		return ""
	}
	return strconv.Itoa(r.Processes[0].PID)
}

func portContainer(r *graph.PortRow) string {
	if r.Container == nil {
		return ""
	}
	return r.Container.Name
}

func portUID(r *graph.PortRow) string {
	if r.UID == nil {
		return ""
	}
	return strconv.FormatUint(uint64(*r.UID), 10)
}

func portProcess(r *graph.PortRow) string {
	if len(r.Processes) == 0 || r.Processes[0].Command == nil {
		return ""
	}
	text := *r.Processes[0].Command
	if n := len(r.Processes); n > 1 {
		text += fmt.Sprintf(" +%d", n-1)
	}
	return text
}

func portNote(r *graph.PortRow) string {
	switch {
	case !r.Listening:
		return "published, nobody listens"
	case r.Reachable != nil && !*r.Reachable:
		return fmt.Sprintf("published, but bound to %s only", r.Address)
	}
	return ""
}
