#!/usr/bin/env bash
# testpmd's commands at ringway's prompt: its session, its labels, its order of effects, and what is not supported.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
start_ringway "$LAB_CONFIG"
in_a ip address add 203.0.113.1/24 dev eth0
in_b ip address add 203.0.113.2/24 dev eth0

step "the session that every user of testpmd types"
sees "show port summary all" "^Port +MAC Address +Name +Driver +Status +Link" rw show port summary all
check "stop" rw stop
sees "set fwd mac" "^Set mac packet forwarding mode" rw set fwd mac
sees "start tells the streams" "^mac packet forwarding - ports=2 - cores=1 - streams=2" rw start
sees "and where each goes" "RX P=0/Q=0 -> TX P=1/Q=0 peer=02:00:00:00:00:01" rw show config fwd
sees "show port stats" "^ +RX-packets: [0-9]+ +RX-missed: 0 +RX-bytes: [0-9]+" rw show port stats all
sees "show port info" "Maximum number of MAC addresses of hash filtering: " rw show port info 0
sees "with its VLAN line" "strip off, filter off, extend off, qinq strip off" rw show port info 0
sees "stop prints cycles" "CPU cycles/packet=.* at [0-9]+ MHz Clock" rw stop

step "changes apply at the next start"
sees "set eth-peer" "02:00:00:00:00:77" rw set eth-peer 1 02:00:00:00:00:77
sees "set txpkts" "packets of 128 bytes" rw set txpkts 128
sees "show config txpkts" "^Segment sizes: 128" rw show config txpkts
refuses "more segments are not supported" "not supported: packets of 2 segments" rw set txpkts 64,64
check "set fwd io retry" rw set fwd io retry
check "start" rw start
sees "show config rxtx has the retries" "retry number=64 - delay between retry=1 us" rw show config rxtx
sees "a change says when" "takes effect at the next .start." rw set fwd csum
sees "io forwards" " 0% packet loss" in_a ping -n -c 2 -i 0.2 -W 2 203.0.113.2
sees "show fwd stats all" "Accumulated forward statistics for all ports" rw show fwd stats all
check "clear fwd stats all" rw clear fwd stats all
check "set record-burst-stats on" rw set record-burst-stats on
check "set record-core-cycles off" rw set record-core-cycles off
sees "one more ping" " 0% packet loss" in_a ping -n -c 1 -W 2 203.0.113.2
sees "bursts are told" "RX-bursts : [0-9]+ \[[0-9]+% of 0 pkts" rw show fwd stats all
sees_not "cycles are not" "CPU cycles" rw stop

# What comes out of B for a damaged datagram from A, in the mode that runs.
damaged() {
    frames <<'PY'
from frames import *
a, b = Cable(os.environ["LAB_A"]), Cable(os.environ["LAB_B"])
a.send(Ether(dst="02:00:5e:00:53:02") / IP(src=A_ADDRESS, dst=B_ADDRESS, id=617, chksum=0x1234) / UDP(sport=1, dport=2, chksum=0x4321) / b"x")
got = b.first(lambda p: p[IP].id == 617, 1)
if check(got is not None, "the datagram comes out"):
    right = IP(bytes(IP(src=A_ADDRESS, dst=B_ADDRESS, id=617) / UDP(sport=1, dport=2) / b"x"))
    check((got[IP].chksum, got[UDP].chksum) == (right.chksum, right[UDP].chksum), "with both checksums right", got)
finish()
PY
}
step "csum"
check "start" rw start
damaged
sees "both are counted" "Bad-ipcsum: 1 +Bad-l4csum: 1" rw show fwd stats all
sees "csum show" "^IP checksum offload is sw" rw csum show 0
refuses "csum set is for stopped ports" "Please stop port 0 first" rw csum set udp sw all
check "stop" rw stop
check "port stop 0" rw port stop 0
refuses "and the device has to be able" "IP checksum offload is not supported by port 0" rw csum set ip hw 0
sees "csum set sw" "^SCTP checksum offload is sw" rw csum set udp sw 0
check "port start 0" rw port start 0

