#!/usr/bin/env bash
# Two VRFs with the same addresses on both sides: they do not meet, ringway answers and pings in each, and a leaked route
# joins them.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
# A second pair of hosts, with the addresses of the first.
LAB_A2=rw-a2-$LAB LAB_B2=rw-b2-$LAB
trap 'lab_down; ip netns del "$LAB_A2" 2>/dev/null || true; ip netns del "$LAB_B2" 2>/dev/null || true' EXIT
ip netns add "$LAB_A2"
ip netns add "$LAB_B2"
lab_cable "$LAB_A2" eth0 rw-lan2
lab_cable "$LAB_B2" eth0 rw-wan2
ip -n "$LAB_A2" address add 192.0.2.10/24 dev eth0
ip -n "$LAB_B2" address add 198.51.100.2/24 dev eth0
ip -n "$LAB_A2" link set lo up
ip -n "$LAB_B2" link set lo up
ip -n "$LAB_A2" route add default via 192.0.2.1
ip -n "$LAB_B2" route add default via 198.51.100.1
ip -n "$LAB_B2" address add 10.2.2.2/32 dev lo
in_a2() { ip netns exec "$LAB_A2" "$@"; }

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
name = "lan2"
device = "rw-lan2"
driver = "af_packet"

[[port]]
name = "wan2"
device = "rw-wan2"
driver = "af_packet"

[[vrf]]
name = "red"

[[interface]]
name = "lan"
addresses = ["192.0.2.1/24"]

[[interface]]
name = "wan"
addresses = ["198.51.100.1/24"]

[[interface]]
name = "lan2"
addresses = ["192.0.2.1/24"]
vrf = "red"

[[interface]]
name = "wan2"
addresses = ["198.51.100.1/24"]
vrf = "red"
TOML

step "the same addresses twice"
sees "A reaches B in the default VRF" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 198.51.100.2
sees "their twins reach each other in red" " 0% packet loss" in_a2 ping -n -c 3 -i 0.2 -W 2 198.51.100.2
sees "ringway answers in each" " 0% packet loss" in_a2 ping -n -c 2 -i 0.2 -W 2 192.0.2.1
sees "and pings in each" "1 packets transmitted, 1 received" rw ping 198.51.100.2 count 1 vrf red
sees "neighbors are told apart by interface" "wan2" rw show neighbor vrf red
sees_not "and those of the other VRF are not among them" " wan " rw show neighbor vrf red
sees "traceroute names ringway in red" "^ *1  192\.0\.2\.1 " in_a2 traceroute -n -q 1 -w 2 198.51.100.2

step "routes of one VRF"
check "a route is added to red" rw route add 10.2.2.0/24 via 198.51.100.2 vrf red
sees "red follows it" " 0% packet loss" in_a2 ping -n -c 2 -i 0.2 -W 2 10.2.2.2
sees "the default VRF does not know it" "Destination Net Unreachable" in_a ping -n -c 1 -W 2 10.2.2.2
sees "show route vrf red has it" "10\.2\.2\.0/24" rw show route vrf red
sees_not "show route has not" "10\.2\.2\.0/24" rw show route
sees "route get says why" "in vrf red" rw route get 10.2.2.2 vrf red
refuses "a VRF that is not there is named" "the VRFs are: default, red" rw route get 10.2.2.2 vrf blue

step "leaked"
# The answers' way back: B's twin sends to 192.0.2.10 in red, so A asks from an address that only the default VRF has.
ip -n "$LAB_A" address add 10.1.1.1/32 dev lo
check "the default VRF looks 10.2.2.0/24 up in red" rw route add 10.2.2.0/24 lookup red
check "red reaches 10.1.1.1 by a gateway of the default VRF" rw route add 10.1.1.1/32 via 192.0.2.10 vrf red lookup default
sees "A reaches the twin of B" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 -I 10.1.1.1 10.2.2.2
sees "route get follows the leak" "leads to vrf red" rw route get 10.2.2.2
sees "the running configuration keeps all of it" 'lookup = "red"' rw show config
check "taken away" rw route del 10.2.2.0/24
sees "and A is told so" "Destination Net Unreachable" in_a ping -n -c 1 -W 2 10.2.2.2

finish
