package wire_test

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/netlab"
)

// output runs a program in a namespace.
func output(t *testing.T, n *netlab.NS, name string, args ...string) string {
	t.Helper()
	var text string
	n.Do(func() error {
		out, err := exec.Command(name, args...).CombinedOutput()
		if text = string(out); err != nil {
			return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
		}
		return nil
	})
	return text
}

// tables is what the kernel lists as tables of the older iptables.
func tables(t *testing.T, n *netlab.NS) (text string) {
	t.Helper()
	n.Do(func() error {
		for _, file := range []string{"ip_tables_names", "ip6_tables_names"} {
			b, err := os.ReadFile("/proc/thread-self/net/" + file)
			if err != nil {
				return err
			}
			text += file + ":\n" + string(b)
		}
		return nil
	})
	return text
}

// broad are rules of all sorts, by their tool.
const broad = `
iptables -N USER
iptables -N EMPTY
iptables -N THROUGH
iptables -P FORWARD DROP
iptables -A INPUT -i lo -j ACCEPT
iptables -A FORWARD -i eth+ ! -o br-123456789012 -s 10.0.0.0/8 ! -d 10.1.2.3/32 -p tcp -m tcp --dport 22 -j USER
iptables -A FORWARD -i + -o x -m set ! --match-set nets src,dst -j DROP
iptables -A FORWARD ! -s 10.0.0.0/255.0.255.0 ! -p udp -g THROUGH
iptables -A FORWARD -f -j ACCEPT
iptables -A FORWARD ! -f -p gre -j DROP
iptables -A FORWARD -p tcp -m multiport ! --dports 1,2:3,4 -m comment --comment "a b" -j REJECT --reject-with tcp-reset
iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -m limit --limit 3/sec -j LOG --log-prefix "x "
iptables -A FORWARD -m addrtype --dst-type LOCAL -m mark ! --mark 0x1/0xff -j MARK --set-xmark 0x5/0xffffffff
iptables -A FORWARD -m hashlimit --hashlimit-upto 5/sec --hashlimit-name h -j RETURN
iptables -A FORWARD -p icmp -m icmp --icmp-type 8 -j QUEUE
iptables -A FORWARD -p udp -m udp --sport 53 -m u32 --u32 "0&0xFF=0x1" -j NFQUEUE --queue-num 1
iptables -A FORWARD
iptables -A USER -j RETURN
iptables -A USER -p 132 -j DROP
iptables -A THROUGH -j USER
iptables -A OUTPUT -m owner --uid-owner 1000 -j ACCEPT
iptables -t nat -N DOCKER
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
iptables -t nat -A DOCKER -p tcp -m tcp --dport 8081 -j REDIRECT --to-ports 81
iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
iptables -t nat -A POSTROUTING -s 10.9.0.0/16 -j SNAT --to-source 192.0.2.1-192.0.2.9
iptables -t raw -A PREROUTING -p udp -m udp --dport 53 -j CT --notrack
iptables -t mangle -A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
iptables -t mangle -A OUTPUT -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff
ip6tables -A FORWARD -s fd00::/10 ! -d fd00::1/128 -i eth+ -p tcp -m tcp --dport 22 -j DROP
ip6tables -A FORWARD ! -p ipv6-icmp -m hl --hl-lt 5 -j ACCEPT
ip6tables -A FORWARD -s fd00::/ffff::ff00 -j REJECT --reject-with icmp6-adm-prohibited
ip6tables -t nat -A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination [fd00::2]:8080
ip6tables -t mangle -A POSTROUTING ! -o lo -j HL --hl-set 5
`

// load runs the lines of a script; those that need what the machine lacks are
// left out, and said to be.
func load(t *testing.T, n *netlab.NS, script string) (loaded int) {
	t.Helper()
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		tool, rest, ok := strings.Cut(line, " ")
		if !ok {
			continue
		}
		n.Do(func() error {
			out, err := exec.Command("sh", "-c", tool+"-legacy "+rest).CombinedOutput()
			if err != nil {
				t.Logf("not loaded here: %s: %s", line, out)
				return nil
			}
			loaded++
			return nil
		})
	}
	return loaded
}

// fields are what iptables-save(8) says of a rule, but for what the options of
// its matches and target are.
type fields struct {
	place, src, dst, in, out, proto, frag, counters, target string
	matches                                                 string
}

// saved reads the lines of iptables-save.
func saved(text string) (rules []fields, chains []string) {
	table := ""
	for line := range strings.Lines(text) {
		w := words(line)
		switch {
		case len(w) == 0 || w[0] == "#" || w[0] == "COMMIT":
		case w[0][0] == '*':
			table = w[0][1:]
		case w[0][0] == ':':
			chain := table + " " + w[0][1:] + " " + w[1]
			if w[1] != "-" {
				chain += " " + w[2]
			}
			chains = append(chains, chain)
		default:
			f := fields{place: table + " " + w[2], counters: w[0]}
			f.read(w[3:])
			rules = append(rules, f)
		}
	}
	return rules, chains
}

