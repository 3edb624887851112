#!/usr/bin/env bash
# A scan of a connected /64 changes neither memory nor the forwarding of others, nor does it cost a neighbor its place (RFC 6583).
source "$(dirname "$0")/../../scripts/expect.sh"

B6=2001:db8:2::2

lab_up
start_ringway "$LAB_CONFIG"
lab_ipv6
check "A configures itself" lab_wait6
A6=$(lab_address6 || echo none)

memory() { awk '/^VmRSS/ { print $2 }' "/proc/$RINGWAY_PID/status"; }

step "before"
check "A reaches B" within 10 in_a ping -n -6 -c 1 -W 2 $B6
before=$(memory)

step "30000 addresses in about 10 seconds, with a ping beside them"
lab_background asked "$LAB_B" tcpdump -n -i eth0 -Q in -w "$LAB_DIR/asked.pcap" 'icmp6 and ip6[40] == 135'
within 5 grep -q "listening on" "$LAB_DIR/asked.log"
in_a ping -n -6 -q -c 100 -i 0.1 -W 2 $B6 >"$LAB_DIR/ping.txt" &
pinger=$!
in_b ping -n -6 -q -c 100 -i 0.1 -W 2 "$A6" >"$LAB_DIR/ping-back.txt" &
pinger_back=$!
SCANNER=$A6 frames <<'PY'
import ipaddress
from frames import *
from scapy.layers.inet6 import IPv6

a, b = cables()
packet = bytearray(raw(Ether(src=a.mac, dst=a.router) / IPv6(src=os.environ["SCANNER"], dst="2001:db8:2::", nh=253) / Raw(b"scan")))
most = 0
for number in range(30000):
    packet[14 + 24 + 8:14 + 40] = (0x1_0000 + number * 0x1_0001_0001).to_bytes(8, "big")
    a.socket.send(packet)
    if number % 32 == 0:
        time.sleep(0.01)
    if number % 5000 == 4999:
        most = max(most, len(ringway("show", "neighbor")["neighbors"]))
check(0 < most <= 1024 + 8, f"the neighbor table never has more than its bound, here {most}")
finish()
PY
wait "$pinger" || true
wait "$pinger_back" || true
sees "none of 100 pings beside it is lost" "100 received" cat "$LAB_DIR/ping.txt"
sees "nor of those the other way" "100 received" cat "$LAB_DIR/ping-back.txt"
lab_end asked
asked=$(tcpdump -n -r "$LAB_DIR/asked.pcap" 2>/dev/null | wc -l)
check "B heard $asked solicitations, fewer than addresses" test "$asked" -gt 0 -a "$asked" -lt 30000
after=$(memory)
check "memory grew by $((after - before)) KiB" test $((after - before)) -lt 2048
check "those that waited were answered by address unreachable, at the rate there is" \
    sh -c "'$RINGWAY' cli --socket '$LAB_SOCKET' show icmp | grep -Eq 'ip6-destination-unreachable +[0-9]+ +[1-9]'"

step "and after it"
quiet() { test "$(rw --json show neighbor | jq '[.neighbors[] | select(.state == "incomplete" or .state == "probe")] | length')" -eq 0; }
check "those that did not answer leave the table" within 20 quiet
held() { test "$(rw --json show pool | jq '[.workers[].held] | add')" -eq 0; }
check "and no packet is held for them" within 10 held
sees "A still reaches B" " 0% packet loss" in_a ping -n -6 -c 3 -i 0.1 -W 2 $B6

finish