step "5tswap"
check "set fwd 5tswap" rw set fwd 5tswap
check "start" rw start
frames <<'PY'
from frames import *
a, b = Cable(os.environ["LAB_A"]), Cable(os.environ["LAB_B"])
a.send(Ether(src="02:00:5e:00:53:01", dst="02:00:5e:00:53:02") / IP(src=A_ADDRESS, dst=B_ADDRESS, id=618) / UDP(sport=7, dport=9) / b"x")
got = b.first(lambda p: p[IP].id == 618, 1)
if check(got is not None, "the datagram comes out"):
    turned = (got.src, got[IP].src, got[UDP].sport) == ("02:00:5e:00:53:02", B_ADDRESS, 9)
    check(turned, "with addresses and ports turned around", got)
    again = IP(bytes(IP(src=B_ADDRESS, dst=A_ADDRESS, id=618) / UDP(sport=9, dport=7) / b"x"))
    check((got[IP].chksum, got[UDP].chksum) == (again.chksum, again[UDP].chksum), "and both checksums right", got)
finish()
PY

step "verbose"
sees "set verbose" "Change verbose level from 0 to 1" rw set verbose 1
sees "a ping" "packet loss" in_a ping -n -c 1 -W 1 203.0.113.2
check "the packet is in the log" within 5 grep -Eq "port 0/queue 0: received [0-9]+ packets" "$LAB_LOG"
check "with its headers" grep -Eq "type=0x0(800|806) - length=[0-9]+" "$LAB_LOG"
check "and no more" rw set verbose 0

step "flowgen, txonly and start tx_first"
check "stop" rw stop
check "record cycles again" rw set record-core-cycles on
check "set fwd flowgen" rw set fwd flowgen
check "start" rw start
sees "flows reach B" "10.254.0.0.1000 > 10.253" in_b timeout 5 tcpdump -n -i eth0 -Q in -c 1 udp
sees "stop divides by what was sent" "total flowgen packets=[1-9]" rw stop
check "set fwd rxonly" rw set fwd rxonly
check "start tx_first" rw start tx_first 2
sees "two bursts went out of each port" "TX-packets: 64 " rw stop

step "noisy"
check "set fwd noisy" rw set fwd noisy
check "set noisy" rw set noisy reads 5
check "start" rw start
sees "noisy forwards" " 0% packet loss" in_a ping -n -c 2 -i 0.2 -W 2 203.0.113.2

step "ports, pools, cores"
sees "show port macs" "Number of MAC address added: 1" rw show port 0 macs
sees "show rxq info" "^Number of RXDs: [0-9]+" rw show rxq info 0 0
sees "show txq info" "^Number of TXDs: [0-9]+" rw show txq info 1 0
refuses "a queue that is not there" "there is no receive queue 9" rw show rxq info 0 9
sees "show port rx_offload" "^Rx Offloading Capabilities of port 0 :" rw show port 0 rx_offload capabilities
refuses "a driver without RSS says so" "does not support RSS" rw show port 0 rss-hash
sees "dump_mempool" "^mempool <mb_pool_0>" rw dump_mempool
sees "dump_lcores" "role worker 0" rw dump_lcores
check "set burst beyond a poll" rw set burst 64
sees "is explained" "taken 32 at a poll" rw show config rxtx
check "set default" rw set default
sees "takes it back" "packets/burst=32" rw show config rxtx
sees "--json on every show" '"segments"' rw --json show config txpkts

step "files, help, log"
printf '# evening\nset burst 16\nshow config cores\n' >"$LAB_DIR/evening.cli"
sees "load executes a file" "List of forwarding lcores:" rw load "$LAB_DIR/evening.cli"
printf 'set burst 16\nset fwd sideways\nset burst 8\n' >"$LAB_DIR/wrong.cli"
refuses "and names the line that goes wrong" "wrong.cli: line 2: " rw load "$LAB_DIR/wrong.cli"
refuses "a file that is not there" "cannot load /nonexistent: " rw load /nonexistent
sees "help control" "load <file>" rw help control
refuses "help on what is not here" "not supported" rw help traffic_management
check "set log" rw set log global 8
refuses "another log type" "not supported: the log type" rw set log pmd.net.null 8

step "what testpmd has and ringway has not"
for line in "flow create 0 ingress pattern eth / end actions drop / end" "set flow_ctrl rx on 0" "add bonding slave 0 1" \
    "show port 0 fec_mode" "mcast_addr add 0 01:00:5e:00:00:01"; do
    # The words of a line are the words of the command.
    # shellcheck disable=SC2086
    refuses "$line" "not supported: testpmd's" rw $line
done
printf 'show port summary all\ntso set 800 0\nstop\n' >"$LAB_DIR/batch.cli"
refuses "a batch fails at it" "not supported: testpmd's .tso" rw --file "$LAB_DIR/batch.cli"
refuses "what nobody has stays unknown" "word 1" rw frobnicate

step "back to l3"
check "stop" rw stop
check "set fwd l3" rw set fwd l3
check "start" rw start
sees "the router routes" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 198.51.100.2

finish
