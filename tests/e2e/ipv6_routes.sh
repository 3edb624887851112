#!/usr/bin/env bash
# IPv6 routes with several gateways, the route cache, VRFs with the same addresses, leaked routes, redirects.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
lab_ipv6
lab_cable "$LAB_B" eth1 rw-wan2
in_a ip address add 2001:db8:1::10/64 dev eth0 nodad
in_a ip -6 route add default via 2001:db8:1::1
in_a ip address add 2001:db8:11::1/128 dev lo nodad
in_b ip address add 2001:db8:3::2/64 dev eth1 nodad
in_b ip address add 2001:db8:9::1/128 dev lo nodad

# The twins of A and B, with the same addresses.
LAB_A2=rw-a2-$LAB LAB_B2=rw-b2-$LAB
trap 'lab_down; ip netns del "$LAB_A2" 2>/dev/null || true; ip netns del "$LAB_B2" 2>/dev/null || true' EXIT
# twin NAMESPACE PORT ADDRESS GATEWAY
twin() {
    ip netns add "$1"
    lab_cable "$1" eth0 "$2"
    ip -n "$1" link set lo up
    ip -n "$1" address add "$3/64" dev eth0 nodad
    ip -n "$1" -6 route add default via "$4"
}
twin "$LAB_A2" rw-red-lan 2001:db8:1::10 2001:db8:1::1
twin "$LAB_B2" rw-red-wan 2001:db8:2::2 2001:db8:2::1
ip -n "$LAB_B2" address add 2001:db8:22::1/128 dev lo nodad
in_a2() { ip netns exec "$LAB_A2" "$@"; }

# By itself it would step aside: with so few routes a lookup costs no more than a hit.
start_ringway - <<'TOML'
[cache]
mode = "on"

[[port]]
name = "lan"
device = "rw-lan"

[[port]]
name = "wan"
device = "rw-wan"

[[port]]
name = "wan2"
device = "rw-wan2"

[[port]]
name = "red-lan"
device = "rw-red-lan"

[[port]]
name = "red-wan"
device = "rw-red-wan"

[[vrf]]
name = "red"

[[interface]]
name = "lan"
addresses = ["192.0.2.1/24", "2001:db8:1::1/64"]

[[interface]]
name = "wan"
addresses = ["198.51.100.1/24", "2001:db8:2::1/64"]

[[interface]]
name = "wan2"
addresses = ["2001:db8:3::1/64"]

[[interface]]
name = "red-lan"
vrf = "red"
addresses = ["2001:db8:1::1/64"]

[[interface]]
name = "red-wan"
vrf = "red"
addresses = ["2001:db8:2::1/64"]

[[route]]
to = "2001:db8:9::/48"
paths = [{ via = "2001:db8:2::2", weight = 3 }, { via = "2001:db8:3::2" }]
TOML

sent() { rw --json show interface "$1" | jq '.interfaces[0].tx_packets'; }
# spread NUMBER: one datagram of each of so many flows, told apart by their source port; prints how many left by each link.
spread() {
    local first second
    first=$(sent wan) second=$(sent wan2)
    in_a /usr/bin/python3 - "$1" <<'PY'
import socket, sys
for port in range(20000, 20000 + int(sys.argv[1])):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        udp.bind(("2001:db8:1::10", port))
        udp.sendto(b"x", ("2001:db8:9::1", 9))
PY
    sleep 0.3
    echo $(($(sent wan) - first)) $(($(sent wan2) - second))
}

step "several gateways"
check "the first is resolved" within 5 rw ping 2001:db8:2::2 count 1
check "and the second" rw ping 2001:db8:3::2 count 1
check "A is, too" rw ping 2001:db8:1::10 count 1
read -r wan wan2 <<<"$(spread 400)"
check "400 flows at 3 to 1: $wan and $wan2" test "$wan" -ge 250 -a "$wan" -le 350 -a $((wan + wan2)) -eq 400
sees "route get says which bucket a flow falls into" "bucket [0-9]+ of [0-9]+" \
    rw route get 2001:db8:9::1 from 2001:db8:1::10 protocol 17 sport 20000 dport 9
