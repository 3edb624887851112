#!/usr/bin/env bash
# The forwarding modes that testpmd has: io, mac, macswap, rxonly, txonly, icmpecho; start and stop; and back to l3.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
start_ringway "$LAB_CONFIG"
# In the modes that do not route, A and B share a link.
lab_ipv6
in_a ip address add 2001:db8:99::1/64 dev eth0 nodad
in_b ip address add 2001:db8:99::2/64 dev eth0 nodad
in_a ip address add 203.0.113.1/24 dev eth0
in_b ip address add 203.0.113.2/24 dev eth0

# mode MODE: changes the mode as a user of testpmd would.
mode() {
    rw stop && rw set fwd "$1" && rw start
}

step "stop and start"
sees "l3 forwards" " 0% packet loss" in_a ping -n -c 2 -i 0.2 -W 2 198.51.100.2
sees "stop prints what went through" "(RX|TX)-packets|packets" rw stop
sees "stopped, nothing is forwarded" "100% packet loss" in_a ping -n -c 1 -W 1 198.51.100.2
check "every buffer is accounted for while stopped" audit
check "start" rw start
sees "it forwards again" " 0% packet loss" in_a ping -n -c 2 -i 0.2 -W 2 198.51.100.2

step "io"
check "set fwd io" mode io
sees "A and B see each other as on one cable" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 203.0.113.2
sees "and the TTL stays" "ttl=64" in_a ping -n -c 1 -W 2 203.0.113.2
sees "by IPv6, too" " 0% packet loss" in_a ping -n -6 -c 3 -i 0.2 -W 2 2001:db8:99::2

# What becomes of one frame from A in mode mac and macswap.
changed() {
    MODE=$1 frames <<'PY'
from frames import *
mode = os.environ["MODE"]
a, b = Cable(os.environ["LAB_A"]), Cable(os.environ["LAB_B"])
macs = {port["name"]: port["mac"].lower() for port in ringway("show", "port", "info", "all")["ports"]}
a.send(Ether(src="02:00:5e:00:53:01", dst="02:00:5e:00:53:02") / IP(src=A_ADDRESS, dst=B_ADDRESS, id=616, proto=253))
got = b.first(lambda p: p[IP].id == 616, 1)
if check(got is not None, f"{mode} hands the frame to the other port"):
    wanted = {"mac": ("02:00:00:00:00:01", macs["wan"]), "macswap": ("02:00:5e:00:53:01", "02:00:5e:00:53:02")}[mode]
    check((got.dst, got.src) == wanted, f"{mode} writes the addresses it should", got)
    check(got[IP].ttl == 64, f"{mode} leaves the rest", got)
finish()
PY
}
step "mac and macswap"
check "set fwd mac" mode mac
changed mac
check "set fwd macswap" mode macswap
changed macswap

step "rxonly"
check "set fwd rxonly" mode rxonly
sees "nothing comes out" "100% packet loss" in_a ping -n -c 1 -W 1 203.0.113.2
check "what came in is counted as receive_only" test "$(drop_count receive_only)" -ge 1

step "icmpecho"
check "set fwd icmpecho" mode icmpecho
sees "it answers for whatever address is asked" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 203.0.113.77

sees "of either family" " 0% packet loss" in_a ping -n -6 -c 3 -i 0.2 -W 2 2001:db8:99::77

step "txonly"
lab_background sink "$LAB_B" timeout 20 tcpdump -n -i eth0 -Q in -c 100 -w /dev/null
within 5 grep -q "listening on" "$LAB_DIR/sink.log"
check "set fwd txonly" mode txonly
check "frames pour out" within 10 grep -q "100 packets captured" "$LAB_DIR/sink.log"

step "back to l3"
check "set fwd l3" mode l3
sees "the router routes" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 198.51.100.2
refuses "an unknown mode is refused with the modes there are" "l3.*io|io.*l3" rw set fwd sideways

finish
