#!/usr/bin/env bash
# DPDK's drivers for Linux interfaces, net_af_packet and net_af_xdp, on veths between two hosts, and several queues of net_tap with a worker each.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
# These drivers hand over what the hosts' kernels have not finished: checksums are to be finished, and nothing is to be cut.
finished() {
    local namespace
    for namespace in "$LAB_A" "$LAB_B"; do
        ip netns exec "$namespace" ethtool -K eth0 tx off tso off gso off >/dev/null
    done
}
# routed_by DRIVER: the router on this driver of DPDK, under traffic.
routed_by() {
    step "$1"
    check "ringway starts" start_ringway - <<TOML
[dpdk]
huge_pages = "never"
args = ["--no-telemetry", "--file-prefix=$LAB"]
[[port]]
name = "lan"
driver = "dpdk"
device = "$1_lan,iface=rw-lan"
[[port]]
name = "wan"
driver = "dpdk"
device = "$1_wan,iface=rw-wan"
[[interface]]
name = "lan"
addresses = ["192.0.2.1/24"]
[[interface]]
name = "wan"
addresses = ["198.51.100.1/24"]
TOML
    sees "the port is this driver's" "$1 " rw show port summary all
    check "ping crosses" within 10 in_a ping -n -c 1 -W 1 198.51.100.2
    sees "without a loss" " 0% packet loss" in_a ping -n -c 20 -i 0.05 -W 2 198.51.100.2
    sees "with whole frames" " 0% packet loss" in_a ping -n -c 5 -i 0.05 -W 2 -s 1472 198.51.100.2
    lab_background iperf3 "$LAB_B" iperf3 --server --one-off
    sleep 0.3
    sees "TCP flows" "receiver" in_a iperf3 -c 198.51.100.2 -t 2 -i 0
    check "every buffer is accounted for" audit
    # net_af_xdp keeps its sockets over a stop, and cannot be set up a second time.
    if [[ $1 != net_af_xdp ]]; then
        check "the port stops" rw port stop lan
        check "the audit is exact without it" audit
        check "and starts again" rw port start lan
        check "ping crosses again" within 10 in_a ping -n -c 1 -W 1 198.51.100.2
        check "ringway ends in order" stop_ringway TERM
    else
        # It never gives back what is in its fill rings, and ringway does not pass over that.
        refuses "its driver's leak is told" "buffers are missing at the end: .* receive rings [1-9]" stop_ringway TERM
    fi
}
finished
routed_by net_af_packet
routed_by net_af_xdp

step "two queues of net_tap, a worker each"
check "ringway starts" start_ringway - <<TOML
[workers]
count = 2
idle = "sleep"
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
addresses = ["198.51.100.1/24"]
TOML
ip -n "$LAB_ROUTER" address add 192.0.2.20/24 dev rw-tap
ip -n "$LAB_ROUTER" route add default via 192.0.2.1
sees "the port has two" "Current number of RX queues: 2" rw show port info 0
check "ping crosses" within 10 in_router ping -n -c 1 -W 1 198.51.100.2
# Many flows from the host behind the TAP, until each worker has received of it.
flows() {
    local port
    for port in {2000..2063}; do
        in_router bash -c "echo x >/dev/udp/198.51.100.2/$port" 2>/dev/null || true
    done
}
by_queue() { rw --json show port xstats 0 | jq "[.. | objects | select(.name? == \"rx_q$1_packets\") | .value] | add // 0"; }
both_queues() { (($(by_queue 0) > 0 && $(by_queue 1) > 0)); }
flows_reach_both() {
    flows
    both_queues
}
check "both queues receive" within 20 flows_reach_both
check "every buffer of both workers is accounted for" audit

finish
