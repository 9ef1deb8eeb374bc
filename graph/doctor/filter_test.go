package doctor_test

import (
	"slices"
	"strings"
	"testing"

	"nsinspect/graph/doctor"
	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest/netlab"
)

// without are Docker's rules without the lines that have a text in them.
func without(text string) string {
	var keep []string
	for line := range strings.Lines(netlab.DockerRules) {
		if !strings.Contains(line, text) {
			keep = append(keep, line)
		}
	}
	return strings.Join(keep, "")
}

func rules(l *lab, text string) { l.Host.Iptables(text) }

func whole(l *lab) { rules(l, netlab.DockerRules) }

var filterFaults = []fault{
	{
		name: "docker's rules flushed", check: "forward-dropped", severity: doctor.Fault, object: bridge0,
		cause: "no rule lets packets of web, db through, and the policy of chain FORWARD drops them", fix: "iptables -I FORWARD -i docker0 -o ens3 -j ACCEPT",
		do:   func(l *lab) { rules(l, without("-A FORWARD")) },
		undo: whole,
	},
	{
		name: "rule for replies lost", check: "forward-dropped", severity: doctor.Fault, object: bridge0,
		cause: "the policy of chain FORWARD drops them", fix: "RELATED,ESTABLISHED",
		do:   func(l *lab) { rules(l, without("RELATED,ESTABLISHED")) },
		undo: whole,
	},
	{
		name: "flushed, repaired by the fix", check: "forward-dropped", severity: doctor.Fault, object: bridge0,
		cause: "no rule lets packets",
		fix:   "iptables -I FORWARD -i docker0 -o docker0 -j ACCEPT",
		do:    func(l *lab) { rules(l, without("-A FORWARD")) },
		undo: func(l *lab) {
			for _, rule := range []string{
				"-o docker0 -m conntrack --ctstate RELATED,ESTABLISHED", "-i docker0 -o ens3", "-i docker0 -o docker0",
			} {
				l.Host.Run("", l.Host.Tool("iptables"), append(append([]string{"-I", "FORWARD"}, strings.Fields(rule)...), "-j", "ACCEPT")...)
			}
		},
	},
	{
		name: "a rule stops containers", check: "forward-ruled", severity: doctor.Note, object: bridge0,
		cause: "a rule of chain DOCKER-USER stops packets of web, db on their way to the outside, or the replies", fix: " DOCKER-USER",
		do: func(l *lab) {
			l.Host.Run("", l.Host.Tool("iptables"), "-I", "DOCKER-USER", "-o", "ens3", "-j", "REJECT")
		},
		undo: func(l *lab) {
			l.Host.Run("", l.Host.Tool("iptables"), "-D", "DOCKER-USER", "-o", "ens3", "-j", "REJECT")
		},
	},
	{
		name: "masquerade lost", check: "masquerade", severity: doctor.Fault, object: bridge0,
		cause: "packets of web, db leave through ens3 with their private addresses", fix: "iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
		do:   func(l *lab) { rules(l, without("172.17.0.0/16 ! -o docker0 -j MASQUERADE")) },
		undo: whole,
	},
	{
		name: "bridge calls iptables", check: "bridge-nf", severity: doctor.Fault, object: bridge0,
		cause: "web, db do not reach each other", fix: "iptables -I FORWARD -i docker0 -o docker0 -j ACCEPT",
		do: func(l *lab) {
			l.Host.Sysctl("net/bridge/bridge-nf-call-iptables", "1")
			rules(l, without("-A FORWARD -i docker0 -o docker0"))
		},
		undo: func(l *lab) { l.Host.Sysctl("net/bridge/bridge-nf-call-iptables", "0") },
	},
	{
		name: "foreign bridge", check: "foreign-bridge", severity: doctor.Fault, object: "bridge lxcbr0",
		cause: "no rule lets packets of sleep (pid 1003) through", fix: "iptables -I DOCKER-USER -i lxcbr0 -j ACCEPT",
		do: func(l *lab) {
			n := netlab.New(l.t)
			l.more = append(l.more, n)
			l.Host.Veth("lxc1", n, "eth0")
			l.Host.Bridge("lxcbr0", "lxc1")
			l.Host.Addr("lxcbr0", "10.0.3.1/24")
			n.Addr("eth0", "10.0.3.2/24")
			n.Route("default", "10.0.3.1", "eth0")
		},
		undo: func(l *lab) {
			l.Host.Run("", l.Host.Tool("iptables"), "-I", "DOCKER-USER", "-i", "lxcbr0", "-j", "ACCEPT")
			l.Host.Run("", l.Host.Tool("iptables"), strings.Fields("-I DOCKER-USER -o lxcbr0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")...)
		},
	},
	{
		name: "input blocks containers", check: "input-blocked", severity: doctor.Warning, object: "port 172.17.0.1:5300/tcp",
		cause: "a process listens there for containers on docker0", fix: "iptables -I INPUT -i docker0 -d 172.17.0.1 -p tcp --dport 5300 -j ACCEPT",
		do: func(l *lab) {
			l.listen(l.Host, "172.17.0.1:5300")
			l.Host.Run("", l.Host.Tool("iptables"), "-A", "INPUT", "-i", "docker0", "-j", "DROP")
		},
		undo: func(l *lab) {
			l.Host.Run("", l.Host.Tool("iptables"), strings.Fields("-I INPUT -i docker0 -d 172.17.0.1 -p tcp --dport 5300 -j ACCEPT")...)
		},
	},
	{
		name: "older tables too", check: "iptables-legacy", severity: doctor.Note, object: "rules",
		cause: "these tables of the older iptables have some too: ip filter",
		do: func(l *lab) {
			l.Host.LegacyTables() // nat has no rules: that alone is nothing
			l.Host.Run("", "iptables-legacy", "-A", "INPUT", "-p", "esp", "-j", "ACCEPT")
		},
		undo: func(l *lab) { l.Host.Run("", "iptables-legacy", "-F") },
	},
}

