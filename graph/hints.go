package graph

import (
	"fmt"
	"slices"
)

// Hint is what follows for security from the namespaces of a process.
type Hint struct {
	Code string `json:"code"` // stable, for programs: host-net
	Text string `json:"text"`
}

// hints says where the isolation of p ends. It has nothing to say of a process
// that is meant to be one of the host: in no container, and in the host's user
// and pid namespaces.
func hints(p *ProcessProfile, contained bool) []Hint {
	shares := map[string]bool{}
	for _, m := range p.Namespaces {
		if m.Host != nil {
			shares[m.Link] = *m.Host
			contained = contained || !*m.Host && (m.Link == "pid" || m.Link == "user")
		}
	}
	list := []Hint{}
	if !contained {
		return list
	}
	list = append(list, rootHints(p, shares["user"])...)
	for _, h := range []struct{ link, text string }{
		{"mnt", "shares the host's mount namespace: it sees the host's files as the host does"},
		{"pid", "shares the host's pid namespace: it sees the host's processes"},
		{"net", "shares the host's network namespace: it sees the host's interfaces, ports and traffic"},
		{"ipc", "shares the host's IPC namespace: it sees the host's shared memory and message queues"},
	} {
		if shares[h.link] {
			list = append(list, Hint{"host-" + h.link, h.text})
		}
	}
	return list
}

// rootHints says what the ids and capabilities of p are worth outside.
func rootHints(p *ProcessProfile, hostUser bool) []Hint {
	var list []Hint
	unchanged := p.User != nil && p.User.IDMap != nil && identity(p.User.IDMap.UID)
	switch {
	case hostUser:
		list = append(list, Hint{"host-user", "its user namespace is the host's: root inside is root outside"})
	case unchanged:
		list = append(list, Hint{"identity-map", "its user namespace maps every id to itself: root inside owns what root owns outside"})
	}
	if !hostUser || p.Details == nil || p.Capabilities == nil {
		return list
	}
	switch c := p.Capabilities; {
	case c.All:
		list = append(list, Hint{"privileged", fmt.Sprintf("has all %d capabilities in the host's user namespace", len(c.Effective))})
	case slices.Contains(c.Effective, "sys_admin"):
		list = append(list, Hint{"sys-admin", "has the capability sys_admin in the host's user namespace"})
	}
	if p.Seccomp == SeccompWords(0) {
		list = append(list, Hint{"no-seccomp", "no seccomp filter limits its system calls"})
	}
	return list
}
