#!/usr/bin/env bash
# The session that every user of testpmd types, on DPDK's net_pcap, net_null and net_ring: the same commands to Debian's dpdk-testpmd,
# where it is, and to `ringway testpmd`; the labels that scripts look for stand in what both print.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
/usr/bin/python3 - "$LAB_DIR/in.pcap" <<'PYTHON'
import struct, sys
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    for number in range(200):
        file.write(struct.pack("<IIII", 0, 0, 60, 60) + bytes(12) + b"\x88\xb5" + bytes([number]) * 46)
PYTHON
cat >"$LAB_DIR/more.cli" <<'LINES'
show config cores
LINES
cat >"$LAB_DIR/session.cli" <<LINES
help control
show port summary all
show port info 0
show config rxtx
show config cores
show config fwd
set fwd mac
set corelist 1
set coremask 0x2
set nbcore 1
set portlist 0,1
set burst 16
set eth-peer 1 02:00:00:00:00:77
set promisc all on
set allmulti all on
set record-core-cycles on
set verbose 0
set txpkts 64
show config txpkts
load $LAB_DIR/more.cli
start
show port stats all
show port xstats 0
show fwd stats all
clear port stats all
clear port xstats all
clear fwd stats all
stop
set fwd rxonly
start tx_first
stop
dump_mempool
show port 0 macs
show port 0 rx_offload capabilities
show port 1 tx_offload configuration
csum show 1
csum set ip hw 1
port stop 0
port stop 1
csum set ip hw 1
csum set udp sw 1
port config mtu 1 1400
port config all rxq 1
port config all txq 1
port config all rxd 256
port config all txd 256
port start all
mac_addr set 1 02:00:00:00:00:05
show port 1 macs
set default
start
stop
port stop all
port close 1
quit
LINES

# What both have to print: extended regular expressions, a line each.
cat >"$LAB_DIR/labels" <<'LINES'
^Number of available ports: 2$
^ *Port +MAC Address +Name +Driver +Status +Link$
^ *MAC address: 02:70:63:61:70:00$
^ *Device name: net_pcap0
^ *Driver name: net_pcap$
^ *Link status: up$
^ *Link duplex: full-duplex$
^ *Promiscuous mode: enabled$
^ *Allmulticast mode: enabled$
^ *Maximum number of MAC addresses: 1$
^ *strip off, filter off, extend off, qinq strip off$
^ *Max possible RX queues: 1$
^ *Max possible number of RXDs per queue: 65535$
^ *TXDs number alignment: 1$
io packet forwarding packets/burst=32$
nb forwarding cores=1 - nb forwarding ports=2$
^List of forwarding lcores: +1$
^io packet forwarding - ports=2 - cores=1 - streams=2
^Logical Core 1 .*forwards packets on 2 streams:$
RX P=0/Q=0 .*-> TX P=1/Q=0 .*peer=02:00:00:00:00:01$
^Set mac packet forwarding mode$
^Number of forwarding cores set to 1$
^Number of packets per burst set to 16$
^Change verbose level from 0 to 0$
^Segment sizes: 64$
^mac packet forwarding - ports=2 - cores=1 - streams=2
peer=02:00:00:00:00:77$
NIC statistics for port 0 
RX-packets: [0-9]+ +RX-missed: 0 +RX-bytes: +[0-9]+
RX-nombuf: +0
TX-packets: [0-9]+ +TX-errors: 0 +TX-bytes: +[0-9]+
Throughput \(since last show\)
Rx-pps: +[0-9]+ +Rx-bps: +[0-9]+
^ *rx_good_packets: [0-9]+$
Forward statistics for port 1 
RX-packets: [0-9]+ +RX-dropped: 0 +RX-total: [0-9]+
TX-packets: [0-9]+ +TX-dropped: 0 +TX-total: [0-9]+
Accumulated forward statistics for all ports
CPU cycles/packet=[0-9.]+ \(.*cycles=[0-9]+ / total mac packets=[0-9]+\) at [0-9]+ MHz Clock
^Set rxonly packet forwarding mode$
^ *TX-packets: 16 +TX-dropped: 0 +TX-total: 16
^mempool <mb_pool_0>
Number of MAC address added: 1
Rx Offloading Capabilities of port 0 :
Tx Offloading Configuration of port 1 :
^IP checksum offload is sw$
^UDP checksum offload is sw$
^TCP checksum offload is sw$
^SCTP checksum offload is sw$
^Outer-Ip checksum offload is sw$
^Outer-Udp checksum offload is sw$
Please stop port 1 first
IP checksum offload is not supported by port 1
^Stopping ports...$
^Configuring Port 0 \(socket 0\)$
^Port 0: 02:70:63:61:70:00$
^Checking link statuses...$
^ *02:00:00:00:00:05$
^Port 1 is closed$
^Bye...$
LINES

# session PROGRAM...: the session on fresh devices; what is printed.
session() {
    timeout 60 ip netns exec "$LAB_ROUTER" "$@" 2>&1 </dev/null || true
}
eal=(-l "0,1" --no-huge -m 256 --no-pci --no-telemetry)
devices=(--vdev net_pcap0,rx_pcap="$LAB_DIR/in.pcap" --vdev net_null1,size=64)
# has_labels FILE: each label is in what was printed.
has_labels() {
    local label
    while IFS= read -r label; do
        if grep -Eq -- "$label" "$1"; then pass "$label"; else fail "$label" "$(tail -n 15 "$1")"; fi
    done <"$LAB_DIR/labels"
}

step "ringway testpmd"
session "$RINGWAY" testpmd "${eal[@]}" --file-prefix="$LAB-ours" "${devices[@]}" -- -i \
    --cmdline-file="$LAB_DIR/session.cli" --socket="$LAB_DIR/session.sock" >"$LAB_DIR/ours"
has_labels "$LAB_DIR/ours"
# Two of the commands are refused by both.
sees "no other command fails" "^2$" grep -c "session.cli:.* failed$" "$LAB_DIR/ours"

step "Debian's dpdk-testpmd"
if command -v dpdk-testpmd >/dev/null; then
    session dpdk-testpmd "${eal[@]}" --file-prefix="$LAB-theirs" "${devices[@]}" -- -i --total-num-mbufs=4096 \
        --cmdline-file="$LAB_DIR/session.cli" >"$LAB_DIR/theirs"
    has_labels "$LAB_DIR/theirs"
else
    echo "  skip  dpdk-testpmd is not installed"
fi

step "a ring that a port has to itself"
# A loaded machine may let the worker wait for its core.
lines() { printf '%s\n' "set fwd io" "start tx_first 2" && sleep 2 && printf '%s\n' "show port stats 0" "stop" "quit"; }
out=$(lines | timeout 30 ip netns exec "$LAB_ROUTER" "$RINGWAY" testpmd "${eal[@]}" --file-prefix="$LAB-ring" \
        --vdev net_ring0 -- -i --socket="$LAB_DIR/ring.sock" 2>&1) || true
sees "what it sends it receives, over and over" "RX-packets: [1-9][0-9]{2,}" cat <<<"$out"
sees_not "no command fails" "failed|error:" cat <<<"$out"

finish
