package wire

import (
	"errors"
	"fmt"
	"runtime"
	"slices"

	"nsinspect/inspect"
)

// legacyTable is a table of the older iptables.
type legacyTable struct {
	inspect.NFTable
	chains []inspect.NFChain
	rules  []inspect.NFRule
}

// legacyLayout is struct ipt_getinfo: where the chains of the hooks begin and
// where their policies are, as offsets into the entries.
type legacyLayout struct {
	hooks            uint32 // a bit for each of NF_INET_*
	entry, underflow [hookCount]uint32
	entries, size    uint32
}

// errLayout is a table that is not as iptables(8) lays one out.
var errLayout = errors.New("not as iptables lays tables out")

// hookCount is NF_INET_NUMHOOKS of linux/netfilter.h.
const hookCount = 5

// sizeofXtInfo is that of struct ipt_getinfo: char name[32], u32 valid_hooks,
// u32 hook_entry[5], u32 underflow[5], u32 num_entries, u32 size.
const sizeofXtInfo = xtNameLen + 4 + 2*4*hookCount + 8

func parseLayout(b []byte) (l legacyLayout) {
	b = b[xtNameLen:]
	l.hooks = native.Uint32(b)
	for h := range hookCount {
		l.entry[h], l.underflow[h] = native.Uint32(b[4+4*h:]), native.Uint32(b[4+4*(hookCount+h):])
	}
	l.entries, l.size = native.Uint32(b[44:]), native.Uint32(b[48:])
	return l
}

// alignC64 aligns as C does a u64.
func alignC64(n int) int {
	if runtime.GOARCH == "386" {
		return (n + 3) &^ 3
	}
	return (n + 7) &^ 7
}

// legacyKind is what a table of the older iptables is by its name: the type
// and priority of its chains, linux/netfilter_ipv4.h.
func legacyKind(table string, hook int) (typ string, priority int32, ok bool) {
	const output, input = 3, 1
	switch table {
	case "raw":
		return "filter", -300, true
	case "mangle":
		if hook == output {
			return "route", -150, true
		}
		return "filter", -150, true
	case "nat":
		if hook == input || hook == hookCount-1 {
			return "nat", 100, true
		}
		return "nat", -100, true
	case "filter":
		return "filter", 0, true
	case "security":
		return "filter", 50, true
	}
	return "", 0, false
}

// parseLegacy makes chains and rules of the entries of a table, as
// iptables(8) lays them out: the chains of the hooks with their policies, then
// those of the user, each begun by its name and ended by RETURN. The kernel
// would take others too; they are an error here, never read wrongly.
func parseLegacy(f inspect.NFFamily, table string, l legacyLayout, blob []byte) (legacyTable, error) {
	p := legacyParser{family: f, table: table, layout: l, heads: map[int]string{}, open: -1}
	p.NFTable = inspect.NFTable{Family: f, Name: table, Legacy: true}
	if _, _, ok := legacyKind(table, 0); !ok {
		return p.legacyTable, fmt.Errorf("table %s is not known", table)
	}
	if err := p.split(blob); err != nil {
		return p.legacyTable, err
	}
	if err := p.walk(); err != nil {
		return p.legacyTable, err
	}
	return p.legacyTable, nil
}

type legacyParser struct {
	legacyTable
	family  inspect.NFFamily
	table   string
	layout  legacyLayout
	entries []xtEntry
	heads   map[int]string // chains of the user by the offset of their first entry
	open    int            // chain that is walked, else -1
	hook    int            // of that; -1 for the user's
	first   int            // its first entry
}

// split takes the entries apart and finds the chains of the user.
func (p *legacyParser) split(blob []byte) error {
	if uint64(len(blob)) != uint64(p.layout.size) {
		return fmt.Errorf("%d bytes of rules, not %d: %w", len(blob), p.layout.size, errLayout)
	}
	names := map[string]bool{}
	for off := 0; off < len(blob); {
		e, err := parseEntry(p.family, blob, off)
		if err != nil {
			return err
		}
		p.entries = append(p.entries, e)
		off += e.size
		if e.target == xtError && off < len(blob) {
			name := cstring(e.info)
			if name == "" || names[name] {
				return fmt.Errorf("chain %q is there twice: %w", name, errLayout)
			}
			names[name], p.heads[off] = true, name
		}
	}
	n := len(p.entries)
	if uint64(n) != uint64(p.layout.entries) || n == 0 || p.entries[n-1].target != xtError {
		return fmt.Errorf("%d rules, not %d with an end: %w", n, p.layout.entries, errLayout)
	}
	return nil
}

