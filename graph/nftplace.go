package graph

import (
	"fmt"

	"nsinspect/inspect"
)

// RulePlace is where a rule is, or a chain with its policy.
type RulePlace struct {
	Family, Table, Chain string
	// Legacy says that the table is one of the older iptables.
	Legacy bool
	// Handle is that of the rule, in the older iptables its number in the
	// chain; 0 is the chain.
	Handle uint64
}

// PlaceOfRule is the place of a rule.
func PlaceOfRule(r *inspect.NFRule) RulePlace {
	return RulePlace{Family: r.Family.String(), Table: r.Table, Chain: r.Chain, Legacy: r.Legacy, Handle: r.Handle}
}

// PlaceOfChain is the place of a chain.
func PlaceOfChain(c *inspect.NFChain) RulePlace {
	return RulePlace{Family: c.Family.String(), Table: c.Table, Chain: c.Name, Legacy: c.Legacy}
}

// Iptables is the program that changes the rules there, for IPv4 or IPv6:
// where they are not in nf_tables, it is not the one that the host may have by
// the name iptables.
func (p RulePlace) Iptables() string {
	tool := "iptables"
	if p.Family == inspect.NFIPv6.String() {
		tool = "ip6tables"
	}
	if p.Legacy {
		tool += "-legacy"
	}
	return tool
}

// legacy is a command of the older iptables for the chain, and for its rule.
func (p RulePlace) legacy(option string) string {
	text := fmt.Sprintf("%s -t %s %s %s", p.Iptables(), ShellWord(p.Table), option, ShellWord(p.Chain))
	if p.Handle != 0 {
		text += fmt.Sprintf(" %d", p.Handle)
	}
	return text
}

// String is "ip nat POSTROUTING handle 7", and of the older iptables the
// command that lists the rule.
func (p RulePlace) String() string {
	switch {
	case p.Legacy:
		return p.legacy("-S")
	case p.Handle != 0:
		return fmt.Sprintf("%s %s %s handle %d", p.Family, p.Table, p.Chain, p.Handle)
	}
	return fmt.Sprintf("%s %s %s", p.Family, p.Table, p.Chain)
}

// List is the command that lists the chain, of a rule with the handles.
func (p RulePlace) List() string {
	if p.Legacy {
		p.Handle = 0
		return p.legacy("-S")
	}
	handles := ""
	if p.Handle != 0 {
		handles = "-a "
	}
	return fmt.Sprintf("nft %slist chain %s %s %s", handles, p.Family, ShellWord(p.Table), ShellWord(p.Chain))
}

// Delete is the command that deletes the rule.
func (p RulePlace) Delete() string {
	if p.Legacy {
		return p.legacy("-D")
	}
	return fmt.Sprintf("nft delete rule %s %s %s handle %d", p.Family, ShellWord(p.Table), ShellWord(p.Chain), p.Handle)
}

// Tell writes the rule with its place.
func (p RulePlace) Tell(text string) string {
	if p.Legacy {
		return p.legacy("-S") + ": " + text
	}
	return fmt.Sprintf("rule %d of %s %s %s: %s", p.Handle, p.Family, p.Table, p.Chain, text)
}
