nft -f - <<'N'
table inet firewalld {
	ct helper helper-ftp-tcp { type "ftp" protocol tcp; l3proto inet; }
	chain mangle_PREROUTING { type filter hook prerouting priority mangle + 10; policy accept; jump mangle_PREROUTING_ZONES; }
	chain mangle_PREROUTING_ZONES { iifname "up0" goto mangle_PRE_public; iifname "docker0" goto mangle_PRE_docker; goto mangle_PRE_public; }
	chain mangle_PRE_public { jump mangle_PRE_public_pre; }
	chain mangle_PRE_public_pre { }
	chain mangle_PRE_docker { }
	chain filter_PREROUTING { type filter hook prerouting priority filter + 10; policy accept; icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept; meta nfproto ipv6 fib saddr . mark . iif oif missing drop; }
	chain filter_INPUT { type filter hook input priority filter + 10; policy accept; ct state { established, related } accept; ct status dnat accept; iifname "lo" accept; ct state invalid drop; jump filter_INPUT_ZONES; reject with icmpx admin-prohibited; }
	chain filter_FORWARD { type filter hook forward priority filter + 10; policy accept; ct state { established, related } accept; ct status dnat accept; iifname "lo" accept; ct state invalid drop; ip6 daddr { ::/96, ::ffff:0.0.0.0/96, 2002::/24, 2002:a00::/24 } reject with icmpv6 addr-unreachable; jump filter_FORWARD_ZONES; reject with icmpx admin-prohibited; }
	chain filter_OUTPUT { type filter hook output priority filter + 10; policy accept; ct state { established, related } accept; oifname "lo" accept; ip6 daddr { ::/96, ::ffff:0.0.0.0/96 } reject with icmpv6 addr-unreachable; }
	chain filter_INPUT_ZONES { iifname "up0" goto filter_IN_public; iifname "docker0" goto filter_IN_docker; iifname "br-*" goto filter_IN_docker; goto filter_IN_public; }
	chain filter_FORWARD_ZONES { iifname "up0" goto filter_FWD_public; iifname "docker0" goto filter_FWD_docker; iifname "br-*" goto filter_FWD_docker; goto filter_FWD_public; }
	chain filter_IN_public { tcp dport 22 ct state { new, untracked } accept; ip6 daddr fe80::/64 udp dport 546 ct state { new, untracked } accept; meta l4proto { icmp, ipv6-icmp } accept; }
	chain filter_IN_docker { accept; }
	chain filter_FWD_public { oifname "up0" accept; meta l4proto { icmp, ipv6-icmp } accept; }
	chain filter_FWD_docker { oifname "docker0" accept; oifname { "up0" } accept; accept; }
}
N
