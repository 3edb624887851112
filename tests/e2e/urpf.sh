#!/usr/bin/env bash
# Source checks: strict and loose, with real senders of forged addresses.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
ip -n "$LAB_A" address add 10.7.7.7/32 dev lo
ip -n "$LAB_A" address add 198.51.100.77/32 dev lo
in_b sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0
lab_ipv6
in_a ip address add 2001:db8:1::10/64 dev eth0 nodad
in_a ip address add 2001:db8:7::7/128 dev lo nodad
in_a ip address add 2001:db8:2::77/128 dev lo nodad
in_a ip -6 route add default via 2001:db8:1::1
start_ringway - <<'TOML'
[[port]]
name = "lan"
device = "rw-lan"
driver = "af_packet"

[[port]]
name = "wan"
device = "rw-wan"
driver = "af_packet"

[[interface]]
name = "lan"
addresses = ["192.0.2.1/24", "2001:db8:1::1/64"]
source_check = "strict"

[[interface]]
name = "wan"
addresses = ["198.51.100.1/24", "2001:db8:2::1/64"]
source_check = "loose"
TOML

# send_from FROM: A sends a datagram to B from this address.
send_from() {
    in_a /usr/bin/python3 -c "
import socket
six = ':' in '$1'
udp = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(('$1', 0))
udp.sendto(b'x', ('2001:db8:2::2' if six else '198.51.100.2', 9))"
}

# received FROM: whether B gets a datagram that A sends from this address.
received() {
    local before
    before=$(rw --json show interface wan | jq '.interfaces[0].tx_packets')
    send_from "$1"
    sleep 0.3
    test "$(rw --json show interface wan | jq '.interfaces[0].tx_packets')" -gt "$before"
}

step "strict on the lan"
check "B is resolved" rw ping 198.51.100.2 count 1
check "A's own address passes" received 192.0.2.10
check "drops are at zero" test "$(drop_count source_check)" -eq 0
refuses "a source without a route is dropped" "" received 10.7.7.7
check "and counted" test "$(drop_count source_check)" -ge 1
refuses "a source of the other side is dropped" "" received 198.51.100.77
check "a route to it by the lan is added" rw route add 10.7.7.7/32 via 192.0.2.10
check "and it passes" received 10.7.7.7
sees "route get says so" "strict source check of lan lets in 10\.7\.7\.7" rw route get 198.51.100.2 from 10.7.7.7 dev lan
sees "and what it refuses" "refuses 198\.51\.100\.77" rw route get 198.51.100.2 from 198.51.100.77 dev lan
check "a second way to it by the wan, at the same weight" rw route replace 10.7.7.7/32 via 192.0.2.10 via 198.51.100.2
check "and it still passes: any path counts" received 10.7.7.7
sees "ordinary traffic is not touched" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 198.51.100.2

step "IPv6: the same, and the sender is told"
check "B is resolved" within 5 rw ping 2001:db8:2::2 count 1
check "A's own address passes" received 2001:db8:1::10
dropped=$(drop_count source_check)
refuses "a source without a route is dropped" "" received 2001:db8:7::7
check "and counted" test "$(drop_count source_check)" -eq $((dropped + 1))
check "a route to it by the lan is added" rw route add 2001:db8:7::7/128 via 2001:db8:1::10
check "and it passes" received 2001:db8:7::7
sees "route get says so" "strict source check of lan lets in 2001:db8:7::7" \
    rw route get 2001:db8:2::2 from 2001:db8:7::7 dev lan
in_b ip address add 2001:db8:2::77/128 dev eth0 nodad
lab_background tcpdump "$LAB_B" tcpdump -n -l -i eth0 'icmp6 and ip6[40] == 1 and ip6[41] == 5'
check "B watches" within 5 grep -q "listening on" "$LAB_DIR/tcpdump.log"
dropped=$(drop_count source_check)
check "A sends from an address of the other side" send_from 2001:db8:2::77
check "it is dropped" test "$(drop_count source_check)" -eq $((dropped + 1))
check "and who has the address is told by code 5" within 5 grep -q "> 2001:db8:2::77: ICMP6, destination unreachable" "$LAB_DIR/tcpdump.log"
sees "ordinary traffic is not touched" " 0% packet loss" in_a ping -n -6 -c 3 -i 0.2 -W 2 2001:db8:2::2

finish