// words splits at blanks outside of quotes.
func words(line string) []string {
	quoted := false
	return strings.FieldsFunc(strings.TrimSpace(line), func(r rune) bool {
		quoted = quoted != (r == '"')
		return r == ' ' && !quoted
	})
}

func (f *fields) read(w []string) {
	not := ""
	for i := 0; i < len(w); i++ {
		to := map[string]*string{"-s": &f.src, "-d": &f.dst, "-i": &f.in, "-o": &f.out, "-p": &f.proto}[w[i]]
		switch {
		case w[i] == "!":
			not = "! "
			continue
		case to != nil:
			i++
			*to = not + w[i]
		case w[i] == "-f":
			f.frag = not + "-f"
		case w[i] == "-m":
			i++
			f.matches += " " + w[i]
		case w[i] == "-j" || w[i] == "-g":
			i++
			f.target = w[i-1] + " " + w[i]
		}
		not = ""
	}
}

// told are the same fields of a rule that was read.
func told(t *testing.T, r *inspect.NFRule) fields {
	f := fields{place: r.Table + " " + r.Chain}
	var what inspect.NFExpr
	var mask inspect.Bytes
	for _, e := range r.Exprs {
		switch e.Name {
		case "meta", "payload":
			what, mask = e, nil
		case "bitwise":
			mask = e.Mask
		case "cmp":
			f.compared(t, r.Family, what, mask, e)
		case "match":
			f.matches += " " + strings.Replace(e.Extension, "icmp6", "icmpv6", 1)
		case "counter":
			f.counters = fmt.Sprintf("[%d:%d]", e.Packets, e.Bytes)
		case "target":
			f.target = "-j " + e.Extension
		case "immediate":
			f.target = map[string]string{"jump": "-j ", "goto": "-g "}[e.Verdict.Code] + e.Verdict.Chain
			if e.Verdict.Chain == "" {
				f.target = "-j " + strings.ToUpper(e.Verdict.Code)
			}
		default:
			t.Errorf("expression %+v", e)
		}
	}
	return f
}

func (f *fields) compared(t *testing.T, family inspect.NFFamily, what inspect.NFExpr, mask inspect.Bytes, e inspect.NFExpr) {
	not := ""
	if e.Op == "!=" {
		not = "! "
	}
	src := uint32(12)
	if family == inspect.NFIPv6 {
		src = 8
	}
	switch {
	case what.Key == "iifname" || what.Key == "oifname":
		name, _, exact := strings.Cut(string(e.Data), "\x00")
		if !exact || mask != nil {
			name += "+"
		}
		if what.Key == "iifname" {
			f.in = not + name
		} else {
			f.out = not + name
		}
	case what.Key == "l4proto":
		f.proto = not + map[byte]string{1: "icmp", 6: "tcp", 17: "udp", 47: "gre", 58: "ipv6-icmp", 132: "sctp"}[e.Data[0]]
	case what.Offset == 6 && what.Len == 2:
		if e.Op == "==" {
			not = "! "
		} else {
			not = ""
		}
		f.frag = not + "-f"
	case what.Offset == src:
		f.src = not + address(e.Data, mask)
	default:
		f.dst = not + address(e.Data, mask)
	}
}

// address is an address with its mask as iptables-save has it.
func address(b, mask inspect.Bytes) string {
	a, _ := netip.AddrFromSlice(b)
	if mask == nil {
		return netip.PrefixFrom(a, a.BitLen()).String()
	}
	for n := range a.BitLen() + 1 {
		if p, _ := netip.AddrFrom16([16]byte(slices.Repeat([]byte{0xff}, 16))).Prefix(n); slices.Equal(p.Addr().AsSlice()[:len(mask)], mask) {
			return netip.PrefixFrom(a, n).String()
		}
	}
	m, _ := netip.AddrFromSlice(mask)
	return a.String() + "/" + m.String()
}

