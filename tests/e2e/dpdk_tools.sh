#!/usr/bin/env bash
# DPDK's own tools look into a running ringway: dpdk-telemetry.py, dpdk-proc-info, dpdk-dumpcap.
source "$(dirname "$0")/../../scripts/expect.sh"
# shellcheck source=scripts/huge_pages.sh
source "$RINGWAY_ROOT/scripts/huge_pages.sh"

prefix=ringway-$LAB
end() {
    local taken=0
    if [[ -e $LAB_DIR/huge_pages ]]; then taken=$(<"$LAB_DIR/huge_pages"); fi
    if [[ -e $LAB_DIR/ringway.pid ]]; then lab_end ringway; fi
    if mountpoint -q "$LAB_DIR/pages"; then umount "$LAB_DIR/pages"; fi
    lab_down
    return_huge_pages "$taken"
}
trap end EXIT
telemetry() { in_router dpdk-telemetry.py --file-prefix "$prefix" <<<"$1"; }
proc_info() { in_router timeout 30 dpdk-proc-info --file-prefix="$prefix" --proc-type=secondary "$@"; }

lab_up
# Secondary processes map the primary's huge pages.
take_huge_pages 64
if [[ ! -e $LAB_DIR/huge_pages ]] || (($(<"$LAB_DIR/huge_pages") < 32)); then
    echo "skipped: this machine has no huge pages to give"
    exit 0
fi
mkdir "$LAB_DIR/pages"
mount -t hugetlbfs ringway "$LAB_DIR/pages"
start_ringway - <<TOML
[dpdk]
huge_pages = "always"
secondary = true
args = ["--file-prefix=$prefix", "--huge-dir=$LAB_DIR/pages"]

[[port]]
name = "lan"
driver = "dpdk"
device = "net_af_packet0,iface=rw-lan"

[[port]]
name = "wan"
driver = "dpdk"
device = "net_af_packet1,iface=rw-wan"

[[interface]]
name = "lan"
addresses = ["192.0.2.1/24"]

[[interface]]
name = "wan"
addresses = ["198.51.100.1/24"]
TOML
check "A reaches B" within 5 in_a ping -n -c 1 -W 1 198.51.100.2

step "dpdk-telemetry.py"
sees "it lists the ports" '"/ethdev/list": \[0, 1\]' telemetry /ethdev/list
sees "it counts their packets" '"ipackets": [1-9]' telemetry /ethdev/stats,0
sees "it sees the worker's pool" 'ringway_0' telemetry /mempool/list

step "dpdk-proc-info"
sees "it shows the statistics of a port" 'RX-packets: *[1-9]' proc_info -- -p 3 --stats
check "A still reaches B" in_a ping -n -c 1 -W 1 198.51.100.2

step "dpdk-dumpcap"
lab_background ping "$LAB_A" ping -n -i 0.05 -c 400 198.51.100.2
check "it captures from a running port" in_router timeout 40 dpdk-dumpcap --file-prefix="$prefix" -i 0 -c 20 -P -w "$LAB_DIR/capture.pcap"
sees "the capture has what was sent" 'ICMP echo request' tcpdump -n -r "$LAB_DIR/capture.pcap"
sees "the pings went on" ' 0% packet loss' in_a ping -n -q -c 20 -i 0.05 -W 2 198.51.100.2

finish