// walk gives each entry to its chain.
func (p *legacyParser) walk() error {
	for i := range p.entries {
		e := &p.entries[i]
		h := p.hookAt(e.off)
		switch {
		case h >= 0:
			if err := p.begin(i, inspect.NFChain{Name: legacyHooks[h]}, h); err != nil {
				return err
			}
		case e.target == xtError && i == len(p.entries)-1:
			return p.finish(i)
		case e.target == xtError:
			if err := p.begin(i+1, inspect.NFChain{Name: p.heads[e.off+e.size]}, -1); err != nil {
				return err
			}
			continue
		}
		if p.open < 0 {
			return fmt.Errorf("rule at %d is in no chain: %w", e.off, errLayout)
		}
		if p.hook >= 0 && e.off == int(p.layout.underflow[p.hook]) {
			if err := p.policy(e); err != nil {
				return err
			}
		} else if p.hook >= 0 {
			if err := p.rule(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// legacyHooks are the names of the chains of the hooks, in the order of
// NF_INET_*.
var legacyHooks = [hookCount]string{"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}

func (p *legacyParser) hookAt(off int) int {
	for h := range hookCount {
		if p.layout.hooks&(1<<h) != 0 && int(p.layout.entry[h]) == off {
			return h
		}
	}
	return -1
}

// begin closes the chain before and begins one.
func (p *legacyParser) begin(i int, c inspect.NFChain, hook int) error {
	if err := p.close(i); err != nil {
		return err
	}
	c.Family, c.Table, c.Legacy = p.family, p.table, true
	if hook >= 0 {
		c.Hook = hookName(p.family, uint32(hook))
		c.Type, c.Priority, _ = legacyKind(p.table, hook)
	}
	if slices.ContainsFunc(p.chains, func(o inspect.NFChain) bool { return o.Name == c.Name }) {
		return fmt.Errorf("chain %q is there twice: %w", c.Name, errLayout)
	}
	p.chains = append(p.chains, c)
	p.open, p.hook, p.first = len(p.chains)-1, hook, i
	return nil
}

// close ends a chain of the user before entry i, or the entry before that
// which has the name of the next one. That of a hook was ended by its policy.
func (p *legacyParser) close(i int) error {
	if p.open < 0 {
		return nil
	}
	if p.hook >= 0 {
		return fmt.Errorf("chain %s has no policy: %w", p.chains[p.open].Name, errLayout)
	}
	last := i - 1
	if last >= p.first && p.entries[last].target == xtError {
		last--
	}
	if last < p.first || !p.entries[last].returns() {
		return fmt.Errorf("chain %s does not end with RETURN: %w", p.chains[p.open].Name, errLayout)
	}
	for i := p.first; i < last; i++ {
		if err := p.rule(&p.entries[i]); err != nil {
			return err
		}
	}
	p.open = -1
	return nil
}

// finish is the end of the entries: all hooks must have been met.
func (p *legacyParser) finish(i int) error {
	if err := p.close(i); err != nil {
		return err
	}
	have := 0
	for _, c := range p.chains {
		if c.Hook != "" {
			have |= 1 << slices.Index(legacyHooks[:], c.Name)
		}
	}
	if uint32(have) != p.layout.hooks {
		return fmt.Errorf("hooks %#x have no rules: %w", p.layout.hooks&^uint32(have), errLayout)
	}
	return nil
}

// policy is the last entry of the chain of a hook.
func (p *legacyParser) policy(e *xtEntry) error {
	c := &p.chains[p.open]
	v, ok := e.verdict()
	if !ok || !e.bare() || v != xtAccept && v != xtDrop {
		return fmt.Errorf("chain %s has no policy: %w", c.Name, errLayout)
	}
	c.Policy = "accept"
	if v == xtDrop {
		c.Policy = "drop"
	}
	packets, bytes := e.packets, e.bytes
	c.Packets, c.Bytes = &packets, &bytes
	p.open = -1
	return nil
}

func (p *legacyParser) rule(e *xtEntry) error {
	c := &p.chains[p.open]
	r := inspect.NFRule{Family: p.family, Table: p.table, Chain: c.Name, Legacy: true, Handle: 1}
	if n := len(p.rules); n > 0 && p.rules[n-1].Chain == c.Name {
		r.Handle = p.rules[n-1].Handle + 1
	}
	var err error
	if r.Exprs, err = e.exprs(p.family, p.heads); err != nil {
		return fmt.Errorf("rule %d of chain %s: %w", r.Handle, c.Name, err)
	}
	p.rules = append(p.rules, r)
	return nil
}