// TestLegacyRules holds that the rules are those that iptables-save lists,
// field by field, with counters, and that reading changes nothing.
func TestLegacyRules(t *testing.T) {
	livetest.Root(t)
	n, other, none := netlab.New(t), netlab.New(t), netlab.New(t)
	n.LegacyTables()
	output(t, other, "iptables-legacy", "-t", "raw", "-S")
	n.Do(func() error {
		if err := netlink.IpsetCreate("nets", "hash:ip", netlink.IpsetCreateOptions{}); err != nil {
			t.Logf("no sets here: %v", err)
		}
		return nil
	})
	if loaded := load(t, n, broad); loaded < 30 {
		t.Errorf("only %d rules could be loaded", loaded)
	}
	output(t, n, "sh", "-c", "iptables-legacy -Z; iptables-legacy -A INPUT -c 5 600; ip link set lo up; iptables-legacy -I INPUT -c 7 89 -p sctp")
	save := func() map[inspect.NFFamily]string {
		return map[inspect.NFFamily]string{
			inspect.NFIPv4: output(t, n, "iptables-legacy-save", "-c"), inspect.NFIPv6: output(t, n, "ip6tables-legacy-save", "-c"),
		}
	}
	before := save()
	names := [3]string{tables(t, n), tables(t, other), tables(t, none)}

	nets := collect(t, inspect.FactNetfilter, n, other, none)
	rs := network(t, nets, n.ID, 0).Ruleset
	for family, text := range before {
		want, chains := saved(text)
		var have []fields
		var haveChains []string
		for i := range rs.Rules {
			if r := &rs.Rules[i]; r.Family == family {
				have = append(have, told(t, r))
			}
		}
		for _, c := range rs.Chains {
			word := c.Table + " " + c.Name + " -"
			if c.Hook != "" {
				word = fmt.Sprintf("%s %s %s [%d:%d]", c.Table, c.Name, strings.ToUpper(c.Policy), *c.Packets, *c.Bytes)
			}
			if c.Family == family {
				haveChains = append(haveChains, word)
			}
		}
		for _, w := range want {
			if !slices.Contains(have, w) {
				t.Errorf("%s: %+v is not in\n%+v", family, w, have)
			}
		}
		slices.Sort(chains)
		slices.Sort(haveChains)
		if len(have) != len(want) || !slices.Equal(chains, haveChains) {
			t.Errorf("%s: %d rules, want %d; chains\n%q, want\n%q", family, len(have), len(want), haveChains, chains)
		}
	}
	if after := save(); comparable(after) != comparable(before) {
		t.Errorf("reading has changed the rules:\n%v\nbefore:\n%v", after, before)
	}
	if after := [3]string{tables(t, n), tables(t, other), tables(t, none)}; after != names {
		t.Errorf("reading has made tables: %q, before %q", after, names)
	}
	if rs := network(t, nets, none.ID, 0).Ruleset; len(rs.Tables) > 0 || len(rs.Legacy) > 0 {
		t.Errorf("tables of an empty namespace: %+v", rs)
	}
	if rs := network(t, nets, other.ID, 0).Ruleset; len(rs.Tables) != 1 || rs.Tables[0].Name != "raw" || len(rs.Chains) != 2 {
		t.Errorf("only raw is there: %+v", rs)
	}
}

// comparable leaves out the lines that say when a list was made.
func comparable(saves map[inspect.NFFamily]string) string {
	var b strings.Builder
	for _, family := range []inspect.NFFamily{inspect.NFIPv4, inspect.NFIPv6} {
		for line := range strings.Lines(saves[family]) {
			if line[0] != '#' {
				b.WriteString(line)
			}
		}
	}
	return b.String()
}

// TestLegacyChanges holds that while somebody replaces a table, each look sees
// one of its states whole.
func TestLegacyChanges(t *testing.T) {
	livetest.Root(t)
	n := netlab.New(t)
	n.LegacyTables()
	// The first two differ in where the chains begin, not in size.
	states := []string{"40 INPUT drop", "40 OUTPUT accept", "3 FORWARD return"}
	replace := func(state string) {
		var rules int
		var chain, verdict string
		fmt.Sscan(state, &rules, &chain, &verdict)
		n.Run("*filter\n"+strings.Repeat("-A "+chain+" -j "+strings.ToUpper(verdict)+"\n", rules)+"COMMIT\n", "iptables-legacy-restore")
	}
	replace(states[0])
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 1; ; i++ {
			select {
			case <-done:
				return
			default:
				replace(states[i%len(states)])
			}
		}
	}()
	defer func() { close(done); <-stopped }()
	seen := map[string]bool{}
	for i := 0; i < 400 && (i < 100 || len(seen) < len(states)); i++ {
		rs := network(t, collect(t, inspect.FactNetfilter, n), n.ID, 0).Ruleset
		if len(rs.Rules) == 0 || len(rs.Legacy) > 0 {
			t.Fatalf("%d rules, not read %q", len(rs.Rules), rs.Legacy)
		}
		state := ""
		for _, r := range rs.Rules {
			word := fmt.Sprintf("%d %s %s", len(rs.Rules), r.Chain, r.Exprs[len(r.Exprs)-1].Verdict.Code)
			if state != "" && word != state || !slices.Contains(states, word) {
				t.Fatalf("%s where the states are %q", word, states)
			}
			state = word
		}
		seen[state] = true
	}
	if len(seen) < 2 {
		t.Errorf("only %d states were seen", len(seen))
	}
}