check "wan2 goes down" rw interface set wan2 down
read -r only none <<<"$(spread 100)"
check "every flow leaves by the other: $only and $none" test "$only $none" = "100 0"
check "wan2 comes back" rw interface set wan2 up
check "its gateway is resolved again" within 10 rw ping 2001:db8:3::2 count 1
read -r back back2 <<<"$(spread 400)"
check "and takes back its flows: $back and $back2" test "$back $back2" = "$wan $wan2"

step "the route cache"
check "is emptied" rw clear cache
sees "and knows flows of IPv6 after some pings" " 0% packet loss" in_a ping -n -6 -c 5 -i 0.05 -W 2 2001:db8:2::2
sees "that it shows" "IPv6: size 256 used [1-9]" rw show cache
sees "with their way" "2001:db8:2::2 .* wan " rw show cache

step "the same addresses twice"
sees "A reaches B in the default VRF" " 0% packet loss" in_a ping -n -6 -c 3 -i 0.1 -W 2 2001:db8:2::2
sees "their twins reach each other in red" " 0% packet loss" in_a2 ping -n -6 -c 3 -i 0.1 -W 2 2001:db8:2::2
sees "ringway answers there" " 0% packet loss" in_a2 ping -n -6 -c 2 -i 0.1 -W 2 2001:db8:1::1
sees "and pings there" "1 packets transmitted, 1 received" rw ping 2001:db8:2::2 count 1 vrf red
sees_not "neighbors of the default VRF are not those of red" " wan " rw show neighbor vrf red
check "a route is added to red" rw route add 2001:db8:22::/48 via 2001:db8:2::2 vrf red
sees "red follows it" " 0% packet loss" in_a2 ping -n -6 -c 2 -i 0.1 -W 2 2001:db8:22::1
sees "the default VRF does not know it" "No route" in_a ping -n -6 -c 1 -W 2 2001:db8:22::1

step "leaked"
check "the default VRF looks 2001:db8:22::/48 up in red" rw route add 2001:db8:22::/48 lookup red
check "red reaches A by a gateway of the default VRF" \
    rw route add 2001:db8:11::1/128 via 2001:db8:1::10 vrf red lookup default
sees "A reaches the twin of B" " 0% packet loss" in_a ping -n -6 -c 3 -i 0.1 -W 2 -I 2001:db8:11::1 2001:db8:22::1
sees "route get follows the leak" "leads to vrf red" rw route get 2001:db8:22::1
check "taken away" rw route del 2001:db8:22::/48
sees "and A is told so" "No route" in_a ping -n -6 -c 1 -W 2 2001:db8:22::1

step "a better first hop on the same link"
check "a router beside A that is known by its link-local address" \
    rw neighbor add fe80::aa "$(in_a cat /sys/class/net/eth0/address)" dev lan
check "a route leads there" rw route add 2001:db8:44::/48 via fe80::aa dev lan
frames <<'PY'
from frames import *
from scapy.layers.inet6 import *

a, b = cables()
packet = IPv6(src="2001:db8:1::10", dst="2001:db8:44::5", hlim=64) / UDP(sport=1, dport=9)
a.drain()
a.send(Ether(src=a.mac, dst=a.router) / packet)
got = [frame for frame in map(Ether, a.frames(0.5)) if IPv6 in frame]
forwarded = [p for p in got if p[IPv6].dst == "2001:db8:44::5" and ICMPv6ND_Redirect not in p]
check(len(forwarded) == 1 and forwarded[0][IPv6].hlim == 63, "the packet itself is forwarded", forwarded)
redirects = [p for p in got if ICMPv6ND_Redirect in p]
if check(len(redirects) == 1, "its sender gets one redirect", redirects):
    told = redirects[0]
    check(told[IPv6].src.startswith("fe80::") and told[IPv6].hlim == 255, "from the link-local address, hop limit 255", told)
    check((told[ICMPv6ND_Redirect].tgt, told[ICMPv6ND_Redirect].dst) == ("fe80::aa", "2001:db8:44::5"), "to the better router", told)
    check(told[ICMPv6NDOptDstLLAddr].lladdr == a.mac, "with its MAC", told)
a.send(Ether(src=a.mac, dst=a.router) / IPv6(src="2001:db8:77::1", dst="2001:db8:44::5", hlim=64) / UDP(sport=1, dport=9))
strangers = [p for p in map(Ether, a.frames(0.5)) if ICMPv6ND_Redirect in p]
check(not strangers, "a sender that is not on the link gets none", strangers)
finish()
PY

finish
