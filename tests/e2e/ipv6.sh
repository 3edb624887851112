#!/usr/bin/env bash
# IPv6 between two Linux hosts: SLAAC behind ringway, ping, traceroute, tracepath through a smaller MTU, errors, iperf3.
source "$(dirname "$0")/../../scripts/expect.sh"

B6=2001:db8:2::2

lab_up
start_ringway "$LAB_CONFIG"
lab_ipv6

step "a host configures itself"
check "A forms an address of what ringway advertises" lab_wait6
A6=$(lab_address6 || echo none)
sees "in the prefix of its link" "^2001:db8:1:" echo "$A6"
sees "and has ringway as its default router, by its link-local address" "default via fe80::" \
    in_a ip -6 route show default
sees "ringway's address is probed for, then its own" "address 2001:db8:1::1/64$" rw show interface lan
sees "and its link-local one is formed of its MAC" "address fe80::.*ff:fe.*/64$" rw show interface lan

step "the other side is reached"
check "the first ping gets through while neighbors are asked for" in_a ping -n -6 -c 1 -W 5 $B6
sees "twenty pings lose nothing" " 0% packet loss" in_a ping -n -6 -c 20 -i 0.02 -W 2 $B6
sees "B reaches A" " 0% packet loss" in_b ping -n -6 -c 3 -i 0.1 -W 2 "$A6"
sees "ringway itself answers, on every address" " 0% packet loss" in_a ping -n -6 -c 3 -i 0.1 2001:db8:2::1
sees "and on the anycast address of the subnet, from the link itself" "bytes from 2001:db8:1::1" \
    in_a ping -n -6 -c 1 -W 3 2001:db8:1::
sees "and on its link-local one" " 0% packet loss" in_a ping -n -6 -c 2 -i 0.1 "$(in_a ip -6 route show default | sed 's/.*via \([^ ]*\) .*/\1/')%eth0"
sees "all nodes of the link: ringway among them" "bytes from fe80::" in_a ping -n -6 -c 1 -W 2 ff02::1%eth0
sees "all routers of the link: ringway alone" "bytes from fe80::" in_a ping -n -6 -c 1 -W 2 ff02::2%eth0
sees "a datagram in fragments is put together and answered" "3008 bytes from" in_a ping -n -6 -s 3000 -c 1 -W 2 2001:db8:1::1
sees "ringway pings B" " 0% packet loss" rw ping $B6

step "it is a hop like any router"
# Once: a Linux host answers a prober once a second.
in_a traceroute -6 -n -q 1 -w 2 $B6 >"$LAB_DIR/trace" 2>&1 || true
sees "traceroute names ringway as hop 1" "^ *1  2001:db8:1::1 " cat "$LAB_DIR/trace"
sees "and B as hop 2" "^ *2  2001:db8:2::2 " cat "$LAB_DIR/trace"

step "a link of 1400 bytes"
sees "a packet of 1500 is told so" "From 2001:db8:1::1.*Packet too big: mtu=1400" \
    in_a ping -n -6 -M 'do' -s 1452 -c 1 -W 2 $B6
in_a ip -6 route flush cache
sees "tracepath finds the MTU" "pmtu 1400" in_a tracepath -6 -n $B6
sees "a large ping comes back whole" "4008 bytes from" in_a ping -n -6 -s 4000 -c 2 -W 3 $B6

step "what cannot be delivered is answered"
check "a prefix is made unreachable by policy" rw route add prohibit 2001:db8:bad::/48
sees "prohibited" "From 2001:db8:1::1.*Administratively prohibited" in_a ping -n -6 -c 1 -W 2 2001:db8:bad::1
check "the default route is taken away" rw route del ::/0
sees "no route" "From 2001:db8:1::1.*No route" in_a ping -n -6 -c 1 -W 2 2001:db8:ffff::1
check "and given back" rw route add default via $B6
sees "a neighbor that does not answer" "From 2001:db8:1::1.*Address unreachable" in_a ping -n -6 -c 1 -W 6 2001:db8:2::77
sees "a port that nobody listens on" "^ *1  2001:db8:2::1 " in_a traceroute -6 -n -q 1 -w 2 -m 3 2001:db8:2::1

step "TCP"
lab_background iperf3 "$LAB_B" iperf3 --server
sleep 0.3
sees "from A to B" "[1-9][0-9.]* [KMG]bits/sec.*receiver" in_a iperf3 -6 -c $B6 -t 2 -i 0 -f m
sees "from B to A" "[1-9][0-9.]* [KMG]bits/sec.*receiver" in_a iperf3 -6 -c $B6 -t 2 -i 0 -f m -R

step "what ringway says"
sees "the route to B" "2001:db8:2::/64" rw route get $B6
sees "its neighbors" "2001:db8:2::2 .*(reachable|stale|delay|probe)" rw show neighbor
sees "its errors" "ip6-packet-too-big +[0-9]+ +[1-9]" rw show icmp
sees "its drops" "ip6_hop_limit +[1-9]" rw show drops

step "an IPv4 route by an IPv6 next hop (RFC 8950)"
in_b ip address add 203.0.113.1/32 dev lo
# B answers from that address; it asks for ringway's MAC from the one of the link, or would not be believed.
in_b sh -c 'echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce'
check "is taken" rw route add 203.0.113.0/24 via $B6
sees "and carries" " 0% packet loss" in_a ping -n -c 3 -i 0.1 -W 2 203.0.113.1
check "taken away again" rw route del 203.0.113.0/24
check "the IPv4 default route goes" rw route del 0.0.0.0/0
sees "and nothing covers it" "Destination Net Unreachable" in_a ping -n -c 1 -W 2 203.0.113.1
LOCAL_B=$(in_b ip -json -6 address show dev eth0 scope link | jq -r '[.[].addr_info[].local | values][0]')
check "an IPv4 default route by B's link-local address, at the prompt" rw route add 0.0.0.0/0 via "$LOCAL_B" dev wan
sees "and it carries" " 0% packet loss" in_a ping -n -c 3 -i 0.1 -W 2 203.0.113.1
sees "route get names the gateway" "via $LOCAL_B" rw route get 203.0.113.1

step "the end"
check "every buffer is accounted for" audit
check "ringway ends in order" stop_ringway TERM
check "its last advertisement takes the default route away" within 5 sh -c "! ip -n $LAB_A -6 route show default | grep -q via"
finish
