iptables -I DOCKER-USER -i up0 -p tcp -m conntrack --ctorigdstport 8080 --ctdir ORIGINAL -j DROP
iptables -I DOCKER-USER -i up0 -p tcp -m conntrack --ctorigdst 192.0.2.10 --ctorigdstport 8082 ! --ctorigsrc 10.0.0.0/8 -j REJECT --reject-with icmp-admin-prohibited
iptables -I DOCKER-USER -i docker0 -o up0 -p udp -m multiport --dports 53,123 -j DROP
iptables -I DOCKER-USER -i br-+ -o up0 -p icmp -j DROP
iptables -I DOCKER-USER -m mark --mark 0x7/0xf -j DROP
iptables -t mangle -A PREROUTING -i br-+ -p tcp --dport 53 -j MARK --set-mark 7
iptables -t raw -A PREROUTING -p tcp -i up0 --dport 8083 -j CT --notrack
iptables -A INPUT -i docker0 -p tcp --dport 9000 -j REJECT --reject-with tcp-reset
iptables -A INPUT -p udp -m statistic --mode nth --every 1000000 --packet 3 -j LOG
sysctl -qw net.ipv4.conf.all.rp_filter=1
