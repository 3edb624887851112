#!/usr/bin/env bash
# A scan of a connected /16 changes neither memory nor the forwarding of others.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
# The /16 is the far link's second network; nobody in it answers.
start_ringway - < <(sed 's|"198.51.100.1/24"|"198.51.100.1/24", "198.18.0.1/16"|' "$LAB_CONFIG")

memory() { awk '/^VmRSS/ { print $2 }' "/proc/$RINGWAY_PID/status"; }

step "before"
sees "A reaches B" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 198.51.100.2
before=$(memory)

step "30000 addresses in about 10 seconds, with a ping beside them"
lab_background requests "$LAB_B" tcpdump -n -i eth0 -Q in -w "$LAB_DIR/requests.pcap" arp
in_a ping -n -q -c 100 -i 0.1 -W 2 198.51.100.2 >"$LAB_DIR/ping.txt" &
pinger=$!
in_b ping -n -q -c 100 -i 0.1 -W 2 192.0.2.10 >"$LAB_DIR/ping-back.txt" &
pinger_back=$!
frames <<'PY'
import ipaddress
from frames import *
a, b = cables()
first = int(ipaddress.ip_address("198.18.0.2"))
plain = IP(src=A_ADDRESS, dst="198.18.0.2", ttl=64, proto=253) / Raw(b"scan")
ether = raw(Ether(src=a.mac, dst=a.router, type=0x0800))
most = 0
for number in range(30000):
    address = (first + number).to_bytes(4, "big")
    a.socket.send(ether + header(plain, at_16=address[0], at_17=address[1], at_18=address[2], at_19=address[3]))
    if number % 32 == 0:
        time.sleep(0.01)
    if number % 5000 == 4999:
        most = max(most, len(ringway("show", "neighbor")["neighbors"]))
check(0 < most <= 1024 + 2, f"the neighbor table never has more than its bound, here {most}")
finish()
PY
wait "$pinger" || true
wait "$pinger_back" || true
sees "none of 100 pings beside it is lost" "100 received" cat "$LAB_DIR/ping.txt"
sees "nor of those the other way" "100 received" cat "$LAB_DIR/ping-back.txt"
lab_end requests
requests=$(tcpdump -n -r "$LAB_DIR/requests.pcap" 2>/dev/null | wc -l)
if ((requests < 30000)); then pass "B heard $requests requests, fewer than addresses"; else fail "requests are limited" "$requests"; fi
after=$(memory)
if ((after - before < 2048)); then pass "memory grew by $((after - before)) KiB"; else fail "memory grew by $((after - before)) KiB"; fi

step "and after it"
quiet() { test "$(rw --json show neighbor | jq '[.neighbors[] | select(.state == "incomplete" or .state == "probe")] | length')" -eq 0; }
check "those that did not answer leave the table" within 20 quiet
held() { test "$(rw --json show pool | jq '[.workers[].held] | add')" -eq 0; }
check "and no packet is held for them" within 10 held
sees "A still reaches B" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 198.51.100.2

finish
