#!/usr/bin/env bash
# A route over two gateways: flows spread by weight, each keeps its way, a link that goes down moves only its own flows and
# takes them back.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
lab_cable "$LAB_B" eth1 rw-wan2
ip -n "$LAB_B" address add 203.0.113.2/24 dev eth1
ip -n "$LAB_B" address add 10.9.0.1/32 dev lo
in_b sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0 net.ipv4.conf.eth1.rp_filter=0

start_ringway - <<'TOML'
[[port]]
name = "lan"
device = "rw-lan"
driver = "af_packet"

[[port]]
name = "wan"
device = "rw-wan"
driver = "af_packet"

[[port]]
name = "wan2"
device = "rw-wan2"
driver = "af_packet"

[[interface]]
name = "lan"
addresses = ["192.0.2.1/24"]

[[interface]]
name = "wan"
addresses = ["198.51.100.1/24"]

[[interface]]
name = "wan2"
addresses = ["203.0.113.1/24"]

[[route]]
to = "10.9.0.0/16"
paths = [{ via = "198.51.100.2", weight = 3 }, { via = "203.0.113.2" }]
TOML

sent() { rw --json show interface "$1" | jq '.interfaces[0].tx_packets'; }
# flows NUMBER: one datagram of each of so many flows, told apart by their source port.
flows() {
    in_a /usr/bin/python3 - "$1" <<'PY'
import socket, sys
for port in range(20000, 20000 + int(sys.argv[1])):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("192.0.2.10", port))
        udp.sendto(b"x", ("10.9.0.1", 9))
PY
}
# spread NUMBER: sends flows; prints how many left by each link.
spread() {
    local first second
    first=$(sent wan) second=$(sent wan2)
    flows "$1"
    sleep 0.3
    echo $(($(sent wan) - first)) $(($(sent wan2) - second))
}

step "by weight"
check "both gateways are resolved first" sh -c "'$RINGWAY' cli --socket '$LAB_SOCKET' ping 198.51.100.2 count 1 && '$RINGWAY' cli --socket '$LAB_SOCKET' ping 203.0.113.2 count 1"
read -r wan wan2 <<<"$(spread 400)"
check "400 flows at 3 to 1: $wan and $wan2" test "$wan" -ge 250 -a "$wan" -le 350 -a $((wan + wan2)) -eq 400
read -r again again2 <<<"$(spread 400)"
check "the same flows take the same ways" test "$wan $wan2" = "$again $again2"
sees "show nexthop has the shares" "203\.0\.113\.2 on wan2" rw show nexthop
sees "route get says which bucket a flow falls into" "bucket [0-9]+ of [0-9]+" \
    rw route get 10.9.0.1 from 192.0.2.10 protocol 17 sport 20000 dport 9
sees "the running configuration has the route as it was written" "weight = 3" rw show config

step "a link goes down and comes back"
check "wan2 goes down" rw interface set wan2 down
read -r only none <<<"$(spread 400)"
check "every flow leaves by the other: $only and $none" test "$only $none" = "400 0"
check "wan2 comes back" rw interface set wan2 up
check "its gateway is resolved again" rw ping 203.0.113.2 count 1
read -r back back2 <<<"$(spread 400)"
check "and takes back its flows: $back and $back2" test "$back $back2" = "$wan $wan2"

step "changed by commands"
check "replaced by one gateway" rw route replace 10.9.0.0/16 via 203.0.113.2
read -r none only <<<"$(spread 100)"
check "every flow leaves there: $none and $only" test "$none $only" = "0 100"
check "and by two of equal weight" rw route replace 10.9.0.0/16 via 203.0.113.2 via 198.51.100.2
read -r half half2 <<<"$(spread 400)"
check "half and half: $half and $half2" test "$half" -ge 140 -a "$half" -le 260
refuses "a gateway on no link is refused, the route stays" "198\.18\.0\.1" rw route replace 10.9.0.0/16 via 198.18.0.1 via 198.51.100.2
check "no packet was dropped for want of a route" test "$(drop_count no_route)" -eq 0

finish
