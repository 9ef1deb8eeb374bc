package graph

import (
	"fmt"
	"slices"
	"strings"

	"nsinspect/inspect"
)

// Can says which capabilities a process has in a namespace.
type Can struct {
	PID     int     `json:"pid"`
	Command *string `json:"command"`
	// NS and Type are the namespace, Over the user namespace that decides:
	// itself, or its owner.
	NS   uint64       `json:"ns"`
	Type inspect.Type `json:"type"`
	Over *uint64      `json:"over"` // nil when not known
	In   *uint64      `json:"in"`   // user namespace of the process; nil when not known
	// Rule is what decides, see the constants; Why says it in words.
	Rule CanRule `json:"rule"`
	Why  string  `json:"why"`
	// Capabilities are those that it has there; nil when that is not known.
	Capabilities []string `json:"capabilities"`
	// All says that these are all that the kernel has.
	All bool `json:"all"`
	// Asked is the capability that was asked for, "" for none; Has whether it
	// has that, nil when that is not known.
	Asked    string            `json:"asked,omitempty"`
	Has      *bool             `json:"has,omitempty"`
	Notes    []string          `json:"notes"`
	Problems []inspect.Problem `json:"problems"`
	Format   int               `json:"format"`
}

// CanRule is one of the rules of user_namespaces(7), "Capabilities".
type CanRule string

// The rules.
const (
	// CanMember: the process is in the user namespace; its effective set counts.
	CanMember CanRule = "member"
	// CanAncestor: the process is in a user namespace above; its effective set
	// counts there too.
	CanAncestor CanRule = "ancestor"
	// CanOwner: the process is in the parent and made the user namespace, or
	// one above it: it has all.
	CanOwner CanRule = "owner"
	// CanNot: the user namespace is neither that of the process nor below it.
	CanNot CanRule = "outside"
	// CanUnknown: not enough is known.
	CanUnknown CanRule = "unknown"
)

// ParseCap returns the number of a capability by its name as in
// capabilities(7), with or without CAP_, in any case; false if there is none.
func ParseCap(name string) (int, bool) {
	name = strings.TrimPrefix(strings.ToLower(name), "cap_")
	i := slices.Index(capNames[:], name)
	return i, i >= 0
}

// CanOf returns what p may in the namespace n. asked is a capability, -1 for
// none.
func CanOf(x *inspect.Index, p *inspect.Process, n *inspect.Namespace, asked int) *Can {
	c := &Can{PID: p.PID, NS: n.ID.Ino, Type: n.Type, Problems: problems(x), Format: inspect.Format, Notes: []string{}}
	if p.Info != nil {
		c.Command = &p.Info.Comm
	}
	over := n.Owner
	if n.Type == inspect.User {
		over = n.ID
	}
	in := p.NS.Of(inspect.User)
	c.Over, c.In = inodeOf(over), inodeOf(in)
	set, ok := c.decide(x, p, in, over)
	if ok {
		c.Capabilities, c.All = CapNames(set), set == allCaps(x.Snapshot())
	}
	if asked >= 0 {
		c.Asked = capNames[asked]
		if ok {
			c.Has = known(set&(1<<asked) != 0)
		}
	}
	c.note(p, n)
	return c
}

// decide is cap_capable() of security/commoncap.c: it goes up from the user
// namespace that decides until it meets the process's own.
func (c *Can) decide(x *inspect.Index, p *inspect.Process, in, over inspect.ID) (uint64, bool) {
	switch {
	case p.Info == nil || p.Info.Caps == nil:
		return c.unknown("the capabilities of the process could not be read")
	case in.IsZero():
		return c.unknown("the user namespace of the process is not known")
	case over.IsZero():
		return c.unknown("the owner of the namespace is not known: it is out of sight, or was not read")
	}
	own := p.Info.Caps.Effective
	chain := append([]inspect.ID{over}, x.Ancestors(over)...)
	for i, id := range chain {
		if id == in {
			return c.met(own, i, in, over)
		}
		n := x.Namespace(id)
		if n == nil {
			break
		}
		if n.Parent == in && n.OwnerUID != nil && *n.OwnerUID == p.Info.EUID() {
			c.Rule = CanOwner
			c.Why = fmt.Sprintf("it runs as user %d, who made %s, in the user namespace above that: so it has all capabilities there%s",
				p.Info.EUID(), userNS(id), below(i))
			return allCaps(x.Snapshot()), true
		}
	}
	if slices.Contains(x.Ancestors(in), over) {
		c.Rule = CanNot
		c.Why = fmt.Sprintf("its own user namespace %s lies below %s: capabilities reach downwards only", userNS(in), userNS(over))
		return 0, true
	}
	if top := x.Namespace(chain[len(chain)-1]); top == nil || !x.IsOwn(top.ID) && !top.Parent.IsZero() {
		return c.unknown("the user namespaces above " + userNS(over) + " are out of sight")
	}
	c.Rule = CanNot
	c.Why = fmt.Sprintf("its user namespace %s is neither %s nor above that, and it is not the user who made it", userNS(in), userNS(over))
	return 0, true
}

// met is for a process in the deciding user namespace, or i levels above.
func (c *Can) met(own uint64, i int, in, over inspect.ID) (uint64, bool) {
	if i == 0 {
		c.Rule = CanMember
		c.Why = fmt.Sprintf("it is in %s, which decides: what counts is its effective set", userNS(in))
		return own, true
	}
	c.Rule = CanAncestor
	c.Why = fmt.Sprintf("it is in %s, %s above %s, which decides: its effective set counts there too",
		userNS(in), plural(i, "level", "levels"), userNS(over))
	return own, true
}

func (c *Can) unknown(why string) (uint64, bool) {
	c.Rule, c.Why = CanUnknown, why
	return 0, false
}

func userNS(id inspect.ID) string { return fmt.Sprintf("user:[%d]", id.Ino) }

func below(levels int) string {
	if levels == 0 {
		return ""
	}
	return " and in what lies below"
}

// note says what else may stand in the way, and what entering needs.
func (c *Can) note(p *inspect.Process, n *inspect.Namespace) {
	if p.Info != nil && p.Info.Seccomp == 2 {
		c.Notes = append(c.Notes, "a seccomp filter may refuse system calls all the same")
	}
	if p.Info != nil && p.Info.Caps != nil && p.Info.NoNewPrivs {
		c.Notes = append(c.Notes, "no_new_privs is set: no program that it starts gains more")
	}
	if p.NS.Of(n.Type) != n.ID && c.Capabilities != nil {
		c.Notes = append(c.Notes, c.entering(n, CapNames(p.Info.Caps.Effective)))
	}
}

// entering says whether the process may enter the namespace, setns(2).
// own is its effective set, which is that in its own user namespace.
func (c *Can) entering(n *inspect.Namespace, own []string) string {
	switch {
	case !slices.Contains(c.Capabilities, "sys_admin"):
		return "it may not enter it: that needs sys_admin there (setns(2))"
	case n.Type == inspect.User:
		return "it may enter it, if it has a single thread (setns(2))"
	case !slices.Contains(own, "sys_admin"):
		return "it may enter it only together with the user namespace: it lacks sys_admin in its own (setns(2))"
	case n.Type == inspect.Mnt && !slices.Contains(own, "sys_chroot"):
		return "it may not enter it: a mount namespace needs sys_chroot in its own user namespace too (setns(2))"
	}
	return "it may enter it (setns(2))"
}
