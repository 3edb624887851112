#!/usr/bin/env bash
# A memif between ringway and dpdk-testpmd: another DPDK program as the peer on shared memory, with host B behind it.
#
#   host A eth0 -- rw-lan [ringway] memif [dpdk-testpmd] tap, in host B's namespace
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
memif=$LAB_DIR/memif.sock

start_testpmd() {
    lab_background testpmd "$LAB_B" dpdk-testpmd -l 0,1 --no-huge -m 256 --no-pci --file-prefix "testpmd-$LAB" \
        --vdev "net_memif0,role=client,id=0,socket=$memif,socket-abstract=no" --vdev net_tap0,iface=memif0 -- \
        --forward-mode=io --total-num-mbufs=4096 --auto-start --stats-period=60
    within 30 in_b ip link show memif0 || { cat "$LAB_DIR/testpmd.log" >&2; return 1; }
    in_b ethtool -K memif0 tx off tso off gso off >/dev/null 2>&1 || true
    in_b ip link set memif0 up
    in_b ip address replace 198.51.100.2/24 dev memif0
    in_b ip route replace default via 198.51.100.1
}
port_is_up() { rw --json show port info wan | jq -e --argjson up "$1" '.ports[0].link.up == $up'; }

step "two programs on one piece of shared memory"
in_b ip address flush dev eth0
start_ringway - <<TOML
[dpdk]
huge_pages = "never"

[[port]]
name = "lan"
device = "rw-lan"
driver = "af_packet"

[[port]]
name = "wan"
driver = "dpdk"
device = "net_memif0,role=server,id=0,socket=$memif,socket-abstract=no"

[[interface]]
name = "lan"
addresses = ["192.0.2.1/24"]

[[interface]]
name = "wan"
addresses = ["198.51.100.1/24"]
TOML
check "without its peer the link is down" within 5 port_is_up false
check "dpdk-testpmd starts as the peer" start_testpmd
check "ringway sees the link" within 20 port_is_up true
check "A reaches B" within 10 in_a ping -n -c 1 -W 1 198.51.100.2
sees "every size arrives" " 0% packet loss" in_a ping -n -q -c 60 -i 0.02 -s 56 -W 2 198.51.100.2
sees "full packets too" " 0% packet loss" in_a ping -n -q -c 20 -i 0.02 -s 1472 -M do -W 2 198.51.100.2
lab_background iperf3 "$LAB_B" iperf3 --server --one-off --bind 198.51.100.2
check "TCP runs over it" within 5 in_a iperf3 --client 198.51.100.2 --time 2 --connect-timeout 1000
check "every buffer is accounted for" audit

step "the peer goes and comes back"
lab_end testpmd
check "ringway sees that the link is down" within 10 port_is_up false
check "every buffer is accounted for" audit
check "the peer starts again" start_testpmd
check "ringway sees the link again" within 20 port_is_up true
check "A reaches B again" within 10 in_a ping -n -c 1 -W 1 198.51.100.2

finish
