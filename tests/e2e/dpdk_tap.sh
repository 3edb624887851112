#!/usr/bin/env bash
# DPDK ports under real traffic: a host on a TAP of DPDK, a host on a veth by AF_PACKET, and ringway between the two.
set -euo pipefail
# shellcheck source=scripts/expect.sh
source "$(dirname "$0")/../../scripts/expect.sh"

step "ringway with a port of DPDK and one of AF_PACKET"
lab_up
check "it starts" start_ringway - <<TOML
[dpdk]
huge_pages = "never"
args = ["--no-telemetry", "--file-prefix=$LAB"]
[[port]]
name = "lan"
driver = "dpdk"
device = "net_tap0,iface=rw-tap"
[[port]]
name = "wan"
driver = "af_packet"
device = "rw-wan"
[[interface]]
name = "lan"
addresses = ["192.0.2.1/24"]
[[interface]]
name = "wan"
mtu = 1400
addresses = ["198.51.100.1/24"]
TOML
# The kernel of ringway's namespace is the host behind the TAP: DPDK asks for its link there.
on_tap() { in_router "$@"; }
ip -n "$LAB_ROUTER" address add 192.0.2.10/24 dev rw-tap
ip -n "$LAB_ROUTER" route add default via 192.0.2.1
sees "the port is DPDK's" "net_tap" rw show port info lan

step "traffic both ways"
sees "ping crosses from DPDK to AF_PACKET and back" " 0% packet loss" on_tap ping -n -c 20 -i 0.05 -W 2 198.51.100.2
sees "and with large packets" " 0% packet loss" on_tap ping -n -c 5 -i 0.05 -W 2 -s 1372 198.51.100.2
sees "too large a packet is told the MTU" "mtu = 1400" on_tap ping -n -M 'do' -s 1472 -c 1 -W 2 198.51.100.2
sees "one that may be cut comes back whole" "1480 bytes from" on_tap ping -n -M dont -s 1472 -c 1 -W 2 198.51.100.2
sees "the router answers itself" " 0% packet loss" on_tap ping -n -c 3 -i 0.05 -W 2 192.0.2.1
lab_background iperf3 "$LAB_B" iperf3 --server
sleep 0.3
sees "TCP flows from the TAP" "receiver" on_tap iperf3 -c 198.51.100.2 -t 2 -i 0
sees "TCP flows to the TAP" "receiver" on_tap iperf3 -c 198.51.100.2 -t 2 -i 0 -R
check "the audit counts DPDK's rings" audit
sees "the receive ring of DPDK holds buffers" '"receive_rings": ?[1-9]' rw --json show pool
sees "frames were counted" "RX-packets: [1-9]" rw show port stats lan
sees "and by the driver" "rx_good_packets" rw show port xstats lan

step "the port stops and starts under way"
check "it stops" rw port stop lan
check "the audit is exact without it" audit
sees "it is down" "net_tap +down" rw show port summary lan
check "it starts again" rw port start lan
# The kernel has forgotten the route with the link.
in_router ip route replace default via 192.0.2.1
sees "and ping crosses again" " 0% packet loss" on_tap ping -n -c 5 -i 0.05 -W 2 198.51.100.2

finish