// TestRulesUnread holds that a host is not called healthy, nor broken, whose
// rules could not be read, or not all of them: with everything else as it
// would be broken without them.
func TestRulesUnread(t *testing.T) {
	for name, how := range map[string]func(*inspect.Network){
		"not at all": func(n *inspect.Network) { n.Ruleset = nil },
		"in part":    func(n *inspect.Network) { n.Ruleset.Rules = n.Ruleset.Rules[:1] },
	} {
		l := newLab(t)
		l.ip(l.Host, "link", "set", "ens3", "mtu", "1400")
		l.listen(l.Host, "172.17.0.1:5300")
		l.listen(l.Host, "0.0.0.0:8080")
		l.listen(l.Web, "127.0.0.1:80")
		l.Host.Sysctl("net/bridge/bridge-nf-call-iptables", "1")
		l.adapt = func(s *inspect.Snapshot) {
			for i := range s.Networks {
				if n := &s.Networks[i]; n.NS == l.Host.ID {
					how(n)
					n.Facts = slices.DeleteFunc(n.Facts, func(f string) bool { return f == "netfilter" })
				}
			}
		}
		r := l.examine()
		if len(r.Findings) > 0 {
			t.Errorf("%s: found %+v", name, r.Findings)
		}
		if len(r.Undetermined) != 1 || r.Undetermined[0].Why != "its rules could not be read" {
			t.Fatalf("%s: undetermined %+v", name, r.Undetermined)
		}
		for _, check := range []string{"forward-dropped", "masquerade", "bridge-nf", "input-blocked", "mtu", "rp-filter", "stale-dnat", "port-taken", "published-open", "stale-udp"} {
			if !slices.Contains(r.Undetermined[0].Checks, check) {
				t.Errorf("%s: %s is not among %v", name, check, r.Undetermined[0].Checks)
			}
		}
	}
}
